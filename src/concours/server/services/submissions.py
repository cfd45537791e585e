"""What teams send: taken in within their limits, once; shown to them; stopped; and what it came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sqlalchemy import Select, String, and_, case, cast, func, insert, literal, select, update
from sqlalchemy.engine import Connection, Row
from sqlalchemy.exc import IntegrityError

from concours.core.digests import Digest, digest_json
from concours.core.event import utc_now
from concours.core.visible import visible
from concours.engine.inbox import new_signal
from concours.server import audit
from concours.server.database import inbox
from concours.server.database.changes import tell
from concours.server.database.tables import (
    MEMBERS,
    PHASES,
    PLACES,
    SCORES,
    SUBMISSIONS,
    TEAMS,
    USERS,
)
from concours.server.database.texts import json_of
from concours.server.database.work_tables import WORK
from concours.server.hosting.competition import Takes
from concours.server.refusals import Conflict, Forbidden, TooMany, Unfit, Unknown
from concours.server.services import editions, limits, quotas
from concours.server.services.access import Access
from concours.server.services.limits import Left
from concours.server.services.membership import require_rules
from concours.server.services.stages import Stage, shown_to, stage, stage_of, stages
from concours.server.services.teams import own
from concours.server.working.queue import standing

_NAME, _MESSAGE = 120, 500
UNFINISHED = ("waiting", "running")


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A file that lies in the store, and what was said of it.

    Attributes:
        called: its name.
        brings: what its content is (`server.recognised`).
        phase: a key; empty for the phase that is open.
        name: of the entry; empty for that of the file.
        once: by which its sender knows it again: what has the same is the same submission.
        address: a keyed digest of where it came from.
    """

    digest: str
    size: int
    called: str
    brings: Takes
    phase: str = ""
    name: str = ""
    message: str = ""
    once: str = ""
    address: str = ""


@dataclass(frozen=True, kw_only=True)
class Submission:
    """A submission, as whoever asks may see it.

    Attributes:
        phase: the key of its phase.
        team, team_name: none of a baseline of the host's.
        by: the name of who sent it.
        called, size, digest, message, reason: of the file, and why there is no score; empty for other teams.
        metrics, intervals: on the public rows, as the board shows them; behind a guard hosts see once the phase has
            ended what the entry scored itself, and nobody else does.
        private, private_intervals: on the rest, once the phase has ended, of those that were ranked by it.
        final: whether its team chose it.
    """

    id: int
    competition: str
    phase: str
    team: int | None
    team_name: str
    by: str
    name: str
    brings: Takes
    at: str
    state: Literal["waiting", "running", "scored", "failed", "stopped"]
    final: bool
    charged: bool
    called: str = ""
    size: int = 0
    digest: str = ""
    message: str = ""
    reason: str = ""
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    intervals: Mapping[str, Any] = field(default_factory=dict)
    private: Mapping[str, float | None] = field(default_factory=dict)
    private_intervals: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A file that may be fetched."""

    digest: str
    size: int
    called: str


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """How a submission scored on the public rows by a problem that counts no more: it was scored anew since."""

    problem: str
    metrics: Mapping[str, float | None]


@dataclass(frozen=True, kw_only=True)
class Log:
    """What a run has printed, after what was told before.

    Attributes:
        state: of the submission.
        number: by which the rest is asked for.
        progress: numbers that the run told last.
    """

    state: str
    text: str
    number: int
    progress: Mapping[str, float] = field(default_factory=dict)


# What is left


def left(db: Connection, access: Access, phase: str = "", *, now: str = "") -> Left:
    """What the team of who asks may still send in a phase, by default the one that is open.

    Raises:
        Forbidden, NotSignedIn: they are no members. Unknown: there is no such phase.
    """
    now = now or utc_now()
    return _left(db, own(access), stage(db, access, phase, now), now)


def _left(db: Connection, team: int, of: Stage, now: str) -> Left:
    today = func.coalesce(func.sum(case((SUBMISSIONS.c.at >= limits.day_of(now), 1), else_=0)), 0)
    used_today, used = db.execute(
        select(today, func.count()).where(
            SUBMISSIONS.c.team == team, SUBMISSIONS.c.phase == of.id, SUBMISSIONS.c.charged
        )
    ).one()
    return limits.left(
        of.key,
        of.settings.limits,
        int(used_today),
        used,
        now=now,
        begins=of.begins,
        ends=of.ends,
        closed=of.why_closed(now),
    )


# Sending


def require_room(db: Connection, access: Access, phase: str = "", *, now: str = "") -> None:
    """Refuses what would be refused, before a file is sent.

    Raises:
        as `submit` does, but for what hangs on the file.
    """
    now = now or utc_now()
    of = stage(db, access, phase, now)
    _require_taking(db, access, of, _left(db, own(access), of, now), now)


def submit(db: Connection, access: Access, sent: Sent, *, now: str = "") -> Submission:
    """Takes a submission in: a row, and a signal to the board of its phase, in the transaction of `db`.

    Teams are locked one by one, so that of submissions that come at once none is above the limit.

    Raises:
        NotSignedIn, Forbidden: they are no members, or have not accepted the rules as they are now.
        Conflict: the phase is not open, or the same key came with another file. TooMany: nothing is left, with when
            the next is possible. Unfit: the phase does not take what the file is, or a text is too long.
    """
    now = now or utc_now()
    team = own(access)
    of = stage(db, access, sent.phase, now)
    db.execute(select(PHASES.c.id).where(PHASES.c.id == of.id).with_for_update(read=True)).one()
    of = stage_of(db, access, of.id)
    if db.execute(select(TEAMS.c.into).where(TEAMS.c.id == team).with_for_update()).scalar_one() is not None:
        raise Conflict("your team has just been merged into another: send it again")
    mine = (MEMBERS.c.competition == access.competition.id, MEMBERS.c.user == access.actor.user, MEMBERS.c.team == team)
    if db.execute(select(MEMBERS.c.user).where(*mine)).first() is None:
        raise Forbidden("you have just left this team, or were removed: nothing was sent")
    once = _once(access, sent)
    if known := _known(db, access, once, sent):
        return known
    room = _left(db, team, of, now)
    _require_taking(db, access, of, room, now)
    _require_fit(of, sent)
    quotas.require_room(db, competition=access.competition.id, size=sent.size, user=access.actor.user)
    try:
        id = _insert(db, access, of, sent, team, once, now)
    except IntegrityError:
        raise Conflict("this submission is being taken in already: ask again") from None
    brought = "file" if sent.brings == "predictions" else "program"
    body = {"name": sent.name or sent.called, "team": str(team), brought: sent.digest, "called": sent.called}
    inbox.put(db, new_signal("joined", body, to=of.board, id=str(id)))
    editions.sent(db, of.id, team, now)
    editions.changed(db, of.id)
    tell(db, f"submission {id}", "queue")
    taken = one(db, access, id)
    audit.write(db, access.actor, "submission.send", str(id), {"phase": of.id, "digest": sent.digest})
    return taken


def _require_taking(db: Connection, access: Access, of: Stage, room: Left, now: str) -> None:
    """That rules are accepted, the phase is open, and something is left."""
    require_rules(db, access)
    if access.competition.state != "published":
        raise Conflict(f"{access.competition.title!r} takes no submissions: it is {access.competition.state}")
    if closed := of.why_closed(now):
        raise Conflict(closed)
    if room.why:
        raise TooMany(room.why, after_s=room.after_s(now))


def _require_fit(of: Stage, sent: Sent) -> None:
    if sent.brings not in of.settings.takes:
        raise Unfit(f"{sent.called} is {sent.brings}, and phase {of.key!r} takes {' or '.join(of.settings.takes)}")
    for what, text, most in (("name", sent.name, _NAME), ("message", sent.message, _MESSAGE)):
        if len(text) > most:
            raise Unfit(f"the {what} has {len(text)} letters; {most} at most are taken")
        if visible(text, keep="\n\t") != text:
            raise Unfit(f"the {what} holds letters that are not seen, or turn the text around; leave them out")


def _once(access: Access, sent: Sent) -> str | None:
    """The key of a sender, as nobody else's can be."""
    if not sent.once:
        return None
    return digest_json([access.actor.user, access.competition.id, sent.once])


def _known(db: Connection, access: Access, once: str | None, sent: Sent) -> Submission | None:
    """The submission that came with the same key before."""
    if once is None:
        return None
    row = db.execute(select(SUBMISSIONS.c.id, SUBMISSIONS.c.digest).where(SUBMISSIONS.c.once == once)).one_or_none()
    if row is None:
        return None
    if row.digest != sent.digest:
        raise Conflict("this Idempotency-Key came before with another file: choose a new one")
    return one(db, access, row.id)


def _insert(db: Connection, access: Access, of: Stage, sent: Sent, team: int, once: str | None, now: str) -> int:
    values = {
        "competition": access.competition.id,
        "phase": of.id,
        "team": team,
        "user": access.actor.user,
        "name": sent.name or sent.called[:_NAME],
        "brings": sent.brings,
        "called": sent.called,
        "digest": sent.digest,
        "size": sent.size,
        "message": sent.message,
        "at": now,
        "address": sent.address,
        "state": "waiting",
        "once": once,
    }
    with db.begin_nested():
        return int(db.execute(insert(SUBMISSIONS).values(**values).returning(SUBMISSIONS.c.id)).scalar_one())


# Stopping


def stop(db: Connection, access: Access, id: int) -> Submission:
    """Stops a submission that has no score yet; it does not count against the limits. A host may take off any, also
    after the end: the private board is made anew without it.

    Raises:
        Unknown, Forbidden: it is not theirs. Conflict: it has ended, or the competition is archived.
    """
    db.execute(select(SUBMISSIONS.c.id).where(SUBMISSIONS.c.id == id).with_for_update()).one_or_none()
    found = one(db, access, id)
    _require_own(access, found)
    if found.state == "stopped" or (found.state not in UNFINISHED and not access.host):
        raise Conflict(f"submission {id} is {found.state} already: only what is waiting or running can be stopped")
    if access.competition.state == "archived":
        raise Conflict(f"{access.competition.title!r} is archived: nothing of it changes any more")
    of = next(one for one in stages(db, access) if one.key == found.phase)
    charged = found.charged and found.state not in UNFINISHED
    db.execute(update(SUBMISSIONS).where(SUBMISSIONS.c.id == id).values(state="stopped", charged=charged))
    inbox.put(db, new_signal("withdrawn", {"entry": str(id)}, to=of.board, id=f"withdrawn {id}"))
    editions.changed(db, of.id)
    tell(db, f"submission {id}", "queue")
    audit.write(db, access.actor, "submission.stop", str(id))
    return replace(found, state="stopped", charged=charged)


# Looking


def one(db: Connection, access: Access, id: int) -> Submission:
    """A submission: all of it for its team and for hosts; for others, once its phase has ended, its scores.

    Raises:
        Unknown: there is none of that number, or they may not know of it.
    """
    row = db.execute(_asked(access).where(SUBMISSIONS.c.id == id)).one_or_none()
    of = {one.id: one for one in stages(db, access)} if row else {}
    if row is not None and (_own(access, row) or of[row.phase].over):
        return _submission(access, row, of[row.phase])
    raise Unknown(f"there is no submission {id}, or it is another team's")


def listed(
    db: Connection,
    access: Access,
    *,
    phase: str = "",
    team: int | None = None,
    before: int | None = None,
    most: int = 50,
) -> tuple[Submission, ...]:
    """Submissions, the latest first: those of one's own team; for hosts those of all, or of one team.

    Args:
        phase: a key; empty for all phases.
        before: gives those that came before that one.
        most: how many at most, up to 500.

    Raises:
        Forbidden, NotSignedIn: they are neither members nor hosts. Unknown: there is no such phase.
    """
    if not access.host:
        team = own(access)
    of = {one.id: one for one in stages(db, access)}
    query = _asked(access).order_by(SUBMISSIONS.c.id.desc()).limit(max(1, min(most, 500)))
    if team is not None:
        query = query.where(SUBMISSIONS.c.team == team)
    if phase:
        query = query.where(SUBMISSIONS.c.phase == stage(db, access, phase, utc_now()).id)
    if before is not None:
        query = query.where(SUBMISSIONS.c.id < before)
    return tuple(_submission(access, row, of[row.phase]) for row in db.execute(query))


def file(db: Connection, access: Access, id: int) -> Stored:
    """The file of a submission, for its team and for hosts. Raises Unknown, Forbidden."""
    found = one(db, access, id)
    _require_own(access, found)
    return Stored(digest=found.digest, size=found.size, called=found.called)


def earlier(db: Connection, access: Access, id: int) -> tuple[Earlier, ...]:
    """The scores that a submission had before it was scored anew; for its team and for hosts.

    Raises:
        Unknown, Forbidden: it is not theirs.
    """
    found = one(db, access, id)
    _require_own(access, found)
    of = next(one for one in stages(db, access) if one.key == found.phase)
    if _hidden(access, of):
        return ()
    rows = db.execute(
        select(SCORES.c.problem, SCORES.c.metrics, SCORES.c.shown)
        .where(SCORES.c.board == of.board, SCORES.c.entry == id, SCORES.c.problem != of.problem)
        .order_by(SCORES.c.problem)
    )
    return tuple(
        Earlier(
            problem=row.problem,
            metrics=shown_to(access, json_of(row.metrics if row.shown is None or access.host else row.shown)),
        )
        for row in rows
    )


def log(db: Connection, access: Access, id: int, *, after: int = -1) -> Log:
    """What a submission of code has printed in its last run, after a piece of it; for its team and for hosts.

    Args:
        after: the `number` of what was told before.

    Raises:
        Unknown, Forbidden: it is not theirs.
    """
    found = one(db, access, id)
    _require_own(access, found)
    job = _run(db, id, found.digest) if found.brings == "code" else None
    told = standing(db, job.owner, Digest(job.job), after=after) if job else None
    if told is None:
        return Log(state=found.state, text="", number=after)
    return Log(state=found.state, text=told.log, number=told.number, progress=dict(told.progress))


def _run(db: Connection, id: int, program: str) -> Row[Any] | None:
    """The last job that ran a program in the phase of a submission: it read nothing but what the board has.

    The same program may have been sent to another competition, and have printed what only its members may read.
    """
    phase = select(PHASES.c.began).join(SUBMISSIONS, SUBMISSIONS.c.phase == PHASES.c.id).where(SUBMISSIONS.c.id == id)
    known = db.execute(phase).scalar() or ""
    ran: Select[Any] = (
        select(WORK.c.owner, WORK.c.job, WORK.c.spec).where(WORK.c.program == program).order_by(WORK.c.id.desc())
    )
    return next((job for job in db.execute(ran) if _reads(job.spec, program, known)), None)


def _reads(spec: str, program: str, known: str) -> bool:
    return all(digest == program or digest in known for digest in json_of(spec)["inputs"].values())


def _asked(access: Access) -> Select[Any]:
    """Submissions of a competition with their scores by the problem that counts."""
    board = literal("phase ") + cast(SUBMISSIONS.c.phase, String)
    of_entry = and_(SCORES.c.board == board, SCORES.c.entry == SUBMISSIONS.c.id, SCORES.c.problem == PHASES.c.problem)
    in_the_end = and_(PLACES.c.board == board, PLACES.c.entry == SUBMISSIONS.c.id, PLACES.c.part == "rest")
    return (
        select(
            SUBMISSIONS,
            USERS.c.name.label("by"),
            TEAMS.c.name.label("team_name"),
            SCORES.c.metrics,
            SCORES.c.shown,
            SCORES.c.intervals,
            SCORES.c.reason.label("unscored"),
            PLACES.c.line,
        )
        .join(PHASES, PHASES.c.id == SUBMISSIONS.c.phase)
        .outerjoin(USERS, USERS.c.id == SUBMISSIONS.c.user)
        .outerjoin(TEAMS, TEAMS.c.id == SUBMISSIONS.c.team)
        .outerjoin(SCORES, of_entry)
        .outerjoin(PLACES, in_the_end)
        .where(SUBMISSIONS.c.competition + 0 == access.competition.id)  # so that it is found by team or number
    )


def _own(access: Access, of: Row[Any] | Submission) -> bool:
    return access.host or (of.team is not None and of.team == access.team)


def _require_own(access: Access, found: Submission) -> None:
    if not _own(access, found):
        raise Forbidden(f"submission {found.id} is another team's")


def _submission(access: Access, row: Row[Any], of: Stage) -> Submission:
    own = _own(access, row)
    guarded = row.shown is not None and not (access.host and of.over)
    shown = row.shown if guarded else row.metrics
    hidden = _hidden(access, of)
    ended = json_of(row.line) if row.line and of.over else {}
    found = Submission(
        id=row.id,
        competition=access.competition.slug,
        phase=of.key,
        team=row.team,
        team_name=row.team_name or "",
        by=row.by or "",
        name=row.name,
        brings=row.brings,
        at=row.at,
        state=row.state,
        final=row.final and (own or of.over),
        charged=row.charged,
        metrics=_in_order(shown_to(access, json_of(shown) if shown and not hidden else {}), of),
        intervals=shown_to(access, json_of(row.intervals) if row.intervals and not guarded and not hidden else {}),
        private=_in_order(shown_to(access, ended.get("metrics", {})), of),
        private_intervals=shown_to(access, ended.get("intervals", {})),
    )
    if not own:
        return found
    return replace(
        found,
        called=row.called,
        size=row.size,
        digest=row.digest,
        message=row.message,
        reason=row.reason or row.unscored or "",
    )


def _hidden(access: Access, of: Stage) -> bool:
    """Whether scores are kept even from who they are of."""
    return of.settings.board == "hidden" and not of.over and not access.host


def _in_order(values: Mapping[str, float | None], of: Stage) -> dict[str, float | None]:
    """Metrics in the order of the phase: the one that ranks first."""
    return {metric.name: values[metric.name] for metric in of.metrics if metric.name in values} | dict(values)
