"""One self-contained HTML page of a run: no request leaves it, all text is text."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from finetooth import __version__, io, registry
from finetooth.report.collect import Shown

MOST_ROWS = 8000  # example rows in the page; the map shows every example
MOST_FINDINGS = 500
HERE = Path(__file__).parent
POLICY = "'none-yet'"


def render(shown: Shown) -> str:
    """The page as a string."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined)
    environment.filters["figure"] = lambda v, digits=2: "–" if v is None else f"{v:,.{digits}f}"
    main = shown.main
    page = environment.get_template("page.html.j2").render(
        shown=shown,
        scores=main.get("scores", []),
        slices=_slices(main.get("slices", [])),
        verdict=verdict(shown),
        curves=curves(shown.steps),
        config=json.dumps(shown.config, indent=2, ensure_ascii=False),
        command=_command(shown),
        findings=shown.findings[:MOST_FINDINGS],
        dropped=shown.dropped[:MOST_FINDINGS],
        data=script_json(payload(shown)),
        version=__version__,
        policy=POLICY,
        clustered=any(row.get("cluster") is not None for row in shown.rows),
    )
    # Only the page's own script may run, by its hash: one that came in with the data would be another.
    script = page.rpartition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return page.replace(POLICY, f"'sha256-{digest}'", 1)


def write(shown: Shown, path: str | Path) -> None:
    with io.atomic(path) as f:
        f.write(render(shown))


def payload(shown: Shown) -> dict[str, Any]:
    """What the page's script draws: every point of the map, and the rows worth reading first."""
    rows = sorted(shown.rows, key=_worst_first)[:MOST_ROWS]
    place = {id(row): i for i, row in enumerate(rows)}
    points = [
        [
            row["variability"],
            row["confidence"],
            row.get("category") or "",
            row.get("cluster"),
            place.get(id(row), -1),
        ]
        for row in shown.rows
        if row.get("confidence") is not None and row.get("variability") is not None
    ]
    keys = (
        "example_id",
        "split",
        "input",
        "target",
        "prediction",
        "right",
        "sure",
        "confidence",
        "variability",
        "category",
        *(("cluster",) if any(row.get("cluster") is not None for row in rows) else ()),
    )
    return {
        "points": points,
        "keys": keys,
        "rows": [[_cell(row, k) for k in keys] + [", ".join(row.get("findings", ()))] for row in rows],
        "of": len(shown.rows),
    }


def _cell(row: Mapping[str, Any], key: str) -> Any:
    value = row.get(key)
    if key == "right":
        return None if value is None else "yes" if value else "no"
    # Numbers are shown as measures; a cluster's is a name.
    return str(value) if key == "cluster" and value is not None else value


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


def verdict(shown: Shown) -> str:
    """The run in a sentence: its score, interval and floor, and whether it is above it."""
    scores = shown.main.get("scores") or []
    if not scores:
        return "This run has no scores yet."
    known = registry.tasks().get(str(shown.config.get("task")))
    s = next((s for s in scores if known and s["name"] == known.main_metric), scores[0])
    said = f"{s['name']} {s['value']:.1f}"
    if s.get("low") is not None:
        said += f" (95 % interval {s['low']:.1f} to {s['high']:.1f}, {s['n']:,} examples)"
    if s.get("floor") is None:
        return said + "."
    above = s["low"] is not None and s["low"] > s["floor"]
    return f"{said}, {'above' if above else 'NOT above'} its chance floor of {s['floor']:.1f}."


def curves(steps: Sequence[Mapping[str, Any]], width: int = 640, height: int = 160) -> list[dict[str, Any]]:
    """Loss, learning rate and dev scores over steps as SVG points; at most 400, means of what lies between."""
    made = []
    dev = dict.fromkeys(k for s in steps for k in s if k.startswith("dev_"))
    wanted = [("loss", "training loss"), ("learning_rate", "learning rate")]
    for key, label in [*wanted, *((k, f"dev {k.removeprefix('dev_')}") for k in dev)]:
        known = [(s["step"], float(s[key])) for s in steps if isinstance(s.get(key), (int, float))]
        if len(known) < 2:
            continue
        size = max(1, len(known) // 400)
        known = [
            (part[0][0], sum(v for _, v in part) / len(part))
            for part in (known[i : i + size] for i in range(0, len(known), size))
        ]
        top, last, first = max(v for _, v in known) or 1.0, known[-1][0], known[0][0]
        points = " ".join(
            f"{(x - first) / max(last - first, 1) * width:.1f},{height - v / top * (height - 8):.1f}"
            for x, v in known
        )
        made.append(
            {
                "label": label,
                "points": points,
                "top": f"{top:.3g}",
                "last": last,
                "end": f"{known[-1][1]:.3g}",
            }
        )
    return made


def _slices(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    kinds: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        kinds.setdefault(str(row["by"]), []).append(row)
    return kinds


def _command(shown: Shown) -> str:
    import shlex

    words = shown.info.get("command") or ["finetooth", "train", "..."]
    return shlex.join(map(str, words))
