"""An arena on the platform: its process, the votes that it is told of, and the tables that follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, Final

import pyarrow as pa
from sqlalchemy import bindparam, delete, distinct, func, insert, select, update
from sqlalchemy.engine import Connection

from concours.compete.poll import Poll
from concours.compete.poll_state import Polled, lines_of
from concours.compete.uploads import Upload
from concours.core.digests import Digest
from concours.core.event import utc_now
from concours.core.ports import Store
from concours.engine.inbox import new_signal
from concours.server.database import inbox
from concours.server.database.changes import tell
from concours.server.database.opened import Database
from concours.server.database.tables import (
    APPLIED,
    BATTLES,
    COMPETITIONS,
    PAIRINGS,
    PHASES,
    PLACES,
    SIGNALS,
    SUBMISSIONS,
)
from concours.server.database.texts import json_of, text_of
from concours.server.hosting.competition import Arena, Competition
from concours.server.platform import Platform
from concours.server.services import phases
from concours.server.services.arena import WINNERS
from concours.server.services.pairing import Pairing, Shown
from concours.server.services.stages import RATING
from concours.stores.blobs import put_table

GATHERED_S: Final = 2.0
"""How long votes are gathered before they are a batch, at first."""

BATCH_S: Final = 0.001
"""How much longer for each batch that there is: all of them are read for a rating."""

_VOTER: Final = "voter"
_SHOWN_BY: Final = ("prompts", "received", "withdrawn", "rated")
"""What the tables hang on, of the state of a poll."""


def poll_of(name: str, arena: Arena, files: Mapping[str, Digest]) -> Poll:
    """The process of a phase of an arena.

    Args:
        files: of the competition's folder when the phase began, by path: what people are shown stays the same.
    """
    prompts = Upload(file=files[arena.prompts], called=PurePosixPath(arena.prompts).name)
    return Poll(name=name, cluster=(_VOTER,), prompts=prompts)


# Votes on their way to the journal


def deliver(platform: Platform, *, now: str = "") -> int:
    """Puts the votes of each arena that have waited long enough in its inbox, as one batch; how many batches.

    No vote waits longer than `GATHERED_S`, or `BATCH_S` times the batches that there are, and the time to the next
    call; and no arena has more than a batch in that time. An arena whose phase ends has the last votes first, and then
    the signal that closes it. Law: each vote is in exactly one batch, whoever is killed whenever, since what carries it
    is written with the same transaction as that it is carried.
    """
    with platform.database.reading() as db:
        oldest = db.execute(
            select(BATTLES.c.phase, func.min(BATTLES.c.at).label("at")).where(*_UNCARRIED).group_by(BATTLES.c.phase)
        ).all()
        waiting = [row.phase for row in oldest if _waited(row.at, now or utc_now()) >= _gathers_s(db, row.phase)]
        ending = _ending(db)
        called = dict.fromkeys([*waiting, *ending])
    batches = 0
    for phase in called:
        with platform.database.writing() as db:
            batches += gather(db, platform.store, phase) > 0
            if phase in ending:
                inbox.put(db, new_signal("closed", {}, to=f"phase {phase}", id=f"close {phase}"))
    return batches


def _waited(since: str, now: str) -> float:
    return (datetime.fromisoformat(now) - datetime.fromisoformat(since)).total_seconds()


def _gathers_s(db: Connection, phase: int) -> float:
    batches = select(func.count(distinct(BATTLES.c.batch))).where(BATTLES.c.phase == phase)
    return max(GATHERED_S, BATCH_S * db.execute(batches).scalar_one())


def _ending(db: Connection) -> list[int]:
    """Arenas that take no more votes, and have not been told so."""
    rows = db.execute(
        select(PHASES.c.id, COMPETITIONS.c.settings)
        .join(COMPETITIONS, COMPETITIONS.c.id == PHASES.c.competition)
        .where(PHASES.c.state == "closing")
    ).all()
    found = [row.id for row in rows if Competition.from_json(json_of(row.settings)).arena]
    told = db.execute(select(SIGNALS.c.board, SIGNALS.c.signal)).all() if found else []
    closed = {row.board for row in told if json_of(row.signal)["name"] == "closed"}
    return [phase for phase in found if f"phase {phase}" not in closed]


_UNCARRIED: Final = (BATTLES.c.batch == "", BATTLES.c.outcome.in_(list(WINNERS)))


def gather(db: Connection, store: Store, phase: int) -> int:
    """Makes one batch of all votes of a phase that are in none, in the transaction of `db`; how many votes."""
    rows = db.execute(
        select(BATTLES).where(BATTLES.c.phase == phase, *_UNCARRIED).order_by(BATTLES.c.id).with_for_update()
    ).all()
    if not rows:
        return 0
    votes = {
        "model_a": [str(row.left) for row in rows],
        "model_b": [str(row.right) for row in rows],
        "winner": [WINNERS[row.outcome] for row in rows],
        _VOTER: [str(row.voter) for row in rows],
        "battle": [str(row.id) for row in rows],
    }
    digest = put_table(store, pa.table({name: pa.array(values, pa.string()) for name, values in votes.items()}))
    batch = f"votes {digest.removeprefix('sha256:')}"
    carried = update(BATTLES).where(BATTLES.c.id == bindparam("battle")).values(batch=batch)
    db.execute(carried, [{"battle": row.id} for row in rows])
    inbox.put(db, new_signal("voted", {"votes": digest}, to=f"phase {phase}", id=batch))
    return len(rows)


# What follows from the journal


class ArenaProjection:
    """The tables of an arena, which follow from the state of its process.

    Nothing in them is known from elsewhere: `whole` makes all of them from a state.
    """

    def __init__(self, database: Database, board: str, phase: int) -> None:
        self._database, self._board, self._phase = database, board, phase
        self._live = False

    def watch(self, before: Polled, after: Polled, number: int) -> None:
        """Follows a step; up to which record of the journal, -1 while that is recalled."""
        if number < 0 or (self._live and before is after):
            return
        with self._database.writing() as db:
            if not self._live:
                self.whole(db, after)
            elif any(getattr(before, what) is not getattr(after, what) for what in _SHOWN_BY):
                self._write(db, after, list(after.received)[len(before.received) :])
            self._applied(db, number)
        self._live = True

    def whole(self, db: Connection, state: Polled) -> None:
        """Writes all tables anew."""
        self._write(db, state, list(state.received))

    def finish(self, state: Polled) -> None:
        """Writes down that the poll has come to its end, if it has: its board is final, and its phase closed."""
        if state.closed:
            with self._database.writing() as db:
                self.whole(db, state)
                self._places(db, state, "rest")
                phases.end(db, self._phase)

    def _write(self, db: Connection, state: Polled, received: list[str]) -> None:
        for entry in received:
            self._submission(db, state, entry)
        self._places(db, state, "public")
        self._pairing(db, state)
        tell(db, f"board {self._phase}", *(f"submission {entry}" for entry in received))

    def _applied(self, db: Connection, number: int) -> None:
        mine, values = APPLIED.c.board == self._board, {"number": number, "at": utc_now()}
        if not db.execute(update(APPLIED).where(mine).values(**values)).rowcount:
            db.execute(insert(APPLIED).values(board=self._board, **values))

    def _submission(self, db: Connection, state: Polled, entry: str) -> None:
        came = state.received[entry]
        values: dict[str, Any] = {"state": "failed" if came.reason else "scored", "reason": came.reason}
        if came.reason and not came.theirs:
            values["charged"] = False
        its = (SUBMISSIONS.c.id == int(entry), SUBMISSIONS.c.state != "stopped")
        db.execute(update(SUBMISSIONS).where(*its).values(**values))

    def _places(self, db: Connection, state: Polled, part: str) -> None:
        db.execute(delete(PLACES).where(PLACES.c.board == self._board, PLACES.c.part == part))
        rows = [
            {
                "board": self._board,
                "part": part,
                "entry": int(entry),
                "team": "" if state.entries[entry].baseline else state.entries[entry].team,
                "number": number,
                "line": text_of(place(line)),
            }
            for number, (entry, line) in enumerate(lines_of(state).items())
        ]
        if rows:
            db.execute(insert(PLACES), rows)

    def _pairing(self, db: Connection, state: Polled) -> None:
        db.execute(delete(PAIRINGS).where(PAIRINGS.c.board == self._board))
        if pairing := pairing_of(state):
            told = [dict(one) for one in state.rated.values.get("voters", ())] if state.rated else []
            content = {"content": text_of(pairing.to_json()), "voters": text_of(told)}
            db.execute(insert(PAIRINGS).values(board=self._board, **content))


def place(line: Mapping[str, Any]) -> dict[str, Any]:
    """A line of a poll as `PLACES` keeps lines: the rating is its one metric."""
    counted = {name: line.get(name, 0) for name in ("battles", "wins", "losses", "ties")}
    ranks = {name: line.get(name) for name in ("rank", "rank_best", "rank_worst", "tier")}
    return {
        "metrics": {RATING.name: line["rating"]},
        "intervals": {RATING.name: list(line["ci"])} if line.get("ci") else {},
        "unsure": {RATING.name: line["note"]} if line["note"] else {},
        **ranks,
        **counted,
    }


def pairing_of(state: Polled) -> Pairing | None:
    """What may be shown next, as the latest rating has it; none before the prompts are read.

    Who has joined since that rating is shown as often as any, by the draws that are even.
    """
    if state.prompts is None or state.prompts.texts is None:
        return None
    shown = state.shown
    entries = [
        Shown(
            entry=int(entry),
            team=None if came.baseline else int(came.team),
            answers=str(state.received[entry].texts),
        )
        for entry, came in shown.items()
    ]
    places = {came.label: number for number, came in enumerate(shown.values())}
    asked = state.rated.asked.shown if state.rated else ()
    pairs = state.rated.values.get("pairs", ()) if state.rated else ()
    known = ((asked[int(first)], asked[int(second)], share) for first, second, share in pairs)
    shares = [
        (*sorted((places[first], places[second])), share)
        for first, second, share in known
        if first in places and second in places
    ]
    return Pairing(prompts=state.prompts.texts, count=state.prompts.count, entries=tuple(entries), shares=tuple(shares))
