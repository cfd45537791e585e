"""The phases of competitions, as time passes: the conductor asks which are due, and has them begin and end.

    waiting -> open -> closing -> closed

Every step is one transaction that holds the row of its phase, and is the same when it is done twice: rows of what joins
by itself are named by what they come from, and signals by their rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, insert, select, update
from sqlalchemy.engine import Connection

from concours.core.digests import digest_json
from concours.core.event import utc_now
from concours.core.typed import typed
from concours.engine.inbox import new_signal
from concours.server import audit
from concours.server.database import inbox
from concours.server.database.tables import COMPETITIONS, PHASES, PLACES, SUBMISSIONS, TEAMS
from concours.server.database.texts import json_of
from concours.server.hosting.competition import Competition, Phase
from concours.server.hosting.opened import Opened
from concours.server.services import editions

_BY: Final = "the platform"
_LEFT_OUT: Final = ("stopped", "failed")
_WAYS: Final[Mapping[str, str]] = {"file": "predictions", "program": "code", "recipe": "code"}
"""What a baseline brings, by how its signal says it."""


@dataclass(frozen=True, kw_only=True)
class Due:
    """Phases by their numbers: which are to begin now, and which are to end."""

    begin: tuple[int, ...]
    end: tuple[int, ...]


def due(db: Connection, now: str) -> Due:
    """What is due by its dates, of competitions that are published; the earliest first."""
    query = (
        select(PHASES.c.id)
        .join(COMPETITIONS, COMPETITIONS.c.id == PHASES.c.competition)
        .where(COMPETITIONS.c.state == "published")
    )
    begin = query.where(PHASES.c.state == "waiting", PHASES.c.begins <= now).order_by(PHASES.c.begins, PHASES.c.id)
    end = query.where(PHASES.c.state == "open", PHASES.c.ends <= now).order_by(PHASES.c.ends, PHASES.c.id)
    return Due(begin=tuple(db.execute(begin).scalars()), end=tuple(db.execute(end).scalars()))


def begin(db: Connection, phase: int) -> None:
    """Opens a phase, and its host's baselines enter. Nothing happens where it is not waiting."""
    row = _locked(db, phase)
    if row.state != "waiting":
        return
    db.execute(update(PHASES).where(PHASES.c.id == phase).values(state="open"))
    of = db.execute(select(COMPETITIONS).where(COMPETITIONS.c.id == row.competition)).one()
    for body in Opened.from_json(json_of(of.opened)).baselines if of.opened else ():
        _enter_baseline(db, row, body)
    audit.write(db, _BY, "phase.begin", f"{of.slug} {row.key}")


def close(db: Connection, phase: int) -> None:
    """Ends a phase: nothing is taken any more, and its board is told the finals that teams have chosen.

    A team that has chosen none is ranked by its best public one (`compete.hosted`). What has not begun is closed at
    once. Nothing happens where the phase has ended. An arena is told by who brings it its last votes
    (`scoring.arena.deliver`).
    """
    row = _locked(db, phase)
    if row.state not in ("waiting", "open"):
        return
    begun = row.state == "open"
    declared = db.execute(select(COMPETITIONS.c.settings).where(COMPETITIONS.c.id == row.competition)).scalar_one()
    db.execute(update(PHASES).where(PHASES.c.id == phase).values(state="closing" if begun else "closed"))
    if begun and not Competition.from_json(json_of(declared)).arena:
        finals: dict[str, list[str]] = defaultdict(list)
        for one in (one for chosen in _chosen(db, phase).values() for one in chosen):
            finals[str(one.team)].append(str(one.id))
        body = {"finals": finals}
        inbox.put(db, new_signal("closed", body, to=f"phase {phase}", id=f"close {phase}"))
    audit.write(db, _BY, "phase.close", f"{_slug(db, row)} {row.key}")


def end(db: Connection, phase: int) -> None:
    """What follows when the private rows of a phase are scored: chosen entries are handed over, where the host wants
    that, and with its last phase the competition is closed. Nothing happens where the phase is not closing."""
    competition = select(PHASES.c.competition).where(PHASES.c.id == phase).scalar_subquery()
    db.execute(
        select(COMPETITIONS.c.id).where(COMPETITIONS.c.id == competition).with_for_update()
    )  # as hosts do: first
    row = _locked(db, phase)
    if row.state != "closing":
        return
    db.execute(update(PHASES).where(PHASES.c.id == phase).values(state="closed"))
    hand_over(db, phase)
    of = PHASES.c.competition == row.competition
    if not db.execute(select(PHASES.c.id).where(of, PHASES.c.state != "closed")).first():
        db.execute(
            update(COMPETITIONS)
            .where(COMPETITIONS.c.id == row.competition, COMPETITIONS.c.state == "published")
            .values(state="closed", closed=utc_now())
        )
    audit.write(db, _BY, "phase.end", f"{_slug(db, row)} {row.key}")


def hand_over(db: Connection, phase: int) -> tuple[int, ...]:
    """The entries that teams have chosen join the next phase, if the host has said so and it takes what they bring.

    Of a team that chose none its best public entry joins. It does not count against the limits.

    Returns: the submissions that are new.
    """
    row = _locked(db, phase)
    after = db.execute(
        select(PHASES)
        .where(PHASES.c.competition == row.competition, PHASES.c.number > row.number)
        .order_by(PHASES.c.number)
        .limit(1)
    ).one_or_none()
    if after is None or after.state not in ("waiting", "open") or not typed(Phase, json_of(row.settings)).hand_over:
        return ()
    takes = typed(Phase, json_of(after.settings)).takes
    chosen = _best(db, phase) | _chosen(db, phase)
    entries = [one for team in sorted(chosen) for one in chosen[team] if one.brings in takes]
    made = []
    for one in entries:
        number = _join(db, one, after.id, once=f"handed {after.id} {one.id}", final=False)
        if number is not None:
            made.append(number)
            editions.sent(db, after.id, one.team, utc_now())
    return tuple(made)


def again(db: Connection, row: Row[Any], number: int) -> int:
    """A submission that was made once before enters its board anew, for the number-th time."""
    made = _join(db, row, row.phase, once=f"again {row.id} {number}", final=row.final)
    if made is None:
        raise ValueError(f"submission {row.id} was run again for the {number}-th time before")
    return made


def _locked(db: Connection, phase: int) -> Row[Any]:
    return db.execute(select(PHASES).where(PHASES.c.id == phase).with_for_update()).one()


def _slug(db: Connection, row: Row[Any]) -> str:
    return str(db.execute(select(COMPETITIONS.c.slug).where(COMPETITIONS.c.id == row.competition)).scalar_one())


def _chosen(db: Connection, phase: int) -> dict[int, list[Row[Any]]]:
    """The finals of each team that has chosen some."""
    rows = db.execute(
        select(SUBMISSIONS)
        .where(
            SUBMISSIONS.c.phase == phase,
            SUBMISSIONS.c.final,
            SUBMISSIONS.c.team.is_not(None),
            SUBMISSIONS.c.state.not_in(_LEFT_OUT),
        )
        .order_by(SUBMISSIONS.c.id)
    )
    found: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        found[row.team].append(row)
    return dict(found)


def _best(db: Connection, phase: int) -> dict[int, list[Row[Any]]]:
    """The entry of each team by which it stands on the public board."""
    rows = db.execute(
        select(SUBMISSIONS)
        .join(PLACES, PLACES.c.entry == SUBMISSIONS.c.id)
        .where(
            PLACES.c.board == f"phase {phase}",
            PLACES.c.part == "public",
            SUBMISSIONS.c.team.is_not(None),
            SUBMISSIONS.c.state.not_in(_LEFT_OUT),
        )
        .order_by(PLACES.c.number.desc())  # of teams that were merged the better one
    )
    return {row.team: [row] for row in rows}


def _join(db: Connection, row: Row[Any], phase: int, *, once: str, final: bool) -> int | None:
    """A submission like another one, in a phase; none where there is one of that name."""
    if db.execute(select(SUBMISSIONS.c.id).where(SUBMISSIONS.c.once == once)).first():
        return None
    into = db.execute(select(TEAMS.c.into).where(TEAMS.c.id == row.team)).scalar() if row.team else None
    copied = ("competition", "user", "name", "brings", "called", "digest", "size", "message", "address")
    values = {name: row._mapping[name] for name in copied}
    more = {"team": into or row.team, "charged": False, "final": final, "of": row.id}
    number = _insert(db, {**values, **more, "phase": phase, "once": once})
    brought = "file" if row.brings == "predictions" else "program"
    body = {"name": row.name, "team": str(into or row.team), brought: row.digest, "called": row.called}
    inbox.put(db, new_signal("joined", body, to=f"phase {phase}", id=str(number)))
    return number


def _enter_baseline(db: Connection, phase: Row[Any], body: Mapping[str, Any]) -> None:
    name = str(body["name"])
    once = f"baseline {phase.id} {digest_json(name)[7:39]}"
    if db.execute(select(SUBMISSIONS.c.id).where(SUBMISSIONS.c.once == once)).first():
        return
    way = next(way for way in _WAYS if way in body)
    values = {
        "competition": phase.competition,
        "phase": phase.id,
        "name": name[:120],
        "brings": _WAYS[way],
        "called": str(body.get("called", body[way]))[:200],
        "digest": digest_json(dict(body)) if way == "recipe" else body[way],
        "size": 0,
        "charged": False,
        "once": once,
    }
    number = _insert(db, values)
    inbox.put(db, new_signal("joined", dict(body), to=f"phase {phase.id}", id=str(number)))


def _insert(db: Connection, values: Mapping[str, Any]) -> int:
    found = db.execute(insert(SUBMISSIONS).values(**values, at=utc_now(), state="waiting").returning(SUBMISSIONS.c.id))
    return int(found.scalar_one())
