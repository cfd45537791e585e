"""The conductor: drives the board of every phase that is open, and has competitions opened. There is one a platform.

It is a process of its own. Where several platforms share a database, one of them conducts and the others wait for it to
end. All that it knows is in the database, so it may be killed at any instant: the next one goes on from the journals.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from typing import Any, Final

from concours.core.event import utc_now
from concours.core.ports import Executor
from concours.engine.leased import DividedExecutor, LeasedExecutor
from concours.engine.limits import Limits, memory_per_worker
from concours.engine.processes import ProcessExecutor
from concours.server import logs
from concours.server.database.changes import tell
from concours.server.database.inbox import Post
from concours.server.platform import Platform
from concours.server.scoring.arena import deliver
from concours.server.scoring.boards import Kept, wanted
from concours.server.scoring.hub import Hub
from concours.server.scoring.keeping import BoardKeeper
from concours.server.scoring.openings import Openings
from concours.server.scoring.runners import TABLE, warming
from concours.server.scoring.tidying import Tidying
from concours.server.services import phases
from concours.server.settings import Settings
from concours.server.staff import serve_post
from concours.server.working.queue import SqlQueue
from concours.server.working.reach import owner_of

_LOG: Final = logging.getLogger("concours.conductor")
_FETCH_S: Final = 0.03
"""How long a signal waits to be fetched, at most."""
_LOOK_S: Final = 1.0
"""Between two looks at dates, at boards, and at competitions to open."""
_AGAIN_S: Final = 5.0
"""Before a board that has failed is begun again from its journal."""
_JOB_S: Final = 900.0
_LEASED_S: Final = 0.25
_REST_S: Final = 5.0
_HELD_S: Final = 1.0
"""Between two looks at whether another still conducts."""


def conduct(told: Mapping[str, Any], leaving: threading.Event) -> None:
    """Conducts until it is told to leave."""
    settings = Settings.from_json(told)
    logs.keep(settings, "conductor")
    platform = Platform.opened(settings)
    with platform.database.alone("conductor", until=lambda: leaving.wait(_HELD_S)) as alone:
        if alone:
            Conductor(platform, scorers(platform)).work(leaving)


def scorers(platform: Platform) -> Executor:
    """Who scores: processes on this machine."""
    workers = platform.settings.workers
    limits = Limits(seconds=_JOB_S, memory=memory_per_worker(workers))
    return ProcessExecutor(platform.store, TABLE, workers=workers, limits=limits)


class Conductor:
    """What a conductor holds.

    Args:
        scorers: do all that needs no sandbox; closed with it.
    """

    def __init__(self, platform: Platform, scorers: Executor) -> None:
        self._platform = platform
        self._post = Post(platform.database.engine)
        self._hub = Hub(scorers, self._post.changed)
        self._leased: dict[int, Hub] = {}
        self._openings = Openings(platform, self._hub)
        self._tidying = Tidying(platform)
        self._keepers: dict[str, BoardKeeper] = {}
        for job in warming(platform.settings.workers):
            self._hub.do(job)

    @property
    def busy(self) -> bool:
        """Whether a job is under way."""
        return any(hub.busy for hub in self._hubs)

    def work(self, leaving: threading.Event) -> None:
        """Raises what the database or the executor raises: whoever started it starts it again."""
        failed: list[BaseException] = []
        fetching = threading.Thread(target=self._fetch, args=(leaving, failed), name="post", daemon=True)
        fetching.start()
        try:
            while not leaving.is_set():
                for broken in (*failed, *(hub.failed for hub in self._hubs)):
                    if broken:
                        raise broken
                self._openings.look()
                self._tidying.look()
                self._turn(utc_now())
                deliver(self._platform)
                self._keep()
                leaving.wait(_LOOK_S)
        finally:
            leaving.set()
            self._post.close()
            for thread in (fetching, *self._keepers.values()):
                thread.join(_REST_S)
            for hub in self._hubs:
                hub.close()

    def _fetch(self, leaving: threading.Event, failed: list[BaseException]) -> None:
        try:
            while not leaving.wait(_FETCH_S):
                self._post.fetch()
        except Exception as error:  # noqa: BLE001 (raised where it is waited for)
            failed.append(error)

    def _turn(self, now: str) -> None:
        """Begins and ends what is due."""
        database = self._platform.database
        with database.reading() as db:
            due = phases.due(db, now)
        for turn, numbers in ((phases.close, due.end), (phases.begin, due.begin)):
            for number in numbers:
                with database.writing() as db:
                    turn(db, number)
                    tell(db, f"board {number}")

    def _keep(self) -> None:
        """Sees to it that each board that has something to do has a keeper."""
        for board in wanted(self._platform.database):
            keeper = self._keepers.get(board.name)
            if keeper and (keeper.is_alive() or time.monotonic() < keeper.ended + _AGAIN_S):
                continue
            self._keepers[board.name] = keeper = BoardKeeper(self._platform, board, self._executor(board), self._post)
            keeper.start()

    def _executor(self, board: Kept) -> Executor:
        """For one board. What is leased is its competition's: a conductor goes on with that of the one before."""
        leased = self._leased.get(board.competition)
        if leased is None:
            executor = LeasedExecutor(SqlQueue(self._platform.database, owner_of(board.competition)))
            self._leased[board.competition] = leased = Hub(
                executor, self._post.changed, listens_s=_LEASED_S, lasting=True
            )
        return DividedExecutor(self._hub.seat(), leased.seat())

    @property
    def _hubs(self) -> tuple[Hub, ...]:
        return (self._hub, *self._leased.values())


if __name__ == "__main__":
    serve_post(conduct)
