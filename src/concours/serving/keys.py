"""Tokens: who may ask what of a server."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from concours.core.errors import ContestError, nearest
from concours.serving.refused import Refused

SCOPES: Final = ("predict", "feedback", "watch", "deploy")
"""What a token may be for: asking models; telling what was true; looking at drift and use; changing what is served."""


@dataclass(frozen=True)
class Keys:
    """Tokens by the SHA-256 of their text, each with its scopes; without any, everybody may ask everything.

    Nothing of a token is kept, so none can be read out of the process, nor be told.
    """

    scopes: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Keys:
        """Tokens as they are given: `TEXT` for all, or `SCOPE,SCOPE=TEXT`. Raises ContestError."""
        found = dict[str, frozenset[str]]()
        for text in texts:
            named, equals, secret = text.partition("=")
            scopes = named.split(",") if equals else list(SCOPES)
            secret = secret if equals else named
            if unknown := [scope for scope in scopes if scope not in SCOPES]:
                raise ContestError(f"--token: {unknown[0]!r} is no scope; {nearest(unknown[0], SCOPES)}")
            if len(secret) < _SHORTEST:
                raise ContestError(f"--token: a token has {_SHORTEST} letters or more")
            found[_digest(secret)] = frozenset(scopes)
        return cls(found)

    def require(self, header: str | None, scope: str) -> str:
        """Who asks, by the first letters of the token's digest; `anybody` where there are no tokens.

        Args:
            header: `Authorization` of the request.

        Raises:
            Refused: there is no token, it is unknown, or is for something else.
        """
        if not self.scopes:
            return "anybody"
        kind, _, secret = (header or "").partition(" ")
        digest = _digest(secret.strip())
        if kind.lower() != "bearer" or digest not in self.scopes:
            raise Refused("a token is wanted: send the header Authorization: Bearer TOKEN", status=401)
        if scope not in self.scopes[digest]:
            raise Refused(f"this token is not for {scope!r}", status=403)
        return digest[:8]


_SHORTEST: Final = 16


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
