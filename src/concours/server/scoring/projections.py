"""What follows from the journal of a hosted board, as rows of tables that pages read.

Law: what `watch` writes, step by step, is what `whole` writes of the last state. So these tables may be emptied at any
time, and are filled again from the journal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import count
from typing import Any, Final

from sqlalchemy import Table, delete, insert, select, update
from sqlalchemy.engine import Connection

from concours.compete.answered import Answered
from concours.compete.hosted_board import Allied, Board, Part, Ranking, current
from concours.compete.hosted_changes import Moved, changes, rescorings
from concours.compete.hosted_lines import Line, lines, unranked
from concours.compete.hosted_watch import unusual
from concours.core.digests import Digest
from concours.core.event import utc_now
from concours.core.standings import Standing
from concours.server.database.changes import tell
from concours.server.database.opened import Database
from concours.server.database.tables import (
    ALLIANCES,
    APPLIED,
    PHASES,
    PLACES,
    RESCORES,
    SCORES,
    SUBMISSIONS,
    SUSPICIONS,
)
from concours.server.database.texts import text_of
from concours.server.services import phases
from concours.server.services.numbers import count_scored

Row = dict[str, Any]

_LAST: Final = 1 << 30
"""The number of a line that is not ranked yet; it stands behind those that are."""
_AT_A_TIME: Final = 500
_NOT_THEIRS: Final = (
    "The platform is to blame for that: it does not count against your limits. Send it again, or ask a host to run it "
    "again"
)


class Projection:
    """Follows one board.

    Args:
        phase: whose board it is.
    """

    def __init__(self, database: Database, board: str, phase: int) -> None:
        self._database, self._board, self._phase = database, board, phase
        self._live = False

    def watch(self, before: Board, after: Board, number: int) -> None:
        """Writes down what a step has changed (`engine.loop.Engine.drive`); the first time, all that is not so."""
        if number < 0 or (self._live and before is after):
            return
        with self._database.writing() as db:
            if not self._live:
                self.whole(db, after)
            else:
                self._step(db, before, after)
            self._applied(db, number)
            tell(db, f"board {self._phase}")
        self._live = True

    def finish(self, state: Board) -> None:
        """Writes down that the board has come to its end, if it has."""
        if state.closed and not state.under_way and state.ranking is None:
            with self._database.writing() as db:
                self.whole(db, state)
                phases.end(db, self._phase)
                tell(db, f"board {self._phase}")

    def whole(self, db: Connection, state: Board) -> None:
        """Makes the tables say what follows from a state, and nothing else; touches what is not so alone."""
        scores = [row for entry in state.entries for row in self._scores(state, entry)]
        _settle(db, SCORES, SCORES.c.board == self._board, scores)
        places = [*self._places(state, "public"), *self._places(state, "rest")]
        _settle(db, PLACES, PLACES.c.board == self._board, places)
        _settle(db, ALLIANCES, ALLIANCES.c.board == self._board, self._alliances(state))
        _settle(db, SUSPICIONS, SUSPICIONS.c.board == self._board, self._suspicions(state))
        columns = (SUBMISSIONS.c.id, SUBMISSIONS.c.state, SUBMISSIONS.c.reason, SUBMISSIONS.c.charged)
        known = db.execute(select(*columns).where(SUBMISSIONS.c.phase == self._phase))
        now = {row.id: row._asdict() for row in known}
        for entry in state.entries:
            said = _submitted(state, entry)
            if int(entry) in now and now[int(entry)] != {**now[int(entry)], **said}:
                self._submission(db, entry, said)
        self._problem(db, state)
        self._rescores(db, state)

    def _step(self, db: Connection, before: Board, after: Board) -> None:
        changed = changes(before, after)
        if changed.problems:
            self.whole(db, after)
            return
        for entry in changed.entries:
            if (said := _submitted(after, entry)) != _submitted(before, entry):
                self._submission(db, entry, said)
            rows = self._scores(after, entry)
            db.execute(delete(SCORES).where(SCORES.c.board == self._board, SCORES.c.entry == int(entry)))
            _put(db, SCORES, rows)
        gone = changed.merged or len(before.withdrawn) != len(after.withdrawn)
        parts: tuple[tuple[Part, bool], ...] = (("public", changed.public), ("rest", changed.rest))
        for part, other in parts:
            if other or gone:
                mine = (PLACES.c.board == self._board, PLACES.c.part == part)
                db.execute(delete(PLACES).where(*mine))
                _put(db, PLACES, self._places(after, part))
        if not (changed.public or gone):
            self._newcomers(db, after, {after.side_of(entry) for entry in changed.entries})
        if changed.alliance or changed.opted or changed.merged:
            _settle(db, ALLIANCES, ALLIANCES.c.board == self._board, self._alliances(after))
        if changed.watch or changed.rest or gone:
            _settle(db, SUSPICIONS, SUSPICIONS.c.board == self._board, self._suspicions(after))
        if len(after.problems) > 1 and (changed.entries or changed.merged):
            self._rescores(db, after)

    def _newcomers(self, db: Connection, state: Board, sides: Collection[str]) -> None:
        """The lines of sides that no ranking has ranked yet."""
        ranked = _sides(state, state.public) if sides else ()
        for side in sides:
            if side in ranked:
                continue
            entries = [int(entry) for entry in state.of_side[side]]
            mine = (PLACES.c.board == self._board, PLACES.c.part == "public", PLACES.c.entry.in_(entries))
            db.execute(delete(PLACES).where(*mine))
            if line := unranked(state, side, state.public):
                _put(db, PLACES, [self._place(state, line, "public", _LAST)])

    def _scores(self, state: Board, entry: str) -> list[Row]:
        """By each problem by which it has been scored."""
        found = ((problem, state.score(problem, entry)) for problem in dict.fromkeys(state.problems))
        return [
            {
                "board": self._board,
                "problem": problem,
                "entry": int(entry),
                "metrics": text_of(dict(score.metrics)),
                "intervals": text_of(dict(score.intervals)),
                "shown": _shown(state, problem, entry),
                "reason": score.reason,
            }
            for problem, score in found
            if score is not None
        ]

    def _places(self, state: Board, part: Part) -> list[Row]:
        if part == "rest" and state.rest is None:
            return []
        ranked = state.rest if part == "rest" else state.public
        within = _sides(state, ranked)
        numbers = count()
        return [
            self._place(state, line, part, next(numbers) if state.side_of(line.entry) in within else _LAST)
            for line in lines(state, part)
        ]

    def _alliances(self, state: Board) -> list[Row]:
        """Of the public rows, and of the rest once they are scored."""
        found: list[tuple[Part, Answered[Allied] | None]] = [("public", state.alliance), ("rest", state.last_alliance)]
        return [
            {"board": self._board, "part": part, "content": text_of(_together(state, known))}
            for part, known in found
            if known is not None and state.allowed
        ]

    def _suspicions(self, state: Board) -> list[Row]:
        """What hosts may want to look at."""
        return [
            {
                "board": self._board,
                "kind": one.kind,
                "entry": int(one.entry or 0),
                "other": int(one.other or 0),
                "value": one.value,
                "detail": text_of(dict(one.detail)),
            }
            for one in unusual(state)
        ]

    def _place(self, state: Board, line: Line, part: Part, number: int) -> Row:
        return {
            "board": self._board,
            "part": part,
            "entry": int(line.entry),
            "team": "" if state.entries[line.entry].baseline else state.team_of(line.entry),
            "number": number,
            "line": text_of(_numbers(line.standing)),
        }

    def _submission(self, db: Connection, entry: str, said: Row) -> None:
        if said["state"] == "scored":
            count_scored(db, self._board, int(entry))
        db.execute(update(SUBMISSIONS).where(SUBMISSIONS.c.id == int(entry)).values(**said))
        tell(db, f"submission {entry}")

    def _problem(self, db: Connection, state: Board) -> None:
        """The problem that counts."""
        db.execute(update(PHASES).where(PHASES.c.id == self._phase).values(problem=current(state)))

    def _rescores(self, db: Connection, state: Board) -> None:
        """Who has moved by each problem by which it was scored anew; rows are in the order of the signals."""
        its = select(RESCORES.c.id, RESCORES.c.problem, RESCORES.c.difference).where(RESCORES.c.board == self._board)
        told = rescorings(state)
        for row in db.execute(its.order_by(RESCORES.c.id)).all():
            found = next((moves for problem, moves in told if problem == row.problem), None)
            text = None if found is None else text_of(_ranks(found))
            if text != row.difference:
                db.execute(update(RESCORES).where(RESCORES.c.id == row.id).values(difference=text))

    def _applied(self, db: Connection, number: int) -> None:
        mine = APPLIED.c.board == self._board
        if not db.execute(update(APPLIED).where(mine).values(number=number, at=utc_now())).rowcount:
            db.execute(insert(APPLIED).values(board=self._board, number=number, at=utc_now()))


def _sides(state: Board, ranked: Answered[Ranking] | None) -> set[str]:
    """Whom a ranking has ranked; nobody if it failed."""
    return {state.side_of(entry) for entry in ranked.asked.entries} if ranked and ranked.values else set()


def _shown(state: Board, problem: Digest, entry: str) -> str | None:
    """The metrics that may be shown for an entry, where a guard stands before its own."""
    if not state.guarded:
        return None
    score = state.shown_score(problem, entry)
    return text_of(dict(score.metrics) if score else {})


def _submitted(state: Board, entry: str) -> Row:
    """What a submission has come to, and why; where that is not the fault of who sent it, that it does not count.

    Why one was stopped is said by who has stopped it.
    """
    if entry not in state.entries:
        return {"state": "waiting", "reason": ""}
    if entry in state.withdrawn:
        return {"state": "stopped"}
    result, score = state.results.get(entry), state.score(current(state), entry)
    failed = next((one for one in (result, score) if one and one.reason), None)
    if failed is None:
        return {"state": "running" if score is None else "scored", "reason": ""}
    if failed.theirs:
        return {"state": "failed", "reason": failed.reason}
    return {"state": "failed", "reason": f"{failed.reason}. {_NOT_THEIRS}", "charged": False}


def _ranks(moves: Iterable[Moved]) -> Row:
    """The ranks of teams that have another one: before, and after."""
    ranks = {one.team: [place and place.rank for place in (one.before, one.after)] for one in moves}
    return {team: [before, after] for team, (before, after) in ranks.items() if before != after}


def _numbers(standing: Standing) -> Row:
    """What a board shows of a line, as JSON."""
    found = {
        "status": standing.status,
        "rank": standing.rank,
        "rank_best": standing.rank_best,
        "rank_worst": standing.rank_worst,
        "score": standing.score,
        "metrics": dict(standing.metrics),
        "intervals": {name: list(ends) for name, ends in standing.intervals.items()},
        "ranks": {name: list(places) for name, places in standing.ranks.items()},
        "unsure": dict(standing.unsure),
        "tier": standing.tier,
        "reason": standing.reason,
        "note": standing.note,
    }
    return {name: value for name, value in found.items() if value not in (None, "", {})}


def _together(state: Board, known: Answered[Allied]) -> Row:
    """What entries achieve together, and who has which part in it; why nothing, where that is so.

    `ci` and `gain` are of the ranking metric; `alike` says how the errors of two members go together (correlation).
    """
    if known.reason:
        return {"reason": known.reason, "members": []}
    values = known.values
    first = next(iter(values["scores"]))
    credit, gain = values["credit"] or {}, values["gain"]
    entries = [known.asked.entries[place] for place in values["members"]]
    whole = {"credit": "shapley", "stderr": "stderr", "share": "shares", "without": "lost"}
    return {
        "reason": "",
        "score": values["scores"][first],
        "ci": values["intervals"][first],
        "metrics": values["scores"],
        "intervals": values["intervals"],
        "unsure": values["unsure"],
        "gain": gain["value"],
        "gain_ci": [gain["low"], gain["high"]],
        "certain": gain["certain"],
        "by": values["by"],
        "rows": values["rows"],
        "entered": values["entered"],
        "candidates": values["candidates"],
        "alike": values.get("complement", {}).get("correlation"),
        "members": [
            {
                "entry": int(entry),
                "team": state.team_of(entry),
                "name": state.entries[entry].name,
                "weight": values["weights"][number],
                **{name: credit[of][number] if credit.get(of) else None for name, of in whole.items()},
            }
            for number, entry in enumerate(entries)
        ],
    }


def _settle(db: Connection, table: Table, of: Any, rows: Iterable[Row]) -> None:
    """Makes the rows of a board these, by the table's key."""
    key = [column.name for column in table.primary_key]
    wanted = {tuple(row[name] for name in key): row for row in rows}
    gone = []
    for found in db.execute(select(table).where(of)).mappings():
        at = tuple(found[name] for name in key)
        if wanted.get(at) == dict(found):
            del wanted[at]
        else:
            gone.append(at)
    for at in gone:
        db.execute(delete(table).where(*(table.c[name] == value for name, value in zip(key, at, strict=True))))
    _put(db, table, list(wanted.values()))


def _put(db: Connection, table: Table, rows: list[Row]) -> None:
    for some in _parts(rows):
        db.execute(insert(table), some)


def _parts(rows: list[Row]) -> Iterator[list[Mapping[str, Any]]]:
    for first in range(0, len(rows), _AT_A_TIME):
        yield list(rows[first : first + _AT_A_TIME])
