"""An endpoint: an address of the OpenAI form, and how it may be asked."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from concours.core.errors import ContestError, EndpointRefused
from concours.entrants.endpoints.price import Price


@dataclass(frozen=True)
class Endpoint:
    """An address, and how it may be asked.

    Attributes:
        base_url: up to and with `/v1` mostly: `https://host/v1`. No key is in it.
        key_env: the name of the environment variable that holds the key; None for an address that needs none.
        price: money per million tokens; None where nobody counts it.
        at_once: requests under way at most; fewer where the address cannot take them.
        timeout_s: seconds that one request may take.
        tries: requests for one call at most.

    Raises:
        ContestError: an attribute cannot be what it is.
    """

    base_url: str
    key_env: str | None = None
    price: Price | None = None
    at_once: int = 64
    timeout_s: float = 300.0
    tries: int = 6

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", _checked(self.base_url))
        for name, least in (("at_once", 1), ("tries", 1)):
            value = getattr(self, name)
            if type(value) is not int or value < least:
                raise ContestError(f"{name} = {value!r} of {self.base_url}: give a whole number, 1 or more")
        if type(self.timeout_s) not in (int, float) or not 0 < self.timeout_s < float("inf"):
            raise ContestError(f"timeout_s = {self.timeout_s!r} of {self.base_url}: give seconds, more than 0")

    @property
    def chats(self) -> str:
        """The URL of chats."""
        return f"{self.base_url}/chat/completions"

    @property
    def completions(self) -> str:
        """The URL of completions of a text."""
        return f"{self.base_url}/completions"

    def key(self) -> str | None:
        """The key, from the environment alone. It is never to be written, shown or hashed.

        Raises:
            EndpointRefused: the variable is not set, or holds what no header can.
        """
        if self.key_env is None:
            return None
        key = os.environ.get(self.key_env, "").strip()
        if not key:
            raise EndpointRefused(
                f"{self.base_url} is asked with the key in the environment variable {self.key_env}, which is not set: "
                f"export {self.key_env}=…"
            )
        if not key.isascii() or not key.isprintable() or " " in key:
            raise EndpointRefused(
                f"the environment variable {self.key_env} holds no key: blanks or letters beyond ASCII are in it"
            )
        return key


def _checked(url: str) -> str:
    """The URL without a slash at its end. What may hold a key is refused without being shown."""
    hint = "give http://HOST[:PORT]/PATH or https://…"
    try:
        parts = urlsplit(url)
        port = parts.port
    except (ValueError, TypeError, AttributeError):
        raise ContestError(f"base_url is no URL: {hint}") from None
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise ContestError(
            "base_url has more than host, port and path: a key belongs into an environment variable, named by key_env"
        )
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ContestError(f"base_url = {url!r}: {hint}")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ContestError(f"base_url = {url!r} has blanks or letters beyond ASCII: {hint}, escaped")
    url = url.rstrip("/")
    for route in ("/chat/completions", "/completions"):
        if url.endswith(route):
            raise ContestError(f"base_url = {url!r}: leave {route} out, it is added to what is asked")
    return url
