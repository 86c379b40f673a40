"""Two processes under torchrun train as one does: the same batches, the same dynamics, one run folder."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from finetooth.runs import Run

CHILD = Path(__file__).parent / "team_child.py"
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
# Sums over two processes are rounded otherwise than one sum.
CLOSE = {"rtol": 1e-4, "atol": 1e-5}
# They shift all logits of an example alike (or all keys), which a softmax does not see: their gradient is zero but
# for rounding, and Adam divides rounding by its own size.
UNSEEN = ("out.bias", "body.mix.norm2.bias", "body.mix.self_attn.in_proj_bias")


def run(out, *more, together):
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *(TORCHRUN if together else []), str(CHILD), str(out), *more]
    return subprocess.run(command, env=env, capture_output=True, text=True)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    folder = tmp_path_factory.mktemp("team")
    for name, together in (("one", False), ("two", True)):
        done = run(folder / name, together=together)
        assert done.returncode == 0, done.stderr
    return folder / "one", folder / "two"


def weights(folder):
    return load_file(folder / "model" / "model.safetensors")


@pytest.mark.slow
def test_two_processes_end_with_the_weights_of_one(both):
    one, two = map(weights, both)
    assert one.keys() == two.keys()
    for name in one.keys() - set(UNSEEN):
        np.testing.assert_allclose(two[name], one[name], **CLOSE, err_msg=name)
    assert Run.open(both[1]).info["measured"]["processes"] == 2


@pytest.mark.slow
def test_dynamics_are_gathered_once_an_example(both):
    one, two = (Run.open(folder).dynamics() for folder in both)
    seen = [(d.example_id, d.epoch) for d in two]
    assert seen == [(d.example_id, d.epoch) for d in one]
    assert len(set(seen)) == len(seen) == 2 * 61
    np.testing.assert_allclose([d.gold_prob for d in two], [d.gold_prob for d in one], **CLOSE)
    np.testing.assert_allclose([d.loss for d in two], [d.loss for d in one], **CLOSE)


@pytest.mark.slow
def test_the_step_log_counts_all_processes_and_the_folder_is_one_of_the_same_files(both):
    one, two = (Run.open(folder).steps() for folder in both)
    for name in ("step", "windows", "tokens"):
        assert [r.get(name) for r in two] == [r.get(name) for r in one]
    np.testing.assert_allclose(
        [r["loss"] for r in two if "loss" in r], [r["loss"] for r in one if "loss" in r], **CLOSE
    )
    files = [sorted(str(p.relative_to(f)) for p in f.rglob("*") if p.is_file()) for f in both]
    assert files[0] == files[1]


@pytest.mark.slow
def test_two_processes_that_died_go_on_to_the_very_same_end(both, tmp_path):
    died = run(tmp_path / "run", "6", together=True)
    assert died.returncode != 0
    assert Run.open(tmp_path / "run").status == "running"
    assert run(tmp_path / "run", together=True).returncode == 0
    whole, resumed = weights(both[1]), weights(tmp_path / "run")
    assert all((whole[name] == resumed[name]).all() for name in whole)
    files = [f / "dynamics.parquet" for f in (both[1], tmp_path / "run")]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert Run.open(tmp_path / "run").info["measured"]["resumed_at"] == 4
