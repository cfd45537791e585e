"""How good an offer is: what its board says, or the numbers that it was given, as a belief that feedback changes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from concours.core.errors import ContestError, nearest
from concours.core.standings import Standing
from concours.kernels.routing.beliefs import Belief
from concours.serving.gateway.offers import Offer, Quality

if TYPE_CHECKING:
    from concours.runs.result import Result

_WITHIN_95 = 1.959963984540054


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A belief before any feedback.

    Attributes:
        metric: what is measured.
        sign: 1.0, or -1.0 where less is better: the belief is of `sign` times the metric.
    """

    belief: Belief
    metric: str
    sign: float = 1.0


def measured(offer: Offer, folder: Path) -> Measured | None:
    """What is known of an offer's quality; None where nothing is said of it.

    Args:
        folder: from which the folders of runs are seen.

    Raises:
        ContestError: its board has no such line or metric, or the line has no score. RunFolderError: there is no run.
    """
    quality = offer.quality
    if quality is None:
        return None
    if quality.run is not None:
        from concours.runs.result import Result

        return _of_board(offer, quality, Result.load(folder / quality.run))
    score, error = quality.score or 0.0, quality.error or 0.0
    return Measured(
        belief=Belief(mean=score, sd=error, noise=_noise(score, error, quality.rows)),
        metric=quality.metric or "accuracy",
    )


def _of_board(offer: Offer, quality: Quality, result: Result) -> Measured:
    where, problem = f"offer {offer.name}, {quality.run}", result.setup.problem
    lines = {line.entrant.name: line for line in result.standings}
    name = quality.line or result.default
    if name not in lines:
        raise ContestError(f"{where}: no line {name!r} on the board; {nearest(str(name), lines)}")
    goals = {goal.name: goal for goal in problem.metrics}
    metric = quality.metric or problem.metrics[0].name
    if metric not in goals:
        raise ContestError(f"{where}: no metric {metric!r}; {nearest(metric, goals)}")
    found = _tested(lines[name], metric, problem.test.rows if problem.test else None)
    if found is None and metric == problem.metrics[0].name and (cv := lines[name].cv_score) is not None:
        found = cv.score, cv.stderr, problem.train.rows
    if found is None:
        raise ContestError(f"{where}: the line {name!r} has no score of {metric} with an interval")
    score, error, rows = found
    sign = 1.0 if goals[metric].greater_is_better else -1.0
    return Measured(belief=Belief(mean=sign * score, sd=error, noise=error * math.sqrt(rows)), metric=metric, sign=sign)


def _tested(line: Standing, metric: str, rows: int | None) -> tuple[float, float, int] | None:
    """Score, standard error and rows of the test part; the error is read off the interval of 95%."""
    score, interval = line.metrics.get(metric), line.intervals.get(metric)
    if score is None or interval is None or not rows:
        return None
    return score, (interval[1] - interval[0]) / 2 / _WITHIN_95, rows


def _noise(score: float, error: float, rows: int | None) -> float:
    """The standard deviation of one row's score: by its error, or, of a share, that of a coin of that share."""
    return error * math.sqrt(rows) if rows else max(error, math.sqrt(score * (1 - score)))
