"""Login by OpenID Connect, with a small provider of our own."""

from __future__ import annotations

import hmac
import json
import threading
import time
from base64 import urlsafe_b64encode
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

pytest.importorskip("authlib")

from joserfc import jwt
from joserfc.jwk import RSAKey
from sqlalchemy import select, update

from concours.core.errors import ContestError
from concours.server.accounts import choices, users
from concours.server.accounts.openid import OpenId
from concours.server.actor import Actor
from concours.server.database.tables import USERS
from concours.server.web.app import make

SECRET = "the secret of the client"
KEY, OTHER_KEY = RSAKey.generate_key(2048, {"kid": "one"}), RSAKey.generate_key(2048, {"kid": "one"})


def _encoded(content):
    return urlsafe_b64encode(content).decode().rstrip("=")


_BY_HAND = {"none": lambda said: b"", "HS256": lambda said: hmac.digest(KEY.as_pem(private=False), said, "sha256")}
"""Signatures that no library gives: none, and one by the public key as if it were a secret."""


class Provider:
    """One that answers as the standard has it, but where `lies` says otherwise."""

    def __init__(self):
        self.person = {"sub": "7", "preferred_username": "Ann Lee", "name": "Ann Lee", "email": "ann@example.org",
                       "email_verified": True}  # fmt: skip
        self.lies = {}
        self.asked = {}
        self.key, self.header, self.signed = KEY, {"alg": "RS256", "kid": "one"}, KEY
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self._say(provider.get(self.path))

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                self._say(provider.token(parse_qs(body), self.headers.get("authorization", "")))

            def _say(self, content):
                body = json.dumps(content).encode()
                self.send_response(400 if "error" in content else 200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def get(self, path):
        if path == "/keys":
            return {"keys": [self.key.as_dict(private=False)]}
        return {
            "issuer": self.lies.get("issuer", self.issuer),
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }

    def authorize(self, url):
        """What a browser is sent back with, once its owner has said yes there."""
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert self.asked["code_challenge_method"] == "S256" and self.asked["response_type"] == "code"
        return {"code": "a code", "state": self.asked["state"], "iss": self.issuer}

    def token(self, sent, authorization):
        verifier = _encoded(sha256(sent["code_verifier"][0].encode()).digest())
        if verifier != self.asked["code_challenge"] or sent["code"] != ["a code"] or "Basic " not in authorization:
            return {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": "concours", "iat": now, "exp": now + 60, "nonce": self.asked["nonce"]}
        claims = {name: value for name, value in {**claims, **self.person, **self.lies}.items() if value is not None}
        if self.header["alg"] in _BY_HAND:
            said = ".".join(_encoded(json.dumps(part).encode()) for part in (self.header, claims))
            token = f"{said}.{_encoded(_BY_HAND[self.header['alg']](said.encode()))}"
        else:
            token = jwt.encode(self.header, claims, self.signed)
        return {"access_token": "x", "token_type": "Bearer", "id_token": token}


@pytest.fixture
def provider():
    found = Provider()
    yield found
    found.close()


@pytest.fixture
def app(platform_sqlite, provider, monkeypatch):
    """The application of a platform that this provider is set for."""
    monkeypatch.setenv("OPENID_SECRET", SECRET)
    (platform_sqlite.settings.data / "concours.toml").write_text(
        f'[openid]\nissuer = "{provider.issuer}"\nclient_id = "concours"\nclient_secret_env = "OPENID_SECRET"\n'
    )
    return make(platform_sqlite)


@pytest.fixture
def platform(platform_sqlite):
    return platform_sqlite


def come_back(browser, provider, next="/c/wine", **other):
    """Goes there and back; what the platform answers."""
    sent = browser.get("/openid", params={"next": next})
    assert sent.status_code == 303 and sent.headers["location"].startswith(f"{provider.issuer}/authorize?")
    back = {**provider.authorize(sent.headers["location"]), **other}
    return browser.get(f"/openid/back?{urlencode(back)}", headers={"sec-fetch-site": "cross-site"})


def test_who_is_new_is_registered_and_comes_back_as_the_same(client, provider, platform):
    """By issuer and subject; what they are called there is where they begin."""
    answer = come_back(client, provider)
    assert answer.status_code == 303 and answer.headers["location"] == "/c/wine", answer.text
    account = client.get("/api/me").json()["account"]
    assert (account["name"], account["display"], account["email"]) == ("ann-lee", "Ann Lee", "ann@example.org")
    assert account["openid"] and not account["password"]
    client.cookies.clear()
    provider.person |= {"preferred_username": "another", "email": "another@example.org"}
    come_back(client, provider)
    assert client.get("/api/me").json()["account"]["id"] == account["id"]


def test_an_email_links_nobody_to_an_account(client, provider, platform):
    """Who has another's address at some issuer is not that other."""
    with platform.database.writing() as db:
        ann = users.add(db, "ann-lee", email="ann@example.org")
    come_back(client, provider)
    account = client.get("/api/me").json()["account"]
    assert account["id"] != ann and account["name"] == "ann-lee-2"


def test_who_is_signed_in_is_linked_once(people, client, provider, app):
    """And comes in that way from then on; nobody is linked to two."""
    ann = people.browser("ann")
    assert come_back(ann, provider).status_code == 303
    come_back(client, provider)
    assert client.get("/api/me").json()["account"]["name"] == "ann"
    provider.person["sub"] = "8"
    assert come_back(people.browser("ann"), provider).status_code == 409


def test_an_email_that_the_issuer_did_not_verify_is_not_kept(client, provider):
    provider.person["email_verified"] = "true"
    come_back(client, provider)
    assert client.get("/api/me").json()["account"]["email"] is None


def test_where_registration_is_closed_nobody_new_comes_in(client, provider, platform):
    with platform.database.writing() as db:
        choices.choose(db, Actor(name="root1"), "registration", "closed")
    assert come_back(client, provider).status_code == 403
    assert client.get("/api/me").status_code == 401


def test_who_is_disabled_stays_out(client, provider, platform):
    come_back(client, provider)
    client.cookies.clear()
    with platform.database.writing() as db:
        db.execute(update(USERS).values(disabled="2026-01-01T00:00:00.000000+00:00"))
    assert come_back(client, provider).status_code == 403


LIES = {
    "another nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "another audience": {"aud": "another"},
    "audiences without who it is for": {"aud": ["another", "third"]},
    "for another party": {"azp": "another"},
    "another issuer": {"iss": "https://another.example"},
    "ended": {"exp": 1},
    "not yet": {"nbf": 9999999999},
    "no subject": {"sub": None},
    "an empty subject": {"sub": ""},
    "no end": {"exp": None},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_word_that_does_not_hold_lets_nobody_in(client, provider, platform, lie):
    """Each claim that the standard says is to be checked."""
    provider.lies = LIES[lie]
    answer = come_back(client, provider)
    assert answer.status_code == 403, answer.text
    with platform.database.reading() as db:
        assert db.execute(select(USERS.c.id)).all() == []


@pytest.mark.parametrize("how", ["none", "the public key as a secret", "another key"])
def test_a_word_that_the_issuer_did_not_sign_lets_nobody_in(client, provider, how):
    """Algorithms are ours to choose, keys are those that the issuer publishes."""
    if how == "none":
        provider.header = {"alg": "none"}
    elif how == "another key":
        provider.signed = OTHER_KEY
    else:
        provider.header = {"alg": "HS256", "kid": "one"}
    assert come_back(client, provider).status_code == 403


def test_keys_that_the_issuer_changed_are_fetched_anew(client, provider):
    """What is kept of it is not the last word."""
    assert come_back(client, provider).status_code == 303
    provider.key = provider.signed = OTHER_KEY
    client.cookies.clear()
    assert come_back(client, provider).status_code == 303


@pytest.mark.parametrize(
    "other", [{"state": "x"}, {"state": ""}, {"iss": "https://another.example"}, {"error": "no"}, {"code": "x"}]
)
def test_an_answer_that_was_not_asked_for_lets_nobody_in(client, provider, other):
    """Another state, another issuer (mix-up), a refusal, a code of somebody else's."""
    assert come_back(client, provider, **other).status_code == 403
    assert client.get("/api/me").status_code == 401


def test_another_browser_cannot_finish_what_one_began(client, provider, app, from_address):
    """Login CSRF: a victim sent to an attacker's answer does not come in as the attacker."""
    back = provider.authorize(client.get("/openid").headers["location"])
    assert from_address(app).get(f"/openid/back?{urlencode(back)}").status_code == 403


@pytest.mark.parametrize("next", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_nobody_is_sent_elsewhere_afterwards(client, provider, next):
    assert come_back(client, provider, next).headers["location"] == "/"


def test_a_provider_that_is_away_or_another_is_said_in_one_line(client, provider):
    """The platform goes on; people come in by their passwords."""
    provider.lies = {"issuer": "https://another.example"}
    answer = client.get("/openid")
    assert answer.status_code == 503 and "does not publish" in answer.text
    provider.server.shutdown()
    provider.server.server_close()
    answer = client.get("/openid")
    assert answer.status_code == 503


@pytest.mark.parametrize(
    ("text", "message"),
    [("[openid", "concours.toml"), ('[openid]\nissuer = "https://a.example"', "takes issuer, client_id"),
     ('[openid]\nissuer = "http://a.example"\nclient_id = "c"', "does not begin with https"),
     ('[openid]\nissuer = "https://a.example"\nclient_id = 5', "client_id is no text"),
     ('[openid]\nissuer = "https://a.example"\nclient_id = "c"\nclient_secret_env = "NOT_SET_X"', "NOT_SET_X is not set"),
     ('openid = 5', "takes issuer")],
)  # fmt: skip
def test_a_file_that_is_wrong_is_said_at_the_start(platform, text, message):
    (platform.settings.data / "concours.toml").write_text(text)
    with pytest.raises(ContestError, match=message):
        OpenId.of(platform.settings)


def test_where_nothing_is_set_there_is_no_such_login(platform):
    assert OpenId.of(platform.settings) is None
