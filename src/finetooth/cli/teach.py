"""Asks a teacher model for reasons, has its errors corrected by a second one, and keeps what passes the checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from finetooth import readers, registry
from finetooth.cli._output import Json, emit, say, table
from finetooth.cli._progress import Progress
from finetooth.errors import UsageError
from finetooth.io import write_jsonl
from finetooth.teach import prompts, thoughts
from finetooth.teach.client import Teacher
from finetooth.teach.journal import Journal
from finetooth.teach.local import Servers, is_local
from finetooth.teach.review import review
from finetooth.text import many

POLICIES = ("keep", "omit", *thoughts.CORRECTING)
ALIASES = {"correct": "correct-with-label"}
# The prompt of each way to correct, and what it must and may hold.
CORRECTIONS = {
    "correct-naturally": ("reconsider", thoughts.RECONSIDER_FIELDS, thoughts.reconsider),
    "correct-with-label": ("reflect", thoughts.REFLECT_FIELDS, thoughts.reflect),
}
PROMPT_TOKENS = 2048  # room for the longest prompt beside the answer, in a model run here


def _at_once(teacher: Teacher, asked: int | None) -> int:
    return asked or (1 if teacher.server else 8)


def _left(budget: float | None, others: Sequence[Teacher]) -> float | None:
    """What the others left of the budget. A teacher's own earlier spending is held against it by the teacher."""
    return None if budget is None else max(0.0, budget - sum(t.spent.cost for t in others))


def command(
    data: Annotated[str, typer.Argument(help="Inference pairs with labels.")],
    out: Annotated[Path, typer.Option(help="Where the pairs with their reasons go, as JSONL.")],
    teacher: Annotated[
        str,
        typer.Option(
            help="The first teacher's model name; it does not see the label. starter:smollm2 or a GGUF file is run here."
        ),
    ],
    base_url: Annotated[
        str | None, typer.Option(help="Its OpenAI-compatible endpoint, as in http://127.0.0.1:8000/v1.")
    ] = None,
    corrector: Annotated[
        str | None,
        typer.Option(help="The second teacher, shown the flawed reasoning; the first if left out."),
    ] = None,
    corrector_url: Annotated[str | None, typer.Option(help="The second teacher's endpoint.")] = None,
    judge: Annotated[
        str | None,
        typer.Option(help="A model that scores corrections against what they correct; it is measured first."),
    ] = None,
    judge_url: Annotated[str | None, typer.Option(help="The judge's endpoint.")] = None,
    disagreement: Annotated[
        str,
        typer.Option(
            help="Where the teacher's label is another: keep it, omit the pair, correct-naturally (the second teacher "
            "does not see the label) or correct-with-label."
        ),
    ] = "correct-with-label",
    prompt: Annotated[
        str, typer.Option(help="The prompt of the thoughts: a file with {premise} and {hypothesis}, or ours.")
    ] = "thought",
    correction_prompt: Annotated[
        str | None,
        typer.Option(
            help="The prompt of the corrections: a file with {thought} as well, and {label} if that is to be seen, or ours."
        ),
    ] = None,
    journal: Annotated[
        Path | None, typer.Option(help="Every request and answer, in SQLite (default: OUT.journal).")
    ] = None,
    dropped: Annotated[
        Path | None, typer.Option(help="What was dropped, with reasons (default: OUT.dropped.jsonl).")
    ] = None,
    budget: Annotated[
        float | None, typer.Option(min=0, help="Money: nothing is sent that could pass it.")
    ] = None,
    price_in: Annotated[float, typer.Option(min=0, help="Money a million prompt tokens.")] = 0.0,
    price_out: Annotated[float, typer.Option(min=0, help="Money a million answer tokens.")] = 0.0,
    max_tokens: Annotated[int, typer.Option(min=1, help="Tokens of an answer at most.")] = 512,
    temperature: Annotated[float, typer.Option(min=0, help="0 for the same answer each time.")] = 0.0,
    concurrency: Annotated[
        int | None, typer.Option(min=1, help="Requests at a time (default: 8, of a model run here 1).")
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(min=1, help="Seconds for one answer (default: 60, of a model run here 600)."),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads of a model run here (default: all cores).")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first pairs.")] = None,
    format: Annotated[str | None, typer.Option(help="The format, where the content does not tell.")] = None,
    json: Json = False,
) -> int:
    disagreement = ALIASES.get(disagreement, disagreement)
    if disagreement not in POLICIES:
        raise UsageError(
            f"--disagreement: expected {', '.join(POLICIES)}, found {disagreement!r}",
            cure=registry.did_you_mean(disagreement, POLICIES),
        )
    if budget is not None and not price_in and not price_out:
        raise UsageError("a --budget without prices", cure="give --price-in and --price-out")
    if correction_prompt and disagreement not in CORRECTIONS:
        raise UsageError(
            f"--correction-prompt: with --disagreement {disagreement} nothing is corrected",
            cure="leave it out",
        )
    prompts.load(prompt, *thoughts.THOUGHT_FIELDS)  # before anything is asked
    ours, fields, ask_again = CORRECTIONS.get(disagreement, CORRECTIONS["correct-with-label"])
    again = correction_prompt or ours
    prompts.load(again, *fields)
    dataset = readers.load(data, task="nli", format=format)
    examples = list(dataset.examples)[:limit]
    task = registry.task("nli")
    assert task.labels is not None
    labels = task.labels(examples)
    book = Journal(journal or out.with_name(out.name + ".journal"))
    settings = {
        "max_tokens": max_tokens,
        "temperature": temperature,
        "price_in": price_in,
        "price_out": price_out,
    }
    same = corrector is None and corrector_url is None
    servers = Servers(out.with_name(out.name + ".server.log"), threads, slots=concurrency or 1)
    with servers:

        def one(model: str, url: str | None) -> Teacher:
            server = None if url else servers.of(model, context_tokens=max_tokens + PROMPT_TOKENS)
            wait = timeout or (600.0 if server else 60.0)
            return Teacher(model, book, url, server=server, timeout_s=wait, **settings)  # type: ignore[arg-type]

        first = one(teacher, base_url)
        here = corrector is not None and is_local(corrector)
        other = corrector_url or (None if here else base_url)
        second = first if same else one(corrector or teacher, other)
        with Progress("thoughts", "pairs") as bar:
            made = thoughts.generate(
                examples,
                first,
                labels,
                prompt=prompt,
                concurrency=_at_once(first, concurrency),
                budget=budget,
                progress=bar,
            )
        corrected = {}
        if disagreement in CORRECTIONS:
            left = _left(budget, () if same else (first,))
            at_once = _at_once(second, concurrency)
            with Progress("corrections", "pairs") as bar:
                corrected = ask_again(
                    examples,
                    made,
                    second,
                    labels,
                    prompt=again,
                    concurrency=at_once,
                    budget=left,
                    progress=bar,
                )
        reviewed = None
        if judge is not None or judge_url is not None:
            near = judge_url or (None if judge and is_local(judge) else base_url)
            third = one(judge or teacher, near)
            left = _left(budget, (first,) if same else (first, second))
            with Progress("verdicts", "questions") as bar:
                reviewed = review(
                    examples,
                    made,
                    corrected,
                    third,
                    concurrency=_at_once(third, concurrency),
                    budget=left,
                    progress=bar,
                )
    rejected = reviewed.rejected if reviewed else None
    chosen = thoughts.select(
        examples,
        made,
        corrected,
        disagreement=disagreement,  # type: ignore[arg-type]
        rejected=rejected,
        prompt=prompt,
        correction_prompt=again,
    )
    write_jsonl(out, ({**task.to_row(e), "teach": e.meta["teach"]} for e in chosen.examples))
    drops = dropped or out.with_name(out.name + ".dropped.jsonl")
    write_jsonl(drops, chosen.dropped)
    doubts = out.with_name(out.name + ".doubts.jsonl")
    write_jsonl(doubts, chosen.disagreements)
    right = sum(t.label == e.target.label for t, e in zip(made, examples, strict=True))
    failures = Counter(t.failure for t in made if t.failure)
    spent = [first.spent] if same else [first.spent, second.spent]
    spent += [third.spent] if reviewed else []
    summary = {
        "examples": len(examples),
        "kept": len(chosen.examples),
        "dropped": dict(Counter(d.reason.split(":")[0] for d in chosen.dropped)),
        "teacher_accuracy": 100.0 * right / len(examples),
        "unreadable": dict(failures),
        "unreadable_rate": {name: 100.0 * n / len(examples) for name, n in failures.most_common()},
        "corrected": sum(
            (t := corrected.get(e.id)) is not None and t.reason is not None and t.label == e.target.label
            for e in examples
        ),
        "disagreements": len(chosen.disagreements),
        "judge": reviewed.to_json() if reviewed else None,
        "asked": sum(s.asked for s in spent),
        "cached": sum(s.cached for s in spent),
        "cost": sum(s.cost for s in spent),
        "uncounted": sum(s.uncounted for s in spent),
        "assumed_cost": sum(s.assumed for s in spent),
        "journal": book.totals(),
        "files": {"out": str(out), "dropped": str(drops), "doubts": str(doubts)},
    }
    book.close()
    if json:
        emit(summary)
        return 0
    rows = [("kept", len(chosen.examples)), *summary["dropped"].items()]  # type: ignore[attr-defined]
    print(table(("", "pairs"), rows))
    if reviewed:
        found = reviewed.agreement
        said = f"the judge picks the good one of {found['n']} planted pairs in {found['agreement']:.0f} %"
        verb = "its word is used" if reviewed.used else "that is not surely above half: its word is not used"
        say(
            f"{said} ({found['low']:.0f} to {found['high']:.0f}): {verb}" if found["n"] else f"{said}: {verb}"
        )
    for name, n in failures.most_common():
        say(f"{name}: {n:,} of {many(len(examples), 'thought')} ({100 * n / len(examples):.1f} %)")
    say(
        f"the first teacher agrees with the data on {right} of {len(examples)}; likely label errors: {doubts}\n"
        f"asked {summary['asked']}, from the journal {summary['cached']}, cost {summary['cost']:.4f}"
    )
    if summary["assumed_cost"]:
        which = many(summary["uncounted"], "request")  # type: ignore[arg-type]
        say(
            f"of {which} the teacher told no tokens: counted at the worst case, {summary['assumed_cost']:.4f} of the cost"
        )
    return 0
