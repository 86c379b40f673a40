"""Cartography's formulas agree with the reference implementation; odd sources are reported and mapped."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from finetooth.diagnose import dynamics_files, dynamics_stream, reference
from finetooth.diagnose.cartography import cartography, forgetfulness
from finetooth.diagnose.dynamics_files import DynamicsTable
from finetooth.errors import DataError, UsageError

DATA = Path("../shared/data")
FIGURES = ("confidence", "variability", "threshold_closeness", "correctness", "forgetfulness")


@pytest.fixture(scope="module")
def vectors():
    path = DATA / "vectors" / "cartography.json"
    if not path.is_file():
        pytest.skip("the reference's figures are not here")
    return json.loads(path.read_text("utf-8"))


def write_epochs(folder, epochs):
    """``epochs``: for each a list of (guid, logits, gold)."""
    folder.mkdir(parents=True, exist_ok=True)
    for n, rows in enumerate(epochs):
        lines = [json.dumps({"guid": g, f"logits_epoch_{n}": x, "gold": y}) for g, x, y in rows]
        (folder / f"dynamics_epoch_{n}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


def stacked(vectors, folder):
    rows = vectors["stacked_input"].items()
    n = len(next(iter(vectors["stacked_input"].values()))["logits"])
    return write_epochs(folder, [[(g, r["logits"][e], r["gold"]) for g, r in rows] for e in range(n)])


def table(prob, margin=None, correct=None):
    prob = np.asarray(prob, float)
    margin = 2 * prob - 1 if margin is None else np.asarray(margin, float)
    won = (margin > 0).astype(float) if correct is None else np.asarray(correct, float)
    won = np.where(np.isnan(prob), np.nan, won)
    ids, epochs = (tuple(f"q{i}" for i in range(len(prob))), tuple(range(prob.shape[1])))
    return DynamicsTable(ids, epochs, prob, margin, won, -np.log(prob))


def agrees(made, wanted):
    rows = {row["example_id"]: row for row in made.rows()}
    assert len(rows) == len(wanted)
    for row in wanted:
        for name in FIGURES:
            assert rows[str(row["guid"])][name] == pytest.approx(row[name], abs=1e-9), (row["guid"], name)


@pytest.mark.parametrize(
    ("case", "options"),
    [
        ("stacked_synthetic", {}),
        ("stacked_include_ci", {"include_ci": True}),
        ("stacked_burn_out_3", {"burn_out": 3}),
    ],
)
def test_figures_are_those_of_the_reference(vectors, tmp_path, case, options):
    wanted = vectors[case]
    per_epoch = wanted[1] if isinstance(wanted[0], list) else None
    made = cartography(dynamics_files.read(stacked(vectors, tmp_path / "d")), **options)
    agrees(made, wanted[0] if per_epoch else wanted)
    for row in per_epoch or ():
        assert made.summary["by_epoch"][row["epoch"]]["accuracy"] == pytest.approx(row["train_acc"])


def test_the_first_epoch_of_the_published_sample(vectors, tmp_path):
    source = DATA / "cartography" / "training_dynamics" / "dynamics_epoch_0.jsonl"
    if not source.is_file():
        pytest.skip("the sample is not here")
    (tmp_path / source.name).write_bytes(source.read_bytes())
    agrees(cartography(dynamics_files.read(tmp_path)), vectors["sample_epoch0_only"][0])


def test_a_tie_is_won_by_the_first_class(vectors, tmp_path):
    folder = write_epochs(tmp_path, [[("t", [0.0, 0.0, -1.0], 1)]])
    made = cartography(dynamics_files.read(folder))
    assert made.rows()[0]["correctness"] == vectors["tie_case"][0]["correctness"] == 0
    agrees(made, vectors["tie_case"])


def test_forgetting_counts_as_the_reference_does(vectors):
    for case, times in vectors["forgetfulness_cases"].items():
        trend = np.array([json.loads(case.lower())], float)
        assert forgetfulness(trend)[0] == times, case


def test_epochs_that_share_no_example_are_reported_and_mapped():
    folder = DATA / "cartography"
    if not folder.is_dir():
        pytest.skip("the sample is not here")
    made = cartography(dynamics_files.read(folder))
    assert "dynamics-epochs-disjoint" in {f.check for f in made.findings}
    assert len(made) == 50
    assert (made.columns["epochs"] == 1).all()


def test_an_example_that_one_epoch_lacks_is_named(tmp_path):
    full = [("a", [2.0, 0.0], 0), ("b", [0.0, 2.0], 0)]
    made = cartography(dynamics_files.read(write_epochs(tmp_path, [full, full[:1]])))
    (finding,) = [f for f in made.findings if f.check == "dynamics-epochs-missing"]
    assert finding.evidence["examples"] == ["b"]
    assert made.columns["epochs"].tolist() == [2, 1]


@pytest.mark.parametrize("bad", ["NaN", "Infinity", "null", "1e300"])
def test_a_row_that_diverged_is_left_out_of_its_epoch_and_named(tmp_path, bad):
    good = [("a", [2.0, 0.0], 0), ("b", [0.0, 2.0], 0)]
    write_epochs(tmp_path, [good, good])
    path = tmp_path / "dynamics_epoch_1.jsonl"
    first, second = path.read_text("utf-8").splitlines()
    path.write_text(f"{first}\n{second.replace('0.0, 2.0', f'0.0, {bad}')}\n", "utf-8")
    made = cartography(dynamics_files.read(tmp_path))
    (finding,) = [f for f in made.findings if f.check == "dynamics-not-finite"]
    assert finding.evidence["rows"] == ["b in epoch 1"]
    assert made.columns["epochs"].tolist() == [2, 1]
    assert np.isfinite(made.columns["confidence"]).all()


def test_dynamics_of_which_nothing_is_finite_are_an_error(tmp_path):
    line = '{"guid": 1, "logits_epoch_0": [NaN, NaN], "gold": 0}\n'
    (tmp_path / "dynamics_epoch_0.jsonl").write_text(line, "utf-8")
    with pytest.raises(DataError, match="diverged"):
        dynamics_files.read(tmp_path)


def test_a_target_that_was_never_once_right_is_hard_though_most_of_it_was_likely():
    # A generated answer of many tokens, one of them always wrong: on average likely, never right.
    prob = np.full((20, 3), 0.97)
    correct = np.ones((20, 3))
    correct[4] = 0
    made = cartography(table(prob, correct=correct))
    assert np.flatnonzero(np.asarray(made.columns["category"]) == "hard").tolist() == [4]


def test_burn_in_leaves_out_the_first_epochs():
    whole = table([[0.1, 0.8, 0.9], [0.9, 0.9, 0.9]])
    late = cartography(whole, burn_in=1)
    assert late.columns["confidence"][0] == pytest.approx(0.85)
    assert late.summary["epochs"] == [1, 2]
    with pytest.raises(UsageError, match="none is left"):
        cartography(whole, burn_in=3)


def test_burn_in_of_a_table_is_the_table_without_those_epochs():
    parts = np.array([[0.9, 0.8, 0.2, 0.4], [0.1, 0.3, 0.5, 0.7]])
    whole = replace(table([[0.1, 0.8, 0.9, 0.7], [0.9, 0.9, 0.6, 0.5]]), least_prob=parts)
    late = whole.after(1)
    assert late.epochs == (1, 2, 3)
    assert late.label_prob.tolist() == pytest.approx([0.3, 0.6]), "the later half of the epochs that are left"
    one, two = cartography(whole, burn_in=1), cartography(late)
    assert one.rows() == two.rows()
    assert replace(whole, least_prob=None).after(3).label_prob.tolist() == [0.7, 0.5]
    with pytest.raises(UsageError, match="none is left"):
        whole.after(4)


def test_clean_data_is_not_called_half_ambiguous():
    rng = np.random.default_rng(0)
    steady = table(np.clip(0.95 + 0.02 * rng.normal(size=(400, 4)), 0.01, 0.999))
    by_median = cartography(steady, method="median").summary["categories"]
    ours = cartography(steady).summary
    assert by_median["ambiguous"] == 200
    assert ours["categories"] == {"easy": 400, "ambiguous": 0, "hard": 0}
    assert "less than that is steady" in ours["chosen"]


def test_each_kind_of_example_gets_its_category():
    prob = [[0.9, 0.95, 0.97]] * 8 + [[0.1, 0.9, 0.2]] * 2 + [[0.05, 0.04, 0.03]] * 2
    made = cartography(table(prob))
    assert made.columns["category"].tolist() == ["easy"] * 8 + ["ambiguous"] * 2 + ["hard"] * 2


def test_a_model_that_learnt_nothing_is_named_before_its_examples_are_called_hard():
    made = cartography(table(np.full((10, 3), 0.1)))
    assert "dynamics-little-learnt" in {f.check for f in made.findings}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"guid": 1, "gold": 0}', "expected logits_epoch_0"),
        ('{"guid": null, "logits_epoch_0": [0.1, 0.2], "gold": 0}', "expected guid, found guid: null"),
        ('{"guid": 1, "logits_epoch_0": [0.1, "x"], "gold": 0}', "list of numbers"),
        ('{"guid": 1, "logits_epoch_0": [0.1, 0.2], "gold": 2}', "from 0 to 1"),
        ('{"guid": true, "logits_epoch_0": [0.1, 0.2], "gold": 1}', "guid"),
    ],
)
def test_a_bad_row_is_named_by_file_and_line(tmp_path, line, said):
    good = '{"guid": 0, "logits_epoch_0": [0.1, 0.2], "gold": 0}\n'
    (tmp_path / "dynamics_epoch_0.jsonl").write_text(good + line + "\n", "utf-8")
    with pytest.raises(DataError, match=said) as e:
        dynamics_files.read(tmp_path)
    assert e.value.where.endswith("dynamics_epoch_0.jsonl:2")


def lines(folder, *epochs):
    """Each epoch's rows as they stand there, a string each."""
    for n, rows in enumerate(epochs):
        (folder / f"dynamics_epoch_{n}.jsonl").write_text("".join(f"{row}\n" for row in rows), "utf-8")
    return folder


def test_steps_as_numbers_of_epochs_are_counted_and_not_listed(tmp_path):
    one = '{"guid": 1, "logits_epoch_%d": [0.1, 0.2], "gold": 0}\n'
    for step in (0, 3_000_000_000):
        (tmp_path / f"dynamics_epoch_{step}.jsonl").write_text(one % step, "utf-8")
    made = cartography(dynamics_files.read(tmp_path))
    (finding,) = [f for f in made.findings if f.check == "dynamics-epochs-skipped"]
    assert "2,999,999,999 epochs between 0 and 3000000000: 1, 2, 3," in finding.message
    assert finding.evidence == {"skipped": 2_999_999_999, "epochs": list(range(1, 11))}


def test_a_gold_that_has_no_class_any_more_is_named_by_file_and_line(tmp_path):
    same = '{"guid": 0, "logits_epoch_%d": [0.1, 0.2], "gold": 0}'
    lines(
        tmp_path,
        [same % 0, '{"guid": 4, "logits_epoch_0": [0.1, 0.2, 0.3], "gold": 2}'],
        [same % 1, '{"guid": 4, "logits_epoch_1": [0.1, 0.2], "gold": 0}'],
    )
    with pytest.raises(DataError, match="the gold of '4' changes: it was 2, epoch 1 has 2 classes") as e:
        dynamics_files.read(tmp_path)
    assert e.value.where.endswith("dynamics_epoch_1.jsonl:2")


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz"])
def test_packed_epochs_are_read_as_they_stand(tmp_path, ending):
    packer = pytest.importorskip({"gz": "gzip", "xz": "lzma"}.get(ending, ending))
    full = [("a", [2.0, 0.0], 0), ("b", [0.0, 2.0], 0)]
    plain = write_epochs(tmp_path / "plain", [full, full])
    packed = write_epochs(tmp_path / "packed", [full, full])
    path = packed / "dynamics_epoch_1.jsonl"
    path.with_name(f"{path.name}.{ending}").write_bytes(packer.compress(path.read_bytes()))
    with pytest.raises(UsageError, match="two files of epoch 1"):
        dynamics_files.read(packed)
    path.unlink()
    one, two = (cartography(dynamics_files.read(folder)) for folder in (plain, packed))
    assert one.rows() == two.rows()


@pytest.mark.parametrize("key", ["guid", "gold", "logits_epoch_0", "g\\u0075id"])
def test_a_key_that_stands_twice_in_a_row_is_refused(tmp_path, key):
    row = {"guid": 1, "gold": 1, "logits_epoch_0": [0.1, 0.2]}
    again = f'"{key}": {row.get(key, 7)}, ' + json.dumps(row)[1:]
    lines(tmp_path, [json.dumps(row | {"guid": 0}), "{" + again])
    with pytest.raises(DataError, match="twice") as e:
        dynamics_files.read(tmp_path)
    assert e.value.where.endswith("dynamics_epoch_0.jsonl:2")


def test_a_guid_that_is_a_number_and_a_string_is_told(tmp_path):
    row = '{"guid": %s, "logits_epoch_0": [0.1, 0.2], "gold": 0}'
    made = dynamics_files.read(lines(tmp_path, [row % "1", row % '"1"', row % '"x"']))
    (finding,) = [f for f in made.findings if f.check == "dynamics-guid-types"]
    assert finding.evidence["guids"] == ["1"]
    assert made.ids == ("1", "x")
    apart = dynamics_files.read(lines(tmp_path, [row % "1", row % '"x"']))
    assert "dynamics-guid-types" not in {f.check for f in apart.findings}


def test_one_epoch_is_told_once(tmp_path):
    made = cartography(dynamics_files.read(write_epochs(tmp_path, [[("a", [2.0, 0.0], 0)]])))
    assert [f.check for f in made.findings] == ["dynamics-one-epoch"]


@pytest.mark.parametrize("find", [dynamics_files.read, dynamics_stream.find])
def test_a_file_that_is_no_parquet_says_what_to_give(tmp_path, find):
    folder = write_epochs(tmp_path, [[("a", [2.0, 0.0], 0)]])
    with pytest.raises(UsageError, match="one epoch") as e:
        find(folder / "dynamics_epoch_0.jsonl")
    assert str(folder) in e.value.cure
    other = tmp_path / "other.jsonl"
    other.write_text("{}\n", "utf-8")
    with pytest.raises(DataError, match="not a Parquet file") as e:
        find(other)
    assert "give a run folder" in e.value.cure


def test_what_a_run_recorded_can_be_written_for_the_reference_and_read_again(tmp_path):
    rng = np.random.default_rng(3)
    prob = rng.uniform(0.02, 0.6, size=(40, 4))
    other = np.minimum(rng.uniform(0.02, 0.6, size=(40, 4)), 1 - prob)
    recorded = table(prob, prob - other)
    made = cartography(recorded)
    assert reference.write(recorded, made, tmp_path) == ()
    again = cartography(dynamics_files.read(tmp_path))
    for name in FIGURES:
        np.testing.assert_allclose(again.columns[name], made.columns[name], atol=2e-6)
    first = json.loads((tmp_path / "td_metrics.jsonl").read_text("utf-8").splitlines()[0])
    assert first["guid"] == "q0"
    assert first["index"] == 0
    assert first["confidence"] == made.columns["confidence"][0]


@pytest.mark.parametrize("last", ["[0.2, 0.1]", "[NaN, 0.1]"], ids=["polars", "by rows"])
@pytest.mark.parametrize(("guids", "integers"), [([7, -12], True), (["7", "12"], False), ([7, "12"], False)])
def test_integer_guids_are_written_as_integers(tmp_path, guids, integers, last):
    folder = write_epochs(tmp_path / "in", [[(g, [0.1, 0.3], 1) for g in guids]] * 2)
    with (folder / "dynamics_epoch_1.jsonl").open("a", encoding="utf-8") as file:
        file.write(f'{{"guid": {json.dumps(guids[0])}, "logits_epoch_1": {last}, "gold": 1}}\n')
    read = dynamics_files.read(folder)
    reference.write(read, cartography(read), tmp_path / "out")
    for name in ("td_metrics.jsonl", "training_dynamics/dynamics_epoch_0.jsonl"):
        rows = [json.loads(line) for line in (tmp_path / "out" / name).read_text("utf-8").splitlines()]
        assert [r["guid"] for r in rows] == (guids if integers else [str(g) for g in guids])


def test_a_win_that_the_probabilities_contradict_is_counted():
    recorded = table([[0.9, 0.8]], correct=[[0, 1]])
    logits, _, findings = reference.as_logits(recorded)
    assert [f.check for f in findings] == ["dynamics-winner-unsayable"]
    assert findings[0].evidence["cells"] == 1
    shares = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(shares[..., 0], recorded.gold_prob, atol=1e-9)


def parquet(path, rows):
    columns = list(zip(*rows, strict=True))
    kinds = [pa.string(), pa.int32(), pa.float64(), pa.float64(), pa.bool_(), pa.float64()]
    names = ["example_id", "epoch", *dynamics_files.VALUES]
    arrays = [pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
    pq.write_table(pa.table(arrays, names=names), path, row_group_size=13)
    return path


def drawn(seed=0, n=40, epochs=4):
    """Rows as training writes them; some examples are not seen in every epoch, some come later than others."""
    rng = np.random.default_rng(seed)
    for epoch in range(epochs):
        for i in range(n):
            if rng.random() < 0.9:
                p = float(rng.random())
                yield f"q{i}", epoch, p, 2 * p - 1, p > 0.5, -float(np.log(p))


@pytest.mark.parametrize("options", [{}, {"burn_in": 1, "burn_out": 2}, {"include_ci": True}])
def test_a_file_read_in_pieces_gives_the_map_of_one_read_whole(tmp_path, monkeypatch, options):
    monkeypatch.setattr(dynamics_stream, "BATCH", 7)
    path = parquet(tmp_path / "dynamics.parquet", list(drawn()))
    pieces = dynamics_stream.find(path)
    assert isinstance(pieces, dynamics_stream.DynamicsStream)
    whole = dynamics_files.read(path)
    one, two = cartography(pieces, **options), cartography(whole, **options)
    assert one.rows() == two.rows()
    assert one.findings == two.findings
    assert {k: v for k, v in one.summary.items() if k != "by_epoch"} == {
        k: v for k, v in two.summary.items() if k != "by_epoch"
    }
    for a, b in zip(one.summary["by_epoch"], two.summary["by_epoch"], strict=True):
        assert a == pytest.approx(b, abs=1e-12)


@pytest.mark.parametrize("order", ["by example", "twice"])
def test_a_file_in_another_order_is_read_whole(tmp_path, order):
    rows = list(drawn())
    rows = sorted(rows, key=lambda row: row[0]) if order == "by example" else [*rows, rows[-1]]
    found = dynamics_stream.find(parquet(tmp_path / "dynamics.parquet", rows))
    assert isinstance(found, DynamicsTable)
    assert len(cartography(found)) == 40


@pytest.mark.parametrize(
    ("value", "said"), [(float("nan"), "gold_prob of 'q3' is not finite"), (None, "null")]
)
def test_a_value_that_is_none_is_named_in_pieces_too(tmp_path, value, said):
    rows = [list(row) for row in drawn()]
    bad = next(row for row in rows if row[0] == "q3")
    bad[2] = value
    with pytest.raises(DataError, match=said.replace("finite", "a finite")):
        cartography(dynamics_stream.find(parquet(tmp_path / "dynamics.parquet", rows)))
