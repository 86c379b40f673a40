"""What both formats of question answering need when an answer is read."""

from __future__ import annotations

from dataclasses import replace

from finetooth.types import Example, Span

MAX_SHARED = 50_000  # contexts


def half_open(example: Example, shared: dict[str, str]) -> Example:
    """Ends that count the last character made half-open, where the text itself proves it.

    An end that fits neither way stays as it is, for the check answer-end-disagrees. A context that
    was read before is shared: many questions stand over one.
    """
    if len(shared) > MAX_SHARED:  # a stream may hold more contexts than memory does
        shared.clear()
    context = shared.setdefault(example.inputs.context, example.inputs.context)
    answers = example.target.answers
    fixed = tuple(_half_open(a, context) for a in answers)
    if context is not example.inputs.context:
        example = replace(example, inputs=replace(example.inputs, context=context))
    if fixed != answers:
        meta = {**example.meta, "answer_end": "counted the last character"}
        example = replace(example, target=replace(example.target, answers=fixed), meta=meta)
    return example


def _half_open(answer: Span, context: str) -> Span:
    end = answer.start + len(answer.text)
    if answer.end == end - 1 and answer.start >= 0 and context.startswith(answer.text, answer.start):
        return Span(answer.start, end, answer.text)
    return answer
