"""Documents with entities and relations: what a reader takes in, what the checks find, nothing lost in silence."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetooth import checks, readers, registry
from finetooth.cli import main
from finetooth.curate.mend import mend
from finetooth.errors import DataError
from finetooth.evaluate import predictions
from finetooth.io import write_json, write_jsonl
from finetooth.tasks.mentions import longest_first, name_key
from finetooth.tasks.relation import as_relation
from finetooth.text import words

LONG = "Ada left Rome in May and took the slow night train to Milan with her two sisters"


def load(folder, rows, task=None, name="x.jsonl"):
    if isinstance(rows, str):
        (folder / name).write_text(rows, "utf-8")
    elif name.endswith(".jsonl"):
        write_jsonl(folder / name, rows)
    else:
        write_json(folder / name, rows)
    return readers.load(folder / name, task=task)


def found(dataset, check, **options):
    return checks.run(dataset, only=(check,), **options).findings


def test_a_near_copy_is_told_a_copy_made_on_purpose_is_not(tmp_path):
    rows = [
        {"id": "a", "text": LONG, "entities": []},
        {"id": "b", "text": LONG + " again", "entities": []},
        {"id": "c", "text": LONG + " once more", "entities": [], "meta": {"source": "a"}},
        {"id": "d", "text": LONG.upper(), "entities": []},  # document-twice tells this one
        {"id": "e", "text": "Good luck with your exam !", "entities": []},
        {"id": "f", "text": "Good luck with your exam !!", "entities": []},
    ]
    (near,) = found(load(tmp_path, rows), "document-near-duplicate")
    assert (near.example_id, near.evidence["other"], near.evidence["same_labels"]) == ("b", "a", True)
    rows[1]["entities"] = [{"start": 0, "end": 3, "type": "PER"}]
    (near,) = found(load(tmp_path, rows), "document-near-duplicate")
    assert near.fix is None
    assert "with other labels" in near.message


@pytest.mark.parametrize("end", [15, 99, 9_999_999_999_999])
def test_a_span_beyond_the_text_is_found_and_hinders_nobody(tmp_path, end):
    spans = [{"start": 9, "end": end, "type": "LOC"}, {"start": 40, "end": 44, "type": "LOC"}]
    rows = [{"id": "a", "text": "Ada left Rome.", "entities": spans}]
    dataset = load(tmp_path, rows)
    far, beyond = found(dataset, "offset-not-on-mention")
    assert far.severity == "error"
    assert f"9..{end} is outside a text of 14" in far.message
    assert beyond.evidence["start"] == 40
    assert not found(dataset, "boundary-off-word")
    writers = {r.name: r for r in registry.readers() if r.task == "ner" and r.write}
    writers["conll"].write(dataset.examples, tmp_path / "x.conll")
    assert "Rome\tB-LOC" in (tmp_path / "x.conll").read_text()


@pytest.mark.parametrize(
    ("names", "same"),
    [
        (("Rome", "rome", '"Rome".', "the Rome", "(Rome)", " Rome ,", "Rome #"), True),
        (("C++", "(C++),", "the c++"), True),
        (("C", "C++", "C#", "C+"), False),
        (("A", "A+"), False),
    ],
)
def test_names_are_one_but_for_case_edges_and_determiners(names, same):
    keys = {name_key(name) for name in names}
    assert len(keys) == (1 if same else len(names))


def test_a_triple_of_a_language_is_not_that_of_another(tmp_path):
    row = {"id": "d", "text": "C++ came after C, and C# later.", "entities": [
        {"type": "LANG", "name": n, "mentions": [n]} for n in ("C", "C++", "C#")
    ], "triples": [{"head": "c++", "relation": "After", "tail": "c"}]}  # fmt: skip
    (example,) = load(tmp_path, [row]).examples
    (triple,) = example.target.triples
    assert (triple.head, triple.tail) == (1, 0)


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=8))
def test_the_longest_spans_claim_their_characters_first(spans):
    order = sorted(range(len(spans)), key=lambda i: (spans[i][0] - spans[i][1], spans[i][0], i))
    taken, kept = set(), []
    for i in order:
        here = set(range(*spans[i]))
        if here and not here & taken:
            taken |= here
            kept.append(i)
    assert longest_first(spans) == sorted(kept)


def docred(*mentions, title="T"):
    sents = [["Ada", "left", "."], ["She", "went", "home", "."]]
    return [{"title": title, "sents": sents, "vertexSet": [list(mentions)], "labels": []}]


def mention(name, sentence, *pos):
    return {"name": name, "sent_id": sentence, "pos": list(pos), "type": "PER"}


@pytest.mark.parametrize("task", ["ner", "relation"])
@pytest.mark.parametrize(("sentence", "pos"), [(5, (0, 1)), (0, (1, 0)), (0, (2, 4)), (0, (-1, 1))])
def test_a_mention_outside_its_sentence_is_an_error_of_its_own(tmp_path, task, sentence, pos):
    bad = mention("Ada", sentence, *pos)
    for others in ([], [mention("She", 1, 0, 1)]):
        dataset = load(tmp_path, docred(bad, *others), task, "x.json")
        (finding,) = found(dataset, "offset-not-on-mention")
        assert "'Ada' is outside its sentence" in finding.message
        assert finding.severity == "error"
        assert (finding.fix["start"], finding.fix["end"], "mention" in finding.fix) == (0, 3, task != "ner")
        assert not found(dataset, "overlapping-mentions")
    if task == "ner":  # and it is written again, not lost
        again = as_relation(dataset.examples[0]).inputs.entities[0].mentions
        assert [m.start for m in again if m.text == "Ada"] == [-1]


@pytest.mark.parametrize("task", ["ner", "relation"])
def test_mentions_that_cross_are_not_said_to_nest(tmp_path, task):
    names = [["Royal Society"], ["The Royal"], ["Society"]]
    row = {
        "doc": "The Royal Society met.",
        "entities": [{"mentions": n, "type": "ORG"} for n in names],
    }
    crossing, nested = found(load(tmp_path, [row], task, "x.json"), "overlapping-mentions")
    assert (nested.severity, crossing.severity) == ("info", "warning")
    assert "'Society'" in nested.message
    assert "1 mention crosses another" in crossing.message
    assert "'The Royal'" in crossing.message


@pytest.fixture
def tokenizer(tmp_path):
    """Words, and "left" in two tokens; a bell has none."""
    tokenizers = pytest.importorskip("tokenizers")
    made = tokenizers.Tokenizer(
        tokenizers.models.WordPiece({"[UNK]": 0, "le": 1, "##ft": 2}, unk_token="[UNK]")
    )
    made.normalizer = tokenizers.normalizers.BertNormalizer()
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.save(str(tmp_path / "tokenizer.json"))
    return {"tokenizer": tmp_path, "max_length_tokens": 8, "stride_tokens": 2}


def test_mentions_that_tokens_cannot_say_are_told(tmp_path, tokenizer):
    text = "NewRome left \a a b c d e f g h i"
    spans = [(3, 7), (8, 10), (9, 12), (13, 14), (15, 32), (17, 20)]
    rows = [{"text": text, "entities": [{"start": a, "end": b, "type": "LOC"} for a, b in spans]}]
    findings = found(load(tmp_path, rows), "mention-lost-to-tokens", **tokenizer)
    told = {(f.evidence["start"], f.message.split(")", 1)[1].split(" ", 3)[3]) for f in findings}
    assert told == {
        (3, "begins inside the token 'NewRome'"),
        (9, "begins inside the token 'le'"),
        (13, "has no token: the tokenizer drops it"),
        (15, "(9 tokens, from token 3 of 12) is in no window of 8 with a stride of 2"),
    }
    assert findings[0].severity == "error"
    fix = next(f.fix for f in findings if f.evidence["start"] == 15)
    fits = found(load(tmp_path, rows), "mention-lost-to-tokens", **tokenizer | fix)
    assert 15 not in [f.evidence["start"] for f in fits]


def test_triples_wider_than_a_window_are_told(tmp_path, tokenizer):
    row = {
        "doc": "Ada a b c d e f Rome g Milan",
        "entities": [{"mentions": [n], "type": "X"} for n in ("Ada", "Rome", "Milan")],
        "triples": [{"head": "Ada", "relation": "r", "tail": t} for t in ("Rome", "Milan")],
    }
    dataset = load(tmp_path, [row], "relation", "x.json")
    whole, one = found(dataset, "triple-across-windows", **tokenizer)
    assert (one.evidence["triples"], one.fix) == ([1], {"max_length_tokens": 10, "stride_tokens": 10})
    assert (whole.severity, whole.evidence["apart"]) == ("warning", 1)
    assert not found(dataset, "triple-across-windows", **tokenizer | one.fix)


TEXT = "Ada left Rome."
PLAIN = [(0, 3, "PER"), (9, 13, "LOC")]


def spans_of(dataset):
    return [[(s.start, s.end, s.type) for s in e.target.entities] for e in dataset.examples]


@pytest.mark.parametrize(
    "rows",
    [
        [{"text": "Hm.", "label": []}, {"text": TEXT, "label": [[0, 3, "PER"], [9, 13, "LOC"]]}],
        [
            {"text": "Hm.", "labels": []},
            {"text": TEXT, "labels": [{"start_offset": a, "end_offset": b, "label": t} for a, b, t in PLAIN]},
        ],
        [
            {"tokens": ["Hm"], "labels": ["O"]},
            {"tokens": TEXT[:-1].split(), "labels": ["B-PER", "O", "B-LOC"]},
        ],
        [{"words": ["Hm"], "tags": ["O"]}, {"words": TEXT[:-1].split(), "tags": ["B-PER", "O", "B-LOC"]}],
        '["Hm.", {"entities": []}]\n["Ada left Rome.", {"entities": [[0, 3, "PER"], [9, 13, "LOC"]]}]\n',
        '[["Hm.", {"entities": []}], ["Ada left Rome.", {"entities": [[0, 3, "PER"], [9, 13, "LOC"]]}]]',
    ],
)
def test_spans_are_read_as_every_tool_writes_them(tmp_path, rows):
    assert spans_of(load(tmp_path, rows)) == [[], PLAIN]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"tokens": ["Ada", "left"], "tags": ["B-PER", None]}, "found null (a tag for every token)"),
        ({"tokens": ["Ada", "left"], "tags": [0, 1]}, "found an integer (write their names)"),
        ({"text": TEXT, "entities": [{"start": "0", "end": 3, "type": "PER"}]}, "found a string"),
        ({"text": TEXT, "entities": [[0, 3, None]]}, "type: expected a string, found null"),
    ],
)
def test_what_was_found_is_named_as_json_names_it(tmp_path, row, told):
    with pytest.raises(DataError) as error:
        load(tmp_path, [row], "ner")
    assert told in str(error.value)


def test_a_broken_pair_of_spacy_is_named(tmp_path):
    with pytest.raises(DataError, match="expected a text and its annotations") as error:
        load(tmp_path, '["Hm.", {"entities": []}]\n["Ada"]\n')
    assert error.value.where.endswith(":2")


def test_what_an_annotator_rejected_is_no_gold(tmp_path):
    rows = [
        {"text": TEXT, "_input_hash": 7, "_task_hash": i, "answer": answer, "spans": [{"start": 0, "end": 3, "label": t}]}
        for i, (answer, t) in enumerate([("accept", "PER"), ("reject", "LOC"), ("ignore", "ORG"), ("accept", "X")])
    ]  # fmt: skip
    dataset = load(tmp_path, rows)
    assert [e.id for e in dataset.examples] == ["0", "3"]
    assert [(d.example_id, d.reason.split(";")[0]) for d in dataset.dropped] == [
        ("1", "the annotator's answer is 'reject'"),
        ("2", "the annotator's answer is 'ignore'"),
    ]
    with pytest.raises(DataError, match="2 rows were dropped: the annotator's answer is 'reject'"):
        load(tmp_path, rows[1:3])


@pytest.mark.parametrize(
    ("scheme", "tags"), [("iob1", ["I-PER", "O", "I-LOC"]), ("bioes", ["S-PER", "O", "S-LOC"])]
)
def test_the_scheme_of_rows_is_that_of_the_file(tmp_path, scheme, tags):
    words = ["Ada", "left", "Rome"]
    dataset = load(tmp_path, [{"tokens": ["Hm"], "ner_tags": ["O"]}, {"tokens": words, "ner_tags": tags}])
    assert [e.target.scheme for e in dataset.examples] == [scheme] * 2
    assert spans_of(dataset) == [[], PLAIN]
    assert not found(dataset, "orphan-inside-tag")


@pytest.mark.parametrize("letters", ["BIES", "BILU", "BMES", "BMEW"])
def test_a_scheme_of_four_letters_is_checked_in_its_own_spelling(tmp_path, letters):
    b, inner, last, one = letters
    right = [f"{b}-P", f"{inner}-P", f"{last}-P", "O", f"{one}-P", f"{b}-P", f"{last}-P"]
    wrong = ["O", f"{inner}-P", f"{last}-P", "O", f"{last}-P", "O", f"{b}-P"]
    rows = [
        {"id": t, "tokens": list("abcdefg"), "ner_tags": tags} for t, tags in (("r", right), ("w", wrong))
    ]
    listed = found(load(tmp_path, rows), "orphan-inside-tag")
    assert [(f.example_id, f.fix) for f in listed] == [
        ("w", {"token": 1, "tag": f"{b}-P"}),
        ("w", {"token": 4, "tag": f"{one}-P"}),
        ("w", {"token": 6, "tag": f"{one}-P"}),
    ]


@pytest.mark.parametrize(
    ("stray", "fix"),
    [
        (["O", "S-P", "O"], (1, "B-P")),
        (["B-P", "E-P", "O"], (1, "I-P")),
        (["B-P", "L-P", "I-P"], (1, "I-P")),
        (["O", "E-P", "O"], (1, "B-P")),
    ],
)
def test_a_stray_letter_of_bioes_is_one_wrong_tag_and_not_another_scheme(tmp_path, stray, fix):
    clean = [{"id": str(i), "tokens": list("abc"), "ner_tags": ["B-P", "I-P", "B-L"]} for i in range(9)]
    dataset = load(tmp_path, [*clean, {"id": "x", "tokens": list("abc"), "ner_tags": stray}])
    assert not found(dataset, "orphan-inside-tag")
    (finding,) = found(dataset, "unknown-tag")
    assert (finding.example_id, finding.fix) == ("x", dict(zip(("token", "tag"), fix, strict=True)))
    mended = mend(dataset, only=("unknown-tag", "orphan-inside-tag"))
    assert [c.finding.example_id for c in mended.changes] == ["x"]
    assert not mended.left


@pytest.mark.parametrize(
    ("text", "mention", "fix"),
    [
        ("東京でアダが話した。", "アダ", []),
        ("他住在北京市。", "北京", []),
        ("ผมไปกรุงเทพเมื่อวาน", "กรุงเทพ", []),
        ("ຂ້ອຍຢູ່ວຽງຈັນ", "ວຽງຈັນ", []),
        ("私はRomeにいる", "Rome", []),
        ("私はRomeにいる", "Rom", [(2, 6)]),  # letters between them are words all the same
        ("그는 서울에서 왔다", "서울", [None]),  # a particle, or part of a name
        ("그는 서울에서 왔다", "울에서", [(3, 7)]),
        ("दिल्ली में", "दिल्", [(0, 6)]),  # vowel signs and joiners are part of their word
        ("दिल्ली में", "दिल्ली", []),
        ("Leo\u0301n left", "Leo", [(0, 5)]),
        ("در ایران\u200cشهر", "ایران", [(3, 12)]),
        ("a ❤️Rome", "Rome", []),  # the mark on a heart joins nothing
        ("a ❤️Rome\u200d b", "Rome", []),
    ],
)
def test_a_boundary_is_off_a_word_only_where_words_are_set_apart(tmp_path, text, mention, fix):
    start = text.index(mention)
    spans = [{"start": start, "end": start + len(mention), "type": "LOC"}]
    listed = found(load(tmp_path, [{"text": text, "entities": spans}]), "boundary-off-word")
    assert [f.fix and (f.fix["start"], f.fix["end"]) for f in listed] == fix


def test_words_keep_their_marks(tmp_path, capsys):
    text = "वह दिल्ली में Leo\u0301n से می\u200cخواهم ❤️ மொழி"
    start = text.index("दिल्ली")
    load(tmp_path, [{"text": text, "entities": [{"start": start, "end": start + 6, "type": "LOC"}]}])
    assert (
        main(["convert", str(tmp_path / "x.jsonl"), "--to", "conll", "--out", str(tmp_path / "x.conll")]) == 0
    )
    lines = [
        line.split("\t") for line in (tmp_path / "x.conll").read_text("utf-8").split("\n") if "\t" in line
    ]
    assert [word for word, _ in lines if word not in "❤️"] == text.replace(" ❤️", "").split()
    assert [tag for _, tag in lines if tag != "O"] == ["B-LOC"]
    assert words(text)[:4] == ["वह", "दिल्ली", "में", "leo\u0301n"]
    assert name_key("दिल्ली") != name_key("दिल्ल")


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("New york", {"text": "New York"}),
        ("IP", {"drop": True}),  # the middle of "ship" is no mention
        ("US", "did you mean 'us'?"),
    ],
)
def test_a_name_is_another_spelling_only_as_a_word_and_not_of_a_common_one(tmp_path, name, fix):
    row = {
        "doc": "New York sent us a ship.",
        "entities": [{"mentions": ["York", name], "type": "ORG"}],
        "triples": [],
    }
    (finding,) = found(load(tmp_path, [row], "relation", "x.json"), "mention-not-in-text")
    assert finding.fix == (fix if isinstance(fix, str) else {"entity": 0, "mention": name} | fix)


def test_convert_and_check_say_what_the_reader_left_out(tmp_path, capsys):
    rows = [{"text": TEXT, "spans": [{"start": 0, "end": 3, "label": "PER"}], "answer": a} for a in ("accept", "reject")]  # fmt: skip
    load(tmp_path, rows)
    told = "left out by the reader: 1 row: the annotator's answer is 'reject'"
    assert (
        main(["convert", str(tmp_path / "x.jsonl"), "--to", "conll", "--out", str(tmp_path / "x.conll")]) == 0
    )
    assert told in capsys.readouterr().err
    assert main(["check", str(tmp_path / "x.jsonl")]) == 0
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("name", ["Ada of Rome", "Blood Type O", "Boeing B-52", "= odd: one", "d1"])
def test_ids_come_back_from_columns_whole(tmp_path, name, capsys):
    load(tmp_path, [{"id": f"{name}{n}", "text": TEXT, "entities": []} for n in ("", " O")])
    out = tmp_path / "x.conll"
    assert main(["convert", str(tmp_path / "x.jsonl"), "--to", "conll", "--out", str(out)]) == 0
    assert "2 say the same" in capsys.readouterr().err
    assert [e.id for e in readers.load(out).examples] == [name, f"{name} O"]


def test_convert_counts_an_id_that_is_lost(tmp_path, capsys):
    load(tmp_path, [{"id": "two\nlines", "text": TEXT, "entities": []}])
    assert (
        main(["convert", str(tmp_path / "x.jsonl"), "--to", "conll", "--out", str(tmp_path / "x.conll")]) == 0
    )
    assert "0 say the same" in capsys.readouterr().err


def test_a_column_that_counts_is_no_token(tmp_path):
    text = "# Seite 3\n1\tAda\tNE\tB-PER\n2\tleft\tV\tO\n\n1\tRome\tNE\tB-LOC\n"
    dataset = load(tmp_path, text, "ner", "x.conll")
    assert [e.inputs.text for e in dataset.examples] == ["Ada left", "Rome"]
    assert dataset.examples[0].meta["columns"] == [["NE"], ["V"]]
    writers = {r.name: r for r in registry.readers()}
    writers["conll"].write(dataset.examples, tmp_path / "y.conll")
    assert (tmp_path / "y.conll").read_text() == text.partition("\n")[2]
    # CoNLL-U's ranges and empty nodes count no token; what they are tagged is told.
    ranges = "1\tAda\tB-PER\n2-3\tdel\n2\tde\tO\n2.1\tx\t_\n3\tel\tO\n\n1-2\tal\tB-X\n1\ta\tO\n2\tel\tO\n"
    dataset = load(tmp_path, ranges, None, "u.conll")
    assert [e.inputs.text for e in dataset.examples] == ["Ada de el", "a el"]
    assert [d.example_id.rpartition(":")[2] for d in dataset.dropped] == ["7"]
    read = predictions.read(tmp_path / "u.conll", registry.task("ner"), dataset.examples).predictions
    assert [p.target.tags for p in read] == [e.target.tags for e in dataset.examples]
    # Numbers that are tokens stay tokens.
    assert load(tmp_path, "2-3 CD O\n1.5 CD O\n", "ner", "v.conll").examples[0].inputs.text == "2-3 1.5"
    counted = load(tmp_path, "1 CD O\n3 CD O\n", "ner", "z.conll")
    assert counted.examples[0].inputs.text == "1 3"


GERMEVAL = """\
# http://de.wikipedia.org/wiki/Rom [2009-10-17]
1\tDer\tO\tO
2\tFC\tB-ORG\tO
3\tRom\tI-ORG\tB-LOC
4\tsiegte\tO\tO

1\tAda\tB-PER\tO
2\tging\tO\tO
"""


def test_the_outer_entities_of_germeval_are_read_and_the_inner_ones_named(tmp_path, capsys):
    dataset = load(tmp_path, GERMEVAL, None, "x.tsv")
    assert [(s.text, s.type) for e in dataset.examples for s in e.target.entities] == [
        ("FC Rom", "ORG"),
        ("Ada", "PER"),
    ]
    (note,) = dataset.notes
    assert "1 inner entity of the fourth column not read" in note
    writers = {r.name: r for r in registry.readers()}
    writers["conll"].write(dataset.examples, tmp_path / "y.conll")
    assert (tmp_path / "y.conll").read_text() == GERMEVAL.partition("\n")[2]
    # Which of two columns of tags was predicted, nobody can say.
    with pytest.raises(DataError, match=r"two columns of tags, the third and the fourth"):
        predictions.read(tmp_path / "x.tsv", registry.task("ner"), dataset.examples)
    # Chunks before the tags of entities are no entities, and a flat fourth column says nothing.
    chunks = "1\tAda\tB-NP\tB-PER\n2\tleft\tB-VP\tO\n"
    (entity,) = load(tmp_path, chunks, "ner", "c.conll").examples[0].target.entities
    assert (entity.text, entity.type) == ("Ada", "PER")
    flat = load(tmp_path, GERMEVAL.replace("\tB-LOC", "\tO"), "ner", "z.conll")
    assert (flat.examples[0].target.entities[0].text, flat.notes) == ("FC Rom", ())


@pytest.mark.parametrize(
    ("tail", "severity", "fix"),
    [
        ("Babbage's", "warning", {"tail": "Babbage"}),
        ("Ada", "warning", {"tail": "Ada Lovelace"}),
        ("Charles", "error", {"drop": True}),  # two are called so
        ("Byron", "error", {"drop": True}),
        ("Opera", "warning", {"add_entity": "Opera"}),  # the Rome Opera is a thing, not the opera
        ("the 'Rome, Opera'", "warning", {"tail": "Rome Opera"}),
        ("May 7, 1990", "error", "did you mean 'May 5, 1990'? If not, drop the triple"),
        (
            "University of North Wales",
            "error",
            "did you mean 'University of South Wales'? If not, drop the triple",
        ),
        ("Opera Rome", "error", "did you mean 'Rome Opera'? If not, drop the triple"),
    ],
)
def test_an_end_of_a_triple_is_found_by_a_part_of_its_name(tmp_path, tail, severity, fix):
    names = ["Babbage", "Ada Lovelace", "Charles Wheatstone", "Charles Lyell", "Rome", "Rome Opera"]
    names += ["May 5, 1990", "University of South Wales"]
    row = {
        "doc": " met ".join(names).replace("Charles", "C."),
        "entities": [{"mentions": [n], "type": "ORG" if "Rome" in n else "PERSON"} for n in names],
        "triples": [{"head": "Rome", "relation": "r", "tail": tail}],
    }
    (finding,) = found(load(tmp_path, [row], "relation", "x.json"), "triple-end-is-no-mention")
    whole = fix if isinstance(fix, str) or "add_entity" in fix else {"triple": 0} | fix
    assert (finding.severity, finding.fix) == (severity, whole)


def test_a_label_is_put_right_where_it_is_spelled_otherwise_and_asked_about_where_it_is_near(tmp_path):
    row = {
        "doc": "Ada left Rome.",
        "entities": [{"mentions": ["Ada"], "type": "person"}, {"mentions": ["Rome"], "type": "PLACED"}],
        "triples": [{"head": "Ada", "relation": r, "tail": "Rome"} for r in ("Born-In", "BornOn", "Left")],
        "label_set": ["BornIn"],
        "entity_label_set": ["PERSON", "PLACE"],
    }
    dataset = load(tmp_path, [row], "relation", "x.json")
    fixes = [f.fix for f in found(dataset, "relation-outside-label-set")]
    assert fixes == [{"triple": 0, "relation": "BornIn"}, "did you mean 'BornIn'?", None]
    fixes = [f.fix for f in found(dataset, "type-outside-label-set")]
    assert fixes == [{"entity": 0, "type": "PERSON"}, "did you mean 'PLACE'?"]


@pytest.mark.parametrize("task", ["ner", "relation"])
@pytest.mark.parametrize("names", [[], [""], [" "]])
def test_an_entity_without_a_mention_is_told(tmp_path, task, names):
    row = {
        "doc": TEXT,
        "entities": [{"mentions": ["Ada"], "type": "PER"}, {"mentions": names, "type": "LOC"}],
    }
    dataset = load(tmp_path, [row], task, "x.json")
    (finding,) = found(dataset, "entity-without-mention")
    assert (finding.evidence["entity"], finding.evidence["type"]) == (1, "LOC")
    if task == "ner":
        assert [e.type for e in as_relation(dataset.examples[0]).inputs.entities] == ["PER", "LOC"]


@pytest.mark.parametrize("tag", ["[[E12]]", "{{ENTITY_2}}", "__E2__", "<ent_3>", "{ENT-1}", "⟦4⟧"])
def test_placeholders_are_found_in_texts_and_in_names(tmp_path, tag):
    spans = [{"start": 0, "end": len(tag), "type": "PER"}]
    inside = [{"text": f"{tag} left Rome.", "entities": spans}]
    (finding,) = found(load(tmp_path, inside), "leftover-tag")
    assert finding.evidence["tags"] == {tag: 1}
    for entities, triples in (
        ([{"mentions": ["Ada", f"{tag} Inc"], "type": "ORG"}], []),
        ([{"mentions": ["Ada"], "type": "ORG"}], [{"head": "Ada", "relation": "r", "tail": tag}]),
    ):
        row = {"doc": TEXT, "entities": entities, "triples": triples}
        assert found(load(tmp_path, [row], "relation", "x.json"), "leftover-tag")


def test_a_text_may_speak_of_a_mask(tmp_path):
    row = {
        "text": "BERT fills [MASK] in __init__ of {x}.",
        "entities": [{"start": 11, "end": 17, "type": "T"}],
    }
    assert not found(load(tmp_path, [row]), "leftover-tag")
    assert found(load(tmp_path, [row | {"entities": []}]), "leftover-tag")


def related(name, relations):
    names = [{"mentions": ["Ada"], "type": "PER"}, {"mentions": ["Rome"], "type": "LOC"}]
    triples = [{"head": "Ada", "relation": r, "tail": "Rome"} for r in relations]
    return [{"title": name, "doc": TEXT, "entities": names, "triples": triples}]


def test_relations_of_one_split_alone_are_one_finding_a_side(tmp_path):
    train = load(tmp_path, related("a", ["Left", "BornIn", "DiedIn"]), "relation", "train.json")
    dev = load(tmp_path, related("b", ["Left", "Left", "Saw", "Saw", "Knew"]), "relation", "dev.json")
    here, there = checks.run(dev, against=train, only=("label-drift",)).findings
    assert here.message.startswith("2 relations stand here, never in ")
    assert here.message.endswith(": 'Saw' (2x), 'Knew' (1x)")
    assert here.evidence["counts"] == {"Saw": 2, "Knew": 1}
    assert (there.evidence["only"], set(there.evidence["counts"])) == ("there", {"BornIn", "DiedIn"})


def test_augmentation_says_which_ends_of_triples_name_no_entity(tmp_path, capsys):
    long = "Ada left Rome by train in May. Bob went home in June. Milan was cold. Many friends wrote letters."
    row = related("a", ["Left"])[0] | {"doc": long}
    row["triples"].append({"head": "Ada", "relation": "Took", "tail": "train"})
    load(tmp_path, [row], "relation", "x.json")
    out = tmp_path / "out.jsonl"
    assert main(["augment", str(tmp_path / "x.json"), "--out", str(out), "--methods", "shuffle,drop", "--times", "2", "--task", "relation"]) == 0  # fmt: skip
    told = capsys.readouterr().err
    n = sum(t["tail"] == -1 for line in out.read_text().splitlines() for t in json.loads(line)["triples"])
    assert n >= 2
    assert f"{n} of {n * 4} ends of triples are names that no entity has (1 of them in the sources)" in told


@pytest.mark.parametrize(
    ("rows", "where", "what"),
    [
        ([{"doc": TEXT, "entities": [{"mentions": ["Ada"], "type": "PER", "spans": ["x"]}]}], "spans[0]", "[start, end]"),
        ('["Hm.", {"entities": [[0, 3]]}]\n', "entities[0]", "expected an object"),
        ([{"text": TEXT, "spans": [{"start": 0, "end": 3, "label": "PER"}]}, {"text": TEXT, "spans": [[0, 3]]}], "entities[0]", "expected an object"),
        ([{"text": TEXT, "label": [["0", 3, "PER"]], "spans": [{"start": 0, "end": 3, "label": 1}]}], "entities[0]", "type: expected a string"),
    ],
)  # fmt: skip
def test_spans_that_cannot_be_read_are_named_not_left_out(tmp_path, rows, where, what):
    with pytest.raises(DataError) as error:
        load(tmp_path, rows)
    assert where in error.value.where
    assert what in error.value.what


def test_listed_entities_come_back_where_they_stood():
    """As a decoder writes them: a name inside a longer one is no place of the shorter."""
    text = "Google Chrome is by Google. Google Maps and Google won; Ada met Ada, not Ada."
    entities = [
        {"start": 0, "end": 13, "type": "PRODUCT"},
        {"start": 20, "end": 26, "type": "ORG"},
        {"start": 28, "end": 39, "type": "PRODUCT"},
        {"start": 44, "end": 50, "type": "ORG"},
        {"start": 56, "end": 59, "type": "PERSON"},
        {"start": 64, "end": 67, "type": "PERSON"},
    ]
    task = registry.task("ner")
    example = task.from_row({"id": "d", "text": text, "entities": entities}, "row 1")
    listed = json.loads(task.answer(example))
    assert [e["text"] for e in listed].count("Google") == 1  # wherever it stands by itself
    assert [e["text"] for e in listed].count("Ada") == 2  # at its first two places of three
    back = task.parse(task.answer(example), example)
    spans = {(s.start, s.end, s.type) for s in example.target.entities}
    assert {(s.start, s.end, s.type) for s in back.entities} == spans


@pytest.mark.parametrize(
    ("text", "spans", "back"),
    [
        # places of one length that overlap one another
        ("x ab b ab b ab a", [(0, 4), (5, 6), (7, 11)], [(0, 4), (5, 6), (7, 11)]),
        # two of three: the first two, as documented
        ("Ann Ann Ann", [(0, 3), (8, 11)], [(0, 3), (4, 7)]),
    ],
)
def test_listed_entities_stand_where_longer_and_earlier_ones_leave_room(text, spans, back):
    task = registry.task("ner")
    entities = [{"start": a, "end": b, "type": "X"} for a, b in spans]
    example = task.from_row({"id": "d", "text": text, "entities": entities}, "row 1")
    found = task.parse(task.answer(example), example)
    assert [(s.start, s.end) for s in found.entities] == back


@pytest.mark.parametrize(
    ("text", "tokens", "tags"),
    [
        ("Rome\tB-LOC\nis\t\nbig\tO\n", ["Rome", "is", "big"], ["B-LOC", "", "O"]),
        ("Rome\tB-LOC\nis\tPER\nbig\tO\n", ["Rome", "is", "big"], ["B-LOC", "PER", "O"]),
        ("Rome B-LOC\rbig O\r\rAda B-PER\r", ["Rome", "big"], ["B-LOC", "O"]),  # line ends of old Macs
        # As MultiCoNER writes it: a tab in the comment, blanks between the columns.
        ("# id 7f-1\tdomain=train\nRome _ _ B-LOC\nbig _ _ O\n", ["Rome", "big"], ["B-LOC", "O"]),
    ],
)
def test_columns_that_are_a_little_odd(tmp_path, text, tokens, tags):
    path = tmp_path / "odd.conll"
    more = "" if "\r" in text else "\nthe _ _ O\n" * 12 if "#" in text else "\nthe\tO\n" * 12
    path.write_bytes((text + more).encode())
    first = readers.load(path, task="ner").examples[0]
    assert [t.text for t in first.inputs.tokens] == tokens
    assert list(first.target.tags) == tags
    assert [(s.text, s.type) for s in first.target.entities] == [("Rome", "LOC")]
    assert "domain" not in first.id


@pytest.mark.parametrize("evidence", [5, "01", ["0"]])
def test_evidence_that_is_no_list_of_numbers_is_named(tmp_path, evidence):
    mention = {"name": "Ada", "sent_id": 0, "pos": [0, 1], "type": "PER"}
    row = {
        "title": "d",
        "sents": [["Ada", "ran"]],
        "vertexSet": [[mention], [{**mention, "name": "ran", "pos": [1, 2]}]],
        "labels": [{"h": 0, "t": 1, "r": "P1", "evidence": evidence}],
    }
    path = tmp_path / "docred.json"
    path.write_text(json.dumps([row]))
    with pytest.raises(DataError, match="evidence: expected"):
        readers.load(path)
