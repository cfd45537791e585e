"""What all protocols of a server share: who may ask, which model, how much was asked."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from concours.serving.keys import Keys
from concours.serving.refused import Refused
from concours.serving.shelf import Shelf, Version
from concours.serving.wire import Ask, Told

LARGEST: Final = 64 << 20
"""Bytes of a request."""


@dataclass
class Meter:
    """What was asked, in Prometheus' form."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        of_key = ["model", "key"]
        self.requests = Counter("concours_requests", "Requests", [*of_key, "status"], registry=self.registry)
        self.rows = Counter("concours_rows", "Rows that were predicted", of_key, registry=self.registry)
        self.seconds = Histogram(
            "concours_seconds",
            "Seconds from a request to its answer",
            ["model"],
            registry=self.registry,
            buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 60),
        )


class Server:
    """What is served, who may ask, and how much they did."""

    def __init__(self, shelf: Shelf, keys: Keys) -> None:
        self.shelf, self.keys, self.meter = shelf, keys, Meter()
        self._numbers = itertools.count(1)

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
    ) -> tuple[Version, Told]:
        """Passes a request on to the model that it names, through a door (`serving.doors.table`).

        Args:
            deadline: milliseconds after which the best answer that is ready is wanted.

        Raises:
            Refused: this token may not, there is no such model, too much waits, or the body is too large.
        """
        began = time.perf_counter()
        who = self.keys.require(authorization, "predict")
        found = self.shelf.find(name, version)
        if len(body) > LARGEST:
            raise too_large(len(body))
        about = {**(query or {}), "model": found.name, "version": str(found.number)}
        ask = Ask(next(self._numbers), door, body, type, accept, about, seconds_of(deadline))
        told = await found.pool.answer(ask)
        self._count(found, who, told, began)
        return found, told

    async def parts(
        self, authorization: str | None, door: str, body: bytes, *, name: str | None, deadline: str | None = None
    ) -> AsyncIterator[Told]:
        """The parts of an answer, as they come; as of `ask`. Who stops asking for them is gone."""
        began = time.perf_counter()
        who = self.keys.require(authorization, "predict")
        found = self.shelf.find(name)
        about = {"model": found.name, "version": str(found.number)}
        ask = Ask(next(self._numbers), door, body, query=about, seconds=seconds_of(deadline))
        async with aclosing(found.pool.parts(ask)) as parts:
            async for told in parts:
                if told.last:
                    self._count(found, who, told, began)
                yield told

    def _count(self, found: Version, who: str, told: Told, began: float) -> None:
        self.meter.requests.labels(found.name, who, told.status).inc()
        self.meter.rows.labels(found.name, who).inc(told.rows)
        self.meter.seconds.labels(found.name).observe(time.perf_counter() - began)


def too_large(size: int) -> Refused:
    """The refusal of a body of so many bytes."""
    return Refused(f"a request may have {LARGEST:,} bytes, and this has {size:,} or more", status=413)


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
