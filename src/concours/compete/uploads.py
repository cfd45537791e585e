"""Files that entries bring: named by digest, and by what they were called, whose ending says how they are read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from concours.core.digests import Digest, is_digest

_LONGEST: Final = 200
_PLAIN: Final = re.compile(r"[^/\\]*[^/\\. ][^/\\]*")


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file as somebody sent it, or as a program wrote it: its digest, and its name, by whose ending it is read."""

    file: Digest
    called: str


def digest_in(what: str, digest: Any) -> Digest:
    """A digest that a signal names. Raises ValueError: it is none."""
    if not is_digest(digest):
        raise ValueError(f"{what} must be the digest of what was stored, sha256:…; got {digest!r:.60}")
    return Digest(digest)


def called_in(body: Mapping[str, Any]) -> str:
    """What a signal says that a file is called: a plain name. Raises ValueError: it says none."""
    called = body.get("called")
    if isinstance(called, str) and len(called) <= _LONGEST and _PLAIN.fullmatch(called) and called.isprintable():
        return called
    raise ValueError(f"called must be the name of the file that was sent, such as p.csv; got {called!r:.60}")
