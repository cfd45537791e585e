"""An arena, from the battle that somebody is shown to the board: blind, each vote once, and rated as `concours rate` does."""

from __future__ import annotations

import io
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta
from itertools import combinations
from random import Random
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.engine import Connection

from concours.compete.poll_state import Polled
from concours.core.digests import digest_json
from concours.core.event import Signal, utc_now
from concours.core.ports import Record
from concours.engine.inbox import new_signal
from concours.engine.inline import InlineExecutor
from concours.engine.loop import Engine
from concours.engine.runners import RUNNERS
from concours.server.actor import VISITOR, Actor
from concours.server.database import inbox
from concours.server.database.inbox import Post, SqlInbox
from concours.server.database.journal import SqlJournal
from concours.server.database.tables import (
    APPLIED,
    BATTLES,
    CHANGES,
    COMPETITIONS,
    FILES,
    HOSTS,
    MEMBERS,
    PAIRINGS,
    PHASES,
    PLACES,
    SIGNALS,
    SUBMISSIONS,
    TEAMS,
    USERS,
)
from concours.server.database.texts import json_of, text_of
from concours.server.hosting.competition import Arena as Declared
from concours.server.hosting.competition import Competition, Phase
from concours.server.hosting.opened import Opened
from concours.server.platform import Platform
from concours.server.refusals import Conflict, Forbidden, NotSignedIn, TooMany, Unfit, Unknown
from concours.server.scoring import arena as scoring
from concours.server.scoring.arena import ArenaProjection, deliver
from concours.server.scoring.boards import wanted
from concours.server.services import arena, phases
from concours.server.services.arena import Battle, Revealed
from concours.votes.pair import pair
from concours.votes.rate import rate

SLUG = "rivers"
PROMPTS = ("Name a river.", "Why is the sky blue?", "Say it in one word.")


class Idle(Exception):
    """Nothing is left to be done, and nothing has come in."""


class Killed(Exception):
    """The process is gone at this step."""


class UntilIdle(SqlInbox):
    """An inbox of who does not wait for what has not come."""

    def __init__(self, post: Post, board: str) -> None:
        super().__init__(post, board)
        self._fetch = post.fetch

    def poll(self, timeout_s: float) -> Sequence[Signal]:
        self._fetch()
        found = super().poll(0.0)
        if not found and timeout_s:
            raise Idle
        return found


@dataclass
class Hall:
    """An arena that is open, with three teams and their entries.

    Attributes:
        clock: the time that services are told; it goes on by itself.
    """

    desk: Any
    phase: int
    clock: datetime

    @property
    def platform(self) -> Platform:
        platform: Platform = self.desk.platform
        return platform

    def now(self, later_s: float = 1.0) -> str:
        self.clock += timedelta(seconds=later_s)
        return self.clock.isoformat(timespec="microseconds")

    def team(self, name: str, user: int | None = None) -> int:
        """A team, of a member if one is named."""
        with self.desk.writing() as db:
            row = {"competition": self.competition(db), "name": name, "leader": 1, "created": utc_now()}
            id: int = db.execute(insert(TEAMS).values(**row).returning(TEAMS.c.id)).scalar_one()
            if user is not None:
                of = {"competition": self.competition(db), "user": user, "team": id}
                db.execute(insert(MEMBERS).values(**of, accepted=utc_now()))
        return id

    def competition(self, db: Connection) -> int:
        found: int = db.execute(select(COMPETITIONS.c.id).where(COMPETITIONS.c.slug == SLUG)).scalar_one()
        return found

    def enter(self, name: str, team: int | None, answers: Sequence[str] | bytes) -> int:
        """A submission, as the platform takes it in."""
        content = answers if isinstance(answers, bytes) else _csv("answer", answers)
        digest = self.platform.store.put(io.BytesIO(content))
        with self.desk.writing() as db:
            row = {
                "competition": self.competition(db), "phase": self.phase, "team": team, "user": None, "name": name,
                "brings": "predictions", "called": "answers.csv", "digest": digest, "size": len(content),
                "at": utc_now(), "state": "waiting", "message": "", "address": "", "reason": "", "charged": True,
                "final": False,
            }  # fmt: skip
            id: int = db.execute(insert(SUBMISSIONS).values(**row).returning(SUBMISSIONS.c.id)).scalar_one()
            body: dict[str, Any] = {"name": name, "file": digest, "called": "answers.csv"}
            body |= {"baseline": True} if team is None else {"team": str(team)}
            self.tell(db, "joined", body, id=str(id))
        return id

    def tell(self, db: Connection, name: Any, body: dict[str, Any], *, id: str) -> None:
        inbox.put(db, new_signal(name, body, to=f"phase {self.phase}", id=id))

    def withdraw(self, entry: int) -> None:
        with self.desk.writing() as db:
            self.tell(db, "withdrawn", {"entry": str(entry)}, id=f"withdrawn {entry}")

    def next(self, who: Actor, *, rng: Random | None = None, later_s: float = 1.0) -> Battle:
        """What somebody is shown."""
        more: dict[str, Any] = {"rng": rng} if rng else {}
        shown: Battle = self.desk.do(who, SLUG, arena.next_battle, self.platform.store, now=self.now(later_s), **more)
        return shown

    def vote(self, who: Actor, battle: int, outcome: str, *, later_s: float = 1.0) -> Revealed:
        said: Revealed = self.desk.do(who, SLUG, arena.vote, battle, outcome, now=self.now(later_s))
        return said

    def deliver(self) -> int:
        """Long after the last vote."""
        return deliver(self.platform, now=self.now(60.0))

    def drive(self, *, journal: type[SqlJournal] = SqlJournal, watch: Callable[..., None] | None = None) -> None:
        """Conducts until there is nothing left to do, as a conductor that has just begun."""
        kept = self.kept()
        projection = kept.projection(self.platform.database)
        post = Post(self.platform.database.engine)
        board = f"phase {self.phase}"
        engine = Engine(
            store=self.platform.store,
            journal=journal(self.platform.database.engine, board),
            executor=InlineExecutor(self.platform.store, RUNNERS),
            code=lambda job: digest_json(job.runner),
            inbox=UntilIdle(post, board),
        )
        with suppress(Idle):
            projection.finish(engine.drive(kept.process, (), seed=kept.seed, watch=watch or projection.watch))

    def kept(self) -> Any:
        """What the conductor drives."""
        (found,) = wanted(self.platform.database)
        return found

    def state(self) -> Polled:
        """That of the process, from the journal."""
        found: list[Polled] = []
        self.drive(watch=lambda before, after, number: found.append(after))
        return found[-1]

    def rows(self, table: Any) -> list[tuple[Any, ...]]:
        with self.desk.reading() as db:
            return sorted((tuple(row) for row in db.execute(select(table))), key=repr)

    def places(self) -> dict[int, dict[str, Any]]:
        with self.desk.reading() as db:
            rows = db.execute(select(PLACES).where(PLACES.c.part == "public").order_by(PLACES.c.number)).all()
        return {row.entry: json_of(row.line) for row in rows}

    def rows_of_battles(self) -> list[Any]:
        with self.desk.reading() as db:
            return list(db.execute(select(BATTLES).where(BATTLES.c.at.is_not(None))))

    def given(self) -> pd.DataFrame:
        """All votes, as a host may have them."""
        with self.desk.reading() as db:
            told = arena.votes(db, self.desk.access(db, self.desk.host, SLUG))
        return pd.read_csv(io.StringIO(arena.votes_csv(told)), dtype={"model_a": str, "model_b": str, "voter": str})


def _csv(column: str, texts: Sequence[str]) -> bytes:
    table = pd.DataFrame({"id": [f"p{number}" for number in range(len(texts))], column: list(texts)})
    return table.to_csv(index=False).encode()


@pytest.fixture
def hall(desk: Any) -> Hall:
    """Three teams, the first of them mika's, each with answers to all prompts."""
    return _hall(desk)


def _hall(desk: Any, *, per_day: int | None = 200) -> Hall:
    declared = Competition(
        title="Rivers",
        slug=SLUG,
        phases=(Phase(key="main", title="Main", begins="2026-01-01T00:00:00Z"),),
        arena=Declared(prompts="data/prompts.csv", votes_per_day=per_day),
    )
    digest = desk.platform.store.put(io.BytesIO(_csv("prompt", PROMPTS)))
    with desk.writing() as db:
        row = {
            "slug": SLUG, "title": "Rivers", "subtitle": "", "state": "published", "visibility": "all",
            "owner": desk.host.user, "settings": text_of(declared.to_json()), "version": 1, "complaint": "",
            "alliance": False, "created": utc_now(), "opened": text_of(Opened().to_json()),
        }  # fmt: skip
        id = db.execute(insert(COMPETITIONS).values(**row).returning(COMPETITIONS.c.id)).scalar_one()
        db.execute(insert(HOSTS).values(competition=id, user=desk.host.user))
        file = {"competition": id, "path": "data/prompts.csv", "digest": digest, "size": 1, "public": True}
        db.execute(insert(FILES).values(**file, at=utc_now()))
        of = {
            "competition": id,
            "key": "main",
            "number": 0,
            "title": "Main",
            "begins": "2026-01-01T00:00:00.000000+00:00",
            "state": "open",
        }
        settings = text_of(asdict(declared.phases[0]))
        phase = db.execute(insert(PHASES).values(**of, settings=settings).returning(PHASES.c.id)).scalar_one()
    made = Hall(desk, phase, datetime.fromisoformat("2026-05-05T08:00:00+00:00"))
    for name, user in (("Otters", desk.member.user), ("Herons", None), ("Newts", None)):
        made.enter("answers.csv", made.team(name, user), [f"{name[:1]} {number}" for number in range(len(PROMPTS))])
    return made


def entries(hall: Hall) -> dict[str, int]:
    """Submissions by the letter that their answers begin with."""
    with hall.desk.reading() as db:
        rows = db.execute(select(SUBMISSIONS.c.id, TEAMS.c.name).join(TEAMS, TEAMS.c.id == SUBMISSIONS.c.team)).all()
    return {name[:1]: id for id, name in rows}


def people(hall: Hall, count: int) -> list[Actor]:
    """So many who are signed in and no members."""
    with hall.desk.writing() as db:
        made = []
        for number in range(count):
            row = {"name": f"voter{number}", "display": "", "administrator": False, "about": "", "created": utc_now()}
            id = db.execute(insert(USERS).values(**row).returning(USERS.c.id)).scalar_one()
            made.append(Actor(user=id, name=row["name"]))
    return made


def cast(hall: Hall, who: Sequence[Actor], count: int, rng: Random, *, against: Actor | None = None) -> None:
    """Votes, as they lie in the table once they are given, by people who mostly prefer who comes first in the alphabet;
    but for one, who votes against them.
    """
    letters = sorted((letter, id) for letter, id in entries(hall).items())
    with hall.desk.reading() as db:
        letters += [
            ("Z", id) for id in db.execute(select(SUBMISSIONS.c.id).where(SUBMISSIONS.c.team.is_(None))).scalars()
        ]
    rows = []
    for number in range(count):
        (a, left), (b, right) = rng.sample(letters, 2)
        voter, fairly = who[number % len(who)], "left" if a < b else "right"
        outcome = rng.choice([fairly, fairly, "left", "right", "tie", "bad"]) if against is None else fairly
        if voter is against:
            outcome = {"left": "right", "right": "left"}[fairly]
        rows.append({
            "phase": hall.phase, "voter": voter.user, "prompt": rng.randrange(3), "left": left, "right": right,
            "propensity": 1 / 3, "outcome": outcome, "shown": hall.now(0.0), "at": hall.now(0.0), "batch": "",
        })  # fmt: skip
    with hall.desk.writing() as db:
        db.execute(insert(BATTLES), rows)


# Being shown a battle


def test_what_is_shown_tells_nothing_of_whose_it_is(hall: Hall) -> None:
    """A number, the prompt, two texts, and how many votes are left: no name, no number of an entry or a team."""
    hall.drive()
    shown = hall.next(hall.desk.other)
    assert {one.name for one in fields(shown)} == {"id", "prompt", "left", "right", "left_today"}
    number = PROMPTS.index(shown.prompt)
    assert shown.left != shown.right
    assert {shown.left, shown.right} < {f"{letter} {number}" for letter in "OHN"}
    text = repr(asdict(shown))
    for secret in ("Otters", "Herons", "Newts", "answers.csv", "sha256"):
        assert secret not in text


def test_the_same_answers_of_other_teams_are_shown_alike(hall: Hall) -> None:
    """Names, and which team has which answers, make no difference to what a draw shows, nor to its order."""
    hall.drive()
    first = hall.next(hall.desk.other, rng=Random(5))
    with hall.desk.writing() as db:
        db.execute(delete(BATTLES))
        for id, name in db.execute(select(TEAMS.c.id, TEAMS.c.name)).all():
            db.execute(update(TEAMS).where(TEAMS.c.id == id).values(name=name[::-1]))
        db.execute(update(SUBMISSIONS).values(name="another"))
    again = hall.next(hall.desk.other, rng=Random(5))
    assert replace(again, id=first.id) == first


def test_until_it_is_voted_on_the_same_battle_is_shown(hall: Hall) -> None:
    """So nobody asks again until a pair comes that they want; after half an hour another one is drawn."""
    hall.drive()
    shown = hall.next(hall.desk.other)
    assert all(hall.next(hall.desk.other) == shown for _ in range(5))
    late = hall.next(hall.desk.other, later_s=arena.OPEN_S)
    assert late.id != shown.id
    with pytest.raises(Conflict, match="shown more than 30 minutes ago"):
        hall.vote(hall.desk.other, shown.id, "left")


def test_every_pair_is_shown_with_every_prompt_once(hall: Hall) -> None:
    """To somebody who goes on to the end; then there is nothing left, and it says so."""
    hall.drive()
    seen: Counter[tuple[str, frozenset[str]]] = Counter()
    for _ in range(3 * len(PROMPTS)):
        shown = hall.next(hall.desk.other)
        seen[shown.prompt, frozenset({shown.left[0], shown.right[0]})] += 1
        hall.vote(hall.desk.other, shown.id, "tie")
    assert len(seen) == 3 * len(PROMPTS)
    assert set(seen.values()) == {1}
    with pytest.raises(Conflict, match="you have seen all 3 prompts of every pair"):
        hall.next(hall.desk.other)


def test_nobody_is_shown_an_answer_of_their_own_team(hall: Hall) -> None:
    """Members are shown the others' alone, with the chances of those."""
    hall.drive()
    for _ in PROMPTS:
        shown = hall.next(hall.desk.member)
        assert {shown.left[0], shown.right[0]} == {"H", "N"}
        hall.vote(hall.desk.member, shown.id, "left")
    with hall.desk.reading() as db:
        assert db.execute(select(BATTLES.c.propensity)).scalars().all() == pytest.approx([1.0] * 3)
    with pytest.raises(Conflict, match="you have seen all"):
        hall.next(hall.desk.member)


def test_where_there_are_no_two_entries_it_says_so(hall: Hall) -> None:
    """Before anything is received, and when all but one are gone."""
    with pytest.raises(Conflict, match="is being prepared"):
        hall.next(hall.desk.other)
    ids = list(entries(hall).values())
    for entry in ids[:2]:
        hall.withdraw(entry)
    hall.drive()
    with pytest.raises(Conflict, match="not yet two entries"):
        hall.next(hall.desk.other)


def test_an_entry_whose_answers_are_wrong_is_not_shown(hall: Hall) -> None:
    """Its submission says why; and it counts against its team's limits, since it was they who sent it."""
    bad = hall.enter("bad", hall.team("Toads"), b"id,answer\np0,T 0\np1,T 1\n")
    hall.drive()
    with hall.desk.reading() as db:
        row = db.execute(select(SUBMISSIONS).where(SUBMISSIONS.c.id == bad)).one()
        states = set(db.execute(select(SUBMISSIONS.c.state).where(SUBMISSIONS.c.id != bad)).scalars())
        content = db.execute(select(PAIRINGS.c.content)).scalar_one()
    assert (row.state, row.charged) == ("failed", True)
    assert "no answer to 1 of 3 prompts, first 'p2'" in row.reason
    assert states == {"scored"}
    assert bad not in [entry for entry, *_ in json_of(content)["entries"]]
    assert bad not in hall.places()


# Voting


def test_a_vote_is_given_once_by_who_was_shown_it(hall: Hall) -> None:
    """And tells then whose the answers were. The same again changes nothing; another is refused, as are others' votes."""
    hall.drive()
    shown = hall.next(hall.desk.other)
    said = hall.vote(hall.desk.other, shown.id, "left")
    teams = {"O": "Otters", "H": "Herons", "N": "Newts"}
    assert (said.left, said.right) == (teams[shown.left[0]], teams[shown.right[0]])
    assert hall.vote(hall.desk.other, shown.id, "left") == said
    with pytest.raises(Conflict, match="voted on this battle already: left"):
        hall.vote(hall.desk.other, shown.id, "right")
    for stranger in (hall.desk.member, hall.desk.host):
        with pytest.raises(Unknown, match="you were shown no battle"):
            hall.vote(stranger, shown.id, "left")
    with pytest.raises(Unfit, match="one of left, right, tie, bad"):
        hall.vote(hall.desk.other, hall.next(hall.desk.other).id, "gone")


def test_visitors_sign_in_first(hall: Hall) -> None:
    """For each service that votes."""
    hall.drive()
    for ask in (lambda: hall.next(VISITOR), lambda: hall.vote(VISITOR, 1, "left")):
        with pytest.raises(NotSignedIn, match="sign in first"):
            ask()


def test_votes_of_a_day_are_limited(desk: Any) -> None:
    """And it is said when there are more; the next day there are."""
    hall = _hall(desk, per_day=2)
    hall.drive()
    for left in (2, 1):
        shown = hall.next(desk.other)
        assert shown.left_today == left
        hall.vote(desk.other, shown.id, "left")
    with pytest.raises(TooMany, match="all 2 votes of today") as refused:
        hall.next(desk.other)
    assert refused.value.after_s is not None
    assert 0 < refused.value.after_s <= 86400
    assert hall.next(desk.other, later_s=refused.value.after_s).left_today == 2


def test_a_battle_of_who_was_withdrawn_is_taken_back(hall: Hall) -> None:
    """Another is shown, and the first can no longer be voted on."""
    hall.drive()
    shown = hall.next(hall.desk.other)
    hall.withdraw(entries(hall)[shown.left[0]])
    hall.drive()
    again = hall.next(hall.desk.other)
    assert shown.left[0] not in {again.left[0], again.right[0]}
    with pytest.raises(Conflict, match="taken out of the arena"):
        hall.vote(hall.desk.other, shown.id, "left")


def test_a_phase_that_is_closing_takes_no_votes_and_loses_none(hall: Hall) -> None:
    """What was voted before is counted; the board is final, and says so."""
    hall.drive()
    cast(hall, people(hall, 6), 24, Random(1))
    shown = hall.next(hall.desk.other)
    with hall.desk.writing() as db:
        phases.close(db, hall.phase)
    for ask in (lambda: hall.vote(hall.desk.other, shown.id, "left"), lambda: hall.next(hall.desk.other)):
        with pytest.raises(Conflict, match="ended|open"):
            ask()
    assert deliver(hall.platform, now=hall.now(0.0)) == 1
    assert deliver(hall.platform, now=hall.now(0.0)) == 0
    hall.drive()
    with hall.desk.reading() as db:
        assert db.execute(select(COMPETITIONS.c.state)).scalar_one() == "closed"
        assert db.execute(select(PHASES.c.state)).scalar_one() == "closed"
        parts = Counter(db.execute(select(PLACES.c.part)).scalars())
    assert parts == {"public": 3, "rest": 3}
    assert sum(line["battles"] for line in hall.places().values()) == 2 * 24


# To the board


def expect_like_rate(hall: Hall, *, without: Sequence[int] = (), unheard: Sequence[int] = ()) -> None:
    """The board says what `concours rate` says of the votes that a host may have."""
    given = hall.given()
    gone, mute = {str(entry) for entry in without}, {str(voter) for voter in unheard}
    given = given[~given.model_a.isin(gone) & ~given.model_b.isin(gone) & ~given.voter.isin(mute)]
    expected = {int(line.name): line for line in rate(given, cluster=["voter"]).ratings}
    shown = hall.places()
    assert set(shown) >= set(expected)
    for entry, line in expected.items():
        assert shown[entry]["metrics"]["rating"] == line.rating
        assert shown[entry]["intervals"].get("rating") == ([line.low, line.high] if line.low is not None else None)
        assert [shown[entry][name] for name in ("rank", "rank_best", "rank_worst", "battles", "wins", "ties")] == [
            line.rank, line.rank_best, line.rank_worst, line.battles, line.wins, line.ties,
        ]  # fmt: skip
    assert not (set(shown) & set(without))


def test_ratings_are_those_of_concours_rate(hall: Hall) -> None:
    """To the last digit, by voter; and who is withdrawn, or left out, is left out there and here."""
    hall.drive()
    who = people(hall, 7)
    for seed in range(3):
        cast(hall, who, 14, Random(seed))
        assert hall.deliver() == 1
        hall.drive()
        expect_like_rate(hall)
    hall.desk.do(hall.desk.host, SLUG, arena.leave_out, who[0].user)
    hall.drive()
    expect_like_rate(hall, unheard=[who[0].user or 0])
    gone = entries(hall)["N"]
    hall.withdraw(gone)
    hall.drive()
    expect_like_rate(hall, without=[gone], unheard=[who[0].user or 0])


def test_a_vote_moves_the_board_and_whoever_looks_is_told(hall: Hall) -> None:
    """By a change of the board's topic."""
    hall.drive()
    who = people(hall, 6)
    cast(hall, who, 18, Random(2))
    hall.deliver()
    hall.drive()
    before = hall.places()
    with hall.desk.writing() as db:
        db.execute(delete(CHANGES))
    cast(hall, who, 1, Random(3))
    hall.deliver()
    hall.drive()
    assert hall.places() != before
    with hall.desk.reading() as db:
        assert f"board {hall.phase}" in set(db.execute(select(CHANGES.c.topic)).scalars())


def test_a_baseline_is_rated_without_a_place(hall: Hall) -> None:
    """Ranks are those of the teams among themselves, and it stands below them."""
    base = hall.enter("always a river", None, ["B 0", "B 1", "B 2"])
    hall.drive()
    cast(hall, people(hall, 8), 48, Random(4))
    hall.deliver()
    hall.drive()
    lines = hall.places()
    assert list(lines)[-1] == base
    assert lines[base]["rank"] is None
    assert lines[base]["metrics"]["rating"] is not None
    assert sorted(line["rank"] for entry, line in lines.items() if entry != base) == [1, 2, 3]
    assert all(line["rank_worst"] <= 3 for entry, line in lines.items() if entry != base)


def test_pairs_are_drawn_by_what_concours_pair_says(hall: Hall) -> None:
    """The table that web processes draw from has the propensities of the same votes."""
    hall.drive()
    cast(hall, people(hall, 6), 36, Random(6))
    hall.deliver()
    hall.drive()
    with hall.desk.reading() as db:
        content = json_of(db.execute(select(PAIRINGS.c.content)).scalar_one())
    ids = [entry for entry, *_ in content["entries"]]
    expected = {frozenset({int(a), int(b)}): chance for a, b, chance in pair(hall.given()).propensities}
    for first, second, share in content["shares"]:
        assert 0.1 / 3 + 0.9 * share == pytest.approx(expected[frozenset({ids[first], ids[second]})], rel=1e-4)
    assert len(content["shares"]) == 3


def test_who_has_joined_since_is_shown_too(hall: Hall) -> None:
    """By the draws that are even, before the next rating; then oftenest, since least is known of them."""
    hall.drive()
    who = people(hall, 6)
    cast(hall, who, 36, Random(6))
    hall.deliver()
    hall.drive()
    new = hall.enter("x", hall.team("Toads"), ["T 0", "T 1", "T 2"])
    hall.drive()
    with hall.desk.reading() as db:
        content = json_of(db.execute(select(PAIRINGS.c.content)).scalar_one())
    place = [entry for entry, *_ in content["entries"]].index(new)
    assert sum(share for first, second, share in content["shares"] if place in (first, second)) > 0.6
    assert hall.places()[new]["unsure"] == {"rating": "no vote has been counted for it"}


def test_hosts_are_told_of_voters_unlike_the_crowd(hall: Hall) -> None:
    """Of who votes against it; nobody else is, and nobody but hosts may leave them out."""
    hall.drive()
    who = people(hall, 14)
    bad = who[-1]
    cast(hall, who, 9 * len(who), Random(8), against=bad)
    hall.deliver()
    hall.drive()

    def told(who: Actor) -> Any:
        with hall.desk.reading() as db:
            return arena.arena(db, hall.desk.access(db, who, SLUG), now=hall.now())

    assert [(voter.id, voter.as_if) for voter in told(hall.desk.host).voters] == [(bad.user, "against the crowd")]
    assert told(hall.desk.other).voters == ()
    assert told(hall.desk.other).votes == 9 * len(who)
    with pytest.raises(Forbidden):
        hall.desk.do(hall.desk.other, SLUG, arena.leave_out, bad.user)
    with pytest.raises(Forbidden):
        hall.desk.do(hall.desk.other, SLUG, arena.votes)
    with pytest.raises(Unknown, match="has not voted"):
        hall.desk.do(hall.desk.host, SLUG, arena.leave_out, hall.desk.host.user)
    hall.desk.do(hall.desk.host, SLUG, arena.leave_out, bad.user)
    hall.drive()
    assert told(hall.desk.host).voters == ()


# Once each, whatever happens


def test_votes_wait_no_longer_than_two_seconds_and_come_in_batches(hall: Hall) -> None:
    """A young vote waits for others; when the oldest has waited long enough, all of them go."""
    hall.drive()
    who = people(hall, 3)
    for voter in who[:2]:
        hall.vote(voter, hall.next(voter, later_s=0.1).id, "left", later_s=0.1)
    assert deliver(hall.platform, now=hall.now(0.1)) == 0
    assert deliver(hall.platform, now=hall.now(2.0)) == 1
    assert deliver(hall.platform, now=hall.now(60.0)) == 0
    assert len(hall.rows(SIGNALS)) == 1


def test_the_more_batches_there_are_the_longer_votes_are_gathered(hall: Hall) -> None:
    """So that there are never so many that rating all of them takes longer than the votes wait."""
    hall.drive()
    (voter,) = people(hall, 1)
    left, right = list(entries(hall).values())[:2]
    at = hall.now(0.0)
    row = {"phase": hall.phase, "voter": voter.user, "prompt": 0, "left": left, "right": right, "propensity": 1.0}
    row |= {"outcome": "left", "shown": at, "at": at}
    with hall.desk.writing() as db:
        db.execute(insert(BATTLES), [{**row, "batch": f"votes {number}"} for number in range(4000)])
        db.execute(insert(BATTLES).values(**row, batch=""))
    assert deliver(hall.platform, now=hall.now(3.5)) == 0
    assert deliver(hall.platform, now=hall.now(1.0)) == 1


def at_once(count: int, what: Callable[[int], Any]) -> list[Any]:
    """What so many threads were given, or refused."""
    found: list[Any] = []

    def ask(number: int) -> None:
        try:
            found.append(what(number))
        except Conflict as refused:
            found.append(refused)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_somebody_with_many_windows_has_one_battle_and_one_vote(hall: Hall) -> None:
    """However many requests come at once, and whatever they say."""
    hall.drive()
    shown = at_once(4, lambda _: hall.next(hall.desk.other))
    assert len({battle.id for battle in shown}) == 1
    told = at_once(4, lambda number: hall.vote(hall.desk.other, shown[0].id, ("left", "right", "tie", "bad")[number]))
    assert sum(isinstance(one, Revealed) for one in told) == 1
    assert len(told) == 4
    assert len(hall.rows_of_battles()) == 1


class Falling:
    """Kills whoever takes the n-th step."""

    def __init__(self, left: int) -> None:
        self.left = left

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Killed


def _kills(monkeypatch: pytest.MonkeyPatch, falling: Falling) -> Iterator[type[SqlJournal]]:
    """Steps of delivering and conducting, before and after each of which the process may be killed."""

    def around(what: Callable[..., Any]) -> Callable[..., Any]:
        def stepping(*told: Any, **named: Any) -> Any:
            falling.step()
            found = what(*told, **named)
            falling.step()
            return found

        return stepping

    class Cut(SqlJournal):
        def append(self, record: Record) -> int:
            falling.step()
            number = super().append(record)
            falling.step()
            return number

    with monkeypatch.context() as patched:
        patched.setattr(scoring, "put_table", around(scoring.put_table))
        patched.setattr(scoring.inbox, "put", around(scoring.inbox.put))
        patched.setattr(Post, "gone", around(Post.gone))
        patched.setattr(ArenaProjection, "_places", around(ArenaProjection._places))
        patched.setattr(ArenaProjection, "_pairing", around(ArenaProjection._pairing))
        yield Cut


@pytest.mark.parametrize("seed", range(4))
def test_every_vote_counts_once_whoever_is_killed_whenever(
    hall: Hall, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Delivering and conducting are killed at random steps, again and again; in the end the journal has each vote in
    one batch, the board is what `concours rate` says of them, and no other than without a kill.
    """
    rng = Random(seed)
    hall.drive()
    who = people(hall, 5)
    for _ in range(4):
        cast(hall, who, rng.randint(2, 6), rng)
        for _ in range(3):
            for journal in _kills(monkeypatch, Falling(rng.randint(1, 40))):
                try:
                    hall.deliver()
                    hall.drive(journal=journal)
                except Killed:
                    pass
    hall.deliver()
    hall.drive()
    given, state = hall.given(), hall.state()
    counted = hall.kept().process.batches(state)
    assert sum(batch.battles for batch in counted.values()) == len(given)
    assert [batch.reason for batch in counted.values()] == [""] * len(counted)
    batches = Counter(row.batch for row in hall.rows_of_battles())
    assert set(batches) == set(counted)
    assert {id: batch.battles for id, batch in counted.items()} == batches
    expect_like_rate(hall)


@pytest.mark.parametrize("seed", range(2))
def test_tables_that_are_dropped_are_folded_again(hall: Hall, seed: int) -> None:
    """There is no second truth: from the journal come the same rows."""
    hall.enter("bad", hall.team("Toads"), b"id,answer\n")
    hall.drive()
    cast(hall, people(hall, 6), 12, Random(seed))
    hall.deliver()
    hall.drive()
    shown = (PLACES, PAIRINGS, SUBMISSIONS)
    before = [hall.rows(table) for table in shown]
    with hall.desk.writing() as db:
        for table in (PLACES, PAIRINGS, APPLIED):
            db.execute(delete(table))
        db.execute(update(SUBMISSIONS).values(state="waiting", reason=""))
    hall.drive()
    assert [hall.rows(table) for table in shown] == before
    assert len(hall.rows(APPLIED)) == 1


def test_all_pairs_are_possible_for_everybody(hall: Hall) -> None:
    """Whoever votes: over many voters each pair of entries is shown, on either side."""
    hall.drive()
    found = Counter((shown.left[0], shown.right[0]) for who in people(hall, 60) for shown in [hall.next(who)])
    assert set(found) == set(combinations("OHN", 2)) | {(b, a) for a, b in combinations("OHN", 2)}


def test_prompts_stay_those_of_the_beginning(hall: Hall) -> None:
    """A file of prompts that changes while people vote changes nothing of what they are shown."""
    hall.drive()
    first = hall.kept().process
    with hall.desk.writing() as db:
        other = hall.platform.store.put(io.BytesIO(_csv("prompt", ["Another?"])))
        db.execute(update(FILES).values(digest=other))
    assert hall.kept().process == first
