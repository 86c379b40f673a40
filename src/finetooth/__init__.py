"""finetooth: go over your data with a fine-tooth comb, then fine-tune.

Each stage is a module (``finetooth.train.train``, ``finetooth.evaluate.evaluate``); what needs no model is here by
one name, imported when it is asked for:

    data = finetooth.load("train.json")
    report = finetooth.check(data)
    mended = finetooth.mend(data)
"""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"
__all__ = ["check", "load", "mend", "score"]

_AT = {
    "load": ("finetooth.readers", "load"),
    "check": ("finetooth.checks", "run"),
    "mend": ("finetooth.curate.mend", "mend"),
    "score": ("finetooth.evaluate.score", "score"),
}


def __getattr__(name: str) -> Any:
    if name not in _AT:
        raise AttributeError(f"module 'finetooth' has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _AT[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
