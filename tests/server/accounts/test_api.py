"""Accounts over HTTP: cookies, forms, tokens."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from concours.server.accounts import tokens

GOOD = "wine cellar ladder 9"


def test_registration_begins_a_session_and_logout_ends_it(client):
    """The cookie is out of reach of scripts and of other sites; what ends is gone at the server."""
    answer = client.post("/api/register", json={"name": "ann", "password": GOOD, "display": "Ann"})
    assert answer.status_code == 201, answer.text
    cookie = answer.headers["set-cookie"].lower()
    assert all(part in cookie for part in ("httponly", "samesite=lax", "path=/", "max-age="))
    assert client.get("/api/me").json()["account"]["display"] == "Ann"
    form = {"x-form": answer.json()["form"]}
    kept = client.cookies["concours"]
    assert client.post("/api/logout", headers=form).status_code == 204
    client.cookies.set("concours", kept)
    assert client.get("/api/me").status_code == 401


def test_a_login_takes_on_no_session_that_was_there(app, people):
    """A cookie that somebody else put into the browser (session fixation) is not the one that is signed in."""
    people.user("ann", password=True)
    thief = people.browser("mallory")
    planted = thief.cookies["concours"]
    victim = people.browser("mallory")
    victim.cookies.set("concours", planted)
    victim.headers["x-form"] = thief.form
    answer = victim.post("/api/login", json={"name": "ann", "password": people.PASSWORD})
    assert answer.status_code == 200
    assert planted not in answer.headers["set-cookie"]
    assert thief.get("/api/me").json()["account"]["name"] == "mallory"


def test_a_token_is_shown_once_and_does_what_its_scopes_say(people, app, from_address):
    """Made by name and password, as `concours login` does."""
    people.user("ann", password=True)
    visitor = from_address(app)
    asked = {"user": "ann", "password": people.PASSWORD, "name": "laptop", "scopes": ["submit", "read"]}
    made = visitor.post("/api/tokens", json=asked)
    assert made.status_code == 201, made.text
    assert made.json()["token"].startswith("cc_") and made.json()["user"] == "ann"
    program = from_address(app, authorization=f"Bearer {made.json()['token']}")
    assert program.get("/api/me").json()["scopes"] == ["read", "submit"]
    listed = program.get("/api/tokens")
    assert [token["scopes"] for token in listed.json()] == [["read", "submit"]]
    assert listed.json()[0]["used"] is not None
    assert made.json()["token"] not in listed.text
    refused = program.put("/api/me", json={"about": "x"})
    assert refused.status_code == 403 and "no scope 'write'" in refused.json()["error"]
    owner = people.browser("ann")
    assert owner.delete(f"/api/tokens/{made.json()['id']}").status_code == 204
    assert program.get("/api/me").status_code == 401


@pytest.mark.parametrize(
    ("who", "scopes", "status"),
    [("visitor", ["read"], 401), ("ann", ["read", "write"], 201), ("ann", ["admin"], 403), ("ann", ["work"], 403),
     ("hanna", ["work"], 201), ("hanna", ["work", "read"], 422), ("root1", ["admin", "work"], 422),
     ("root1", ["admin"], 201), ("ann", ["everything"], 422), ("ann", [], 422)],
)  # fmt: skip
def test_nobody_gives_a_token_more_than_they_may(client, people, who, scopes, status):
    """Workers' tokens are made by hosts and administrators, and do nothing but work."""
    people.competition(host="hanna")
    asker = client if who == "visitor" else people.browser(who, administrator=who == "root1")
    assert asker.post("/api/tokens", json={"name": "x", "scopes": scopes}).status_code == status


def test_a_token_makes_none_that_may_more(people):
    """Whoever stole a small one does not come to a large one, nor to a new password."""
    program = people.program("root1", "read", "write", administrator=True)
    assert program.post("/api/tokens", json={"name": "x", "scopes": ["read"]}).status_code == 201
    assert program.post("/api/tokens", json={"name": "x", "scopes": ["read", "admin"]}).status_code == 403
    assert program.put("/api/me/password", json={"new": "seven grey herons"}).status_code == 403
    assert program.get("/api/users").status_code == 403


def test_every_scope_says_what_it_is_for():
    """The page that makes tokens shows the table."""
    assert all(sentence and not sentence.endswith(".") for sentence in tokens.SCOPES.values())


def test_administrators_keep_people_out_at_once(people):
    """Sessions and tokens of theirs end; nobody keeps themselves out."""
    root, ann, program = (
        people.browser("root1", administrator=True),
        people.browser("ann"),
        people.program("ann", "read"),
    )
    assert ann.get("/api/me").status_code == program.get("/api/me").status_code == 200
    assert root.put("/api/users/ann", json={"disabled": True}).json()["disabled"]
    assert ann.get("/api/me").status_code == program.get("/api/me").status_code == 401
    assert root.get("/api/users/ann").status_code == 404
    assert root.put("/api/users/root1", json={"disabled": True}).status_code == 409
    assert root.put("/api/users/root1", json={"administrator": False}).status_code == 409
    assert root.put("/api/users/ann", json={"disabled": False, "administrator": True}).json()["administrator"]


def test_what_everybody_sees_of_somebody_holds_no_address(client, people):
    """E-mails are for their owner and for administrators."""
    people.user("ann")
    assert set(client.get("/api/users/ann").json()) == {"id", "name", "display", "about", "administrator", "created"}
    found = people.browser("root1", administrator=True).get("/api/users?like=ANN@EX").json()
    assert [(user["name"], user["email"]) for user in found] == [("ann", "ann@example.org")]


@pytest.mark.parametrize("name", ["A", "a", "ann!", "-ann", "ann-", "admin", "x" * 41, "Ann", "ann\n", "änn", ""])
def test_names_that_cannot_be_are_refused_in_one_line(client, name):
    """They stand in addresses, and none looks like the platform's own."""
    answer = client.post("/api/register", json={"name": name, "password": GOOD})
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("name: ") and "\n" not in answer.json()["error"]


@pytest.mark.parametrize(
    "given",
    [{"display": "‮gnirts"}, {"display": " \t "}, {"display": "a\u0000b"}, {"email": "ann"}, {"email": "a@b"},
     {"email": "a b@example.org"}, {"email": "a@example.org\r\nbcc: x@example.org"}, {"about": "\u0000"}],
)  # fmt: skip
def test_what_people_say_of_themselves_is_seen_as_it_is(people, given):
    """No letters that turn lines around, no second line in an address."""
    answer = people.browser("ann").put("/api/me", json=given)
    assert answer.status_code == 422, answer.text


def test_who_is_wrong_is_not_told_what_they_sent(client):
    """A fault names the field and the reason; the password that stood beside it is not said again."""
    answer = client.post("/api/login", json={"name": 5, "password": "planted-secret", "more": "planted-secret"})
    assert answer.status_code == 422 and "planted-secret" not in answer.text
    assert answer.json()["error"].startswith("name: ")


_TEXTS = st.text(st.characters(exclude_categories=[]), max_size=60)
_VALUES = st.one_of(_TEXTS, st.none(), st.integers(), st.floats(allow_nan=False), st.lists(_TEXTS, max_size=2))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.dictionaries(st.sampled_from(["name", "password", "more"]), _VALUES))
def test_whatever_is_sent_for_a_login_is_answered_in_one_line(client, app, body):
    """Texts of any letters, halves of letters among them, and values that are no texts."""
    app.state.limits = type(app.state.limits)()
    headers = {"content-type": "application/json"}
    answer = client.post("/api/login", content=json.dumps(body).encode(), headers=headers)
    assert answer.status_code in (401, 422, 429), answer.text
    assert "\n" not in answer.json()["error"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"name": "\\ud800", "password": "x"}', b"[" * 50_000]
)
def test_rubbish_for_a_login_is_answered_in_one_line(client, content):
    answer = client.post("/api/login", content=content, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 401, 422), answer.text


@pytest.mark.parametrize(
    "value", ["Bearer", "Bearer ", "Bearer cc_", "Basic YTpi", "", "cc_x", "Bearer cc_" + "x" * 5000, b"Bearer cc_\xff"]
)
def test_what_is_no_token_is_answered_in_one_line(client, value):
    answer = client.get("/api/me", headers={"authorization": value})
    assert answer.status_code == 401 and answer.json()["error"]
