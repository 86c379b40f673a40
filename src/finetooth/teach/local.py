"""A teacher on this machine: llama.cpp's own server in the background, for a GGUF file.

with LocalServer("starter:smollm2", log=Path("teach.log")) as server:
    Teacher(server.model, journal, server=server)

It is started by the first question that the journal cannot answer, on a free port of loopback, and dies with this
process. The first that is there is run: ``llama-server`` on the PATH, the package xllamacpp, which ships it
built, or ``llama_cpp.server`` of llama-cpp-python, which builds it when it is installed.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from finetooth.errors import UsageError

CURE = 'pip install "finetooth[teach-local]", or put llama.cpp\'s llama-server on the PATH'


def is_local(name: str) -> bool:
    """Whether a teacher's name is that of a model to be run here: a starter or a GGUF file."""
    return name.startswith("starter:") or name.lower().endswith(".gguf")


def gguf_file(name: str) -> Path:
    """The GGUF file of ``starter:smollm2`` or of a path. Raises UsageError where there is none."""
    path = Path(name)
    if name.startswith("starter:"):
        from finetooth.models.folders import starter_file

        path = starter_file(name)
        if path.suffix != ".gguf":
            raise UsageError(f"{name} cannot be a teacher: it has no GGUF file", cure="take starter:smollm2")
        return path
    if not path.is_file():
        raise UsageError("there is no such GGUF file", where=name, cure="check the path")
    with path.open("rb") as f:
        if f.read(4) != b"GGUF":
            raise UsageError("it is no GGUF file, though its name says so", where=name)
    return path


def server_command(
    model: Path,
    *,
    alias: str,
    port: int,
    context_tokens: int,
    threads: int,
    slots: int = 1,
    binary: str = "llama-server",
) -> list[str]:
    """What starts the server. Raises UsageError, with the cure, where neither server is installed.

    ``slots``: requests worked on together, each with ``context_tokens`` of its own; llama-cpp-python has one.
    """
    common = ["--host", "127.0.0.1", "--port", str(port)]
    if found := shutil.which(binary):
        # The context is divided among the slots.
        size = ["-c", str(context_tokens * slots), "-np", str(slots), "-t", str(threads)]
        return [found, "-m", str(model), "--alias", alias, *size, *common]
    if importlib.util.find_spec("xllamacpp"):
        size = ["--context", str(context_tokens * slots), "--slots", str(slots), "--threads", str(threads)]
        python = [sys.executable, "-m", "finetooth.teach.serve", str(model), "--alias", alias]
        return [*python, *size, "--port", str(port)]
    if importlib.util.find_spec("llama_cpp") and importlib.util.find_spec("starlette_context"):
        size = ["--n_ctx", str(context_tokens), "--n_threads", str(threads), "--interrupt_requests", "false"]
        python = [sys.executable, "-m", "llama_cpp.server", "--model", str(model), "--model_alias", alias]
        return [*python, *size, *common]
    raise UsageError(f"a teacher on this machine ({alias}) needs llama.cpp's server", cure=CURE)


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _status(url: str) -> int:
    """The status of a page; 0 where nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as e:
        return e.code
    except (urllib.error.URLError, OSError):
        return 0


class LocalServer:
    """llama.cpp's server for one model; ``url()`` starts it once and waits until it answers.

    ``log`` keeps what it wrote. ``start_s`` is how long it may take to load the model.
    """

    def __init__(
        self,
        model: str,
        *,
        log: Path,
        context_tokens: int = 2048,
        threads: int | None = None,
        slots: int = 1,
        start_s: float = 180.0,
        binary: str = "llama-server",
    ) -> None:
        self.model, self.log, self.start_s, self.binary = model, log, start_s, binary
        self.context_tokens, self.slots = context_tokens, slots
        self.threads = threads or os.cpu_count() or 1
        self._file = gguf_file(model)
        self._process: subprocess.Popen[bytes] | None = None
        self._url = ""

    def __enter__(self) -> LocalServer:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def url(self) -> str:
        """Its address, as in http://127.0.0.1:40123/v1. Raises UsageError where it does not start."""
        if self.running:
            return self._url
        for last in (False, False, True):
            port = free_port()
            command = server_command(
                self._file,
                alias=self.model,
                port=port,
                context_tokens=self.context_tokens,
                threads=self.threads,
                slots=self.slots,
                binary=self.binary,
            )
            self.log.parent.mkdir(parents=True, exist_ok=True)
            with self.log.open("ab") as log:
                # A session of its own: Ctrl-C is for the parent, which writes down what it has and ends it.
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "finetooth.teach.guard", *command],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            self._url = f"http://127.0.0.1:{port}/v1"
            if self._wait():
                return self._url
            self.stop()
            # Between choosing the port and taking it somebody else may have taken it.
            if last or "ddress already in use" not in self._tail():
                break
        raise UsageError(
            f"the server of {self.model} did not start: {self._tail() or 'it said nothing'}",
            where=str(self.log),
            cure="read its log, or name another teacher with --base-url",
        )

    def _wait(self) -> bool:
        deadline = time.monotonic() + self.start_s
        while self.running and time.monotonic() < deadline:
            health = _status(f"{self._url.removesuffix('/v1')}/health")
            # llama.cpp's server says 503 while it loads the model; llama-cpp-python's has no such page.
            if health == 200 or (health == 404 and _status(f"{self._url}/models") == 200):
                return True
            time.sleep(0.1)
        return False

    def _tail(self) -> str:
        lines = [x for x in self.log.read_text("utf-8", "replace").splitlines() if x.strip()]
        return lines[-1].strip()[:200] if lines else ""

    def stop(self) -> None:
        """Ends the server and waits for its end; what was started by others is left alone."""
        if self._process is None:
            return
        if self._process.stdin:
            self._process.stdin.close()  # the guard ends the server when its input ends
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._process = None


class Servers:
    """The servers of one run, one a model: two teachers of one name share it."""

    def __init__(self, log: Path, threads: int | None = None, slots: int = 1) -> None:
        self._log, self._threads, self._slots = log, threads, slots
        self._known: dict[str, LocalServer] = {}

    def of(self, model: str, *, context_tokens: int) -> LocalServer | None:
        """The server of a model to be run here; None for the name of any other."""
        if not is_local(model):
            return None
        if model not in self._known:
            log = (
                self._log
                if not self._known
                else self._log.with_name(f"{self._log.stem}-{len(self._known)}.log")
            )
            self._known[model] = LocalServer(
                model, log=log, context_tokens=context_tokens, threads=self._threads, slots=self._slots
            )
        return self._known[model]

    def __enter__(self) -> Servers:
        return self

    def __exit__(self, *exc: Any) -> None:
        for server in self._known.values():
            server.stop()
