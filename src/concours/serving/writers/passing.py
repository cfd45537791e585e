"""A language model behind an address: requests are passed on, and what comes back as it comes."""

from __future__ import annotations

import asyncio
import json
import queue
import threading
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import httpx

from concours.core.errors import EndpointRefused
from concours.entrants.endpoints.counted import counted
from concours.entrants.endpoints.endpoint import Endpoint
from concours.entrants.endpoints.logprobs import tokens_of
from concours.entrants.endpoints.params import Address
from concours.entrants.endpoints.prompts import as_text
from concours.entrants.endpoints.replies import shown
from concours.serving.doors.openai.asked import Asked
from concours.serving.doors.openai.form import EVENTS
from concours.serving.doors.openai.said import Likely, Piece
from concours.serving.refused import Refused
from concours.serving.writers.writer import Ended, Written

_PAUSE: Final = 0.02
"""Seconds after which new requests are looked for while nothing comes."""
_OWN: Final = frozenset((400, 404, 413, 422, 429))
"""What an address refuses for the request's own sake; all else is between it and us."""


class Passing:
    """As of every writer.

    Args:
        name: of the model at the address.
        how: how it was asked in the contest, which holds for what a request leaves open.

    Raises:
        EndpointRefused: there is no key.
    """

    def __init__(self, name: str, how: Address) -> None:
        self._name, self._how = name, how
        self._endpoint = Endpoint(base_url=how.base_url, key_env=how.key_env, timeout_s=how.timeout_s)
        self._key = self._endpoint.key()
        self._came: queue.SimpleQueue[Written] = queue.SimpleQueue()
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._loop = asyncio.new_event_loop()
        self._places = asyncio.Semaphore(how.at_once)
        headers = {"authorization": f"Bearer {self._key}"} if self._key else {}
        limits = httpx.Limits(max_connections=how.at_once)
        self._client = httpx.AsyncClient(timeout=how.timeout_s, headers=headers, limits=limits)
        threading.Thread(target=self._loop.run_forever, name="concours-passing", daemon=True).start()

    @property
    def busy(self) -> bool:
        return bool(self._under_way)

    def take(self, id: int, asked: Asked) -> None:
        future: asyncio.Future[asyncio.Task[None]] = asyncio.run_coroutine_threadsafe(
            self._begun(id, asked), self._loop
        )  # type: ignore[assignment]
        self._under_way[id] = future.result()

    def drop(self, id: int) -> None:
        if (task := self._under_way.pop(id, None)) is not None:
            self._loop.call_soon_threadsafe(task.cancel)

    def step(self) -> list[Written]:
        found = list[Written]()
        try:
            found.append(self._came.get(timeout=_PAUSE))
            while True:
                found.append(self._came.get_nowait())
        except queue.Empty:
            pass
        mine = [each for each in found if each.id in self._under_way]
        for each in mine:
            if each.end is not None:
                del self._under_way[each.id]
        return mine

    async def _begun(self, id: int, asked: Asked) -> asyncio.Task[None]:
        return asyncio.create_task(self._passed(id, asked))

    async def _passed(self, id: int, asked: Asked) -> None:
        """Whatever becomes of a request, an end of it comes."""
        end: Ended | Refused
        try:
            async with self._places:
                end = await self._answered(id, asked)
        except Refused as error:
            end = error
        except (httpx.HTTPError, ValueError, TypeError, KeyError, IndexError, AttributeError, EndpointRefused) as error:
            why = " ".join(str(error).split())[:160] or type(error).__name__
            end = Refused(f"{self._endpoint.base_url} gave no answer: {self._hidden(why)}", status=503, retry_after=1.0)
        self._came.put(Written(id, Piece(""), end))

    async def _answered(self, id: int, asked: Asked) -> Ended:
        url, body = self._sent(asked)
        finish, took = "stop", counted(None)
        async with self._client.stream("POST", url, json=body) as response:
            if response.status_code != 200:
                raise self._refusal(response, (await response.aread()).decode(errors="replace"))
            async for document in _documents(response):
                if "error" in document and not document.get("choices"):
                    raise Refused(
                        f"{self._endpoint.base_url}: {self._hidden(shown(str(document['error'])))}", status=503
                    )
                took = counted(document["usage"]) if document.get("usage") else took
                for choice in document.get("choices", ())[:1]:
                    finish = choice.get("finish_reason") or finish
                    self._came.put(Written(id, _piece(choice)))
        return Ended("length" if finish == "length" else "stop", took.into or 0, took.out or 0)

    def _sent(self, asked: Asked) -> tuple[str, dict[str, Any]]:
        given = {name: getattr(asked, name) for name in ("temperature", "top_p", "seed")}
        given |= {"stop": list(asked.stop) or None}
        body = dict(self._how.sampling) | {name: value for name, value in given.items() if value is not None}
        if asked.most is not None:
            body["max_tokens" if self._how.max_completion_tokens is None else "max_completion_tokens"] = asked.most
        body |= {"model": self._name, "stream": True, "stream_options": {"include_usage": True}}
        if asked.messages and self._how.route == "chat":
            told = {} if asked.likeliest is None else {"logprobs": True, "top_logprobs": asked.likeliest}
            return self._endpoint.chats, {**body, **told, "messages": list(asked.messages)}
        told = {} if asked.likeliest is None else {"logprobs": asked.likeliest}
        body.pop("response_format", None)
        return self._endpoint.completions, {**body, **told, "prompt": asked.prompt or as_text(asked.messages)}

    def _refusal(self, response: httpx.Response, said: str) -> Refused:
        status = response.status_code
        why = f"{self._endpoint.base_url} answers {status}: {self._hidden(shown(said))}"
        wait = response.headers.get("retry-after", "")
        seconds = float(wait) if wait.isdecimal() else 1.0 if status >= 429 else None
        return Refused(why, status=status if status in _OWN else 503, retry_after=seconds)

    def _hidden(self, text: str) -> str:
        """A text of others without the key."""
        return text.replace(self._key, "[key]") if self._key else text


async def _documents(response: httpx.Response) -> AsyncIterator[Mapping[str, Any]]:
    """The objects of an answer: one each event where it comes in pieces, else the whole."""
    if not response.headers.get("content-type", "").startswith(EVENTS):
        yield json.loads(await response.aread())
        return
    async for line in response.aiter_lines():
        data = line.removeprefix("data:").strip()
        if line.startswith("data:") and data != "[DONE]":
            yield json.loads(data)


def _piece(choice: Mapping[str, Any]) -> Piece:
    """The words of a choice: of a part of a chat, of a whole one, or of a text."""
    said = choice.get("delta") or choice.get("message") or {}
    text = said.get("content") or choice.get("text") or ""
    if not isinstance(text, str):
        raise TypeError("its words are no text")
    told = tokens_of(choice.get("logprobs")) or ()
    return Piece(text, tuple(Likely(each.text, each.logprob or 0.0, each.top) for each in told))
