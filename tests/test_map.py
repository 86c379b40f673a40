"""finetooth map: files, one JSON document, a picture of few and of many points."""

import csv
import json

import numpy as np
import polars as pl
import pytest
from test_cartography import table, write_epochs

from finetooth.cli import main
from finetooth.diagnose.cartography import cartography
from finetooth.diagnose.tables import guarded

datamap = pytest.importorskip("finetooth.report.datamap")


def epochs(n=12, e=3):
    rng = np.random.default_rng(0)
    skill = rng.normal(size=n)
    return [[(f"q{i}", [float(skill[i] + k), 0.0], 0) for i in range(n)] for k in range(e)]


def test_the_files_agree_with_each_other_and_with_the_document(tmp_path, capsys):
    source = write_epochs(tmp_path / "run", epochs())
    assert main(["map", str(source), "--out", str(tmp_path / "made"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert set(document) == {"examples", "summary"}
    made = tmp_path / "made"
    frame = pl.read_parquet(made / "cartography.parquet")
    assert frame.to_dicts() == document["examples"]
    assert pl.read_csv(made / "cartography.csv")["confidence"].to_list() == frame["confidence"].to_list()
    assert json.loads((made / "cartography.json").read_text("utf-8")) == document["summary"]
    assert document["summary"]["categories"].keys() == {"easy", "ambiguous", "hard"}
    assert "ambiguous: variability above" in document["summary"]["chosen"]
    assert (made / "data_map.png").read_bytes().startswith(b"\x89PNG")


def test_people_are_told_what_was_chosen(tmp_path, capsys):
    source = write_epochs(tmp_path / "run", epochs())
    assert main(["map", str(source), "--no-picture", "--burn-in", "1"]) == 0
    said = capsys.readouterr()
    assert "gold lost on average" in said.err
    assert "easy" in said.out
    assert (source / "cartography.parquet").is_file()
    assert not (source / "data_map.png").exists()


def test_an_id_that_is_a_formula_is_guarded_in_the_csv_only(tmp_path):
    evil = '=HYPERLINK("http://x.invalid","y")'
    rows = [[(evil, [1.0, 0.0], 0), ("ok", [0.0, 1.0], 0)]] * 2
    source = write_epochs(tmp_path, rows)
    assert main(["map", str(source), "--no-picture"]) == 0
    with (source / "cartography.csv").open(encoding="utf-8", newline="") as f:
        cells = [row["example_id"] for row in csv.DictReader(f)]
    assert cells == [f"'{evil}", "ok"]
    assert pl.read_parquet(source / "cartography.parquet")["example_id"].to_list() == [evil, "ok"]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1", "\uff1d1"])
def test_what_a_spreadsheet_would_run_is_guarded(cell):
    assert guarded(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["a=1", "", "1-2", "'tis"])
def test_plain_text_stays_as_it_is(cell):
    assert guarded(cell) == cell


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "nowhere"),
        ([".", "--burn-in", "9"], "none is left"),
        ([".", "--ambiguous-from", "3"], "between 0 and 1"),
        ([".", "--split", "dev"], "dev"),
        ([".", "--by", "median", "--share", "0.2"], "--share is read with --by share alone"),
        ([".", "--share", "0.2"], "--share is read with --by share alone"),
        ([".", "--by", "share", "--share", "0.2", "--hard-below", "0.4"], "--share is read"),
        ([".", "--by", "share", "--share", "0.9"], "at most 0.5"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(tmp_path, monkeypatch, capsys, arguments, said):
    write_epochs(tmp_path, epochs())
    monkeypatch.chdir(tmp_path)
    assert main(["map", *arguments]) == 2
    errors = capsys.readouterr().err.strip().splitlines()
    assert len(errors) == 1
    assert said in errors[0]


def test_the_reference_format_is_written_on_request(tmp_path):
    source = write_epochs(tmp_path / "run", epochs())
    other = tmp_path / "reference"
    assert main(["map", str(source), "--no-picture", "--reference", str(other)]) == 0
    rows = [json.loads(line) for line in (other / "td_metrics.jsonl").read_text("utf-8").splitlines()]
    assert [r["guid"] for r in rows] == [f"q{i}" for i in range(12)]
    copy = other / "training_dynamics" / "dynamics_epoch_1.jsonl"
    assert json.loads(copy.read_text("utf-8").splitlines()[0])["guid"] == "q0"


def many(n):
    rng = np.random.default_rng(1)
    logit = rng.normal(1.0, 2.0, size=(n, 1)) + rng.normal(size=(n, 3))
    return cartography(table(1 / (1 + np.exp(-logit))))


@pytest.mark.parametrize("n", [5, 300, 20_000])
def test_every_category_is_seen_in_the_picture_whatever_the_size(tmp_path, n):
    from matplotlib.colors import to_rgb
    from matplotlib.image import imread

    made = many(n)
    pixels = imread(datamap.draw(made, tmp_path / "m.png", title="$x^2$ is text"))[..., :3]
    inside = pixels[300:900, 150:1000].reshape(-1, 3)
    for name in {str(c) for c in made.columns["category"]}:
        # Blended with the paper it stays on the line between the two colours.
        colour = np.array(to_rgb(datamap.COLOURS[name]))
        strength = (1 - inside) @ (1 - colour) / ((1 - colour) @ (1 - colour))
        off = np.abs(1 - inside - strength[:, None] * (1 - colour)).max(axis=1)
        assert ((strength > 0.25) & (off < 0.03)).sum() >= 5, name


def test_the_same_map_gives_the_same_picture(tmp_path):
    made = many(200)
    one, two = (datamap.draw(made, tmp_path / name).read_bytes() for name in ("a.png", "b.png"))
    assert one == two


def test_a_map_in_one_corner_is_drawn_closer_too(tmp_path):
    from matplotlib.colors import to_rgb
    from matplotlib.image import imread

    def middle(scale):
        """How many pixels of the middle, where no example lies, are of the colour of easy ones."""
        made = cartography(table(1 - scale * np.random.default_rng(0).random((40, 3))))
        pixels = imread(datamap.draw(made, tmp_path / "m.png"))[400:750, 500:850, :3]
        return int((np.abs(pixels - to_rgb(datamap.COLOURS["easy"])).max(axis=-1) < 0.3).sum())

    assert middle(0.05) > 100
    assert middle(0.45) == 0
