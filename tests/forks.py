"""Processes that are forked from one which has imported all that is slow to import."""

import multiprocessing
import os
from multiprocessing import forkserver
from pathlib import Path

import pytest

# The process that forks is started once for all tests of a worker, whichever asks first.
SLOW = ["train_child", "team_child", "optuna.storages._rdb.storage", "alembic.command", "yaml"]


def context():
    """A multiprocessing context whose processes find the toy head, training and optuna imported already."""
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(SLOW)
    with pytest.MonkeyPatch.context() as patch:  # it looks for what to preload before it is told our sys.path
        patch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
        forkserver.ensure_running()
    return forks
