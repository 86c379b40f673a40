"""A teacher that is run here: started when it is needed, on a free port, and gone with its parent."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from finetooth.cli import main
from finetooth.errors import UsageError
from finetooth.teach import local
from finetooth.teach.local import LocalServer

HERE = Path(__file__).parent
# Stands for llama.cpp's server: the same command line, an answer that always says the label 1.
SCRIPT = f"""#!{sys.executable}
import argparse, json, os, sys, time
sys.path.insert(0, {str(HERE)!r})
from teacher_server import Server, serving
parser = argparse.ArgumentParser()
for name in ("-m", "--alias", "-c", "-np", "-t", "--host", "--port"):
    parser.add_argument(name)
options = parser.parse_args()
print("loading", options.m, "as", options.alias, "of", options.np, "slots in", options.c, "tokens", flush=True)
if os.environ.get("BROKEN"):
    sys.exit("error: not enough memory for the model")
good = "step 1: it is said that {{}} step 2: what is said holds. step 3: so the hypothesis can be inferred."
def reply(body):
    text = body["messages"][0]["content"]
    if "blue" in text:
        return json.dumps({{"word": "blue"}})
    premise = text.rsplit("<premise>", 1)[1].split("<")[0]
    return json.dumps({{"thought_process": good.format(premise), "predicted_label": 1}})
print("pid", os.getpid(), flush=True)
with serving(Server(reply, supports=("json_object",)), int(options.port)):
    time.sleep(300)
"""


@pytest.fixture
def model(tmp_path, monkeypatch):
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "llama-server"
    script.write_text(SCRIPT)
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    path = tmp_path / "small.gguf"
    path.write_bytes(b"GGUF and more")
    return path


def pids(log):
    return [int(x.split()[1]) for x in log.read_text().splitlines() if x.startswith("pid ")]


def gone(pid):
    for _ in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.05)
    return False


def test_the_whole_path_runs_here_and_the_second_time_no_server_is_needed(tmp_path, model, capsys):
    rows = [{"premise": f"Ada left at {i}.", "hypothesis": "Ada left.", "label": i % 2} for i in range(6)]
    data, out = tmp_path / "pairs.jsonl", tmp_path / "reasons.jsonl"
    data.write_text("".join(json.dumps(r) + "\n" for r in rows))
    command = ["teach", str(data), "--out", str(out), "--teacher", str(model), "--disagreement", "omit"]
    assert main([*command, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["asked"], said["kept"]) == (6, 3)
    log = tmp_path / "reasons.jsonl.server.log"
    (pid,) = pids(log)
    assert gone(pid)
    written, first = log.read_text(), out.read_bytes()
    assert main([*command, "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert (again["asked"], again["cached"]) == (0, 6)
    assert log.read_text() == written
    assert out.read_bytes() == first


def test_it_dies_with_its_parent_by_kill_9(tmp_path, model):
    log = tmp_path / "server.log"
    code = (
        "import sys, time; from pathlib import Path; from finetooth.teach.local import LocalServer; "
        "print(LocalServer(sys.argv[1], log=Path(sys.argv[2])).url(), flush=True); time.sleep(99)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(model), str(log)], stdout=subprocess.PIPE)
    assert b"http://127.0.0.1:" in parent.stdout.readline()
    (pid,) = pids(log)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    assert gone(pid)


def test_a_server_that_does_not_start_is_one_line_with_what_it_said(tmp_path, model, monkeypatch):
    monkeypatch.setenv("BROKEN", "1")
    with pytest.raises(UsageError, match="not enough memory for the model"):
        LocalServer(str(model), log=tmp_path / "server.log").url()


def test_without_a_server_the_cure_is_said(tmp_path, model, monkeypatch):
    monkeypatch.setattr(local.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="teach-local"):
        LocalServer(str(model), log=tmp_path / "server.log", binary="no-such-server").url()


@pytest.mark.parametrize(
    ("name", "said"), [("gone.gguf", "no such GGUF file"), ("text.gguf", "no GGUF file")]
)
def test_what_is_no_model_is_said_before_anything_starts(tmp_path, name, said):
    (tmp_path / "text.gguf").write_text("these are words")
    with pytest.raises(UsageError, match=said):
        LocalServer(str(tmp_path / name), log=tmp_path / "server.log")


@pytest.mark.parametrize(
    ("there", "module", "context"),
    [
        (("xllamacpp", "llama_cpp"), "finetooth.teach.serve", "--context"),
        (("llama_cpp", "starlette_context"), "llama_cpp.server", "--n_ctx"),
    ],
)
def test_a_package_is_run_where_there_is_no_llama_server(tmp_path, monkeypatch, there, module, context):
    monkeypatch.setattr(local.importlib.util, "find_spec", lambda name: object() if name in there else None)
    command = local.server_command(
        tmp_path / "m.gguf", alias="m", port=8123, context_tokens=2560, threads=2, binary="no-such-server"
    )
    assert command[1:3] == ["-m", module]
    assert command[command.index("--port") + 1] == "8123"
    assert command[command.index(context) + 1] == "2560"


def test_concurrency_is_slots_and_each_has_its_whole_context(tmp_path, model, capsys):
    data = tmp_path / "pairs.jsonl"
    data.write_text(json.dumps({"premise": "Ada left at 3.", "hypothesis": "Ada left.", "label": 1}) + "\n")
    command = ["teach", str(data), "--out", str(tmp_path / "r.jsonl"), "--teacher", str(model)]
    assert main([*command, "--concurrency", "4", "--max-tokens", "52", "--json"]) == 0
    assert "of 4 slots in 8400 tokens" in (tmp_path / "r.jsonl.server.log").read_text()
