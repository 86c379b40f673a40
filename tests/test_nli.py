"""Natural language inference: pairs in, labels and reasons out, and what is wrong with them."""

import json
from pathlib import Path

import numpy as np
import pytest

from finetooth import checks, readers, registry
from finetooth.checks.nli_reasons import conclusion
from finetooth.cli import main
from finetooth.cli._asked import Asked
from finetooth.config import build
from finetooth.errors import DataError
from finetooth.evaluate.score import score
from finetooth.io import Source
from finetooth.train.data import load as splits
from finetooth.types import Prediction

TASK = registry.task("nli")
REAL = Path(__file__).parents[1].parent / "shared" / "data" / "nli"
needs_data = pytest.mark.skipif(not REAL.exists(), reason="the shared data are not here")


def table(tmp_path, text, name="pairs.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return readers.load(path)


def found(report):
    return {(f.check, f.example_id) for f in report.findings}


def test_reads_csv_and_writes_the_same(tmp_path):
    data = table(
        tmp_path, 'premise,hypothesis,label\n"Ada, at noon, left.",Ada left.,1\nBo ate.,Bo slept.,0\n'
    )
    assert [e.target.label for e in data.examples] == ["1", "0"]
    assert data.examples[0].inputs.premise == "Ada, at noon, left."
    reader = next(r for r in registry.readers() if r.name == "pairs")
    reader.write(data.examples, tmp_path / "again.jsonl")
    again = readers.load(tmp_path / "again.jsonl")
    assert again.fingerprint == data.fingerprint


def test_a_pair_without_gold_label_is_dropped_by_name(tmp_path):
    rows = (
        '{"sentence1": "A.", "sentence2": "B.", "gold_label": "-", "pairID": "p1"}\n'
        '{"sentence1": "A.", "sentence2": "C.", "gold_label": "Entailment", "pairID": "p2"}\n'
    )
    data = table(tmp_path, rows, "snli.jsonl")
    assert [e.id for e in data.examples] == ["p2"]
    assert data.examples[0].target.label == "entailment"
    assert [(d.example_id, d.reason) for d in data.dropped] == [("p1", "no gold label")]


def test_check_says_which_rows_it_left_out(tmp_path, capsys):
    rows = '{"id": "a", "premise": "A.", "hypothesis": "B.", "label": "-"}\n{"id": "b", "premise": "A.", "hypothesis": "C.", "label": 1}\n'
    (tmp_path / "rows.jsonl").write_text(rows)
    for more in ([], ["--stream"]):
        assert main(["check", str(tmp_path / "rows.jsonl"), *more]) == 0
        assert "left out by the reader: 1 row: no gold label" in capsys.readouterr().err
        assert main(["check", str(tmp_path / "rows.jsonl"), "--json", *more]) == 0
        (drop,) = json.loads(capsys.readouterr().out)["dropped"]
        assert (drop["example_id"], drop["reason"]) == ("a", "no gold label")


def test_a_teachers_row_that_cannot_be_used_is_dropped_by_name(tmp_path):
    pair = {"premise": "Ada left.", "hypothesis": "Ada went.", "predicted_label": 1, "true_label": 1}
    rows = [
        {"id": i, **pair, "thought_process": x} for i, x in enumerate(["so it follows.", None, "it follows."])
    ]
    said = '[INST] Premise: Ada left.\nHypothesis: Ada went. [/INST] {"thought_process": "it fol'
    lines = [json.dumps(r) for r in [*rows, {"id": 3, "text": said}]]
    data = table(tmp_path, "\n".join(lines), "thoughts.jsonl")
    assert [e.id for e in data.examples] == ["0", "2"]
    assert [d.example_id for d in data.dropped] == ["1", "3"]
    assert "thought_process: expected a string, found null" in data.dropped[0].reason


@pytest.mark.parametrize("options", [{}, {"task": "nli"}, {"format": "pairs"}], ids=str)
def test_a_table_without_a_column_of_labels_says_so(tmp_path, options):
    path = tmp_path / "rows.csv"
    for more, cure in ((",target", "call 'target' label"), ("", "call the column of labels label")):
        path.write_text(f"premise,hypothesis{more}\nAda left.,Ada went.{',1' if more else ''}\n")
        with pytest.raises(
            DataError, match=f"no column of labels: it has premise, hypothesis{more}".replace(",t", ", t")
        ) as e:
            readers.load(path, **options)
        assert cure in e.value.cure


@pytest.mark.parametrize(
    ("ours", "theirs", "near"),
    [
        ("A boy kicks a ball against a wall.", "A boy kicks a ball against the wall", True),
        ("It isn't raining on the two dogs.", "It is not raining on the 2 dogs.", True),
        ("They wait in linefor the bus.", "They wait in line for the bus.", True),
        ("A boy kicks a ball.", "A boy does not kick a ball.", False),
        ("A boy kicks a red ball against the wall.", "A boy kicks a ball against the wall.", False),
        ("A few people came.", "Few people came.", False),
        ("It rose by 10.5 percent.", "It rose by 105 percent.", False),
        ("A man bites the dog.", "A dog bites the man.", False),
        ("Ada left.", "ada left", False),  # duplicate-pair says so
    ],
)
def test_pairs_of_nearly_the_same_words_are_told_with_their_labels(tmp_path, ours, theirs, near):
    rows = [(ours, "1"), (theirs, "1"), (theirs, "1"), (theirs, "0")]
    text = "".join(json.dumps({"premise": p, "hypothesis": "He plays.", "label": x}) + "\n" for p, x in rows)
    same = table(tmp_path, "\n".join(text.splitlines()[:3]), "same.jsonl")
    found = checks.run(same, only="near-duplicate-pair").findings
    assert [(f.severity, f.evidence["first"]) for f in found] == [("info", same.examples[0].id)] * near
    other = table(tmp_path, "\n".join(text.splitlines()[::3]), "other.jsonl")
    found = checks.run(other, only="near-duplicate-pair").findings
    assert [(f.severity, f.fix) for f in found] == [("warning", None)] * near


def test_sick_keeps_its_quotes(tmp_path):
    text = 'pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment\n7\tA "dog runs\tA dog\t4\tNEUTRAL\n'
    data = table(tmp_path, text, "sick.txt")
    assert data.examples[0].id == "7"
    assert data.examples[0].inputs.premise == 'A "dog runs'


def test_rows_of_json_need_not_have_the_same_keys(tmp_path):
    rows = (
        '{"premise": "A.", "hypothesis": "B.", "label": 1}\n'
        '{"premise": "C.", "hypothesis": "D.", "label": 0, "id": "x7", "rationale": "it is not said"}\n'
    )
    first, second = table(tmp_path, rows, "rows.jsonl").examples
    assert (second.id, second.target.reason) == ("x7", "it is not said")
    assert first.target.reason is None


def test_minus_one_and_null_are_no_labels(tmp_path):
    said = ["1", "-1", "-1.0", "null", "0", '"-1"']
    rows = [
        f'{{"id": "{i}", "premise": "A.", "hypothesis": "B{i}.", "label": {x}}}' for i, x in enumerate(said)
    ]
    data = table(tmp_path, "\n".join(rows), "rows.jsonl")
    assert [e.id for e in data.examples] == ["0", "4"]
    assert [(d.example_id, d.reason) for d in data.dropped] == [(i, "no gold label") for i in "1235"]
    asked = Asked(TASK, None, {}).read(Source(tmp_path / "rows.jsonl"))  # predict is asked for just these
    assert [e.target.label for e in asked] == ["1", "?", "?", "?", "0", "?"]


MAP = {"0": "entailment", "1": "neutral", "2": "contradiction"}


def test_labels_are_mapped_by_an_option_and_by_the_config(tmp_path, capsys):
    rows = [
        f'{{"premise": "A.", "hypothesis": "B{i}.", "label": {x}}}'
        for i, x in enumerate(["2", "0.0", '"neutral"', "-1"])
    ]
    data = table(tmp_path, "\n".join(rows), "rows.jsonl")
    assert {e.target.label for e in data.examples} == {"2", "0", "neutral"}
    path = str(tmp_path / "rows.jsonl")
    command = ["--labels", "0=entailment, 1=neutral,2=contradiction"]
    assert main(["convert", path, "--to", "pairs", "--out", str(tmp_path / "new.jsonl"), *command]) == 0
    labels = [e.target.label for e in readers.load(tmp_path / "new.jsonl").examples]
    assert labels == ["contradiction", "entailment", "neutral"]
    plain = {"task": "nli", "data": {"train": path, "dev": path}, "out": "none"}
    given = [f"data.labels={{{', '.join(f'{k}: {v}' for k, v in MAP.items())}}}"]
    for config in (build(plain, given), build({**plain, "data": {**plain["data"], "labels": MAP}})):
        assert config.data.labels == MAP
        assert [e.target.label for e in splits(config).train.examples] == labels
    assert main(["check", path, "--labels", "0=entailment"]) == 2
    assert "label '2' is not in the mapping" in capsys.readouterr().err
    assert main(["check", path, "--labels", "entailment"]) == 2
    assert "expected label=name" in capsys.readouterr().err
    assert build(plain, ["data.labels={0: no, 1: yes}"]).data.labels == {"0": "no", "1": "yes"}


def test_anli_is_read_with_its_letters(tmp_path):
    rows = '{"uid": "u1", "context": "A dog runs.", "hypothesis": "A cat.", "label": "c", "reason": "no cat"}'
    (e,) = table(tmp_path, rows, "anli.jsonl").examples
    assert (e.id, e.inputs.premise, e.target.label) == ("u1", "A dog runs.", "contradiction")


@pytest.mark.parametrize(
    ("labels", "read"),
    [
        ("nyn", "n y n"),
        ("ynY", "y n y"),
        ("nn", "n n"),  # nothing tells whether neutral or no
        ("ne1", "n e 1"),
        ("n-E", "neutral entailment"),
        ("nnc?", "neutral neutral contradiction ?"),
    ],
)
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_letters_are_those_of_anli_only_where_all_labels_of_the_file_are(tmp_path, labels, read, kind):
    rows = [
        {"premise": f"A dog {i}.", "hypothesis": "A cat.", "label": label} for i, label in enumerate(labels)
    ]
    head = "premise,hypothesis,label"
    lines = (
        [json.dumps(r) for r in rows] if kind == "jsonl" else [head, *(",".join(r.values()) for r in rows)]
    )
    data = table(tmp_path, "\n".join(lines), f"pairs.{kind}")
    assert " ".join(e.target.label for e in data.examples) == read


@pytest.mark.parametrize(
    ("cells", "read"),
    [
        (['"He said ""go"""', '"A dog, moves."'], ['He said "go"', "A dog, moves."]),
        (['"He said ""go"""', 'Conceptually "cream'], ['"He said ""go"""', 'Conceptually "cream']),
        (['"Go!"', "He goes."], ['"Go!"', "He goes."]),
        (['How "do you', "You do."], ['How "do you', "You do."]),
        (['"two\nlines"', "You do."], ["two\nlines", "You do."]),
    ],
)
def test_a_tsv_is_unquoted_where_all_of_it_was_quoted(tmp_path, cells, read):
    text = "premise\thypothesis\tlabel\n" + "".join(f"{c}\tIt is.\t1\n" for c in cells)
    assert [e.inputs.premise for e in table(tmp_path, text, "pairs.tsv").examples] == read


def test_a_torn_row_is_one_error_with_its_line(tmp_path):
    with pytest.raises(DataError, match=r"pairs\.csv:3.*expected 3 columns, found 2"):
        table(tmp_path, "premise,hypothesis,label\na b,c d,1\na b,c\n")


def test_conflicts_duplicates_and_copies_are_found(tmp_path):
    data = table(
        tmp_path,
        "premise,hypothesis,label\nAda left.,She went.,1\nada  left.,She went.,0\n"
        "Bo ate.,Bo ate.,0\nCy sang.,Cy slept.,0\nCy sang.,Cy slept.,0\n",
    )
    ids = [e.id for e in data.examples]
    names = found(checks.run(data))
    assert {("conflicting-labels", ids[0]), ("conflicting-labels", ids[1])} <= names
    assert ("premise-equals-hypothesis", ids[2]) in names
    assert ("duplicate-pair", ids[4]) in names


def test_mojibake_is_named_with_its_repair(tmp_path):
    data = table(tmp_path, "premise,hypothesis,label\nThe cafÃ© closed.,It shut.,1\nReally??,No.,0\n")
    hits = [f for f in checks.run(data).findings if f.check == "mojibake"]
    assert [f.example_id for f in hits] == [data.examples[0].id]
    assert "café" in hits[0].fix


@pytest.mark.parametrize(
    ("reason", "verdict"),
    [
        ("step 1: x. step 2: so the hypothesis can be inferred from the premise.", "entailed"),
        ("step 1: x. step 2: the hypothesis cannot be inferred from the premise.", "not entailed"),
        ("Hence it is not logically entailed that the hypothesis is true.", "not entailed"),
        ("It is not possible to conclude this from the text.", "not entailed"),
        ("It is reasonable to infer that she left.", "entailed"),
        ("We cannot be sure of the size. Therefore the hypothesis is plausible.", "entailed"),
        ("Can we infer it? No, the premise does not imply the hypothesis.", "not entailed"),
        ("The hypothesis is not contradicted by the premise and follows from it.", "entailed"),
        ("The premise is about cats.", None),
    ],
)
def test_the_verdict_of_a_reason(reason, verdict):
    assert conclusion(reason) == verdict


def test_a_reason_against_its_label_and_one_of_another_pair(tmp_path):
    rows = (
        '{"id": "a", "premise": "The blue boat sank near the harbour.", "hypothesis": "A boat went under.", "label": 1, '
        '"reason": "step 1: the boat sank near the harbour. step 2: the hypothesis cannot be inferred from the premise."}\n'
        '{"id": "b", "premise": "Seven children baked bread yesterday.", "hypothesis": "Children were cooking.", "label": 1, '
        '"reason": "step 1: the blue boat sank near the harbour. step 2: so the hypothesis can be inferred."}\n'
    )
    names = found(checks.run(table(tmp_path, rows, "reasons.jsonl")))
    assert ("reason-contradicts-label", "a") in names
    assert ("reason-contradicts-label", "b") not in names
    assert ("reason-of-another-pair", "b") in names
    assert ("reason-of-another-pair", "a") not in names


def test_leaks_and_balance_need_the_other_split(tmp_path):
    train = table(tmp_path, "premise,hypothesis,label\nAda left.,She went.,1\nBo ate.,Bo dined.,1\n", "t.csv")
    dev = table(tmp_path, "premise,hypothesis,label\nAda left.,She went.,1\nBo ate.,Bo slept.,0\n", "d.csv")
    report = checks.run(train, against=dev)
    severity = {f.example_id: f.severity for f in report.findings if f.check == "leaked-premise"}
    assert severity == {train.examples[0].id: "error", train.examples[1].id: "warning"}
    assert "leaked-premise" in dict(checks.run(train).skipped)


def predictions(examples, labels, confidence=0.9):
    return [
        Prediction(e.id, TASK.parse(label, e), confidence) if label is not None else None
        for e, label in zip(examples, labels, strict=True)
    ]


def test_scores_agree_with_scikit_learn(tmp_path):
    from sklearn.metrics import accuracy_score, f1_score

    rng = np.random.default_rng(0)
    gold = rng.choice(["entailment", "neutral", "contradiction"], 300)
    guess = np.where(rng.random(300) < 0.6, gold, rng.choice(["entailment", "neutral"], 300))
    text = "premise,hypothesis,label\n" + "".join(
        f"premise {i},hypothesis {i},{g}\n" for i, g in enumerate(gold)
    )
    examples = table(tmp_path, text).examples
    report = score(TASK, examples, predictions(examples, list(guess)))
    assert report.score("accuracy").value == pytest.approx(100 * accuracy_score(gold, guess))
    assert report.score("macro_f1").value == pytest.approx(100 * f1_score(gold, guess, average="macro"))
    right = accuracy_score(gold, guess)
    assert report.score("ece").value == pytest.approx(100 * abs(0.9 - right))


def test_macro_f1_of_a_slice_is_of_the_labels_that_stand_in_it(tmp_path):
    from sklearn.metrics import f1_score

    labels = [x for x in ("entailment", "neutral", "contradiction") for _ in range(4)]
    rows = "".join(f"Person {i} is {x}.,It is {i}.,{x}\n" for i, x in enumerate(labels))
    data = table(tmp_path, f"premise,hypothesis,label\n{rows}")
    perfect = score(TASK, data.examples, [TASK.gold(e) for e in data.examples], resamples=20)
    of_label = [s for s in perfect.slices if s["by"] == "label" and s["name"] == "macro_f1"]
    assert {(s["value"], s["n"]) for s in of_label} == {(100.0, 4)}
    # One of four taken for another: as scikit-learn over the labels of the slice.
    said = [TASK.gold(e) for e in data.examples]
    said[0] = Prediction(data.examples[0].id, data.examples[11].target)
    worse = score(TASK, data.examples, said, resamples=20)
    value = next(s["value"] for s in worse.slices if s["slice"] == "entailment" and s["name"] == "macro_f1")
    gold, guess = labels[:4], ["contradiction", *labels[1:4]]
    assert value == pytest.approx(100 * f1_score(gold, guess, average="macro", labels=["entailment"]))


def test_a_missing_and_an_unreadable_prediction_count_as_wrong(tmp_path):
    examples = table(tmp_path, "premise,hypothesis,label\na b,c,1\nd e,f,1\ng h,i,1\n").examples
    report = score(TASK, examples, predictions(examples, ["1", None, "??? {"]))
    assert report.score("accuracy").value == pytest.approx(100 / 3)
    assert report.missing == (examples[1].id,)


@needs_data
@pytest.mark.parametrize(
    ("name", "n"), [("pairs_train.csv", 4628), ("pairs_dev.csv", 794), ("sick_trial.txt", 500)]
)
def test_real_pairs_are_read_and_gold_scores_100(name, n):
    data = readers.load(REAL / name)
    assert len(data) == n
    report = score(TASK, data.examples, [TASK.gold(e) for e in data.examples], floors=False)
    assert report.score("accuracy").value == report.score("macro_f1").value == 100.0
    assert sum(r["n"] for r in report.slices if r["by"] == "label" and r["name"] == "accuracy") == n


def test_letters_that_lost_a_byte_are_mojibake_and_excited_questions_are_not(tmp_path):
    texts = [
        "In N?®mes.",
        "At num?\u00adber 23.",
        "Mr Ke?έal spoke.",
        "The Mus??e.",
        "In Espa??a.",
        "Paul C??zanne.",
    ]
    lost = table(tmp_path, "premise,hypothesis,label\n" + "".join(f"{t},No.,1\n" for t in texts))
    assert len([f for f in checks.run(lost).findings if f.check == "mojibake"]) == len(texts)
    asked = (
        'premise,hypothesis,label\n"oh really?? yeah i do",No.,1\n"Quoi?« dit-il.",No.,1\nWhat?No!,No.,1\n'
    )
    assert [f for f in checks.run(table(tmp_path, asked, "b.csv")).findings if f.check == "mojibake"] == []
    data = table(
        tmp_path, asked[:-1] + "".join(f"\n{t},No.,1" for t in (*texts, "A caf?? or a bar.")), "c.csv"
    )
    hits = {f.example_id for f in checks.run(data).findings if f.check == "mojibake"}
    assert data.examples[-1].id in hits


def test_pairs_are_the_same_but_for_looks_and_contradictions_hold_both_ways(tmp_path):
    data = table(
        tmp_path,
        'premise,hypothesis,label\n"Ada ""the fox"" left .",She went.,entailment\n"Ada ""the fox"" left.",She went,neutral\n'
        "It rained.,Is it raining?,neutral\nIt rained.,Is it raining.,entailment\n"
        "The boy is asleep.,The boy is awake.,contradiction\nThe boy is awake.,The boy is asleep.,neutral\n"
        '"He said "" so ""","He said ""so""",entailment\nHe left.,He left,contradiction\n',
    )
    ids = [e.id for e in data.examples]
    report = checks.run(data)
    severity = {
        (f.check, ids.index(f.example_id)): f.severity
        for f in report.findings
        if f.check != "hypothesis-only"
    }
    assert severity == {
        ("conflicting-labels", 0): "error",
        ("conflicting-labels", 1): "error",
        ("conflicting-labels", 4): "warning",
        ("premise-equals-hypothesis", 6): "warning",
        ("premise-equals-hypothesis", 7): "error",
    }


def test_swapped_pairs_and_long_sentences_in_another_role_are_leaks(tmp_path):
    long = "The old mill by the river burned down in May."
    train = f"premise,hypothesis,label\nAda left.,She went.,1\n{long},It burned.,1\nBo ate.,Ada left.,0\n"
    other = f"premise,hypothesis,label\nShe went.,Ada left.,1\nThe mill is gone.,{long},1\n"
    here, there = table(tmp_path, train, "t.csv"), table(tmp_path, other, "d.csv")
    found = {
        f.example_id: f.severity
        for f in checks.run(here, against=there).findings
        if f.check == "leaked-premise"
    }
    assert found == {here.examples[0].id: "warning", here.examples[1].id: "info"}


def test_a_rare_label_given_away_by_a_word_is_found_although_the_majority_is_not_beaten(tmp_path):
    rows = [f"premise {i},the man {'is not' if i % 9 == 0 else 'is'} at place {i % 50}" for i in range(900)]
    labels = ["contradiction" if i % 9 == 0 and i % 2 else "neutral" for i in range(900)]
    text = "premise,hypothesis,label\n" + "".join(f"{r},{x}\n" for r, x in zip(rows, labels, strict=True))
    hits = [
        f for f in checks.run(table(tmp_path, text)).findings if f.check == "hypothesis-only-predictability"
    ]
    assert len(hits) == 1
    assert hits[0].evidence["telling_words"][0]["word"] == "not"
    rng = np.random.default_rng(0)
    mixed = [labels[i] for i in rng.permutation(900)]
    text = "premise,hypothesis,label\n" + "".join(f"{r},{x}\n" for r, x in zip(rows, mixed, strict=True))
    again = checks.run(table(tmp_path, text, "mixed.csv")).findings
    assert not [f for f in again if f.check == "hypothesis-only-predictability"]


def test_a_plain_artefact_is_found_in_a_small_set_and_a_smaller_one_is_skipped(tmp_path):
    rng = np.random.default_rng(0)
    nouns = "dog cat man woman boy girl tree car".split()
    labels = rng.integers(0, 2, 60)
    art = [f"{'A' if x or rng.random() < 0.1 else 'No'} {rng.choice(nouns)} runs" for x in labels]
    clean = [f"A {rng.choice(nouns)} runs" for _ in labels]
    name = "hypothesis-only-predictability"
    for hypotheses, hits in ((art, 1), (clean, 0)):
        rows = "".join(
            f"premise {i},{h},{x}\n" for i, (h, x) in enumerate(zip(hypotheses, labels, strict=True))
        )
        report = checks.run(table(tmp_path, "premise,hypothesis,label\n" + rows))
        assert sum(f.check == name for f in report.findings) == hits
    few = checks.run(table(tmp_path, "premise,hypothesis,label\na b,c,1\n"))
    assert dict(few.skipped)[name] == "needs 50 rows, there are 1"


@needs_data
def test_sentences_shared_between_the_real_splits_are_found():
    """Three rows of the training file hold a sentence of the dev file in another role."""
    report = checks.run(readers.load(REAL / "pairs_train.csv"), against=readers.load(REAL / "pairs_dev.csv"))
    hits = [f for f in report.findings if f.check == "leaked-premise"]
    assert len(hits) == 3
    assert {f.severity for f in hits} == {"info"}


def test_accuracy_by_the_length_of_the_reason(tmp_path):
    """A model that was taught reasons and gives none is seen; where none are to be expected there is no such table."""
    from finetooth import registry
    from finetooth.evaluate.score import score
    from finetooth.types import Prediction

    task = registry.task("nli")

    def pair(i, reason=None):
        row = {"id": f"p{i}", "premise": f"Ada left at {i}.", "hypothesis": "Ada left.", "label": "1"}
        return task.from_row(row if reason is None else {**row, "reason": reason}, "rows")

    def slices(said, train=()):
        examples = [pair(i) for i in range(len(said))]
        found = [Prediction(e.id, task.parse(t, e), 0.9, t) for e, t in zip(examples, said, strict=True)]
        rows = score(task, examples, found, train=train, resamples=10).slices
        return {
            r["slice"]: (r["value"], r["n"])
            for r in rows
            if r["by"] == "reason length" and r["name"] == "accuracy"
        }

    short = '{"thought_process": "she went at noon", "predicted_label": 1}'
    long = '{"thought_process": "' + "on and " * 30 + '", "predicted_label": 0}'
    bare = '{"predicted_label": 1}'
    assert slices([short, long, bare, short]) == {
        "1-20 words": (100.0, 2),
        "41-60 words": (0.0, 1),
        "no reason": (100.0, 1),
    }
    assert slices([bare, bare]) == {}
    assert slices([bare, bare], train=[pair(9, "so it is")]) == {"no reason": (100.0, 2)}
    assert slices(["1", "0"], train=[pair(9, "so it is")]) == {}  # a head that classifies
