"""An arena from its draft to its final board, conducted: entries stand, votes reach the board, the last before it closes."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import insert, select

from concours.core.event import utc_now
from concours.server.actor import Actor
from concours.server.database.tables import BATTLES, PAIRINGS, PLACES, USERS
from concours.server.hosting.folder import files_of, from_folder
from concours.server.scoring import arena as scoring
from concours.server.scoring import conductor
from concours.server.services import arena
from concours.server.services.access import accessed

sys.path.insert(0, str(Path(__file__).parent))
from conducting import Stage

EXAMPLE = Path(__file__).parents[3] / "examples/arena-competition"


@pytest.fixture
def stage(platform, monkeypatch):
    """The example, conducted without waiting for more votes."""
    monkeypatch.setattr(scoring, "GATHERED_S", 0.0)
    monkeypatch.setattr(conductor, "_LOOK_S", 0.05)
    found = Stage(platform)
    files = {path: file.read_bytes() for path, file in files_of(EXAMPLE / "explained").items()}
    declared = from_folder(EXAMPLE / "explained")
    begun = replace(declared, phases=(replace(declared.phases[0], begins="2026-01-01T00:00:00Z"),))
    found.create(begun, files)
    return found


def votes(stage: Stage, people: list[Actor], seed: int) -> None:
    """One of each, for what is longer."""
    database, rng = stage.platform.database, Random(seed)
    for who in people:
        with database.writing() as db:
            shown = arena.next_battle(db, accessed(db, who, "explained"), stage.platform.store, rng=rng)
        with database.writing() as db:
            longer = "left" if len(shown.left) > len(shown.right) else "right"
            arena.vote(db, accessed(db, who, "explained"), shown.id, rng.choice([longer, longer, "left", "right"]))


def board(stage: Stage, part: str) -> list[tuple[int, dict]]:
    with stage.platform.database.reading() as db:
        rows = db.execute(select(PLACES).where(PLACES.c.part == part).order_by(PLACES.c.number)).all()
    return [(row.entry, json.loads(row.line)) for row in rows]


def test_an_arena_from_draft_to_final_board(stage):
    """Nothing but what people do: publish, submit, vote, close."""
    with stage.platform.database.writing() as db:
        people = [Actor(user=100 + number, name=f"voter{number}") for number in range(11)]
        for who in people:
            db.execute(insert(USERS).values(id=who.user, name=who.name, display=who.name, created=utc_now()))
    with stage.conducted():
        stage.publish("explained")
        answers = sorted((EXAMPLE / "answers").glob("*.csv"))
        entries = [stage.submit(file.read_bytes(), team, called=file.name) for team, file in enumerate(answers, 1)]
        odd = stage.submit(b"id,answer\nice,so\n", 9)
        stage.settled()
        assert stage.states()[odd] == "failed"
        assert {stage.states()[entry] for entry in entries} == {"scored"}
        assert len(json.loads(stage.value(PAIRINGS.c.content))["entries"]) == 4
        for seed in range(3):
            votes(stage, people, seed)
            given = 11 * (seed + 1)
            stage.until(lambda given=given: sum(line["battles"] for _, line in board(stage, "public")) == 2 * given)
        votes(stage, people, 3)
        stage.close("explained")
    final = board(stage, "rest")
    assert sum(line["battles"] for _, line in final) == 2 * 44
    assert final == board(stage, "public")
    assert sorted(line["rank"] for entry, line in final if entry in entries) == [1, 2, 3]
    assert [line["rank"] for entry, line in final if entry not in entries] == [None]
    assert all(stage.column(BATTLES.c.batch))
