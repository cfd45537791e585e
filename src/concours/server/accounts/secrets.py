"""Secrets that are handed out once and kept as digests: cookies, tokens, links."""

from __future__ import annotations

import secrets

from concours.core.digests import Digest, digest_bytes


def made(prefix: str = "") -> str:
    """A new secret of 256 bits, in letters, digits, `-` and `_`, behind a prefix."""
    return prefix + secrets.token_urlsafe(32)


def digest_of(secret: str) -> Digest:
    """As it is kept. A plain digest is enough: a secret of 256 random bits cannot be guessed from it."""
    return digest_bytes(secret.encode())
