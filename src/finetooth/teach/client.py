"""Asks a teacher through the openai SDK: concurrent, retried, journalled, within a budget, validated.

teacher = Teacher(model="gpt-x", base_url="http://localhost:8080/v1", journal=Journal("teach.sqlite"))
replies = teacher.ask_all([Ask("p1", messages, schema)], concurrency=8, budget=2.0)
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from finetooth.errors import UsageError
from finetooth.teach.journal import Answer, Journal, request_key
from finetooth.teach.purse import Purse, Spent
from finetooth.teach.sdk import Again, Client, NoBudget, Refused, pause, post

if TYPE_CHECKING:
    from finetooth.teach.local import LocalServer

# What a server can promise about the form of its answer, the strongest first; each is tried once.
FORMS = ("json_schema", "tool", "json_object", "prompt")
PROBE = {
    "type": "object",
    # With the bounds that our schemas have: some servers refuse them in their strict mode.
    "properties": {"word": {"type": "string", "minLength": 1, "maxLength": 400}},
    "required": ["word"],
    "additionalProperties": False,
}


Told = tuple[Answer | None, str | None, str]  # the answer or None, why there is none, the request's key


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing to ask. ``schema``: the JSON Schema that is asked for, None for free text.

    ``fits``: what the answer is held against, where it need not be as strict as what is asked for.
    """

    id: str
    messages: Sequence[Mapping[str, str]]
    schema: Mapping[str, Any] | None = None
    seed: int | None = None
    fits: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """``value`` is the validated object (or the text); None where ``failure`` names what went wrong."""

    id: str
    value: Any
    failure: str | None
    answer: Answer | None
    key: str


@dataclass
class Teacher:
    """An OpenAI-compatible endpoint. Prices are in money a million tokens; secrets come from the environment.

    ``server``: a model on this machine instead of a ``base_url``; it is started by the first question that the
    journal cannot answer.
    """

    model: str
    journal: Journal
    base_url: str | None = None
    temperature: float = 0.0
    max_tokens: int = 512
    timeout_s: float = 60.0
    retries: int = 5
    price_in: float = 0.0
    price_out: float = 0.0
    form: str | None = None
    seed: int = 0
    server: LocalServer | None = None
    spent: Spent = field(default_factory=Spent)

    def ask_all(
        self,
        asks: Sequence[Ask],
        *,
        concurrency: int = 8,
        budget: float | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[Reply]:
        """A reply to each ask, in order. What the journal knows is not asked again, and what stands twice is asked once.

        ``budget`` (money, for all that this teacher is asked in this run, earlier calls too): a request whose worst
        case would pass it is not sent; its reply fails with "budget". Raises UsageError where the endpoint cannot be reached at all or refuses the key.
        """
        return asyncio.run(self._all(asks, concurrency, budget, progress))

    async def _all(self, asks, concurrency, budget, progress) -> list[Reply]:
        try:
            import openai  # noqa: F401
        except ImportError:
            raise UsageError(
                "the teacher needs the openai package", cure='pip install "finetooth[teach]"'
            ) from None
        if concurrency < 1:
            raise UsageError(f"concurrency: expected at least 1, found {concurrency}")
        client = Client(self)
        gate, done, stopped = asyncio.Semaphore(concurrency), 0, False
        purse = Purse(self.spent, budget)
        rng = random.Random(self.seed)
        probing = asyncio.Lock()

        alike: dict[str, list[Ask]] = {}  # those of one request, whatever form it will take
        names = [request_key(self.request(a, FORMS[-1])) for a in asks]
        for name, ask in zip(names, asks, strict=True):
            alike.setdefault(name, []).append(ask)

        async def one(ask: Ask, others: int) -> Told:
            nonlocal done
            async with gate:
                if stopped:
                    return None, "stopped", ""
                if ask.schema is not None and self.form is None:
                    async with probing:
                        known = self.journal.answer(self._probe_key()) if self.form is None else None
                        if known is not None:
                            self.form = known.text
                        elif self.form is None:
                            await self._probe(client, purse, rng)
                if ask.schema is not None and self.form is None:
                    told: Told = (None, "budget", request_key(self.request(ask)))
                else:
                    told = await self._one(client, ask, purse, rng)
            if told[0] is not None:
                self.spent.cached += others
            done += 1 + others
            if progress:
                progress(done, len(asks))
            return told

        tasks = [asyncio.create_task(one(same[0], len(same) - 1)) for same in alike.values()]
        try:
            got = await asyncio.gather(*tasks)
        except UsageError:
            # Nothing more is sent; what is under way is paid, so its answers are waited for and kept.
            stopped = True
            await asyncio.gather(*tasks, return_exceptions=True)
            raise
        finally:
            await client.close()
        by_name = dict(zip(alike, got, strict=True))
        return [_reply(a, *by_name[name]) for name, a in zip(names, asks, strict=True)]

    def request(self, ask: Ask, form: str | None = None) -> dict[str, Any]:
        """The body of the request; what it says is also its key in the journal."""
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [dict(m) for m in ask.messages],
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
        }
        if ask.seed is not None:
            body["seed"] = ask.seed
        if ask.schema is None:
            return body
        form = form or self.form or "prompt"
        schema = dict(ask.schema)
        if form == "json_schema":
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": schema, "strict": True},
            }
        elif form == "tool":
            body["tools"] = [{"type": "function", "function": {"name": "answer", "parameters": schema}}]
            body["tool_choice"] = {"type": "function", "function": {"name": "answer"}}
        else:
            if form == "json_object":
                # llama.cpp's server also takes the schema here and turns it into a grammar.
                body["response_format"] = {"type": "json_object", "schema": schema}
            note = "Answer with one JSON object of this schema and nothing else:\n" + json.dumps(schema)
            body["messages"].append({"role": "system", "content": note})
        return body

    def _probe_key(self) -> str:
        # A local server has another port each time and is the same server.
        where = "local" if self.server else str(self.base_url)
        return request_key({"probe": FORMS, "model": self.model, "base_url": where})

    async def _probe(self, client: Client, purse: Purse, rng: random.Random) -> None:
        """Tries the forms once with a word to say, and keeps the first whose answer fits the schema.

        ``form`` stays None where the budget has no room for it.
        """
        ask = Ask("probe", [{"role": "user", "content": "Say the word blue."}], PROBE)
        began = time.monotonic()
        for form in FORMS[:-1]:
            body = self.request(ask, form)
            try:
                answer = await self._send(client, body, purse, rng)
            except NoBudget:
                return
            except Refused:
                continue
            if validated(answer.text, PROBE)[1] is None:
                self.form = form
                break
        self.form = self.form or FORMS[-1]  # asking in words needs no promise of the server's
        probe = Answer(self.form, 0, 0, 0.0, time.monotonic() - began)
        self.journal.sent(self._probe_key(), {"probe": self.model})
        self.journal.answered(self._probe_key(), probe)

    async def _one(self, client: Client, ask: Ask, purse: Purse, rng: random.Random) -> Told:
        body = self.request(ask)
        key = request_key(body)
        answer = self.journal.answer(key)
        if answer is not None:
            self.spent.cached += 1
        else:
            try:
                answer = await self._send(client, body, purse, rng, key)
            except NoBudget:
                return None, "budget", key
            except Refused as e:
                self.journal.failed(key, str(e))
                return None, str(e), key
            self.journal.answered(key, answer)
            self.spent.asked += 1
        return answer, None, key

    def _worst(self, body: Mapping[str, Any]) -> float:
        # At most one token a byte and all of max_tokens: an upper bound, so the budget is never passed. The schema
        # is put into the prompt by the server, so it counts as well.
        prompt = len(json.dumps(body).encode())
        return (prompt * self.price_in + self.max_tokens * self.price_out) / 1e6

    async def _send(
        self,
        client: Client,
        body: Mapping[str, Any],
        purse: Purse,
        rng: random.Random,
        key: str | None = None,
    ) -> Answer:
        """The answer, paid. Each try is reserved at its worst case; one that may have cost and told nothing keeps it.

        ``key``: the request's in the journal, None for one that is not kept there.
        """
        worst = self._worst(body)
        for attempt in range(self.retries + 1):
            if not purse.reserve(worst):
                raise NoBudget("budget")
            if key is not None and not attempt:
                self.journal.sent(key, body)
            began = time.monotonic()
            try:
                got = await post(client, body)
                return self._answer(got, time.monotonic() - began, worst)
            except Again as again:
                if again.may_have_cost:
                    self.spent.assume(worst)
                if attempt == self.retries:
                    raise again.failure(attempt + 1, str(self.base_url)) from None
                wait = pause(again.error, attempt, rng)
            finally:
                purse.reserved -= worst
            await asyncio.sleep(wait)
        raise AssertionError("the loop returns or raises")

    def _answer(self, got: Any, seconds: float, worst: float) -> Answer:
        """What the server sent, with its cost; the worst case where it does not tell its tokens."""
        used = getattr(got, "usage", None)
        n_in, n_out = (getattr(used, f"{part}_tokens", None) for part in ("prompt", "completion"))
        cost = worst
        if isinstance(n_in, int) and isinstance(n_out, int):
            cost = (n_in * self.price_in + n_out * self.price_out) / 1e6
            self.spent.prompt_tokens += n_in
            self.spent.completion_tokens += n_out
            self.spent.cost += cost
        else:
            n_in = n_out = 0
            self.spent.assume(worst)
        try:  # the SDK does not hold what a server sends against the API's schema
            message = got.choices[0].message
            text = message.tool_calls[0].function.arguments if message.tool_calls else message.content
        except (AttributeError, TypeError, LookupError):
            raise Refused("an answer without choices") from None
        if getattr(message, "refusal", None):
            raise Refused(f"the teacher refuses: {message.refusal}")
        return Answer(text if isinstance(text, str) else "", n_in, n_out, cost, seconds)


def _reply(ask: Ask, answer: Answer | None, failure: str | None, key: str) -> Reply:
    if answer is None:
        return Reply(ask.id, None, failure, None, key)
    if ask.schema is None:
        return Reply(ask.id, answer.text, None, answer, key)
    # Whatever the server promised, it is validated again.
    value, failure = validated(answer.text, ask.fits or ask.schema)
    return Reply(ask.id, value, failure, answer, key)


def validated(text: str, schema: Mapping[str, Any]) -> tuple[Any, str | None]:
    """(object, None) or (None, why not): the first object of the text, held against the schema."""
    import jsonschema_rs

    from finetooth.metrics.extract import extract

    found = extract(text)
    if found.failure:
        return None, f"unreadable: {found.failure}"
    error = next(iter(jsonschema_rs.validator_for(dict(schema)).iter_errors(found.value)), None)
    if error is not None:
        return None, f"does not fit the schema: {str(error.message)[:200]}"
    return found.value, None
