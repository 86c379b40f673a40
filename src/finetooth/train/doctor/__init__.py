"""The doctor: a ladder of tests of a fresh model, each cheap, each pointing at one kind of fault.

A model that does not learn gives no error. The ladder goes from what needs no training (do targets come
back from their encoding?) to what takes minutes (does a little training beat the floor?), and stops at the first
rung that breaks: what breaks higher up is then only its consequence. After the recipe of Karpathy (2019).
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from finetooth import registry
from finetooth.config import Config
from finetooth.errors import FinetoothError, UsageError
from finetooth.train.data import Given
from finetooth.train.doctor import carrying, learning, wiring
from finetooth.train.doctor.patient import Broken, Build, Found, Patient, Skipped, admit
from finetooth.train.watch import Watch

__all__ = ["RUNGS", "Diagnosis", "Outcome", "Rung", "examine"]

State = Literal["holds", "broken", "skipped"]


@dataclass(frozen=True)
class Rung:
    """One test. ``asks`` is its question in words."""

    name: str
    asks: str
    run: Callable[[Patient], Found]


@dataclass(frozen=True)
class Outcome:
    """What a rung found: ``said`` in a sentence, ``evidence`` as figures, ``cure`` where it is broken."""

    rung: str
    asks: str
    state: State
    said: str
    evidence: dict[str, Any]
    cure: str = ""
    warning: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Diagnosis:
    """The outcomes up to the first broken rung, and what they mean."""

    outcomes: tuple[Outcome, ...]
    verdict: str
    notes: tuple[str, ...] = ()
    model: dict[str, Any] = field(default_factory=dict)

    @property
    def broken(self) -> Outcome | None:
        return next((o for o in self.outcomes if o.state == "broken"), None)

    @property
    def healthy(self) -> bool:
        return self.broken is None

    def to_json(self) -> dict[str, Any]:
        return {
            "healthy": self.healthy,
            "broken": self.broken.rung if self.broken else None,
            "verdict": self.verdict,
            "notes": list(self.notes),
            "model": self.model,
            "rungs": [asdict(o) for o in self.outcomes],
        }


RUNGS = (
    Rung("targets", "do targets come back from their encoding?", wiring.targets),
    Rung("start", "is the first loss that of even odds?", wiring.start),
    Rung("gradients", "do gradients reach every weight that is trained?", wiring.gradients),
    Rung("padding", "does padding leave the output alone?", wiring.padding),
    Rung("shuffle", "do windows keep their loss in another order of the batch?", wiring.shuffle),
    Rung("order", "does the order of words matter?", wiring.order),
    Rung("batch", "can one batch be learnt for certain?", learning.one_batch),
    Rung("heart", "can 32 examples be learnt by heart and predicted?", learning.by_heart),
    Rung("schedule", "does the learning rate rise, and do the weights move?", learning.moves),
    Rung("held-out", "does a little training beat the floor on examples held out?", carrying.held_out),
    Rung("rate", "which learning rates does the model bear?", learning.rate),
)


def examine(
    config: Config,
    *,
    train: Given = None,
    dev: Given = None,
    build: Build | None = None,
    until: str | None = None,
    watch: Watch | None = None,
    told: Callable[[Outcome], None] | None = None,
) -> Diagnosis:
    """Climbs the ladder with fresh models, up to the first broken rung or to ``until``.

    ``train``, ``dev`` and ``build`` stand in for the files and the model of the configuration, as in
    ``train.train``; ``told`` hears of each rung as it is done. Nothing is written. Raises UsageError for a rung
    that does not exist, and what reading, the configuration and the model's loading raise.
    """
    import transformers

    known = [r.name for r in RUNGS]
    if until is not None and until not in known:
        raise UsageError(f"there is no rung {until!r}", cure=f"one of {', '.join(known)}")
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    patient = admit(config, registry.task(config.task), train=train, dev=dev, build=build)
    outcomes: list[Outcome] = []
    for rung in RUNGS[: known.index(until) + 1 if until else None]:
        outcome = _climb(rung, patient)
        outcomes.append(outcome)
        if told is not None:
            told(outcome)
        if outcome.state == "broken":
            break
    return Diagnosis(tuple(outcomes), _verdict(outcomes), patient.notes)


def _climb(rung: Rung, patient: Patient) -> Outcome:
    began = time.perf_counter()

    def outcome(
        state: State, said: str, evidence: dict[str, Any], cure: str = "", warning: str = ""
    ) -> Outcome:
        seconds = round(time.perf_counter() - began, 2)
        return Outcome(rung.name, rung.asks, state, said, evidence, cure, warning, seconds)

    try:
        found = rung.run(patient)
    except Broken as e:
        return outcome("broken", e.said, e.evidence, e.cure)
    except Skipped as e:
        return outcome("skipped", str(e), {})
    except FinetoothError as e:
        return outcome("broken", e.what, {"where": e.where}, e.cure)
    except Exception as e:
        # A head or model under construction may fail anywhere: that is a finding, not our error.
        at = traceback.extract_tb(e.__traceback__)[-1]
        where = f"{Path(at.filename).name}:{at.lineno}"
        last = " ".join(str(e).split())[:300]
        return outcome(
            "broken",
            f"{type(e).__name__} in {at.name} ({where}): {last}",
            {"where": f"{at.filename}:{at.lineno}", "traceback": traceback.format_exc(limit=-6)},
            f"the model or its head raises this where the question is: {rung.asks}",
        )
    return outcome("holds", found.said, found.evidence, warning=found.warning)


def _verdict(outcomes: Sequence[Outcome]) -> str:
    last = outcomes[-1]
    if last.state == "broken":
        return f"Not healthy: {last.said}. Look here first: {last.cure}."
    whole = len(outcomes) == len(RUNGS)
    said = (
        "Healthy: every rung holds." if whole else f"Sound up to {last.rung}; the rungs above were not tried."
    )
    return " ".join([said, *(_sentence(o.warning) for o in outcomes if o.warning)])


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + ("" if words.endswith(".") else ".")
