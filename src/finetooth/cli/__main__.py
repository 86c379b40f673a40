"""``python -m finetooth.cli``: the same as the console script."""

from finetooth.cli import entry

if __name__ == "__main__":
    entry()
