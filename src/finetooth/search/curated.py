"""Curation as a dimension of a search: keys ``curate.*`` of the space make the data and weights of a trial.

curate: runs/baseline-0               # a run that was mapped or diagnosed: what is known of each example
space:
  curate.confidence.low: [null, 0.1, 0.2]     # a filter and its setting; null leaves it out
  curate.weights.scale: [null, 0.25, 0.5]     # exp(scale * z) of variability; null trains all alike
  curate.weights.high: [3, 10]                # the clip
  curate.smoothing.factor: [null, 0.3, 0.6]   # min(most, factor * variability)
  curate.near-duplicate: [false, true]        # a filter as it comes
  curate.curriculum: [false, true]            # easy to hard

Trials of the same values share one folder of data. The dev set is never curated.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from finetooth import config as configs
from finetooth import io, registry
from finetooth.config import Config
from finetooth.curate import table as tables
from finetooth.curate import weights
from finetooth.curate.filters import FILTERS, Curated, apply_filters
from finetooth.errors import ConfigError

PREFIX = "curate."
WEIGHTS = ("scale", "low", "high")
SMOOTHING = ("factor", "most")


def divide(params: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(keys of the configuration, keys of the curation without their prefix)."""
    ours = {k.removeprefix(PREFIX): v for k, v in params.items() if k.startswith(PREFIX)}
    return {k: v for k, v in params.items() if not k.startswith(PREFIX)}, ours


def policy(asked: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any], bool]:
    """(filters as ``apply_filters`` wants them, settings of the weights, of the smoothing, whether easy comes first).

    None as a value leaves that setting out, and with it the filter that has no other. Raises ConfigError for an
    unknown name.
    """
    filters: dict[str, dict[str, Any]] = {}
    weighing: dict[str, Any] = {}
    smooth: dict[str, Any] = {}
    off = {name for name, value in asked.items() if name in FILTERS and value is False}
    known_settings = {
        **{name: tuple(f.settings) for name, f in FILTERS.items()},
        "weights": WEIGHTS,
        "smoothing": SMOOTHING,
        "curriculum": (),
    }
    for key, value in sorted(asked.items()):
        name, dot, setting = key.partition(".")
        known = registry.pick(name, known_settings, "curation")
        if not dot and name not in ("weights", "smoothing"):
            if value and name in FILTERS:
                filters.setdefault(name, {"name": name})
            continue
        if setting not in known:
            has = f"it has {', '.join(known)}" if known else f"it has none: {PREFIX}{name}: [false, true]"
            raise ConfigError(f"space.{PREFIX}{key}: {name} has no setting {setting!r}", cure=has)
        if value is None or name in off:
            continue
        value = _number(key, value) if _wants_number(name, setting) else value
        if name in FILTERS:
            filters.setdefault(name, {"name": name})[setting] = value
        else:
            (weighing if name == "weights" else smooth)[setting] = value
    # A clip or a ceiling alone says nothing of whether there is something to clip.
    if "scale" not in weighing:
        weighing = {}
    elif not weighing["scale"]:
        weighing["scale"] = None  # the published form, as ``curate --scale 0`` has it
    return (
        {"combine": "or", "filters": [f for f in filters.values() if not _says_nothing(f)]},
        weighing,
        smooth if "factor" in smooth else {},
        bool(asked.get("curriculum")),
    )


def _says_nothing(settings: Mapping[str, Any]) -> bool:
    """Whether it is a filter at the end of its range, as confidence.low: 0, where it keeps everything."""
    given = {k: v for k, v in settings.items() if k != "name"}
    return bool(given) and bool(FILTERS[settings["name"]].idle(given))


def _wants_number(name: str, setting: str) -> bool:
    if name not in FILTERS:
        return True
    annotation = str(FILTERS[name].settings[setting].annotation)
    return "float" in annotation or "int" in annotation


def _number(key: str, value: Any) -> int | float:
    """YAML 1.1 reads 3e-1 as a word; people mean the number."""
    if isinstance(value, str):
        with suppress(ValueError):
            value = float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ConfigError(f"space.{PREFIX}{key}: expected numbers or null, found {value!r}")
    return value


class Curation:
    """What a search knows of its training set, and the data it made of it so far, under ``out``/data."""

    def __init__(self, base: Mapping[str, Any], run: str | Path, out: Path) -> None:
        """Raises ConfigError where the base has no dev set of its own: a curated one would flatter; UsageError for a
        run that was not mapped."""
        self.folder = out / "data"
        self.known = tables.read(run)
        self.config: Config = configs.build({**base, "out": str(out / "none")}, where="search")
        if self.config.data.dev is None:
            raise ConfigError(
                "a search over curation needs a dev set that is not curated with the rest",
                cure="data.dev=FILE",
            )

    @cached_property
    def splits(self) -> Any:
        """The training set as the base would train on it, and its dev set; read once."""
        from finetooth.train import data as splitting

        return splitting.pass_gate(splitting.load(self.config), self.config)[0]

    @cached_property
    def key(self) -> str:
        """Tells this training set and what is known of it from any other."""
        task = registry.task(self.splits.train.task)
        return io.fingerprint(
            [io.fingerprint(map(task.to_row, self.splits.train.examples)), io.plain(self.known)]
        )

    def changes(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The keys of the configuration that train on what ``asked`` leaves: made once, then found again.

        Raises ConfigError for a policy that keeps nothing or needs a column that the run has not.
        """
        filters, weighing, smooth, order = policy(asked)
        weighted = bool(weighing or smooth or order)
        if not (filters["filters"] or weighted):
            return {}
        folder = self.folder / io.fingerprint([filters, weighing, smooth, weighted, self.key])[:12]
        made: dict[str, Any] = {
            "data.train": str(folder / "train.jsonl"),
            "data.format": None,
            "data.max_train_examples": None,
        }
        if self.config.data.format is not None:  # which is the dev file's too
            made["data.dev"] = str(folder / "dev.jsonl")
        if weighted:
            made |= {"train.weights": str(folder / "weights.jsonl"), "train.curriculum": order}
        if (folder / "made.json").is_file():
            return made
        curated = Curated(self.splits.train, (), {})
        if filters["filters"]:
            curated = apply_filters(self.splits.train, filters, self.known)
        kept, dropped = curated
        folder.mkdir(parents=True, exist_ok=True)
        io.write_jsonl(folder / "train.jsonl", map(registry.task(kept.task).to_row, kept.examples))
        io.write_jsonl(folder / "dropped.jsonl", dropped)
        if "data.dev" in made:
            io.write_jsonl(
                folder / "dev.jsonl", map(registry.task(kept.task).to_row, self.splits.dev.examples)
            )
        if weighted:
            ids = {e.id for e in kept.examples}
            rows = {name: row for name, row in self.known.items() if name in ids}
            weights.write(
                folder / "weights.jsonl",
                weights.weight_rows(rows, weight=bool(weighing), smooth=bool(smooth), **weighing, **smooth),
            )
        # Last, since it says that the others are whole.
        io.write_json(
            folder / "made.json",
            {"kept": len(kept), "dropped": len(dropped), "per_filter": curated.per_filter},
        )
        return made
