"""An arena: two answers to a prompt, blind and side by side; a vote on them, once; and then whose they were.

Everybody who is signed in and may see the competition may vote, within the votes of a day; nobody is shown an answer of
their own team. Whoever has a battle open is shown that one again, so that nobody chooses between pairs.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from random import Random, SystemRandom
from typing import Any, Final, Literal, get_args

from sqlalchemy import Row, and_, func, insert, select, update
from sqlalchemy.engine import Connection

from concours.core.digests import Digest
from concours.core.errors import ContentRefused, ObjectDamaged, ObjectNotFound
from concours.core.event import utc_now
from concours.core.ports import Store
from concours.engine.inbox import new_signal
from concours.server import audit
from concours.server.database import inbox
from concours.server.database.tables import BATTLES, PAIRINGS, PHASES, SUBMISSIONS, TEAMS, USERS
from concours.server.database.texts import json_of
from concours.server.hosting.competition import Arena as Declared
from concours.server.refusals import Conflict, NotNow, NotSignedIn, TooMany, Unfit, Unknown
from concours.server.services.access import Access, Rule
from concours.server.services.limits import day_of
from concours.server.services.pairing import Pair, Pairing
from concours.server.services.stages import Stage, settings_of, stage, stage_of, stages
from concours.stores.numbered import numbered

Outcome = Literal["left", "right", "tie", "bad"]
"""Which is better; both alike and good, or both bad."""

OPEN_S: Final = 1800.0
"""How long a battle may be voted on after it was shown."""

MOST_VOTES: Final = 100_000
"""How many are given to a host at a time."""

_GONE: Final = "gone"
_RNG: Final = SystemRandom()


@dataclass(frozen=True, kw_only=True)
class Battle:
    """What a voter is shown. Law: nothing in it hangs on whose the answers are, but the answers.

    Attributes:
        left_today: how many more votes they have today, this one among them; none for as many as they like.
    """

    id: int
    prompt: str
    left: str
    right: str
    left_today: int | None


@dataclass(frozen=True, kw_only=True)
class Revealed:
    """Whose the answers were, once the vote is given: names of teams, or of baselines."""

    id: int
    outcome: Outcome
    left: str
    right: str


@dataclass(frozen=True, kw_only=True)
class Voter:
    """A voter who does not vote as the crowd does.

    Attributes:
        id: by which their votes may be left out.
        as_if: `at random` or `against the crowd`.
        log10_evidence: for that, whenever one looks (`kernels.rating.voters`).
    """

    id: int
    name: str
    votes: int
    as_if: str
    log10_evidence: float


@dataclass(frozen=True, kw_only=True)
class Arena:
    """An arena, as whoever asks may know it.

    Attributes:
        phase: the key of the one that is open; empty where none is.
        prompts, entries: how many there are.
        votes: that were given in this phase.
        votes_per_day, left_today: of one voter; none for as many as they like.
        voters: for hosts, those of whom they should know.
    """

    phase: str
    prompts: int
    entries: int
    votes: int
    votes_per_day: int | None
    left_today: int | None
    voters: tuple[Voter, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Vote:
    """A vote, as hosts may have it: columns that `concours rate` reads, and the probability of the pair."""

    battle: int
    model_a: str
    model_b: str
    winner: str
    voter: str
    prompt: int
    propensity: float
    at: str


WINNERS: Final[Mapping[str, str]] = {"left": "model_a", "right": "model_b", "tie": "tie", "bad": "tie (bothbad)"}
"""What outcomes are called in a table of battles."""


# Voting


def next_battle(db: Connection, access: Access, store: Store, *, now: str = "", rng: Random = _RNG) -> Battle:
    """Two answers to a prompt that the voter has not seen of this pair.

    Raises:
        NotSignedIn: a visitor asks. Unknown: this is no arena.
        Conflict: no phase is open, there are no two entries to compare, or they have seen everything.
        TooMany: they have no votes left today. NotNow: an answer cannot be read at present.
    """
    now, voter = now or utc_now(), _voter(access)
    declared, phase = _declared(access), _open_phase(db, access, now)
    db.execute(select(USERS.c.id).where(USERS.c.id == voter).with_for_update()).one()
    left = _left_today(db, declared, phase.id, voter, now)
    pairing = _pairing(db, phase)
    if waiting := _waiting(db, pairing, phase.id, voter, now):
        return _shown(store, pairing, waiting, left)
    if left == 0:
        raise TooMany(
            f"you have given all {declared.votes_per_day} votes of today: more tomorrow, from 00:00 UTC",
            after_s=_to_midnight(now),
        )
    seen = _seen(db, phase.id, voter)
    everything = [pair for pair, prompts in seen.items() if len(prompts) >= pairing.count]
    drawn = pairing.draw(rng, own=access.team, seen=everything)
    if drawn is None:
        raise Conflict(_nothing(pairing, access, seen))
    known = seen.get(_pair(drawn.left.entry, drawn.right.entry), set())
    prompt = rng.choice([number for number in range(pairing.count) if number not in known])
    row = {
        "phase": phase.id,
        "voter": voter,
        "prompt": prompt,
        "left": drawn.left.entry,
        "right": drawn.right.entry,
        "propensity": drawn.propensity,
        "outcome": "",
        "shown": now,
        "batch": "",
    }
    id = db.execute(insert(BATTLES).values(**row).returning(BATTLES.c.id)).scalar_one()
    made = db.execute(select(BATTLES).where(BATTLES.c.id == id)).one()
    return _shown(store, pairing, made, left)


def vote(db: Connection, access: Access, battle: int, outcome: str, *, now: str = "") -> Revealed:
    """What a voter says of a battle that they were shown, once; then whose the answers were.

    The same vote again changes nothing.

    Raises:
        NotSignedIn: a visitor asks. Unknown: they were shown no such battle. Unfit: the outcome is none.
        Conflict: they have voted otherwise, it was shown too long ago, or the phase has ended.
    """
    now, voter = now or utc_now(), _voter(access)
    if outcome not in get_args(Outcome):
        raise Unfit(f"outcome must be one of {', '.join(get_args(Outcome))}; got {outcome[:40]!r}")
    row = db.execute(
        select(BATTLES)
        .join(PHASES, PHASES.c.id == BATTLES.c.phase)
        .where(BATTLES.c.id == battle, BATTLES.c.voter == voter, PHASES.c.competition == access.competition.id)
        .with_for_update(of=BATTLES)
    ).one_or_none()
    if row is None:
        raise Unknown(f"you were shown no battle {battle}")
    if row.outcome == _GONE:
        raise Conflict("one of the two was taken out of the arena in the meantime: ask for the next battle")
    if row.outcome and row.outcome != outcome:
        raise Conflict(f"you have voted on this battle already: {row.outcome}")
    if not row.outcome:
        _require_open(db, access, row.phase, now)
        if row.shown < _earlier(now, OPEN_S):
            raise Conflict(f"this battle was shown more than {OPEN_S / 60:.0f} minutes ago: ask for the next one")
        db.execute(update(BATTLES).where(BATTLES.c.id == battle).values(outcome=outcome, at=now))
    names = _names(db, row.left, row.right)
    return Revealed(id=battle, outcome=outcome, left=names[row.left], right=names[row.right])  # type: ignore[arg-type]


def _voter(access: Access) -> int:
    if access.actor.user is None:
        raise NotSignedIn("sign in first: everybody who is signed in may vote")
    return access.actor.user


def _declared(access: Access) -> Declared:
    arena = settings_of(access).arena
    if arena is None:
        raise Unknown(f"{access.competition.title!r} is no arena: nobody votes in it")
    return arena


def _phase(db: Connection, access: Access, now: str) -> Stage | None:
    return next((one for one in stages(db, access) if one.state == "open" and one.open_at(now)), None)


def _open_phase(db: Connection, access: Access, now: str) -> Stage:
    phase = _phase(db, access, now)
    if access.competition.state != "published" or phase is None:
        raise Conflict(f"{access.competition.title!r} takes no votes now: none of its phases is open")
    return phase


def _require_open(db: Connection, access: Access, phase: int, now: str) -> None:
    """Whoever closes a phase waits until the vote is written, and the next one is refused."""
    db.execute(select(PHASES.c.id).where(PHASES.c.id == phase).with_for_update(read=True)).one()
    of = stage_of(db, access, phase)
    if not (of.state == "open" and of.open_at(now)) or access.competition.state != "published":
        raise Conflict("the phase has ended: no more votes are taken")


def _pairing(db: Connection, phase: Stage) -> Pairing:
    content = db.execute(select(PAIRINGS.c.content).where(PAIRINGS.c.board == phase.board)).scalar()
    if content is None:
        raise Conflict("the arena is being prepared: ask again in a moment")
    return Pairing.from_json(json_of(content))


def _left_today(db: Connection, declared: Declared, phase: int, voter: int, now: str) -> int | None:
    if declared.votes_per_day is None:
        return None
    its = (BATTLES.c.voter == voter, BATTLES.c.phase == phase, BATTLES.c.at >= day_of(now))
    given = db.execute(select(func.count()).select_from(BATTLES).where(*its)).scalar_one()
    return max(0, declared.votes_per_day - given)


def _waiting(db: Connection, pairing: Pairing, phase: int, voter: int, now: str) -> Row[Any] | None:
    """The battle that a voter has been shown and may still vote on; one of somebody who is gone is taken back."""
    row = db.execute(
        select(BATTLES)
        .where(
            BATTLES.c.voter == voter,
            BATTLES.c.phase == phase,
            BATTLES.c.outcome == "",
            BATTLES.c.shown >= _earlier(now, OPEN_S),
        )
        .order_by(BATTLES.c.id.desc())
        .limit(1)
    ).one_or_none()
    if row is None or {row.left, row.right} <= {one.entry for one in pairing.entries}:
        return row
    db.execute(update(BATTLES).where(BATTLES.c.id == row.id).values(outcome=_GONE))
    return None


def _seen(db: Connection, phase: int, voter: int) -> dict[Pair, set[int]]:
    """The prompts that a voter has seen, by pair."""
    found: dict[Pair, set[int]] = {}
    for left, right, prompt in db.execute(
        select(BATTLES.c.left, BATTLES.c.right, BATTLES.c.prompt).where(
            BATTLES.c.voter == voter, BATTLES.c.phase == phase
        )
    ):
        found.setdefault(_pair(left, right), set()).add(prompt)
    return found


def _nothing(pairing: Pairing, access: Access, seen: Mapping[Pair, set[int]]) -> str:
    own = Counter(one.team == access.team and access.team is not None for one in pairing.entries)
    if own[False] < 2:
        beside = " beside those of your own team" if own[True] else ""
        return f"there are not yet two entries to compare{beside}: come back later"
    return f"you have seen all {pairing.count} prompts of every pair ({len(seen)}): thank you"


def _shown(store: Store, pairing: Pairing, row: Row[Any], left: int | None) -> Battle:
    answers = {one.entry: one.answers for one in pairing.entries}
    try:
        prompt, first, second = (
            numbered(store, Digest(digest), row.prompt)
            for digest in (pairing.prompts, answers[row.left], answers[row.right])
        )
    except (ObjectNotFound, ObjectDamaged, ContentRefused, IndexError):
        raise NotNow("an answer cannot be read at present: tell the hosts, and ask for another battle later") from None
    return Battle(id=row.id, prompt=prompt, left=first, right=second, left_today=left)


def _names(db: Connection, *entries: int) -> dict[int, str]:
    rows = db.execute(
        select(SUBMISSIONS.c.id, SUBMISSIONS.c.name, TEAMS.c.name.label("team_name"))
        .outerjoin(TEAMS, TEAMS.c.id == SUBMISSIONS.c.team)
        .where(SUBMISSIONS.c.id.in_(entries))
    )
    return {row.id: row.team_name or row.name for row in rows}


def _pair(first: int, second: int) -> Pair:
    return (first, second) if first < second else (second, first)


def _earlier(now: str, seconds: float) -> str:
    return (datetime.fromisoformat(now) - timedelta(seconds=seconds)).isoformat(timespec="microseconds")


def _to_midnight(now: str) -> float:
    at = datetime.fromisoformat(now)
    return (at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1) - at).total_seconds()


# Looking


def arena(db: Connection, access: Access, *, now: str = "") -> Arena:
    """An arena as whoever asks may know it. Raises Unknown: this is none."""
    now = now or utc_now()
    declared, phase = _declared(access), _phase(db, access, now)
    if phase is None:
        return Arena(phase="", prompts=0, entries=0, votes=0, votes_per_day=declared.votes_per_day, left_today=None)
    row = db.execute(select(PAIRINGS).where(PAIRINGS.c.board == phase.board)).one_or_none()
    pairing = Pairing.from_json(json_of(row.content)) if row else None
    its = (BATTLES.c.phase == phase.id, BATTLES.c.at.is_not(None))
    voter = access.actor.user
    return Arena(
        phase=phase.key,
        prompts=pairing.count if pairing else 0,
        entries=len(pairing.entries) if pairing else 0,
        votes=db.execute(select(func.count()).select_from(BATTLES).where(*its)).scalar_one(),
        votes_per_day=declared.votes_per_day,
        left_today=None if voter is None else _left_today(db, declared, phase.id, voter, now),
        voters=_unlike(db, json_of(row.voters)) if row and access.host else (),
    )


def _unlike(db: Connection, told: list[dict[str, Any]]) -> tuple[Voter, ...]:
    ids = [int(one["voter"]) for one in told]
    names = {row.id: row.name for row in db.execute(select(USERS.c.id, USERS.c.name).where(USERS.c.id.in_(ids)))}
    return tuple(
        Voter(
            id=int(one["voter"]),
            name=names.get(int(one["voter"]), ""),
            votes=one["votes"],
            as_if=one["as_if"],
            log10_evidence=one["log10_evidence"],
        )
        for one in told
    )


# What hosts may do


def leave_out(db: Connection, access: Access, voter: int) -> None:
    """Leaves all votes of somebody out of the ratings of the phase that is open, for good.

    Raises:
        Forbidden, NotSignedIn: whoever asks is no host. Unknown: they have voted in no phase that is open.
    """
    access.require(Rule.HOST)
    _declared(access)
    phase = _open_phase(db, access, utc_now())
    its = and_(BATTLES.c.phase == phase.id, BATTLES.c.voter == voter)
    if db.execute(select(BATTLES.c.id).where(its).limit(1)).first() is None:
        raise Unknown(f"voter {voter} has not voted in phase {phase.key!r}")
    id = f"without voter {voter}"
    inbox.put(db, new_signal("withdrawn", {"voter": str(voter)}, to=phase.board, id=id))
    audit.write(db, access.actor, "voter.leave_out", str(voter), {"phase": phase.id})


def votes(db: Connection, access: Access, phase: str = "", *, after: int = 0) -> tuple[Vote, ...]:
    """The votes of a phase, in the order in which they were shown: by these the board is what `concours rate` says.

    Args:
        phase: a key; empty for the phase that is open, or else the last.
        after: gives those that were shown after that battle, `MOST_VOTES` at a time.

    Raises:
        Forbidden, NotSignedIn: whoever asks is no host. Unknown: there is no such phase, or this is no arena.
    """
    access.require(Rule.HOST)
    _declared(access)
    of = stage(db, access, phase, utc_now())
    rows = db.execute(
        select(BATTLES)
        .where(BATTLES.c.phase == of.id, BATTLES.c.id > after, BATTLES.c.outcome.in_(list(WINNERS)))
        .order_by(BATTLES.c.id)
        .limit(MOST_VOTES)
    ).all()
    return tuple(
        Vote(
            battle=row.id,
            model_a=str(row.left),
            model_b=str(row.right),
            winner=WINNERS[row.outcome],
            voter=str(row.voter),
            prompt=row.prompt,
            propensity=row.propensity,
            at=row.at,
        )
        for row in rows
    )


def votes_csv(votes: Iterable[Vote]) -> str:
    """Votes as a table that `concours rate --cluster voter` reads."""
    out = io.StringIO()
    writer = csv.DictWriter(out, [one.name for one in fields(Vote)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(vars(vote) for vote in votes)
    return out.getvalue()
