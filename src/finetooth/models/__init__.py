"""Base models and heads. A file that binds ``HEAD`` (a class with the ``Head`` protocol) is found by its name."""

from __future__ import annotations

import importlib
from typing import Any

from finetooth import registry

HEADS = ("span", "token", "pair", "causal")


def head_class(name: str) -> Any:
    """The class of that head; torch is imported here and not before."""
    registry.pick(name, dict.fromkeys(HEADS), "head")
    return importlib.import_module(f"finetooth.models.{name}").HEAD
