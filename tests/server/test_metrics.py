"""The numbers that Prometheus reads: who may, what they say, and that nobody makes new names of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event, insert, update

sys.path.insert(0, str(Path(__file__).parent / "scoring"))
from conducting import Stage, declared, folder, predictions

from concours.core.event import utc_now
from concours.server.database.tables import APPLIED, JOURNAL, SIGNALS, SUBMISSIONS
from concours.server.database.work_tables import WORK, WORKERS
from concours.server.services.numbers import BOUNDS, numbers


@pytest.fixture
def prometheus(people):
    """With a token as its configuration would have it."""
    return people.program("root1", "watch", administrator=True)


def _read(client):
    """All numbers, by name and labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = text_string_to_metric_families(answer.text)
    return {
        (sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_a_token_that_watches_does_nothing_else(prometheus, people):
    """It lies in the configuration of another program: no page, no API, nothing of administrators'."""
    assert _read(prometheus)
    for path in ("/api/competitions", "/api/administration/health", "/admin", "/health"):
        assert prometheus.get(path).status_code == 403, path


def test_only_administrators_make_one_and_it_has_no_other_scope(people):
    asked = {"name": "prometheus", "scopes": ["watch"]}
    assert people.browser("ann").post("/api/tokens", json=asked).status_code == 403
    root = people.browser("root1", administrator=True)
    assert root.post("/api/tokens", json={**asked, "scopes": ["watch", "read"]}).status_code == 422
    assert root.post("/api/tokens", json=asked).status_code == 201


def test_whose_rights_are_taken_reads_no_more(prometheus, people, platform):
    from concours.server.database.tables import USERS

    with platform.database.writing() as db:
        db.execute(update(USERS).values(administrator=False))
    assert prometheus.get("/metrics").status_code == 403


def test_requests_are_counted_by_their_routes(prometheus, client):
    """By the path as the route has it, not as it was asked: names are as many as routes."""
    for number in range(3):
        client.get(f"/c/no-such-{number}")
        client.get(f"/nothing/{number}")
        client.request(f"M{number}", "/health")
    found = _read(prometheus)
    of = "concours_request_seconds_count"
    assert found[of, "method=GET", "route=/c/{competition}", "status=404"] == 3
    assert found[of, "method=GET", "route=none", "status=404"] == 3
    assert sum(value for name, value in found.items() if name[0] == of and "method=other" in name) == 3
    assert not any("no-such" in part for name in found for part in name)


def test_what_waits_and_who_works(prometheus, people, platform):
    competition = people.competition()
    team = people.member("mia", competition)
    with platform.database.writing() as db:
        from concours.server.database.tables import PHASES

        phase = {"key": "main", "number": 0, "title": "Main", "begins": utc_now(), "state": "open", "settings": "{}"}
        number = db.execute(insert(PHASES).values(competition=competition, **phase).returning(PHASES.c.id)).scalar_one()
        for state, size in (("scored", 5), ("scored", 7), ("failed", 11)):
            values = {"name": "n", "brings": "predictions", "called": "n.csv", "digest": "sha256:0", "at": utc_now()}
            of = {"competition": competition, "phase": number, "team": team}
            db.execute(insert(SUBMISSIONS).values(**of, **values, size=size, state=state))
        db.execute(insert(SIGNALS), [{"board": "phase 1", "signal": "{}"}] * 2)
        db.execute(insert(JOURNAL), [{"board": "phase 1", "number": number, "event": "{}"} for number in range(9)])
        db.execute(insert(APPLIED).values(board="phase 1", number=5, at=utc_now()))
        for job, state in (("a", "waiting"), ("b", "leased"), ("c", "ended")):
            db.execute(
                insert(WORK).values(owner="o", job=job, spec="{}", state=state, asked="2026-01-01T00:00:00+00:00")
            )
        for name, sandbox, seen in (("a", "", utc_now()), ("b", "none", utc_now()), ("c", "", "2026-01-01")):
            db.execute(insert(WORKERS).values(name=name, version="1", sandbox=sandbox, seen=seen))
    found = _read(prometheus)
    expected = {
        ("concours_submissions", "state=scored"): 2,
        ("concours_submissions", "state=failed"): 1,
        ("concours_stored_bytes", "of=submissions"): 23,
        ("concours_signals_waiting",): 2,
        ("concours_records_behind",): 3,
        ("concours_jobs", "state=waiting"): 1,
        ("concours_jobs", "state=leased"): 1,
        ("concours_workers", "sandbox=yes"): 1,
        ("concours_workers", "sandbox=no"): 1,
        ("concours_competitions", "state=published"): 1,
        ("concours_live_connections",): 0,
    }
    assert {name: found[name] for name in expected} == expected
    assert found["concours_job_oldest_seconds",] > 3600
    (info,) = (name for name in found if name[0] == "concours_info")
    assert f"database={platform.database.engine.dialect.name}" in info and "store=files" in info


def test_the_database_is_asked_once_for_many_that_read(prometheus, platform):
    """Whoever scrapes often costs no more than the look at their token."""
    asked = []
    event.listen(platform.database.engine, "before_cursor_execute", lambda *words: asked.append(words[2]))
    _read(prometheus)
    first = len(asked)
    _read(prometheus)
    assert first > 10 and len(asked) - first < 4, asked[first:]


def test_times_from_accept_to_score(platform):
    """Each submission counts once, however often it is ranked, scored by another problem or folded again."""
    stage = Stage(platform)
    stage.create(declared(), folder())
    with stage.conducted():
        stage.publish()
        for team in (1, 2, 3):
            stage.submit(predictions(5 * team), team)
        stage.submit(b"id,answer\nr0,maybe\n", 4)
        stage.settled()
    with stage.conducted():
        stage.settled()
    with platform.database.reading() as db:
        found = numbers(db)
    assert found.submissions == {"scored": 3, "failed": 1}
    assert sum(found.scored.values()) == 3 and list(found.scored) == list(BOUNDS)
    low = sum(many * ([0, *BOUNDS][place]) for place, many in enumerate(found.scored.values()))
    assert low <= found.scored_s < 60
    assert found.behind == 0 and found.signals == 0
