"""Answers that are kept in memory where the caller allows it: for the same content, of the same key."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from concours.serving.gateway.work import Work

_MOST_BYTES: Final = 1 << 26
_MOST_OF_ONE: Final = 1 << 22
_AROUND: Final = 1 << 11
"""Bytes that an answer takes beside its content."""


@dataclass(frozen=True, kw_only=True)
class KeptAnswer:
    """An answer as it went to the caller: the offer that gave it, and what was asked, as a digest."""

    asked: str
    offer: str
    head: Mapping[str, str]
    content: bytes
    at: float = field(default_factory=time.monotonic)

    @property
    def age_s(self) -> float:
        return time.monotonic() - self.at


class Kept:
    """The last answers, 64 MiB of them at most; what was used longest ago goes first."""

    def __init__(self) -> None:
        self._answers: OrderedDict[tuple[str, str], KeptAnswer] = OrderedDict()
        self._bytes = 0

    def get(self, key: str, name: str) -> KeptAnswer | None:
        """What a key's request of a digest or an id was answered."""
        found = self._answers.get((key, name))
        if found is not None:
            self._answers.move_to_end((key, name))
        return found

    def put(self, key: str, name: str, answer: KeptAnswer) -> None:
        """Keeps an answer of up to 4 MiB."""
        if len(answer.content) > _MOST_OF_ONE:
            return
        if (before := self._answers.pop((key, name), None)) is not None:
            self._bytes -= _size(before)
        self._answers[key, name] = answer
        self._bytes += _size(answer)
        while self._bytes > _MOST_BYTES:
            self._bytes -= _size(self._answers.popitem(last=False)[1])


def _size(answer: KeptAnswer) -> int:
    return len(answer.content) + _AROUND


def digest_of_content(work: Work) -> str:
    """Of what is asked of whom: alike for bodies that differ in the order of their keys alone."""
    content = msgspec.json.encode(work.body, order="sorted") if work.body else work.content
    parts = [work.protocol.encode(), work.word.encode(), work.path.encode(), repr(sorted(work.head.items())).encode()]
    return hashlib.sha256(b"\0".join([*parts, content])).hexdigest()
