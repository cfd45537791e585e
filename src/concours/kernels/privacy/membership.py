"""Membership inference: whether a model tells of a row that it was trained on it. Attacks, and how well they do.

Two attacks. The loss of a row, lower of a member (Yeom et al. 2018, "Privacy risk in machine learning"): one model is
all it takes. And by shadow models, trained as the attacked one was on rows drawn anew, which know of each row what
models say that were trained on it and what those say that were not (Shokri et al. 2017; the likelihood ratio of
Carlini et al. 2022, "Membership inference attacks from first principles").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, norm

from concours.kernels.scoring.areas import area_means, roc_area
from concours.kernels.scoring.intervals import LEVEL, intervals, share_intervals

Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]

FALSE_ALARMS: Final = 0.01
"""The share of rows taken for members that are none, at which attacks are told: few, as one who accuses would want."""

_EPS: Final = float(np.finfo(np.float64).eps)


def confidence(probabilities: Floats) -> Floats:
    """The log-odds (...,) of the true class's probability: of many models these are nearly normal, losses are not."""
    held = np.clip(probabilities, _EPS, 1 - _EPS)
    return np.asarray(np.log(held) - np.log1p(-held))


def likelihood_ratios(said: Floats, shadows: Floats, inside: Marks) -> Floats:
    """(rows,): by how much more likely models of each row say what the attacked one does, as logarithms.

    Args:
        said: (rows,) log-odds by the attacked model.
        shadows: (models, rows) log-odds by each shadow model.
        inside: (models, rows) whether it was trained on the row; each row is inside of two models and outside of two.

    The two normal distributions of a row have means of their own, and the deviations of all rows: with few shadow
    models those of a row would be too uncertain (Carlini et al. 2022, "fixed variance").
    """
    if min(inside.sum(axis=0).min(), (~inside).sum(axis=0).min()) < 2:
        raise ValueError("each row must be inside of two shadow models at least, and outside of two")
    found = []
    for marks in (inside, ~inside):
        count = marks.sum(axis=0)
        mean = np.where(marks, shadows, 0.0).sum(axis=0) / count
        square = np.where(marks, np.square(shadows - mean), 0.0).sum() / (count - 1).sum()
        found.append(norm.logpdf(said, mean, np.sqrt(max(square, _EPS))))
    return np.asarray(found[0] - found[1])


@dataclass(frozen=True, kw_only=True)
class Attack:
    """How well an attack tells members.

    Attributes:
        members, others: rows of either.
        area: under the ROC curve; 1/2 by guessing.
        area_interval: (2,) of 95%.
        found: the share of members found, where no more than `FALSE_ALARMS` of the others are taken for members too.
        found_interval: (2,) of 95%.
        alarms: the share of the others that were taken for members there.
        alarms_interval: (2,) of 95%, of others that were not looked at: wide where these were few.
    """

    members: int
    others: int
    area: float
    area_interval: Floats
    found: float
    found_interval: Floats
    alarms: float
    alarms_interval: Floats


def attack(scores: Floats, member: Marks) -> Attack:
    """How well scores (rows,), greater of members, tell who is one; there are both members and others.

    Laws: scores that say nothing have an area of 1/2 and find `FALSE_ALARMS` of the members, up to chance; any
    increasing function of the scores changes nothing.
    """
    inside, outside = scores[member], scores[~member]
    if not len(inside) or not len(outside):
        raise ValueError(f"an attack wants members and others; got {len(inside)} and {len(outside)}")
    odds = np.stack([-scores, scores], axis=1)
    means = area_means(member.astype(np.int64), [odds], roc_area)
    found, alarms, alarms_interval = found_at(inside, outside, FALSE_ALARMS)
    return Attack(
        members=len(inside),
        others=len(outside),
        area=float(means.means[0]),
        area_interval=intervals(means, low=0.0, high=1.0)[0],
        found=found,
        found_interval=share_intervals(np.array([found]), len(inside))[0],
        alarms=alarms,
        alarms_interval=alarms_interval,
    )


def found_at(members: Floats, others: Floats, alarms: float) -> tuple[float, float, Floats]:
    """The share of members above the threshold that a share `alarms` of the others exceeds, or as many as are whole.

    Also the share of the others that exceeds it, and (2,) in which with 95% that of all others lies that were not
    looked at: whatever their distribution, it is a beta one of the threshold's place among those that were.
    """
    place = int(alarms * len(others))
    threshold = np.sort(others)[::-1][place]
    wrong = (1 - LEVEL) / 2
    ends = beta.ppf([wrong, 1 - wrong], place + 1, len(others) - place)
    return float((members > threshold).mean()), float((others > threshold).mean()), np.asarray(ends)
