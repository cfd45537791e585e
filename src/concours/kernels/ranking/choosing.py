"""What having been chosen flatters a score by: bootstrap bias corrected cross-validation (Tsamardinos et al. 2018).

Of several models, whose predictions of the same rows are known, one was taken for its score on them, and so that score
is too good. The rows are drawn anew, with replacement: on those drawn the choice is made again, on those left out it is
scored. What the one taken does better there than those taken anew is luck, which new rows do not repeat.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from concours.kernels.scoring.scores import resampled

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

ROUNDS = 200
"""How often rows are drawn. Only rounds that take another model count, so that there is little noise in their mean."""


@dataclass(frozen=True, kw_only=True)
class Anew:
    """What was chosen when the choice was made again.

    Attributes:
        taken: the number of the model that was taken.
        rounds: how often it was chosen again.
        others: of the rounds that took another model, its number and the positions of the rows left out.
    """

    taken: int
    rounds: int
    others: tuple[tuple[int, Codes], ...]


def chosen_anew(
    taken: int,
    scores: Callable[[Codes], Floats],
    *,
    rows: int,
    greater_is_better: bool,
    groups: Codes | None = None,
    seed: int = 0,
    rounds: int = ROUNDS,
) -> Anew:
    """Makes a choice again on rows drawn with replacement, at the same place: the best, if the best was taken.

    Args:
        taken: the number of the model that was taken. Of equal scores it has the better place, then the first.
        scores: of the rows at some positions, those of all models, (models,); what is not a number is worse than all.
        groups: (rows,) codes from 0, each of which occurs: whole groups are drawn, and left out.

    Law: depends on the arguments alone. A round that leaves no row out is not counted.
    """
    sign, rng = (-1.0 if greater_is_better else 1.0), np.random.default_rng(seed)

    def order(at: Codes) -> list[int]:
        losses = np.nan_to_num(sign * scores(at), nan=np.inf)
        return sorted(range(len(losses)), key=lambda model: (losses[model], model != taken, model))

    place = order(np.arange(rows)).index(taken)
    found = []
    for _ in range(rounds):
        drawn = resampled(rows, groups, rng)
        out = np.ones(rows, dtype=np.bool_)
        out[drawn] = False
        if out.any():
            found.append((order(drawn)[place], np.flatnonzero(out)))
    return Anew(taken=taken, rounds=len(found), others=tuple(pair for pair in found if pair[0] != taken))


def flattery(anew: Anew, score: Callable[[int, Codes], float], *, greater_is_better: bool) -> float:
    """By how much a score of the model taken is too good, in the units of the metric, at least 0; NaN if not known.

    The mean over all rounds of what the one taken scores better than the one taken anew on the rows left out. Where the
    score is a mean of rows, the score less this is the estimate of the paper, without its noise: what the one taken has
    on rows left out is then on average what it has on all.

    Args:
        score: of a model by its number, on the rows at some positions.

    Laws: 0 where no other model is ever taken. Unbiased where all models are equally good and their scores are normal.
    Source: Tsamardinos, Greasidou and Borboudakis 2018, "Bootstrapping the out-of-sample predictions for efficient and
    accurate cross-validation", Machine Learning 107.
    """
    if not anew.others:
        return 0.0 if anew.rounds else np.nan
    better = np.array([score(anew.taken, left) - score(other, left) for other, left in anew.others])
    known = better[np.isfinite(better)]
    if not len(known):
        return np.nan
    mean = float(known.sum()) / (anew.rounds - len(better) + len(known))
    return max(mean if greater_is_better else -mean, 0.0)


def reaching(
    interval: tuple[float, float], flattered: float, *, greater_is_better: bool, low: float, high: float
) -> tuple[float, float]:
    """An interval of a score that is too good: it reaches as much further towards worse ones, within the bounds.

    The other end stays: how far luck went is itself estimated, and on some rows none was had. Law: holds the interval
    that it is given, and is that where nothing flatters.
    """
    first, last = interval
    if greater_is_better:
        return max(first - flattered, low), last
    return first, min(last + flattered, high)
