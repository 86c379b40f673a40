"""The openai SDK's side of a teacher: one client, one try at a time, and what its errors mean for the next."""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from finetooth.errors import UsageError
from finetooth.text import shorten

if TYPE_CHECKING:
    from finetooth.teach.client import Teacher

KEY_VARIABLE = "FINETOOTH_TEACHER_KEY"
NEVER_SENT = ("ConnectError", "ConnectTimeout", "PoolTimeout")


class Client:
    """The SDK's client, made when the first request has to be sent: what the journal knows needs no server."""

    def __init__(self, teacher: Teacher) -> None:
        self._teacher, self._making = teacher, asyncio.Lock()
        self._made: Any = None
        self.model, self.base_url = teacher.model, teacher.base_url

    async def get(self) -> Any:
        import openai

        async with self._making:
            if self._made is None:
                one = self._teacher
                url = one.base_url
                if one.server is not None:
                    url = await asyncio.to_thread(one.server.url)
                # Retries are ours: the SDK's own would be sent without being journalled.
                self._made = openai.AsyncOpenAI(
                    api_key="none" if one.server else _key(url),
                    base_url=url,
                    timeout=one.timeout_s,
                    max_retries=0,
                )
        return self._made

    async def close(self) -> None:
        if self._made is not None:
            await self._made.close()


async def post(client: Client, body: Mapping[str, Any]) -> Any:
    """One try: the SDK's object. Raises Again where another may help, Refused where it will not, UsageError where
    none will: the key, the model, an address at which no teacher but a web page answers.
    """
    import openai

    extra = {}
    body = dict(body)
    if "schema" in body.get("response_format", {}):
        extra = {"extra_body": {"response_format": body.pop("response_format")}}
    try:
        got = await (await client.get()).chat.completions.create(**body, **extra)
    except (openai.AuthenticationError, openai.PermissionDeniedError) as e:
        raise UsageError(
            f"the teacher refuses the key ({e.status_code})", cure=f"set {KEY_VARIABLE}"
        ) from None
    except openai.NotFoundError:
        raise UsageError(
            f"the teacher has no model {client.model!r}",
            where=str(client.base_url),
            cure="check the name and the address",
        ) from None
    except (openai.BadRequestError, openai.UnprocessableEntityError) as e:
        raise Refused(f"refused: {' '.join(str(e.message).split())[:200]}") from None
    except (openai.APIConnectionError, openai.APIStatusError) as e:
        raise Again(e) from None
    except (openai.APIResponseValidationError, ValueError) as e:  # it says that it is JSON, and is none
        raise _no_teacher(client, str(getattr(e, "doc", e))) from None
    if not hasattr(got, "choices"):  # the SDK hands on as it is what is no JSON object
        raise _no_teacher(client, got if isinstance(got, str) else json.dumps(got, default=str))
    return got


def _no_teacher(client: Client, found: str) -> UsageError:
    return UsageError(
        f"expected a teacher's answer in JSON, found {shorten(' '.join(found.split()), 60)!r}",
        where=str(client.base_url),
        cure="check --base-url: the address of the API, often ending in /v1, not of a web page, a login or a proxy",
    )


def _key(url: str | None) -> str:
    local = bool(url) and any(host in str(url) for host in ("localhost", "127.0.0.1", "[::1]"))
    key = os.environ.get(KEY_VARIABLE) or os.environ.get("OPENAI_API_KEY") or ("none" if local else None)
    if key is None:
        raise UsageError("no key for the teacher", cure=f"set {KEY_VARIABLE} in the environment")
    return key


class Refused(Exception):
    """This request will not be answered; the others may be."""


class NoBudget(Refused):
    """The worst case of this request would pass the budget."""


class Again(Exception):
    """No answer came; another try may bring one."""

    def __init__(self, error: Any) -> None:
        import openai

        self.error = error
        self._broken = isinstance(error, openai.APIConnectionError)
        self._late = isinstance(error, openai.APITimeoutError)

    @property
    def may_have_cost(self) -> bool:
        """A request that went out and was not heard of again; not one that found no server or an error status."""
        # By name: the SDK's versions stand on different HTTP libraries that name these alike.
        return self._broken and type(self.error.__cause__).__name__ not in NEVER_SENT

    def failure(self, tries: int, where: str) -> Exception:
        if self._broken and not self._late:
            cure = "start it, or check --base-url"
            return UsageError("the teacher cannot be reached", where=where, cure=cure)
        return Refused(f"no answer after {tries} tries: {type(self.error).__name__}")


def pause(error: Any, attempt: int, rng: random.Random) -> float:
    """Seconds until the next try: what the server asks for, else exponential with full jitter."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    try:
        asked = float(headers.get("retry-after", ""))
    except ValueError:
        asked = 0.0
    if asked > 0:
        return min(asked, 120.0) + rng.random() * 0.1
    return rng.random() * min(30.0, 0.5 * 2**attempt)
