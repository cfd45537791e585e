"""Greedy ensemble selection (Caruana, Niculescu-Mizil, Crew and Ksikes 2004), fast.

The ensemble is the mean of members picked one at a time, with replacement: each step adds the member that makes
the loss of the mean smallest. The rules are those of AutoGluon's ``EnsembleSelection`` (1.6.3), so the picks are too:

- losses within a relative 1e-12 of the smallest are ties; members already picked win ties, the rest is drawn;
- from the second step on, losses are rounded to six decimals, unless the first step's loss is 1e-4 or less;
- the picks are cut at the first step with the smallest loss; one member alone is picked once.

Where we differ from AutoGluon: values that are not finite are refused, and a callable's loss that is not finite never
wins; probabilities of two classes come as two columns and are treated like those of many (AutoGluon has one column,
a clip at 1e-15 and a threshold of one half); float32 is widened first (AutoGluon scales in float32). Where nothing is
rounded (a first loss of 1e-4 or less), members that are equally good but not the same may be told apart by the last
bits of a sum, in AutoGluon and here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import gcd
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from concours.kernels.joining.criteria import Criterion, Floats, Loss, checked_members, checked_target, criterion_of

_DECIMALS: Final = 6
_NEVER_ROUNDED: Final = 1e-4
_TIE: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What greedy selection found.

    Laws: ``weights.sum() == 1`` up to rounding; ``weights[m] == picks.count(m) / len(picks)``; the last pick was made
    at the first step with the smallest loss, ``len(picks) == losses.argmin() + 1``; ``losses[0]`` is the best single
    member's.
    """

    picks: tuple[int, ...]
    """Members in the order picked, with replacement, cut at the best step."""
    path: tuple[int, ...]
    """Members in the order picked, beyond the cut too; ``picks`` is its beginning."""
    weights: Floats
    """(members,): each member's share of the picks."""
    losses: Floats
    """(steps made,): the loss after each step, as compared (rounded), beyond the cut too."""


def greedy_selection(
    predictions: Sequence[NDArray[Any]] | NDArray[Any],
    target: ArrayLike,
    *,
    metric: str | Loss,
    steps: int = 100,
    seed: int = 0,
    of_rows: Floats | None = None,
) -> Selection:
    """Pick members one at a time, with replacement, so that the loss of their mean falls fastest.

    ``predictions``: one array (rows, outputs) of floats a member, or one array (members, rows, outputs). Memory-mapped
    members are read piece by piece; only log loss holds something of each of them, a number a row.

    ``target``: (rows,). For ``"log_loss"`` and ``"accuracy"`` class codes below ``outputs``, predictions being
    probabilities (the mean is renormalised, rows need not sum to one exactly). For ``"rmse"`` floats, ``outputs`` = 1.
    A callable ``loss(target, prediction)``, smaller is better, gets the target as given and the mean (rows, outputs).

    ``of_rows``: (rows,) weights of the rows, for the metrics by name; a callable knows them itself.

    Laws: the result depends on the arguments alone; where nothing ties, permuting the members permutes the weights.
    Raises ``ValueError`` for what does not fit together. Source: Caruana et al. 2004, "Ensemble selection from
    libraries of models", ICML.
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed must be from 0 to 2**32 - 1, got {seed}")
    members = checked_members(predictions)
    criterion = criterion_of(metric, members, checked_target(target, rows=len(members[0])), of_rows)
    return _cut(*_search(criterion, len(members), steps, seed), members=len(members))


def _search(criterion: Criterion, members: int, steps: int, seed: int) -> tuple[list[int], Floats]:
    """The picks and the losses of all steps."""
    random = np.random.RandomState(seed)  # the legacy generator, as ties shall be drawn as AutoGluon draws them
    picks: list[int] = []
    trajectory: list[float] = []
    coarse = False
    for step in range(steps if members > 1 else 1):
        losses = criterion.losses(coarse=coarse)
        losses = losses.round(_DECIMALS) if coarse else losses
        pick = int(random.choice(_contenders(losses, picks)))
        criterion.add(pick)
        picks.append(pick)
        trajectory.append(losses[pick])
        if step == 0:
            coarse = abs(losses[pick]) > _NEVER_ROUNDED
    return picks, np.array(trajectory).round(_DECIMALS) if coarse else np.array(trajectory)


def path_losses(path: Sequence[int], predictions: Sequence[NDArray[Any]], target: NDArray[Any], loss: Loss) -> Floats:
    """(steps,): the loss of the mean of the first one, two, … members of a path, on any rows.

    ``predictions``: (rows, outputs) a member; ``target``: (rows,). On rows that the path was not chosen on, this shows
    where a selection begins to fit its rows by chance.
    """
    total = np.zeros(predictions[0].shape)
    losses = np.empty(len(path))
    for step, member in enumerate(path):
        total += predictions[member]
        losses[step] = loss(target, total / (step + 1))
    return losses


def joined_selection(loss: Callable[[Floats], float], members: int, *, steps: int) -> tuple[int, ...]:
    """The same search where members are joined by any rule: (picks,) in the order picked, all steps.

    ``loss`` of weights (members,) that sum to one, the shares of the picks; smaller is better, and what is not finite
    never wins. Members already picked win ties, then the first: the first member is best alone. Shares that came up
    before are not asked for again.
    """
    known: dict[tuple[int, ...], float] = {}

    def lost(counts: tuple[int, ...]) -> float:
        shares = tuple(count // gcd(*counts) for count in counts)
        if shares not in known:
            value = loss(np.asarray(counts, dtype=np.float64) / sum(counts))
            known[shares] = value if np.isfinite(value) else np.inf
        return known[shares]

    counts, path = [0] * members, list[int]()
    for _ in range(steps if members > 1 else 1):
        losses = [lost(tuple(count + (m == n) for n, count in enumerate(counts))) for m in range(members)]
        ties = least(losses).tolist() or [0]
        pick = next((m for m in ties if counts[m]), ties[0])
        counts[pick] += 1
        path.append(pick)
    return tuple(path)


def joined_path_losses(path: Sequence[int], loss: Callable[[Floats], float], members: int) -> list[float]:
    """The losses of the first one, two, … picks of a path, by shares (members,)."""
    counts = np.zeros(members)
    losses = []
    for member in path:
        counts[member] += 1
        losses.append(loss(counts / counts.sum()))
    return losses


def least(losses: ArrayLike) -> NDArray[np.intp]:
    """Where the smallest of losses (k,) is, and those that lie above it by rounding alone, the first first."""
    known = np.asarray(losses, dtype=np.float64)
    best = known.min()
    return np.flatnonzero(known <= best + _TIE * abs(best))


def _contenders(losses: Floats, picks: list[int]) -> NDArray[np.intp]:
    """The members that tie for the smallest loss; those already picked alone, if any is among them."""
    ties = least(losses)
    if len(ties) == 1:
        return ties
    used = ties[np.isin(ties, picks)]
    return used if len(used) else ties


def _cut(picks: list[int], losses: Floats, *, members: int) -> Selection:
    """The selection up to the first step with the smallest loss."""
    kept = picks[: int(losses.argmin()) + 1]
    weights = np.bincount(kept, minlength=members) / len(kept)
    return Selection(picks=tuple(kept), path=tuple(picks), weights=weights, losses=losses)
