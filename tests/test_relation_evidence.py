"""DocRED's evidence, relations that are none or go both ways, entities listed twice, documents without labels."""

import copy
import json

import pytest

from finetooth import checks, readers
from finetooth.checks import relation_evidence

CHECKS = tuple(
    c.name for c in vars(relation_evidence).values() if getattr(c, "run", None) and hasattr(c, "severity")
)


def documents(n=44):
    """Documents of two sentences with one triple; its evidence is the first sentence."""

    def mention(name, pos):
        return [{"name": name, "sent_id": 0, "pos": [pos, pos + 1], "type": "PER"}]

    return [
        {
            "title": f"T{i}",
            "sents": [[f"Ada{i}", "raised", f"Bo{i}", "."], ["It", "rained", "."]],
            "vertexSet": [mention(f"Ada{i}", 0), mention(f"Bo{i}", 2)],
            "labels": [{"h": 0, "t": 1, "r": "P40", "evidence": [0]}],
        }
        for i in range(n)
    ]


def found(tmp_path, rows):
    path = tmp_path / "docred.json"
    path.write_text(json.dumps(rows))
    report = checks.run(readers.load(path, task="relation"), only=CHECKS)
    return [(f.check, f.severity, f.example_id) for f in report.findings]


def test_clean_documents_have_none(tmp_path):
    assert len(CHECKS) == 8
    assert found(tmp_path, documents()) == []


@pytest.mark.parametrize(
    ("evidence", "check", "severity"),
    [
        ([99], "evidence-not-in-document", "error"),
        ([-1], "evidence-not-in-document", "error"),
        ([2], "evidence-not-in-document", "error"),
        ([0, 0], "evidence-not-in-document", "warning"),
        ([1], "evidence-without-ends", "warning"),
        ([], "evidence-missing", "warning"),
    ],
)
def test_evidence_is_held_against_the_document(tmp_path, evidence, check, severity):
    rows = documents()
    rows[3]["labels"][0]["evidence"] = evidence
    assert found(tmp_path, rows) == [(check, severity, "T3")]


def test_an_end_by_another_name_or_by_a_word_of_its_kin_is_evidence(tmp_path):
    rows = documents()
    rows[3]["sents"][1] = ["The", "Swedish", "singer", "came", "."]
    rows[3]["sents"][0] = ["Sweden", "raised", "Bo3", "."]
    rows[3]["vertexSet"][0][0]["name"] = "Sweden"
    rows[3]["labels"][0]["evidence"] = [1]
    assert found(tmp_path, rows) == []


def test_evidence_that_is_missing_by_design_is_not_told(tmp_path):
    rows = documents()
    for row in rows[:20]:
        row["labels"][0]["evidence"] = []
    assert found(tmp_path, rows) == []


@pytest.mark.parametrize("relation", ["", " ", "Na", "no_relation"])
def test_a_relation_that_says_there_is_none(tmp_path, relation):
    rows = documents()
    rows[3]["labels"][0]["r"] = relation
    assert found(tmp_path, rows) == [("relation-that-is-none", "error", "T3")]
    for row in rows[:22]:
        row["labels"][0]["r"] = "no_relation"
    assert [f for f in found(tmp_path, rows) if not f[2]] == [("relation-that-is-none", "warning", "")]


def test_both_ways_is_told_where_the_relation_goes_one_way_everywhere_else(tmp_path):
    rows = documents()
    back = {"h": 1, "t": 0, "r": "P40", "evidence": [0]}
    rows[3]["labels"].append(back)
    assert found(tmp_path, rows) == [("relation-both-ways", "warning", "T3")]
    # Of spouses every pair is.
    for row in rows:
        row["labels"] = [row["labels"][0], dict(back)]
    assert found(tmp_path, rows) == []


def test_one_mention_of_two_entities_blank_words_and_documents_without_labels(tmp_path):
    rows = documents()
    rows[3]["vertexSet"].append(copy.deepcopy(rows[3]["vertexSet"][0]))
    rows[4]["sents"][1].append("")
    del rows[5]["labels"]
    assert set(found(tmp_path, rows)) == {
        ("unlabelled-document", "warning", "T5"),
        ("mention-in-two-entities", "warning", "T3"),
        ("blank-token", "info", ""),
    }
    for row in rows:
        row.pop("labels", None)
    assert "unlabelled-document" not in {check for check, _, _ in found(tmp_path, rows)}
