"""More documents from documents: labels move with the text, and what breaks a check is dropped by name."""

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from finetooth import checks, readers, registry
from finetooth.augment import distance, order, swap
from finetooth.augment.edit import Edited, Piece, Skip, apply, replaced
from finetooth.augment.run import augment, each
from finetooth.cli import main
from finetooth.types import Dataset

DOCIE = Path(__file__).parents[2] / "shared" / "data" / "docie"

DOCUMENT = {
    "id": "d1",
    "text": (
        "Ada Lovelace joined Analytic Engines Group in 1843. Lovelace wrote notes. The AEG office was in London. "
        "It rained often. London had many clerks. An honest man, Tom Reed, kept the books."
    ),
    "entities": [
        {"type": "PERSON", "mentions": ["Ada Lovelace", "Lovelace"]},
        {"type": "ORG", "mentions": ["Analytic Engines Group", "AEG"]},
        {"type": "DATE", "mentions": ["1843"]},
        {"type": "GPE", "mentions": ["London"]},
        {"type": "PERSON", "mentions": ["Tom Reed"]},
    ],
    "triples": [
        {"head": "Lovelace", "relation": "Joined", "tail": "AEG"},
        {"head": "Analytic Engines Group", "relation": "SeatedIn", "tail": "London"},
    ],
}
OTHER = {
    "id": "d2",
    "text": "Grace Brewster Hopper left Great Northern Bank in 1906. Hopper went to Oslo with the GNB files.",
    "entities": [
        {"type": "PERSON", "mentions": ["Grace Brewster Hopper", "Hopper"]},
        {"type": "ORG", "mentions": ["Great Northern Bank", "GNB"]},
        {"type": "DATE", "mentions": ["1906"]},
        {"type": "GPE", "mentions": ["Oslo"]},
    ],
    "triples": [{"head": "Hopper", "relation": "Left", "tail": "GNB"}],
}


def relation(*rows):
    task = registry.task("relation")
    return Dataset("relation", [task.from_row(r, r["id"]) for r in rows], "test", "relation-rows", "")


def ner(*rows):
    task = registry.task("ner")
    return Dataset("ner", [task.from_row(r, r["id"]) for r in rows], "test", "ner-rows", "")


def stands(example):
    """Whether every span is on its text, whatever the task."""
    if hasattr(example.inputs, "entities"):
        spans = [m for e in example.inputs.entities for m in e.mentions]
    else:
        spans = example.target.entities
    return bool(spans) and all(example.inputs.text[m.start : m.end] == m.text for m in spans)


def errors(data, examples):
    found = checks.run(replace(data, examples=tuple(examples))).findings
    return [f for f in found if f.severity == "error"]


def write(path, *rows):
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), "utf-8")
    return path


def test_every_offset_of_a_changed_text_is_computed():
    edited = Edited("Ada left Rome.", replaced("Ada left Rome.", {(0, 3): "Grace", (9, 13): "Oslo"}))
    assert edited.text == "Grace left Oslo."
    assert [edited.span(*s) for s in ((0, 3), (9, 13), (4, 8), (0, 13))] == [
        (0, 5),
        (11, 15),
        (6, 10),
        (0, 15),
    ]
    assert edited.span(1, 3) is None  # half of a name that is no more


def test_a_span_that_was_torn_apart_is_gone():
    edited = Edited("one two three", (Piece(8, 13), Piece(7, 8), Piece(0, 7)))
    assert edited.text == "three one two"
    assert edited.span(0, 7) == (6, 13)
    assert edited.span(4, 13) is None


def test_all_mentions_of_an_entity_get_the_new_name_in_its_form():
    data = relation(DOCUMENT, OTHER)
    pool = swap.pool_of(data.examples[1:])
    seen = set()
    for seed in range(12):
        made = swap.swap(data.examples[0], random.Random(seed), pool=pool, share=1.0)
        text = made.inputs.text
        seen.add(text)
        assert stands(made)
        assert [(t.relation, t.head, t.tail) for t in made.target.triples] == [
            ("Joined", 0, 1),
            ("SeatedIn", 1, 3),
        ]
        assert not errors(data, [made])
        if "Grace Brewster Hopper joined" in text:
            assert "Hopper wrote notes" in text
            assert "Lovelace" not in text
            assert made.target.triples[0].head_text == "Hopper"
        if "Great Northern Bank" in text:
            assert "The GNB office" in text
            assert "AEG" not in text
    assert any("Grace Brewster Hopper joined" in t for t in seen)
    assert any("Great Northern Bank" in t for t in seen)
    assert any("Tom Reed joined" in t and "Ada Lovelace, kept" in t for t in seen)  # within the document


def test_an_article_still_agrees_with_the_name_after_it():
    row = {"id": "a", "text": "He saw an Emu.", "entities": [{"start": 10, "end": 13, "type": "MISC"}]}
    names = [
        {"id": n, "text": n, "entities": [{"start": 0, "end": len(n), "type": "MISC"}]}
        for n in ("Crow", "Owl")
    ]
    pool = swap.pool_of(ner(*names).examples)
    for seed in range(6):
        made = swap.swap(ner(row).examples[0], random.Random(seed), pool=pool)
        assert made.inputs.text == "He saw an Owl."


def test_a_name_that_overlaps_or_stands_unlabelled_is_left_alone():
    row = {
        "id": "a",
        "text": "Rome Opera moved. Paris waited, and Paris slept.",
        "entities": [
            {"start": 0, "end": 10, "type": "LOC"},
            {"start": 0, "end": 4, "type": "LOC"},
            {"start": 18, "end": 23, "type": "LOC"},
        ],
    }
    pool = swap.pool_of(
        ner({"id": "b", "text": "Oslo", "entities": [{"start": 0, "end": 4, "type": "LOC"}]}).examples
    )
    with pytest.raises(Skip, match=r"overlap.*unlabelled"):
        swap.swap(ner(row).examples[0], random.Random(0), pool=pool)


def test_tags_and_tokens_follow_a_swap_to_a_longer_name():
    row = {"id": "a", "tokens": ["Ada", "left", "Rome", "."], "tags": ["B-PER", "O", "B-LOC", "O"]}
    long = {"id": "b", "tokens": ["New", "York", "City"], "tags": ["B-LOC", "I-LOC", "I-LOC"]}
    data = ner(row, long)
    made = swap.swap(data.examples[0], random.Random(1), pool=swap.pool_of(data.examples[1:]), share=1.0)
    assert [t.text for t in made.inputs.tokens] == ["Ada", "left", "New", "York", "City", "."]
    assert made.target.tags == ("B-PER", "O", "B-LOC", "I-LOC", "I-LOC", "O")
    row = registry.task("ner").to_row(made)
    assert registry.task("ner").from_row(row, "x").target.entities == made.target.entities


def test_a_dropped_sentence_carries_no_triple_and_leaves_no_pronoun_behind():
    data = relation(DOCUMENT)
    example = data.examples[0]
    texts = {order.drop(example, random.Random(seed), share=0.4).inputs.text for seed in range(20)}
    for seed in range(20):
        made = order.drop(example, random.Random(seed), share=0.4)
        assert stands(made)
        assert len(made.target.triples) == 2
        assert not errors(data, [made])
    assert all("joined" in t and "office was in London. It rained" in t for t in texts)
    assert any("clerks" not in t for t in texts)
    assert any("Tom Reed" not in t for t in texts)


def test_an_entity_that_was_only_in_a_dropped_sentence_goes_with_it():
    for seed in range(20):
        made = order.drop(relation(DOCUMENT).examples[0], random.Random(seed), share=0.4)
        names = {e.name for e in made.inputs.entities}
        assert ("Tom Reed" in names) == ("Tom Reed" in made.inputs.text)


def test_a_triple_that_would_lose_an_end_is_a_reason():
    example = relation(DOCUMENT).examples[0]
    with pytest.raises(Skip, match="Joined would lose an end"):
        apply(example, [Piece(53, len(example.inputs.text))])


def test_shuffled_sentences_take_their_labels_and_evidence_along():
    text = "Ada was born. Bob left Rome. Cid came. Dora slept. Eve sang."
    starts = [0, 14, 29, 39, 51]
    ends = [13, 28, 38, 50, 60]
    row = {
        "id": "s",
        "text": text,
        "sentences": [list(p) for p in zip(starts, ends, strict=True)],
        "entities": [
            {"type": "PER", "mentions": [{"start": 14, "end": 17, "text": "Bob"}]},
            {"type": "LOC", "mentions": [{"start": 23, "end": 27, "text": "Rome"}]},
        ],
        "triples": [{"head": 0, "relation": "Left", "tail": 1, "evidence": [1]}],
    }
    example = relation(row).examples[0]
    for seed in range(10):
        made = order.shuffle(example, random.Random(seed))
        assert made.inputs.text != text
        assert made.inputs.text.startswith("Ada was born. ")
        assert sorted(made.inputs.text.rstrip(".").split(". ")) == sorted(text.rstrip(".").split(". "))
        assert stands(made)
        (e,) = made.target.triples[0].evidence
        a, b = made.inputs.sentences[e]
        assert made.inputs.text[a:b] == "Bob left Rome."


def test_a_document_of_one_sentence_says_why_it_stays():
    example = ner(
        {"id": "a", "text": "Ada left.", "entities": [{"start": 0, "end": 3, "type": "PER"}]}
    ).examples[0]
    for method in (order.drop, order.shuffle):
        with pytest.raises(Skip, match="sentence"):
            method(example, random.Random(0))


def test_words_edited_are_counted_as_in_the_textbook():
    def table(a, b):
        row = list(range(len(b) + 1))
        for i, x in enumerate(a, 1):
            before, row[0] = row[0], i
            for j, y in enumerate(b, 1):
                before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
        return row[-1]

    rng = random.Random(0)
    for _ in range(200):
        a, b = ("".join(rng.choice("abc") for _ in range(rng.randrange(9))) for _ in range(2))
        assert distance.levenshtein(a, b) == table(a, b)
    assert distance.edit_share("Ada left Rome .", "Ada left Oslo .") == 0.25


def test_what_breaks_a_check_is_dropped_with_the_check_and_one_failure_is_one_document():
    def bad(example, rng, number):
        if example.id == "d2":
            raise ZeroDivisionError("boom")
        text = example.inputs.text
        return replace(example, inputs=replace(example.inputs, text=text + " [MASK]."))

    made = augment(relation(DOCUMENT, OTHER), {"bad": each(bad), "drop": each(order.drop)}, times=1)
    reasons = {d.example_id: (d.stage, d.reason) for d in made.dropped}
    assert reasons["d1#bad1"][0] == "check"
    assert "leftover-tag" in reasons["d1#bad1"][1]
    assert reasons["d2#bad1"] == ("bad", "failed: ZeroDivisionError: boom")
    assert made.report["made"] == 1
    assert made.report["kept"] == 0


def test_documents_with_errors_and_copies_of_copies_are_not_augmented():
    broken = {**OTHER, "entities": [*OTHER["entities"], {"type": "PERSON", "mentions": ["Nobody"]}]}
    copy = {**DOCUMENT, "id": "d3", "meta": {"aug_method": "swap", "source": "d1"}}
    made = augment(relation(DOCUMENT, broken, copy), {"drop": each(order.drop)}, times=1)
    assert {(d.example_id, d.stage) for d in made.dropped} >= {("d2", "clean"), ("d3", "clean")}
    assert made.report["clean"] == 1


def test_a_triple_that_no_entity_bears_is_mended_and_does_not_cost_the_document():
    lost = {"head": "Nobody", "relation": "Left", "tail": "GNB"}
    unsure = {"head": "Grace Brewster Hoppers", "relation": "Left", "tail": "GNB"}  # near, but who knows
    broken = {**OTHER, "triples": [*OTHER["triples"], lost, unsure]}
    made = augment(relation(broken), {"drop": each(order.drop)}, times=1)
    assert made.report["clean"] == 1
    assert [m["check"] for m in made.report["mended"]] == ["triple-end-is-no-mention"] * 2
    assert all(len(e.target.triples) == 1 for e in made.examples)


def test_the_same_text_twice_is_kept_once():
    made = augment(relation(DOCUMENT), {"same": each(lambda e, rng, n: e)}, times=2)
    assert not made.copies
    assert {d.reason for d in made.dropped} == {"the same text stands already: d1"}


def run(capsys, *words):
    code = main(["augment", *map(str, words), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_on_the_command_line(tmp_path, capsys):
    data = write(tmp_path / "train.jsonl", DOCUMENT, OTHER)
    out = tmp_path / "more.jsonl"
    code, report = run(capsys, data, "--out", out, "--times", 3, "--seed", 4)
    assert code == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    lost = [json.loads(line) for line in (tmp_path / "more.dropped.jsonl").read_text().splitlines()]
    assert report["asked"] == 6 == report["kept"] + sum(d["stage"] != "clean" for d in lost)
    assert report["rows"] == len(rows) == 2 + report["kept"]
    copy = next(r for r in rows if r["id"] == "d1#swap1")
    assert copy["meta"] == {"aug_method": "swap", "source": "d1"}
    assert all(m["kept_share"] is not None for m in report["methods"])
    assert main(["check", str(out)]) == 0
    capsys.readouterr()
    again = tmp_path / "again.jsonl"
    _, second = run(capsys, data, "--out", again, "--times", 3, "--seed", 4)
    assert again.read_bytes() == out.read_bytes()
    assert second["fingerprint"] == report["fingerprint"]


def test_names_may_come_from_another_training_file(tmp_path, capsys):
    data = write(tmp_path / "train.jsonl", DOCUMENT)
    pool = write(tmp_path / "more_train.jsonl", OTHER)
    out = tmp_path / "out.jsonl"
    run(capsys, data, "--out", out, "--methods", "swap", "--times", 6, "--pool", pool, "--copies-only")
    text = out.read_text()
    assert "Hopper" in text or "Great Northern Bank" in text or "Oslo" in text


@pytest.mark.parametrize("name", ["dev.jsonl", "wiki_test.jsonl", "dev/a.jsonl", "meta.jsonl"])
def test_dev_and_test_are_refused_and_the_reason_is_given(tmp_path, capsys, name):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    write(path, {**DOCUMENT, "meta": {"split": "validation"}} if name == "meta.jsonl" else DOCUMENT)
    out = tmp_path / "out.jsonl"
    code, told = run(capsys, path, "--out", out)
    assert code == 2
    assert "compares with nobody" in told["error"]["what"]
    assert "--allow-dev" in told["error"]["cure"]
    assert not out.exists()
    assert run(capsys, path, "--out", out, "--allow-dev", "--methods", "drop,swap")[0] == 0


@pytest.mark.parametrize(
    ("words", "what"), [(("--methods", "swop"), "no method 'swop'"), (("--methods", ","), "names none")]
)
def test_bad_usage_is_one_line(tmp_path, capsys, words, what):
    data = write(tmp_path / "train.jsonl", DOCUMENT)
    code, told = run(capsys, data, "--out", tmp_path / "out.jsonl", *words)
    assert code == 2
    assert what in told["error"]["what"]


def test_other_tasks_and_writing_over_the_data_are_refused(tmp_path, capsys):
    row = {
        "id": "q",
        "context": "Ada left.",
        "question": "Who left?",
        "answers": {"text": ["Ada"], "answer_start": [0]},
    }
    qa = write(tmp_path / "qa.jsonl", row, {**row, "id": "r"})
    code, told = run(capsys, qa, "--out", tmp_path / "out.jsonl")
    assert code == 2
    assert "qa cannot be augmented" in told["error"]["what"]
    data = write(tmp_path / "train.jsonl", DOCUMENT)
    before = data.read_bytes()
    assert run(capsys, data, "--out", data)[0] == 2
    assert data.read_bytes() == before


def test_check_tells_fitness_by_method(tmp_path, capsys):
    data, out = write(tmp_path / "train.jsonl", DOCUMENT, OTHER), tmp_path / "out.jsonl"
    run(capsys, data, "--out", out, "--times", 2)
    main(["check", str(out), "--json"])
    origins = json.loads(capsys.readouterr().out)["origins"]
    assert {(o["slice"], o["share"]) for o in origins} >= {("none", 1.0), ("swap", 1.0)}


def test_four_copies_of_docie_bring_no_error():
    if not (DOCIE / "train").is_dir():
        pytest.skip("DocIE is not here")
    data = readers.load(DOCIE / "train", task="relation")
    methods = {
        "swap": each(swap.as_swap(swap.pool_of(data.examples))),
        "drop": each(order.drop),
        "shuffle": each(order.shuffle),
    }
    made = augment(data, methods, times=4, seed=1)
    assert not errors(data, made.examples)
    assert all(map(stands, made.copies))
    assert made.report["kept_share"] > 0.7
