"""Private servers for tests and benches: PostgreSQL in a temporary folder, a Ray cluster of two nodes on this machine."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

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


class NotHere(Exception):
    """This machine cannot run the server, and why."""


@contextmanager
def postgresql():
    """The URL of an empty database, reached by a socket. Needs PostgreSQL's programs (Debian: postgresql)."""
    folder = Path(shutil.which("initdb") or "").parent
    if not (folder / "initdb").exists():
        folder = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), folder)
    if not (folder / "initdb").exists():
        raise NotHere("PostgreSQL's initdb is not to be found")
    become, user = [], None
    if os.getuid() == 0:  # the server refuses to run as root
        user = next((p for p in pwd.getpwall() if p.pw_name in ("postgres", "nobody")), None)
        if user is None or not shutil.which("setpriv"):
            raise NotHere("PostgreSQL does not run as root, and there is no other user to run it as")
        become = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    # Short: the path of a socket has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="pg") as place:
        if user is not None:
            shutil.chown(place, user.pw_uid)

        def run(program, *words):
            command = [*become, folder / program, "-D", f"{place}/data", *words]
            subprocess.run(command, check=True, capture_output=True, cwd=place)

        run("initdb", "-U", "finetooth", "--auth=trust", "--no-sync", "--locale=C", "-E", "UTF8")
        options = f"-k {place} -c listen_addresses='' -c fsync=off"
        run("pg_ctl", "-o", options, "-l", f"{place}/log", "-w", "start")
        try:
            yield f"postgresql://finetooth@/postgres?host={place}"
        finally:
            run("pg_ctl", "-m", "immediate", "stop")


def ray_settings() -> dict[str, str]:
    """What a process needs in its environment to give ``ray_cluster`` work; its workers can import the tests."""
    paths = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": TOKEN,
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_worker_niceness": "0",  # it is 15 otherwise: on a busy machine tests would stand still
        "PYTHONPATH": os.pathsep.join(paths),
    }


@contextmanager
def ray_cluster():
    """The address of a cluster of two nodes, one processor each, its token asked for; it lives in a process of its own."""
    server = subprocess.Popen(
        [sys.executable, "-c", CLUSTER],
        env={**os.environ, **ray_settings()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        address = server.stdout.readline().strip()
        if not address:
            raise RuntimeError("the cluster did not start")
        yield address
    finally:
        server.stdin.close()
        server.wait(120)
