"""A Ray cluster of two nodes on this machine, its token asked for: the same results as one process.

Skipped where Ray (the extra ``ray``) is not installed. The cluster lives in a process of its own.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from test_search import Fake, settings, values

from finetooth.machines import Spread
from finetooth.search.crowd import run_many

pytestmark = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed")

TOKEN = "0123456789abcdef" * 4
CLUSTER = """
import sys
from ray.cluster_utils import Cluster
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 80_000_000})
cluster.add_node(num_cpus=1, object_store_memory=80_000_000)
print(cluster.address, flush=True)
sys.stdin.read()
cluster.shutdown()
"""


@pytest.fixture(scope="module")
def cluster():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", TOKEN)
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))  # the workers import this file
        server = subprocess.Popen(
            [sys.executable, "-c", CLUSTER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        address = server.stdout.readline().strip()
        if not address:
            server.kill()
            pytest.fail("the cluster did not start")
        try:
            yield address
        finally:
            server.stdin.close()
            server.wait(120)


def node(shared, piece):
    import time

    import ray

    time.sleep(0.2)
    return ray.get_runtime_context().get_node_id(), os.getcwd(), shared + piece


def finetooth(*words, cwd, **env):
    done = subprocess.run(
        [sys.executable, "-m", "finetooth", *words],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout, done.stderr


def test_both_nodes_work_in_the_folder_of_the_command_and_in_order(cluster, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = list(Spread(ray=cluster)(node, 10, range(8)))
    assert [value for _, _, value in made] == list(range(10, 18))
    assert {folder for _, folder, _ in made} == {str(tmp_path)}
    assert len({name for name, _, _ in made}) == 2


def test_two_ray_workers_search_the_trials_of_one(cluster, tmp_path):
    whole = Fake(settings(tmp_path / "whole", winner_seeds=0)).run()
    search = Fake(settings(tmp_path / "ray", winner_seeds=0))
    result = run_many(search, Spread(workers=2, ray=cluster))
    assert values(result) == values(whole)
    assert len((tmp_path / "ray" / "asked.txt").read_text().split()) == 6


def test_a_wrong_token_is_refused(cluster, tmp_path):
    assert finetooth("generate", "qa", "--n", "5", "--out", "rows.jsonl", cwd=tmp_path)[0] == 0
    code, out, err = finetooth(
        "check", "rows.jsonl", "--ray", cluster, "--json", cwd=tmp_path, RAY_AUTH_TOKEN="f" * 64
    )
    assert code == 2, err
    assert "token" in json.loads(out)["error"]["cure"]
    assert "Traceback" not in err


def test_a_cluster_checks_as_one_process_does(cluster, tmp_path):
    code, _, err = finetooth(
        "generate", "qa", "--n", "120", "--noise", "0.3", "--out", "qa.jsonl", cwd=tmp_path
    )
    assert code == 0, err
    alone = finetooth("check", "qa.jsonl", "--json", cwd=tmp_path)
    spread = finetooth("check", "qa.jsonl", "--json", "--ray", cluster, cwd=tmp_path)
    assert spread[:2] == alone[:2], spread[2]
    assert json.loads(alone[1])["counts"]["error"] > 0


def test_a_cluster_generates_the_rows_of_one_process(cluster, tmp_path):
    ask = ["generate", "ner", "--n", "80", "--seed", "3", "--out"]
    assert finetooth(*ask, "one.jsonl", cwd=tmp_path)[0] == 0
    code, _, err = finetooth(*ask, "two.jsonl", "--ray", cluster, cwd=tmp_path)
    assert code == 0, err
    assert (tmp_path / "two.jsonl").read_bytes() == (tmp_path / "one.jsonl").read_bytes()
