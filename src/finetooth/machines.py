"""Work in pieces, done here, by processes of this machine (``--workers N``), or by a Ray cluster (``--ray ADDRESS``).

spread = Spread(workers=4)
for found in spread(check_one, shared, names): ...

Wherever the pieces are done, it is the same function on the same arguments, and results come in the order of the
pieces: so they are the same. On other machines the working folder must be the same shared one, and the same
finetooth installed.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from finetooth.errors import DataError, UsageError

PR_SET_PDEATHSIG = 1  # linux/prctl.h
AHEAD = 2  # pieces in flight for each worker: one that works, one that waits

Work = Callable[[Any, Any], Any]


def end_with_parent(parent: int) -> bool:
    """SIGTERM for this process when ``parent`` dies, however it does; False where the system cannot (only Linux can)."""
    if not sys.platform.startswith("linux"):
        return False
    import ctypes

    done = ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) == 0
    if os.getppid() != parent:
        # It died before the system was told: no signal will come.
        sys.exit(3)
    return done


@dataclass(frozen=True)
class Spread:
    """Where pieces of work are done: here (the default), by ``workers`` processes, or on the cluster at ``ray``.

    ``ray`` is an address as ``ray start --head`` prints it ("10.0.0.1:6379"), or "auto" for the cluster of this
    machine. With it, ``workers`` bounds how many pieces are in work at once; 0 is all the cluster's processors.
    """

    workers: int = 0
    ray: str | None = None

    @property
    def alone(self) -> bool:
        """Whether all is done in this process."""
        return self.ray is None and self.workers <= 1

    def __call__(self, work: Work, shared: Any, pieces: Iterable[Any]) -> Iterator[Any]:
        """``work(shared, piece)`` of each piece, in order; ``shared`` goes to each worker once.

        ``work`` is a function of a module, ``shared``, pieces and results are what pickle takes. An error of a
        piece is raised here. Pieces are taken as they are needed, so that they may be without end. Raises
        UsageError where Ray is not installed, cannot be reached or refuses the token.
        """
        if self.alone:
            return (work(shared, piece) for piece in pieces)
        return self._ray(work, shared, pieces) if self.ray else self._processes(work, shared, pieces)

    def _processes(self, work: Work, shared: Any, pieces: Iterable[Any]) -> Iterator[Any]:
        import multiprocessing
        from concurrent.futures import Future, ProcessPoolExecutor

        # Spawned: a fork of a process that has threads may stop for ever.
        context = multiprocessing.get_context("spawn")
        initial, others = (os.getpid(), shared), set(multiprocessing.active_children())
        with ProcessPoolExecutor(self.workers, context, initializer=_begin, initargs=initial) as pool:
            flying: deque[Future[Any]] = deque()
            try:
                for piece in pieces:
                    flying.append(pool.submit(_local, work, piece))
                    if len(flying) >= AHEAD * self.workers:
                        yield flying.popleft().result()
                while flying:
                    yield flying.popleft().result()
            except BaseException:
                # Nobody waits for the rest, and a worker may be busy for hours.
                pool.shutdown(wait=False, cancel_futures=True)
                for process in set(multiprocessing.active_children()) - others:
                    process.terminate()
                raise

    def _ray(self, work: Work, shared: Any, pieces: Iterable[Any]) -> Iterator[Any]:
        ray = _connect(str(self.ray))
        try:
            resources = ray.cluster_resources()
            workers = self.workers or max(1, int(resources.get("CPU", 1)))
            options: dict[str, Any] = {"num_cpus": 1, "max_retries": 3, "scheduling_strategy": "SPREAD"}
            if getattr(work, "wants_gpu", False) and resources.get("GPU"):
                options["num_gpus"] = 1
            remote = ray.remote(**options)(_remote)
            everywhere, here = ray.put(shared), os.getcwd()
            flying: deque[Any] = deque()
            for piece in pieces:
                flying.append(remote.remote(here, work, everywhere, piece))
                if len(flying) >= AHEAD * workers:
                    yield _got(ray, flying.popleft())
            while flying:
                yield _got(ray, flying.popleft())
        finally:
            ray.shutdown()


_shared: Any = None


def _begin(parent: int, shared: Any) -> None:
    global _shared
    end_with_parent(parent)
    # Ctrl-C is for the one that gave the work; it ends with it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _shared = shared


def _local(work: Work, piece: Any) -> Any:
    return work(_shared, piece)


def _remote(folder: str, work: Work, shared: Any, piece: Any) -> Any:
    try:
        os.chdir(folder)
    except OSError:
        import socket

        raise DataError(
            "this folder is not there",
            where=f"{socket.gethostname()}: {folder}",
            cure="all machines of the cluster must share the folder the command is run in",
        ) from None
    return work(shared, piece)


def _connect(address: str) -> Any:
    """Ray, connected, with token authentication unless RAY_AUTH_MODE says otherwise. Raises UsageError."""
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise UsageError("--ray needs Ray", cure='pip install "finetooth[ray]"') from None
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, configure_logging=False)
    except (
        Exception
    ) as e:  # what is raised differs by what is wrong; each time it is the address or the token
        with suppress(Exception):
            ray.shutdown()
        said = " ".join(str(e).split())[:200]
        raise UsageError(
            f"no work can be given to this Ray cluster: {said}",
            where=address,
            # Ray says the same of a cluster that is not there and of one that refuses.
            cure="is it running, is this the address `ray start --head` printed, and has this machine its token "
            "(RAY_AUTH_TOKEN_PATH=FILE, or ~/.ray/auth_token)?",
        ) from None
    return ray


def _got(ray: Any, reference: Any) -> Any:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as e:
        if e.cause is not None:
            raise e.cause from None
        raise
