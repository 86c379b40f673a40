"""A teacher's reasons as objects one after another: each is known by the line where it begins."""

import json

from finetooth.io import Source
from finetooth.readers.thoughts import READER


def test_the_lines_of_reasons_are_counted_once(tmp_path):
    class Counted(str):
        looked = 0

        def count(self, what, start=0, end=None):
            Counted.looked += (len(self) if end is None else end) - start
            return str.count(self, what, start, end)

    row = {"premise": "A dog.", "hypothesis": "A cat.", "thought_process": "No.", "predicted_label": 0}
    text = "\n\n".join(json.dumps(row, indent=1) for _ in range(50))
    path = tmp_path / "thoughts.json"
    path.write_text(text)
    source = Source(path)
    source.text = Counted(text)
    found = [e.meta["where"] for e in READER.read(source)]
    assert found == [f"{path}:{1 + 7 * i}" for i in range(50)]  # six lines each, and a blank one
    assert Counted.looked <= len(text)
