"""The models of a server, by name: each in the version that answers, beside one that is being got ready."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from concours.core.errors import nearest
from concours.serving.about import unlike
from concours.serving.pool import Pool
from concours.serving.refused import Refused
from concours.serving.watch.opened import watch_of
from concours.serving.watch.watch import Watch


@dataclass(frozen=True)
class Version:
    """A model as it answers now.

    Attributes:
        number: from 1.
        watch: what watches it, where anything does.
        shadow: a model that is asked what it is asked, whose answers only the watch gets.
    """

    name: str
    number: int
    pool: Pool
    watch: Watch | None = None
    shadow: Pool | None = None

    async def stop(self) -> None:
        """Answers what it was asked, then ends."""
        await asyncio.gather(*(pool.stop() for pool in (self.pool, self.shadow) if pool))
        if self.watch:
            await asyncio.to_thread(self.watch.close)


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

    async def put(self, name: str, pool: Pool, shadow: Pool | None = None) -> Version:
        """Puts a model up as the next version of its name, once it is ready; what the last one is asked it answers
        before it goes.

        Args:
            pool: where its `spec` says so, what it answers is kept and compared, in a file of the run folder.
            shadow: a challenger, of a model that is watched.

        Raises:
            ModelFailed: it cannot be served. DataError: its log is of another model, or somebody has it.
            Refused: the name answers for another task, so that those who ask it would not be understood.
        """
        await asyncio.gather(*(one.start() for one in (pool, shadow) if one))
        try:
            if (there := self._now.get(name)) and (why := unlike(there.pool.about, pool.about)):
                raise Refused(f"{name} answers for another task: {why}; choose another name, by --name", status=409)
            spec = pool.spec
            watch = await asyncio.to_thread(watch_of, spec.run, pool.about["model"]) if spec.watched else None
        except BaseException:
            await asyncio.gather(*(one.stop() for one in (pool, shadow) if one))
            raise
        before = self._now.get(name)
        number = before.number + 1 if before else 1
        self._now[name] = found = Version(name, number, pool, watch, shadow)
        if before:
            task = asyncio.create_task(before.stop())
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)
        return found

    async def stop(self) -> None:
        """Ends all of them, when they have answered what they were asked."""
        await asyncio.gather(*self._leaving, *(each.stop() for each in self._now.values()))
