"""What all protocols of a server share: who may ask, which model, how much was asked."""

from __future__ import annotations

import asyncio
import itertools
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace
from prometheus_client import CollectorRegistry, Counter, Histogram

from concours.core.asked import shown
from concours.core.errors import ConcoursError
from concours.runs.packing import unpacked_into
from concours.runs.predict import asked_of_models
from concours.serving.keys import Keys
from concours.serving.pool import Pool
from concours.serving.refused import Refused
from concours.serving.shelf import Shelf, Version
from concours.serving.watch.log import unpacked, unpacked_values
from concours.serving.watch.watch import Watch
from concours.serving.wire import Ask, Told
from concours.serving.worker import Spec

LARGEST: Final = 64 << 20
"""Bytes of a request."""
LARGEST_MODEL: Final = 4 << 30
"""Bytes of a model that is sent."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass
class Meter:
    """What was asked, in Prometheus' form."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        of_key = ["model", "key"]
        self.requests = Counter("concours_requests", "Requests", [*of_key, "status"], registry=self.registry)
        said = "Requests that a challenger was not asked, as it was behind"
        self.unshadowed = Counter("concours_unshadowed", said, ["model"], registry=self.registry)
        self.rows = Counter("concours_rows", "Rows that were predicted", of_key, registry=self.registry)
        self.seconds = Histogram(
            "concours_seconds",
            "Seconds from a request to its answer",
            ["model"],
            registry=self.registry,
            buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 60),
        )
        self._counts = dict[tuple[str, str, int], tuple[Counter, Counter, Histogram]]()

    def count(self, model: str, key: str, status: int, rows: int, seconds: float) -> None:
        """Counts an answer."""
        of = (model, key, status)
        if of not in self._counts:  # to look three of them up by their labels takes longer than to count
            asked, counted = self.requests.labels(*of), self.rows.labels(model, key)
            self._counts[of] = asked, counted, self.seconds.labels(model)
        requests, predicted, histogram = self._counts[of]
        requests.inc()
        predicted.inc(rows)
        histogram.observe(seconds)


class Server:
    """What is served, who may ask, and how much they did.

    Args:
        make: a pool for a model that was sent here.
        place: a folder for such models, which goes with the server.
    """

    def __init__(self, shelf: Shelf, keys: Keys, make: Callable[[Spec], Pool], place: Path) -> None:
        self.shelf, self.keys, self.meter = shelf, keys, Meter()
        self._make, self._place = make, place
        self._numbers = itertools.count(1)
        self._began = secrets.token_hex(4)
        self._tasks = set[asyncio.Task[None]]()

    async def deploy(self, authorization: str | None, name: str, model: str | None, content: bytes) -> Version:
        """Puts up a model that was sent, as the first or the next version of a name.

        Raises:
            Refused: this token may not, the name is none or answers for another task, or what was sent cannot be
                served: code that came along is not run.
        """
        self.keys.require(authorization, "deploy")
        if not _NAME.fullmatch(name):
            raise Refused(f"name={name!r}: a name has letters, digits, . _ and -, and begins with none of these three")
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._place))
        try:
            sent = await asyncio.to_thread(unpacked_into, folder, content)
            if asked := asked_of_models(sent, [sent.candidate(model).entrant.name]):
                whose = f"it uses {shown(asked)}, to which nobody here has agreed"
                raise Refused(f"{whose}; serve it from its folder, by concours serve RUN --trust")
            before = self.shelf.versions.get(name)
            watched = before is not None and before.watch is not None
            return await self.shelf.put(name, self._make(Spec(run=folder, model=model, watched=watched)))
        except ConcoursError as error:
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, Refused):
                raise
            raise Refused(f"what was sent cannot be served: {error}") from None

    async def ask(
        self,
        authorization: str | None,
        door: str,
        body: bytes,
        *,
        name: str | None,
        version: str | None = None,
        type: str = "",
        accept: str = "",
        query: dict[str, str] | None = None,
        deadline: str | None = None,
    ) -> tuple[Version, str, Told]:
        """Passes a request on to the model that it names, through a door (`serving.doors.table`): to that model, what
        the request is called, and the answer.

        Args:
            deadline: milliseconds after which the best answer that is ready is wanted.

        Raises:
            Refused: this token may not, there is no such model, too much waits, or the body is too large.
        """
        began = time.perf_counter()
        who, found, ask = self._entered(authorization, door, body, name, version, deadline)
        ask = Ask(ask.id, door, body, type, accept, {**(query or {}), **ask.query}, ask.seconds)
        told = await found.pool.answer(ask)
        self._left(found, who, ask, told, began)
        return found, ask.query["request"], told

    async def parts(
        self, authorization: str | None, door: str, body: bytes, *, name: str | None, deadline: str | None = None
    ) -> AsyncGenerator[Told, None]:
        """The parts of an answer, as they come; as of `ask`. Who stops asking for them is gone."""
        began = time.perf_counter()
        who, found, ask = self._entered(authorization, door, body, name, None, deadline)
        async with aclosing(found.pool.parts(ask)) as parts:
            async for told in parts:
                if told.last:
                    self._left(found, who, ask, told, began)
                more = {"x-concours-version": str(found.number), "x-concours-request": ask.query["request"]}
                yield replace(told, head={**told.head, **more})

    def _entered(
        self,
        authorization: str | None,
        door: str,
        body: bytes,
        name: str | None,
        version: str | None,
        deadline: str | None,
    ) -> tuple[str, Version, Ask]:
        """Who asks which model what. Raises Refused."""
        who = self.keys.require(authorization, "predict")
        found = self.shelf.find(name, version)
        if len(body) > LARGEST:
            raise too_large(len(body))
        number = next(self._numbers)
        about = {"model": found.name, "version": str(found.number), "request": f"{self._began}-{number:x}"}
        return who, found, Ask(number, door, body, query=about, seconds=seconds_of(deadline))

    def _left(self, found: Version, who: str, ask: Ask, told: Told, began: float) -> None:
        """What is kept of an answer: for the watch, and how much was asked."""
        if found.watch and told.seen:
            found.watch.observe(told.seen.ids, unpacked(told.seen.rows), unpacked_values(told.seen.predictions))
        if found.watch and found.shadow and told.seen:
            self._beside(self._shadowed(found, ask))
        self.meter.count(found.name, who, told.status, told.rows, time.perf_counter() - began)

    async def _shadowed(self, version: Version, ask: Ask) -> None:
        """Asks the challenger what the model was asked, for the watch; where it is behind, that is counted."""
        assert version.watch is not None  # noqa: S101 (for the type checker)
        assert version.shadow is not None  # noqa: S101
        try:
            told = await version.shadow.answer(ask)
        except Refused:
            self.meter.unshadowed.labels(version.name).inc()
            return
        if told.seen:
            model = version.shadow.about["model"]
            version.watch.shadow(model, told.seen.ids, unpacked_values(told.seen.predictions))

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def watch(self, authorization: str | None, scope: str, name: str | None) -> Watch:
        """The watch of a model. Raises Refused where the token is not for it, or nothing watches it."""
        self.keys.require(authorization, scope)
        found = self.shelf.find(name)
        if found.watch is None:
            raise Refused(f"{found.name} is not watched; start the server with --watch", status=404)
        return found.watch


def too_large(size: int, largest: int = LARGEST) -> Refused:
    """The refusal of a body of so many bytes."""
    return Refused(f"a request may have {largest:,} bytes, and this has {size:,} or more", status=413)


def require_plain(encoding: str | None) -> None:
    """Raises Refused where a body is packed, which its head says."""
    if (encoding or "identity").strip().lower() != "identity":
        raise Refused("the body is packed: send it without Content-Encoding", status=415)


def seconds_of(milliseconds: str | None) -> float | None:
    """A deadline in seconds. Raises Refused."""
    if milliseconds is None:
        return None
    try:
        found = float(milliseconds) / 1000
    except ValueError:
        raise Refused(f"the deadline {milliseconds!r} is no number of milliseconds") from None
    if not 0 < found <= 3600:
        raise Refused(f"the deadline of {milliseconds} ms is not between 0 and 3,600,000")
    return found
