"""Two processes under torchrun train as one does: the same batches, the same dynamics, one run folder.

With ``train.distributed=fsdp`` each of them holds half of every weight, and what comes out is the same.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import forks
import numpy as np
import pytest
import team_child
from safetensors.numpy import load_file

from finetooth import config
from finetooth.errors import ConfigError, UsageError
from finetooth.runs import Run
from finetooth.teach.local import free_port
from finetooth.train import together

CHILD = Path(__file__).parent / "team_child.py"
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
FSDP = "train.distributed=fsdp"
# Sums over two processes are rounded otherwise than one sum.
CLOSE = {"rtol": 1e-4, "atol": 1e-5}
# They shift all logits of an example alike (or all keys), which a softmax does not see: their gradient is zero but
# for rounding, and Adam divides rounding by its own size.
UNSEEN = ("out.bias", "body.layers.0.norm2.bias", "body.layers.0.self_attn.in_proj_bias")

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("torchrun")]


def ended(runs, said=""):
    """Each must have ended as it should: whole, or in the middle where it is to die."""
    files = [Path(run.partition(",")[0], "run.json") for run in runs]
    statuses = [json.loads(f.read_text())["status"] if f.exists() else "not begun" for f in files]
    assert statuses == ["running" if "die" in run else "finished" for run in runs], said


def under_torchrun(*runs):
    command = [sys.executable, *TORCHRUN, str(CHILD), *runs]
    done = subprocess.run(command, capture_output=True, text=True)
    ended(runs, done.stderr)


@pytest.fixture(scope="module")
def finish():
    """Runs by two processes or one, forked from one that has imported all they need: starting takes longer than training."""
    context = forks.context()

    def finish(*runs, together=True):
        port = free_port()
        targets = (
            [(team_child.one_of_two, (rank, port, runs)) for rank in range(2)]
            if together
            else [(team_child.main, (runs,))]
        )
        processes = [context.Process(target=target, args=args) for target, args in targets]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        ended(runs)

    return finish


@pytest.fixture(scope="module")
def folder(tmp_path_factory, finish):
    """Runs by one process and by two, whole, and killed after six of twelve steps and gone on with."""
    folder = tmp_path_factory.mktemp("team")
    ddp, fsdp = f"{folder}/ddp", f"{folder}/fsdp"
    under_torchrun(f"{ddp}", f"{fsdp},{FSDP}", f"{ddp}-killed,die=6")
    finish(f"{ddp}-killed", f"{fsdp}-killed,{FSDP},die=6")
    shutil.copytree(f"{fsdp}-killed", folder / "alone")
    finish(f"{fsdp}-killed,{FSDP}")
    finish(f"{folder}/one", f"{folder}/alone", together=False)
    return folder


@pytest.fixture(params=["ddp", "fsdp"])
def both(request, folder):
    return folder / "one", folder / request.param


def weights(folder):
    return load_file(folder / "model" / "model.safetensors")


def test_two_processes_end_with_the_weights_of_one(both):
    one, two = map(weights, both)
    assert one.keys() == two.keys()
    for name in one.keys() - set(UNSEEN):
        np.testing.assert_allclose(two[name], one[name], **CLOSE, err_msg=name)
    assert Run.open(both[1]).info["measured"]["processes"] == 2


def test_dynamics_are_gathered_once_an_example(both):
    one, two = (Run.open(folder).dynamics() for folder in both)
    seen = [(d.example_id, d.epoch) for d in two]
    assert seen == [(d.example_id, d.epoch) for d in one]
    assert len(set(seen)) == len(seen) == 2 * 61
    np.testing.assert_allclose([d.gold_prob for d in two], [d.gold_prob for d in one], **CLOSE)
    np.testing.assert_allclose([d.loss for d in two], [d.loss for d in one], **CLOSE)


def test_the_step_log_counts_all_processes_and_the_folder_is_one_of_the_same_files(both):
    one, two = (Run.open(folder).steps() for folder in both)
    for name in ("step", "windows", "tokens"):
        assert [r.get(name) for r in two] == [r.get(name) for r in one]
    for name in ("loss", "grad_norm"):
        np.testing.assert_allclose(
            [r[name] for r in two if name in r], [r[name] for r in one if name in r], rtol=1e-3, atol=1e-5
        )
    files = [sorted(str(p.relative_to(f)) for p in f.rglob("*") if p.is_file()) for f in both]
    assert files[0] == files[1]


def test_two_processes_that_died_go_on_to_the_very_same_end(both):
    whole = both[1]
    resumed = whole.with_name(f"{whole.name}-killed")
    mine, theirs = weights(whole), weights(resumed)
    assert all((mine[name] == theirs[name]).all() for name in mine)
    assert (whole / "dynamics.parquet").read_bytes() == (resumed / "dynamics.parquet").read_bytes()
    assert Run.open(resumed).info["measured"]["resumed_at"] == 4


def test_a_checkpoint_of_divided_weights_is_that_of_any_run(folder):
    one, alone = weights(folder / "one"), weights(folder / "alone")
    for name in one.keys() - set(UNSEEN):
        np.testing.assert_allclose(alone[name], one[name], **CLOSE, err_msg=name)
    assert Run.open(folder / "alone").info["measured"]["resumed_at"] == 4


def test_four_bit_weights_are_not_divided():
    values = {"task": "qa", "data": {"train": "t.json"}, "out": "x", "model": {"strategy": "qlora"}}
    with pytest.raises(ConfigError, match="four-bit"):
        config.build(values, [FSDP])


def test_a_launcher_with_a_plan_of_its_own_is_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    with pytest.raises(UsageError, match="FSDP") as e:
        together.join()
    assert FSDP in e.value.cure
