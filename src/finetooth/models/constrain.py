"""Generation that cannot leave a JSON Schema: which tokens may come next, asked of llguidance at every step.

A schema here is one with shape: types, keys, required ones, enums, ranges, patterns. ``format`` is left
out, an annotation by JSON Schema's own default: data often has times without a zone, and to force one
would make the answer wrong. Keys come in the schema's order, which is how llguidance writes objects.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from finetooth.errors import UsageError
from finetooth.registry import Task
from finetooth.types import Example

if TYPE_CHECKING:
    import torch

# Between the tokens of JSON: what compact, spaced and indented writers put there, and no endless blanks.
OPTIONS: Any = {"whitespace_pattern": r" ?|\n {0,24}", "lenient": True}


class Matcher:
    """The place of one answer in its grammar."""

    def __init__(self, matcher: Any) -> None:
        self.matcher = matcher

    def allowed(self, width: int) -> torch.Tensor:
        """(width,) true for each token that may come next. All but the end token are out once the object is whole."""
        import torch
        from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask

        bits = allocate_token_bitmask(1, width)
        bits[:] = 0
        fill_next_token_bitmask(self.matcher, bits)
        flags = np.unpackbits(bits.view(np.uint8).reshape(-1), count=width, bitorder="little")
        return torch.from_numpy(flags.astype(bool))

    def take(self, token: int) -> None:
        """Goes on by the token that was chosen."""
        self.matcher.consume_token(token)


class Constraints:
    """Grammars for one tokenizer; equal schemas are compiled once.

    ``why`` says, by example, what of its schema cannot be held to. Raises UsageError where llguidance is
    missing or the task's examples have no schemas.
    """

    def __init__(self, task: Task, tokenizer: Any, end: int, width: int) -> None:
        if importlib.util.find_spec("llguidance") is None:
            raise UsageError(
                "constrained generation needs llguidance", cure='pip install "finetooth[constrain]"'
            )
        from llguidance.hf import from_tokenizer

        self.task, self.tokens = task, from_tokenizer(tokenizer, n_vocab=width, eos_token=end)
        self.known: dict[str, tuple[Any, str]] = {}
        self.why: dict[str, str] = {}

    def of(self, examples: Sequence[Example]) -> Callable[[int], Matcher | None]:
        """For ``generate``: a fresh matcher of example i, None where its schema cannot be used at all."""
        made = []
        for example in examples:
            matcher, why = self._compiled(schema_of(self.task, example))
            if why:
                self.why[example.id] = why
            made.append(matcher)

        def limit(i: int) -> Matcher | None:
            return None if made[i] is None else Matcher(made[i].deep_copy())

        return limit

    def _compiled(self, schema: Any) -> tuple[Any, str]:
        from llguidance import LLMatcher

        text = json.dumps(without_formats(schema))
        if text not in self.known:
            if schema is False:
                self.known[text] = (None, "generated without its schema: nothing obeys false")
                return self.known[text]
            grammar = LLMatcher.grammar_from_json_schema("{}" if schema is True else text, overrides=OPTIONS)
            matcher: Any = LLMatcher(self.tokens, grammar, log_level=0)
            why = ""
            if matcher.is_error():
                why = f"generated without its schema: {_line(matcher.get_error())}"
                matcher = None
            elif matcher.get_grammar_warnings():
                why = f"not all of its schema is held to: {_line('; '.join(matcher.get_grammar_warnings()))}"
            self.known[text] = (matcher, why)
        return self.known[text]


def schema_of(task: Task, example: Example) -> Any:
    """The example's own schema, or what the task's ``schema(example)`` gives; any object where it is not known.

    Raises UsageError for a task that knows no schemas.
    """
    if hasattr(example.inputs, "schema"):
        schema = example.inputs.schema
    elif (of_task := getattr(task, "schema", None)) is not None:
        schema = of_task(example)
    else:
        raise UsageError(
            f"constrain: examples of {task.name} have no JSON Schema", cure="model.options.constrain=false"
        )
    return {"type": "object"} if schema is None else schema


def without_formats(schema: Any) -> Any:
    """The schema less its ``format`` keywords; properties that are called so stay."""
    if isinstance(schema, Mapping):
        return {
            k: v if k in ("enum", "const", "default", "examples") else without_formats(v)
            for k, v in schema.items()
            if not (k == "format" and isinstance(v, str))
        }
    if isinstance(schema, (list, tuple)):
        return [without_formats(v) for v in schema]
    return schema


def _line(text: str) -> str:
    return " ".join(text.split())[:200]
