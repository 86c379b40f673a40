"""Rungs that need no training: what goes in comes out again, and only what should matter matters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from finetooth.train import preflight, schedule
from finetooth.train.doctor.chance import chance
from finetooth.train.doctor.patient import KEY_BIAS, Broken, Found, Patient, Skipped, constant, decays, names

if TYPE_CHECKING:
    from finetooth.models.head import Window

# Below this share of the targets coming back, it is no longer a few odd examples.
COMES_BACK = 0.9
# Of examples with several windows there may be few; fewer than these say nothing.
SEVERAL = 3
WINDOWS, TOKENS = 8, 2048
# How far equal losses may be apart, of a model in double precision (the loss itself is in single) and in single.
SAME = {True: 2e-5, False: 5e-4}
# Hidden states that change by less than this share of their size do not change.
ORDER = {True: 1e-6, False: 5e-6}
GRADIENT_STEPS = 3


def targets(patient: Patient) -> Found:
    """The gold, encoded by the head and decoded again, must be the gold; of several windows as of one."""
    # First of all: what a head learns of the training set (class weights, priors) goes into its model.
    windows = patient.head.windows(patient.examples)
    trip = _round_trip(patient)
    patient.lost = {row["example_id"] for row in trip["lost"]}
    times = np.bincount([w.example for w in windows], minlength=len(patient.examples))
    evidence: dict[str, Any] = {
        "examples": trip["n"],
        "come_back": trip["share"],
        "by_reason": trip["by_reason"],
        "lost": trip["lost"][:5],
    }
    long = [e for e, n in zip(patient.examples, times, strict=True) if n > 1]
    share = 1 - sum(e.id in patient.lost for e in long) / len(long) if long else None
    evidence |= {"several_windows": len(long), "come_back_of_several": share}
    reason = next(iter(trip["by_reason"]), "")
    cure = "finetooth check finds wrong offsets; else look at how the head makes and decodes windows"
    if max(trip["share"], trip["ceiling"] or 0.0) < COMES_BACK:
        first = trip["lost"][0]
        raise Broken(
            f"{len(trip['lost'])} of {trip['n']} gold targets do not come back from the encoding: {reason}; "
            f"{first['example_id']}: {first['gold']!r} comes back as {first['back']!r}",
            cure,
            **evidence,
        )
    if share is not None and len(long) >= SEVERAL and share < COMES_BACK:
        first = next(row for row in trip["lost"] if row["example_id"] in {e.id for e in long})
        raise Broken(
            f"of the {len(long)} examples with several windows only {share:.0%} come back: {first['reason']}; "
            f"{first['example_id']}: {first['gold']!r} comes back as {first['back']!r}",
            "positions must be counted within the window: look at where a window begins in its text",
            **evidence,
        )
    said = f"{trip['share']:.1%} of {trip['n']:,} gold targets come back from the encoding"
    if share is not None:
        said += f", {share:.1%} of the {len(long):,} with several windows"
    return Found(said, evidence)


def _round_trip(patient: Patient) -> dict[str, Any]:
    """As preflight's; an example on which the head raises is lost, with the error as its reason."""
    task, head = patient.task, patient.head
    try:
        return preflight.round_trip(task, head, patient.examples)
    except (ArithmeticError, LookupError, TypeError, ValueError):
        pass
    lost: list[dict[str, Any]] = []
    for e in patient.examples:
        try:
            lost += preflight.round_trip(task, head, [e])["lost"]
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            reason = f"decoding it raises {type(error).__name__}: {' '.join(str(error).split())[:100]}"
            gold = str(task.show(task.gold(e).target))
            lost.append({"example_id": e.id, "reason": reason, "gold": gold[:120], "back": None})
    n = len(patient.examples)
    reasons = Counter(row["reason"] for row in lost)
    return {
        "n": n,
        "share": 1 - len(lost) / n,
        "ceiling": None,
        "by_reason": dict(reasons.most_common(5)),
        "lost": lost,
    }


def start(patient: Patient) -> Found:
    """The first loss must be that of even odds, where the weights of the answer come from chance."""
    model = patient.still
    windows = patient.pick(2 * WINDOWS, tokens=2 * TOKENS)
    expected = chance(patient.head, model, windows)
    # One by one: nothing is padded, and a softmax over the batch has one thing to choose from.
    seen = np.concatenate([patient.look([w]) for w in windows])[:, 0]
    loss = float(seen.mean())
    evidence: dict[str, Any] = {"loss": loss, "windows": len(windows)}
    if not np.isfinite(seen).all():
        raise Broken(
            f"the first loss is {loss} on {int((~np.isfinite(seen)).sum())} of {len(windows)} windows",
            "the gold is masked away, or something is divided by zero",
            **evidence,
        )
    if expected is None:
        raise Skipped(
            f"the {patient.head.name} head does not say what chance gets; the first loss is {loss:.3f}"
        )
    aim, words = float(expected[0].mean()), expected[1]
    room = 0.25 + 0.1 * aim
    new = sorted(schedule.head_parameters(model) & patient.drawn) or (
        sorted(patient.drawn) if patient.from_scratch else []
    )
    new = [name for name in new if "lora_" not in name]
    evidence |= {"expected": aim, "tolerance": room, "drawn": new[:8]}
    said = f"the first loss is {loss:.3f}, even odds give {aim:.3f} ({words})"
    if loss > aim + room:
        raise Broken(
            said + ": worse than knowing nothing",
            "the first logits are too large (initialisation), the softmax runs over the wrong axis, or the "
            "labels point where nothing can be",
            **evidence,
        )
    if new and loss < aim - room:
        raise Broken(
            said + f", and yet {names(new, 1)} is drawn at random: too good to be true",
            "the softmax runs over the wrong axis or over too few positions, or the answer leaks into the input",
            **evidence,
        )
    return Found(said if new else said + "; the answer's weights are not new", evidence)


def gradients(patient: Patient) -> Found:
    """Every weight that is trained gets a gradient, and every weight from chance is trained."""
    import torch

    model = patient.fresh().train()
    drawn = {n for n in patient.drawn if "lora_" not in n}
    frozen = [n for n, p in model.named_parameters() if not p.requires_grad]
    # Adapters keep what a part was beside what it becomes.
    stuck = [n for n in frozen if n in drawn and ".original_module." not in n]
    if patient.config.model.strategy == "full":
        stuck = frozen
    trained = {n: p for n, p in model.named_parameters() if p.requires_grad}
    evidence: dict[str, Any] = {"trained": len(trained), "frozen": frozen[:20]}
    if stuck:
        raise Broken(
            f"{names(stuck)} stand still (requires_grad is False), "
            + ("though they were drawn at random" if set(stuck) & drawn else "though model.strategy is full"),
            "take requires_grad_(False) away from them, or say it with model.strategy",
            **evidence,
            stuck=stuck[:20],
        )
    # A few steps, not one: behind a layer that begins at zero (an adapter's second) nothing flows at first.
    optimizer = schedule.optimizer(model, constant(patient.config), decays(model))
    reached: set[str] = set()
    largest: dict[str, float] = {}
    for number in range(GRADIENT_STEPS):
        step = patient.step(model, patient.pick(WINDOWS, tokens=TOKENS, salt=number))
        if not step.loss.requires_grad:
            raise Broken(
                "the loss has no gradient at all",
                "the loss is detached: look for .detach(), .item(), argmax or no_grad on its way",
                **evidence,
            )
        step.loss.float().mean().backward()
        for name, p in trained.items():
            if p.grad is not None:
                size = float(p.grad.abs().max())
                largest[name] = max(size, largest.get(name, 0.0))
                if not np.isfinite(size):
                    raise Broken(
                        f"the gradient of {name} is {size} at step {number + 1}",
                        "a mask of -inf on a whole row, a division by zero or a square root of it",
                        **evidence,
                    )
                if size > 0:
                    reached.add(name)
        if reached == set(trained):
            break
        torch.nn.utils.clip_grad_norm_(list(trained.values()), patient.config.train.clip_norm)
        optimizer.step()
        optimizer.zero_grad()
    never = [n for n in trained if n not in reached and not KEY_BIAS.search(n)]
    evidence |= {"unreached": never[:20], "gradient_largest": max(largest.values(), default=0.0)}
    if never:
        raise Broken(
            f"{len(never)} of {len(trained)} trained parameters get no gradient: {names(never)}",
            "nothing of the loss goes through them: a detached tensor, or a module that forward never calls",
            **evidence,
        )
    return Found(f"all {len(trained)} trained parameters get a gradient, {len(frozen)} are frozen", evidence)


def padding(patient: Patient) -> Found:
    """A window alone and beside a longer one, which pads it, must say the same."""
    windows = sorted(patient.windows, key=len)
    short = windows[: max(1, len(windows) // 2)]
    rng = np.random.default_rng([patient.seed, 4])
    short = [short[i] for i in rng.permutation(len(short))[:6]]
    long = windows[-1]
    short = [w for w in short if len(w) < len(long)]
    if not short:
        raise Skipped(f"all windows are of {len(long)} tokens: nothing is ever padded")
    alone = np.concatenate([patient.look([w]) for w in short])
    padded = np.concatenate([patient.look([w, long])[:1] for w in short])
    worst, evidence = compare(alone, padded)
    evidence |= {"tolerance": SAME[patient.exact], "tokens": [len(w) for w in short], "padded_to": len(long)}
    if worst > SAME[patient.exact]:
        if not _alike_in_company(patient, short):
            raise Skipped(
                "a window's loss changes with the rest of its batch, padded or not: the next rung looks at that"
            )
        i = int(np.abs(alone - padded).max(axis=1).argmax())
        raise Broken(
            f"padding {len(short[i])} tokens to {len(long)} changes the loss from {alone[i, 0]:.5f} to "
            f"{padded[i, 0]:.5f}",
            "is the attention mask used, the right way round (1 where text is), and is padding kept out of the loss?",
            **evidence,
        )
    return Found(
        f"{len(short)} windows of {min(evidence['tokens'])} to {max(evidence['tokens'])} tokens say the same "
        f"padded to {len(long)}",
        evidence,
    )


def _alike_in_company(patient: Patient, windows: Sequence[Window]) -> bool:
    """Whether windows say the same alone and beside another of their own length, which pads nothing."""
    for w in windows:
        other = next((o for o in patient.windows if len(o) == len(w) and o.example != w.example), None)
        if other is not None:
            worst, _ = compare(patient.look([w]), patient.look([w, other])[:1])
            second, _ = compare(patient.look([w]), patient.look([other, w])[1:])
            if max(worst, second) > SAME[patient.exact]:
                return False
    return True


def compare(one: np.ndarray, other: np.ndarray) -> tuple[float, dict[str, Any]]:
    """The largest difference, each against its own size or 1; nan where only one of the two is a number."""
    apart = np.abs(one - other) / np.maximum(1.0, np.abs(one))
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    apart = np.where(same, 0.0, apart)
    worst = float(np.inf if np.isnan(apart).any() else apart.max())
    return worst, {"largest_difference": worst}


def shuffle(patient: Patient) -> Found:
    """The same windows in another order, and in two halves, must have the losses they had."""
    windows = sorted(patient.pick(WINDOWS, tokens=TOKENS, salt=5), key=len)
    if len(windows) < 2:
        raise Skipped("there is one window only")
    order = np.random.default_rng([patient.seed, 5]).permutation(len(windows))
    together = patient.look(windows)
    mixed = np.empty_like(together)
    mixed[order] = patient.look([windows[i] for i in order])
    half = len(windows) // 2
    halves = np.concatenate([patient.look(windows[:half]), patient.look(windows[half:])])
    worst, evidence = compare(together, mixed)
    apart, _ = compare(together, halves)
    evidence |= {
        "tolerance": SAME[patient.exact],
        "windows": len(windows),
        "largest_difference_in_halves": apart,
    }
    if worst > SAME[patient.exact]:
        i = int(np.abs(together - mixed).max(axis=1).argmax())
        raise Broken(
            f"in another order of the batch a window's loss goes from {together[i, 0]:.5f} to {mixed[i, 0]:.5f}",
            "labels and inputs are put together in different orders, or something is computed over the batch",
            **evidence,
        )
    if apart > SAME[patient.exact]:
        i = int(np.abs(together - halves).max(axis=1).argmax())
        raise Broken(
            f"in a smaller batch a window's loss goes from {together[i, 0]:.5f} to {halves[i, 0]:.5f}",
            "something is computed over the whole batch: a softmax or a norm over its first axis",
            **evidence,
        )
    return Found(
        f"{len(windows)} windows keep their losses in another order and in smaller batches", evidence
    )


def order(patient: Patient) -> Found:
    """Tokens in another order must be something else to the model, not the same bag of words."""
    import torch

    model, head = patient.still, patient.head
    windows = patient.pick(4, tokens=TOKENS, salt=6)
    batch = patient.collate(windows, model)
    ids = batch["input_ids"]
    places = shuffled(ids.cpu().numpy(), batch, head.tokenizer, seed=patient.seed)
    moved = torch.from_numpy(places).to(ids.device)
    if bool((ids.gather(1, moved) == ids).all()):
        raise Skipped("no window has two words that could change places")
    with hidden_states(model) as seen, torch.no_grad():
        before = head.step(model, batch).loss
        after = head.step(model, {**batch, "input_ids": ids.gather(1, moved)}).loss
    if len(seen) == 2 and seen[0].shape[:2] == ids.shape:
        # Each token where it went: to a bag of words it is the same token in the same company.
        one = seen[0].gather(1, moved[..., None].expand_as(seen[0])).double()
        size = (one - one.mean(dim=(0, 1))).square().mean().sqrt()
        change = float((seen[1].double() - one).square().mean().sqrt() / size)
        what = "hidden states"
    else:
        change = float((after - before).abs().max())
        what = "losses"
    evidence = {"change": change, "of": what, "least": ORDER[patient.exact], "windows": len(windows)}
    if not change > ORDER[patient.exact]:
        raise Broken(
            f"with its words shuffled a text gives the same {what} (they change by {change:.1e}): "
            "a bag of words to this model",
            "positions are missing, or they begin at zero: add them to the embeddings or into attention",
            **evidence,
        )
    return Found(f"shuffled words change the {what} by {change:.2g} of their size", evidence)


def shuffled(ids: np.ndarray, batch: dict[str, Any], tokenizer: Any, *, seed: int) -> np.ndarray:
    """(rows, length) where each token is taken from: words change places within their own segment of the text.

    Special tokens, padding and the segments' bounds stay, so that nothing but the order of words changes.
    """
    special = set(getattr(tokenizer, "all_special_ids", ()) or ())
    fixed = np.isin(ids, list(special))
    if "attention_mask" in batch:
        fixed |= batch["attention_mask"].cpu().numpy() == 0
    rng = np.random.default_rng([seed, 6])
    places = np.tile(np.arange(ids.shape[1]), (len(ids), 1))
    for row, still in zip(places, fixed, strict=True):
        # Between two special tokens is one text.
        segment = np.cumsum(still)
        for number in np.unique(segment[~still]):
            at = np.flatnonzero((segment == number) & ~still)
            row[at] = rng.permutation(at)
    return places


@contextmanager
def hidden_states(model: Any) -> Iterator[list[Any]]:
    """Collects the body's last hidden states (rows, length, size), one a call; nothing where it has no such body."""
    import torch

    seen: list[Any] = []
    body = getattr(model, getattr(model, "base_model_prefix", "") or "_", None)

    def note(module: Any, given: Any, made: Any) -> None:
        states = getattr(made, "last_hidden_state", None)
        if isinstance(states, torch.Tensor) and states.ndim == 3:
            seen.append(states.detach())

    if not isinstance(body, torch.nn.Module) or body is model:
        yield seen
        return
    handle = body.register_forward_hook(note)
    try:
        yield seen
    finally:
        handle.remove()
