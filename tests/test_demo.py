"""The demo: the loop hangs together, tells the truth about what was planted, and goes on where it stopped."""

import json

import pytest

from finetooth.cli import demo as command
from finetooth.cli import main
from finetooth.train import Interrupted, Watch

TINY = command.Plan(
    rows=40,
    dev_rows=20,
    threads=1,
    steps=4,
    batch_tokens=2048,
    warmup_steps=1,
    rates={"shifted-offset": 0.2, "duplicated": 0.1, "wrong-answer": 0.1},
)


def tiny(folder, **more):
    return command.demo(folder, TINY, seed=0, watch=more.pop("watch", Watch()), **more)


pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("demo")]


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    folder, lines = tmp_path_factory.mktemp("demo"), []
    return folder, tiny(folder, show=lines.append), "\n".join(lines)


def test_it_tells_what_was_found_of_what_was_planted(shown):
    folder, told, text = shown
    truth = [json.loads(x) for x in (folder / "data" / "train.truth.jsonl").read_text().splitlines()]
    assert len(truth) == sum(n for kind, n in told["planted"].items() if kind != "leaked") == 8 + 4 + 4
    found = {f["defect"]: f for f in told["found"]}
    assert found["shifted-offset"]["recall"] == found["leaked"]["recall"] == 1
    assert found["wrong-answer"]["recall"] < 1
    assert all(kind in text for kind in found)


def test_curation_drops_rows_with_reasons_and_mostly_bad_ones(shown):
    folder, told, _ = shown
    dropped = [json.loads(x) for x in (folder / "data" / "curated.dropped.jsonl").read_text().splitlines()]
    kept = (folder / "data" / "curated.jsonl").read_text().splitlines()
    assert len(kept) + len(dropped) == 40
    assert told["dropped"] == len(dropped) > 0
    assert told["dropped_spoilt"] >= 0.8 * len(dropped)
    assert all(d["reason"] for d in dropped)


def test_it_ends_in_two_finished_runs_scores_beside_floors_and_three_commands(shown):
    _, told, text = shown
    for folder in told["runs"].values():
        assert json.loads((command.Path(folder) / "run.json").read_text())["status"] == "finished"
    assert [g["name"] for g in told["gains"]] == ["exact_match", "f1"]
    for g in told["gains"]:
        assert g["low"] <= g["high"]
    for scores in told["scores"].values():
        assert all(s["floor"] is not None for s in scores)
    assert len(told["next"]) == 3
    assert all(c in text for c in told["next"])


def test_the_gain_is_the_difference_of_the_two_scores(shown):
    _, told, _ = shown
    values = {name: {s["name"]: s["value"] for s in each} for name, each in told["scores"].items()}
    for g in told["gains"]:
        expected = values[command.CURATED][g["name"]] - values[command.AS_IS][g["name"]]
        assert g["value"] == pytest.approx(expected)


def test_the_second_time_nothing_is_trained_again(shown):
    folder, told, _ = shown

    class Wary(Watch):
        def progress(self, phase, done, of, **values):
            assert phase != "train"

    again = tiny(folder, show=None, watch=Wary())
    assert {**again, "seconds": 0} == {**told, "seconds": 0}


def test_another_seed_in_the_same_folder_is_refused_not_mixed(shown, capsys):
    folder, _, _ = shown
    assert main(["demo", "--out", str(folder), "--seed", "1"]) == 2
    assert "another configuration" in capsys.readouterr().err


def test_ctrl_c_says_how_to_go_on(tmp_path, monkeypatch, capsys):
    def stopped(folder, *args, **kwargs):
        raise Interrupted(folder / command.AS_IS, 7)

    monkeypatch.setattr(command, "demo", stopped)
    assert main(["demo", "--out", str(tmp_path / "d"), "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["step"] == 7


def test_the_three_commands_are_ones_that_exist(capsys):
    for line in command.next_commands():
        assert main([line.split()[1], "--help"]) == 0
        told = capsys.readouterr().out
        assert all(word in told for word in line.split() if word.startswith("--"))
