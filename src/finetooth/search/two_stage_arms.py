"""The arms of a comparison by curation: what each trains on, with which weights, and the folder it lies in.

OUT/ baseline-0 ... serve every policy; the first policy's curated-0, random-0 ... lie beside them, another policy's in
OUT/policy-1a2b3c4d/. policy.json says whose a folder is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from finetooth import io
from finetooth.config import Config
from finetooth.curate import classes, weights
from finetooth.curate.filters import Curated
from finetooth.curate.table import Table
from finetooth.errors import ConfigError
from finetooth.runs import Run
from finetooth.train import data as splitting
from finetooth.types import Dataset

ARMS = ("baseline", "curated", "random")


@dataclass(frozen=True)
class Plan:
    """What a policy makes of a training set. ``weights``: rows for ``train.weights`` of the curated arm, None: none."""

    policy: Mapping[str, Any]
    train: Dataset
    curated: Curated
    weights: list[dict[str, Any]] | None

    @classmethod
    def of(cls, policy: Mapping[str, Any], train: Dataset, curated: Curated, table: Table) -> Plan:
        """Raises ConfigError where the table knows no dynamics and weights are asked for."""
        asked = weights.settings(policy)
        if asked is None:
            return cls(policy, train, curated, None)
        # How an example was learnt with its old target says nothing of the new one.
        ids = {e.id for e in curated.kept.examples} - {f.example_id for f in curated.fixed}
        rows = {name: row for name, row in table.items() if name in ids}
        return cls(policy, train, curated, weights.weight_rows(rows, **asked))

    @property
    def changes(self) -> bool:
        return bool(self.curated.dropped or self.curated.fixed or self.weights)

    @property
    def drops(self) -> bool:
        """Whether a random subset of the same size is another set than the whole."""
        return len(self.curated.kept) < len(self.train)

    @property
    def parts(self) -> tuple[str, ...]:
        """What the policy does, in words."""
        asked = {
            "filters": bool(self.policy.get("filters")),
            "fixed targets": bool(self.curated.fixed),
            **{key: bool(self.policy.get(key)) for key in ("weights", "smoothing", "curriculum")},
        }
        return tuple(name for name, there in asked.items() if there)

    @property
    def key(self) -> str:
        """Tells its curated arm from that of any other policy, map or training set."""
        return io.fingerprint(
            [self.curated.kept.fingerprint, self.weights, bool(self.policy.get("curriculum"))]
        )

    def lot(self, seed: int, number: int) -> Dataset:
        """As many examples as are kept, drawn by lot, in the order of the whole set."""
        order = np.random.default_rng([seed, number]).permutation(len(self.train))
        chosen = order[: len(self.curated.kept)]
        return splitting.subset(self.train, [self.train.examples[i] for i in sorted(chosen.tolist())])

    def refuse_hopeless(self, lots: Mapping[int, Dataset]) -> None:
        """Raises ConfigError where an arm would have one label only: it could not be trained."""
        if classes.only_label(self.train.examples) is not None:
            return
        for arm, data in (
            ("the policy", self.curated.kept),
            *((f"the random subset of seed {s}", d) for s, d in lots.items()),
        ):
            label = classes.only_label(data.examples)
            if label is not None:
                raise ConfigError(
                    f"{arm} leaves {len(data):,} examples of one label, {label!r}: a model learns nothing of them",
                    cure="loosen the policy; finetooth curate --dry-run shows what it would drop",
                )

    def values(self, arm: str, config: Config, folder: Path) -> dict[str, Any]:
        """The settings under ``train`` that the arm has beside those of the baseline."""
        if arm != "curated" or self.weights is None:
            return {}
        order = {"curriculum": True} if self.policy.get("curriculum") else {}
        return {"weights": str(folder / "weights.jsonl"), **order}

    def place(self, out: Path) -> Path:
        """The folder of its arms, with what was dropped, fixed and weighted: ``out``, or one of its own where another
        policy has that."""
        folder = out if self._owns(out) else out / f"policy-{self.key[:8]}"
        folder.mkdir(parents=True, exist_ok=True)
        io.write_json(folder / "policy.json", {"key": self.key, "policy": io.plain(dict(self.policy))})
        io.write_jsonl(folder / "dropped.jsonl", self.curated.dropped)
        if self.curated.fixed:
            io.write_jsonl(folder / "fixed.jsonl", self.curated.fixed)
        if self.weights is not None:
            weights.write(folder / "weights.jsonl", self.weights)
        return folder

    def _owns(self, out: Path) -> bool:
        """Whether the arms in ``out`` itself are of this policy, or there are none yet."""
        try:
            return json.loads((out / "policy.json").read_text("utf-8"))["key"] == self.key
        except FileNotFoundError:
            if not (out / "curated-0" / "run.json").is_file():
                return not (out / "curated-0").exists()
            made = (
                Run.open(out / "curated-0").info.get("sources") or {}
            )  # of a version that kept no policy.json
            return self.weights is None and made.get("train") == self.curated.kept.fingerprint
        except (OSError, ValueError, KeyError, TypeError):
            return False
