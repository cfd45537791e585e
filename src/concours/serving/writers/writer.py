"""A writer: a model that writes texts bit by bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from concours.serving.doors.openai.asked import Asked
from concours.serving.doors.openai.said import Finish, Piece
from concours.serving.refused import Refused


@dataclass(frozen=True)
class Ended:
    """The end of an answer: why, and what it took, in tokens, or whatever the writer counts."""

    finish: Finish
    tokens_in: int
    tokens_out: int


@dataclass(frozen=True)
class Written:
    """What came of a step for one request.

    Attributes:
        end: of its answer; why there is none, where there is none; none while it goes on.
    """

    id: int
    piece: Piece
    end: Ended | Refused | None = None


class Writer(Protocol):
    """A model that writes.

    Attributes:
        busy: whether a step has anything to do.
    """

    @property
    def busy(self) -> bool: ...
    def take(self, id: int, asked: Asked) -> None:
        """A new request. Raises ConcoursError where it cannot be answered."""
        ...

    def drop(self, id: int) -> None:
        """Ends a request whose answer nobody wants any more."""
        ...

    def step(self) -> Sequence[Written]:
        """Goes on with all of them."""
        ...
