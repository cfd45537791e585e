"""`offers.toml`: who can answer, at which price, and who may ask."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal, Self
from urllib.parse import urlsplit

from concours.contest.toml_file import read_toml
from concours.core.digests import Digest
from concours.core.errors import ContentRefused, ContestError
from concours.core.typed import typed
from concours.entrants.endpoints.price import UNIT, in_units

AIMS: Final = ("best", "cheap", "fast")
"""What a request may ask for instead of a name."""
CANARIES: Final = "canaries"
"""The gateway's own account, beside the keys: what hidden rows cost."""
_MILLION = 1_000_000
_MOST_PRICE = 100_000
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_WORD_LETTERS: Final = "letters, digits, and . _ - within, a hundred at most"


@dataclass(frozen=True, kw_only=True)
class Price:
    """What an answer costs: a request, a row, and a million tokens that go in and come out."""

    request: float = 0.0
    row: float = 0.0
    input: float = 0.0
    output: float = 0.0

    def amiss(self) -> str:
        for name, value in vars(self).items():
            if not 0 <= value <= _MOST_PRICE:
                return f"{name} = {value:g}: expected a price from 0 to {_MOST_PRICE:,}"
            if name in ("input", "output") and in_units(value, name) % _MILLION:
                return f"{name} = {value}: expected at most six decimals, of money per million tokens"
        return ""

    def of(self, *, rows: int, tokens_in: int, tokens_out: int) -> int:
        """What a request of so much costs, in `UNIT` of money, exactly."""
        request, row, into, out = self._rates
        return request + rows * row + tokens_in * into + tokens_out * out

    @cached_property
    def _rates(self) -> tuple[int, int, int, int]:
        million = [in_units(value, "price") // _MILLION for value in (self.input, self.output)]
        return in_units(self.request, "price"), in_units(self.row, "price"), million[0], million[1]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What an endpoint can take.

    Attributes:
        requests: within any 60 seconds; None for no limit.
        concurrent: under way at once; None for no limit.
        seconds: that its head, and then each further part of its answer, may take.
        tokens: the most that come out of it where the request does not say.
    """

    requests: int | None = None
    concurrent: int | None = None
    seconds: float = 60.0
    tokens: int = 4096

    def amiss(self) -> str:
        for name, value in vars(self).items():
            if value is not None and not 0 < value <= 1e9:
                return f"{name} = {value:g}: expected a number above 0, at most 1e+09"
        return ""


@dataclass(frozen=True, kw_only=True)
class Quality:
    """What was measured: a line of the board of a run folder, or a score with its standard error.

    Attributes:
        run, line: the folder, seen from the file, and the name on its board; its default model if none is given.
        metric: by its name; of a run its first one if none is given, of numbers accuracy.
        score, error: a mean of rows and its standard error, greater is better.
        rows: how many; to be given where the score is no share of rows, from 0 to 1.
    """

    run: str | None = None
    line: str | None = None
    metric: str | None = None
    score: float | None = None
    error: float | None = None
    rows: int | None = None

    def amiss(self) -> str:
        numbers = [name for name in ("score", "error", "rows") if getattr(self, name) is not None]
        if self.run is not None:
            return f"{numbers[0]} is given beside run: expected either a run or numbers" if numbers else ""
        if self.line is not None:
            return "line is given without run: add run, the folder of the board"
        if self.score is None or self.error is None:
            return "expected run = the folder of a run, or score and error, its standard error"
        if self.error < 0 or (self.rows is not None and self.rows < 1):
            return "expected an error of 0 or more, and rows of 1 or more"
        if 0 <= self.score <= 1:
            return ""
        if self.metric in (None, "accuracy"):
            return f"score = {self.score:g}: expected a share from 0 to 1; of another metric, name it, and rows"
        return "" if self.rows else f"score = {self.score:g}: rows is missing, of how many rows it is the mean"


@dataclass(frozen=True, kw_only=True)
class Canary:
    """By which hidden rows an offer is watched, and what was promised of it.

    Attributes:
        run, line: the folder of the competition, seen from the file, and who of its board the offer is to be; its
            default model if none is given.
        share: canaries, of the requests that the offer answers.
        differs: the greatest share of canaries that may be answered otherwise than that model answered them.
    """

    run: str
    line: str | None = None
    share: float = 0.02
    differs: float = 0.02

    def amiss(self) -> str:
        for name in ("share", "differs"):
            if not 0 < getattr(self, name) <= 0.5:
                return f"{name} = {getattr(self, name):g}: expected a share above 0, up to 0.5"
        return ""


@dataclass(frozen=True, kw_only=True)
class Offer:
    """An endpoint that can answer.

    Attributes:
        name: by which a request may ask for it alone.
        model: what the endpoint calls it.
        task: what it does, in a word that requests ask for: a task's name or a kind. Offers of one are alternatives.
        url: of OpenAI's form up to and with `/v1`; of Open Inference what comes before `/v2`.
        key_env: the variable of the environment that holds the endpoint's key; None where it needs none.
        seconds: how long an answer takes mostly, until that has been seen.
        canary: by what it is watched; None for by nothing.
    """

    name: str
    model: str
    task: str
    protocol: Literal["openai", "oip"]
    url: str
    key_env: str | None = None
    price: Price = field(default_factory=Price)
    limits: Limits = field(default_factory=Limits)
    quality: Quality | None = None
    seconds: float | None = None
    canary: Canary | None = None

    def amiss(self) -> str:
        for what in ("name", "task"):
            if not _is_word(getattr(self, what)):
                return f"{what} = {getattr(self, what)!r}: expected {_WORD_LETTERS}"
        if not self.model or not self.model.isprintable():
            return "model: expected the name that the endpoint gives to its model"
        if self.seconds is not None and not self.seconds > 0:
            return f"seconds = {self.seconds:g}: expected a number above 0"
        return _amiss_url(self.url)

    @property
    def base(self) -> str:
        return self.url.rstrip("/")

    @cached_property
    def secret(self) -> str | None:
        """The endpoint's key, from the environment alone; never to be written or shown. Raises ContestError."""
        return None if self.key_env is None else _from_environment(self.key_env, f"offer {self.name}")


@dataclass(frozen=True, kw_only=True)
class Key:
    """Who may ask.

    Attributes:
        hash: sha256: and the digest of the key.
        key_env: instead, the variable of the environment that holds it.
        budget: money that may be spent in all; None for no limit.
        requests: within any 60 seconds; None for no limit.
        scopes: the names of tasks and of offers that it may ask for; all if there are none.
    """

    name: str
    hash: Digest | None = None
    key_env: str | None = None
    budget: float | None = None
    requests: int | None = None
    scopes: Sequence[str] = ()

    def amiss(self) -> str:
        if not _is_word(self.name):
            return f"name = {self.name!r}: expected {_WORD_LETTERS}"
        if self.name == CANARIES:
            return f"name = {self.name!r}: so the gateway's own account is called; give the key another name"
        if (self.hash is None) == (self.key_env is None):
            return "expected one of hash, sha256: and the digest of the key, and key_env, the variable that holds it"
        if self.budget is not None and not 0 <= self.budget <= _MILLION:
            return f"budget = {self.budget:g}: expected money from 0 to {_MILLION:,}"
        if self.requests is not None and self.requests < 1:
            return f"requests = {self.requests}: expected 1 or more within 60 seconds"
        return ""

    @property
    def most(self) -> int | None:
        """The budget in `UNIT` of money."""
        return None if self.budget is None else in_units(self.budget, "budget")

    @cached_property
    def digest(self) -> str:
        """By which it is known. Raises ContestError: the variable is not set."""
        return str(self.hash) if self.hash else digest_of(_from_environment(str(self.key_env), f"key {self.name}"))

    def may(self, offer: Offer) -> bool:
        return not self.scopes or offer.name in self.scopes or offer.task in self.scopes


@dataclass(frozen=True, kw_only=True)
class Settings:
    """`[gateway]`.

    Attributes:
        database: a URL of SQLAlchemy's; a file beside `offers.toml` if none is given.
        exploration: the share of requests that may go to another than the offer that is thought the first.
        alike: by how much a quality may be lower than the best for `cheap` and `fast` to take it.
        admin_env: the variable of the environment that holds the token for `/usage`; None for no such page.
    """

    database: str | None = None
    exploration: float = 0.05
    alike: float = 0.0
    admin_env: str | None = None

    def amiss(self) -> str:
        if not 0 <= self.exploration <= 1:
            return f"exploration = {self.exploration:g}: expected a share from 0 to 1"
        return "" if self.alike >= 0 else f"alike = {self.alike:g}: expected 0 or more"

    @cached_property
    def admin(self) -> str | None:
        """The digest of the token for `/usage`. Raises ContestError: the variable is not set."""
        return digest_of(_from_environment(self.admin_env, "gateway")) if self.admin_env else None


@dataclass(frozen=True, kw_only=True)
class Offers:
    """The whole file."""

    offer: Sequence[Offer]
    key: Sequence[Key]
    gateway: Settings = field(default_factory=Settings)

    def amiss(self) -> str:
        return next(self._amiss(), "")

    def _amiss(self) -> Iterator[str]:
        if not self.offer:
            yield "there is no [[offer]]: write one for each endpoint, with name, model, task, protocol and url"
        if not self.key:
            yield "there is no [[key]]: write one for each who may ask, with name, and hash or key_env"
        names = {*AIMS, *(offer.task for offer in self.offer)}
        for what, each in (("offer", self.offer), ("key", self.key)):
            twice = [name for name, count in Counter(one.name for one in each).items() if count > 1]
            if twice:
                yield f"{what} {twice[0]} stands there twice: give each a name of its own"
        for offer in self.offer:
            if offer.name in names:
                yield f"offer {offer.name}: requests ask by this word for a task or an aim; give it another name"
            if offer.task in AIMS:
                yield f"offer {offer.name}: task = {offer.task!r} is an aim of requests; name it otherwise"
        known = {word for offer in self.offer for word in (offer.name, offer.task)}
        for key in self.key:
            if strange := sorted(set(key.scopes) - known):
                yield f"key {key.name}: no offer has the name or the task {strange[0]!r}, of its scopes"

    @classmethod
    def read(cls, path: Path) -> Self:
        """The file at a path.

        Raises:
            ContestError: it is missing, is not TOML, or something in it is wrong: what, and what was expected.
        """
        try:
            content = read_toml(path)
            for table in ("offer", "key"):
                if isinstance(content.get(table), dict):
                    raise ContestError(f"[{table}] stands there once: write [[{table}]], as there may be several")
            return typed(cls, content)
        except (ContentRefused, ContestError) as error:
            said = str(error)
            raise ContestError(said if said.startswith(path.name) else f"{path.name}: {said}") from None


def digest_of(secret: str) -> str:
    """By which a key is known without being kept."""
    return f"sha256:{hashlib.sha256(secret.encode('utf-8', 'surrogateescape')).hexdigest()}"


def money(units: int) -> str:
    """Money for people: as many decimals as it has, two at least."""
    text = f"{units * UNIT:.12f}".rstrip("0")
    return text + "0" * max(0, 2 - len(text.partition(".")[2]))


def _is_word(text: str) -> bool:
    return _WORD.fullmatch(text) is not None


def _amiss_url(url: str) -> str:
    hint = "expected http://HOST[:PORT]/PATH or https://…"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return f"url is none: {hint}"
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        return "url has more than host, port and path: a key belongs into the environment, in the variable key_env"
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        return f"url = {url!r}: {hint}"
    if not url.isascii() or not url.isprintable() or " " in url:
        return f"url = {url!r} has blanks or letters beyond ASCII: {hint}, escaped"
    return ""


def _from_environment(variable: str, who: str) -> str:
    value = os.environ.get(variable, "").strip()
    if not value:
        raise ContestError(f"{who}: the environment variable {variable}, which is to hold its key, is not set")
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ContestError(f"{who}: the environment variable {variable} holds no key: blanks or letters beyond ASCII")
    return value


def plain(value: Mapping[str, Any]) -> Offers:
    """Offers from plain values, as the file has them. Raises ContentRefused."""
    return typed(Offers, value)
