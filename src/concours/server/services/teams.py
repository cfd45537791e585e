"""Teams: their names and members, invitations, merging, and whether their work may join the alliance."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.engine import Connection, Row
from sqlalchemy.exc import IntegrityError

from concours.core.event import utc_now
from concours.engine.inbox import new_signal
from concours.server import audit
from concours.server.database import inbox
from concours.server.database.tables import INVITATIONS, MEMBERS, PHASES, SUBMISSIONS, TALLIES, TEAMS, USERS
from concours.server.refusals import Conflict, Forbidden, NotSignedIn, Unfit, Unknown
from concours.server.services import editions
from concours.server.services.access import Access
from concours.server.services.stages import moment, settings_of

_NAME = 60
_WAITING = 20
MOST_FINALS = 2


@dataclass(frozen=True, kw_only=True)
class Member:
    """Somebody of a team."""

    name: str
    display: str
    leader: bool


@dataclass(frozen=True, kw_only=True)
class Invitation:
    """A question to a user, whether they join a team; or to a team, whether it merges into another.

    Attributes:
        team: who asks, `team_name` its name.
        user: who is asked; empty where a team is.
        other: the team that is asked; empty where a user is.
    """

    id: int
    team: int
    team_name: str
    user: str
    other: str
    by: str
    at: str


@dataclass(frozen=True, kw_only=True)
class Team:
    """A team.

    Attributes:
        alliance: whether its best entry may be a member of the alliance.
        entries: how much it has sent, in all phases.
        asks, asked: questions of its own that wait for an answer, and such to it; for its members alone.
        most: members that a team may have.
        merge_until: until when teams may merge; none for as long as anything is open.
    """

    id: int
    name: str
    members: tuple[Member, ...]
    alliance: bool
    created: str
    entries: int
    most: int
    merge_until: str | None
    asks: tuple[Invitation, ...] = ()
    asked: tuple[Invitation, ...] = ()


# Looking


def one(db: Connection, access: Access, team: int) -> Team:
    """A team; one that was merged gives the team that it went into. Raises Unknown."""
    row = _row(db, access, team)
    while row.into is not None:
        row = _row(db, access, row.into)
    members = db.execute(
        select(USERS.c.id, USERS.c.name, USERS.c.display)
        .join(MEMBERS, MEMBERS.c.user == USERS.c.id)
        .where(MEMBERS.c.team == row.id)
        .order_by(MEMBERS.c.accepted, USERS.c.id)
    ).all()
    own = access.team == row.id or access.host
    terms = settings_of(access).teams
    entries = db.execute(select(func.coalesce(func.sum(TALLIES.c.entries), 0)).where(TALLIES.c.team == row.id)).scalar()
    return Team(
        id=row.id,
        name=row.name,
        members=tuple(Member(name=m.name, display=m.display, leader=m.id == row.leader) for m in members),
        alliance=row.alliance,
        created=row.created,
        entries=int(entries or 0),
        most=terms.most,
        merge_until=terms.merge_until or None,
        asks=_invitations(db, INVITATIONS.c.team == row.id) if own else (),
        asked=_invitations(db, INVITATIONS.c.other == row.id) if own else (),
    )


def mine(db: Connection, access: Access) -> Team:
    """One's own team. Raises Forbidden, NotSignedIn: one takes no part."""
    return one(db, access, own(access))


def invitations(db: Connection, access: Access) -> tuple[Invitation, ...]:
    """Questions to whoever asks, or to the team that they lead, which wait for an answer."""
    if access.actor.user is None:
        return ()
    led = select(TEAMS.c.id).where(TEAMS.c.competition == access.competition.id, TEAMS.c.leader == access.actor.user)
    to = or_(INVITATIONS.c.user == access.actor.user, INVITATIONS.c.other.in_(led))
    return _invitations(db, to, TEAMS.c.competition == access.competition.id)


def own(access: Access) -> int:
    """The number of one's own team. Raises Forbidden, NotSignedIn: one takes no part."""
    if access.team is None:
        if not access.actor.signed_in:
            raise NotSignedIn("sign in first")
        raise Forbidden(f"join {access.competition.title!r} first")
    return access.team


def _row(db: Connection, access: Access, team: int, *, lock: bool = False) -> Row[Any]:
    asked = select(TEAMS).where(TEAMS.c.id == team, TEAMS.c.competition == access.competition.id)
    row = db.execute(asked.with_for_update() if lock else asked).one_or_none()
    if row is None:
        raise Unknown("there is no such team")
    return row


def _invitations(db: Connection, *where: Any) -> tuple[Invitation, ...]:
    asked, by, other = USERS.alias(), USERS.alias(), TEAMS.alias()
    rows = db.execute(
        select(
            INVITATIONS.c.id,
            INVITATIONS.c.team,
            INVITATIONS.c.at,
            TEAMS.c.name.label("team_name"),
            asked.c.name.label("user"),
            other.c.name.label("other"),
            by.c.name.label("by"),
        )
        .join(TEAMS, TEAMS.c.id == INVITATIONS.c.team)
        .join(by, by.c.id == INVITATIONS.c.by)
        .outerjoin(asked, asked.c.id == INVITATIONS.c.user)
        .outerjoin(other, other.c.id == INVITATIONS.c.other)
        .where(INVITATIONS.c.answer == "", *where)
        .order_by(INVITATIONS.c.id)
    ).all()
    return tuple(
        Invitation(
            id=row.id,
            team=row.team,
            team_name=row.team_name,
            user=row.user or "",
            other=row.other or "",
            by=row.by,
            at=row.at,
        )
        for row in rows
    )


# Names


def team_name(text: str) -> str:
    """A team's name as it is kept. Raises Unfit: it is empty, too long, or holds what is not seen."""
    text = unicodedata.normalize("NFC", " ".join(text.split()))
    if not 1 <= len(text) <= _NAME:
        raise Unfit(f"a team's name has 1 to {_NAME} letters; this one has {len(text):,}")
    if not text.isprintable():
        raise Unfit("a team's name holds letters that are not seen, or turn the text around: leave them out")
    return text


def free_name(db: Connection, competition: int, wanted: str) -> str:
    """A name that no team has, as near as can be to what is wanted."""
    wanted = team_name(wanted[: _NAME - 6])
    taken = {
        _folded(name) for name in db.execute(select(TEAMS.c.name).where(TEAMS.c.competition == competition)).scalars()
    }
    names = (wanted if number == 1 else f"{wanted} {number}" for number in count(1))
    return next(name for name in names if _folded(name) not in taken)


def begin(db: Connection, access: Access, wanted: str) -> int:
    """A new team, which whoever asks leads; it is called as near as can be to what is wanted."""
    competition = access.competition.id
    values = {"competition": competition, "leader": access.actor.user, "created": utc_now()}
    made = insert(TEAMS).values(name=free_name(db, competition, wanted), **values).returning(TEAMS.c.id)
    return int(db.execute(made).scalar_one())


def rename(db: Connection, access: Access, name: str) -> Team:
    """Gives one's own team another name, as its leader.

    Raises:
        Forbidden: they do not lead one. Unfit: the name. Conflict: another team is called so, but for case.
    """
    team, name = _led(db, access), team_name(name)
    others = select(TEAMS.c.name).where(TEAMS.c.competition == access.competition.id, TEAMS.c.id != team.id)
    if _folded(name) in {_folded(other) for other in db.execute(others).scalars()}:
        raise Conflict(f"another team is called {name!r}: choose another name")
    try:
        with db.begin_nested():
            db.execute(update(TEAMS).where(TEAMS.c.id == team.id).values(name=name))
    except IntegrityError:
        raise Conflict(f"another team is called {name!r}: choose another name") from None
    editions.all_changed(db, access.competition.id)
    audit.write(db, access.actor, "team.rename", str(team.id), {"from": team.name, "to": name})
    return one(db, access, team.id)


def _folded(name: str) -> str:
    """A name as it is told from others: letters that look alike by their form, and case, do not tell."""
    return unicodedata.normalize("NFKC", name).casefold()


# Members


def invite(db: Connection, access: Access, user: str) -> Invitation:
    """Asks a user by name to join one's own team, as its leader.

    Raises:
        Forbidden: they do not lead one. Unknown: there is no such user. Conflict: the team is full, teams may not
            grow any more, they are in it, or have been asked.
    """
    team = _led(db, access)
    asked = db.execute(select(USERS.c.id).where(USERS.c.name == user, USERS.c.disabled.is_(None))).scalar()
    if asked is None:
        raise Unknown(f"there is no user {user!r}: invite by the name that their profile has")
    _require_growing(access)
    _require_room(db, access, [team.id], 1)
    if asked in _members(db, team.id):
        raise Conflict(f"{user} is in your team")
    return _ask(db, access, team.id, user=asked)


def merge(db: Connection, access: Access, other: str) -> Invitation:
    """Asks another team, by name, to merge into one's own; its leader answers.

    Raises:
        Forbidden: they do not lead one. Unknown: there is no such team. Conflict: together they are too many, or it is
            too late for merging.
    """
    team = _led(db, access)
    asked = db.execute(
        select(TEAMS.c.id).where(
            TEAMS.c.competition == access.competition.id, TEAMS.c.name == other.strip(), TEAMS.c.into.is_(None)
        )
    ).scalar()
    if asked is None:
        raise Unknown(f"there is no team {other!r}: give its name as the board has it")
    if asked == team.id:
        raise Conflict("this is your own team")
    _require_growing(access)
    _require_room(db, access, [team.id, asked], 0)
    return _ask(db, access, team.id, other=asked)


def answer(db: Connection, access: Access, id: int, *, yes: bool) -> Team | None:
    """Answers a question to oneself or to the team that one leads; gives one's team then, if one has any.

    Who joins a team brings along what they have sent by themselves: it counts with what the team has sent.

    Raises:
        Unknown: there is no such question to them. Conflict: what it asks for is not possible any more. Forbidden: they
            have not joined the competition, or are in a team with others, which they would have to leave first.
    """
    asked = next((one for one in invitations(db, access) if one.id == id), None)
    if asked is None:
        raise Unknown("there is no such invitation, or it was answered")
    if yes:
        _require_growing(access)
        here = own(access)
        if here == asked.team:
            raise Conflict("you are in this team already")
        _hold_phases(db, access)
        _lock(db, [here, asked.team])
        if not asked.other and len(_members(db, here)) > 1:
            raise Conflict("you are in a team with others: leave it first, or ask for your teams to be merged")
        _require_room(db, access, [here, asked.team], 0)
        _join(db, access, here, asked.team)
    db.execute(update(INVITATIONS).where(INVITATIONS.c.id == id).values(answer="yes" if yes else "no"))
    audit.write(db, access.actor, "team.answer", str(asked.team), {"invitation": id, "yes": yes})
    team = asked.team if yes else access.team
    return None if team is None else one(db, _as_member(access, team), team)


def take_back(db: Connection, access: Access, id: int) -> None:
    """Asks no longer, as the leader of the team that asked. Raises Unknown, Forbidden."""
    team = _led(db, access)
    gone = update(INVITATIONS).where(INVITATIONS.c.id == id, INVITATIONS.c.team == team.id, INVITATIONS.c.answer == "")
    if not db.execute(gone.values(answer="gone")).rowcount:
        raise Unknown("your team has no such invitation that waits")


def lead(db: Connection, access: Access, user: str) -> Team:
    """Hands the lead of one's own team to another of its members. Raises Forbidden, Unknown."""
    team = _led(db, access)
    named = select(USERS.c.id).join(MEMBERS, MEMBERS.c.user == USERS.c.id)
    next_leader = db.execute(named.where(MEMBERS.c.team == team.id, USERS.c.name == user)).scalar()
    if next_leader is None:
        raise Unknown(f"{user!r} is not in your team")
    db.execute(update(TEAMS).where(TEAMS.c.id == team.id).values(leader=next_leader))
    audit.write(db, access.actor, "team.lead", str(team.id), {"to": user})
    return one(db, access, team.id)


def leave(db: Connection, access: Access) -> Team:
    """Leaves a team with others for a new one of one's own.

    Raises:
        Forbidden: they take no part. Conflict: they are alone in it; or it has sent something, which is the work of all
            and counts for all, so that nobody gets new limits by leaving.
    """
    team = _row(db, access, own(access), lock=True)
    if len(_members(db, team.id)) == 1:
        raise Conflict("you are alone in your team; leave the competition if you want to")
    if _has_sent(db, team.id):
        raise Conflict("your team has submissions, and nobody leaves it then: ask the hosts")
    part(db, access, team.id)
    display = db.execute(select(USERS.c.display).where(USERS.c.id == access.actor.user)).scalar_one()
    made = begin(db, access, display)
    _move(db, access, [access.actor.user or 0], made)
    editions.all_changed(db, access.competition.id)
    audit.write(db, access.actor, "team.leave", str(team.id), {"to": made})
    return one(db, _as_member(access, made), made)


def part(db: Connection, access: Access, team: int) -> None:
    """Before somebody leaves: another leads, if they did; what nobody can answer any more is closed."""
    others = [user for user in _members(db, team) if user != access.actor.user]
    if others:
        leads = update(TEAMS).where(TEAMS.c.id == team, TEAMS.c.leader == access.actor.user)
        db.execute(leads.values(leader=others[0]))
    else:
        _close(db, team)


# The alliance


def opt(db: Connection, access: Access, *, alliance: bool) -> Team:
    """Says whether the best entry of one's own team may be a member of the alliance; the open boards are told.

    Raises:
        Forbidden: they take no part.
    """
    team = own(access)
    db.execute(update(TEAMS).where(TEAMS.c.id == team).values(alliance=alliance))
    _tell_opted(db, access, team, alliance=alliance)
    audit.write(db, access.actor, "team.opt", str(team), {"alliance": alliance})
    return one(db, access, team)


def _tell_opted(db: Connection, access: Access, team: int, *, alliance: bool) -> None:
    open_ones = select(PHASES.c.id).where(
        PHASES.c.competition == access.competition.id, PHASES.c.state.in_(("waiting", "open"))
    )
    for phase in db.execute(open_ones).scalars():
        inbox.put(db, new_signal("opted", {"team": str(team), "alliance": alliance}, to=f"phase {phase}"))


# Inside


def _led(db: Connection, access: Access) -> Row[Any]:
    """One's own team, which one leads, locked."""
    team = _row(db, access, own(access), lock=True)
    if team.leader != access.actor.user:
        raise Forbidden("this is for the leader of your team")
    return team


def _lock(db: Connection, teams: Collection[int]) -> None:
    """In the order of their numbers, so that nobody waits for one another."""
    rows = db.execute(select(TEAMS.c.into).where(TEAMS.c.id.in_(sorted(teams))).order_by(TEAMS.c.id).with_for_update())
    if any(row.into is not None for row in rows):
        raise Conflict("one of the teams has been merged into another meanwhile")


def _hold_phases(db: Connection, access: Access) -> None:
    """So that none ends meanwhile: its board is told of what teams have chosen by the teams that it knows."""
    db.execute(select(PHASES.c.id).where(PHASES.c.competition == access.competition.id).with_for_update(read=True))


def _require_growing(access: Access) -> None:
    """That teams may grow and merge: there is time, and the competition goes on."""
    until = settings_of(access).teams.merge_until
    if access.competition.state != "published":
        raise Conflict(f"{access.competition.title!r} is {access.competition.state}: teams stay as they are")
    if until and _utc(until) <= utc_now():
        raise Conflict(f"teams could change until {moment(_utc(until))}: they stay as they are")


def _utc(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="microseconds")


def _require_room(db: Connection, access: Access, teams: Collection[int], more: int) -> None:
    most = settings_of(access).teams.most
    many = sum(len(_members(db, team)) for team in set(teams)) + more
    if many > most:
        raise Conflict(f"a team may have {most} members at most, and this one would have {many}")


def _members(db: Connection, team: int) -> Sequence[int]:
    asked = select(MEMBERS.c.user).where(MEMBERS.c.team == team).order_by(MEMBERS.c.accepted, MEMBERS.c.user)
    return db.execute(asked).scalars().all()


def _has_sent(db: Connection, team: int) -> bool:
    return db.execute(select(SUBMISSIONS.c.id).where(SUBMISSIONS.c.team == team).limit(1)).first() is not None


def _ask(db: Connection, access: Access, team: int, *, user: int | None = None, other: int | None = None) -> Invitation:
    waiting = _invitations(db, INVITATIONS.c.team == team)
    if len(waiting) >= _WAITING:
        raise Conflict(f"{len(waiting)} invitations of your team wait for an answer: take some back first")
    to = INVITATIONS.c.user == user if user is not None else INVITATIONS.c.other == other
    if _invitations(db, INVITATIONS.c.team == team, to):
        raise Conflict("they have been asked, and have not answered yet")
    values = {"team": team, "user": user, "other": other, "by": access.actor.user, "at": utc_now()}
    id = int(db.execute(insert(INVITATIONS).values(**values).returning(INVITATIONS.c.id)).scalar_one())
    audit.write(db, access.actor, "team.ask", str(team), {"invitation": id})
    return next(one for one in _invitations(db, INVITATIONS.c.id == id))


def _join(db: Connection, access: Access, here: int, team: int) -> None:
    """One team goes into another, with its members, what it has sent, and what that counts."""
    _move(db, access, _members(db, here), team)
    for phase, entries, last in db.execute(
        select(TALLIES.c.phase, TALLIES.c.entries, TALLIES.c.last).where(TALLIES.c.team == here)
    ).all():
        its = (TALLIES.c.phase == phase, TALLIES.c.team == team)
        had = db.execute(select(TALLIES.c.entries, TALLIES.c.last).where(*its)).one_or_none()
        db.execute(delete(TALLIES).where(*its))
        both = {"entries": entries + (had.entries if had else 0), "last": max(last, had.last) if had else last}
        db.execute(insert(TALLIES).values(phase=phase, team=team, **both))
    db.execute(delete(TALLIES).where(TALLIES.c.team == here))
    _tell_merged(db, access, here, team)
    db.execute(update(SUBMISSIONS).where(SUBMISSIONS.c.team == here).values(team=team))
    _unchoose(db, team)
    db.execute(update(TEAMS).where(TEAMS.c.id == here).values(into=team))
    _close(db, here)
    editions.all_changed(db, access.competition.id)


def _tell_merged(db: Connection, access: Access, here: int, team: int) -> None:
    """Tells the boards that a team has sent something to, and that still take something."""
    if settings_of(access).arena:
        return
    sent = (
        select(SUBMISSIONS.c.phase)
        .join(PHASES, PHASES.c.id == SUBMISSIONS.c.phase)
        .where(SUBMISSIONS.c.team == here, PHASES.c.state.in_(("waiting", "open")))
        .distinct()
    )
    for phase in db.execute(sent).scalars().all():
        body = {"team": str(here), "into": str(team)}
        inbox.put(db, new_signal("merged", body, to=f"phase {phase}", id=f"merged {phase} {here}"))


def _unchoose(db: Connection, team: int) -> None:
    """Of a phase in which two teams have chosen more than one team may, the choice is made anew."""
    too_many = (
        select(SUBMISSIONS.c.phase)
        .where(SUBMISSIONS.c.team == team, SUBMISSIONS.c.final)
        .group_by(SUBMISSIONS.c.phase)
        .having(func.count() > MOST_FINALS)
    )
    for phase in db.execute(too_many).scalars().all():
        its = (SUBMISSIONS.c.team == team, SUBMISSIONS.c.phase == phase)
        db.execute(update(SUBMISSIONS).where(*its).values(final=False))


def _move(db: Connection, access: Access, users: Collection[int], team: int) -> None:
    its = (MEMBERS.c.competition == access.competition.id, MEMBERS.c.user.in_(users))
    db.execute(update(MEMBERS).where(*its).values(team=team))


def _close(db: Connection, team: int) -> None:
    """Questions of a team that is no more, and to it, are answered by that."""
    its = (or_(INVITATIONS.c.team == team, INVITATIONS.c.other == team), INVITATIONS.c.answer == "")
    db.execute(update(INVITATIONS).where(*its).values(answer="gone"))


def _as_member(access: Access, team: int) -> Access:
    return replace(access, team=team)
