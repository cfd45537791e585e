"""Which pairs of models to show next, and with what probability each was chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from concours.core.errors import ContestError, nearest
from concours.kernels.rating.lines import checked
from concours.kernels.rating.pairing import EXPLORE, choose, falls, propensities
from concours.kernels.rating.ratings import ELO
from concours.kernels.rating.ratings import rate as rate_boards
from concours.kernels.rating.ties import TIES
from concours.tasks.battle_files import Battles
from concours.votes.reading import Asked, tallied

SCHEMA: Final = 1


@dataclass(frozen=True, kw_only=True)
class Next:
    """A pair to show, the left one first; `propensity` is the probability of the pair when it was drawn."""

    left: str
    right: str
    propensity: float


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """What to show next.

    Attributes:
        aim: whose uncertainty is to fall.
        uncertainty: the root of the mean variance aimed at, in Elo points, as it is.
        expected: what it is expected to be after these battles.
        propensities: (left, right, probability) of the first draw, all pairs, the likeliest first; they sum to one.
        warnings: what to know of the names before the pairs are shown.
    """

    pairs: tuple[Next, ...]
    aim: str
    uncertainty: float
    expected: float
    propensities: tuple[tuple[str, str, float], ...]
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A value for JSON, of schema 1."""
        return {
            "schema": SCHEMA,
            "aim": self.aim,
            "uncertainty": self.uncertainty,
            "expected": self.expected,
            "pairs": [vars(pair) for pair in self.pairs],
            "propensities": [{"left": a, "right": b, "propensity": p} for a, b, p in self.propensities],
            "warnings": list(self.warnings),
        }


def pair(
    battles: Battles,
    *,
    left: str | None = None,
    right: str | None = None,
    winner: str | None = None,
    weight: str | None = None,
    propensity: str | None = None,
    next: int = 10,
    aim: str = "all",
    seed: int = 0,
    ignore_case: bool = False,
) -> Pairs:
    """Draws the pairs whose battles are expected to make the ratings surest.

    A pair is drawn in proportion to how far its battle lowers the variances aimed at; a tenth of the draws is even over
    all pairs, so that every pair has a chance, and votes can be reweighted by `rate(propensity=…)`. Each pair is taken
    to be fought before the next is drawn.

    Args:
        battles: as of `rate`; so are the next four.
        left: a column.
        right: a column.
        winner: a column.
        weight: a column.
        propensity: a column.
        next: how many pairs.
        aim: "all" for the ratings of all models, "top:K" for what tells the first K apart, or the name of a model.
        seed: of the draw.
        ignore_case: as of `rate`.

    Raises:
        DataError, ContestError: the battles or what was asked are wrong, in one line.
    """
    if next < 1:
        raise ContestError(f"next: a number of at least 1 was expected, got {next}")
    asked = Asked(
        left=left, right=right, winner=winner, weight=weight, propensity=propensity, ignore_case=ignore_case
    )  # fmt: skip
    tally = tallied(battles, asked)
    counts = tally.counts
    board = checked(counts)
    (rated,) = rate_boards(board, TIES["half"])
    known = np.flatnonzero(rated.standing.played > 0)
    theta, covariance = rated.theta[known], rated.covariance[np.ix_(known, known)]
    names = [counts.names[code] for code in known]
    aims = _aims(aim, names, theta)
    top = aim.startswith("top:") and aim not in names
    rng = np.random.default_rng(seed)
    chosen, after = choose(covariance, theta, aims, many=next, rng=rng, centre=top, explore=EXPLORE)
    drawn = []
    for each, swapped in zip(chosen, rng.random(len(chosen)) < 0.5, strict=True):
        a, b = (each.second, each.first) if swapped else (each.first, each.second)
        drawn.append(Next(left=names[a], right=names[b], propensity=each.propensity))
    chances = propensities(falls(covariance, theta, aims, centre=top), explore=EXPLORE)
    first, second = np.triu_indices(len(names), 1)
    order = np.argsort(-chances[first, second], kind="stable")
    return Pairs(
        pairs=tuple(drawn),
        aim=aim,
        uncertainty=_uncertainty(covariance, aims, centre=top),
        expected=_uncertainty(after, aims, centre=top),
        propensities=tuple(
            (names[first[at]], names[second[at]], float(chances[first[at], second[at]])) for at in order.tolist()
        ),
        warnings=tuple(tally.warnings),
    )


def _uncertainty(covariance: np.ndarray, aims: np.ndarray, *, centre: bool) -> float:
    part = covariance[np.ix_(aims, aims)]
    if centre:
        part = part - part.mean(axis=0)
        part = part - part.mean(axis=1, keepdims=True)
    return ELO * float(np.sqrt(max(np.trace(part) / len(aims), 0.0)))


def _aims(aim: str, names: list[str], theta: np.ndarray) -> np.ndarray:
    if aim in names:
        return np.array([names.index(aim)])
    if aim == "all":
        return np.arange(len(names))
    kind, _, number = aim.partition(":")
    if kind == "top" and number.isdigit() and 2 <= int(number) <= len(names):
        return np.argsort(-theta, kind="stable")[: int(number)]
    if kind == "top":
        raise ContestError(f"for: 'top:K' wants a K from 2 to {len(names)}, the models there are; got {aim!r}")
    raise ContestError(f"for: 'all', 'top:K' or a model was expected, got {aim!r}; {nearest(aim, names[:200])}")
