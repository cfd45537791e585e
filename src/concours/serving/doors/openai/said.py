"""What is said to a request in words, whoever says it; and to whom it is attributed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Finish = Literal["stop", "length"]
"""Why an answer ended: by itself, or because it may have no more tokens."""


@dataclass(frozen=True)
class Likely:
    """A token that was said, the natural logarithm of its probability, and the likeliest ones there, with theirs."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Piece:
    """A part of an answer.

    Attributes:
        likely: of its tokens, where that is asked for.
    """

    text: str
    likely: tuple[Likely, ...] = ()


@dataclass(frozen=True)
class Said:
    """An answer as a whole.

    Attributes:
        tokens_in: tokens of what was asked, and `tokens_out` of the answer; of a model that knows no tokens, words.
    """

    text: str
    finish: Finish
    tokens_in: int
    tokens_out: int
    likely: tuple[Likely, ...] = ()


@dataclass(frozen=True)
class Head:
    """Which answer it is, when it was made (seconds since 1970), and of which model, by the name it is asked under."""

    number: int
    created: int
    model: str


def joined(pieces: Iterable[Piece]) -> Piece:
    """Pieces as one."""
    some = list(pieces)
    return Piece("".join(each.text for each in some), tuple(one for each in some for one in each.likely))
