"""Files of predicted entities and triples: each scored as the reference scores it, gold against itself is 100."""

import json
from pathlib import Path

import pytest

from finetooth import readers, registry
from finetooth.evaluate import predictions
from finetooth.evaluate.score import score

VECTORS = Path(__file__).parents[1].parent / "shared" / "data" / "vectors" / "ner_cases.json"


def scored(gold, found, task="ner"):
    dataset = readers.load(gold, task=task)
    of = registry.task(task)
    matched = predictions.read(found, of, dataset.examples)
    assert not matched.unknown
    report = score(of, dataset.examples, matched.predictions, floors=False, resamples=2)
    return {s.name: s.value for s in report.scores}


def columns(path, *sentences):
    lines = ("\n".join(f"w{i}\t{tag}" for i, tag in enumerate(tags)) for tags in sentences)
    path.write_text("\n\n".join(lines) + "\n", "utf-8")
    return path


@pytest.mark.skipif(not VECTORS.exists(), reason="the reference answers are not here")
@pytest.mark.parametrize("form", ["columns", "json"])
def test_every_reference_case_is_met_from_file_to_score(tmp_path, form):
    for name, case in json.loads(VECTORS.read_text("utf-8"))["cases"].items():
        gold = columns(tmp_path / "gold.conll", case["gold"])
        found = columns(tmp_path / "found.conll", case["pred"])
        if form == "json":
            (example,) = readers.load(gold, task="ner").examples
            found = tmp_path / "found.json"
            found.write_text(json.dumps({example.id: case["pred"]}))
        values, perl = scored(gold, found), case["conlleval_pl"]
        assert values["entity_f1"] == pytest.approx(perl["F1"], abs=0.005), name
        assert values["token_accuracy"] == pytest.approx(perl["acc"], abs=0.005), name
        strict = case["seqeval_strict_IOB2_F1"]
        # seqeval refuses E- and S-; a gold of I- alone is IOB1, of which it calls every entity invalid.
        if not isinstance(strict, str) and any(t[0] == "B" for t in case["gold"]):
            assert values["entity_f1_strict_iob2"] == pytest.approx(100 * strict), name


def test_orphan_tags_of_a_prediction_are_not_repaired(tmp_path):
    gold = columns(tmp_path / "gold.conll", ["B-PER", "I-PER", "O"], ["O", "O", "B-LOC"])
    found = columns(tmp_path / "found.conll", ["I-PER", "I-PER", "O"], ["O", "O", "I-LOC"])
    values = scored(gold, found)
    assert values["entity_f1"] == 100  # as conlleval counts
    assert values["entity_f1_strict_iob2"] == 0
    assert values["token_accuracy"] == pytest.approx(100 * 4 / 6)
