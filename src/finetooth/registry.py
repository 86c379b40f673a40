"""What can be registered, and how it is found: a scan of the folders, no list to edit.

Put a file with ``TASK = Task(...)`` into tasks/, ``READER = Reader(...)`` into readers/, functions
under ``@check(...)`` into checks/, ``@filter_(...)`` into curate/, and it is there.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from finetooth.errors import UsageError
from finetooth.types import Example, Finding, Prediction, Severity

if TYPE_CHECKING:
    import numpy as np

    from finetooth.io import Source

Targets = Sequence[Prediction | None]


@dataclass(frozen=True)
class Metric:
    """A figure over examples, as sums: ``counts`` per example, ``value`` of their sum.

    counts(examples, predictions) -> float array (n, k), one row an example; a prediction that is
    missing is None and must count as wrong. value(sums) takes (..., k) and gives (...). Because only
    sums are divided, corpus figures are right and a bootstrap is one matrix product.
    """

    name: str
    counts: Callable[[Sequence[Example], Targets], np.ndarray]
    value: Callable[[np.ndarray], np.ndarray]
    reference: str = ""
    higher_is_better: bool = True


@dataclass(frozen=True)
class Floor:
    """A prediction that needs no model: what a score must beat to mean anything.

    predict(examples, train, rng) -> one Prediction an example; ``train`` may be empty.
    """

    name: str
    predict: Callable[[Sequence[Example], Sequence[Example], np.random.Generator], list[Prediction]]


@dataclass(frozen=True)
class Ablation:
    """An input with a part taken away: a score that survives it does not use that part."""

    name: str
    change: Callable[[Example], Example]


@dataclass(frozen=True)
class Part:
    """A metric over a part that cuts across examples: one entity type, one relation, unseen strings.

    It becomes a row of the slices; with ``by`` "" a score of its own (what only a training set makes
    countable, as DocRED's Ign F1). ``n`` is how many true units the part has, None: the examples.
    """

    by: str
    slice: str
    metric: Metric
    n: int | None = None


@dataclass(frozen=True)
class Task:
    """A task as data and functions. It never sees a tokenizer; heads do.

    from_row(row, where) -> Example     one plain row of our own JSONL; raises DataError with ``where``
    to_row(example) -> dict             its inverse
    gold(example) -> Prediction         the target as a perfect prediction
    parse(value, example) -> target     a prediction as it stands in a JSON file -> Prediction.target
    show(target) -> JSON                the inverse of parse
    group(example) -> str               examples of one group are not independent (bootstrap by group)
    slices[name](example, context)      the slice an example is in, "" of all: does not apply; context has "train" and
                                        "examples", and where there are "predictions" those by id
    parts(examples, train)              metrics over parts that cut across examples, see Part
    predictions                         reads other files of predictions than JSON by id: (source,
                                        examples) -> {id: Prediction} or None if it is not its format
    labels(examples)                    the label set, sorted, for heads that classify
    prompt, answer                      for generative heads: the text to send, the text to learn
    reasoned(example), prompt_reason    whether the text to learn holds a reason, too; the text to send where it does,
                                        and in prediction where training had such
    blank                               what ``from_row`` needs besides in a row that has no target yet
    mistakes(examples, predictions)     what is wrong with each prediction, a key of ``mistake_names``; "": right
    unread(examples, predictions, train)  why no answer could be read from each generated text, a key of
                                        ``unread_names``; "": one was. None where nothing was generated.
                                        Of those in ``partly_read`` what could be read counts
    label_of(target)                    the class of a target, for tasks that classify: a row of the confusion matrix
    settled(examples, predictions, train)  the predictions, their labels spelled as the set spells them
    unlabelled(example)                 why there is no target to score against, "" where there is one
    notes(examples)                     what whoever reads a score on these must know
    together(examples)                  the examples of one set, with what only the whole set tells of each
    split(example, characters)          a long text as stretches of at most so many: (where it begins, an example) each
    join(parts)                         (where, target) of every stretch -> the target of the whole
    taught(target, example)             a prediction's target as one to train on, None where it cannot be; without
                                        it they are of one type
    """

    name: str
    summary: str
    from_row: Callable[[Mapping[str, Any], str], Example]
    to_row: Callable[[Example], dict[str, Any]]
    gold: Callable[[Example], Prediction]
    parse: Callable[[Any, Example], Any]
    show: Callable[[Any], Any]
    metrics: tuple[Metric, ...]
    main_metric: str
    heads: tuple[str, ...]
    group: Callable[[Example], str]
    floors: tuple[Floor, ...] = ()
    ablations: tuple[Ablation, ...] = ()
    slices: Mapping[str, Callable[[Example, dict[str, Any]], str]] = field(default_factory=dict)
    predictions: Callable[[Source, Sequence[Example]], dict[str, Prediction] | None] | None = None
    parts: Callable[[Sequence[Example], Sequence[Example]], Sequence[Part]] | None = None
    labels: Callable[[Sequence[Example]], tuple[str, ...]] | None = None
    prompt: Callable[[Example], str] | None = None
    answer: Callable[[Example], str] | None = None
    reasoned: Callable[[Example], bool] | None = None
    prompt_reason: Callable[[Example], str] | None = None
    blank: Mapping[str, Any] = field(default_factory=dict)
    mistakes: Callable[[Sequence[Example], Targets], Sequence[str]] | None = None
    mistake_names: Mapping[str, str] = field(default_factory=dict)
    unread: Callable[[Sequence[Example], Targets, Sequence[Example]], Sequence[str] | None] | None = None
    unread_names: Mapping[str, str] = field(default_factory=dict)
    partly_read: frozenset[str] = frozenset()
    label_of: Callable[[Any], str] | None = None
    settled: Callable[[Sequence[Example], Targets, Sequence[Example]], Sequence[Prediction | None]] | None = (
        None
    )
    unlabelled: Callable[[Example], str] | None = None
    notes: Callable[[Sequence[Example]], Sequence[str]] | None = None
    together: Callable[[Sequence[Example]], list[Example]] | None = None
    split: Callable[[Example, int], list[tuple[int, Example]]] | None = None
    join: Callable[[Sequence[tuple[int, Any]]], Any] | None = None
    taught: Callable[[Any, Example], Any] | None = None

    @property
    def metric_names(self) -> tuple[str, ...]:
        return tuple(m.name for m in self.metrics)


@dataclass(frozen=True)
class Reader:
    """A file format. ``sniff(source)`` looks at the content (never only the name), ``read`` yields examples.

    ``priority``: the higher is asked first where several formats could read the same bytes.
    """

    name: str
    task: str
    summary: str
    sniff: Callable[[Source], bool]
    read: Callable[[Source], Iterator[Example]]
    write: Callable[[Sequence[Example], Any], None] | None = None
    priority: int = 0


@dataclass(frozen=True)
class CheckContext:
    """What a check may look at besides the examples: the other split, schemas, options by name."""

    against: Sequence[Example] = ()
    against_name: str = ""
    schemas: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """One thing that can be wrong with data. Its docstring, with Bad: and Fix:, is its page."""

    name: str
    tasks: tuple[str, ...]
    severity: Severity
    run: Callable[[Sequence[Example], CheckContext], Iterator[Finding]]
    needs: str = ""  # "against", "tokenizer": skipped, by name, where that is not given
    least: int = 0  # rows; with fewer it can tell nothing and is skipped, by name

    @property
    def doc(self) -> str:
        return self.run.__doc__ or ""

    def __call__(self, examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
        for finding in self.run(examples, context) if len(examples) >= self.least else ():
            yield replace(finding, check=self.name, severity=finding.severity or self.severity)


def check(
    *tasks: str, severity: Severity, needs: str = "", least: int = 0, name: str = ""
) -> Callable[[Callable[..., Iterator[Finding]]], Check]:
    """Registers ``f(examples, context) -> Iterator[Finding]`` as a check of these tasks (none: all)."""

    def wrap(run: Callable[..., Iterator[Finding]]) -> Check:
        return Check(name or run.__name__.replace("_", "-"), tasks, severity, run, needs, least)

    return wrap


def flag(
    example: Example | str, message: str, *, fix: Any = None, severity: Any = "", **evidence: Any
) -> Finding:
    """A finding as a check yields it: the check's name and usual severity are filled in by its caller."""
    name = example if isinstance(example, str) else example.id
    return Finding(name, "", severity, message, evidence, fix)


def _modules(folder: str) -> Iterator[Any]:
    package = importlib.import_module(f"finetooth.{folder}")
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda m: m.name):
        yield importlib.import_module(f"finetooth.{folder}.{info.name}")


@cache
def _scan(folder: str, kind: type) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for module in _modules(folder):
        for value in vars(module).values():
            if not isinstance(value, kind):
                continue
            name = value.name  # type: ignore[attr-defined]
            if found.setdefault(name, value) is not value:
                raise RuntimeError(f"two of finetooth.{folder} are called {name!r}")
    return found


def tasks() -> dict[str, Task]:
    return _scan("tasks", Task)


def readers() -> list[Reader]:
    return sorted(_scan("readers", Reader).values(), key=lambda r: (-r.priority, r.name))


def checks(task: str | None = None) -> list[Check]:
    every = _scan("checks", Check).values()
    return [c for c in every if task is None or not c.tasks or task in c.tasks]


def task(name: str) -> Task:
    """The task of that name; UsageError with the nearest names otherwise."""
    return pick(name, tasks(), "task")


def pick(name: str, known: Mapping[str, Any], kind: str) -> Any:
    """``known[name]``, or an error that names the nearest."""
    if name in known:
        return known[name]
    raise UsageError(f"there is no {kind} {name!r}", cure=did_you_mean(name, known))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=2, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(names)}"
