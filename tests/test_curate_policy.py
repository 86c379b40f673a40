"""A policy that makes no sense is told in a line; what is not known of an example is not held against it."""

import re

import pytest

from finetooth.cli import main
from finetooth.curate import table as tables
from finetooth.curate.filters import apply_filters, checked
from finetooth.errors import ConfigError
from finetooth.io import write_jsonl
from finetooth.tasks.nli import NliInput, NliTarget
from finetooth.types import Dataset, Example


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
    for settings in filters:
        curated = apply_filters(data, {"filters": [settings]}, table)
        assert "e9" in ids(curated), settings
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
