"""A trial's process: finetooth's command line, asked to stop when the search that started it dies.

``python -m finetooth.cli._child PARENT ARGUMENTS...`` with the process id of the search. However that one ends,
kill -9 too, the system sends SIGTERM, and ``train`` writes a checkpoint and leaves: nothing trains on unseen.
"""

from __future__ import annotations

import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def end_with_parent(parent: int) -> bool:
    """SIGTERM for this process when ``parent`` dies; False where the system cannot (only Linux can)."""
    if not sys.platform.startswith("linux"):
        return False
    import ctypes

    done = ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) == 0
    if os.getppid() != parent:
        # It died before the system was told: no signal will come.
        sys.exit(3)
    return done


def main() -> int:
    from finetooth.cli import main

    end_with_parent(int(sys.argv[1]))
    return main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
