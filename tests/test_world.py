"""The built-in world: readable, the same for one seed, clean by our own checks, and spoilt as told."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from finetooth import checks, generate, io, readers, registry
from finetooth.cli import main
from finetooth.errors import UsageError
from finetooth.generate import defects, names
from finetooth.generate.kinds import SLOT, STYLES, facts, kinds, relation_names
from finetooth.generate.prose import document, documents, stray
from finetooth.generate.world import World

FACTS = [pytest.param(k, f, id=f"{k.name}-{f.name}") for k in kinds().values() for f in k.facts]


def dataset(rows, task, path):
    io.write_jsonl(path, rows)
    return readers.load(path, task=task)


def some(n, seed=5):
    world = World(seed)
    return [document(world, i) for i in range(n)]


@pytest.mark.parametrize(("kind", "fact"), FACTS)
def test_a_fact_is_told_in_every_style_and_every_wording_tells_all_of_it(kind, fact):
    record = kind.draw(World(0), 1, np.random.default_rng(0))
    assert set(fact.slots) <= set(record.values)
    for style in STYLES:
        assert len(set(fact.told[style])) >= 3
        for wording in fact.told[style]:
            named = {m[1] for m in SLOT.finditer(wording)}
            assert set(fact.slots) <= named <= set(record.values), wording
    for slot, questions in fact.asks.items():
        assert slot in fact.slots
        assert len(questions) >= 3
        for question in questions:
            assert slot not in {m[1] for m in SLOT.finditer(question)}, "the question holds its answer"
            assert question.endswith("?")
    for head, _, tail in fact.relations:
        for wording in (w for told in fact.told.values() for w in told):
            assert {head, tail} <= {m[1] for m in SLOT.finditer(wording)} | {kind.key}, wording
    for slot, claim in fact.claims:
        assert f"{{{slot}" in claim


def test_a_block_of_facts_says_which_line_is_none():
    with pytest.raises(ValueError, match="poem"):
        facts("== a: b\npoem: {b}")


def test_one_string_means_one_thing():
    stems = {a + b for a in names.STEM_STARTS for b in names.STEM_ENDS}
    lists = [set(names.FIRST_NAMES), set(names.LAST_NAMES), set(names.CITIES), set(names.MONTHS), stems]
    for i, one in enumerate(lists):
        assert all(not one & other for other in lists[:i])
    words = {
        w
        for _, fact in ((p.values[0], p.values[1]) for p in FACTS)
        for t in fact.told.values()
        for s in t
        for w in re.findall(r"\w+", SLOT.sub("", s))
    }
    assert not words & set().union(*lists)


def test_a_document_is_the_same_wherever_it_is_drawn_from():
    first = [d for d, _ in zip(documents(3), range(6), strict=False)]
    assert [d.text for d in first][4:] == [document(World(3), n).text for n in (4, 5)]
    assert first[0].text != document(World(4), 0).text


def test_what_is_placed_stands_there_and_nowhere_else():
    for d in some(120):
        for p in d.placed:
            assert p.text(d) == p.value.form(p.form) == d.record(p.record).values[p.slot].form(p.form)
        assert not stray(d)
        for told, record in zip(d.told, range(len(d.records)), strict=True):
            for fact in told:
                assert all(d.at(record, fact.name, slot) for slot in fact.slots)


def test_the_styles_differ_and_all_occur():
    found = {d.style for d in some(60)}
    assert found == set(STYLES)


@pytest.mark.parametrize("task", generate.VIEWS)
class TestViews:
    def test_rows_are_our_own_and_come_back(self, task):
        t = registry.task(task)
        rows = generate.make(task, 60, seed=1).rows
        assert len(rows) == len({r["id"] for r in rows}) == 60
        for row in rows:
            assert t.to_row(t.from_row(row, "here")) == row

    def test_one_seed_makes_one_result_and_more_rows_begin_with_the_same(self, task):
        one, more = generate.make(task, 40, seed=1).rows, generate.make(task, 90, seed=1).rows
        assert one == more[:40]
        assert one != generate.make(task, 40, seed=2).rows

    def test_clean_rows_pass_the_checks(self, task, tmp_path):
        train = dataset(generate.make(task, 400, seed=1).rows, task, tmp_path / "a.jsonl")
        dev = dataset(generate.make(task, 150, seed=2).rows, task, tmp_path / "b.jsonl")
        report = checks.run(train, against=dev)
        told = [f for f in report.findings if f.severity != "info"]
        assert told == []

    def test_what_is_planted_is_what_differs(self, task):
        clean = generate.make(task, 200, seed=1)
        other = generate.make(task, 50, seed=2).rows
        for name, kind in defects.kinds(task).items():
            made = generate.plant_in(clean, {name: 0.1}, seed=1, other=other)
            changed = {a["id"] for a, b in zip(clean.rows, made.rows, strict=True) if a != b}
            assert changed == {p.id for p in made.planted}
            assert {p.defect for p in made.planted} == {name}
            units = sum(len(r[kind.unit]) if kind.unit else 1 for r in clean.rows)
            assert len(made.planted) == pytest.approx(0.1 * units, abs=0.51)
            assert kind.summary
            assert {c.name for c in registry.checks(task)} >= set(kind.tells)


def test_questions_have_answers_of_many_kinds_at_their_place():
    rows = generate.make("qa", 400, seed=1).rows
    for row in rows:
        answers = row["answers"]
        for text, start in zip(answers["text"], answers["answer_start"], strict=True):
            assert row["context"].startswith(text, start)
    begins = {r["question"].split()[0] for r in rows}
    assert {"Who", "When", "Which", "What", "How", "Where", "In"} <= begins


def test_the_same_thing_is_never_asked_of_two_records_at_once():
    for row, d in zip(*(lambda m: (m.rows, m.documents))(generate.make("qa", 400, seed=6)), strict=True):
        if len(d.records) > 1:
            things = {p.text(d) for p in d.placed}
            assert (
                any(t in row["question"] for t in things)
                or "message" in row["question"]
                or "e-mail" in row["question"]
            )


def test_checks_find_what_offsets_and_copies_and_cuts_were_planted(tmp_path):
    other = generate.make("qa", 200, seed=2).rows
    rates = dict.fromkeys(("shifted-offset", "duplicated", "leaked", "truncated-context"), 0.05)
    made = generate.make("qa", 600, seed=1, defects=rates, other=other)
    report = checks.run(
        dataset(made.rows, "qa", tmp_path / "a"), against=dataset(other, "qa", tmp_path / "b")
    )
    for found in defects.found("qa", made.planted, report.findings):
        assert found.planted == 30
        assert found.recall >= 0.9, found
        assert found.any_precision >= 0.95, found


def test_bad_rates_are_refused():
    for rates, match in (
        ({"typo": 0.1}, "typo"),
        ({"leaked": 0.1}, "leak-from"),
        ({"duplicated": 1.2}, "share"),
        ({"duplicated": 0.6, "wrong-answer": 0.6}, "1.2"),
    ):
        with pytest.raises(UsageError, match=match):
            generate.make("qa", 10, seed=0, defects=rates)


def test_the_command_writes_rows_truth_and_one_document(tmp_path, capsys):
    out = tmp_path / "train.jsonl"
    assert (
        main(["generate", "qa", "--n", "50", "--seed", "1", "--out", str(out), "--noise", "0.2", "--json"])
        == 0
    )
    told = json.loads(capsys.readouterr().out)
    assert told["rows"] == 50 == len(out.read_text().splitlines())
    truth = [json.loads(x) for x in (tmp_path / "train.truth.jsonl").read_text().splitlines()]
    assert sum(told["defects"].values()) == len(truth) == 10


@pytest.mark.parametrize(
    "words",
    [
        "poem",
        "qa --n 0",
        "qa --defects shifted-offset",
        "qa --defects nonsense=0.1",
        "qa --noise 2",
        "qa --seed -1",
        "qa --records 4",
        "qa --boost 3",
        "json --noise 0.1",
        "json --n 5 --repair nothing.jsonl",
    ],
)
def test_the_command_says_what_is_wrong(words, tmp_path, capsys):
    assert main(["generate", *words.split(), "--out", str(tmp_path / "x")]) == 2
    assert "error: " in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_the_command_makes_and_mends_json(tmp_path, capsys):
    out, mended, folder = tmp_path / "a.jsonl", tmp_path / "b.jsonl", tmp_path / "schemas"
    assert main(["generate", "json", "--n", "60", "--out", str(out), "--schemas", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    lines = out.read_text("utf-8").splitlines()
    assert told["rows"] == len(lines) == 60
    assert len(list(folder.glob("*.json"))) == len(told["schemas"])
    bad = json.loads(lines[3])
    bad["expected_output"] = {"nothing": 1}
    lines[3] = json.dumps(bad)
    out.write_text("\n".join(lines) + "\n", "utf-8")
    assert main(["generate", "json", "--repair", str(out), "--out", str(mended), "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)["repaired"]) == [bad["id"]]
    again = mended.read_text("utf-8").splitlines()
    assert [i for i, (a, b) in enumerate(zip(lines, again, strict=True)) if a != b] == [3]


def test_inference_has_as_many_rows_a_label_and_reasons_that_say_so():
    rows = generate.make("nli", 300, seed=1).rows
    assert {r["label"] for r in rows} == {"entailment", "neutral", "contradiction"}
    assert all(
        sum(r["label"] == label for r in rows) > 80 for label in ("entailment", "neutral", "contradiction")
    )
    sentences = {r["hypothesis"] for r in rows}
    assert len(sentences) > 290
    # The word for a bound is no sign of the label.
    bounds = [r["label"] for r in rows if " than " in r["hypothesis"]]
    assert len(set(bounds)) == 3


def test_neither_the_hypothesis_nor_shared_words_tell_the_label(tmp_path):
    shortcuts = ("hypothesis-only-predictability", "overlap-heuristic")
    for seed in (3, 4):
        data = dataset(generate.make("nli", 600, seed=seed).rows, "nli", tmp_path / f"{seed}")
        assert checks.run(data, only=shortcuts).findings == ()


def test_a_triple_is_stated_only_where_the_text_names_both_ends():
    made = generate.make("relation", 80, seed=1)
    for row in made.rows:
        for triple in row["triples"]:
            for end in ("head", "tail"):
                mention = row["entities"][triple[end]]["mentions"][0]
                assert row["text"][mention["start"] : mention["end"]] == mention["text"]


def test_a_missing_entity_takes_its_triples_along():
    clean = generate.make("relation", 60, seed=1)
    made = generate.plant_in(clean, {"missed-entity": 0.2}, seed=3)
    for a, b in zip(clean.rows, made.rows, strict=True):
        gone = {json.dumps(p.was["entity"]["mentions"]) for p in made.planted if p.id == a["id"]}
        kept = [e for e in a["entities"] if json.dumps(e["mentions"]) not in gone]
        assert b["entities"] == kept
        said = {
            (a["entities"][t["head"]]["name"], t["relation"], a["entities"][t["tail"]]["name"])
            for t in a["triples"]
            if all(a["entities"][t[k]] in kept for k in ("head", "tail"))
        }
        assert said == {
            (kept[t["head"]]["name"], t["relation"], kept[t["tail"]]["name"]) for t in b["triples"]
        }


def test_checks_find_what_was_planted_in_the_other_tasks(tmp_path):
    least = {
        "wrong-type": 0.4,
        "missed-entity": 0.15,
        "flipped-label": 0.5,
        "duplicated": 0.95,
        "swapped-arguments": 0.3,
    }
    for task, rate, kinds_of in (
        ("ner", 0.05, ("wrong-type", "missed-entity")),
        ("relation", 0.01, ("swapped-arguments",)),
        ("nli", 0.05, ("flipped-label", "duplicated")),
    ):
        made = generate.make(task, 400, seed=1, defects=dict.fromkeys(kinds_of, rate))
        for found in defects.found(
            task, made.planted, checks.run(dataset(made.rows, task, tmp_path / task)).findings
        ):
            assert found.recall >= least[found.defect], found
            assert found.any_precision >= 0.9, found


def test_the_page_lists_every_kind_of_defect_and_how_many_relations_there_are():
    page = (Path(__file__).parents[1] / "docs" / "generate.md").read_text("utf-8")
    for task in generate.VIEWS:
        for kind in defects.kinds(task).values():
            assert f"| {task} | `{kind.name}` |" in page
    assert f"{len(relation_names())} relations" in page
    assert f"{len(names.CITIES)} towns" in page
