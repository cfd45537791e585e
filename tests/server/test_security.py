"""What stands around every request."""

from __future__ import annotations

import itertools

import pytest

from concours.server.refusals import TooMany
from concours.server.web.limits import KINDS, Limits
from concours.server.web.redirects import local_path

FOREIGN = [
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://127.0.0.1:8001"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_what_another_sites_page_sends_is_refused(people, headers):
    """Whatever it knows, a cookie that the browser adds is not enough (CSRF)."""
    answer = people.browser("ann").put("/api/me", json={"about": "x"}, headers=headers)
    assert answer.status_code == 403 and "another site" in answer.json()["error"]


@pytest.mark.parametrize(
    "headers", [{"origin": "http://127.0.0.1:8000"}, {"sec-fetch-site": "same-origin"}, {}], ids=str
)
def test_what_our_own_pages_send_is_taken(people, headers):
    assert people.browser("ann").put("/api/me", json={"about": "x"}, headers=headers).status_code == 200


@pytest.mark.parametrize("form", ["", "wrong", None])
def test_a_session_needs_what_its_pages_carry(people, form):
    """The cookie alone changes nothing."""
    ann = people.browser("ann")
    mallory = people.browser("mallory")
    ann.headers.pop("x-form")
    ann.headers.update({} if form is None else {"x-form": form})
    assert ann.put("/api/me", json={"about": "x"}).status_code == 403
    ann.headers["x-form"] = mallory.form
    assert ann.put("/api/me", json={"about": "x"}).status_code == 403
    ann.headers["x-form"] = ann.form
    assert ann.put("/api/me", json={"about": "x"}).status_code == 200


@pytest.mark.parametrize(
    ("host", "ours"),
    [("127.0.0.1:8000", True), ("localhost:8000", True), ("[::1]:8000", True), ("192.0.2.7", True),
     ("evil.example", False), ("127.0.0.1.evil.example", False), ("", False), ("[::1", False)],
)  # fmt: skip
def test_a_name_of_others_that_leads_here_is_refused(client, host, ours):
    """DNS rebinding: a page of theirs would be of our origin."""
    answer = client.get("/health", headers={"host": host})
    assert answer.status_code == (200 if ours else 421)


def test_every_answer_has_an_id_and_headers_that_keep_it(client, people):
    """Those that succeed and those that do not."""
    answers = [
        client.get("/health"),
        client.get("/nothing"),
        client.get("/api/me"),
        people.browser("ann").get("/api/me"),
    ]
    answers += [client.get("/health", headers={"host": "evil.example"})]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "Cookie" in answer.headers["vary"]
        assert "strict-transport-security" not in answer.headers
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert len(set(ids)) == len(ids)


def _paths():
    """Texts that lead elsewhere by some browser's reading of them, generated."""
    heads = ["//", "/\\", "\\\\", "\\/", "///", "http://", "https:", "javascript:", "/\t/", "/\n/", "\t//", " //", "", "data:",
             "%2f%2f", "/\x00/", "/ /", "@", ".", "/\x7f/", "/\r//"]  # fmt: skip
    tails = ["evil.example", "evil.example/c/wine", "alert(1)", "//evil.example"]
    return ["".join(pair) for pair in itertools.product(heads, tails)]


@pytest.mark.parametrize("next", _paths())
def test_after_a_login_nobody_is_sent_elsewhere(next):
    """Open redirects: only a path of this site is followed."""
    assert local_path(next) == "/"


@pytest.mark.parametrize("next", ["/", "/c/wine", "/c/wine?tab=board&x=//evil.example", "/%2f%2fevil.example", "/c/ö"])
def test_after_a_login_people_come_back_to_where_they_were(next):
    assert local_path(next) == next


class Clock:
    """A clock that is set."""

    now = 0.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize("kind", KINDS)
def test_a_bucket_empties_and_fills(kind):
    """So many at once, then as many as flow in; each address and user has its own."""
    clock = Clock()
    limits = Limits(clock=clock)
    limit = KINDS[kind].address
    for _ in range(int(limit.burst)):
        limits.of_address(kind, "192.0.2.1")
    with pytest.raises(TooMany) as refused:
        limits.of_address(kind, "192.0.2.1")
    limits.of_address(kind, "192.0.2.2")
    limits.of_user(kind, 1)
    clock.now += refused.value.after_s
    limits.of_address(kind, "192.0.2.1")
    with pytest.raises(TooMany):
        limits.of_address(kind, "192.0.2.1")


def test_who_asks_too_often_is_told_when_to_come_back(app, from_address):
    """A program that heeds `retry-after` gets on."""
    visitor = from_address(app, "198.51.100.7")
    for _ in range(int(KINDS["login"].address.burst)):
        visitor.post("/api/login", json={"name": "x", "password": "y"}, headers={"content-type": "text/plain"})
    answer = visitor.post("/api/login", json={"name": "x", "password": "y"})
    assert answer.status_code == 429 and int(answer.headers["retry-after"]) >= 1


def test_what_is_too_large_is_refused_before_it_is_read(client):
    """By what it says of itself, and by what comes where it says nothing."""

    def endless():
        for _ in range(40):
            yield b"x" * 65536

    big = client.post("/api/login", content=b"x" * (2 << 20), headers={"content-type": "application/json"})
    flood = client.post("/api/login", content=endless(), headers={"content-type": "application/json"})
    assert (big.status_code, flood.status_code) == (413, 413)
    assert "at most 1,048,576 bytes" in flood.json()["error"]


@pytest.mark.parametrize("number", [2**63, 2**64, 10**40])
def test_a_number_that_no_row_can_have_is_said_in_one_line(people, number):
    """Neither database takes it; it is no error of ours."""
    answer = people.browser("ann").delete(f"/api/tokens/{number}")
    assert answer.status_code == 422 and "too large" in answer.json()["error"]
