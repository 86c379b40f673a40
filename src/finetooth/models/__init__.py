"""Base models and heads. A file that binds ``HEAD`` (a class with the ``Head`` protocol) is found by its name."""

from __future__ import annotations

import importlib
import os
from typing import Any

from finetooth import registry

# oneDNN and what calls it keep a kernel, over a MiB, of each of the last 1,024 shapes that they have seen. Batches of many
# lengths have more shapes than that: a small model's run grew by gigabytes, and was no faster for it
# (bench/kernel_memory.py). Read at the first operation; whoever has set them knows why.
for _name in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):
    os.environ.setdefault(_name, "32")

HEADS = ("span", "token", "pair", "causal")


def head_class(name: str) -> Any:
    """The class of that head; torch is imported here and not before."""
    registry.pick(name, dict.fromkeys(HEADS), "head")
    return importlib.import_module(f"finetooth.models.{name}").HEAD
