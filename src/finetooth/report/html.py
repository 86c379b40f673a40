"""One self-contained HTML page of a run: no request leaves it, all text is text."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from finetooth import __version__, io, registry
from finetooth.report.collect import Shown, config_text
from finetooth.report.curves import curves
from finetooth.report.said import cut, visible

MOST_ROWS = 8000  # example rows in the page; the map shows every example
MOST_FINDINGS = 500
TEXT_BYTES = 2_600_000  # of all inputs, targets and predictions in the page
SIZES = (1500, 1000, 700, 500, 350, 240, 160, 110, 80)  # characters that a text may be cut to
HERE = Path(__file__).parent
NAME, COMMAND, CONFIG = (
    120,
    4_000,
    40_000,
)  # characters that are shown of a slice's name, the command, the settings
POLICY = "'none-yet'"
MOST_LABELS = 20  # of a confusion matrix
OTHER = "something else"
TEXTS = ("input", "target", "prediction")


def render(shown: Shown) -> str:
    """The page as a string."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined)
    environment.filters["figure"] = lambda v, digits=2: "–" if v is None else f"{v:,.{digits}f}"
    environment.filters["within"] = lambda v: f"{min(max(v, 0.0), 100.0):.1f}"
    # The style and the script are files of ours without a value in them: not a template, not escaped.
    script = (HERE / "page.js").read_text("utf-8")
    main = main_metric(shown)
    page = environment.get_template("page.html.j2").render(
        shown=shown,
        splits={
            k: {**_split(s, main), "confusion": confusion(shown.rows, k)} for k, s in shown.scores.items()
        },
        main=main,
        verdict=verdict(shown),
        standing=standing(shown),
        curves=curves(shown.steps, main, shown.main),
        config=visible(config_text(shown), CONFIG),
        command=_command(shown),
        findings=shown.findings[:MOST_FINDINGS],
        kinds=_kinds(shown),
        dropped=shown.dropped[:MOST_FINDINGS],
        clusters=_clusters(shown.rows),
        mapped=any(row.get("confidence") is not None for row in shown.rows),
        data=script_json(payload(shown)),
        version=__version__,
        policy=POLICY,
        style=(HERE / "page.css").read_text("utf-8"),
        script=script,
    )
    # Only the page's own script may run, by its hash: one that came in with the data would be another.
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return page.replace(POLICY, f"'sha256-{digest}'", 1)


def write(shown: Shown, path: str | Path) -> None:
    with io.atomic(path) as f:
        f.write(render(shown))


# ---- what the page's script draws


def payload(shown: Shown) -> dict[str, Any]:
    """Every point of the map, and the rows worth reading first.

    A point is [variability, confidence, x, y, category, cluster, row]: the first four are numbers or null,
    the next two places in their lists of names, the last the place of the example's row or -1.
    """
    rows = sorted(shown.rows, key=_worst_first)[:MOST_ROWS]
    place = {id(row): i for i, row in enumerate(rows)}
    categories = sorted({str(row["category"]) for row in shown.rows if row.get("category")})
    clusters = sorted({int(row["cluster"]) for row in shown.rows if row.get("cluster") is not None})
    names = {row["cluster"]: row.get("cluster_name") for row in shown.rows if row.get("cluster") is not None}
    points = [
        [
            *(row.get(k) for k in ("variability", "confidence", "x", "y")),
            categories.index(str(row["category"])) if row.get("category") else -1,
            clusters.index(int(row["cluster"])) if row.get("cluster") is not None else -1,
            place.get(id(row), -1),
        ]
        for row in shown.rows
        if row.get("confidence") is not None or row.get("x") is not None
    ]
    size = _text_size(rows)
    return {
        "points": points,
        "categories": categories,
        "clusters": [_cluster_name(c, names.get(c)) for c in clusters],
        "keys": [*_KEYS, "findings", "more"],
        "rows": [[*(_cell(row, k, size) for k in _KEYS), *_found(row)] for row in rows],
        "of": len(shown.rows),
    }


_KEYS = ("example_id", "split", *TEXTS, "right", "sure", "confidence", "variability", "category", "cluster")


def _text_size(rows: Sequence[Mapping[str, Any]]) -> int:
    """The most characters a text may have so that the page stays within its size."""
    texts = [row[k] for row in rows for k in TEXTS if row.get(k)]
    for size in SIZES:
        if sum(len(t[:size].encode()) for t in texts) <= TEXT_BYTES:
            return size
    return SIZES[-1]


def _cell(row: Mapping[str, Any], key: str, size: int) -> Any:
    value = row.get(key)
    if key == "right":
        return None if value is None else "yes" if value else "no"
    if key in TEXTS:
        return None if value is None else cut(value, size)
    if key == "cluster" and value is not None:
        return _cluster_name(int(value), row.get("cluster_name"))
    return value


def _found(row: Mapping[str, Any]) -> tuple[str, list[str]]:
    """(the checks that found something, lines that a chosen example shows beside its columns)."""
    found = row.get("findings", ())
    more = [f"{check}: {message}" for check, message in found[:5]]
    more += [f"and {len(found) - 5} more findings"] if len(found) > 5 else []
    if row.get("dropped"):
        more.append(f"dropped, {row['dropped']}")
    if row.get("rules"):
        more.append(f"error rules: {', '.join(row['rules'])}")
    if row.get("rank_reason"):
        more.append(f"likely a wrong target (rank {row.get('rank', 0):.2f}): {row['rank_reason']}")
    if row.get("fix"):
        more.append(f"proposed instead: {row['fix']}")
    return ", ".join(dict.fromkeys(check for check, _ in found)), more


def _cluster_name(cluster: int, name: Any) -> str:
    if cluster < 0:
        return "in none"
    return f"{cluster}: {name}" if name else str(cluster)


def _worst_first(row: Mapping[str, Any]) -> tuple:
    wrong = row.get("right") is False
    return (
        not wrong,
        -len(row.get("findings", ())),
        row.get("confidence") if row.get("confidence") is not None else 1.0,
    )


def script_json(value: Any) -> str:
    """JSON that cannot end the script element it stands in, nor open a comment in it."""
    text = json.dumps(io.plain(value), ensure_ascii=False, separators=(",", ":"))
    return (
        text.replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )


# ---- what stands in words and tables


def main_metric(shown: Shown) -> str:
    """The name of the score that the run is told by; "" where there are no scores."""
    scores = shown.main.get("scores") or []
    known = registry.tasks().get(str(shown.config.get("task")))
    names = [s["name"] for s in scores]
    return known.main_metric if known and known.main_metric in names else next(iter(names), "")


def _main_score(shown: Shown) -> Mapping[str, Any] | None:
    name = main_metric(shown)
    return next((s for s in shown.main.get("scores") or () if s["name"] == name), None)


def standing(shown: Shown) -> str:
    """ "above" or "not above" its floor; "" where there is no score, no interval or no floor to tell."""
    s = _main_score(shown)
    if s is None or s.get("floor") is None or s.get("low") is None:
        return ""
    return "above" if s["low"] > s["floor"] else "not above"


def verdict(shown: Shown) -> str:
    """The run in a sentence: its score, interval and floor, and whether it is above it."""
    s = _main_score(shown)
    if s is None:
        return "This run has no scores yet."
    if s.get("value") is None:
        return f"{s['name']} has no value on these examples."
    said = f"{s['name']} {s['value']:.1f}"
    if s.get("low") is not None:
        said += f" (95 % interval {s['low']:.1f} to {s['high']:.1f}, {s['n']:,} examples)"
    if s.get("floor") is None:
        return said + "."
    above = s.get("low") is not None and s["low"] > s["floor"]
    return f"{said}, {'above' if above else 'NOT above'} its chance floor of {s['floor']:.1f}."


def _split(scores: Mapping[str, Any], main: str) -> dict[str, Any]:
    """A split's scores, the main one first, each with its floor's name; its slices, a row a slice."""
    every = sorted(scores.get("scores", ()), key=lambda s: s["name"] != main)
    made = []
    for s in every:
        floor = s.get("floor")
        name = next((n for n, v in (s.get("floors") or {}).items() if floor is not None and v == floor), "")
        on = floor is not None and s.get("low") is not None and s["low"] <= floor
        made.append({"low": None, "high": None, "floor": None, **s, "floor_name": name, "on_floor": on})
    return {
        "scores": made,
        "slices": _slices(scores.get("slices", ()), main),
        "notes": scores.get("notes", ()),
    }


def _slices(rows: Sequence[Mapping[str, Any]], main: str) -> dict[str, dict[str, Any]]:
    """By kind of slice: the metrics, and a row a slice with all of them."""
    kinds: dict[str, dict[str, Any]] = {}
    for row in rows:
        kind = kinds.setdefault(visible(str(row["by"]), NAME), {"names": {}, "rows": {}})
        name = visible(str(row["slice"]), NAME)
        kind["names"].setdefault(row["name"])
        of = kind["rows"].setdefault(name, {"slice": name, "n": row["n"], "values": {}})
        of["values"][row["name"]] = row
    for kind in kinds.values():
        kind["names"] = sorted(kind["names"], key=lambda n: n != main)
    return kinds


def confusion(rows: Sequence[Mapping[str, Any]], split: str) -> dict[str, dict[str, int]]:
    """What each label was taken for, where the task has labels: gold -> predicted -> how often."""
    seen = [
        (r["label"], r.get("prediction") or "")
        for r in rows
        if r.get("split") == split and "label" in r and "sure" in r
    ]
    golds = dict.fromkeys(sorted({g for g, _ in seen}), 0)
    if not 1 < len(golds) <= MOST_LABELS:
        return {}
    made = {g: {**golds, OTHER: 0} for g in golds}
    for gold, predicted in seen:
        # A label comes before the reasons for it; what is no label at all counts as other.
        name = predicted.partition(" | ")[0]
        made[gold][name if name in golds else OTHER] += 1
    if not any(counts[OTHER] for counts in made.values()):
        for counts in made.values():
            del counts[OTHER]
    return made


def _kinds(shown: Shown) -> list[dict[str, Any]]:
    """A row a kind of finding: how many, and the first of them."""
    first: dict[tuple[str, str], Mapping[str, Any]] = {}
    for f in shown.findings:
        first.setdefault((f["severity"], f["check"]), f)
    return [
        {"severity": s, "check": c, "n": n, "first": first.get((s, c))}
        for (s, c), n in shown.summary.get("findings", {}).items()
    ]


def _clusters(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A row a cluster, the largest first: its words, size, share of wrong predictions and of findings."""
    of: dict[int, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row.get("cluster") is not None:
            of.setdefault(int(row["cluster"]), []).append(row)
    made = []
    for cluster, some in sorted(of.items(), key=lambda item: (item[0] < 0, -len(item[1]))):
        sure = [r["confidence"] for r in some if r.get("confidence") is not None]
        made.append(
            {
                "name": _cluster_name(cluster, some[0].get("cluster_name")),
                "n": len(some),
                "confidence": sum(sure) / len(sure) if sure else None,
                "hard": sum(r.get("category") == "hard" for r in some),
                "found": sum(bool(r.get("findings")) for r in some),
            }
        )
    return made


def _command(shown: Shown) -> str:
    import shlex

    words = shown.info.get("command") or ["finetooth", "train", "..."]
    # A run that was started as ``python -m finetooth`` keeps the name of that file.
    if str(words[0]).endswith("__main__.py"):
        words = ["finetooth", *words[1:]]
    return visible(shlex.join(map(str, words)), COMMAND)
