"""Passwords: argon2id, by the parameters that RFC 9106 recommends where memory is scarce (argon2-cffi's own)."""

from __future__ import annotations

import threading
import unicodedata
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from concours.server.refusals import Unfit

SHORTEST: Final = 12
LONGEST: Final = 256

_HASHER: Final = PasswordHasher()
_AT_ONCE: Final = threading.Semaphore(2)
"""Each takes 64 MiB, so that many people who come at once do not take all memory."""

_ROWS: Final = (
    "abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
    "1q2w3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6u7i8o9p0",
)  # fmt: skip
_COMMON: Final = (
    "password", "passwort", "letmein", "iloveyou", "welcome", "administrator", "admin", "changeme", "football",
    "baseball", "sunshine", "princess", "superman", "starwars", "trustno1", "dragon", "monkey", "shadow", "master",
    "whatever", "computer", "internet", "michael", "jennifer", "jordan", "liverpool", "chocolate", "blink182",
    "concours", "competition", "qwerty", "asdfgh", "secret", "default", "manager", "correcthorsebatterystaple",
)  # fmt: skip
"""Words that the lists of stolen passwords begin with (NIST SP 800-63B-4, 3.1.1.2, asks that they be refused)."""


def require_good(password: str, *of: str) -> None:
    """Raises Unfit: it is too short, too long, common, or one of what everybody knows of its owner (`of`)."""
    password = _normal(password)
    if not SHORTEST <= len(password) <= LONGEST:
        raise Unfit(f"password: expected {SHORTEST} to {LONGEST} letters; got {len(password):,}")
    plain = password.lower()
    bare = plain.strip("0123456789!?.,;:*#$@-_+ ")
    if (
        len(set(plain)) < 5
        or bare in _COMMON
        or any(_runs(text, row) for text in (plain, bare) if text for row in _ROWS)
    ):
        raise Unfit("password: this one is among the first that are guessed; take a few words that do not go together")
    if any(word and (word.lower() in (plain, bare) or plain in (word.lower(), word.lower() * 2)) for word in of):
        raise Unfit("password: this one is what everybody knows of you; choose another")


def hashed(password: str) -> str:
    """As it is kept."""
    with _AT_ONCE:
        return _HASHER.hash(_normal(password))


def matches(password: str, kept: str | None) -> bool:
    """Whether it is the one that is kept. Law: takes one hash, whatever is kept, and where nothing is."""
    try:
        with _AT_ONCE:
            return _HASHER.verify(kept or _NOBODYS, _normal(password)[: LONGEST + 1]) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def outdated(kept: str) -> bool:
    """Whether it was made with other parameters than those of today."""
    return _HASHER.check_needs_rehash(kept)


def _normal(password: str) -> str:
    """The same letters are the same password, whatever keyboard they were typed on (NIST SP 800-63B-4, 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def _runs(text: str, row: str) -> bool:
    """Whether it goes along a row, forwards, backwards or in pieces of that of five and more."""
    pieces = {row[start : start + 5] for start in range(len(row) - 4)}
    pieces |= {piece[::-1] for piece in pieces}
    place = 0
    while place < len(text):
        if text[place : place + 5] not in pieces:
            return False
        place += 5
        while place < len(text) and text[place - 4 : place + 1] in pieces:
            place += 1
    return True


_NOBODYS: Final = _HASHER.hash("the password of nobody")
