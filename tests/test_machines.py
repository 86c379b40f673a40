"""Work that is spread over processes or a Ray cluster gives what one process gives, errors included."""

import os

import pytest

from finetooth.errors import DataError, UsageError
from finetooth.machines import Spread


def square(shared, piece):
    return shared + piece * piece


def fail_at_three(shared, piece):
    if piece == 3:
        raise DataError("three is too many", where="row 3", cure="leave it out")
    return piece


def pid(shared, piece):
    return os.getpid()


def die(shared, piece):
    os._exit(1)


@pytest.fixture(scope="module", params=["here", "processes"])
def spread(request):
    return Spread(workers=2 if request.param == "processes" else 1)


def test_results_come_in_the_order_of_the_pieces(spread):
    assert list(spread(square, 100, range(9))) == [100 + n * n for n in range(9)]


def test_pieces_may_be_without_end(spread):
    import itertools

    made = spread(square, 0, itertools.count())
    assert [next(made) for _ in range(3)] == [0, 1, 4]
    made.close()


def test_an_error_of_a_piece_keeps_its_words(spread):
    with pytest.raises(DataError) as e:
        list(spread(fail_at_three, None, range(6)))
    assert (e.value.what, e.value.where, e.value.cure) == ("three is too many", "row 3", "leave it out")


def test_processes_are_others():
    assert os.getpid() not in set(Spread(workers=2)(pid, None, range(4)))


def test_ray_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(UsageError, match=r"finetooth\[ray\]"):
        list(Spread(ray="auto")(square, 0, [1]))


@pytest.mark.parametrize("task", ["qa", "ner", "relation", "nli"])
def test_processes_generate_the_rows_of_one(task, tmp_path):
    from finetooth.cli import main

    ask = ["generate", task, "--n", "150", "--seed", "3"]
    assert main([*ask, "--out", str(tmp_path / "one.jsonl")]) == 0
    assert main([*ask, "--out", str(tmp_path / "two.jsonl"), "--workers", "2"]) == 0
    assert (tmp_path / "two.jsonl").read_bytes() == (tmp_path / "one.jsonl").read_bytes()


def test_processes_augment_as_one_does(tmp_path):
    from finetooth.cli import main

    data = str(tmp_path / "train.jsonl")
    assert main(["generate", "ner", "--n", "40", "--seed", "3", "--out", data]) == 0
    ask = ["augment", data, "--times", "3"]
    assert main([*ask, "--out", str(tmp_path / "one.jsonl")]) == 0
    assert main([*ask, "--out", str(tmp_path / "two.jsonl"), "--workers", "2"]) == 0
    for name in ("{}.jsonl", "{}.dropped.jsonl"):
        assert (tmp_path / name.format("two")).read_bytes() == (tmp_path / name.format("one")).read_bytes()
