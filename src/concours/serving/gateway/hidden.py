"""Hidden rows: rows of a competition whose answers are known, as canaries for an offer, and in which order they go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from concours.serving.gateway.offers import Canary
from concours.serving.gateway.work import Work

Places = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Posing(Protocol):
    """How hidden rows are asked about in a protocol: in the form in which a caller has asked."""

    def form(self, work: Work) -> Any:
        """What of a caller's request stays when its content is another; None where hidden rows do not fit into it.

        Law: nothing of what the caller asked about is kept.
        """

    def posed(self, form: Any, places: Places) -> Work:
        """The request of that form about hidden rows."""

    def texts(self, said: str | None, head: Mapping[str, str], content: bytes, rows: int) -> Sequence[str] | None:
        """What an answer says of each row; None where it says nothing that could be judged.

        Args:
            said: the answer, where it is one text.
            head, content: all of it.
        """


class Judging(Protocol):
    """What is right of hidden rows, and what the model that competed said of them."""

    def failed(self, places: Places, texts: Sequence[str]) -> Mapping[str, Flags]:
        """Which answers about hidden rows fail, by what an alarm is told by: `accuracy`, those that are wrong;
        `disagreement`, those that are not what the model that competed answered.
        """


@dataclass(frozen=True, kw_only=True)
class Hidden:
    """The rows by which an offer is watched.

    Attributes:
        canary: of the file.
        line: who of the board the offer is to be.
        promise: a digest of who that is and by which rows it is seen.
        rows: how many.
        promised: the greatest share that may fail, by what an alarm is told by.
    """

    canary: Canary
    line: str
    promise: str
    rows: int
    promised: Mapping[str, float]
    posing: Posing
    judging: Judging

    @property
    def between(self) -> float:
        """So many canaries a false alarm takes at least, in expectation: as many as there are in a million requests."""
        return self.canary.share * 1_000_000

    def places(self, seed: int, first: int, count: int) -> Places:
        """The rows (count,) of canaries by their numbers, from `first` on.

        Law: of each `rows` canaries from a multiple of `rows` on, each row is one; in every such round the order is
        drawn anew.
        """
        numbers = np.arange(first, first + count)
        return np.array(
            [_order(seed, number // self.rows, self.rows)[number % self.rows] for number in numbers.tolist()]
        )


@lru_cache(maxsize=64)
def _order(seed: int, round: int, rows: int) -> Places:
    return np.random.default_rng([seed, round]).permutation(rows)
