"""A Ray cluster of two nodes on this machine, its token asked for: the same results as one process.

Skipped where Ray (the extra ``ray``) is not installed. See ``local_servers``.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import local_servers
import pytest
from test_search import TRIALS, Fake, asked, of_one, settings, until, values

from finetooth.cli import main
from finetooth.machines import Spread
from finetooth.search.crowd import run_many

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed"),
    pytest.mark.xdist_group("ray"),  # one cluster for all
]


@pytest.fixture(scope="module")
def cluster():
    with pytest.MonkeyPatch.context() as patch, local_servers.ray_cluster() as address:
        for name, value in local_servers.ray_settings().items():
            patch.setenv(name, value)
        yield address


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def node(shared, piece):
    """Ends once both nodes have begun one: then neither can have done all."""
    import ray

    name = ray.get_runtime_context().get_node_id()
    Path(f"node-{name}").touch()
    until(lambda: len(list(Path.cwd().glob("node-*"))) == 2)
    return name, os.getcwd(), shared + piece


def test_both_nodes_work_in_the_folder_of_the_command_and_in_order(cluster, here):
    made = list(Spread(ray=cluster)(node, 10, range(5)))
    assert [value for _, _, value in made] == list(range(10, 15))
    assert {folder for _, folder, _ in made} == {str(here)}
    assert len({name for name, _, _ in made}) == 2


def test_two_ray_workers_search_the_trials_of_one(cluster, tmp_path):
    search = Fake(settings(tmp_path, winner_seeds=0))
    result = run_many(search, Spread(workers=2, ray=cluster))
    assert values(result) == of_one()
    assert len(asked(tmp_path)) == len(set(asked(tmp_path))) == TRIALS


def test_a_wrong_token_is_refused(cluster, here):
    Path("rows.csv").write_text("premise,hypothesis,label\nIt rains.,It is wet.,entailment\n")
    # A process of its own: a token is read once.
    done = subprocess.run(
        [sys.executable, "-m", "finetooth", "check", "rows.csv", "--ray", cluster, "--json"],
        # Ray asks twenty times, a second apart, whatever the answer.
        env={**os.environ, "RAY_AUTH_TOKEN": "f" * 64, "RAY_NUM_REDIS_GET_RETRIES": "2"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2, done.stderr
    assert "token" in json.loads(done.stdout)["error"]["cure"]
    assert "Traceback" not in done.stderr


def test_a_cluster_checks_as_one_process_does(cluster, here, capsys):
    assert main(["generate", "qa", "--n", "120", "--noise", "0.3", "--out", "qa.jsonl"]) == 0
    capsys.readouterr()
    alone = main(["check", "qa.jsonl", "--json"]), capsys.readouterr().out
    spread = main(["check", "qa.jsonl", "--json", "--ray", cluster]), capsys.readouterr().out
    assert spread == alone
    assert json.loads(alone[1])["counts"]["error"] > 0


def test_a_cluster_generates_the_rows_of_one_process(cluster, here):
    ask = ["generate", "ner", "--n", "80", "--seed", "3", "--out"]
    assert main([*ask, "one.jsonl"]) == 0
    assert main([*ask, "two.jsonl", "--ray", cluster]) == 0
    assert Path("two.jsonl").read_bytes() == Path("one.jsonl").read_bytes()
