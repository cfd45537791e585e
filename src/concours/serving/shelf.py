"""The models of a server, by name: each in the version that answers, beside one that is being got ready."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from concours.core.errors import nearest
from concours.serving.pool import Pool
from concours.serving.refused import Refused


@dataclass(frozen=True)
class Version:
    """A model as it answers now.

    Attributes:
        number: from 1.
        run: the folder it came from.
    """

    name: str
    number: int
    run: Path
    pool: Pool


class Shelf:
    """What is served."""

    def __init__(self) -> None:
        self._now: dict[str, Version] = {}
        self._leaving = set[asyncio.Task[None]]()

    @property
    def versions(self) -> Mapping[str, Version]:
        """By name, in the order in which they came."""
        return self._now

    def find(self, name: str | None = None, version: str | None = None) -> Version:
        """The model of a name, or the only one. Raises Refused."""
        if name is None:
            if len(self._now) == 1:
                return next(iter(self._now.values()))
            raise Refused(f"which model? {', '.join(self._now)} are served", status=404)
        found = self._now.get(name)
        if found is None:
            raise Refused(f"no model {name!r} is served; {nearest(name, self._now)}", status=404)
        if version is not None and version != str(found.number):
            raise Refused(f"{name} answers as version {found.number}; there is no version {version!r}", status=404)
        return found

    async def put(self, name: str, run: Path, pool: Pool) -> Version:
        """Puts a model up as the next version of its name, once it is ready; what the last one is asked it answers
        before it goes. Raises ModelFailed.
        """
        await pool.start()
        before = self._now.get(name)
        self._now[name] = found = Version(name, before.number + 1 if before else 1, run, pool)
        if before:
            task = asyncio.create_task(before.pool.stop())
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)
        return found

    async def stop(self) -> None:
        """Ends all of them, when they have answered what they were asked."""
        await asyncio.gather(*self._leaving, *(each.pool.stop() for each in self._now.values()))
