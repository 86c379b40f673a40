"""What stands around a prompt: the model's chat template or a plain one, frozen into a few strings.

A template is a program: it may print the date, and the next version of the tokenizer may bring another.
So it is asked once, before training, with a mark in place of the prompt. What it puts before and after
the mark is kept with the model, and inference uses that and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from finetooth.errors import ConfigError

HERE = "{prompt}"
PLAIN = "{prompt}\n\nAnswer:\n"
# What no template says by itself, and no tokenizer is asked to read.
MARK, REPLY = "QqPromptqQ", "QqReplyqQ"
BLANKS = (" \n\t", "\t\n ")  # around the mark: does the template take them off?


@dataclass(frozen=True, slots=True)
class Frame:
    """``before`` + prompt + ``after``, then the answer, then the token ``end``.

    ``kind`` is "chat" or "plain". ``first`` is a token set before everything ("" for none: a chat template
    writes its own). ``strip``: the template takes white space off a prompt's edges.
    """

    kind: str
    before: str
    after: str
    end: str
    first: str = ""
    strip: bool = False

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def text(self, prompt: str) -> str:
        """The prompt in its frame, without ``first``."""
        return self.before + (prompt.strip() if self.strip else prompt) + self.after


def make_frame(tokenizer: Any, template: str, system: str = "") -> Frame:
    """The frame of ``template``: auto (chat if the model has one), chat, plain, or a text with {prompt} in it.

    ``system`` is a system message for a chat, "" for the template's own. Raises ConfigError for a
    template that the model has not, that takes no system message, or that changes a prompt's text.
    """
    chat = getattr(tokenizer, "chat_template", None)
    if template == "auto":
        template = "chat" if chat else "plain"
    if template == "chat":
        if not chat:
            raise ConfigError(
                "model.options.template: this model has no chat template",
                cure="plain, or a text of your own with {prompt} in it",
            )
        return _chat(tokenizer, system)
    if template == "plain":
        template = PLAIN
    if template.count(HERE) != 1 or not template.replace(HERE, "").strip():
        raise ConfigError(
            f"model.options.template: {template!r} does not say where the prompt goes and where it ends",
            cure="auto, chat, plain, or a text with {prompt} in it once",
        )
    if system:
        raise ConfigError(
            "model.options.system: only a chat template has a system message",
            cure="write it into the template",
        )
    if tokenizer.eos_token is None:
        raise ConfigError("the tokenizer has no end token, so that a model could not learn to stop")
    before, _, after = template.partition(HERE)
    return Frame("plain", before, after, tokenizer.eos_token, _first(tokenizer, before))


def _first(tokenizer: Any, before: str) -> str:
    """The beginning token, where the tokenizer sets one before a text and the template does not say it itself."""
    bos = tokenizer.bos_token
    if bos is None or before.startswith(bos):
        return ""
    return bos if tokenizer("a")["input_ids"][:1] == [tokenizer.bos_token_id] else ""


def _chat(tokenizer: Any, system: str) -> Frame:
    messages = [{"role": "system", "content": system}] if system else []
    whole = MARK.join(BLANKS)
    messages += [{"role": "user", "content": whole}]

    def render(more: Sequence[dict[str, str]] = (), *, ask: bool) -> str:
        try:
            made = tokenizer.apply_chat_template(
                [*messages, *more], tokenize=False, add_generation_prompt=ask
            )
        except Exception as e:  # whatever a template in jinja may raise
            raise ConfigError(
                f"the model's chat template cannot be used: {' '.join(str(e).split())[:160]}",
                cure="model.options.template=plain" + (", or no model.options.system" if system else ""),
            ) from None
        return str(made)

    asked = render(ask=True)
    if asked.count(MARK) != 1 or (system and system.strip() not in asked):
        raise ConfigError(
            "the model's chat template does not show the messages as they are",
            cure="model.options.template=plain",
        )
    strip = whole not in asked
    mark = MARK if strip else whole
    before, _, after = asked.partition(mark)
    head, _, tail = render([{"role": "assistant", "content": REPLY}], ask=False).partition(REPLY)
    between = head.partition(mark)[2]
    # A template that knows of no question being open still heads a reply; what it says there is the question.
    if asked == render(ask=False) and between.startswith(after) and between[len(after) :].strip():
        after = between
    return Frame("chat", before, after, _end(tokenizer, tail), "", strip)


def _end(tokenizer: Any, tail: str) -> str:
    """The token that the template closes a reply with; the tokenizer's own end token where it sets none."""
    special = {i for i, token in tokenizer.added_tokens_decoder.items() if token.special}
    for token in tokenizer(tail, add_special_tokens=False)["input_ids"]:
        if token in special:
            return str(tokenizer.convert_ids_to_tokens(token))
    if tokenizer.eos_token is None:
        raise ConfigError(
            "neither the chat template nor the tokenizer has an end token, so that a model could not learn to stop"
        )
    return str(tokenizer.eos_token)


class Framer:
    """Prompts and answers as token ids, in a frame. Text of the data never becomes a special token."""

    def __init__(self, tokenizer: Any, frame: Frame) -> None:
        self.tokenizer, self.frame = tokenizer, frame
        self.first = [tokenizer.convert_tokens_to_ids(frame.first)] if frame.first else []
        self.end = int(tokenizer.convert_tokens_to_ids(frame.end))
        self.special = [t.content for t in tokenizer.added_tokens_decoder.values()]

    @property
    def ends(self) -> frozenset[int]:
        """What generation stops at: the frame's end and the tokenizer's own."""
        return frozenset({self.end, self.tokenizer.eos_token_id} - {None})

    def prompts(self, prompts: Sequence[str]) -> list[list[int]]:
        """Ids of framed prompts, up to where the answer begins.

        The whole is tokenised at once, as the model has seen it done. Only a prompt that spells out a
        special token is taken apart, so that it can close no turn and open none.
        """
        made = self._encode([self.frame.text(p) for p in prompts], plain=False)
        for i, prompt in enumerate(prompts):
            if any(token in prompt for token in self.special):
                text = prompt.strip() if self.frame.strip else prompt
                before, after = self._encode([self.frame.before, self.frame.after], plain=False)
                made[i] = before + self._encode([text], plain=True)[0] + after
        return [self.first + ids for ids in made]

    def answers(self, answers: Sequence[str]) -> list[list[int]]:
        """Ids of answers, each with the end token."""
        return [[*ids, self.end] for ids in self._encode(answers, plain=True)]

    def _encode(self, texts: Sequence[str], *, plain: bool) -> list[list[int]]:
        rust = self.tokenizer.backend_tokenizer
        was = rust.encode_special_tokens
        rust.no_truncation()
        rust.no_padding()
        rust.encode_special_tokens = plain
        try:
            return [e.ids for e in rust.encode_batch(list(texts), add_special_tokens=False)]
        finally:
            rust.encode_special_tokens = was

    def text(self, ids: Sequence[int]) -> str:
        """Generated ids as text, up to the first end token, special tokens left out."""
        kept = next((i for i, token in enumerate(ids) if token in self.ends), len(ids))
        return str(
            self.tokenizer.decode(
                list(ids[:kept]), skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        )
