"""Tables that follow a hosted board: what is written step by step is what is written of the last state."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import pytest
from sqlalchemy import insert, select

from concours.compete.hosted import Hosted
from concours.core.digests import digest_json
from concours.core.event import Cause, Failed, utc_now
from concours.engine.inbox import new_signal
from concours.server.database.tables import (
    ALLIANCES,
    COMPETITIONS,
    CORRECTIONS,
    PHASES,
    PLACES,
    RESCORES,
    SCORES,
    SUBMISSIONS,
    SUSPICIONS,
    TEAMS,
    USERS,
)
from concours.server.database.texts import json_of
from concours.server.scoring.projections import Projection
from concours.stores.memory import MemoryStore
from concours.testing.processes import all_well, some_fail
from concours.testing.toys import toy_problem

BOARD = "phase 1"
HOSTED = Hosted(problem=toy_problem(MemoryStore()), name=BOARD, final="refit")
_TEAMS = 7
_ENTRIES = 20


@pytest.fixture
def database(platform_sqlite):
    with platform_sqlite.database.writing() as db:
        db.execute(insert(USERS).values(id=1, name="host", display="Host", created=utc_now()))
        of = {"slug": "s", "title": "S", "state": "published", "visibility": "all", "owner": 1, "settings": "{}"}
        db.execute(insert(COMPETITIONS).values(id=1, version=1, alliance=True, created=utc_now(), **of))
        phase = {"key": "main", "number": 0, "title": "Main", "begins": utc_now(), "state": "open", "settings": "{}"}
        db.execute(insert(PHASES).values(id=1, competition=1, **phase))
        for team in range(1, _TEAMS + 1):
            db.execute(insert(TEAMS).values(id=team, competition=1, name=f"{team}", leader=1, created=utc_now()))
        for entry in range(1, _ENTRIES + 1):
            sent = {"name": "e", "brings": "predictions", "called": "p.csv", "digest": digest_json(entry), "size": 1}
            db.execute(
                insert(SUBMISSIONS).values(id=entry, competition=1, phase=1, at=utc_now(), state="waiting", **sent)
            )
        asked = {"by": 1, "at": utc_now(), "why": "it was wrong", "files": "{}", "metrics": "[]", "state": "applied"}
        db.execute(insert(CORRECTIONS).values(id=1, competition=1, **asked))
    return platform_sqlite.database


def shown(db):
    """All rows that follow."""
    of = (SUBMISSIONS.c.id, SUBMISSIONS.c.state, SUBMISSIONS.c.reason, SUBMISSIONS.c.charged)
    moved = select(RESCORES.c.id, RESCORES.c.difference)
    asked = [select(SCORES), select(PLACES), select(ALLIANCES), select(PHASES.c.id, PHASES.c.problem), select(*of)]
    asked += [moved, select(SUSPICIONS)]
    return [sorted(map(tuple, db.execute(query))) for query in asked]


def rescored(db, signal):
    """What a service writes beside such a signal."""
    values = {"board": BOARD, "problem": signal.body["problem"], "by": 1, "at": utc_now(), "why": "it was wrong"}
    db.execute(insert(RESCORES).values(**values, correction=1))


def joins(entry: int, **body):
    way = {} if "program" in body else {"predictions": digest_json(entry)}
    return new_signal("joined", {"name": "e", **way, **body}, to=BOARD, id=str(entry))


def drawn(rng: random.Random, number: int, entries: int):
    """A signal of some kind, which may be refused."""
    entry, team = str(rng.randrange(1, entries + 2)), str(rng.randrange(1, _TEAMS + 1))
    bodies = {
        "withdrawn": {"entry": entry},
        "rescored": {"problem": digest_json(f"problem {rng.randrange(3)}")},
        "opted": {"team": team, "alliance": rng.random() < 0.5},
        "merged": {"team": team, "into": str(rng.randrange(1, _TEAMS + 1))},
    }
    name = rng.choice(list(bodies))
    return new_signal(name, bodies[name], to=BOARD, id=f"{name} {number}")


@pytest.mark.parametrize("ladder", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_what_is_written_step_by_step_is_what_the_last_state_says(database, seed, ladder):
    """Whatever happens in which order: entries, failures, withdrawals, rescorings, and the end."""
    hosted, rng = replace(HOSTED, ladder=ladder), random.Random(seed)
    projection, state, entries = Projection(database, BOARD, 1), hosted.init((), seed=0), 0
    for number in range(120):
        jobs, before, chance = hosted.plan(state).jobs, state, rng.random()
        if jobs and (chance < 0.7 or number > 90):
            state = hosted.update(state, some_fail(rng.choice(jobs)))
        elif chance < 0.9 and entries < _ENTRIES:
            entries += 1
            way = {"baseline": True} if rng.random() < 0.1 else {"team": str(rng.randrange(1, _TEAMS + 1))}
            state = hosted.update(state, joins(entries, **way))
        elif number == 110:
            state = hosted.update(state, new_signal("closed", {}, to=BOARD, id="closed"))
        else:
            signal = drawn(rng, number, entries)
            if signal.name == "rescored" and not hosted.refusal(state, signal):
                with database.writing() as db:
                    rescored(db, signal)
            state = hosted.update(state, signal)
        projection.watch(before, state, number)
        if number % 6 == 0 or number > 112:
            with database.writing() as db:
                step_by_step = shown(db)
                projection.whole(db, state)
                assert shown(db) == step_by_step


@pytest.mark.parametrize(
    ("runner", "cause", "counts"),
    [
        ("receive", "exception", True),
        ("receive", "crash", False),
        ("receive", "no_space", False),
        ("rank", "out_of_memory", False),
        ("run_submission", "crash", True),
        ("run_submission", "out_of_memory", True),
        ("run_submission", "no_machine", False),
    ],
)
def test_what_the_platform_could_not_do_does_not_count(database, runner: str, cause: Cause, counts: bool):
    """Nor does a crash of our own scoring; that of a program that was sent does. It is said, and what to do."""
    way = {"program": digest_json("p"), "called": "entry.py"} if runner == "run_submission" else {}
    states = [HOSTED.init((), seed=0)]
    states.append(HOSTED.update(states[-1], joins(1, **way)))
    while (job := HOSTED.plan(states[-1]).jobs[0]).runner != runner:
        states.append(HOSTED.update(states[-1], all_well(job)))
    states.append(HOSTED.update(states[-1], Failed(job=job.digest, cause=cause, reason="it broke")))
    projection = Projection(database, BOARD, 1)
    for number, (before, after) in enumerate(pairwise(states)):
        projection.watch(before, after, number)
    with database.writing() as db:
        step_by_step = shown(db)
        projection.whole(db, states[-1])
        assert shown(db) == step_by_step
        row = db.execute(select(SUBMISSIONS).where(SUBMISSIONS.c.id == 1)).one()
    assert (row.state, row.charged) == ("failed", counts)
    assert row.reason.startswith("it broke")
    assert ("does not count" in row.reason) == (not counts)


def test_who_moves_by_a_rescoring_is_known_once_all_are_scored(database):
    """By ranks of the best public scores of teams, by the problem before and by the new one."""
    projection, state, number = Projection(database, BOARD, 1), HOSTED.init((), seed=0), 0
    new = new_signal("rescored", {"problem": digest_json("new")}, to=BOARD, id="rescored")
    with database.writing() as db:
        rescored(db, new)
    signals = [joins(entry, team=str(entry)) for entry in range(1, _TEAMS + 1)] + [new]
    while signals or HOSTED.plan(state).jobs:
        jobs, before = HOSTED.plan(state).jobs, state
        state = HOSTED.update(state, all_well(jobs[0]) if jobs else signals.pop(0))
        projection.watch(before, state, number := number + 1)
        with database.reading() as db:
            found = db.execute(select(RESCORES.c.difference)).scalar_one()
        all_scored = len(HOSTED.scores(state, digest_json("new"))) == _TEAMS
        assert (found is not None) == all_scored
    ranks = []
    for problem in (HOSTED.problem.digest, digest_json("new")):
        values = {entry: score.metrics["log_loss"] for entry, score in HOSTED.scores(state, problem).items()}
        ranks.append({entry: 1 + sum(other < value for other in values.values()) for entry, value in values.items()})
    before, after = ranks
    moves = {entry: [before[entry], after[entry]] for entry in before if before[entry] != after[entry]}
    assert json_of(found) == moves != {}
