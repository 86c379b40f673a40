"""``finetooth cluster`` as functions: the texts that name clusters, the files, what they say in words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from finetooth.diagnose import tables
from finetooth.diagnose.clusters import Clusters
from finetooth.diagnose.embeddings import Embeddings
from finetooth.diagnose.mapping import stem
from finetooth.errors import DataError
from finetooth.io import plain, write_json
from finetooth.types import Example

CHANCE = 0.1  # clusters that lose more than this of themselves at once may be chance: random points give 0.03


def said(example: Example) -> str:
    """The texts of an example's inputs, one after the other, whatever its task."""
    inputs = plain(example.inputs)
    if not isinstance(inputs, dict):
        return str(inputs)
    return "\n".join(v for v in inputs.values() if isinstance(v, str) and v)


def rows(embedded: Embeddings, made: Clusters, examples: Sequence[Example]) -> dict[str, list[Any]]:
    """Columns, a row an example in its order; one without a vector has no cluster (null)."""
    at = {name: i for i, name in enumerate(embedded.ids)}
    place = made.place if made.place is not None else np.full((len(at), 2), np.nan)
    found = [at.get(e.id) for e in examples]
    return {
        "example_id": [e.id for e in examples],
        "cluster": [None if i is None else int(made.label[i]) for i in found],
        "cluster_name": [None if i is None else made.names.get(int(made.label[i])) for i in found],
        "membership": [None if i is None else float(made.membership[i]) for i in found],
        "x": [None if i is None or made.place is None else float(place[i, 0]) for i in found],
        "y": [None if i is None or made.place is None else float(place[i, 1]) for i in found],
    }


def summary(embedded: Embeddings, made: Clusters, *, source: str, split: str) -> dict[str, Any]:
    """What the clusters say as a whole, as it stands in clusters.json."""
    per = made.quality["per_cluster"]
    return {
        "source": source,
        "split": split,
        "examples": len(embedded.ids) + len(embedded.missing),
        "embedded": len(embedded.ids),
        "not_embedded": embedded.missing,
        **{k: v for k, v in made.quality.items() if k != "per_cluster"},
        "noise": int((made.label < 0).sum()),
        "clusters_by_id": {
            str(c): {"name": made.names.get(c), **values, "may_be_chance": _chance(values)}
            for c, values in per.items()
        },
    }


def _chance(values: dict[str, Any]) -> bool | None:
    return None if values["persistence"] is None else values["persistence"] < CHANCE


def write(
    columns: dict[str, list[Any]], found: dict[str, Any], folder: str | Path, *, split: str
) -> list[Path]:
    """clusters.parquet, .csv (guarded) and .json into ``folder``."""
    import polars as pl

    base = Path(folder) / stem("clusters", split)
    schema: Any = {
        "example_id": pl.String,
        "cluster": pl.Int64,
        "cluster_name": pl.String,
        "membership": pl.Float64,
        "x": pl.Float64,
        "y": pl.Float64,
    }
    parquet, csv = tables.write(pl.DataFrame(columns, schema=schema), base)
    write_json(base.with_suffix(".json"), found)
    return [parquet, csv, base.with_suffix(".json")]


def read(path: Path) -> dict[str, dict[str, Any]]:
    """Rows by example id of what ``write`` wrote; {} where there is no such file. Raises DataError for another one."""
    import polars as pl

    if not path.is_file():
        return {}
    try:
        return {row["example_id"]: row for row in pl.read_parquet(path).to_dicts()}
    except (pl.exceptions.PolarsError, OSError, KeyError) as e:
        what = f"not a table of clusters: {' '.join(str(e).split())[:120]}"
        raise DataError(
            what, where=str(path), cure="remove it, or make it anew with finetooth cluster"
        ) from None
