"""finetooth: go over your data with a fine-tooth comb, then fine-tune.

What needs no model is here by one name, imported when it is asked for; it takes a path, rows in memory (a list of
dicts, a Dataset of ``datasets``, a table of pandas, polars or pyarrow) or what ``load`` gives:

    data = finetooth.load("train.json")
    report = finetooth.check(data)
    mended = finetooth.mend(data)
    scores = finetooth.score("qa", "dev.json", "predictions.json")

Every other stage is a module: ``from finetooth.train import train``, ``from finetooth.evaluate.run import evaluate``.
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
    from importlib import import_module

    if name in _AT:
        module, attribute = _AT[name]
        return getattr(import_module(module), attribute)
    if name.isidentifier() and not name.startswith("_"):
        try:
            return import_module(f"finetooth.{name}")  # finetooth.train, without an import of its own
        except ModuleNotFoundError as e:
            if e.name != f"finetooth.{name}":
                raise
    raise AttributeError(f"module 'finetooth' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
