"""Credit: how much of what members reach together is due to each, and which members need one another.

All is linear in the value function, a number for every coalition. Coalitions of n members are numbered from 0 to
2ⁿ - 1: the bit i of the number says whether member i is in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.kernels.credit.coalitions import Scored

Floats = NDArray[np.float64]
Masks = NDArray[np.bool_]
Orders = NDArray[np.int64]

MOST_EXACT: Final = 12
"""Members up to which all coalitions are looked at."""


def every_coalition(members: int) -> Masks:
    """(2ⁿ, n): who is in which coalition, in the order of their numbers."""
    return np.asarray(np.arange(2**members)[:, None] >> np.arange(members) & 1, dtype=np.bool_)


def shapley(values: Floats) -> Floats:
    """Each member's Shapley value (Shapley 1953): what it adds, on average over all orders in which members may join.

    Args:
        values: (2ⁿ, ...) of the coalitions; further axes are further value functions.

    Returns:
        (n, ...).

    Laws: the shares add up to `values[-1] - values[0]` (efficiency); members that add the same to every coalition have
    the same (symmetry); one that adds nothing to any has 0 (null player); linear in `values`.
    """
    members = _members(values)
    inside = every_coalition(members)
    sizes = inside.sum(axis=1)
    orders = np.array([1 / (members * comb(members - 1, size)) for size in range(members)])
    weights = np.where(inside, orders[sizes - 1, None], -orders[np.minimum(sizes, members - 1), None])
    return np.asarray(np.tensordot(weights.T, values, axes=1))


def interactions(values: Floats) -> Floats:
    """What two members add together beyond what each adds alone, averaged over the coalitions of the others.

    The pairwise Shapley interaction index (Grabisch and Roubens 1999). Positive: they need one another. Negative: one
    can stand for the other.

    Args:
        values: (2ⁿ, ...) of the coalitions.

    Returns:
        (pairs, ...) in the order of `numpy.triu_indices(n, 1)`; none of fewer than two members.

    Laws: linear in `values`; a member that adds the same to every coalition interacts with none; of two members
    `v(both) - v(first) - v(second) + v(neither)`.
    """
    members = _members(values)
    if members < 2:
        return np.zeros((0, *values.shape[1:]))
    first, second = np.triu_indices(members, 1)
    inside = every_coalition(members)
    others = inside.sum(axis=1)[:, None] - inside[:, first] - inside[:, second]
    orders = np.array([1 / ((members - 1) * comb(members - 2, size)) for size in range(members - 1)])
    signs = np.where(inside[:, first] == inside[:, second], 1.0, -1.0)
    return np.asarray(np.tensordot((signs * orders[others]).T, values, axes=1))


def _members(values: Floats) -> int:
    members = len(values).bit_length() - 1
    if not len(values) or len(values) != 2**members:
        raise ValueError(f"values must have one entry for each of 2**n coalitions, got {len(values)}")
    return members


# Beyond twelve members


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Orders in which members join, drawn by chance, and the coalitions that there are on the way.

    Each order is followed by its reverse: what a member adds early in one it adds late in the other, so that their mean
    varies less (antithetic sampling; Mitchell, Cooper, Frank and Holmes 2022). And what joining early brings to anyone
    is taken off: what was gained on average at that place in the other orders (a control variate).

    Attributes:
        orders: (2 * pairs, n).
        coalitions: (m, n), no two the same: those on the way, and all without each member.
        places: (2 * pairs, n + 1): which of the coalitions there is when so many have joined.
        others: (n,): which of the coalitions are all without each member.
    """

    orders: Orders
    coalitions: Masks
    places: NDArray[np.int64]
    others: NDArray[np.int64]

    def shapley(self, values: Floats) -> Floats:
        """Estimates of the members' Shapley values, (n, ...), from the coalitions' values (m, ...).

        Laws: unbiased; they add up to the value of all less that of none, for any draw; linear in `values`.
        """
        return np.asarray(self._added(values).mean(axis=0))

    def stderr(self, values: Floats) -> Floats:
        """Standard errors of these estimates by the spread of the pairs of orders, (n,), for values (m,)."""
        added = self._added(values)
        pairs = (added[::2] + added[1::2]) / 2
        return np.asarray(pairs.std(axis=0, ddof=1) / np.sqrt(len(pairs)))

    def _added(self, values: Floats) -> Floats:
        """(2 * pairs, n, ...): what each member adds when it joins, less what any would there, more a share of all."""
        gained = np.diff(values[self.places], axis=1)
        pairs = gained[::2] + gained[1::2]
        usual = (pairs.sum(axis=0) - pairs) / (2 * (len(pairs) - 1))
        gained += (usual.mean(axis=1, keepdims=True) - usual).repeat(2, axis=0)
        back = np.argsort(self.orders, axis=1)
        return np.take_along_axis(gained, back.reshape(*back.shape, *[1] * (gained.ndim - 2)), axis=1)


def sample(members: int, *, pairs: int, seed: int) -> Sample:
    """`pairs` orders of the members, two at least, and their reverses; the same for the same seed."""
    if members < 1 or pairs < 2:
        raise ValueError(f"a sample takes a member and two pairs of orders, got {members} and {pairs}")
    rng = np.random.default_rng(seed)
    drawn = np.stack([rng.permutation(members) for _ in range(pairs)])
    orders = np.stack([drawn, drawn[:, ::-1]], axis=1).reshape(2 * pairs, members)
    joined = np.zeros((2 * pairs, members + 1, members), dtype=np.bool_)
    for step in range(members):
        joined[:, step + 1] = joined[:, step]
        joined[np.arange(2 * pairs), step + 1, orders[:, step]] = True
    every = np.concatenate([joined.reshape(-1, members), ~np.eye(members, dtype=np.bool_)])
    coalitions, numbers = np.unique(every, axis=0, return_inverse=True)
    places, others = np.split(numbers.ravel(), [2 * pairs * (members + 1)])
    return Sample(
        orders=orders,
        coalitions=coalitions,
        places=places.reshape(2 * pairs, members + 1),
        others=others,
    )


# Errors, shares, and alliances of alliances


@dataclass(frozen=True, kw_only=True)
class Credit:
    """What members are worth to what they reach together.

    Good models all know most of what can be known, so their shares of the gain over knowing nothing are nearly equal.
    What joining them was for is told by two further questions: what is lost without a member, and who made what all are
    better by than the best of them alone. The latter is shared out as Shapley values of a game of its own, in which a
    coalition is worth as much as it exceeds the best member by, and nothing where it does not.

    Attributes:
        value, prior: of all members, and of none.
        gain_stderr: the standard error of their difference, from the rows that judge.
        shapley: (n,), adding up to that difference.
        stderr: (n,) of them: from the rows, and from the orders drawn where not all were counted.
        lost, lost_stderr: (n,) what all are worth less the same without each (leave-one-out), and its standard error.
        best: which member is worth most alone.
        ahead, ahead_stderr: what all are worth less that member alone; it was the best of these rows, so rather too
            little.
        joining: (n,) Shapley values of what exceeds it, adding up to `ahead` where that is above 0, else to 0.
        pairs: (pairs, 2) of `interactions` (pairs,), with their `interaction_stderr`; none where orders were drawn.
    """

    value: float
    prior: float
    gain_stderr: float
    shapley: Floats
    stderr: Floats
    lost: Floats
    lost_stderr: Floats
    best: int
    ahead: float
    ahead_stderr: float
    joining: Floats
    pairs: NDArray[np.int64]
    interactions: Floats
    interaction_stderr: Floats

    @property
    def shares(self) -> Floats | None:
        """(n,) parts of the gain over knowing nothing, adding up to one; a harmful member's is negative.

        None where the gain does not exceed twice its standard error, or rows of one group alone do not tell this: parts
        of what may be nothing mean nothing. None too where a part exceeds the whole, as members help and harm by more
        than all of them gain together: a share of 296% beside one of −438% says how small the whole is, and nothing of
            the members.
        """
        return _shared(self.shapley, self.value - self.prior, self.gain_stderr)

    @property
    def joining_shares(self) -> Floats | None:
        """(n,) parts of what all are ahead of the best of them, adding up to one; none as of `shares`."""
        return _shared(self.joining, self.ahead, self.ahead_stderr)


def _shared(parts: Floats, whole: float, stderr: float) -> Floats | None:
    clear = whole > 2 * stderr > 0 and bool((np.abs(parts) <= whole * (1 + 1e-9)).all())
    return parts / whole if clear else None


def exact_credit(values: Floats, without: Floats, alone: Scored) -> Credit:
    """Credit from the values of all coalitions, (2ⁿ,), and from those `without` each group of rows, (2ⁿ, groups).

    Args:
        alone: the same of each member by itself, (n,) and (n, groups): as it is, whatever an alliance would make of it.
    """
    members = _members(values)
    pairs = np.stack(np.triu_indices(members, 1), axis=1)
    return Credit(
        **_apart(values, without, alone, everybody=len(values) - 1, others=len(values) - 1 - (1 << np.arange(members))),
        prior=float(values[0]),
        gain_stderr=float(jackknife_stderr(without[-1] - without[0])),
        shapley=shapley(values),
        stderr=jackknife_stderr(shapley(without)),
        joining=shapley(_beyond(values, 0, alone)),
        pairs=pairs,
        interactions=interactions(values),
        interaction_stderr=jackknife_stderr(interactions(without)),
    )


def sampled_credit(drawn: Sample, values: Floats, without: Floats, alone: Scored) -> Credit:
    """Credit from the values of the coalitions of a sample, (m,), and from those `without` each group of rows.

    Args:
        alone: see `exact_credit`.
    """
    none, all_ = drawn.places[0, 0], drawn.places[0, -1]
    return Credit(
        **_apart(values, without, alone, everybody=int(all_), others=drawn.others),
        prior=float(values[none]),
        gain_stderr=float(jackknife_stderr(without[all_] - without[none])),
        shapley=drawn.shapley(values),
        stderr=np.hypot(drawn.stderr(values), jackknife_stderr(drawn.shapley(without))),
        joining=drawn.shapley(_beyond(values, int(none), alone)),
        pairs=np.zeros((0, 2), dtype=np.int64),
        interactions=np.zeros(0),
        interaction_stderr=np.zeros(0),
    )


def _beyond(values: Floats, nobody: int, alone: Scored) -> Floats:
    """(m,) what coalitions are worth beyond the best member alone; nothing where they are not, or have no member."""
    found: Floats = np.maximum(values - alone.values.max(), 0.0)
    found[nobody] = 0.0
    return found


def _apart(
    values: Floats, without: Floats, alone: Scored, *, everybody: int, others: NDArray[np.int64]
) -> dict[str, Any]:
    """What all are worth, what is lost without each, and what all are ahead of the best alone."""
    best = int(np.argmax(alone.values))
    return {
        "value": float(values[everybody]),
        "lost": values[everybody] - values[others],
        "lost_stderr": jackknife_stderr(without[everybody] - without[others]),
        "best": best,
        "ahead": float(values[everybody] - alone.values[best]),
        "ahead_stderr": float(jackknife_stderr(without[everybody] - alone.without[best])),
    }


def jackknife_stderr(replicates: Floats) -> Floats:
    """Standard errors (...,) of estimates by replicates (..., groups), each without one of equal groups of the rows.

    The delete-a-group jackknife (Tukey 1958; Shao and Tu 1995). Law: of a mean over rows, each row a group, the usual
    standard error.
    """
    groups = replicates.shape[-1]
    centred = replicates - replicates.mean(axis=-1, keepdims=True)
    return np.asarray(np.sqrt((groups - 1) / groups * np.square(centred).sum(axis=-1)))


def passed_down(credit: Floats, parts: Floats) -> Floats:
    """Credit of members that are alliances themselves, passed down to the members of those: it multiplies.

    Args:
        credit: (n,) of the members; NaN of one whose credit is not defined.
        parts: (n, m): the share of each of m models in each member, rows adding up to one; a single model's has a 1.
            NaN of a model whose share is not defined, and 0 of one that is no part of the member.

    Returns:
        (m,). Laws: its sum is the sum of `credit`; passing down twice is passing down by the product of the parts; what
        is not defined makes that of the models that are reached through it so, and of no other.
    """
    sums = parts.sum(axis=1)
    if not np.allclose(sums[~np.isnan(sums)], 1.0):
        raise ValueError(f"the parts of each member must add up to one, got {sums.tolist()}")
    return np.asarray(np.where(parts == 0, 0.0, credit[:, None] * parts).sum(axis=0))
