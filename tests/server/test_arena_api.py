"""An arena over HTTP: what is answered is blind to its headers, and a vote is one request."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import asdict
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from concours.core.event import utc_now
from concours.server.database.tables import BATTLES, PAIRINGS, PHASES, PLACES, SIGNALS, SUBMISSIONS, TEAMS
from concours.server.database.texts import text_of
from concours.server.hosting.competition import Arena, Competition, Phase
from concours.server.services.pairing import Pairing, Shown
from concours.stores.numbered import put_numbered

PATH = "/api/competitions/rivers/arena"
NAMES = ("Otters", "Herons")


class World:
    """An arena with two entries, whose answers are received and paired as the conductor writes it."""

    def __init__(self, people: Any) -> None:
        self.people, store = people, people.platform.store
        declared = Competition(
            title="Rivers",
            slug="rivers",
            phases=(Phase(key="main", title="Main", begins="2026-01-01T00:00:00Z"),),
            arena=Arena(prompts="data/prompts.csv"),
        )
        self.competition = people.competition("rivers", settings=text_of(declared.to_json()))
        self.teams = teams = [people.member(name.lower(), self.competition, name) for name in NAMES]
        with people.platform.database.writing() as db:
            phase = {
                "competition": self.competition, "key": "main", "number": 0, "title": "Main", "state": "open",
                "begins": "2026-01-01T00:00:00.000000+00:00", "settings": text_of(asdict(declared.phases[0])),
            }  # fmt: skip
            self.phase = db.execute(insert(PHASES).values(**phase).returning(PHASES.c.id)).scalar_one()
            self.entries = [self._entry(db, team) for team in teams]
            shown = [
                Shown(entry=entry, team=team, answers=put_numbered(store, [text]))
                for entry, team, text in zip(self.entries, teams, ("blue", "green"), strict=True)
            ]
            pairing = Pairing(prompts=put_numbered(store, ["Which colour?"]), count=1, entries=tuple(shown))
            content = {"content": text_of(pairing.to_json()), "voters": "[]"}
            db.execute(insert(PAIRINGS).values(board=f"phase {self.phase}", **content))
            for number, entry in enumerate(self.entries):
                line = {
                    "metrics": {"rating": 1010.0 - 20 * number}, "intervals": {"rating": [900.0, 1100.0]},
                    "unsure": {}, "rank": number + 1, "rank_best": 1, "rank_worst": 2, "battles": 4,
                }  # fmt: skip
                of = {"board": f"phase {self.phase}", "part": "public", "entry": entry, "team": str(teams[number])}
                db.execute(insert(PLACES).values(**of, number=number, line=text_of(line)))

    def _entry(self, db: Any, team: int) -> int:
        values = {
            "competition": self.competition, "phase": self.phase, "team": team, "name": f"secret {team}",
            "brings": "predictions", "called": "a.csv", "digest": "sha256:" + "0" * 64, "size": 1, "at": utc_now(),
            "state": "scored",
        }  # fmt: skip
        id: int = db.execute(insert(SUBMISSIONS).values(**values).returning(SUBMISSIONS.c.id)).scalar_one()
        return id


@pytest.fixture
def world(people: Any) -> World:
    return World(people)


def test_an_answer_has_the_same_headers_and_form_whoever_is_shown(world: World) -> None:
    """Nothing but the texts and their sides differs, when the two teams change their names and their answers."""
    asking = world.people.browser("omar")
    seen = set()
    for turn in range(8):
        with world.people.platform.database.writing() as db:
            db.execute(delete(BATTLES))
            for team in world.teams:
                db.execute(update(TEAMS).where(TEAMS.c.id == team).values(name=f"{NAMES[team % 2]} {turn}"))
        answer = asking.post(f"{PATH}/battles")
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert {told.pop("left"), told.pop("right")} == {"blue", "green"}
        del told["id"]
        headers = {
            name: value for name, value in answer.headers.items() if name not in ("x-request-id", "content-length")
        }
        seen.add(json.dumps([told, headers], sort_keys=True))
        for secret in (*NAMES, "secret", "sha256"):
            assert secret not in answer.text + str(answer.headers)
    assert len(seen) == 1
    assert "no-store" in seen.pop()


def test_a_vote_is_one_request_and_tells_whose_the_answers_were(world: World) -> None:
    """Once; a visitor is asked to sign in, and a team is not shown its own answer."""
    assert world.people.browser("omar").get(PATH).json()["entries"] == 2
    asking = world.people.browser("omar")
    shown = asking.post(f"{PATH}/battles").json()
    said = asking.put(f"{PATH}/battles/{shown['id']}", json={"outcome": "left"})
    assert said.status_code == 200
    assert {said.json()["left"], said.json()["right"]} == set(NAMES)
    assert asking.put(f"{PATH}/battles/{shown['id']}", json={"outcome": "tie"}).status_code == 409
    assert asking.put(f"{PATH}/battles/{shown['id']}", json={"outcome": "both"}).status_code == 422
    assert asking.post(f"{PATH}/battles").status_code == 409
    assert world.people.browser("herons").post(f"{PATH}/battles").json()["error"].startswith("there are not yet two")
    assert asking.get(f"{PATH}/votes.csv").status_code == 403
    (vote,) = csv.DictReader(io.StringIO(world.people.browser("hanna").get(f"{PATH}/votes.csv").text))
    assert vote["winner"] == "model_a"
    assert {vote["model_a"], vote["model_b"]} == {str(entry) for entry in world.entries}


def test_visitors_are_asked_to_sign_in(world: World, client: Any) -> None:
    """And may look at how many there are."""
    assert client.get(PATH).status_code == 200
    assert client.post(f"{PATH}/battles").status_code == 401
    assert client.put(f"{PATH}/battles/1", json={"outcome": "left"}).status_code == 401


def test_the_board_of_an_arena_is_one_like_any_other(world: World) -> None:
    """Its one metric is the rating, with interval and range of ranks; so `concours board` prints it too."""
    found = world.people.browser("omar").get("/api/competitions/rivers/board")
    assert found.status_code == 200, found.text
    board = found.json()
    assert [metric["name"] for metric in board["metrics"]] == ["rating"]
    told = [(row["rank"], row["best"], row["worst"], row["name"], row["score"]) for row in board["rows"]]
    assert told == [(1, 1, 2, "Otters", 1010.0), (2, 1, 2, "Herons", 990.0)]
    assert board["rows"][0]["interval"] == [900.0, 1100.0]


@pytest.mark.parametrize("number", ["0", "x", "", "9" * 17, "9" * 18, "9" * 30, "9" * 5000, "-1", "1.0"])
def test_a_battle_that_is_none_is_told_as_that(world: World, number: str) -> None:
    """On the page too, whatever a form brings."""
    asking = world.people.browser("omar")
    answer = asking.post("/c/rivers/vote", data={"battle": number, "outcome": "left", "form": asking.form})
    assert answer.status_code == 404, answer.text[:300]


def test_the_page_is_blind_and_tells_after_the_vote(world: World) -> None:
    """Whose the answers are stands on it when the vote is given, and not before."""
    asking = world.people.browser("omar")
    page = asking.get("/c/rivers/vote")
    assert page.status_code == 200
    assert "blue" in page.text and "green" in page.text
    for secret in (*NAMES, "secret", "sha256"):
        assert secret not in page.text + str(page.headers)
    number = re.findall(r'name="battle" value="(\d+)"', page.text)[0]
    said = asking.post("/c/rivers/vote", data={"battle": number, "outcome": "left", "form": asking.form})
    assert said.status_code == 200
    assert all(name in said.text for name in NAMES)


def test_a_host_leaves_a_voter_out_in_the_console(world: World) -> None:
    """Who is unlike the crowd stands there; what is no voter is said above the form, and a visitor sees none of it."""
    voter = world.people.user("odd")
    with world.people.platform.database.writing() as db:
        told = [{"voter": str(voter), "votes": 40, "as_if": "against the crowd", "log10_evidence": 3.2}]
        db.execute(update(PAIRINGS).values(voters=text_of(told)))
        battle = {"phase": world.phase, "voter": voter, "prompt": 0, "propensity": 1.0, "outcome": "left", "batch": ""}
        sides = dict(zip(("left", "right"), world.entries, strict=True))
        db.execute(insert(BATTLES).values(**battle, **sides, shown=utc_now(), at=utc_now()))
    host, desk = world.people.browser("hanna"), "/c/rivers/host/voters"
    page = host.get(desk).text
    assert "against the crowd" in page and "10^3.2 to 1" in page
    for wrong in ("0", "x", "9" * 30):
        refused = host.post(desk, data={"voter": wrong, "form": host.form})
        assert refused.status_code == 404 and "has not voted" in refused.text
    assert host.post(desk, data={"voter": str(voter), "form": host.form}).status_code == 303
    with world.people.platform.database.reading() as db:
        assert [json.loads(text)["name"] for text in db.execute(select(SIGNALS.c.signal)).scalars()] == ["withdrawn"]
    assert world.people.browser("omar").get(desk).status_code == 403
