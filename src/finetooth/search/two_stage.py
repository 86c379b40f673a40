"""Train, map, curate, train again, and compare: does a policy of curation pay, or does it only look so?

OUT/ baseline-0, curated-0, random-0, baseline-1 ... curation.json, dropped.jsonl, fixed.jsonl, policy.json. All arms take the
same number of steps and are scored on the same untouched dev set. ``random`` has as many examples as ``curated``, drawn by
lot: what it reaches, fewer examples reach by themselves. Weights, smoothing and an order of the policy are of ``curated`` alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from finetooth import checks, io, registry
from finetooth import config as configuration
from finetooth.config import Config
from finetooth.curate import classes
from finetooth.curate import table as tables
from finetooth.curate.filters import FILTERS, apply_filters, checked
from finetooth.diagnose import dynamics_files, held_out
from finetooth.diagnose.cartography import cartography
from finetooth.diagnose.diagnosis import diagnose
from finetooth.diagnose.evidence import in_short
from finetooth.errors import ConfigError, UsageError
from finetooth.evaluate import predictions
from finetooth.evaluate.consistency import counted
from finetooth.evaluate.intervals import group_sums
from finetooth.registry import Metric, Task
from finetooth.runs import Run
from finetooth.search import diagnosed
from finetooth.search.paired import Paired, paired
from finetooth.search.two_stage_arms import ARMS, Plan
from finetooth.train import Watch, train
from finetooth.train import data as splitting
from finetooth.types import Dataset, Example

DIAGNOSED = {"rank", "rule_score", "cluster"}  # columns of a diagnosis that a map has not
FEWER = "random_less_baseline"


@dataclass(frozen=True)
class Outcome:
    """``scores``: arm -> the main metric of each seed. ``against``: arm -> how curated differs from it, and under
    ``FEWER`` how random differs from the baseline: what fewer examples do by themselves.

    ``filtered``: the same on dev examples that the policy would keep, None where it knows nothing of dev.
    ``parts``: what the policy does (filters, fixed targets, weights, smoothing, curriculum); the verdict is of all together.
    ``folder``: where the curated and random arms lie.
    """

    metric: str
    higher_is_better: bool
    scores: dict[str, list[float]]
    against: dict[str, Paired]
    filtered: Paired | None
    kept: int
    dropped: int
    fixed: int
    dev_kept: int | None
    steps: int
    runs: tuple[str, ...]
    parts: tuple[str, ...] = ("filters",)
    folder: str = ""

    @property
    def verdict(self) -> str:
        base, lot = (self._wins(self.against[a]) for a in ("baseline", "random"))
        seeds = len(self.scores["curated"])
        over = f"on the untouched dev set, over {seeds} seed{'s' if seeds > 1 else ''} and as many steps"
        whole = f" as a whole ({', '.join(self.parts)})" if len(self.parts) > 1 else ""
        if base and not self.dropped:  # a random subset would be the baseline itself
            return f"The policy pays{whole}: curated beats the baseline of as many examples {over}."
        if base and lot:
            return f"The policy pays{whole}: curated beats the baseline and a random subset of the same size {over}."
        if base and FEWER in self.against and self._wins(self.against[FEWER]):
            return (
                f"Curated beats the baseline, but not a random subset of the same size, which beats the baseline too {over}: "
                f"not the policy{whole}, fewer examples do it."
            )
        if base:
            return (
                f"Curated beats the baseline, but is not told apart from a random subset of the same size {over}; that "
                "subset is not shown to beat the baseline either, so what makes the gain is not shown."
            )
        if self._loses(self.against["baseline"]):
            return f"The policy costs{whole}: curated is below the baseline {over}."
        if self.filtered is not None and self._wins(self.filtered):
            return (
                "Curated wins only where dev is filtered by the same policy; on the untouched dev set it is not "
                "shown to be better. That is no gain: the hard examples are still there when the model is used."
            )
        said = f"No difference is shown between curated and the baseline {over}."
        return said + (
            " A random subset of the same size beats curated." if self._loses(self.against["random"]) else ""
        )

    def _wins(self, p: Paired) -> bool:
        return p.shown(0.05) and (p.difference > 0) == self.higher_is_better

    def _loses(self, p: Paired) -> bool:
        return p.shown(0.05) and (p.difference < 0) == self.higher_is_better

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "verdict": self.verdict}


def two_stage(
    config: Config, policy: Mapping[str, Any], *, seeds: int = 3, watch: Watch | None = None
) -> Outcome:
    """Runs all arms, or goes on with those that are not finished, and writes OUT/curation.json. Another policy in the same OUT
    is held against the same baseline, with arms and curation.json in a folder of its own.

    The policy sees the map of the first baseline run and the findings of the checks. One that needs more (label-error,
    rule-score, cluster, "fix", or "out_of_sample": 5 for models that judge what they never saw) sees the diagnosis of
    that run, which is made if it is not there. Raises UsageError for fewer than one seed, no dev set or a policy that
    changes nothing, ConfigError for one that cannot work or keeps nothing.
    """
    if seeds < 1:
        raise UsageError(f"seeds: expected at least 1, found {seeds}")
    watch = watch or Watch()
    task = registry.task(config.task)
    splits, _, _ = splitting.pass_gate(splitting.load(config), config)
    if splits.dev is None:
        raise UsageError("there is no dev set to compare on", cure="data.dev=FILE")
    if policy.get("with") is not None:
        watch.say(f"with: {policy['with']} of the policy is not used: the baseline of this command is mapped")
    checked(policy)  # what cannot work is told before the first run, not after it
    _look_ahead(policy, splits.train, config, watch)
    out = Path(config.out)
    out.mkdir(parents=True, exist_ok=True)
    first = _run("baseline", config, 0, splits.train, splits.dev, watch)
    steps = int(first.info["measured"]["steps"])
    if _needs_diagnosis(policy):
        _diagnose(first, splits.train, policy, watch)
    table = _table(first, splits.train, "train")
    curated = apply_filters(splits.train, policy, table)
    plan = Plan.of(policy, splits.train, curated, table)
    if not plan.changes:
        raise UsageError(
            "the policy drops nothing and changes nothing, so there is nothing to compare",
            where=str(first.folder),
            cure="loosen it: finetooth curate --dry-run shows what it would do, finetooth diagnose what is known",
        )
    if line := classes.told(curated.thinned):
        watch.say(f"warning: the policy leaves out: {line}")
    lots = {s: plan.lot(config.seed, s) for s in range(seeds)} if plan.drops else {}
    plan.refuse_hopeless(lots)
    folder = plan.place(out)
    if folder != out:
        watch.say(
            f"{out} has the arms of another policy: those of this one lie in {folder}, the baseline is the same"
        )
    watch.say(
        f"curated: {len(curated.kept):,} examples kept, {len(curated.fixed):,} of them with another target, "
        f"{len(curated.dropped):,} dropped ({folder}/dropped.jsonl)"
        + (f"; weighted ({folder}/weights.jsonl)" if plan.weights else "")
    )
    runs: dict[str, list[Run]] = {arm: [] for arm in ARMS}
    for s in range(seeds):
        for arm in ARMS:
            if arm == "random" and not plan.drops:
                runs[arm].append(runs["baseline"][s])  # all of the set by lot is the set
                continue
            data = {"baseline": splits.train, "curated": curated.kept, "random": lots.get(s, splits.train)}[
                arm
            ]
            place = out if arm == "baseline" else folder
            more = {"max_steps": steps} | plan.values(arm, config, folder) if arm != "baseline" else {}
            runs[arm].append(_run(arm, config, s, data, splits.dev, watch, folder=place, more=more))
    outcome = _compare(task, splits.dev, runs, first, plan, folder, steps)
    io.write_json(folder / "curation.json", io.plain(outcome.to_json()))
    return outcome


def _needs_diagnosis(policy: Mapping[str, Any]) -> bool:
    """Whether the policy asks for what the map and the checks do not know."""
    needs = {
        column for settings in policy.get("filters") or () for column in FILTERS[str(settings["name"])].needs
    }
    return bool(needs & DIAGNOSED or policy.get("fix") or policy.get("out_of_sample"))


def _diagnose(run: Run, data: Dataset, policy: Mapping[str, Any], watch: Watch) -> None:
    """Writes what ``finetooth diagnose`` would, unless it is there already with all that the policy asks for."""
    folds = policy.get("out_of_sample")
    if (run.folder / "diagnosis.parquet").is_file() and (not folds or held_out.read(run.folder) is not None):
        return
    watch.say(
        f"diagnosing {run.folder}"
        + (f", with {folds} models that judge what they never saw" if folds else "")
    )
    known = diagnosed.known(run, data, folds=folds, watch=watch)
    diagnosed.write(diagnose(known), run.folder)
    name = registry.task(run.config.task).main_metric
    main = next(s for s in run.scores()["dev"]["scores"] if s["name"] == name)
    low = main["value"] if main["low"] is None else main["low"]
    if policy.get("fix") and main["floor"] is not None and low <= main["floor"]:
        watch.say(
            f"warning: {run.folder} is not above its floor on dev ({name} {main['value']:.2f}, floor "
            f"{main['floor']:.2f}): what such a model proposes is worth little"
        )


def _look_ahead(policy: Mapping[str, Any], data: Dataset, config: Config, watch: Watch) -> None:
    """Tells what a policy that goes by the checks alone will do, before a model is trained for it."""
    needs = {column for f in policy.get("filters") or () for column in FILTERS[str(f["name"])].needs}
    if needs != {"findings"} or _needs_diagnosis(policy):
        return
    rows = _with_findings({e.id: {"example_id": e.id} for e in data.examples}, data, config)
    curated = apply_filters(data, policy, rows)
    if line := classes.told(curated.thinned):
        watch.say(f"warning: the policy leaves out: {line}")
    Plan(policy, data, curated, None).refuse_hopeless({})


def _run(
    arm: str,
    config: Config,
    seed: int,
    data: Dataset,
    dev: Dataset,
    watch: Watch,
    *,
    folder: Path | None = None,
    more: Mapping[str, Any] | None = None,
) -> Run:
    """One arm; ``more``: its settings under ``train`` beside those of the baseline."""
    values = config.model_dump(mode="json")
    values |= {"out": str((folder or Path(config.out)) / f"{arm}-{seed}"), "seed": config.seed + seed}
    # What is given has passed the gate, was drawn and held out already.
    values["data"] |= {"on_error": "keep", "max_train_examples": None, "max_dev_examples": None}
    if arm == "baseline":
        values["train"]["watch_dev_dynamics"] = seed == 0
    values["train"] |= more or {}
    watch.say(f"{arm}, seed {config.seed + seed}: {len(data):,} examples")
    return train(configuration.build(values), train=data, dev=dev, watch=watch)


def _table(run: Run, data: Dataset, split: str) -> dict[str, dict[str, Any]]:
    """What is known of each example: its place on the map, its findings; the diagnosis where there is one."""
    if split == "train" and (run.folder / "diagnosis.parquet").is_file():
        rows = tables.read(run.folder)
    else:
        dynamics = dynamics_files.of_parquet(run.dynamics_path(split))
        rows = tables.gather(cartography(dynamics).rows())
    return _with_findings(rows, data, run.config)


def _with_findings(
    rows: dict[str, dict[str, Any]], data: Dataset, config: Config
) -> dict[str, dict[str, Any]]:
    options: dict[str, Any] = {"schemas": config.data.schemas} if config.data.schemas else {}
    for finding in checks.run(data, **options).findings:
        if finding.example_id in rows:
            told = rows[finding.example_id].setdefault("findings", [])
            if isinstance(told, list):
                told.append(in_short(finding))
    for row in rows.values():
        row.setdefault("findings", [])
    return rows


def _compare(
    task: Task,
    dev: Dataset,
    runs: Mapping[str, Sequence[Run]],
    first: Run,
    plan: Plan,
    folder: Path,
    steps: int,
) -> Outcome:
    policy, curated = plan.policy, plan.curated
    metric = next(m for m in task.metrics if m.name == task.main_metric)
    examples = list(dev.examples)
    counts = {arm: [_counts(task, metric, run, examples) for run in made] for arm, made in runs.items()}
    scores = {arm: [float(metric.value(c.sum(axis=0))) for c in made] for arm, made in counts.items()}
    against = {
        arm: _paired(task, metric, examples, counts[arm], counts["curated"]) for arm in ("baseline", "random")
    }
    against[FEWER] = _paired(task, metric, examples, counts["baseline"], counts["random"])
    inside = _dev_kept(first, dev, policy)
    filtered = None
    if inside is not None and 0 < len(inside) < len(examples):
        at = [i for i, e in enumerate(examples) if e.id in inside]
        part = [examples[i] for i in at]
        filtered = _paired(
            task,
            metric,
            part,
            [c[at] for c in counts["baseline"]],
            [c[at] for c in counts["curated"]],
        )
    return Outcome(
        metric.name,
        metric.higher_is_better,
        scores,
        against,
        filtered,
        len(curated.kept),
        len(curated.dropped),
        len(curated.fixed),
        None if inside is None else len(inside),
        steps,
        tuple(dict.fromkeys(str(r.folder) for made in runs.values() for r in made)),
        plan.parts,
        str(folder),
    )


def _counts(task: Task, metric: Metric, run: Run, examples: Sequence[Example]) -> np.ndarray:
    found = predictions.read(run.predictions_path("dev"), task, examples)
    return counted(metric, examples, found.predictions)


def _paired(
    task: Task,
    metric: Metric,
    examples: Sequence[Example],
    a: Sequence[np.ndarray],
    b: Sequence[np.ndarray],
) -> Paired:
    groups = [task.group(e) for e in examples]
    return paired([group_sums(c, groups) for c in a], [group_sums(c, groups) for c in b], metric.value)


def _dev_kept(first: Run, dev: Dataset, policy: Mapping[str, Any]) -> set[str] | None:
    """The dev examples that the policy would keep; None where it needs what is not known of dev."""
    path = first.dynamics_path("dev")
    if not path.is_file():
        return None
    try:
        return {e.id for e in apply_filters(dev, policy, _table(first, dev, "dev")).kept.examples}
    except (ConfigError, UsageError):
        return None
