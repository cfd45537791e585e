"""What it took to ask a language model: requests, tokens, money and seconds, and what became of the answers."""

from __future__ import annotations

from dataclasses import dataclass

REQUEST, SLOW = "request", "slow request"
"""Phases of a job that asks: seconds of a request, the median and the 95th percentile."""


@dataclass(frozen=True, kw_only=True)
class Calls:
    """What asking about some rows took. A value; what lay in the cache already is counted as if it were asked anew.

    Attributes:
        rows: that were asked about.
        requests: of which each row takes one a sample.
        kept: of the requests, those that were answered before, and took nothing this time; not counted in a contest.
        tokens_in, tokens_cached, tokens_out: sent, of these read before by the other side, and come back; none where
            the other side does not say.
        money: in the currency of the price; none where no price is given.
        median_s, slow_s: seconds of a request, the median and the 95th percentile of those answered.
        cut: answers that came to their longest and may lack their end.
        refused: that the model would not give.
        unparsed: of which nothing could be read.
        failed: requests that had no answer after all tries.
    """

    rows: int
    requests: int
    kept: int = 0
    tokens_in: int | None = None
    tokens_cached: int | None = None
    tokens_out: int | None = None
    money: float | None = None
    median_s: float | None = None
    slow_s: float | None = None
    cut: int = 0
    refused: int = 0
    unparsed: int = 0
    failed: int = 0

    @property
    def row_money(self) -> float | None:
        """Of a row; none where no price is given."""
        return None if self.money is None or not self.rows else self.money / self.rows

    @property
    def in_vain(self) -> dict[str, int]:
        """How many requests came to no plain answer, by why; nothing where all did."""
        each = {"cut off": self.cut, "refused": self.refused, "unparsed": self.unparsed, "failed": self.failed}
        return {why: count for why, count in each.items() if count}
