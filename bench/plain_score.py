"""Scores a model that bench/plain_trainer.py saved, with the windows, decoding and metrics of ``finetooth evaluate``.

python bench/plain_score.py runs/plain0 --data v1.1-dev.json
"""

from __future__ import annotations

import argparse
from pathlib import Path

from finetooth import config, readers, registry
from finetooth.evaluate.score import score
from finetooth.models.load import build_head


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", required=True)
    args = parser.parse_args()

    from transformers import AutoModelForQuestionAnswering

    task = registry.task("qa")
    data = readers.load(args.data, task="qa")
    head = build_head(task, config.ModelConfig(name=str(args.model)), (), "span", args.model)
    model = AutoModelForQuestionAnswering.from_pretrained(args.model).eval()
    report = score(task, data.examples, head.predict(model, data.examples), floors=False)
    for s in report.scores:
        print(f"{s.name} {s.value:.2f} [{s.low:.2f}, {s.high:.2f}] of {s.n}")


if __name__ == "__main__":
    main()
