"""``finetooth generate json``: prompts and objects, made, mended or topped up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from finetooth.cli._output import emit, say
from finetooth.errors import UsageError
from finetooth.io import fingerprint, write_jsonl
from finetooth.text import many


def command(
    n: int | None,
    seed: int,
    out: Path,
    *,
    split: str | None,
    repair: Path | None,
    boost: int | None,
    schemas: Path | None,
    json: bool,
) -> int:
    """Rows into ``out``, schemas into the folder ``schemas``; the exit code."""
    try:
        from finetooth.generate import json_rows
    except ImportError:
        raise UsageError("this installation cannot generate JSON", cure="install finetooth anew") from None
    if repair is not None and n is not None:
        raise UsageError("--n makes new rows, --repair mends old ones", cure="give one of the two")
    summary: dict[str, Any] = {"task": "json", "out": out, "seed": seed}
    if repair is not None:
        mended = json_rows.repair(repair, seed=seed)
        rows = mended.rows
        more = json_rows.boost(rows, boost, seed)[len(rows) :] if boost is not None else []
        mended.write(out, more)
        rows = [*rows, *more]
        summary |= {"repaired": mended.repaired, "left": mended.left, "added": len(more)}
    else:
        rows = json_rows.generate_json(1000 if n is None else n, seed, split=split)
        made = len(rows)
        if boost is not None:
            rows = json_rows.boost(rows, boost, seed)
        write_jsonl(out, rows)
        summary |= {"added": len(rows) - made}
    if schemas is not None:
        summary["schemas"] = json_rows.write_schemas(schemas)
    summary |= {"rows": len(rows), "fingerprint": fingerprint(rows)}
    if json:
        emit(summary)
    else:
        _say(summary, schemas)
    # Rows that nobody could mend still fail: whoever goes on must know.
    return int(bool(summary.get("left")))


def _say(summary: dict[str, Any], schemas: Path | None) -> None:
    say(f"{summary['out']}: {summary['rows']:,} rows of json, seed {summary['seed']}")
    if "repaired" in summary:
        say(f"{many(len(summary['repaired']), 'row')} made anew, the others as they were")
        for drop in summary["left"][:10]:
            say(f"not mended: {drop.example_id}: {drop.reason}")
    if summary["added"]:
        say(f"{many(summary['added'], 'row')} added for thin schemas")
    if schemas is not None:
        say(f"{schemas}: {many(len(summary['schemas']), 'schema')}")
