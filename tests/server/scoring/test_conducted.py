"""A competition from its draft to its private board, on SQLite and on PostgreSQL; and what is shown follows from the journal."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from concours.server.actor import Actor
from concours.server.database.tables import ALLIANCES, APPLIED, PHASES, PLACES, SCORES, SUBMISSIONS, SUSPICIONS
from concours.server.refusals import Conflict
from concours.server.services import rescoring, submissions, suspicions
from concours.server.services.access import accessed
from concours.server.services.files import keep
from concours.stores.blobs import get_array

sys.path.insert(0, str(Path(__file__).parent))
from conducting import ROWS, Stage, declared, folder, predictions, truth


@pytest.fixture
def stage(platform):
    found = Stage(platform)
    found.create(declared(), folder())
    return found


def test_a_competition_from_draft_to_private_board(stage):
    """What is sent is scored at once by the public rows, and in the end finals by the rest."""
    with stage.conducted():
        stage.publish()
        good, poor = stage.submit(predictions(5), 1), stage.submit(predictions(40), 2)
        odd = stage.submit(b"id,answer\nr0,maybe\n", 3)
        stage.settled()
        assert stage.states() == {good: "scored", poor: "scored", odd: "failed"}
        public = _board(stage, "public")
        assert [(entry, line.get("rank")) for entry, line in public] == [(good, 1), (poor, 2), (odd, None)]
        assert public[0][1]["score"] > public[1][1]["score"]
        assert "89 of the 90 ids of the test part are missing" in public[2][1]["reason"]
        assert _board(stage, "rest") == []
        (alliance,) = stage.column(ALLIANCES.c.content)
        assert {one["entry"] for one in json.loads(alliance)["members"]} <= {good, poor}
        stage.close()
    rest = _board(stage, "rest")
    assert [(entry, line.get("rank")) for entry, line in rest] == [(good, 1), (poor, 2), (odd, None)]
    assert rest[0][1]["score"] != public[0][1]["score"]


def test_finals_that_a_team_has_chosen_rank_it_in_the_end(stage):
    with stage.conducted():
        stage.publish()
        best, chosen = stage.submit(predictions(5), 1), stage.submit(predictions(30), 1, final=True)
        other = stage.submit(predictions(12), 2)
        stage.settled()
        assert [entry for entry, _ in _board(stage, "public")] == [best, other]
        stage.close()
    assert [entry for entry, _ in _board(stage, "rest")] == [other, chosen]


def test_after_the_end_the_private_board_is_made_anew_without_who_is_taken_off(stage):
    """A host takes an entry off: its team is ranked by its other final, and the places of the others follow."""
    with stage.conducted():
        stage.publish()
        first, second = stage.submit(predictions(2), 1, final=True), stage.submit(predictions(30), 1)
        other = stage.submit(predictions(12), 2)
        stage.settled()
        stage.close()
        assert [entry for entry, _ in _board(stage, "rest")] == [first, other]
        with stage.platform.database.writing() as db:
            submissions.stop(db, accessed(db, stage.host, "line"), first)
        stage.settled()
        assert [(entry, line["rank"]) for entry, line in _board(stage, "rest")] == [(other, 1), (second, 2)]
        assert stage.value(PHASES.c.state) == "closed"
        step_by_step = stage.shown()
    with stage.platform.database.writing() as db:
        db.execute(delete(PLACES))
        db.execute(update(PHASES).values(state="closing"))
    with stage.conducted():
        stage.until(lambda: stage.value(PHASES.c.state) == "closed")
    assert stage.shown() == step_by_step


def test_after_the_end_another_truth_makes_the_private_board_anew(stage):
    """A truth that was wrong is found after the end, as they are: who was right by it leads, and who moved is kept."""
    with stage.conducted():
        stage.publish()
        right, wrong = stage.submit(predictions(3), 1), stage.submit(predictions(ROWS - 3), 2)
        stage.settled()
        stage.close()
        assert [entry for entry, _ in _board(stage, "rest")] == [right, wrong]
        files, turned = folder(), {"yes": "no", "no": "yes"}
        lines = [line.rpartition(",") for line in files["truth/test.csv"].decode().splitlines()]
        text = "\n".join(f"{before},{turned.get(label, label)}" for before, _, label in lines)
        with stage.platform.database.writing() as db:
            kept = {"truth/test.csv": keep(stage.platform.store, io.BytesIO(text.encode()), 1 << 20)}
            rescoring.correct(db, accessed(db, stage.host, "line"), why="Labels were turned round", files=kept)
        stage.until(lambda: [entry for entry, _ in _board(stage, "rest")] == [wrong, right])
        stage.settled()
        assert [line["rank"] for _, line in _board(stage, "rest")] == [1, 2]
        with stage.platform.database.reading() as db:
            (found,) = rescoring.rescores(db, accessed(db, stage.host, "line"))
    assert {(one.team, one.before, one.after) for one in found.moves} == {(1, 1, 2), (2, 2, 1)}


def test_a_guarded_board_shows_of_a_team_what_has_climbed_alone(platform):
    """An entry that is no better beyond chance is shown by the one before, on the board, the page and by its file; what
    it scored itself hosts alone see, once the phase has ended."""
    stage = Stage(platform)
    stage.create(declared(guard="ladder"), folder())
    with stage.conducted():
        stage.publish()
        first, like, good = (stage.submit(predictions(wrong, wrong), 1) for wrong in (30, 29, 2))
        stage.submit(predictions(40), 2)
        stage.settled()
        scores = {row.entry: (json.loads(row.metrics), json.loads(row.shown)) for row in _rows(stage, SCORES)}
        assert scores[first][0] == scores[first][1] == scores[like][1] != scores[like][0]
        assert scores[good][0] == scores[good][1]
        assert [line["rank"] for _, line in _board(stage, "public")] == [1, 2]
        assert _board(stage, "public")[0][0] == good
        team = Actor(user=2, name="somebody")
        open_ = {who: _seen(stage, who, like) for who in (stage.host, team)}
        assert {seen.metrics["accuracy"] for seen in open_.values()} == {scores[first][0]["accuracy"]}
        assert not any(seen.intervals for seen in open_.values())
        with platform.database.writing() as db, pytest.raises(Conflict, match="is scored already"):
            submissions.stop(db, replace(accessed(db, team, "line"), team=1), like)
        stage.close()
    assert _seen(stage, team, like).metrics["accuracy"] == scores[first][0]["accuracy"]
    assert _seen(stage, stage.host, like).metrics["accuracy"] == scores[like][0]["accuracy"]


def _seen(stage, who, entry):
    with stage.platform.database.reading() as db:
        access = accessed(db, who, "line")
        return submissions.one(db, access if access.host else replace(access, team=1), entry)


def test_what_is_shown_is_folded_again_from_the_journal(stage):
    """There is no second truth: tables that were emptied or spoilt say the same again once a conductor has come."""
    with stage.conducted():
        stage.publish()
        for seed, team in enumerate((1, 2, 1, 3, 5)):
            stage.submit(predictions(10 * seed + 1, seed), team)
        stage.submit(predictions(11, 1, sure=0.79), 6)
        stage.submit(b"", 4)
        stage.settled()
    shown = stage.shown()
    assert [len(shown[name]) for name in ("scores", "places", "alliances", "suspicions")] == [6, 6, 1, 1]
    with stage.platform.database.writing() as db:
        for table in (SCORES, PLACES, ALLIANCES, SUSPICIONS, APPLIED):
            db.execute(delete(table))
        db.execute(update(SUBMISSIONS).values(state="waiting", reason="spoilt"))
        db.execute(update(PHASES).values(problem=None))
    with stage.conducted():
        stage.until(lambda: stage.column(APPLIED.c.number))
        stage.settled()
    assert stage.shown() == shown


def test_what_is_shown_step_by_step_is_what_is_shown_at_once(stage):
    """The increments write what the whole would: of entries that join, are withdrawn, opt out, and of a closed board."""
    with stage.conducted():
        stage.publish()
        for seed, team in enumerate((1, 2, 1, 3, 2)):
            number = stage.submit(predictions(10 * seed + 1, seed), team)
        stage.submit(b"no table", 4)
        stage.settled()
        stage.tell("withdrawn", {"entry": str(number)})
        stage.tell("opted", {"team": "3", "alliance": False})
        stage.settled()
        step_by_step = stage.shown()
    with stage.conducted():  # a new one writes the whole
        before = stage.column(APPLIED.c.at)
        stage.until(lambda: stage.column(APPLIED.c.at) != before)
        stage.settled()
    assert stage.shown() == step_by_step


def test_hosts_are_shown_who_predicts_alike_and_who_has_learned_the_public_rows(stage):
    """Of teams that are good by themselves nobody is; what a team takes back, or two that have become one, is none."""
    with stage.conducted():
        stage.publish()
        own = [stage.submit(predictions(12, seed), seed) for seed in range(1, 7)]
        copy = stage.submit(predictions(12, 3, sure=0.78), 7)
        again = stage.submit(predictions(12, 4, sure=0.79), 8)
        stage.settled()
        assert _unusual(stage) == [("alike", (own[2], copy)), ("alike", (own[3], again))]
        assert {one.teams for one in _found(stage)} == {("team 3", "team 7"), ("team 4", "team 8")}
        stage.tell("withdrawn", {"entry": str(copy)})
        stage.settled()
        assert _unusual(stage) == [("alike", (own[3], again))]
        stage.tell("merged", {"team": "8", "into": "4"})
        stage.settled()
        assert _unusual(stage) == []
        learned = stage.submit(_by_heart(stage), 9)
        stage.settled()
        assert _unusual(stage) == []
        stage.close()
    assert _unusual(stage) == [("gap", (learned,))]
    (gap,) = _found(stage)
    assert gap.value < -3
    assert gap.detail["public"] == 1 > gap.detail["private"]


def _by_heart(stage):
    """A file that is right about public rows alone."""
    problem = json.loads(stage.value(PHASES.c.began))["asked"]["problem"]
    public = get_array(stage.platform.store, problem["public"])
    lines = [
        f"r{row},{0.2 if yes else 0.8},{0.8 if yes else 0.2}"
        for row, yes in enumerate((label == "yes") == known for label, known in zip(truth(), public, strict=True))
    ]
    return "\n".join(["id,p_no,p_yes", *lines]).encode()


def _found(stage):
    with stage.platform.database.reading() as db:
        return suspicions.found(db, accessed(db, stage.host, "line"))


def _unusual(stage):
    return sorted((one.kind, one.submissions) for one in _found(stage))


def test_data_that_cannot_be_read_is_the_hosts_complaint(platform):
    stage = Stage(platform)
    stage.create(declared(), {**folder(), "truth/test.csv": b"id,x,answer\nr0,1.0,perhaps\n"})
    with stage.conducted(), pytest.raises(Exception, match="check 'Above the line' first.*perhaps"):
        stage.publish()


def _rows(stage, table):
    with stage.platform.database.reading() as db:
        return db.execute(select(table)).all()


def _board(stage, part):
    with stage.platform.database.reading() as db:
        rows = db.execute(select(PLACES).where(PLACES.c.part == part).order_by(PLACES.c.number, PLACES.c.entry)).all()
    return [(row.entry, json.loads(row.line)) for row in rows]
