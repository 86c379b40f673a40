"""``python -m finetooth``."""

from finetooth.cli import entry

if __name__ == "__main__":
    entry()
