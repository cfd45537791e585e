"""Keys that stand twice in an object of JSON, of which a parser keeps the last (RFC 8259 leaves it open): refused.

No second parser reads each request. In JSON a colon stands behind each key, and else only in texts. Where a body has as
many as its value has keys, none stood twice; that is most often so, and costs a search for a byte. Otherwise texts are
left out and colons are counted again, which decides it.
"""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any, Final

from concours.serving.refused import Refused

_TEXT: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


def require_keys_once(body: bytes, value: Any) -> None:
    """Raises Refused where a key stands twice in one object.

    Args:
        body: JSON.
        value: what it was read as.
    """
    colons = body.count(b":")
    if colons == _shallow(value) or _TEXT.sub(b"", body).count(b":") == _deep(value):
        return
    with contextlib.suppress(RecursionError):
        json.loads(body, object_pairs_hook=_require_once)
    raise Refused("a key stands twice in one object; send it once")


def _shallow(value: Any) -> int:
    """Keys of an object, and of the objects that stand in lists in it: all of most requests, and never more."""
    if not isinstance(value, dict):
        return 0
    inner = [each for each in value.values() if type(each) is list and each and type(each[0]) is dict]
    return len(value) + sum(len(each) for some in inner for each in some if type(each) is dict)


def _deep(value: Any) -> int:
    """Keys of all objects."""
    count, left = 0, [value]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            count += len(one)
            left.extend(one.values())
        elif isinstance(one, list):
            left.extend(one)
    return count


def _require_once(pairs: list[tuple[str, Any]]) -> None:
    names = set[str]()
    for name, _ in pairs:
        if name in names:
            raise Refused(f"the key {name[:80]!r} stands twice in one object; send it once")
        names.add(name)
