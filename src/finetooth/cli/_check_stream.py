"""``check --stream``: the same words on the screen and in the files, for data larger than memory."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finetooth.checks import stream
from finetooth.cli._output import printable, say, table, told_dropped
from finetooth.cli._progress import Progress
from finetooth.io import atomic
from finetooth.text import shorten


def command(data: str, bad: Sequence[str], show: int, out: Path | None, as_json: bool, **asked: Any) -> int:
    """Checks ``data`` in parts; the exit code: 1 where a severity in ``bad`` was found."""
    with stream.temporary() as folder:
        with Progress("checking", "parts") as bar:
            report = stream.run(data, Path(folder), show=show, progress=bar, **asked)
        if out is not None:
            with atomic(out) as f:
                f.writelines(report.lines())
        if as_json:
            sys.stdout.writelines(report.lines())
        else:
            say(
                f"{data}: {report.examples:,} examples of {report.task} ({report.format}), in {report.parts} parts"
            )
            for finding in sorted((f for fs in report.first.values() for f in fs), key=lambda f: f.severity):
                print(
                    f"{finding.severity:7}  {finding.check}  {printable(finding.example_id) or '(the set)'}  "
                    f"{printable(shorten(finding.message, 160))}"
                )
            if report.by_check:
                rows = [(s, c, n) for (s, c), n in sorted(report.by_check.items())]
                print()
                print(table(("severity", "check", "findings"), rows))
            for name, why in report.skipped:
                say(f"skipped {name}: {why}")
            say(", ".join(f"{n} {severity}" for severity, n in report.counts.items()))
        told_dropped(report.dropped)
        for note in report.notes:
            say(note)
        return int(any(report.counts[severity] for severity in bad))
