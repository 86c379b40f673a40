"""A policy that makes no sense is told in a line; what is not known of an example is not held against it."""

import json
import re
from types import SimpleNamespace
from typing import Any

import polars
import pytest

from finetooth import config as configuration
from finetooth import readers
from finetooth.cli import main
from finetooth.curate import classes
from finetooth.curate import table as tables
from finetooth.curate.filters import apply_filters, checked
from finetooth.curate.weights import settings, weight_rows
from finetooth.diagnose import dynamics_files
from finetooth.diagnose.cartography import cartography
from finetooth.errors import ConfigError, FinetoothError
from finetooth.io import write_jsonl
from finetooth.tasks.json import JsonTarget
from finetooth.tasks.nli import NliInput, NliTarget
from finetooth.tasks.qa import QATarget
from finetooth.types import Dataset, Example, Span


def made(n=10):
    """Examples e0 .. e9, and a table that speaks of each."""
    data = Dataset(
        "nli",
        [Example(f"e{i}", NliInput(f"p{i}", "h"), NliTarget("1")) for i in range(n)],
        "made",
        "pairs",
        "x",
    )
    rows = (
        {
            "example_id": f"e{i}",
            "variability": i / 20,
            "confidence": 1 - i / 10,
            "category": "easy" if i < 5 else "hard",
            "cluster": i % 3 - 1,
            "membership": i / 10,
            "rule_score": i % 4,
            "rank": i / 10,
        }
        for i in range(n)
    )
    return data, tables.gather(rows)


def ids(curated):
    return [e.id for e in curated.kept.examples]


@pytest.mark.parametrize(
    "settings",
    [
        {"name": "confidence"},
        {"name": "confidence", "low": -1, "high": 2},
        {"name": "label-error", "top": 0},
        {"name": "ambiguous", "top": 1},
        {"name": "cluster", "min_membership": 0.0},
    ],
    ids=str,
)
def test_a_filter_that_can_drop_nothing_is_refused_before_it_looks_at_a_table(settings):
    with pytest.raises(ConfigError, match=f"{settings['name']}: .*would drop nothing"):
        checked({"filters": [settings]})


@pytest.mark.parametrize("unknown", [None, float("nan")], ids=str)
def test_what_is_not_known_of_an_example_is_not_held_against_it(unknown):
    data, table = made()
    for column in ("confidence", "variability", "rank", "membership", "rule_score"):
        table["e9"][column] = unknown
    filters = (
        {"name": "confidence", "low": 0.5},
        {"name": "ambiguous", "top": 0.1},
        {"name": "label-error", "at_least": 0.1},
        {"name": "cluster", "min_membership": 0.75},
        {"name": "rule-score", "at_least": 1},
    )
    for one in filters:
        curated = apply_filters(data, {"filters": [one]}, table)
        assert "e9" in ids(curated), one
        assert curated.dropped
    for row in table.values():
        row["confidence"] = unknown
    with pytest.raises(ConfigError, match="'confidence' is empty for every example"):
        apply_filters(data, {"filters": [{"name": "confidence", "low": 0.5}]}, table)


@pytest.mark.parametrize(
    "odd",
    ["mojibake", ["mojibake"], [{"check": "c"}], {"check": "c"}, [{"check": "c", "severity": 1}]],
    ids=str,
)
@pytest.mark.parametrize("name", ["findings", "near-duplicate"])
def test_a_column_of_findings_that_are_none_is_named(name, odd):
    data, table = made()
    for row in table.values():
        row["findings"] = []
    table["e3"]["findings"] = odd
    with pytest.raises(ConfigError, match=f"{name}: findings of 'e3' is no list of findings"):
        apply_filters(data, {"filters": [{"name": name}]}, table)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"filters:\n", "the policy names no filter|nothing to do"),
        (b"filters: 5\n", "filters: expected a list of filters, found 5"),
        (b"\xff\xfef", "not UTF-8"),
        (b"a: &a [*a]\n", "not YAML"),
        (b"a: 2020-13-45\n", "not YAML"),
        (b"[1]\n", "expected a mapping"),
        (b"filters: [{name: category, drop: 2020-01-01}]\n", "there is no '2020-01-01'"),
    ],
    ids=str,
)
def test_a_policy_file_that_is_none_is_told_in_a_line(content, said, policy_files, capsys):
    folder, asked = policy_files
    (folder / "p.yaml").write_bytes(content)
    assert main([*asked, "--policy", str(folder / "p.yaml"), "--dry-run"]) == 2
    assert re.search(said, capsys.readouterr().err)
    if b"drop" in content:
        return  # known to be wrong only beside a table
    train = ["train", "--task", "nli", "--data", str(folder / "d.jsonl"), "--dev", str(folder / "d.jsonl")]
    train += ["--out", str(folder / "o"), "--model", "scratch", "--on-error", "keep"]
    assert main([*train, "--curate", str(folder / "p.yaml")]) == 2
    assert not (folder / "o" / "baseline-0").exists()


@pytest.mark.parametrize(
    "text", ["confidence:low=[", 'confidence:low="', "confidence:low", "confidence:low=x"]
)
def test_a_filter_that_cannot_be_read_is_told_in_a_line(text, policy_files, capsys):
    _, asked = policy_files
    assert main([*asked, "--filter", text, "--dry-run"]) == 2
    assert "confidence" in capsys.readouterr().err
    assert main([*asked, "--filter", "confidence:low=3e-1", "--dry-run"]) == 0


@pytest.fixture
def policy_files(tmp_path):
    rows = [
        {"id": f"e{i}", "premise": f"Dog {i} runs.", "hypothesis": "It runs.", "label": i % 2}
        for i in range(6)
    ]
    write_jsonl(tmp_path / "d.jsonl", rows)
    write_jsonl(
        tmp_path / "t.jsonl",
        [{"example_id": f"e{i}", "confidence": i / 6, "category": "easy"} for i in range(6)],
    )
    return tmp_path, ["curate", str(tmp_path / "d.jsonl"), "--with", str(tmp_path / "t.jsonl")]


@pytest.mark.parametrize("column", ["example_id", "id", "guid"])
def test_ids_of_a_csv_keep_their_leading_zeros(tmp_path, column):
    (tmp_path / "t.csv").write_text(f"confidence,{column}\n0.1,0000\n0.9,0019\n", "utf-8")
    table = tables.read(tmp_path / "t.csv")
    assert {name: row["confidence"] for name, row in table.items()} == {"0000": 0.1, "0019": 0.9}


def test_the_csv_of_a_map_reads_back_as_its_parquet(tmp_path):
    import polars as pl

    from finetooth.diagnose.tables import write as write_table

    frame = pl.DataFrame(
        {
            "example_id": ["0000", "-1", "+007", "1e5", "true", ""],
            "confidence": [0.5, None, float("nan"), 1.0, 0.0, 0.25],
            "category": ["easy", None, "hard", "easy", "easy", "hard"],
            "target": ["-1", "0", "1", "1", "0", "1"],
            "fix": [None, "1", "0", None, None, None],
        }
    )
    parquet, csv = write_table(frame, tmp_path / "cartography")
    a, b = tables.read(parquet), tables.read(csv)
    assert list(a) == list(b)
    for column in ("category", "target", "fix"):
        assert [r[column] for r in a.values()] == [r[column] for r in b.values()]
    assert str([r["confidence"] for r in a.values()]) == str([r["confidence"] for r in b.values()])


def labelled(labels):
    examples = [Example(f"e{i}", NliInput(f"p{i}", "h"), NliTarget(x)) for i, x in enumerate(labels)]
    return Dataset("nli", examples, "made", "pairs", "x")


def test_a_class_that_curation_takes_out_is_named():
    data = labelled(["yes", "no"] * 10 + ["maybe"] * 40)
    table = {e.id: {"example_id": e.id, "confidence": 0.9} for e in data.examples}
    for e in data.examples:
        if e.target.label == "no" or (e.target.label == "maybe" and e.id != "e20"):
            table[e.id]["confidence"] = 0.1
    curated = apply_filters(data, {"filters": [{"name": "confidence", "low": 0.5}]}, table)
    assert [(t.name, t.before, t.after) for t in curated.thinned] == [("no", 10, 0), ("maybe", 40, 1)]
    assert classes.told(curated.thinned) == (
        "nothing is left of label 'no' (10 before); less than a tenth of label 'maybe' (1 of 40)"
    )
    assert apply_filters(data, {"filters": [{"name": "confidence", "low": 0.05}]}, table).thinned == ()


def test_a_policy_that_keeps_a_twentieth_of_everything_singles_no_class_out():
    data = labelled(["yes"] * 100 + ["no"] * 100)
    kept = data.examples[:5] + data.examples[100:105]
    assert classes.thinned(data.examples, kept) == ()
    assert classes.thinned(data.examples, data.examples[:10])[0].name == "no"


def test_entity_types_relations_and_unanswerable_questions_are_classes():
    def seen(task, target):
        return set(classes.count([Example("a", None, target)]))

    spans = (Span(0, 1, "a"),)
    assert seen("qa", QATarget(())) == {("question", "without an answer")}
    assert seen("qa", QATarget(spans)) == {("question", "with an answer")}
    assert seen("json", JsonTarget({"a": 1})) == set()
    both = SimpleNamespace(entities=[SimpleNamespace(type="PER"), SimpleNamespace(type="LOC")])
    assert seen("ner", both) == {("entity type", "PER"), ("entity type", "LOC")}
    assert seen("relation", SimpleNamespace(triples=[SimpleNamespace(relation="P19")])) == {
        ("relation", "P19")
    }


def test_curate_says_which_class_is_gone(policy_files, capsys):
    folder, asked = policy_files
    rows = [{"example_id": f"e{i}", "confidence": i % 2} for i in range(6)]
    write_jsonl(folder / "t.jsonl", rows)
    assert main([*asked, "--filter", "confidence:low=0.5", "--dry-run", "--json"]) == 0
    told = capsys.readouterr()
    assert "warning: nothing is left of label '0' (3 before)" in told.err
    assert json.loads(told.out)["thinned"] == [{"kind": "label", "name": "0", "before": 3, "after": 0}]


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ({"weights": 2}, "weights: expected true or settings"),
        ({"weights": {"scal": 1}}, "did you mean scale"),
        ({"weights": {"scale": -1}}, "scale"),
        ({"weights": {"low": 2}}, "low"),
        ({"smoothing": {"most": 1}}, "most"),
        ({"smoothing": {"factor": "much"}}, "factor: expected a number"),
        ({"curriculum": 1}, "curriculum: expected true or false"),
        ({"weights": True, "fix": True}, "nothing would be fixed"),
        ({"weights": False}, "names no filter"),
    ],
    ids=str,
)
def test_what_a_policy_says_of_weights_is_checked_without_a_table(policy, said):
    with pytest.raises(ConfigError, match=said):
        checked(policy)


def test_a_policy_may_weight_smooth_and_order_and_drop_nothing():
    data, table = made()
    asked = {"weights": {"scale": 0}, "smoothing": {"factor": 1.0, "most": 0.2}, "curriculum": True}
    curated = apply_filters(data, asked, table)
    assert (len(curated.kept), curated.dropped) == (10, ())
    rows = weight_rows(table, **(settings(asked) or {}))
    assert [r["smoothing"] for r in rows][:6] == pytest.approx([0, 0.05, 0.1, 0.15, 0.2, 0.2])
    assert rows[9]["weight"] / rows[0]["weight"] == pytest.approx(1.45)
    assert [r["difficulty"] for r in rows] == list(range(10))
    assert "weight" not in weight_rows(table, **(settings({"curriculum": True}) or {}))[0]
    table["e3"]["variability"] = float("nan")
    assert len(weight_rows(table)) == 9


def weighed(folder, asked, *options):
    """The rows that --weights-out wrote under these options, of examples whose variability grows."""
    table = folder / "t.jsonl"
    write_jsonl(
        table, [{"example_id": f"e{i}", "confidence": 1 - i / 6, "variability": i / 12} for i in range(6)]
    )
    assert main([*asked, "--weights-out", str(folder / "w.jsonl"), *options]) == 0
    return [json.loads(line) for line in (folder / "w.jsonl").read_text("utf-8").splitlines()]


def test_weights_smoothing_and_an_order_are_written_together_or_apart(policy_files, capsys):
    folder, asked = policy_files
    assert set(weighed(folder, asked)[0]) == {"example_id", "weight", "difficulty"}
    alone = weighed(folder, asked, "--no-weigh", "--smooth-factor", "0.4", "--smooth-most", "0.1")
    assert [r["smoothing"] for r in alone] == pytest.approx([0, 0.4 / 12, 0.8 / 12, 0.1, 0.1, 0.1])
    assert "weight" not in alone[0]
    assert set(weighed(folder, asked, "--no-weigh")[0]) == {"example_id", "difficulty"}
    assert "train.curriculum=true" in capsys.readouterr().err
    clipped = [r["weight"] for r in weighed(folder, asked, "--scale", "5", "--clip", "0.5", "1.5")]
    assert (min(clipped), max(clipped)) == pytest.approx((0.5, 1.5))
    (folder / "p.yaml").write_text("weights: {scale: 5, high: 1.5, low: 0.5}\nsmoothing: true\n", "utf-8")
    both = weighed(folder, asked, "--policy", str(folder / "p.yaml"))
    assert [r["weight"] for r in both] == clipped
    assert both[5]["smoothing"] == pytest.approx(0.25)


def test_weights_asked_for_and_not_written_are_no_silent_loss(policy_files, capsys):
    folder, asked = policy_files
    (folder / "p.yaml").write_text("weights: true\n", "utf-8")
    for options in (["--policy", str(folder / "p.yaml")], ["--smooth", "--filter", "confidence:low=0.5"]):
        assert main([*asked, *options, "--dry-run"]) == 2
        assert "--weights-out" in capsys.readouterr().err
    assert main([*asked, "--weights-out", str(folder / "w"), "--no-weigh", "--scale", "1"]) == 2
    assert main([*asked, "--weights-out", str(folder / "w"), "--clip", "2", "3"]) == 2


def run_of(folder, rows, *, with_text):
    """A run folder of these rows with a table in it, of which the text of the rows is a part or not."""
    write_jsonl(folder / "old.jsonl", rows)
    data = readers.load(str(folder / "old.jsonl"), task="nli")
    config = {"task": "nli", "data": {"train": str(folder / "old.jsonl"), "dev": str(folder / "old.jsonl")}}
    config = configuration.build({**config, "out": str(folder / "run")}).model_dump(mode="json")
    info = {"format": 1, "status": "finished", "config": config, "sources": {"train": data.fingerprint}}
    (folder / "run").mkdir()
    (folder / "run" / "run.json").write_text(json.dumps(info), "utf-8")
    known = [{"example_id": r["id"], "confidence": i / len(rows)} for i, r in enumerate(rows)]
    if with_text:
        known = [
            k | {"input": f"{r['premise']}\n{r['hypothesis']}", "target": str(r["label"])}
            for k, r in zip(known, rows, strict=True)
        ]
    polars.DataFrame(known).write_parquet(folder / "run" / "diagnosis.parquet")
    return folder / "run"


@pytest.mark.parametrize("with_text", [True, False])
def test_a_table_of_other_data_of_the_same_ids_is_told(tmp_path, capsys, with_text):
    rows: list[dict[str, Any]] = [
        {"id": f"e{i}", "premise": f"Dog {i}.", "hypothesis": "It runs.", "label": i % 2} for i in range(6)
    ]
    run = run_of(tmp_path, rows, with_text=with_text)
    flipped = [r | {"label": 1 - r["label"]} if i < 4 else r for i, r in enumerate(rows)]
    for name, made, n in (
        ("same", rows, 0),
        ("part", rows[:4], 0),
        ("longer", [*rows, rows[0] | {"id": "new", "premise": "Other."}], 0),
        ("flipped", flipped, 4),
    ):
        write_jsonl(tmp_path / f"{name}.jsonl", made)
        asked = ["curate", str(tmp_path / f"{name}.jsonl"), "--with", str(run), "--json", "--dry-run"]
        assert main([*asked, "--filter", "confidence:low=0.2"]) == 0
        told = capsys.readouterr()
        assert json.loads(told.out)["changed_since"] == n, name
        assert ("changed since" in told.err) == (n > 0), name
    # The file itself was written over: the map alone cannot tell what it was, a diagnosis can.
    write_jsonl(tmp_path / "old.jsonl", flipped)
    asked = ["curate", str(tmp_path / "old.jsonl"), "--with", str(run), "--json", "--dry-run"]
    assert main([*asked, "--filter", "confidence:low=0.2"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["changed_since"] == (4 if with_text else None)
    assert ("changed since" if with_text else "another fingerprint") in told.err


def test_what_is_known_of_examples_may_come_in_any_form(tmp_path):
    import pyarrow

    data, table = made()
    rows, filters = list(table.values()), [{"name": "confidence", "low": 0.55}]
    frame = polars.DataFrame(rows)
    frame.write_parquet(tmp_path / "cartography.parquet")
    frame.write_csv(tmp_path / "t.csv")
    epochs = [
        {"example_id": r["example_id"], "epoch": k, "gold_prob": r["confidence"]}
        for r in rows
        for k in (0, 1)
    ]
    steps = polars.DataFrame([r | {"margin": 0.1, "correct": True, "loss": 0.2} for r in epochs])
    steps.write_parquet(tmp_path / "dynamics.parquet")
    mapped = cartography(dynamics_files.of_parquet(tmp_path / "dynamics.parquet"))
    forms = [table, rows, frame, pyarrow.Table.from_pylist(rows), mapped, mapped.frame()]
    forms += [tmp_path, str(tmp_path), tmp_path / "t.csv"]
    for known in forms:
        assert ids(apply_filters(data, {"filters": filters}, known)) == [f"e{i}" for i in range(5)], type(
            known
        )
    assert ids(apply_filters(data, {"filters": filters, "with": str(tmp_path)})) == [
        f"e{i}" for i in range(5)
    ]
    (tmp_path / "p.yaml").write_text(
        f"with: {tmp_path}\nfilters: [{{name: confidence, low: 0.55}}]\n", "utf-8"
    )
    assert len(apply_filters(data, tmp_path / "p.yaml").dropped) == 5


@pytest.mark.parametrize("known", [None, 5, {"example_id": "e1"}], ids=str)
def test_what_is_no_table_is_refused(known):
    data, _ = made()
    for odd in (known, data) if known == 5 else (known,):
        with pytest.raises(FinetoothError, match=r"known of the examples|found one row"):
            apply_filters(data, {"filters": [{"name": "confidence", "low": 0.5}]}, odd)


def test_a_policy_may_name_its_run(policy_files, capsys):
    folder, asked = policy_files
    (folder / "p.yaml").write_text(
        f"with: {folder / 't.jsonl'}\nfilters: [{{name: confidence, low: 0.5}}]\n", "utf-8"
    )
    assert main([*asked[:2], "--policy", str(folder / "p.yaml"), "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kept"] == 3
    assert main([*asked[:2], "--filter", "confidence:low=0.5", "--dry-run"]) == 2
    assert "--with" in capsys.readouterr().err
