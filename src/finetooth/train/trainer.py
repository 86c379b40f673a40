"""The training loop: transformers' ``Trainer``, told what a batch, a loss and a step are here.

The whole run is given to it as one pass over the planned updates (``batches.Plan``), each of which is
a list of batches: so the mean over an accumulated update is right whatever its batches hold, and the
place in the run is one number. What happens between steps (dynamics, checkpoints, evaluation, the step
log) is in ``loop``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from transformers import Trainer, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from finetooth.config import TrainConfig
from finetooth.models.head import Head, Step, Window
from finetooth.train import losses, schedule
from finetooth.train.batches import Plan
from finetooth.train.dynamics import Recorder
from finetooth.train.sharded import Sharded, local
from finetooth.train.together import Team


class Updates(torch.utils.data.Dataset):
    """The planned updates, each as [(window numbers, collated batch), ...]; of a team, this process's share.

    ``idle``: a process that has no share of a batch gets one too, of no numbers and no weight: where weights are
    gathered for all, all must take part in every pass.
    """

    def __init__(
        self, head: Head, windows: Sequence[Window], plan: Plan, team: Team, *, idle: bool = False
    ) -> None:
        self.head, self.windows, self.plan, self.team, self.idle = head, windows, plan, team, idle

    def __len__(self) -> int:
        return len(self.plan)

    def __getitem__(self, step: int) -> list[tuple[Any, dict[str, torch.Tensor]]]:
        made = []
        for batch in self.plan.updates[step].batches:
            numbers = self.team.share(batch)
            if len(numbers):
                made.append((numbers, self.head.collate([self.windows[i] for i in numbers])))
            elif self.idle:
                nothing = self.head.collate([self.windows[batch[0]]])
                made.append((numbers, {**nothing, "weight": nothing["weight"] * 0}))
        return made


class From(torch.utils.data.Sampler):
    """Steps in order, from one on. Its length is that of the whole run, which the schedule is made of."""

    def __init__(self, start: int, steps: int) -> None:
        self.start, self.steps = start, steps

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.start, self.steps))


class Engine(Trainer):
    """``Trainer`` with a head's step. ``last`` holds the figures of the update just computed."""

    # Its own types allow None for what is always there once it is built.
    model: Any
    optimizer: Any
    lr_scheduler: Any
    train_dataset: Any

    def __init__(
        self,
        *,
        head: Head,
        model: Any,
        windows: Sequence[Window],
        plan: Plan,
        config: TrainConfig,
        recorder: Recorder,
        folder: Path,
        seed: int,
        precision: str,
        team: Team | None = None,
    ) -> None:
        self.team = team or Team()
        self.head, self.windows, self.plan, self.config = head, windows, plan, config
        self.recorder, self.precision = recorder, precision
        self.loss_mean = losses.mean_of(config.loss_mean, head)
        self.spread = config.distributed == "fsdp" and not self.team.alone
        self.sharded: Sharded | None = None
        self.start_step = 0
        self.last: dict[str, Any] = {}
        super().__init__(
            model=model,
            args=TrainingArguments(
                output_dir=str(folder / "checkpoints"),
                run_name=folder.resolve().name,
                max_steps=len(plan),
                max_grad_norm=config.clip_norm,
                learning_rate=config.learning_rate,
                weight_decay=config.weight_decay,
                warmup_steps=config.warmup_steps,
                seed=seed,
                logging_strategy="no",
                logging_nan_inf_filter=False,
                save_strategy="no",
                eval_strategy="no",
                report_to=[],
                project="finetooth",
                trackio_static_space_id=False,
                disable_tqdm=True,
                remove_unused_columns=False,
                use_cpu=not torch.cuda.is_available(),
            ),
            train_dataset=Updates(head, windows, plan, self.team, idle=self.spread),
        )
        # Without a progress bar it would print its logs on standard output, which belongs to results.
        self.remove_callback(PrinterCallback)
        if not self.team.alone:
            # It would wrap the model, and average over processes what is added up and divided once here.
            self.accelerator.prepare_model = lambda model, *_, **__: model.to(self.args.device)
        # What each process wishes before a step (to stop, to save), and what is agreed: loop.Loop.
        self.wishes: Callable[[], list[float]] = list
        self.agreed: list[float] = []
        # Several GPUs in one process would split a batch behind the head's back.
        self.args._n_gpu = min(1, self.args.n_gpu)
        # Its count of operations walks over the whole model at every step, for a log nobody reads.
        self.floating_point_ops = lambda inputs: 0  # type: ignore[method-assign]

    def get_train_dataloader(self) -> torch.utils.data.DataLoader:
        return torch.utils.data.DataLoader(
            self.train_dataset,
            batch_size=None,
            sampler=From(self.start_step, len(self.plan)),
            collate_fn=lambda update: update,
            # Its own generator: otherwise making the loader draws from the one dropout draws from.
            generator=torch.Generator(),
        )

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        if self.optimizer is None:
            decays = set(self.get_decay_parameter_names(self.model))
            self.optimizer = schedule.optimizer(self.model, self.config, decays)
        return self.optimizer

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        if self.lr_scheduler is None:
            self.lr_scheduler = schedule.scheduler(optimizer or self.optimizer, self.config, len(self.plan))
        return self.lr_scheduler

    # ---- one model, or one that is spread over the team

    def shard(self) -> None:
        """Spreads the model over the team where the configuration says so; before the optimiser is made."""
        if self.spread:
            self.sharded = Sharded(self.model, self.team, self.args.device)

    def gather(self) -> None:
        """Makes ``whole`` what the weights are now; all processes must call it."""
        if self.sharded is not None:
            self.sharded.gather()

    @property
    def whole(self) -> Any:
        """The model with all its weights, in the first process, as it was at the last ``gather``."""
        return self.model if self.sharded is None else self.sharded.whole

    def lent(self) -> AbstractContextManager[Any]:
        """``whole``, where batches are."""
        return nullcontext(self.model) if self.sharded is None else self.sharded.lent()

    def optimizer_state(self) -> dict[str, Any]:
        """The optimiser's state_dict, whole in the first process; all must call it."""
        state = self.plain_optimizer.state_dict()
        return state if self.sharded is None else self.sharded.full(state)

    def load_optimizer(self, state: dict[str, Any]) -> None:
        if self.sharded is not None:
            state = self.sharded.shares(state, self.plain_optimizer)
        self.plain_optimizer.load_state_dict(state)

    def _step(self, model: Any, batch: dict[str, torch.Tensor]) -> Step:
        return self.head.step(model, batch) if self.sharded is None else self.sharded.step(self.head, batch)

    # ---- a step

    def autocast(self) -> torch.autocast:
        return torch.autocast(self.args.device.type, torch.bfloat16, enabled=self.precision == "bf16")

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> torch.Tensor:
        """Forward and backward of one update: the gradient of the weighted mean over all its batches."""
        model.train()
        rate = self.optimizer.param_groups[-1]["lr"]
        total = torch.zeros((), device=self.args.device)
        weight = torch.zeros((), device=self.args.device)
        tokens = padded = 0
        if not self.team.alone:
            # Each process draws its own dropout, the same after a resume.
            torch.manual_seed(hash((self.args.seed, self.state.global_step, self.team.rank)) % 2**63)
        for numbers, batch in inputs:
            tokens += sum(len(self.windows[i]) for i in numbers)
            padded += batch["input_ids"].numel() if len(numbers) else 0
            batch = self._prepare_inputs(batch)
            with self.autocast():
                step = self._step(model, batch)
            if len(numbers):
                self.recorder.add(numbers, step)
            loss, units = losses.weighted_sum(step, batch["weight"], self.loss_mean)
            # One batch: divide before the backward pass, which is free. Several: the divisor is only
            # known after the last, so their summed gradients are scaled once at the end.
            whole = len(inputs) == 1 and self.team.alone
            self.accelerator.backward(loss / units if whole else loss)
            total, weight = total + loss.detach(), weight + units
        count = sum(len(numbers) for numbers, _ in inputs)
        if not self.team.alone:
            if self.sharded is None:  # else the backward pass has added them up
                self.team.add_up_gradients([p for p in self.model.parameters() if p.requires_grad])
            wishes = self.wishes()
            mine = torch.tensor(
                [float(total), float(weight), tokens, padded, count, *wishes], dtype=torch.float64
            )
            total, weight, *sums = self.team.add_up(mine).to(total)
            tokens, padded, count = (int(x) for x in sums[:3])
            self.agreed = [float(x) for x in sums[3:]]
        if len(inputs) > 1 or not self.team.alone:
            torch._foreach_mul_(self._gradients(), 1 / weight)
        mean = total / weight
        self.last = {
            "loss": mean,
            "learning_rate": rate,
            "tokens": tokens,
            "padded": padded,
            "windows": count,
        }
        return mean

    def _gradients(self) -> list[torch.Tensor]:
        """Of a model that is spread, this process's shares of them."""
        return [local(p.grad) for p in self.model.parameters() if p.grad is not None]

    def _clip_grad_norm(self, model: Any) -> torch.Tensor:
        """Clips to ``clip_norm`` and keeps the norm that was found; gradients below it are not touched."""
        gradients = self._gradients()
        norm = (self.sharded.norm if self.sharded else torch.nn.utils.get_total_norm)(gradients)
        # On an accelerator asking for the value would wait for it; there multiplying by 1 is cheaper.
        if norm.device.type != "cpu" or norm > self.args.max_grad_norm:
            torch._foreach_mul_(gradients, torch.clamp(self.args.max_grad_norm / (norm + 1e-6), max=1.0))
        self.last["grad_norm"] = norm
        return norm

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Nowhere: the run folder has its own log, which trackers mirror."""

    @property
    def plain_optimizer(self) -> torch.optim.Optimizer:
        return getattr(self.optimizer, "optimizer", self.optimizer)
