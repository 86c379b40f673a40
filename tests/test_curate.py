"""A policy over a table: what goes, why, and that nothing goes unnamed."""

import json
from dataclasses import replace

import numpy as np
import pytest

from finetooth import registry
from finetooth.cli import main
from finetooth.curate import table as tables
from finetooth.curate.correct import corrected
from finetooth.curate.filters import DUPLICATES, FILTERS, apply_filters
from finetooth.curate.weights import clip_to_mean_one, smoothing, variability_weights, weight_rows
from finetooth.diagnose.evidence import in_short
from finetooth.errors import ConfigError, DataError, UsageError
from finetooth.io import write_jsonl
from finetooth.tasks.json import JsonInput, JsonTarget
from finetooth.tasks.nli import NliInput, NliTarget
from finetooth.tasks.qa import QAInput, QATarget
from finetooth.types import Dataset, Example, Finding, Span


@pytest.fixture
def data():
    examples = [Example(f"e{i}", NliInput(f"p{i}", "h"), NliTarget("1")) for i in range(10)]
    return Dataset("nli", examples, "made", "pairs", "x")


@pytest.fixture
def table():
    return tables.gather(
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
        for i in range(10)
    )


def ids(curated):
    return [e.id for e in curated.kept.examples]


def test_the_most_ambiguous_third_is_kept_and_the_rest_named(data, table):
    curated = apply_filters(data, {"filters": [{"name": "ambiguous", "top": 0.3}]}, table)
    assert ids(curated) == ["e7", "e8", "e9"]
    assert [d.example_id for d in curated.dropped] == [f"e{i}" for i in range(7)]
    assert all("variability" in d.reason for d in curated.dropped)


def test_or_drops_what_any_and_what_all_filters_drop(data, table):
    filters = [{"name": "category", "drop": "hard"}, {"name": "confidence", "low": 0.25}]
    assert ids(apply_filters(data, {"filters": filters}, table)) == [f"e{i}" for i in range(5)]
    both = apply_filters(data, {"filters": filters, "combine": "and"}, table)
    assert ids(both) == [f"e{i}" for i in range(8)]


def test_a_proposed_target_is_taken_in_place_of_a_drop_and_named(data, table):
    data = replace(
        data, examples=[replace(e, target=NliTarget("0")) if e.id == "e5" else e for e in data.examples]
    )
    table["e9"] |= {"fix": '"0"', "fix_source": "models that never saw it (0.91)"}
    table["e8"] |= {"fix": '"1"', "fix_source": "the model"}  # what it has: no change
    table["e7"] |= {"fix": '"swap the two"', "fix_source": "check some-check"}  # for a person
    table["e0"] |= {"fix": '"0"', "fix_source": "the model"}  # not filtered: left alone
    policy = {"filters": [{"name": "label-error", "top": 0.3}], "fix": True}
    curated = apply_filters(data, policy, table)
    targets = {e.id: e.target.label for e in curated.kept.examples}
    assert targets == {f"e{i}": "1" for i in range(7)} | {"e5": "0", "e9": "0"}
    assert [d.example_id for d in curated.dropped] == ["e7", "e8"]
    (one,) = curated.fixed
    assert (one.example_id, one.before, one.after) == ("e9", "1", "0")
    assert "label-error" in one.reason
    assert one.source.startswith("models that never saw")
    assert curated.kept.fingerprint != apply_filters(data, policy | {"fix": False}, table).kept.fingerprint
    table["e9"]["fix"] = '"neutral"'  # no label of the set: it would be of two kinds
    assert apply_filters(data, policy, table).fixed == ()
    for row in table.values():
        row.pop("fix", None)
    with pytest.raises(ConfigError, match="proposes no targets"):
        apply_filters(data, policy, table)
    with pytest.raises(ConfigError, match="fix: expected true or false"):
        apply_filters(data, policy | {"fix": "yes please"}, table)


def test_a_column_without_a_value_is_an_error_and_no_empty_result(data, table):
    for row in table.values():
        row["cluster"] = None
    with pytest.raises(ConfigError, match="cluster: column 'cluster' is empty for every example"):
        apply_filters(data, {"filters": [{"name": "cluster", "exclude": -1}]}, table)


def test_nothing_is_most_ambiguous_where_nothing_varies(data, table):
    for row in table.values():
        row["variability"] = 0.0
    with pytest.raises(ConfigError, match="the same variability"):
        apply_filters(data, {"filters": [{"name": "ambiguous", "top": 0.5}]}, table)


def test_what_a_check_moves_must_be_what_is_taught():
    inputs = QAInput("When?", "1939 was not 39.")
    example = Example("q", inputs, QATarget((Span(2, 4, "39"), Span(13, 15, "39"))))
    moved = {"answer": 0, "answer_start": 13, "text": "39"}
    data, policy = (
        Dataset("qa", [example], "made", "squad", "x"),
        {"filters": [{"name": "rule-score"}], "fix": True},
    )
    table = {"q": {"example_id": "q", "rule_score": 3, "fix": json.dumps(moved), "fix_source": "check cut"}}
    (one,) = apply_filters(data, policy, table).fixed
    assert one.before != one.after, "the words are the same, the place is not"
    other = table["q"] | {"fix": json.dumps(moved | {"answer": 1, "answer_start": 2})}
    assert corrected(registry.task("qa"), example, other) is None, "of another annotator"


def test_fixes_of_checks_are_made_all_or_none():
    target = JsonTarget({"a": 1, "b": {"c": 2}})
    example = Example("j", JsonInput("one and two", "s"), target)
    first, second = {"path": "$.a", "value": 3}, {"path": "$.b.c", "value": 4}
    row = {"fix": json.dumps([first, second]), "fix_source": "checks one, two"}
    better, source = corrected(registry.task("json"), example, row)
    assert better.target.value == {"a": 3, "b": {"c": 4}}
    assert source == "checks one, two"
    assert (
        corrected(registry.task("json"), example, row | {"fix": json.dumps([first, "ask a person"])}) is None
    )
    one = {"fix": json.dumps(first), "fix_source": "check one"}
    assert corrected(registry.task("json"), example, one)[0].target.value["a"] == 3


@pytest.mark.parametrize(
    ("answer", "starts"), [("Rome", [12]), ("Oslo", None), ("Paris", None), ("", None)], ids=str
)
def test_an_answer_is_taken_where_it_stands_once(answer, starts):
    inputs = QAInput("Where?", "Oslo, Oslo, Rome")
    example = Example("q", inputs, QATarget((Span(0, 4, "Oslo"),)))
    found = corrected(registry.task("qa"), example, {"fix": json.dumps(answer), "fix_source": "the model"})
    assert (found and [a.start for a in found[0].target.answers]) == starts


def test_a_filter_that_says_nothing_is_an_error_and_a_dry_run_may_keep_nothing(data, table):
    for name in ("category", "label-error", "cluster"):
        with pytest.raises(ConfigError, match=f"{name}: .* it would drop nothing"):
            apply_filters(data, {"filters": [{"name": name}]}, table)
    policy = {
        "filters": [{"name": "confidence", "low": 1.0, "high": 1.0}, {"name": "category", "drop": "easy"}]
    }
    with pytest.raises(ConfigError, match="keeps no example"):
        apply_filters(data, policy, table)
    curated = apply_filters(data, policy, table, may_be_empty=True)
    assert (len(curated.kept), len(curated.dropped)) == (0, 10)


def test_duplicates_are_what_checks_of_duplicates_found_and_no_ids(data, table):
    assert {c.name for c in registry.checks()} >= DUPLICATES
    for row in table.values():
        row["findings"] = []
    table["e1"]["findings"] = [{"check": "duplicate-id", "severity": "error", "message": "m"}]
    table["e2"]["findings"] = [{"check": "document-twice", "severity": "warning", "message": "m"}]
    assert [
        d.example_id for d in apply_filters(data, {"filters": [{"name": "near-duplicate"}]}, table).dropped
    ] == ["e2"]


def same_as(first):
    return [{"check": "duplicate-pair", "severity": "warning", "message": "m", "evidence": {"first": first}}]


def test_the_last_of_a_group_of_duplicates_stays_whatever_other_filters_drop(data, table):
    # e9, e8, e3 are one pair; e9 and e8 go for their confidence, e3 stays though it is "the same as e8".
    table |= {name: table[name] | {"findings": []} for name in table}
    table["e8"]["findings"], table["e9"]["findings"] = same_as("e3"), same_as("e3")
    table["e5"]["findings"], table["e6"]["findings"] = same_as("e4"), same_as("e4")
    table["e4"]["confidence"] = 0.0
    filters = [{"name": "near-duplicate"}, {"name": "confidence", "low": 0.25}]
    curated = apply_filters(data, {"filters": filters}, table)
    assert ids(curated) == ["e0", "e1", "e2", "e3", "e5", "e7"]
    why = {d.example_id: d.reason for d in curated.dropped}
    assert why["e4"].startswith("confidence")
    assert "near-duplicate" not in why["e4"]
    assert why["e6"] == "near-duplicate: duplicate-pair: in one group with e5, which is kept"
    assert why["e8"].startswith("near-duplicate: duplicate-pair: m; confidence")
    both = apply_filters(data, {"filters": filters, "combine": "and"}, table)
    assert ids(both) == [f"e{i}" for i in range(8)], "e4 is the first of its group"


def test_a_table_keeps_what_a_finding_names():
    finding = Finding("b", "duplicate-pair", "warning", "m", {"first": "a"})
    assert in_short(finding) == {
        "check": "duplicate-pair",
        "severity": "warning",
        "message": "m",
        "other": "a",
    }
    b = {"example_id": "b", "findings": [in_short(finding)]}
    rows = [{"example_id": "a"}, b, b | {"example_id": "c"}]
    assert [name for name, _ in FILTERS["near-duplicate"].run(rows, gone={"a"})] == ["c"]


def test_a_duplicate_of_what_is_not_in_the_data_stays(data, table):
    table = {"e2": {"example_id": "e2", "findings": same_as("elsewhere")}}
    table["e5"] = {"example_id": "e5", "findings": same_as("elsewhere")}
    curated = apply_filters(data, {"filters": [{"name": "near-duplicate"}]}, table)
    assert [(d.example_id, d.reason.split(": ")[2]) for d in curated.dropped] == [
        ("e5", "in one group with e2, which is kept")
    ]


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_every_filter_keeps_or_names_each_example(name, data, table):
    for row in table.values():
        row["findings"] = (
            [{"check": "duplicate-pair", "severity": "error", "message": "m"}] if row["cluster"] else []
        )
    settings = {"label-error": {"top": 0.2}, "category": {"drop": "hard"}, "cluster": {"exclude": [-1]}}
    settings["confidence"] = {"low": 0.3}
    curated = apply_filters(data, {"filters": [{"name": name, **settings.get(name, {})}]}, table)
    assert sorted([*ids(curated), *(d.example_id for d in curated.dropped)]) == sorted(
        e.id for e in data.examples
    )
    assert curated.dropped


def test_an_example_without_a_row_is_kept(data, table):
    del table["e0"]
    assert "e0" in ids(apply_filters(data, {"filters": [{"name": "ambiguous", "top": 0.1}]}, table))


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ({"filters": [{"name": "ambigous"}]}, "did you mean ambiguous"),
        ({"filters": [{"name": "ambiguous", "tpo": 1}]}, "did you mean top"),
        ({"filters": [{"name": "ambiguous", "top": 3}]}, "a share from 0 to 1"),
        ({"filters": [{"name": "findings"}]}, "no column 'findings'"),
        ({"filters": [{"name": "category", "drop": "easy+hard"}]}, "keeps no example"),
        ({"filters": []}, "names no filter"),
        ({"filters": [{"name": "category", "drop": "esay"}]}, "did you mean easy"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(policy, words, data, table):
    with pytest.raises((ConfigError, UsageError), match=words):
        apply_filters(data, policy, table)


def test_findings_make_a_table(tmp_path, data):
    rows = [
        {"example_id": "e1", "check": "c", "severity": "error", "message": "bad"},
        {"example_id": "e1", "check": "d", "severity": "warning", "message": "odd"},
        {"example_id": "", "check": "d", "severity": "warning", "message": "as a whole"},
    ]
    write_jsonl(tmp_path / "findings.jsonl", rows)
    table = tables.read(tmp_path / "findings.jsonl")
    assert len(table["e1"]["findings"]) == 2
    assert "e1" not in ids(apply_filters(data, {"filters": [{"name": "findings"}]}, table))


def test_a_table_with_two_rows_for_one_example_is_refused():
    with pytest.raises(DataError, match="two rows"):
        tables.gather([{"example_id": "a", "confidence": 1}, {"example_id": "a", "confidence": 0}])


def test_the_published_weights_never_reach_their_clip_and_ours_do():
    v = np.linspace(0, 0.5, 1000)
    published = variability_weights(v)
    assert published.mean() == pytest.approx(1)
    assert published.max() / published.min() == pytest.approx(1.5)
    ours = variability_weights(v, scale=2.0)
    assert ours.mean() == pytest.approx(1)
    assert ours.min() == pytest.approx(0.1)
    assert np.all(np.diff(ours) >= 0)


def test_clipping_and_mean_hold_at_once():
    raw = np.r_[np.full(99, 0.001), 1000.0]
    made = clip_to_mean_one(np.log(raw), 0.1, 10.0)
    assert made.mean() == pytest.approx(1)
    assert made.min() >= 0.1
    assert made.max() <= 10


@pytest.mark.parametrize("scale", [0.5, 10.0, 50.0, 1000.0])
def test_the_mean_is_one_at_any_scale(scale):
    v = np.linspace(0, 0.5, 201)
    with np.errstate(all="raise", under="ignore"):
        made = variability_weights(v, scale=scale)
    assert made.mean() == pytest.approx(1, abs=1e-9)
    assert np.all(np.diff(made) >= 0)


def test_smoothing_is_bounded():
    assert smoothing(np.array([0.0, 0.2, 0.5])) == pytest.approx([0.0, 0.12, 0.3])


def test_weight_rows_say_the_order_from_easy_to_hard(table):
    rows = weight_rows(table, smooth=True)
    assert [r["example_id"] for r in sorted(rows, key=lambda r: r["difficulty"])] == [
        f"e{i}" for i in range(10)
    ]
    assert rows[-1]["smoothing"] == pytest.approx(0.27)


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ("category", "expected a list of filters"),
        (["category"], "expected a list of filters"),
        ({"name": "category", "drop": "hard"}, "expected a list of filters"),
        ([{"name": "confidence", "low": "much"}], "low: expected a number, found 'much'"),
        ([{"name": "confidence", "low": float("nan")}], "low: expected a number"),
        ([{"name": "rule-score", "at_least": "three"}], "at_least: expected a whole number"),
        ([{"name": "cluster", "exclude": "big"}], "exclude: expected numbers"),
        ([{"name": "cluster", "exclude": "7"}], "there is no cluster 7"),
        ([{"name": "category", "drop": "hrd"}], "there is no 'hrd'"),
        ([{"name": "findings", "severity": "bad"}], "severity: expected error, warning"),
        ([{"name": "findings", "checks": "no-such-check"}], "there is no check 'no-such-check'"),
    ],
)
def test_a_policy_that_makes_no_sense_is_named(data, table, filters, said):
    for row in table.values():
        row["findings"] = []
    with pytest.raises(ConfigError, match=said):
        apply_filters(data, {"filters": filters}, table)


def test_a_category_that_no_example_has_drops_nothing(data, table):
    policy = {"filters": [{"name": "category", "drop": "ambiguous"}]}
    assert len(ids(apply_filters(data, policy, table))) == 10


def test_a_column_of_words_where_numbers_belong_is_named(data, table):
    table["e3"]["confidence"] = "high"
    with pytest.raises(ConfigError, match="confidence of 'e3' is no number"):
        apply_filters(data, {"filters": [{"name": "confidence", "low": 0.1}]}, table)


def test_the_csv_of_a_diagnosis_curates_as_its_parquet_does(tmp_path):
    import polars as pl

    from finetooth.diagnose.tables import write as write_table

    finding = {"check": "mojibake", "severity": "error", "message": "m"}
    frame = pl.DataFrame(
        {"example_id": ["=1", "b"], "findings": [[finding], []], "rules": [["r"], []], "rank": [0.9, 0.1]},
        schema_overrides={"findings": pl.List(pl.Struct(dict.fromkeys(finding, pl.String)))},
    )
    parquet, csv = write_table(frame, tmp_path / "diagnosis")
    assert tables.read(csv) == tables.read(parquet)


@pytest.mark.parametrize("name", ["gone.csv", "empty.csv", "head.csv"])
def test_a_table_that_is_not_there_or_empty_is_an_error(tmp_path, name):
    (tmp_path / "empty.csv").write_text("", "utf-8")
    (tmp_path / "head.csv").write_text("example_id,rank\n", "utf-8")
    with pytest.raises((DataError, UsageError)) as e:
        tables.read(tmp_path / name)
    assert name in e.value.where


@pytest.mark.parametrize("scale", [-1.0, float("nan"), float("inf")])
def test_a_scale_of_weights_is_a_number_above_zero(scale):
    with pytest.raises(ConfigError, match="scale"):
        variability_weights(np.array([0.1, 0.2]), scale=scale)


def test_the_same_policy_on_validation_is_told_apart(tmp_path, capsys):
    rows = [
        {"id": f"{i}", "premise": f"Dog {i} runs.", "hypothesis": "It runs.", "label": 1} for i in range(4)
    ]
    for name in ("train", "dev"):
        write_jsonl(tmp_path / f"{name}.jsonl", [r | {"id": name + r["id"]} for r in rows])
        known = [
            {"example_id": f"{name}{i}", "confidence": i / (4 if name == "dev" else 2)} for i in range(4)
        ]
        write_jsonl(
            tmp_path / f"{name}.map.jsonl", [k | {"confidence": min(1, k["confidence"])} for k in known]
        )
    dev = (tmp_path / "dev.jsonl").read_bytes()
    asked = ["curate", str(tmp_path / "train.jsonl"), "--with", str(tmp_path / "train.map.jsonl")]
    asked += ["--filter", "confidence:low=0.5", "--out", str(tmp_path / "kept.jsonl"), "--json"]
    asked += ["--validation", str(tmp_path / "dev.jsonl")]
    assert main(asked) == 2
    assert "--validation-with" in capsys.readouterr().err
    assert main([*asked, "--validation-with", str(tmp_path / "dev.map.jsonl")]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["kept"] == 3
    apart = said["validation"]
    assert (apart["examples"], apart["kept"]) == (4, 2)
    assert apart["fingerprint"] != apart["untouched_fingerprint"]
    assert [d["example_id"] for d in apart["dropped"]] == ["dev0", "dev1"]
    assert len((tmp_path / "kept.validation.jsonl").read_text("utf-8").splitlines()) == 2
    assert len((tmp_path / "kept.validation.dropped.jsonl").read_text("utf-8").splitlines()) == 2
    assert (tmp_path / "dev.jsonl").read_bytes() == dev
