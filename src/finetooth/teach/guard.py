"""Runs a server for as long as somebody holds its standard input: killed with its parent, however that died.

python -m finetooth.teach.guard llama-server --port 8123 ...

The pipe closes when the parent ends, by kill -9 as well; no signal has to be caught for that.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading


def main(command: list[str]) -> int:
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def watch() -> None:
        while os.read(0, 1 << 16):  # unbuffered: a thread that waits in a buffer's lock upsets the exit
            pass
        child.terminate()
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()

    threading.Thread(target=watch, daemon=True).start()
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:  # the terminal's Ctrl-C reaches the group; the parent decides when to end
            continue


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
