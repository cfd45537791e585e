"""What people may call themselves."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from concours.server.refusals import Unfit

_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])")
_EMAIL: Final = re.compile(r"[^@\s\x00-\x1f<>()\[\],;:\\\"]{1,64}@[^@\s\x00-\x1f<>()\[\],;:\\\"]+\.[^@\s.\x00-\x1f]+")

_RESERVED: Final = (
    "about account admin administrator alliance anonymous api baseline baselines board c concours console everyone "
    "guest health help host hosts login logout me metrics moderator nobody null official openid postmaster private "
    "public register root security settings static status support system team teams undefined user users visitor "
    "webmaster worker workers"
)
"""Names that would be taken for the platform's own."""


def name_of(text: str) -> str:
    """A user's name. Raises Unfit: it is none, or reserved."""
    if not _NAME.fullmatch(text):
        raise Unfit(
            f"name: {text[:60]!r} cannot be one: expected 2 to 40 small letters a–z, digits and hyphens, "
            "which begins and ends with a letter or digit"
        )
    if text in _RESERVED.split():
        raise Unfit(f"name: {text!r} is reserved; choose another")
    return text


def display_of(text: str) -> str:
    """A name as it is shown. Raises Unfit: it is empty, too long, or holds what is not seen."""
    text = unicodedata.normalize("NFC", " ".join(text.split()))
    if not 1 <= len(text) <= 80:
        raise Unfit(f"display name: expected 1 to 80 letters; got {len(text):,}")
    if any(unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") for letter in text):
        raise Unfit("display name: it holds letters that are not seen, or turn the text around; leave them out")
    return text


def email_of(text: str | None) -> str | None:
    """An address of mail in small letters; none of nothing. Raises Unfit: it is none."""
    if not (text := (text or "").strip().lower()):
        return None
    if len(text) > 254 or not _EMAIL.fullmatch(text):
        raise Unfit(f"e-mail: {text[:60]!r} is no address: expected one such as name@example.org, or nothing")
    return text
