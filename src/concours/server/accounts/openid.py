"""Login by OpenID Connect: the code flow, with PKCE, state and nonce, by authlib.

It is on where `concours.toml` in the platform's folder says so:

    [openid]
    issuer = "https://id.example.org"
    client_id = "concours"
    client_secret_env = "OPENID_SECRET"   # the name of the variable that holds the secret; left out for a public client

The provider is to send people back to `ADDRESS/openid/back`. Somebody is who the issuer says by issuer and subject; an
e-mail links nobody to an account (OpenID Connect Core 1.0, 5.7).
"""

from __future__ import annotations

import hmac
import os
import re
import threading
import time
import tomllib
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from importlib import import_module
from itertools import count
from typing import Any, Final
from urllib.parse import urlsplit

from sqlalchemy import select, update

from concours.core.errors import ContestError
from concours.core.optional import installed
from concours.server import audit
from concours.server.accounts import users
from concours.server.accounts.choices import chosen
from concours.server.accounts.entry import Entered, begun, require_open
from concours.server.accounts.names import display_of, email_of, name_of
from concours.server.accounts.secrets import made
from concours.server.actor import Actor
from concours.server.database.tables import USERS
from concours.server.platform import Platform
from concours.server.refusals import Conflict, Forbidden, NotNow, Unfit
from concours.server.settings import Settings

BACK: Final = "/openid/back"
LASTS_S: Final = 600
"""So long after it was begun a login may come back."""

_ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
)
"""Of signatures: those with a key that the issuer alone has."""

_KEEPS_S: Final = 3600
_TIMEOUT_S: Final = 10
_LEEWAY_S: Final = 60


@dataclass(frozen=True, kw_only=True)
class Said:
    """What an issuer says of somebody, once its word is checked.

    Attributes:
        subject: issuer and subject, with a blank between: who they are.
        name, display, email: what they are called there; empty where it does not say; an e-mail only if it is theirs.
    """

    subject: str
    name: str
    display: str
    email: str


@dataclass
class OpenId:
    """A provider, and this platform as its client. What it publishes of itself is kept for an hour."""

    issuer: str
    client_id: str
    client_secret: str
    address: str
    _kept: dict[str, tuple[float, Mapping[str, Any]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, settings: Settings) -> OpenId | None:
        """As `concours.toml` says; none where it says nothing. Raises ContestError: it is wrong."""
        file = settings.data / "concours.toml"
        if not file.exists():
            return None
        try:
            content = tomllib.loads(file.read_text(encoding="utf-8"))
        except (ValueError, OSError) as error:
            raise ContestError(f"{file}: {error}") from None
        if not (table := content.get("openid")):
            return None
        known = {"issuer", "client_id", "client_secret_env"}
        if not isinstance(table, dict) or not {"issuer", "client_id"} <= table.keys() <= known:
            raise ContestError(f"{file}: [openid] takes issuer, client_id and, where there is one, client_secret_env")
        if wrong := next((key for key, value in table.items() if not isinstance(value, str) or not value), ""):
            raise ContestError(f"{file}: openid.{wrong} is no text")
        parts = urlsplit(table["issuer"])
        if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
            raise ContestError(f"{file}: openid.issuer {table['issuer']!r} does not begin with https://")
        secret = table.get("client_secret_env", "")
        if secret and not os.environ.get(secret):
            raise ContestError(f"{file}: openid.client_secret_env: the variable {secret} is not set")
        return cls(table["issuer"], table["client_id"], os.environ.get(secret, ""), settings.address)

    @property
    def shown(self) -> str:
        """What the button says that leads there."""
        return urlsplit(self.issuer).hostname or self.issuer

    def begin(self) -> tuple[str, str]:
        """A cookie to be kept until they come back, and where they are sent. Raises NotNow."""
        cookie = made()
        with self._client() as client:
            url, _ = client.create_authorization_url(
                self._published()["authorization_endpoint"],
                state=_derived(cookie, "state"),
                nonce=_derived(cookie, "nonce"),
                code_verifier=_derived(cookie, "verifier"),
            )
        return cookie, str(url)

    def back(self, cookie: str, *, state: str, code: str, issuer: str = "") -> Said:
        """Who has come back.

        Args:
            cookie: as `begin` gave it to this browser.
            state, code, issuer: from the address that they were sent back to.

        Raises:
            Forbidden: this browser did not begin it, or what the issuer says does not hold.
            NotNow: the issuer does not answer.
        """
        if not cookie or not hmac.compare_digest(state.encode(), _derived(cookie, "state").encode()):
            raise Forbidden("this login was not begun in this browser, or too long ago: begin again")
        if issuer and issuer != self.issuer:  # RFC 9207: an answer of another issuer's
            raise Forbidden("this login comes back from another issuer than it was sent to")
        token = self._token(code, _derived(cookie, "verifier"))
        claims = self._checked(token, _derived(cookie, "nonce"))
        verified = claims.get("email") if claims.get("email_verified") is True else ""
        return Said(
            subject=f"{self.issuer} {claims['sub']}",
            name=str(claims.get("preferred_username") or str(claims.get("email") or "").partition("@")[0]),
            display=str(claims.get("name") or ""),
            email=str(verified or ""),
        )

    def _token(self, code: str, verifier: str) -> Mapping[str, Any]:
        from authlib.integrations.base_client.errors import OAuthError

        def fetch() -> Mapping[str, Any]:
            with self._client() as client:
                found: Mapping[str, Any] = client.fetch_token(
                    self._published()["token_endpoint"], code=code, code_verifier=verifier
                )
                return found

        try:
            return self._asked(fetch)
        except OAuthError as error:
            raise Forbidden(f"{self.shown} did not let you in: {str(error)[:200]}") from None

    def _checked(self, token: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
        """The claims of an id token that holds (OpenID Connect Core 1.0, 3.1.3.7)."""
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet
        from joserfc.jws import JWSRegistry

        registry = JWSRegistry(algorithms=list(_ALGORITHMS), strict_check_header=False)
        for newly in (False, True):  # keys are changed from time to time
            try:
                published: Any = self._fetched(self._published()["jwks_uri"], newly=newly)
                keys = KeySet.import_key_set(published)
                found = jwt.decode(str(token.get("id_token", "")), keys, registry=registry)
                break
            except (JoseError, ValueError, KeyError, TypeError) as error:
                if newly:
                    raise self._unheld(error) from None
        options = {
            "iss": {"essential": True, "values": [self.issuer]},
            "aud": {"essential": True, "value": self.client_id},
        }
        params = {"nonce": nonce, "client_id": self.client_id, "access_token": token.get("access_token")}
        claims = CodeIDToken(found.claims, found.header, options, params)
        try:
            claims.validate(leeway=_LEEWAY_S)
        except (JoseError, ValueError, TypeError) as error:
            raise self._unheld(error) from None
        if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 255:
            raise Forbidden(f"{self.shown} does not say who you are")
        return dict(claims)

    def _unheld(self, error: Exception) -> Forbidden:
        return Forbidden(f"what {self.shown} says of you does not hold: {type(error).__name__}; begin again")

    def _published(self) -> Mapping[str, Any]:
        """What the issuer publishes of itself (OpenID Connect Discovery 1.0)."""
        found = self._fetched(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if found.get("issuer") != self.issuer or not all(isinstance(found.get(name), str) for name in needed):
            raise NotNow(f"{self.shown} does not publish what a login needs; whoever runs this platform is to look")
        return found

    def _fetched(self, url: str, *, newly: bool = False) -> Mapping[str, Any]:
        with self._lock:
            at, found = self._kept.get(url, (0.0, {}))
        if newly or not found or time.monotonic() - at > _KEEPS_S:

            def fetch() -> Mapping[str, Any]:
                with self._client() as client:
                    answer = client.request("GET", url, withhold_token=True)
                    answer.raise_for_status()
                    content: Mapping[str, Any] = answer.json()
                    return content

            found = self._asked(fetch)
            if not isinstance(found, dict):
                raise NotNow(f"{self.shown} does not publish what a login needs")
            with self._lock:
                self._kept[url] = (time.monotonic(), found)
        return found

    def _asked(self, fetch: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        try:
            return fetch()
        except (_http().HTTPError, ValueError):
            raise NotNow(f"{self.shown} does not answer; try again in a minute") from None

    def _client(self) -> Any:
        from authlib.integrations.httpx_client import OAuth2Client

        return OAuth2Client(
            self.client_id,
            self.client_secret or None,
            token_endpoint_auth_method="client_secret_basic" if self.client_secret else "none",
            scope="openid profile email",
            redirect_uri=self.address + BACK,
            code_challenge_method="S256",
            timeout=_TIMEOUT_S,
            trust_env=False,
        )


def enter(platform: Platform, said: Said, who: Actor) -> Entered:
    """Begins a session for who has come back.

    Whoever was here before comes in as who they were. Whoever is signed in, and new to the issuer, is linked. Everybody
    else is registered, if registration is open.

    Raises:
        Conflict: who is signed in is somebody else at the issuer already.
        Forbidden: they may not come in, or registration is not open.
    """
    with platform.database.writing() as db:
        row = db.execute(select(USERS).where(USERS.c.subject == said.subject)).one_or_none()
        if row is not None:
            if row.disabled is not None:
                raise Forbidden("this account is disabled; ask an administrator")
            actor = Actor(user=row.id, name=row.name)
        elif who.user is not None:
            linked = update(USERS).where(USERS.c.id == who.user, USERS.c.subject.is_(None))
            if not db.execute(linked.values(subject=said.subject)).rowcount:
                raise Conflict(f"{who.name} is linked to another account there already")
            audit.write(db, who, "user.link", who.name)
            actor = who
        else:
            require_open(chosen(db, "registration"), None)
            name = _free(lambda name: db.execute(select(USERS.c.id).where(USERS.c.name == name)).first() is None, said)
            id = users.add(db, name, display=_display(said, name), email=_email(said), subject=said.subject)
            actor = Actor(user=id, name=name)
            audit.write(db, actor, "user.register", name, {"link": "openid"})
    return begun(platform, actor)


def _http() -> Any:
    """What authlib asks by: httpx2 where it is installed, else httpx."""
    name = "httpx2" if installed("httpx2") else "httpx"
    return import_module(name)


def _free(is_free: Callable[[str], bool], said: Said) -> str:
    """A name that nobody has, as near as can be to what they are called there."""
    stem = re.sub(r"[^a-z0-9]+", "-", said.name.lower()).strip("-")[:30].rstrip("-")
    for number in count(1):
        name = stem if number == 1 else f"{stem or 'user'}-{number}"
        try:
            if is_free(name_of(name)):
                return name
        except Unfit:
            continue
    raise AssertionError("there is always another number")


def _display(said: Said, name: str) -> str:
    try:
        return display_of(said.display)
    except Unfit:
        return name


def _email(said: Said) -> str | None:
    try:
        return email_of(said.email)
    except Unfit:
        return None


def _derived(cookie: str, what: str) -> str:
    """State, nonce and verifier of a login all follow from its cookie, which the browser that began it alone has."""
    return urlsafe_b64encode(hmac.new(cookie.encode(), what.encode(), sha256).digest()).decode().rstrip("=")
