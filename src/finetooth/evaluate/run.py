"""A trained model on a data set: predictions, scores, ablations, calibration; kept in the run folder."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from finetooth import registry
from finetooth.errors import UsageError
from finetooth.evaluate.ablations import AblationScore, score_ablation
from finetooth.evaluate.calibration import calibration
from finetooth.evaluate.known import known_labels
from finetooth.evaluate.predict import model_key, predict
from finetooth.evaluate.score import ScoreReport, labelled, score, settled
from finetooth.io import plain
from finetooth.runs import Run, read_lines
from finetooth.text import by_reason
from finetooth.types import Dataset, Example, Prediction

Progress = Callable[[int, int], None]
Watch = Callable[[str], Progress]  # what is being predicted -> who is told how far it is


@dataclass(frozen=True)
class Evaluation:
    """Everything that ``finetooth evaluate`` says of one split."""

    split: str
    report: ScoreReport
    predictions: tuple[Prediction, ...]
    ablations: tuple[AblationScore, ...] = ()
    calibration: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            **self.report.to_json(),
            "split": self.split,
            "ablations": list(self.ablations),
            "calibration": self.calibration,
        }


def load(run: Run, *, constrain: bool = False, entities_from: Path | None = None) -> tuple[Any, Any]:
    """(head, model) of a run. Raises UsageError where it has no model yet.

    With ``constrain`` a model that generates text is held to each example's JSON Schema. With
    ``entities_from``, the run of a model of named entities, relations are looked for between what that finds.
    """
    if run.status == "untrained":
        raise UsageError(
            "holds the answers of a base model, and no model",
            where=str(run.folder),
            cure=f"name the model itself: {run.config.model.name}",
        )
    if not run.model.is_dir():
        raise UsageError(
            f"no trained model here (the run is {run.status})",
            where=str(run.folder),
            cure="let finetooth train end; the same command goes on with a stopped run",
        )
    from finetooth.models.load import load_run

    head, model = load_run(run.folder)
    if constrain:
        if not hasattr(head, "constrain"):
            raise UsageError(
                f"--constrain is for generated text, this is a {head.name} head", where=str(run.folder)
            )
        head.constrain = True
    if entities_from is not None:
        from finetooth.models.pair_pipeline import WithEntities

        head = WithEntities(head, *load(Run.open(entities_from)))
    return head, model


def evaluate(
    run: Run,
    data: Dataset,
    *,
    split: str,
    train: Sequence[Example] = (),
    ablations: bool = False,
    seed: int = 0,
    resamples: int = 1000,
    batch_tokens: int = 8192,
    keep: bool = True,
    loaded: tuple[Any, Any] | None = None,
    watch: Watch | None = None,
) -> Evaluation:
    """Predicts ``data`` with the run's model and scores it; with ``keep`` both go into the run folder.

    ``train`` is for floors and slices. ``ablations`` cost one more pass over the data each. A stopped
    evaluation is gone on with. What the head cut or could not answer is counted in the notes of the scores, of
    what was answered now. ``loaded`` is (head, model), for who has them in memory. Raises UsageError for a run
    of another task or without a model, and for data of none of whose labels it knows.
    """
    task = registry.task(run.config.task)
    if data.task != task.name:
        raise UsageError(f"holds {data.task}, the run is of {task.name}", where=data.source)
    known = labelled(task, data.examples)[0]
    if not known:
        score(task, data.examples, [None] * len(data))  # says so now, not after all was predicted
    head, model = loaded or load(run)
    lacking = known_labels(head, task, [data.examples[i] for i in known], train, source=data.source)
    journals: list[Path] = []

    def passes(label: str, examples: Sequence[Example]) -> list[Prediction]:
        journal = None
        if keep:
            name = re.sub(r"\W+", "-", f"{split} {label}".strip())
            journal = run.predictions_path(split).with_name(f".{name}.partial.jsonl")
            journals.append(journal)
        made = predict(
            head,
            model,
            task,
            examples,
            batch_tokens=batch_tokens,
            progress=None if watch is None else watch(label or "predicting"),
            journal=journal,
            key=model_key(run, data.fingerprint, label) if keep else "",
        )
        return [p for p in settled(task, examples, made, train) if p is not None]

    # Who trained it a moment ago has reasons of his own: those of this pass alone are told.
    reasons: dict[str, str] = getattr(head, "reasons", {})
    earlier = dict(reasons)
    reasons.clear()
    predictions = passes("", data.examples)
    taken = by_reason(reasons, (e.id for e in data.examples))
    reasons |= {k: v for k, v in earlier.items() if k not in reasons}
    report = score(
        task,
        data.examples,
        predictions,
        train=train,
        dropped=data.dropped,
        seed=seed,
        resamples=resamples,
    )
    if lacking or taken:
        report = replace(report, notes=(*filter(None, (lacking,)), *taken, *report.notes))
    # What has no target was predicted, and is kept with the others, but nothing is counted against it.
    examples, answers = [data.examples[i] for i in known], [predictions[i] for i in known]
    found: list[AblationScore] = []
    for ablation in task.ablations if ablations else ():
        changed = [ablation.change(e) for e in examples]
        found += score_ablation(
            task,
            ablation,
            examples,
            changed,
            answers,
            passes(ablation.name, changed),
            seed=seed,
            resamples=resamples,
        )
    done = Evaluation(split, report, tuple(predictions), tuple(found), calibration(task, examples, answers))
    if keep:
        run.write_predictions(split, predictions, task.show)
        run.write_scores(split, plain(done.to_json()))
        for journal in journals:
            journal.unlink(missing_ok=True)
    return done


def kept_texts(run: Run, split: str, data: Dataset) -> dict[str, str]:
    """What the run answered to the same examples before, by id, as a causal head's ``drafts``; {} if it did not."""
    path = run.predictions_path(split)
    if run.scores().get(split, {}).get("data_fingerprint") != data.fingerprint or not path.is_file():
        return {}
    said = {row["id"]: row.get("prediction") for row in read_lines(path) if "id" in row}
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in said.items()
        if value is not None
    }


def split_name(run: Run, data: Dataset, splits: dict[str, Dataset | None]) -> str:
    """ "train" or "dev" for what the run was trained or watched on, else the file's name.

    A name that already holds the scores of other data gets a piece of the fingerprint, so that nothing
    is overwritten unasked.
    """
    for name, known in splits.items():
        if known is not None and known.fingerprint == data.fingerprint:
            return name
    stem = re.sub(r"[^\w.-]+", "-", Path(data.source.split("@")[0].rstrip("/")).stem) or "data"
    before = run.scores().get(stem, {}).get("data_fingerprint", data.fingerprint)
    taken = stem in splits or before != data.fingerprint
    return f"{stem}-{data.fingerprint[:6]}" if taken else stem
