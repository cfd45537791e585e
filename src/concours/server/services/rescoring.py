"""Another truth or other metrics for what is published, and entries that run again.

A host gives files and a reason; a job reads the competition as it would be then; what it finds becomes another problem
of each board that is at work, by a signal. Old scores stay, and who moved is kept beside the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Row, String, cast, func, insert, literal, select, update
from sqlalchemy.engine import Connection

from concours.core.event import utc_now
from concours.core.ports import Store
from concours.engine.inbox import new_signal
from concours.server import audit
from concours.server.database import inbox
from concours.server.database.changes import tell
from concours.server.database.tables import (
    COMPETITIONS,
    CORRECTIONS,
    PHASES,
    RESCORES,
    SUBMISSIONS,
    TEAMS,
    USERS,
)
from concours.server.database.texts import json_of, text_of
from concours.server.hosting.competition import TRUTH, Competition
from concours.server.hosting.opened import Asked, Opened
from concours.server.refusals import Conflict, Unfit, Unknown
from concours.server.services import phases
from concours.server.services.access import Access, Rule
from concours.server.services.editing import locked, read
from concours.server.services.files import Kept, put_all
from concours.server.services.publishing import ask, files_of
from concours.stores.problems import keep_problem

_LONGEST: Final = 2000
_BY: Final = "the platform"


@dataclass(frozen=True, kw_only=True)
class Correction:
    """What a host gave in place of a truth or of metrics.

    Attributes:
        files: paths of the files that were given.
        metrics: by name; none where they stay.
        state: `waiting` until it is read, `applied`, or `refused` with a complaint.
    """

    id: int
    by: str
    at: str
    why: str
    files: tuple[str, ...]
    metrics: tuple[str, ...]
    state: str
    complaint: str


@dataclass(frozen=True, kw_only=True)
class Move:
    """Where a team stood before a rescore, and after it; none where it had no place."""

    team: int
    name: str
    before: int | None
    after: int | None


@dataclass(frozen=True, kw_only=True)
class Rescore:
    """A board that was scored anew.

    Attributes:
        phase: its key.
        problem: by which it counts since then.
        moves: the teams whose place is another; none as long as it is being scored.
    """

    phase: str
    at: str
    why: str
    problem: str
    moves: tuple[Move, ...] | None


def correct(
    db: Connection, access: Access, *, why: str, files: Mapping[str, Kept], metrics: Sequence[str] = ()
) -> Correction:
    """Asks for a rescore of all boards that have begun; of what is closed the private board is made anew too.

    Args:
        why: what everybody reads beside the new scores.
        files: of `truth/`, in place of those of their paths.
        metrics: by name; where none is given, those that there are stay.

    Raises:
        Forbidden. Unfit: there is no reason, nothing to change, or a file that is in no use. Conflict: the competition
            is a draft or archived, a host's scorer reads the files, or another correction waits.
    """
    row = locked(db, access)
    competition = Competition.from_json(json_of(row.settings))
    _require_correctable(db, row, competition)
    if not why.strip() or len(why) > _LONGEST:
        raise Unfit(f"why: say in 1 to {_LONGEST:,} letters why it is scored anew; everybody reads it")
    if not files and not metrics:
        raise Unfit("files: give a file of truth/, or other metrics")
    there = files_of(db, row.id)
    for path in files:
        if path not in there or not path.startswith(f"{TRUTH}/"):
            known = ", ".join(one for one in there if one.startswith(f"{TRUTH}/"))
            raise Unfit(f"path: {path[:100]!r} is no file of the truth; expected one of {known}")
    after = _with_metrics(competition, metrics)
    values = {
        "competition": row.id,
        "by": access.actor.user,
        "at": utc_now(),
        "why": why.strip(),
        "files": text_of({path: vars(kept) for path, kept in files.items()}),
        "metrics": text_of(list(metrics)),
        "state": "waiting",
    }
    number = int(db.execute(insert(CORRECTIONS).values(**values).returning(CORRECTIONS.c.id)).scalar_one())
    ask(db, row, after, {**there, **{path: kept.digest for path, kept in files.items()}}, correction=number)
    audit.write(db, access.actor, "competition.correct", row.slug, {"correction": number, "files": sorted(files)})
    return next(one for one in corrections(db, access) if one.id == number)


def corrections(db: Connection, access: Access) -> tuple[Correction, ...]:
    """All corrections of a competition, the latest first, for hosts. Raises Forbidden."""
    access.require(Rule.HOST)
    rows = db.execute(
        select(CORRECTIONS, USERS.c.name)
        .join(USERS, USERS.c.id == CORRECTIONS.c.by)
        .where(CORRECTIONS.c.competition == access.competition.id)
        .order_by(CORRECTIONS.c.id.desc())
    )
    return tuple(
        Correction(
            id=row.id,
            by=row.name,
            at=row.at,
            why=row.why,
            files=tuple(sorted(json_of(row.files))),
            metrics=tuple(json_of(row.metrics)),
            state=row.state,
            complaint=row.complaint,
        )
        for row in rows
    )


def apply(db: Connection, store: Store, correction: int, found: Opened | str) -> None:
    """What follows when the files of a correction have been read: boards are told of another problem.

    What a board began with stays as it was, since its journal rests on it; a phase that has not begun begins with the
    new one, and one that was closed before it began is told nothing. Nothing happens where that is done.

    Args:
        found: or why they cannot be read.
    """
    asked = db.execute(select(CORRECTIONS).where(CORRECTIONS.c.id == correction)).one()
    row = db.execute(select(COMPETITIONS).where(COMPETITIONS.c.id == asked.competition).with_for_update()).one()
    asked = db.execute(select(CORRECTIONS).where(CORRECTIONS.c.id == correction)).one()
    if asked.state != "waiting":
        return
    if isinstance(found, str):
        values = {"state": "refused", "complaint": found}
        db.execute(update(CORRECTIONS).where(CORRECTIONS.c.id == correction).values(**values))
        audit.write(db, _BY, "competition.refuse", row.slug, {"correction": correction})
        return
    told = []
    opened = Opened.from_json(json_of(row.opened))
    for phase in db.execute(select(PHASES).where(PHASES.c.competition == row.id).with_for_update()).all():
        new = found.of(phase.key)
        if phase.state == "waiting":
            values = {"problem": new.problem.digest}
            db.execute(update(PHASES).where(PHASES.c.id == phase.id).values(**values))
            opened = replace(opened, asked=tuple(new if one.phase == phase.key else one for one in opened.asked))
        elif (phase.state != "closed" or phase.began) and new.problem.digest != phase.problem:
            _tell(db, store, phase, new, asked)
            told.append(phase.key)
    put_all(db, row.id, {path: Kept(**kept) for path, kept in json_of(asked.files).items()})
    after = _with_metrics(Competition.from_json(json_of(row.settings)), json_of(asked.metrics))
    values = {"settings": text_of(after.to_json()), "opened": text_of(opened.to_json()), "version": row.version + 1}
    db.execute(update(COMPETITIONS).where(COMPETITIONS.c.id == row.id).values(**values))
    db.execute(update(CORRECTIONS).where(CORRECTIONS.c.id == correction).values(state="applied"))
    audit.write(db, _BY, "competition.rescore", row.slug, {"correction": correction, "phases": told})


def rescores(db: Connection, access: Access) -> tuple[Rescore, ...]:
    """How boards were scored anew, the latest first; who moved on a board that is hidden is for hosts alone."""
    rows = db.execute(
        select(RESCORES, PHASES.c.key, PHASES.c.state, PHASES.c.settings)
        .join(PHASES, RESCORES.c.board == literal("phase ") + cast(PHASES.c.id, String))
        .where(PHASES.c.competition == access.competition.id)
        .order_by(RESCORES.c.id.desc())
    ).all()
    names = {
        str(row.id): row.name
        for row in db.execute(select(TEAMS.c.id, TEAMS.c.name).where(TEAMS.c.competition == access.competition.id))
    }
    return tuple(
        Rescore(
            phase=row.key,
            at=row.at,
            why=row.why,
            problem=row.problem,
            moves=_moves(row.difference, names) if row.difference and _may_see(access, row) else None,
        )
        for row in rows
    )


def run_again(db: Connection, access: Access, submission: int) -> int:
    """Runs a submission again, whatever became of it, as a new one that does not count, nor does the old one any more.

    What was waiting or running is stopped; what has a score keeps it.

    Returns: the number of the new one.

    Raises:
        Forbidden. Unknown: there is none of that number. Conflict: its board is closed, or it is a baseline by recipe.
    """
    access.require(Rule.HOST)
    row = db.execute(
        select(SUBMISSIONS)
        .where(SUBMISSIONS.c.id == submission, SUBMISSIONS.c.competition == access.competition.id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise Unknown(f"there is no submission {submission}")
    if row.team is None:
        raise Conflict(f"submission {submission} is a baseline, which enters when its phase begins")
    phase = db.execute(select(PHASES).where(PHASES.c.id == row.phase).with_for_update(read=True)).one()
    if phase.state != "open":
        raise Conflict(f"phase {phase.key!r} is {phase.state}: its board takes nothing any more")
    number = db.execute(select(func.count()).where(SUBMISSIONS.c.of == row.id, SUBMISSIONS.c.phase == row.phase))
    made = phases.again(db, row, number.scalar_one() + 1)
    values: dict[str, Any] = {"charged": False, "final": False}
    if row.state in ("waiting", "running"):
        values |= {"state": "stopped", "reason": f"a host has run it again, as {made}"}
        signal = new_signal("withdrawn", {"entry": str(row.id)}, to=f"phase {row.phase}", id=f"withdrawn {row.id}")
        inbox.put(db, signal)
    db.execute(update(SUBMISSIONS).where(SUBMISSIONS.c.id == row.id).values(**values))
    tell(db, f"submission {made}", f"submission {row.id}", "queue")
    audit.write(db, access.actor, "submission.again", str(row.id), {"as": made})
    return made


def _require_correctable(db: Connection, row: Row[Any], competition: Competition) -> None:
    if row.state not in ("published", "closed"):
        why = "nothing of it changes any more" if row.state == "archived" else "edit a draft itself"
        raise Conflict(f"{row.title!r} is {row.state}: only what is published or closed is rescored; {why}")
    if not competition.task:
        raise Conflict("what a scorer of the host's gives, or people's votes, cannot be rescored: there is no [task]")
    if db.execute(
        select(CORRECTIONS.c.id).where(CORRECTIONS.c.competition == row.id, CORRECTIONS.c.state == "waiting")
    ).first():
        raise Conflict("another correction is being read: wait until it is applied or refused")


def _with_metrics(competition: Competition, metrics: Sequence[str]) -> Competition:
    if not metrics:
        return competition
    value = competition.to_json()
    return read({**value, "task": {**value["task"], "metrics": list(metrics)}})


def _tell(db: Connection, store: Store, phase: Row[Any], new: Asked, asked: Row[Any]) -> None:
    problem = keep_problem(new.problem, store)
    board = f"phase {phase.id}"
    inbox.put(db, new_signal("rescored", {"problem": problem}, to=board, id=f"rescored {phase.id} {asked.id}"))
    values = {
        "board": board,
        "problem": problem,
        "by": asked.by,
        "at": asked.at,
        "why": asked.why,
        "correction": asked.id,
    }
    db.execute(insert(RESCORES).values(**values))


def _may_see(access: Access, row: Row[Any]) -> bool:
    shown = json_of(row.settings)["board"]
    return access.host or row.state == "closed" or shown == "visible" or (shown == "members" and access.member)


def _moves(text: str, names: Mapping[str, str]) -> tuple[Move, ...]:
    moved = json_of(text)
    found = [
        Move(team=int(team), name=names[team], before=before, after=after)
        for team, (before, after) in moved.items()
        if team in names
    ]
    return tuple(sorted(found, key=lambda one: (one.after is None, one.after or 0)))
