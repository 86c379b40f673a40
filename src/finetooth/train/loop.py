"""What happens between steps: the step log, dynamics, checkpoints, evaluation, early stopping.

At the end of an epoch, in this order: dynamics are written, a checkpoint is committed, dev is
evaluated. A run that dies in the evaluation resumes at that checkpoint and evaluates first, so nothing
is learnt twice and nothing is left out.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from finetooth.config import TrainConfig
from finetooth.errors import UsageError
from finetooth.runs import Run
from finetooth.train import checkpoints, machine
from finetooth.train.batches import Plan
from finetooth.train.checkpoints import Checkpoint
from finetooth.train.dynamics import Recorder
from finetooth.train.signals import Asked, Interrupted
from finetooth.train.steplog import StepLog
from finetooth.train.trainer import Engine
from finetooth.train.watch import Watch

Evaluate = Callable[[], dict[str, float]]
SPARE = 1.1  # of what it needs, how much a process may hold between steps where nothing was foretold


class Loop(TrainerCallback):
    """The state of training beside weights and optimiser: best score, evaluations, where it stands."""

    engine: Engine

    def __init__(
        self,
        *,
        run: Run,
        config: TrainConfig,
        plan: Plan,
        recorder: Recorder,
        watch: Watch,
        asked: Asked,
        identity: str,
        evaluate: Evaluate | None,
        main_metric: str,
        higher_is_better: bool,
        watch_dev: Callable[[], None] | None = None,
        dev_recorder: Recorder | None = None,
        told_mb: float | None = None,
    ) -> None:
        """``told_mb``: the memory that training was foretold to take, MiB."""
        self.run, self.config, self.plan, self.recorder = run, config, plan, recorder
        self.watch, self.asked, self.identity = watch, asked, identity
        self.evaluate, self.main_metric = evaluate, main_metric
        self.sign = 1.0 if higher_is_better else -1.0
        self.watch_dev, self.dev_recorder = watch_dev, dev_recorder
        self.step = 0
        self.best: dict[str, Any] = {}
        self.epochs: list[dict[str, Any]] = []  # one an epoch whose end is dealt with
        self.stopped_early = False
        self._log: StepLog | None = None
        self.told_mb, self._bound_mb = told_mb, 0.0
        self._found: Checkpoint | None = None
        self._saved_step, self._saved_at, self._mark = -1, time.monotonic(), 0.0

    # ---- resuming

    def find(self) -> Checkpoint | None:
        """The newest whole checkpoint of this run; broken ones are named and removed. In a team the first looks."""
        team = self.engine.team
        return team.told(self._find() if team.first else None)

    def _find(self) -> Checkpoint | None:
        found, passed = checkpoints.newest(self.run.checkpoints)
        for why in passed:
            self.watch.say(f"passing over a broken checkpoint: {why}")
        checkpoints.remove_broken(self.run.checkpoints)
        if found is not None and found.state["identity"] != self.identity:
            raise UsageError(
                "the training data or its tokens are not those the run began with",
                where=str(self.run.folder),
                cure="restore the data, or train into another out=",
            )
        return found

    def start(self, found: Checkpoint | None) -> None:
        """Sets out from a checkpoint or from nothing; opens the step log, cut to there."""
        self._found = found
        if found is not None:
            self._restore(found)
        hold = 1 if self.engine.args.device.type == "cpu" else 16
        self._log = StepLog(self.run, upto=self.step, hold=hold)

    def _restore(self, found: Checkpoint) -> None:
        """Everything but what ``on_train_begin`` restores, once the optimiser is there."""
        state = found.state
        self.step, self.best = state["step"], state["best"]
        self.epochs, self.stopped_early = state["epochs"], state["stopped_early"]
        self._saved_step = self.step
        arrays = found.tensors("dynamics")
        self.recorder.restore({k: arrays[k].numpy() for k in ("now", "done")})
        if self.dev_recorder is not None:
            self.dev_recorder.restore({k: arrays[f"dev.{k}"].numpy() for k in ("now", "done")})
        checkpoints.restore_weights(self.engine.model, found.tensors("weights"))

    def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        found = self._found
        if found is not None:
            saved = found.state
            tensors = found.tensors("optimizer")
            self.engine.load_optimizer(checkpoints.unpack(saved["optimizer"], tensors))
            self.engine.lr_scheduler.load_state_dict(checkpoints.unpack(saved["scheduler"], {}))
            checkpoints.restore_random(saved["random"], found.tensors("random"))
            state.global_step = self.step
        self._mark = time.perf_counter()

    # ---- going on

    def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> Any:
        assert self._log is not None
        self.step = state.global_step
        update = self.plan.updates[self.step - 1]
        now = time.perf_counter()
        last = self.engine.last
        state.epoch = self._epoch_share(update.epoch)
        self._log.add(step=self.step, epoch=update.epoch, seconds=now - self._mark, **last)
        self.watch.progress(
            "train",
            self.step,
            len(self.plan),
            epoch=state.epoch,
            tokens_per_second=last["tokens"] / max(now - self._mark, 1e-9),
        )
        stop, late = (bool(w) for w in self.engine.agreed or self.wishes())
        epoch = self.plan.ends_epoch(self.step)
        if epoch is not None:
            self.recorder.merge(self.engine.team.merged)
            self.recorder.end_epoch()
            self.recorder.write(self.run.dynamics_path())
            self.save()
            self.end_epoch(epoch)
        elif late or (self.config.save_steps and self.step % self.config.save_steps == 0):
            self.save()
        if stop and self.step < len(self.plan):
            if self._saved_step != self.step:
                self.save()
            raise Interrupted(self.run.folder, self.step)
        if self.stopped_early:
            control.should_training_stop = True
        self._bound_memory()
        self._mark = time.perf_counter()
        return control

    def _bound_memory(self) -> None:
        """Gives freed memory back where the process holds more than was foretold.

        Batches of many shapes leave holes that none fills: without this a run takes twice its need in an hour.
        """
        if self.engine.args.device.type != "cpu":
            return
        if not self._bound_mb:
            self._bound_mb = self.told_mb or SPARE * machine.memory_mb()
        elif machine.memory_mb() > self._bound_mb:
            machine.give_back()
            # What is still held is in use, whatever was foretold: to give back at every step would gain nothing.
            self._bound_mb = max(self._bound_mb, SPARE * machine.memory_mb())

    def _epoch_share(self, epoch: int) -> float:
        start = self.plan.ends[epoch - 1] if epoch else 0
        return epoch + (self.step - start) / (self.plan.ends[epoch] - start)

    def wishes(self) -> list[float]:
        """Whether to stop, whether a checkpoint is late: 1.0 or 0.0. A team does what one of it wishes."""
        late = time.monotonic() - self._saved_at > self.config.save_minutes * 60
        return [float(self.asked.to_stop), float(late)]

    def pending(self) -> int | None:
        """The epoch that is over but not yet evaluated, as a kill in the evaluation leaves it."""
        epoch = self.plan.ends_epoch(self.step)
        return epoch if epoch is not None and len(self.epochs) <= epoch else None

    def end_epoch(self, epoch: int) -> None:
        """Evaluates if it is due, keeps the best weights, and says when no more is to be hoped for."""
        assert self._log is not None
        self.engine.gather()
        row: dict[str, Any] = {"epoch": epoch, "step": self.step}
        last = self.step == len(self.plan)
        if self.evaluate is not None and ((epoch + 1) % self.config.evaluate_every_epochs == 0 or last):
            team = self.engine.team
            scores = team.told(self.evaluate() if team.first else None)
            row |= scores
            value = scores[self.main_metric]
            if not self.best or self.sign * (value - self.best["value"]) > 0:
                self.best = {"step": self.step, "epoch": epoch, "value": value, "waited": 0}
                if self.config.keep_best and team.first:
                    folder = self.run.checkpoints / best_name(self.step)
                    checkpoints.write(folder, {"weights": checkpoints.weights(self.engine.whole)}, self.best)
            else:
                self.best = {**self.best, "waited": self.best["waited"] + 1}
            patience = self.config.early_stopping_patience
            self.stopped_early = patience is not None and self.best["waited"] >= patience and not last
            self.watch.say(
                f"epoch {epoch + 1}: dev {self.main_metric} {value:.2f}"
                + ("" if self.best["step"] == self.step else f" (best {self.best['value']:.2f})")
            )
            self._log.evaluation(step=self.step, epoch=epoch, scores=scores)
        if self.watch_dev is not None:
            self.watch_dev()
        self.epochs = [*self.epochs, row]
        self.run.update(epochs=self.epochs, best=self.best)

    def save(self) -> None:
        """Commits a checkpoint of this very moment."""
        assert self._log is not None
        self._log.flush(sync=True)
        self.recorder.merge(self.engine.team.merged)
        self._saved_step, self._saved_at = self.step, time.monotonic()
        self.engine.gather()
        learnt = self.engine.optimizer_state()
        if not self.engine.team.first:
            return
        optimizer: dict[str, Any] = {}
        random: dict[str, Any] = {}
        state = {
            "step": self.step,
            "best": self.best,
            "epochs": self.epochs,
            "stopped_early": self.stopped_early,
            "identity": self.identity,
            "optimizer": checkpoints.pack(learnt, optimizer),
            "scheduler": checkpoints.pack(self.engine.lr_scheduler.state_dict(), {}),
            "random": checkpoints.random_state(random),
        }
        tensors = {
            "weights": checkpoints.weights(self.engine.whole),
            "optimizer": optimizer,
            "random": random,
            "dynamics": self._dynamics(),
        }
        checkpoints.write(self.run.checkpoints / step_name(self.step), tensors, state)
        checkpoints.prune(self.run.checkpoints, self.config.keep_checkpoints)
        self._saved_at = time.monotonic()

    def _dynamics(self) -> dict[str, Any]:
        import torch

        arrays = self.recorder.state()
        if self.dev_recorder is not None:
            arrays |= {f"dev.{k}": v for k, v in self.dev_recorder.state().items()}
        return {k: torch.from_numpy(v) for k, v in arrays.items()}

    def best_weights(self) -> Path | None:
        """Where the best weights are, None where the last ones are the best."""
        if not self.config.keep_best or not self.best or self.best["step"] == self.step:
            return None
        return self.run.checkpoints / best_name(self.best["step"])

    def close(self) -> None:
        if self._log is not None:
            self._log.close()


def step_name(step: int) -> str:
    return f"step-{step:08d}"


def best_name(step: int) -> str:
    return f"best-{step:08d}"
