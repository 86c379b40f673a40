"""100,000 fuzzed outputs through the extraction of labels: no exception, and what came of them.

python bench/teach_fuzz.py [--n 100000] [--seed 0]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from test_extract_labels import TASK, example, fuzzed

from finetooth.tasks.nli_outputs import read


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--n", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    raised: list[str] = []
    began = time.monotonic()
    for text in fuzzed(options.n, options.seed):
        try:
            found = read(text, ("0", "1"))
            TASK.parse(text, example(1))
        except Exception as e:  # what this script looks for
            raised.append(f"{type(e).__name__}: {text[:80]!r}")
            continue
        counts[found.failure or "a label"] += 1
    seconds = time.monotonic() - began
    print(json.dumps({"texts": options.n, "raised": len(raised), "first": raised[:3], "outcomes": dict(counts.most_common()),
                      "seed": options.seed, "seconds": round(seconds, 1)}, indent=1))  # fmt: skip
    return 1 if raised else 0


if __name__ == "__main__":
    sys.exit(main())
