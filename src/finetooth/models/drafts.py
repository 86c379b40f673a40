"""Answers that are already there, checked by the model in one pass instead of said again token by token.

What a run answered freely is mostly what it answers when it is held to a schema. Such a draft is read at once,
and kept as far as greedy decoding would have chosen the same tokens; from there on generation goes its usual way.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from finetooth.models.generation import Generated


def confirm(
    model: Any,
    prompt: Sequence[int],
    draft: Sequence[int],
    *,
    ends: Collection[int],
    most_tokens: int,
    matcher: Any = None,
) -> Generated:
    """The longest beginning of ``draft`` that greedy decoding agrees with, at most ``most_tokens`` of it.

    ``draft`` closes with an end token; ``ended`` is whether that was agreed to as well. ``matcher`` (see
    ``constrain``) says what may come next, and stands behind the accepted tokens afterwards. One forward
    pass over prompt and draft; logits of the draft's places only, where the architecture can.
    """
    import inspect

    import torch

    made = Generated([], [])
    draft = list(draft)[:most_tokens]
    if not draft:
        return made
    device = next(model.parameters()).device
    ids = torch.tensor([[*prompt, *draft[:-1]]], device=device)
    keep = (
        {"logits_to_keep": len(draft)}
        if "logits_to_keep" in inspect.signature(model.forward).parameters
        else {}
    )
    with torch.inference_mode():
        logits = model(input_ids=ids, use_cache=False, **keep).logits[0, -len(draft) :]
        for at, token in enumerate(draft):
            log = logits[at].float().log_softmax(-1)
            choice = log
            if matcher is not None:
                choice = log.masked_fill(~matcher.allowed(len(log)).to(device), float("-inf"))
            if int(choice.argmax()) != token:
                break
            made.log_probs.append(float(log[token]))
            if token in ends:
                made.ended = True
                break
            made.ids.append(token)
            if matcher is not None:
                matcher.take(token)
    return made


def generate_from(
    drafts: Sequence[Sequence[int] | None],
    prompts: Sequence[Sequence[int]],
    generate: Callable[..., list[Generated]],
    model: Any,
    *,
    most_tokens: Sequence[int],
    ends: Collection[int],
    limits: Callable[[int], Any] | None = None,
    progress: Callable[[int, int], None] | None = None,
    **options: Any,
) -> list[Generated]:
    """As ``generate``, what ``drafts`` foretell of the answers confirmed first; None: nothing is foretold."""
    matchers: dict[int, Any] = {}
    begun: list[Generated] = []
    done = 0
    for i, (prompt, draft) in enumerate(zip(prompts, drafts, strict=True)):
        matchers[i] = limits(i) if limits is not None else None
        begun.append(
            confirm(model, prompt, draft or (), ends=ends, most_tokens=most_tokens[i], matcher=matchers[i])
        )
        # An answer that has all its tokens is over, with or without its end.
        done += _over(begun[i], most_tokens[i])
        if progress is not None:
            progress(done, len(prompts))
    rest = [i for i, b in enumerate(begun) if not _over(b, most_tokens[i])]
    more = generate(
        model,
        [[*prompts[i], *begun[i].ids] for i in rest],
        most_tokens=[most_tokens[i] - len(begun[i].ids) for i in rest],
        ends=ends,
        limits=None if limits is None else (lambda k: matchers[rest[k]]),
        progress=None if progress is None else (lambda n, _: progress(done + n, len(prompts))),
        **options,
    )
    for i, tail in zip(rest, more, strict=True):
        head = begun[i]
        begun[i] = Generated(head.ids + tail.ids, head.log_probs + tail.log_probs, tail.ended)
    return begun


def _over(made: Generated, most: int) -> bool:
    return made.ended or len(made.ids) >= most
