"""Clusters as a picture: every example at its place, a colour a cluster, the largest named where they lie."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from finetooth.io import atomic
from finetooth.report.datamap import FAINT, INK, PAPER, matplotlib

if TYPE_CHECKING:
    from finetooth.diagnose.clusters import Clusters

MOST_NAMES = 14
FEW = 400  # examples below which a name covers too many of them
NOISE_COLOUR = "#c9ced6"
# Neighbours in this list are far apart in hue, since clusters come by size and large ones get the first.
COLOURS = (
    "#3b6fb6 #e07b39 #3f9b6c #b8405e #8265b5 #c9a227 #4ba3b7 #8d5a3c "
    "#d872a8 #6d8f2f #5b6bd6 #c2573a #2f7f7b #a04aa5 #9c7c1f #6a7f94"
).split()


def draw(made: Clusters, path: str | Path, *, title: str = "") -> Path:
    """Writes the picture (PNG). Raises UsageError where matplotlib is not installed."""
    assert made.place is not None
    figure_of, canvas_of = matplotlib()
    figure = figure_of(figsize=(10, 7.6), dpi=150, facecolor=PAPER)
    canvas_of(figure)
    axes = figure.add_axes((0.03, 0.05, 0.94, 0.83))
    axes.set_axis_off()
    place, label = made.place, made.label
    n = len(label)
    order = np.random.default_rng(0).permutation(n)
    # Noise first, so that it lies under what has a name.
    order = order[np.argsort(label[order] >= 0, kind="stable")]
    colours = np.array([NOISE_COLOUR, *COLOURS])[
        np.where(label < 0, 0, 1 + label % len(COLOURS)).astype(np.int64)
    ]
    size = float(np.clip(60_000 / n, 0.6, 30))
    axes.scatter(
        place[order, 0], place[order, 1], s=size, c=colours[order], alpha=float(np.clip(2_000 / n, 0.3, 0.85)),
        linewidths=0.3 if size > 10 else 0, edgecolors="white",
    )  # fmt: skip
    _fit(axes, place)
    plain: dict[str, Any] = {"parse_math": False}
    for c in range(min(MOST_NAMES, int(label.max(initial=-1)) + 1)):
        x, y = np.median(place[label == c], axis=0)
        if n < FEW:  # a name would hide much of its cluster: it stands above
            y = place[label == c, 1].max() + 0.02 * np.ptp(place[:, 1])
        name = textwrap.fill(made.names.get(c, f"cluster {c}"), 24)
        axes.text(
            x, y, name, size=8, ha="center", va="bottom" if n < FEW else "center", color=INK, linespacing=1.15, **plain,
            bbox={"facecolor": PAPER, "edgecolor": COLOURS[c % len(COLOURS)], "alpha": 0.82, "pad": 2.2,
                  "linewidth": 1.0},
        )  # fmt: skip
    figure.text(0.03, 0.955, title or "Clusters", size=15, weight="bold", color=INK, va="center", **plain)
    q = made.quality
    silhouette = "" if q["silhouette"] is None else f", silhouette {q['silhouette']:.2f}"
    about = f"{n:,} examples in {q['clusters']} clusters, {100 * q['noise_share']:.0f} % in none (grey){silhouette}"
    figure.text(0.03, 0.915, about, size=9.5, color=FAINT, va="center", **plain)
    path = Path(path)
    with atomic(path, "wb") as f:
        figure.savefig(f, format="png", metadata={"Software": "finetooth"})
    return path


def _fit(axes: Any, place: np.ndarray) -> None:
    """All but the farthest in a thousand: one stray point would make the rest a blot."""
    low, high = np.quantile(place, [0.0005, 0.9995], axis=0)
    room = np.maximum((high - low) * 0.06, 1e-6)
    axes.set_xlim(low[0] - room[0], high[0] + room[0])
    axes.set_ylim(low[1] - room[1], high[1] + room[1])
