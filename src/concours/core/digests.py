"""Digests: names of content, `sha256:` and 64 hexadecimal digits."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any, NewType

Digest = NewType("Digest", str)

_FORM = re.compile(r"sha256:[0-9a-f]{64}")


def canonical_json(value: Any) -> bytes:
    """The one JSON text of a value: keys sorted, no blanks, ASCII, no NaN.

    Raises:
        ValueError: the value holds NaN or an infinity.
        TypeError: the value holds something that JSON has no form for.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def digest_bytes(content: bytes) -> Digest:
    """The digest of some bytes."""
    return Digest("sha256:" + hashlib.sha256(content).hexdigest())


def digest_file(path: Path) -> Digest:
    """The digest of what a file holds."""
    with path.open("rb") as file:
        return Digest("sha256:" + hashlib.file_digest(file, "sha256").hexdigest())


def is_digest(name: Any) -> bool:
    """Whether something is the name of content: a text of `sha256:` and 64 hexadecimal digits in small letters."""
    return isinstance(name, str) and _FORM.fullmatch(name) is not None


def digest_json(value: Any) -> Digest:
    """The digest of a JSON value. Law: equal values have equal digests, whatever the order of their keys."""
    return digest_bytes(canonical_json(value))
