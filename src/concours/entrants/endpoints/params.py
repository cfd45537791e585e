"""What is said of a language model in a contest: how it is asked, and, of one behind an address, where that is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from concours.entrants.endpoints.price import Price

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a million tokens cost, in one currency for all entrants.

    Attributes:
        input, output: those that are sent, and those that come back.
        cached: of those sent that the other side has read before; by default as `input`.
    """

    input: float = 0.0
    output: float = 0.0
    cached: float | None = None

    def amiss(self) -> str:
        """What is wrong between its values, which types do not tell."""
        each = (self.input, self.output, self.cached or 0.0)
        return "" if all(value >= 0 for value in each) else "a price is 0 or more, for a million tokens"


@dataclass(frozen=True, kw_only=True)
class Asking:
    """How a language model is asked, wherever it is.

    Attributes:
        prompt: what is asked, with the names of columns in braces; by default what the task shows of a row.
        system: what is said before.
        shots: how many rows of the training part, with their targets, are shown before each question; never the row
            itself, nor one of its fold.
        chosen: which: the same for all rows of a fold, by `seed`, or those whose question is `nearest`.
        by: how one of several choices is made: the letter is read in what is `said`; or the model says how probable it
            holds each `letter`, or each choice as a text: a `sum`, by `characters`, by `bytes`, or `pmi`
            (`kernels.scoring.likelihoods`).
        rotate: whether choices are shown in every rotation, and what comes of these averaged; so always by `letter`.
        samples: how often each question is asked; the shares of what is said are what the model predicts.
        temperature, top_p, seed, stop: passed on where they are given.
        max_tokens: of an answer.
        price: of a million tokens.
        most_failed: the share of rows that may fail before the entrant fails as a whole.
    """

    prompt: str | None = None
    system: str = ""
    shots: int = 0
    chosen: Literal["seed", "nearest"] = "seed"
    by: Literal["said", "letter", "sum", "characters", "bytes", "pmi"] = "said"
    rotate: bool = False
    samples: int = 1
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] | None = None
    max_tokens: int = 512
    price: Cost | None = None
    most_failed: float = 0.0

    LEAST: ClassVar[Mapping[str, int]] = {"samples": 1, "max_tokens": 1, "shots": 0}

    def amiss(self) -> str:
        """What is wrong between its values, which types do not tell."""
        low = next((name for name, least in self.LEAST.items() if getattr(self, name) < least), None)
        if low:
            return f"{low}: {self.LEAST[low]} at least, got {getattr(self, low)}"
        if not 0 <= self.most_failed < 1:
            return f"most_failed: a share from 0 up to 1, got {self.most_failed}"
        if self.temperature is not None and self.temperature < 0:
            return f"temperature: 0 at least, got {self.temperature}"
        if self.samples > 1 and self.temperature == 0:
            return "samples: with temperature = 0 all samples are meant to be the same; ask once, or leave it out"
        if self.samples > 1 and self.by != "said":
            return f"samples: by = {self.by!r} asks for probabilities, which are the same each time; leave it out"
        if self.rotate and self.by not in ("said", "letter"):
            return f"rotate: by = {self.by!r} shows no letters; leave it out"
        return ""

    @property
    def sampling(self) -> dict[str, object]:
        """What is passed on with each request, of what is given."""
        given = {"temperature": self.temperature, "top_p": self.top_p, "seed": self.seed}
        stop = None if self.stop is None else list(self.stop)
        whole = {**given, "stop": stop, "max_tokens": self.max_tokens}
        return {name: value for name, value in whole.items() if value is not None}

    @property
    def charged(self) -> Price | None:
        """The price, as money is counted by it."""
        return None if self.price is None else Price(self.price.input, self.price.output, self.price.cached)

    @property
    def longest(self) -> int:
        """Tokens that an answer has at most."""
        return self.max_tokens


@dataclass(frozen=True, kw_only=True)
class Address(Asking):
    """The parameters of `openai:MODEL`: any address that speaks OpenAI's protocol.

    Attributes:
        base_url: of the address, up to `/v1`.
        key_env: the variable of the environment that holds the key; the key itself stands nowhere.
        route: whether it is asked in chats, or for `completions` of a text, as models are that know no chats.
        json: whether an answer is to be an object of JSON.
        max_completion_tokens: `max_tokens` by its newer name, for models that refuse the other; it is sent instead.
        at_once: requests under way at most.
        timeout_s: for one request.
        tries: of one request, at most.
    """

    base_url: str
    key_env: str | None = None
    route: Literal["chat", "completions"] = "chat"
    json: bool = False
    max_completion_tokens: int | None = None
    at_once: int = 16
    timeout_s: float = 120.0
    tries: int = 6

    LEAST: ClassVar[Mapping[str, int]] = {**Asking.LEAST, "at_once": 1, "tries": 1}

    def amiss(self) -> str:
        """What is wrong between its values, which types do not tell."""
        if not self.base_url.startswith(("http://", "https://")):
            return f"base_url: expected an address that begins with http:// or https://, got {self.base_url!r}"
        if self.key_env is not None and not _VARIABLE.fullmatch(self.key_env):
            return f"key_env: expected the name of a variable of the environment, got {self.key_env!r}"
        if self.timeout_s <= 0:
            return f"timeout_s: seconds above 0, got {self.timeout_s}"
        if self.json and self.route == "completions":
            return 'json: only chats can be asked for an object of JSON; leave it out, or take route = "chat"'
        return super().amiss()

    @property
    def sampling(self) -> dict[str, object]:
        """As of all, with the newer name for the longest answer where that is given, and the form of answers."""
        given = super().sampling
        if self.json:
            given["response_format"] = {"type": "json_object"}
        if self.max_completion_tokens is not None:
            given["max_completion_tokens"] = self.max_completion_tokens
            del given["max_tokens"]
        return given

    @property
    def longest(self) -> int:
        """Tokens that an answer has at most."""
        return self.max_tokens if self.max_completion_tokens is None else self.max_completion_tokens
