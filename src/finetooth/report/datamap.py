"""The data map as a picture: variability across, confidence up, a colour a category.

Few examples are drawn as points. Many would be a blot, so beyond ``MOST_POINTS`` it is their density: the
colour of a cell is the mix of the categories in it, its strength the logarithm of how many they are.
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from finetooth.errors import UsageError
from finetooth.io import atomic

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from finetooth.diagnose.cartography import DataMap

MOST_POINTS = 6_000
CORNER = 0.12  # of variability, and half of confidence: a map whose examples all lie in so little is drawn closer too
CELLS = (160, 260)  # of the grid of densities, up and across
FAINTEST = 0.38  # strength of a cell with a single example: it must still be seen
INK, FAINT, PAPER = "#1d2430", "#6b7480", "#ffffff"
# Told apart with every kind of colour vision (after Okabe and Ito 2008), and in grey by their lightness.
COLOURS = {"easy": "#3182bd", "ambiguous": "#e69f00", "hard": "#b2182b"}
WORDS = {"easy": "easy to learn", "ambiguous": "ambiguous", "hard": "hard to learn"}


def draw(made: DataMap, path: str | Path, *, title: str = "") -> Path:
    """Writes the picture (PNG, about 1500 x 1100 pixels); the same map gives the same picture.

    Raises UsageError where matplotlib is not installed or the file cannot be written.
    """
    figure_of, canvas_of = matplotlib()
    figure = figure_of(figsize=(10, 7.3), dpi=150, facecolor=PAPER)
    canvas_of(figure)
    grid = figure.add_gridspec(
        2, 2, width_ratios=(6, 1), height_ratios=(1, 6), hspace=0.03, wspace=0.025,
        left=0.08, right=0.975, top=0.87, bottom=0.15,
    )  # fmt: skip
    main = figure.add_subplot(grid[1, 0])
    x, y = np.asarray(made.columns["variability"], float), np.asarray(made.columns["confidence"], float)
    category = np.asarray(made.columns["category"])
    right = max(0.5, float(x.max()) * 1.02)
    _axes(main, right)
    _bound(main)
    if len(x) <= MOST_POINTS:
        _points(main, x, y, category)
    else:
        _density(main, x, y, category, right)
    _lines(main, made.choice.stated)
    _names(main, x, y, category)
    _zoom(main, x, y, category)
    _margin(figure.add_subplot(grid[0, 0], sharex=main), x, category, (0.0, right), upright=True)
    _margin(figure.add_subplot(grid[1, 1], sharey=main), y, category, (0.0, 1.0), upright=False)
    plain: dict[str, Any] = {"parse_math": False}
    figure.text(0.08, 0.955, title or "Data map", size=15, weight="bold", color=INK, va="center", **plain)
    epochs = made.summary["epochs"]
    seen = f"epoch {epochs[0] + 1}" if len(epochs) == 1 else f"{len(epochs)} epochs"
    about = f"{len(x):,} examples, {seen}" + (
        "" if len(x) <= MOST_POINTS else "; strength of colour: how many"
    )
    figure.text(0.08, 0.915, about, size=9.5, color=FAINT, va="center", **plain)
    chosen = textwrap.fill(made.choice.sentence[:1].upper() + made.choice.sentence[1:] + ".", 125)
    figure.text(0.08, 0.055, chosen, size=8, color=FAINT, va="center", linespacing=1.4, **plain)
    path = Path(path)
    with atomic(path, "wb") as f:
        figure.savefig(f, format="png", metadata={"Software": "finetooth"})
    return path


def matplotlib() -> tuple[Any, Any]:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageError("matplotlib is not installed", cure="pip install 'finetooth[cluster]'") from None
    return Figure, FigureCanvasAgg


def _axes(axes: Axes, right: float) -> None:
    # A little room below 0 and above 1, where most of an easy data set lies.
    axes.set_xlim(-0.012 * right, right)
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel(
        "variability (standard deviation of the gold probability over epochs)", color=INK, size=9.5
    )
    axes.set_ylabel("confidence (mean gold probability)", color=INK, size=9.5)
    axes.tick_params(colors=FAINT, labelsize=8.5, length=3)
    axes.grid(color="#e8ebef", linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color("#c3c9d1")


def _bound(axes: Axes) -> None:
    """The most that a probability of mean c can vary: sqrt(c (1 - c)), half of the time 0 and half 1."""
    c = np.linspace(0, 1, 400)
    axes.plot(np.sqrt(c * (1 - c)), c, color="#d5dae0", linewidth=1.0, zorder=1)


def _points(axes: Axes, x: np.ndarray, y: np.ndarray, category: np.ndarray) -> None:
    size = float(np.clip(9_000 / len(x), 5, 46))
    alpha = float(np.clip(400 / len(x), 0.35, 0.8))
    order = np.random.default_rng(0).permutation(len(x))  # none of the colours lies on top
    colours = np.array([COLOURS[str(c)] for c in category])
    axes.scatter(
        x[order], y[order], s=size, c=colours[order], alpha=alpha, edgecolors="white", zorder=3,
        linewidths=0.5 if size > 12 else 0.15, clip_on=False,
    )  # fmt: skip


def _density(axes: Axes, x: np.ndarray, y: np.ndarray, category: np.ndarray, right: float) -> None:
    from matplotlib.colors import to_rgb

    box = [[-0.012 * right, right], [-0.03, 1.03]]
    each = np.stack(
        [np.histogram2d(y[category == c], x[category == c], bins=CELLS, range=box[::-1])[0] for c in COLOURS]
    )
    total = each.sum(axis=0)
    mix = each / np.maximum(total, 1)
    image = np.zeros((*CELLS, 4))
    image[..., :3] = np.tensordot(mix, np.array([to_rgb(c) for c in COLOURS.values()]), axes=(0, 0))
    # A few cells hold most of an easy data set: they must not make all others pale.
    most = max(float(np.quantile(total[total > 0], 0.995)), 1.0)
    strength = np.minimum(np.log1p(total) / np.log1p(most), 1.0)
    image[..., 3] = np.where(total > 0, FAINTEST + (1 - FAINTEST) * strength, 0)
    axes.imshow(
        image,
        extent=(box[0][0], box[0][1], box[1][0], box[1][1]),
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        zorder=2,
    )


def _lines(axes: Axes, stated: dict[str, Any]) -> None:
    across = stated.get("variability_above", stated.get("variability_from"))
    level = stated.get("confidence_below", stated.get("confidence_up_to"))
    style: dict[str, Any] = {
        "color": INK,
        "linewidth": 0.9,
        "linestyle": (0, (4, 3)),
        "alpha": 0.55,
        "zorder": 4,
    }
    if across is not None:
        axes.axvline(across, **style)
    if level is not None:
        axes.plot(
            [axes.get_xlim()[0], across if across is not None else axes.get_xlim()[1]], [level] * 2, **style
        )


def _names(axes: Axes, x: np.ndarray, y: np.ndarray, category: np.ndarray) -> None:
    """A category's name and share, in its colour, in the corner where such examples lie."""
    places = {"easy": (0.985, 0.975, "right", "top"), "ambiguous": (0.985, 0.5, "right", "center"),
              "hard": (0.985, 0.025, "right", "bottom")}  # fmt: skip
    for name, (across, up, left_right, up_down) in places.items():
        n = int((category == name).sum())
        axes.text(
            across, up, f"{WORDS[name]}\n{n:,} ({100 * n / len(x):.1f} %)", transform=axes.transAxes, size=10,
            color=COLOURS[name], weight="bold", ha=left_right, va=up_down, zorder=6, linespacing=1.35,
            bbox={"facecolor": PAPER, "edgecolor": "none", "alpha": 0.8, "pad": 2.5},
        )  # fmt: skip


def _zoom(axes: Axes, x: np.ndarray, y: np.ndarray, category: np.ndarray) -> None:
    """The corner again, larger, where all examples lie in one: the mean over many tokens is nearly 1 everywhere."""
    low, high = float(y.min()), float(y.max())
    if len(x) < 2 or x.max() > CORNER or high - low > 2 * CORNER or not (x.max() > 0 and high > low):
        return
    inside = axes.inset_axes((0.36, 0.14, 0.42, 0.62), zorder=5)
    some = np.random.default_rng(0).permutation(len(x))[:MOST_POINTS]
    _points(inside, x[some], y[some], category[some])
    inside.set_xlim(-0.04 * x.max(), 1.04 * x.max())
    inside.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
    inside.tick_params(colors=FAINT, labelsize=7.5, length=2)
    inside.grid(color="#e8ebef", linewidth=0.6)
    inside.set_axisbelow(True)
    inside.set_title("the same, closer", size=8.5, color=FAINT, loc="left", pad=4)
    for side in inside.spines.values():
        side.set_color("#c3c9d1")


def _margin(
    axes: Axes, values: np.ndarray, category: np.ndarray, limits: tuple[float, float], *, upright: bool
) -> None:
    """How many examples there are at each value, the categories on top of each other."""
    parts = [values[category == c] for c in COLOURS]
    axes.hist(
        parts, bins=50, range=limits, stacked=True, color=list(COLOURS.values()),
        orientation="vertical" if upright else "horizontal", rwidth=0.9,
    )  # fmt: skip
    axes.tick_params(labelbottom=False, labelleft=False, length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_facecolor("none")
