"""A trial's process: finetooth's command line, asked to stop when the search that started it dies.

``python -m finetooth.cli._child PARENT ARGUMENTS...`` with the process id of the search. However that one ends,
kill -9 too, the system sends SIGTERM, and ``train`` writes a checkpoint and leaves: nothing trains on unseen.
"""

from __future__ import annotations

import signal
import sys


def main() -> int:
    from finetooth.cli import main
    from finetooth.machines import end_with_parent

    signal.signal(signal.SIGINT, signal.default_int_handler)  # a worker that ignores it hands that down
    end_with_parent(int(sys.argv[1]))
    return main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
