"""The run folder: what a run is, on disk. It is the truth; trackers mirror it.

    run.json              {"status": "finished", "config": {...}, "data": {...}, "gate": {...}, ...}
    steps.jsonl           {"step": 17, "epoch": 0, "loss": 2.31, "learning_rate": 0.0002, "tokens_per_second": 9120, ...}
                          and after each evaluation {"step": 120, "epoch": 0, "dev_f1": 61.2, "dev_exact_match": 54.0}
    findings.jsonl        what the checks said at the gate
    dynamics.parquet      example_id, epoch, gold_prob, margin, correct, loss, least_prob
    predictions/SPLIT.jsonl, scores.json, dropped.jsonl, checkpoints/, model/

Every file is written whole or not at all, but for steps.jsonl, which grows by a line a step; a torn
last line is what a kill leaves and is read past.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from finetooth import __version__, io
from finetooth.config import Config, differences
from finetooth.errors import UsageError
from finetooth.io import versions as versions_of_data
from finetooth.types import Dataset, Drop, Dynamics, Prediction

# "untrained": a base model's own predictions and scores, to compare runs with.
Status = Literal["new", "running", "interrupted", "failed", "finished", "untrained"]
FORMAT = 1
# Settings that change where a run is kept or mirrored, not what comes out of it.
OUTSIDE = (
    "out",
    "track",
    "train.save_steps",
    "train.save_minutes",
    "train.keep_checkpoints",
    "train.distributed",
)
LIBRARIES = ("torch", "transformers", "accelerate", "peft", "tokenizers", "numpy", "pyarrow", "polars")


class Run:
    """A run folder. ``info`` is what run.json holds; ``update`` changes it on disk at once.

    Made by ``create`` (new, or to go on with) and ``open`` (to read). Writers of a run hold its lock,
    which the system lets go of when the process dies, however it dies.
    """

    def __init__(self, folder: Path, info: dict[str, Any]) -> None:
        self.folder, self.info = folder, info
        self._lock: Any = None

    # ---- making and finding

    @classmethod
    def create(cls, config: Config, *, command: Sequence[str] = ()) -> Run:
        """The run that ``config.out`` names, locked: new, or as it was left.

        A folder that holds an unfinished or finished run of the same configuration is that run; one
        that never took a step may take another configuration. Raises UsageError for a folder that is
        something else, another configuration's run, or a run that another process is writing.
        """
        folder = Path(config.out)
        if folder.exists() and not folder.is_dir():
            raise UsageError("is a file, not a folder", where=str(folder), cure="give another out=")
        known = (folder / "run.json").is_file()
        if folder.is_dir() and not known and any(p.name != ".lock" for p in folder.iterdir()):
            raise UsageError(
                "the folder holds files and is no run", where=str(folder), cure="give another out="
            )
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as e:
            raise UsageError(f"cannot be made: {e.strerror}", where=str(folder)) from None
        run = cls(folder, {})
        run._take_lock()
        if known:
            run.info = _read_info(folder, "give another out=, or remove the folder")
            changed = differences(run.config, config, but=OUTSIDE)
            if not changed:
                run.info["config"] = config.model_dump(mode="json")
                return run
            if run._is_resolved(config):
                return run
            if run.status == "finished" or run.has_checkpoint:
                run.release()
                raise UsageError(
                    f"this run has another configuration ({'; '.join(changed[:3])}"
                    f"{f'; and {len(changed) - 3} more' if len(changed) > 3 else ''})",
                    where=str(folder),
                    cure="give another out=, or the same configuration to go on",
                )
            for name in ("steps.jsonl", "dropped.jsonl"):
                (folder / name).unlink(missing_ok=True)
        run.info = {
            "format": FORMAT,
            "finetooth": __version__,
            "status": "new",
            "created": now(),
            "command": list(command),
            "config": config.model_dump(mode="json"),
            "seed": config.seed,
            "versions": versions(),
            "machine": machine(),
        }
        run.update()
        return run

    @classmethod
    def open(cls, folder: str | Path) -> Run:
        """An existing run, to read. Raises UsageError if there is none."""
        folder = Path(folder)
        if not (folder / "run.json").is_file():
            raise UsageError(
                "no run here (no run.json)", where=str(folder), cure="give the folder that train made"
            )
        return cls(folder, _read_info(folder, "put back a copy of it, or train the run again"))

    def _take_lock(self) -> None:
        try:
            import fcntl
        except ImportError:  # No advisory locks there; two writers are then the user's own doing.
            return
        self._lock = open(self.folder / ".lock", "w")  # noqa: SIM115
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.release()
            raise UsageError(
                "another process is writing this run", where=str(self.folder), cure="wait for it or stop it"
            ) from None

    def release(self) -> None:
        """Lets another process write this run."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    # ---- run.json

    @property
    def config(self) -> Config:
        try:
            return Config.model_validate(self.info["config"])
        except (KeyError, ValueError) as e:
            raise UsageError(
                f"its configuration cannot be read ({' '.join(str(e).split())[:120]})",
                where=str(self.folder / "run.json"),
                cure="it was made by another version of finetooth, or changed by hand",
            ) from None

    def _is_resolved(self, config: Config) -> bool:
        """Whether it is what the run made of its configuration, as ``finetooth train RUN`` reads it back."""
        resolved = self.info.get("resolved")
        try:
            return bool(resolved) and not differences(Config.model_validate(resolved), config, but=OUTSIDE)
        except ValueError:
            return False  # of another version; it is then told what differs from the configuration itself

    @property
    def status(self) -> Status:
        return self.info.get("status", "new")

    def update(self, **values: Any) -> None:
        """Sets top-level values of run.json and writes it."""
        self.info |= {k: io.plain(v) for k, v in values.items()}
        io.write_json(self.folder / "run.json", self.info)

    # ---- files

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def has_checkpoint(self) -> bool:
        return any(self.checkpoints.glob("step-*/manifest.json"))

    @property
    def model(self) -> Path:
        """The folder of the trained model: weights, tokenizer, and finetooth.json of its head."""
        return self.folder / "model"

    def steps(self) -> list[dict[str, Any]]:
        """The rows of steps.jsonl; a torn last line is left out."""
        return read_lines(self.folder / "steps.jsonl")

    def keep_steps(self, upto: int) -> None:
        """Cuts steps.jsonl to what came before a checkpoint of step ``upto``; a resumed run writes the rest again.

        The evaluation at that step comes after its checkpoint, so its row goes too.
        """
        rows = [r for r in self.steps() if r["step"] < upto or (r["step"] == upto and "loss" in r)]
        io.write_jsonl(self.folder / "steps.jsonl", rows)

    def dynamics(self, split: str = "train") -> list[Dynamics]:
        """Training dynamics, ordered by epoch, then example; for other splits those that were watched."""
        import pyarrow.parquet as pq

        path = self.dynamics_path(split)
        if not path.is_file():
            raise UsageError("no dynamics were recorded", where=str(path), cure="train first")
        return [Dynamics(**row) for row in pq.read_table(path).to_pylist()]

    def dynamics_path(self, split: str = "train") -> Path:
        return self.folder / ("dynamics.parquet" if split == "train" else f"dynamics-{split}.parquet")

    def predictions_path(self, split: str) -> Path:
        return self.folder / "predictions" / f"{split}.jsonl"

    def write_predictions(self, split: str, predictions: Iterable[Prediction], show: Any) -> Path:
        """``{"id", "prediction", "confidence"}`` a line, as ``finetooth score`` reads them."""
        path = self.predictions_path(split)
        io.write_jsonl(path, (prediction_row(p, show) for p in predictions))
        return path

    def write_scores(self, split: str, scores: Any) -> None:
        """Sets the scores of one split in scores.json: ``{split: {"scores": [...], ...}}``."""
        path = self.folder / "scores.json"
        every = json.loads(path.read_text("utf-8")) if path.is_file() else {}
        io.write_json(path, {**every, split: scores})

    def scores(self) -> dict[str, Any]:
        path = self.folder / "scores.json"
        return json.loads(path.read_text("utf-8")) if path.is_file() else {}

    def write_dropped(self, drops: Iterable[Drop]) -> None:
        io.write_jsonl(self.folder / "dropped.jsonl", drops)


def prediction_row(prediction: Prediction, show: Callable[[Any], Any]) -> dict[str, Any]:
    """A prediction as ``finetooth score`` reads it.

    Generated text that could not be parsed stands there as it is: it is wrong whoever reads it, and it
    says why.
    """
    value = show(prediction.target)
    if prediction.target is None and isinstance(prediction.raw, str):
        value = prediction.raw
    return {"id": prediction.example_id, "prediction": value, "confidence": prediction.confidence}


def describe(data: Dataset) -> dict[str, Any]:
    """What run.json keeps of a data set: enough to know whether it is the same again."""
    return {
        "source": data.source,
        "format": data.format,
        "examples": len(data),
        "fingerprint": data.fingerprint,
        "dropped_by_reader": len(data.dropped),
        "deprecated": versions_of_data.deprecated(data.source),
    }


def read_lines(path: Path, say: Callable[[str], None] | None = None) -> list[dict[str, Any]]:
    """Rows of a JSONL file that a kill may have torn: everything up to the first broken line, which ``say`` is told of."""
    rows: list[dict[str, Any]] = []
    if not path.is_file():
        return rows
    with path.open("rb") as f:
        for number, line in enumerate(f, 1):
            try:
                rows.append(json.loads(line))
            except ValueError:
                if say is not None and (line.strip() or f.read().strip()):
                    say(f"{path}: line {number:,} is broken; what stands from there on is not read")
                break
    return rows


def _read_info(folder: Path, cure: str) -> dict[str, Any]:
    path = folder / "run.json"
    try:
        info = json.loads(path.read_text("utf-8"))
    except (ValueError, OSError) as e:
        raise UsageError(f"cannot be read: {e}", where=str(path), cure=cure) from None
    if not isinstance(info, Mapping) or info.get("format") != FORMAT:
        raise UsageError(
            f"expected a run of format {FORMAT}", where=str(path), cure="it is another version's, or no run"
        )
    return dict(info)


def versions() -> dict[str, str]:
    """Of Python and of the libraries that can change a result."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, Any]:
    """What the run was made on: a time or a peak of memory means little without it."""
    memory = None
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return {
        "system": platform.platform(),
        "processor": cpu_model(),
        "cores": physical_cores(),
        "memory_gb": None if memory is None else round(memory, 1),
    }


def _cpuinfo() -> str:
    try:
        return Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        return ""


def cpu_model() -> str:
    for line in _cpuinfo().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def cpu_flags() -> frozenset[str]:
    """What the processor can do, as Linux names it; empty where that is not known."""
    for line in _cpuinfo().splitlines():
        if line.startswith("flags"):
            return frozenset(line.partition(":")[2].split())
    return frozenset()


def physical_cores() -> int:
    """Cores this process may use, hyper-threads counted once, a container's share respected."""
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    pairs, processor, package = set(), None, "0"
    for line in _cpuinfo().splitlines():
        key, _, value = line.partition(":")
        key, value = key.strip(), value.strip()
        if key == "processor":
            processor = int(value) if value.isdigit() else None
        elif key == "physical id":
            package = value
        elif key == "core id" and (allowed is None or processor in allowed):
            pairs.add((package, value))
    cores = len(pairs) or len(allowed or ()) or os.cpu_count() or 1
    return max(1, min(cores, _quota() or cores))


def _quota() -> int | None:
    """Whole processors that a container was given (control groups, version 2); None: all."""
    try:
        limit, period = Path("/sys/fs/cgroup/cpu.max").read_text("ascii").split()
        return None if limit == "max" else round(int(limit) / int(period))
    except (OSError, ValueError):
        return None


def now() -> str:
    """UTC, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def command_line() -> list[str]:
    """How this process was called, the program by its name alone."""
    return [Path(sys.argv[0]).name, *sys.argv[1:]] if sys.argv else []
