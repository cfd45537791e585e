"""What is believed of the offers' qualities now: what was measured, and what feedback has said since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from concours.kernels.routing.beliefs import Belief, updated
from concours.serving.gateway.qualities import Measured
from concours.serving.gateway.work import digest_of_said
from concours.serving.refused import Refused

_MOST_SCORE: Final = 1e6


class Beliefs:
    """The beliefs of a gateway.

    Args:
        measured: of the offers of which something was measured, by name.
        scores: how many scores feedback has given each, and their sum.
    """

    def __init__(self, measured: Mapping[str, Measured], scores: Mapping[str, tuple[int, float]]) -> None:
        self._measured, self._scores = measured, dict(scores)

    def measured(self, name: str) -> Measured | None:
        """What was known of an offer before any feedback."""
        return self._measured.get(name)

    def now(self, name: str) -> Belief | None:
        """What is believed of an offer; None where nothing was measured."""
        measured = self._measured.get(name)
        if measured is None:
            return None
        count, total = self._scores.get(name, (0, 0.0))
        return updated(measured.belief, count, measured.sign * total)

    def fed_back(self, name: str) -> int:
        """How many answers of an offer have a score."""
        return self._scores.get(name, (0, 0.0))[0]

    def score(self, row: Mapping[str, Any], score: float | None, truth: str | None) -> float:
        """The score of an answer that stands in the books, given itself or by the truth.

        Raises:
            Refused: the offer has no quality, the truth cannot be compared, or the score is none of its metric.
        """
        measured = self._measured.get(row["offer"])
        if measured is None:
            raise Refused(f"offer {row['offer']} has no measured quality that feedback could change")
        if score is None:
            if measured.metric != "accuracy":
                raise Refused(f"a truth says nothing of {measured.metric}: send the score of this answer")
            if row["said"] is None:
                raise Refused("the answer is not one text, to which a truth could be compared: send its score")
            score = float(row["said"] == digest_of_said(str(truth)))
        if not (0 <= score <= 1 if measured.metric == "accuracy" else abs(score) <= _MOST_SCORE):
            raise Refused(f"score = {score:g} is no {measured.metric}")
        return score

    def add(self, name: str, score: float) -> None:
        """Counts a score of an offer."""
        count, total = self._scores.get(name, (0, 0.0))
        self._scores[name] = count + 1, total + score
