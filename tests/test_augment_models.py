"""Copies that a model makes: a masked model fills words, a teacher rewrites sentences, names are never touched."""

from itertools import pairwise

import pytest
from teacher_server import Server, serving
from test_augment import DOCUMENT, OTHER, relation, run, stands, write

from finetooth import readers
from finetooth.augment.run import augment


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
