"""More documents from documents: labels move with the text, and what breaks a check is dropped by name."""

import json
import random
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from teacher_server import Server, serving

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
    broken = {**OTHER, "triples": [{"head": "Nobody", "relation": "Left", "tail": "GNB"}]}
    copy = {**DOCUMENT, "id": "d3", "meta": {"aug_method": "swap", "source": "d1"}}
    made = augment(relation(DOCUMENT, broken, copy), {"drop": each(order.drop)}, times=1)
    assert {(d.example_id, d.stage) for d in made.dropped} >= {("d2", "clean"), ("d3", "clean")}
    assert made.report["clean"] == 1


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


@pytest.fixture(scope="module")
def masked_model(tmp_path_factory):
    """A tiny BERT with a masked language head, weights drawn at random."""
    import torch
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertForMaskedLM, BertTokenizerFast

    folder = tmp_path_factory.mktemp("masked")
    letters = [chr(c) for c in range(33, 127) if not chr(c).isupper()]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{c}" for c in letters)]
    words += ["wrote", "kept", "many", "often", "blue", "walked", "sang", "papers", "rooms", "slowly"]
    rust = BertWordPieceTokenizer(vocab={w: i for i, w in enumerate(words)}, lowercase=True)
    BertTokenizerFast(tokenizer_object=rust._tokenizer).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=40,
    )
    BertForMaskedLM(config).save_pretrained(folder)
    return folder


def test_a_masked_model_fills_words_outside_every_name(tmp_path, capsys, masked_model):
    data = write(tmp_path / "train.jsonl", DOCUMENT, OTHER)
    out = tmp_path / "out.jsonl"
    code, report = run(
        capsys,
        data,
        "--out",
        out,
        "--methods",
        "fill",
        "--model",
        masked_model,
        "--times",
        3,
        "--copies-only",
    )
    assert code == 0
    assert report["kept"] == 6
    assert 0 < report["edit_share"] < 0.5
    sources = {e.id: e for e in relation(DOCUMENT, OTHER).examples}
    for example in readers.load(out).examples:
        source = sources[example.meta["source"]]
        assert stands(example)
        assert example.inputs.text != source.inputs.text
        assert [[m.text for m in e.mentions] for e in example.inputs.entities] == [
            [m.text for m in e.mentions] for e in source.inputs.entities
        ]
        assert example.target == source.target


def test_proposals_are_the_same_alone_and_in_a_batch(masked_model):
    from finetooth.models.fill import Filler

    filler = Filler(masked_model)
    long = "it rained often and many clerks kept blue papers in old rooms " * 4  # several windows
    texts, places = [long, "ada sang.", "no [MASK] here"], [[(10, 15), (200, 204)], [(4, 8)], [(0, 2)]]
    together = filler.propose(texts, places)
    assert together[2] == "the text holds the model's own mask token"
    assert [len(p) for p in together[:2]] == [2, 1]
    for text, spans, found in zip(texts[:2], places[:2], together[:2], strict=True):
        (alone,) = filler.propose([text], [spans])
        assert [[w for w, _ in p] for p in alone] == [[w for w, _ in p] for p in found]


def test_a_model_without_a_masked_head_is_refused(tmp_path, capsys, masked_model):
    from transformers import BertForMaskedLM, BertTokenizerFast

    BertForMaskedLM.from_pretrained(masked_model).bert.save_pretrained(tmp_path / "body")
    BertTokenizerFast.from_pretrained(masked_model).save_pretrained(tmp_path / "body")
    data = write(tmp_path / "train.jsonl", DOCUMENT)
    for words, what in (
        (("--model", tmp_path / "body"), "no masked language head"),
        ((), "needs a masked language model"),
    ):
        code, told = run(capsys, data, "--out", tmp_path / "out.jsonl", "--methods", "fill", *words)
        assert code == 2
        assert what in told["error"]["what"]


def test_a_filler_that_fails_fails_one_document():
    from finetooth.augment.fill import filling

    class Broken:
        def propose(self, texts, places):
            if any("Hopper" in t for t in texts):
                raise RuntimeError("no memory")
            return [[[("blue", 0.5), ("slowly", 0.5)] for _ in spans] for spans in places]

    made = augment(relation(DOCUMENT, OTHER), {"fill": filling(Broken())}, times=1)
    assert [e.id for e in made.copies] == ["d1#fill1"]
    assert made.dropped[0].reason == "failed: RuntimeError: no memory"


def sentence(body):
    """The sentence that a request asks to rewrite."""
    return body["messages"][0]["content"].split("<sentence>")[1].split("</sentence>")[0]


def paraphrase(tmp_path, reply, *rows, times=1):
    from finetooth.augment.paraphrase import paraphrasing
    from finetooth.teach.client import Teacher
    from finetooth.teach.journal import Journal

    with serving(Server(lambda body: reply(sentence(body)))) as url:
        teacher = Teacher("m", Journal(tmp_path / "j.sqlite"), base_url=url)
        return augment(relation(*rows), {"paraphrase": paraphrasing(teacher)}, times=times)


def test_a_teacher_never_sees_a_name_and_names_come_back_in_any_order(tmp_path):
    seen = []

    def reply(asked):
        seen.append(asked)
        return {
            "[[E1]] joined [[E2]] in [[E3]].": "It was [[E3]] when [[E2]] took on [[E1]].",
            "The [[E1]] office was in [[E2]].": "In [[E2]] stood the [[E1]] office.",
        }.get(asked, asked)

    made = paraphrase(tmp_path, reply, DOCUMENT)
    assert not any("Ada" in s or "London" in s for s in seen)
    (copy,) = made.copies
    assert copy.inputs.text.startswith(
        "It was 1843 when Analytic Engines Group took on Ada Lovelace. Lovelace wrote"
    )
    assert "In London stood the AEG office. It rained" in copy.inputs.text
    assert stands(copy)
    assert [(t.head, t.relation, t.tail) for t in copy.target.triples] == [
        (0, "Joined", 1),
        (1, "SeatedIn", 3),
    ]


# What a teacher answers to "[[E1]] VERB [[E2]] in [[E3]].", and why that is not taken.
BAD_ANSWERS = {
    "joined": ("[[E1]] and [[E1]] joined [[E2]] in [[E3]].", "[[E1]] came back 2 times"),
    "met": ("[[E1]] met [[E2]].", "[[E3]] came back 0 times"),
    "led": ("[[E1]] led [[E2]] in [[E3]] with [[E4]].", "was not sent: [[E4]]"),
    "bought": ("[[E1]] never bought [[E2]] in [[E3]].", "a negation came or went"),
    "sued": ("[[E1]] sued [[E2]] in [[E3]] with 7 others.", "the numbers are not the same"),
    "left": ("[[E1]] left [[E2]] in [[E3]] and", "does not end as a sentence"),
    "sold": ("", "an empty answer"),
}


def test_an_answer_that_lost_something_leaves_the_sentence_as_it_was(tmp_path):
    def reply(asked):
        verb = next((v for v in BAD_ANSWERS if f"[[E1]] {v} " in asked), None)
        return BAD_ANSWERS[verb][0] if verb else asked.replace("was in", "stood in")

    rows = [{**DOCUMENT, "id": v, "text": DOCUMENT["text"].replace("joined", v)} for v in BAD_ANSWERS]
    made = paraphrase(tmp_path, reply, *rows)
    told = {d.example_id: d.reason for d in made.dropped}
    assert len(made.copies) == len(rows)
    for copy, (verb, (_, why)) in zip(made.copies, BAD_ANSWERS.items(), strict=True):
        assert copy.inputs.text.startswith(f"Ada Lovelace {verb} Analytic Engines Group in 1843. ")
        assert "stood in London" in copy.inputs.text
        assert why in told[copy.id]


def test_evidence_follows_a_sentence_that_was_rewritten(tmp_path):
    text = DOCUMENT["text"]
    bounds = [0, *(i + 2 for i in range(len(text)) if text.startswith(". ", i)), len(text) + 1]
    sentences = [[a, b - 1] for a, b in pairwise(bounds)]
    row = {
        **DOCUMENT,
        "sentences": sentences,
        "triples": [{"head": 0, "relation": "Joined", "tail": 1, "evidence": [0]}],
    }
    made = paraphrase(tmp_path, lambda asked: asked.replace("joined", "became one of"), row)
    (copy,) = made.copies
    a, b = copy.inputs.sentences[copy.target.triples[0].evidence[0]]
    assert copy.inputs.text[a:b] == "Ada Lovelace became one of Analytic Engines Group in 1843."
    assert len(copy.inputs.sentences) == len(sentences)


def test_paraphrase_on_the_command_line_asks_nothing_twice(tmp_path, capsys):
    data, out = write(tmp_path / "train.jsonl", DOCUMENT), tmp_path / "out.jsonl"
    server = Server(lambda body: sentence(body).replace("was in", "stood in"))
    with serving(server) as url:
        words = (
            data,
            "--out",
            out,
            "--methods",
            "paraphrase",
            "--times",
            1,
            "--teacher",
            "m",
            "--base-url",
            url,
        )
        assert run(capsys, *words)[1]["kept"] == 1
        asked = server.answered.total()
        assert asked > 2
        assert run(capsys, *words)[1]["kept"] == 1
        assert server.answered.total() == asked
    assert "AEG office stood in London" in out.read_text()
    code, told = run(capsys, data, "--out", out, "--methods", "paraphrase")
    assert code == 2
    assert "needs a teacher" in told["error"]["what"]


def test_a_teacher_that_says_nothing_new_makes_no_copy(tmp_path):
    made = paraphrase(tmp_path, lambda asked: asked, DOCUMENT)
    assert not made.copies
    assert made.dropped[0].reason == "the same text stands already: d1"
