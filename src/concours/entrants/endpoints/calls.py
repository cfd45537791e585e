"""A call: what is asked of an address, as a value with a key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from concours.core.digests import canonical_json, digest_bytes
from concours.core.errors import ContestError

_REFUSED = {
    "stream": "answers are asked for whole, since a cut stream is no answer: leave `stream` out",
    "n": "samples are asked one by one, each under its own number: leave `n` out",
    "best_of": "samples are asked one by one, each under its own number: leave `best_of` out",
}
_HARMLESS: Mapping[str, tuple[Any, ...]] = {"stream": (False, None), "n": (1, None), "best_of": (1, None)}


@dataclass(frozen=True)
class Call:
    """What is asked of an address.

    Attributes:
        url: of the route, as `Endpoint.route` gives it.
        body: JSON: model, messages or prompt, and parameters. No secret is in it.
        sample: which of several answers to the same question this is, from 0. It is not sent.
    """

    url: str
    body: Mapping[str, Any]
    sample: int = 0

    def __post_init__(self) -> None:
        for name, why in _REFUSED.items():
            if name in self.body and self.body[name] not in _HARMLESS[name]:
                raise ContestError(f"{name} = {self.body[name]!r} of a call to {self.url}: {why}")

    @cached_property
    def sent(self) -> bytes:
        """The body as it is sent: canonical JSON.

        Raises:
            ContestError: the body has no JSON form.
        """
        try:
            return canonical_json(self.body)
        except (TypeError, ValueError, RecursionError) as error:
            raise ContestError(
                f"a call to {self.url} has no JSON form ({error}): give texts, numbers and lists"
            ) from None

    @cached_property
    def key(self) -> str:
        """The name of the answer: `sha256:…` over the canonical JSON of body, sample and url.

        Law: equal for bodies that are equal as JSON, whatever the order of their keys.

        Raises:
            ContestError: as of `sent`.
        """
        whole = b'{"body":%s,"sample":%d,"url":%s}' % (self.sent, self.sample, _quoted(self.url))
        return digest_bytes(whole)


@lru_cache(maxsize=64)
def _quoted(url: str) -> bytes:
    return canonical_json(url)


def chat(model: str, messages: Sequence[Mapping[str, Any]], **parameters: Any) -> dict[str, Any]:
    """The body of a chat; parameters that are None are left out, so that the server's own hold."""
    return {"model": model, "messages": list(messages), **_given(parameters)}


def completion(model: str, prompt: str, **parameters: Any) -> dict[str, Any]:
    """The body of a completion of a text; parameters that are None are left out."""
    return {"model": model, "prompt": prompt, **_given(parameters)}


def _given(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if value is not None}
