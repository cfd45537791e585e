"""By HTTP: a file goes up and a submission comes of it, within the rules; boards are kept by their names."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert, select

from concours.core.event import utc_now
from concours.server.accounts import tokens
from concours.server.database.changes import tell
from concours.server.database.opened import reads
from concours.server.database.tables import CHANGES, PHASES, SIGNALS, SUBMISSIONS
from concours.server.database.texts import text_of

SETTINGS: dict[str, Any] = {
    "title": "Wine",
    "slug": "wine",
    "task": {"kind": "classification", "data": "data/train.csv", "test": "truth/test.csv"},
}
OPENED = {"asked": [{"phase": "main", "problem": {"metrics": [{"name": "accuracy", "greater_is_better": True}]}}]}
ROWS = ("p.csv", b"id,prediction\n1,2\n")
URL = "/api/competitions/wine"


@pytest.fixture
def wine(people):
    """A competition with one phase that is open, of two submissions a day."""
    phase = {
        "key": "main",
        "title": "Main",
        "begins": "2020-01-01T00:00:00.000000+00:00",
        "limits": {"per_day": 2},
        "takes": ["predictions", "code"],
    }
    number = people.competition(settings=text_of({**SETTINGS, "phases": [phase]}), opened=text_of(OPENED))
    with people.platform.database.writing() as db:
        db.execute(
            insert(PHASES).values(
                competition=number,
                number=0,
                state="open",
                settings=text_of(phase),
                **{name: phase[name] for name in ("key", "title", "begins")},
            )
        )
    return number


def _joined(people, name):
    found = people.browser(name)
    assert found.post(f"{URL}/join", json={}).status_code == 200
    return found


def test_a_file_is_sent_looked_at_fetched_and_stopped(people, wine):
    mina, noah = _joined(people, "mina"), _joined(people, "noah")
    sent = mina.post(f"{URL}/submissions", data={"message": "a try"}, files={"file": ROWS})
    assert sent.status_code == 201, sent.text
    taken = sent.json()
    assert (taken["state"], taken["message"], taken["brings"]) == ("waiting", "a try", "predictions")
    assert mina.get(f"{URL}/left").json()["left"] == 1
    back = mina.get(f"{URL}/submissions/{taken['id']}/file")
    assert back.content == ROWS[1]
    assert back.headers["content-disposition"].startswith("attachment")
    for what in ("", "/file", "/receipt"):
        assert noah.get(f"{URL}/submissions/{taken['id']}{what}").status_code == 404
    assert noah.post(f"{URL}/submissions/{taken['id']}/stop").status_code == 404
    assert mina.post(f"{URL}/submissions/{taken['id']}/stop").json()["state"] == "stopped"
    with people.platform.database.reading() as db:
        assert db.execute(select(SUBMISSIONS.c.address)).scalar().startswith("sha256:")
        topics = set(db.execute(select(CHANGES.c.topic)).scalars())
    assert {f"submission {taken['id']}", "queue"} <= topics


def test_a_key_makes_it_safe_to_send_again(people, wine):
    mina = _joined(people, "mina")
    key = {"Idempotency-Key": "try 1"}
    ids = {mina.post(f"{URL}/submissions", files={"file": ROWS}, headers=key).json()["id"] for _ in range(2)}
    assert len(ids) == 1
    with people.platform.database.reading() as db:
        assert len(db.execute(select(SIGNALS.c.number)).all()) == 1


def test_what_is_not_taken_is_refused_with_a_reason_and_leaves_nothing(people, wine):
    visitor, noah, mina = people.browser("otto"), people.browser("noah"), _joined(people, "mina")
    visitor.cookies.clear()
    assert visitor.post(f"{URL}/submissions", files={"file": ROWS}).status_code == 401
    assert noah.post(f"{URL}/submissions", files={"file": ROWS}).status_code == 403
    bad = mina.post(f"{URL}/submissions", files={"file": ("m.safetensors", b"\x80\x04K\x01.")})
    assert bad.status_code == 422
    assert "pickle" in bad.json()["error"]
    unknown = mina.post(f"{URL}/submissions", data={"phase": "mian"}, files={"file": ROWS})
    assert (unknown.status_code, "did you mean 'main'" in unknown.text) == (404, True)
    for number in range(2):
        assert mina.post(f"{URL}/submissions", files={"file": ("p.csv", b"%d" % number)}).status_code == 201
    over = mina.post(f"{URL}/submissions", files={"file": ROWS})
    assert over.status_code == 429
    assert "2 of 2 submissions today" in over.json()["error"]
    assert int(over.headers["retry-after"]) <= 86400
    with people.platform.database.reading() as db:
        assert len(db.execute(select(SUBMISSIONS.c.id)).all()) == 2
        assert len(db.execute(select(SIGNALS.c.number)).all()) == 2


def test_a_token_needs_the_scope_to_submit(people, wine):
    _joined(people, "mina")
    assert people.program("mina", "read").post(f"{URL}/submissions", files={"file": ROWS}).status_code == 403
    assert people.program("mina", "submit").post(f"{URL}/submissions", files={"file": ROWS}).status_code == 201


def test_a_token_is_noted_as_used_while_others_write(people, wine, monkeypatch):
    """A transaction that only reads is not made one that writes, which SQLite refuses when others have written."""
    _joined(people, "mina")
    program, of, seen = people.program("mina", "submit"), tokens.of, []

    def meanwhile(db, secret):
        row = of(db, secret)
        if reads(db):
            seen.append(row.used)
            with people.platform.database.writing() as other:
                tell(other, "queue")
        return row

    monkeypatch.setattr(tokens, "of", meanwhile)
    assert program.post(f"{URL}/submissions", files={"file": ROWS}).status_code == 201
    assert seen[0] is None


def test_a_board_is_for_everybody_and_kept_by_its_name(people, wine, client):
    mina = _joined(people, "mina")
    mina.put(f"{URL}/team/name", json={"name": "=1+1"})
    first = client.get(f"{URL}/board")
    assert first.status_code == 200, first.text
    assert (first.json()["rows"], first.json()["metrics"]) == ([], [{"name": "accuracy", "greater_is_better": True}])
    tag = first.headers["etag"]
    assert client.get(f"{URL}/board", headers={"if-none-match": tag}).status_code == 304
    mina.post(f"{URL}/submissions", files={"file": ROWS})
    again = client.get(f"{URL}/board", headers={"if-none-match": tag})
    assert [row["name"] for row in again.json()["rows"]] == ["=1+1"]
    table = client.get(f"{URL}/board.csv")
    assert table.headers["content-type"].startswith("text/csv")
    assert "'=1+1" in table.text
    assert client.get(f"{URL}/boards").json()[0]["key"] == "main"
    assert client.get(f"{URL}/board/history").json() == []
    assert client.get(f"{URL}/alliance").json() is None
    assert client.get(f"{URL}/board", params={"key": "none"}).status_code == 404


def test_teams_and_words_by_http(people, wine):
    mina, noah = _joined(people, "mina"), _joined(people, "noah")
    assert mina.get(f"{URL}/team").json()["members"][0]["leader"]
    refused = mina.post(f"{URL}/team/invitations", json={"user": "noah"})
    assert (refused.status_code, "1 members at most" in refused.text) == (409, True)
    assert mina.put(f"{URL}/team/alliance", json={"alliance": False}).json()["alliance"] is False
    begun = mina.post(f"{URL}/discussion", json={"title": "Ties", "text": "How?"}).json()
    assert noah.post(f"{URL}/discussion/{begun['id']}", json={"text": "Shared."}).status_code == 201
    assert noah.delete(f"{URL}/discussion/{begun['id']}").status_code == 403
    assert len(noah.get(f"{URL}/discussion/{begun['id']}").json()["replies"]) == 1
    assert mina.get(f"{URL}/finals").json() == {"phase": "main", "chosen": [], "default": None, "most": 2}
    assert mina.put(f"{URL}/finals", json={"submissions": [1]}).status_code == 404
    assert noah.post(f"{URL}/leave").status_code == 204
    assert noah.get(f"{URL}/team").status_code == 403
    assert noah.get("/api/users/mina/places").json() == []
    assert utc_now() > begun["at"]
