"""What the web process writes down."""

from __future__ import annotations

import json
import logging

import pytest

from concours.server.logs import AsJson
from concours.server.web import routes


@pytest.fixture
def lines(caplog):
    """What was logged, as the formatter writes it; at the time, for the id of a request is not kept."""
    found = []

    class Handler(logging.Handler):
        def emit(self, record):
            found.append(json.loads(self.format(record)))

    handler = Handler()
    handler.setFormatter(AsJson())
    log = logging.getLogger("concours.web")
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield found
    log.removeHandler(handler)
    log.setLevel(level)


def test_each_request_is_a_line_with_the_id_that_its_answer_has(people, lines):
    """And with who asked, by number; not with what they sent."""
    answer = people.browser("ann").put("/api/me?x=planted-secret", json={"about": "planted-secret"})
    line = lines[-1]
    assert line["request"] == answer.headers["x-request-id"]
    assert (line["method"], line["status"], line["user"]) == ("PUT", 200, people.numbers["ann"])
    assert line["route"] == "/api/me" and "planted-secret" not in json.dumps(lines)


def test_what_nobody_has_foreseen_is_found_by_its_id(client, lines, monkeypatch):
    """Whoever asked sees one line with the id; the log has the traceback under it."""

    def fail(*args, **more):
        raise ZeroDivisionError("planted-secret")

    monkeypatch.setattr(routes, "held", fail)
    answer = client.get("/health")
    assert answer.status_code == 500 and "planted-secret" not in answer.text
    id = answer.headers["x-request-id"]
    assert id in answer.json()["error"]
    wrong = [line for line in lines if line["level"] == "error"]
    assert len(wrong) == 1 and wrong[0]["request"] == id and "ZeroDivisionError" in wrong[0]["traceback"]
