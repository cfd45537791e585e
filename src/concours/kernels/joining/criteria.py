"""What greedy selection makes small: losses of an ensemble that grows by one member a step, each with its fast way.

Log loss needs the true class's probability, and one logarithm serves sixteen rows; bits per byte need it of each byte.
Accuracy rescores the rows that some member can still turn. RMSE needs the members' products (the Gram matrix) alone.
Any other loss is evaluated. Rows may have weights: then log loss takes a logarithm a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Loss = Callable[[NDArray[Any], Floats], float]

METRICS: Final = ("log_loss", "accuracy", "rmse", "bits_per_byte")

_GROUP: Final = 16  # (2 ** -52) ** 16, of probabilities at the clip, is still a normal float64
_BLOCK: Final = 2**18  # values worked on at a time: 2 MiB, however many rows there are
_SUMS_TO_ONE: Final = 1e-12
_CANCELLED: Final = 1e-6  # of the square the errors would have if they pointed one way: ten of sixteen digits left
_CLOSE: Final = 1e-9  # relative, far above the rounding of a mean: what is closer is compared exactly


class Criterion(Protocol):
    """A loss of an ensemble that grows. ``members`` is fixed; ``add`` is called once a step."""

    def losses(self, *, coarse: bool) -> Floats:
        """(members,): the loss of the ensemble with each member added; ``coarse`` if six decimals will do."""

    def add(self, member: int) -> None:
        """Make the member part of the ensemble, once more."""


@dataclass(slots=True)
class _RunningMean:
    """The mean of what was added so far.

    The order of operations is AutoGluon's: where two classes tie but for rounding, it is the same one that wins.
    """

    value: Floats
    size: int = 0

    def add(self, member: NDArray[Any]) -> None:
        self.size += 1
        self.value *= (self.size - 1) / self.size
        self.value += np.divide(member, self.size, dtype=np.float64)

    def with_each(self, members: NDArray[Any], value: Floats) -> Floats:
        """The means there would be with each of ``members`` added; ``value``: the part of the mean these belong to."""
        means: Floats = np.multiply(members, 1 / (self.size + 1), dtype=np.float64)
        means += value * (self.size / (self.size + 1))
        return means


def _blocks(rows: int, width: int) -> Iterator[slice]:
    """Slices that cover the rows, each with about ``_BLOCK`` values where a row has ``width``, in whole groups."""
    length = max(1, _BLOCK // (width * _GROUP)) * _GROUP
    return (slice(start, min(start + length, rows)) for start in range(0, rows, length))


# Log loss


class _LogLoss:
    """Mean of -log of the true class's probability, clipped as scikit-learn's ``log_loss`` does."""

    def __init__(self, true: Floats, totals: Floats | None, weights: Floats | None) -> None:
        """`true`: (members, rows) the true class's probability; `totals` of all classes, where these are not one."""
        self._true, self._totals, self._weights = true, totals, weights
        self._mean = _RunningMean(np.zeros(true.shape[1]))
        self._mean_total = _RunningMean(np.zeros(true.shape[1]))

    def losses(self, *, coarse: bool) -> Floats:
        members, rows = self._true.shape
        group = _GROUP if coarse else 1
        logs = np.zeros(members)
        for part in _blocks(rows, members):
            if self._weights is None:
                logs += _log_sums(self._probabilities(part), group)
            else:
                logs += np.log(_clipped(self._probabilities(part))) @ self._weights[part]
        return np.asarray(-logs / (rows if self._weights is None else self._weights.sum()))

    def add(self, member: int) -> None:
        self._mean.add(self._true[member])
        if self._totals is not None:
            self._mean_total.add(self._totals[member])

    def _probabilities(self, part: slice) -> Floats:
        """(members, rows of the part): the true class's probability with each member added."""
        probabilities = self._mean.with_each(self._true[:, part], self._mean.value[part])
        if self._totals is not None:
            probabilities /= self._mean_total.with_each(self._totals[:, part], self._mean_total.value[part])
        return probabilities


def _true(members: list[NDArray[Any]], places: Any) -> Floats:
    """(members, rows): what members say at some places."""
    return np.stack([member[places] for member in members], dtype=np.float64)


def _totals(members: list[NDArray[Any]]) -> Floats | None:
    """(members, rows): the sum of each row, or none if all are one, so that nothing need be renormalised."""
    if all(np.abs(_row_sums(member) - 1).max() <= _SUMS_TO_ONE for member in members):
        return None
    return np.stack([_row_sums(member) for member in members])


def _log_sums(probabilities: Floats, group: int) -> Floats:
    """(members,): the sum of the logarithms along the rows; the argument is overwritten.

    ``group`` values are multiplied before each logarithm. That loses digits where the product is close to one, so it
    serves only where the result will be rounded.
    """
    members, rows = probabilities.shape
    values = _clipped(probabilities)
    grouped = rows - rows % group
    products = values[:, :grouped].reshape(members, group, -1).prod(axis=1)
    return np.asarray(np.log(products).sum(axis=1) + np.log(values[:, grouped:]).sum(axis=1))


def _clipped(probabilities: Floats) -> Floats:
    """The same array, kept off 0 and 1."""
    eps = np.finfo(np.float64).eps
    return np.clip(probabilities, eps, 1 - eps, out=probabilities)


# Accuracy


class _Accuracy:
    """Share of the rows whose most probable class is not the true one.

    By how much the true class leads the others in the sum of the picks bounds what one more member can do to a row;
    most rows are decided, whichever member comes next, and only the others are rescored.
    """

    def __init__(self, members: list[NDArray[Any]], target: NDArray[np.intp], weights: Floats | None) -> None:
        self._members, self._target = members, target
        self._weights = np.ones(len(target)) if weights is None else weights
        self._mean = _RunningMean(np.zeros(members[0].shape))
        self._least, self._most = _reach(members, target)
        self._slack = _CLOSE * max(float(member.max()) for member in members)

    def losses(self, *, coarse: bool) -> Floats:
        lead = self._mean.size * _lead(self._mean.value.T, self._target)
        slack = self._slack * (self._mean.size + 1)
        lost, won = lead + self._most < -slack, lead + self._least > slack
        correct = np.full(len(self._members), self._weights[won].sum())
        undecided = np.flatnonzero(~(lost | won))
        for part in _blocks(len(undecided), self._mean.value.shape[1] * len(self._members)):
            correct += self._correct(undecided[part])
        return np.asarray(1 - correct / self._weights.sum())

    def add(self, member: int) -> None:
        self._mean.add(self._members[member])

    def _correct(self, rows: NDArray[np.intp]) -> Floats:
        """(members,): how many of the rows are right with each member added, or what these weigh."""
        means, target = self._means(rows), self._target[rows]
        lead = _lead(means, target)
        right = lead > 0
        close = np.abs(lead) <= self._slack
        right[close] = _winners(means[:, close]) == target[np.nonzero(close)[1]]
        return np.asarray(right @ self._weights[rows])

    def _means(self, rows: NDArray[np.intp]) -> Floats:
        """(outputs, members, rows): the prediction with each member added."""
        members = np.empty((self._mean.value.shape[1], len(self._members), len(rows)))
        for index, member in enumerate(self._members):
            members[:, index] = member.take(rows, axis=0).T
        return self._mean.with_each(members, self._mean.value[rows].T[:, None])


def _lead(predictions: NDArray[Any], target: NDArray[np.intp]) -> Floats:
    """(..., rows): the true class's value less the largest of the others; ``predictions``: (outputs, ..., rows)."""
    true = target, ..., np.arange(len(target))
    others = predictions.astype(np.float64)
    others[true] = -np.inf
    return np.asarray(predictions[true].T - others.max(axis=0))


def _winners(predictions: Floats) -> NDArray[np.intp]:
    """(n,): the largest of each column of (outputs, n), after renormalisation as it may make two of them equal."""
    rows = np.ascontiguousarray(predictions.T)
    rows /= rows.sum(axis=1, keepdims=True)
    return np.asarray(rows.argmax(axis=1))


def _reach(members: list[NDArray[Any]], target: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """(rows,) twice: the least that any member adds to the true class's lead, and a bound of the most."""
    rows = np.arange(len(target))
    least, most = np.full(len(target), np.inf), np.zeros(len(target))
    for member in members:
        np.minimum(least, _lead(member.T, target), out=least)
        np.maximum(most, member[rows, target], out=most)
    return least, most


# RMSE


class _Rmse:
    """Root mean squared error from the products of the members' residuals: a step costs nothing a row.

    With n picks of residuals e, the sum of squares with member j added is |sum e|^2 + 2 (sum e).e_j + |e_j|^2.
    Where errors cancel to next to nothing so do its digits, and that member is evaluated on the rows.
    """

    def __init__(self, members: list[NDArray[Any]], target: Floats, weights: Floats | None) -> None:
        self._members, self._target = members, target
        self._weights = np.ones(len(target)) if weights is None else weights
        self._gram = _gram(members, target, self._weights)
        self._squares = self._gram.diagonal()
        self._counts = np.zeros(len(members), dtype=np.intp)

    def losses(self, *, coarse: bool) -> Floats:
        size = self._counts.sum() + 1
        cross = self._gram @ self._counts
        sums = self._counts @ cross + 2 * cross + self._squares
        norms = np.sqrt(self._squares)
        bounds = (self._counts @ norms + norms) ** 2
        squares = np.maximum(sums, 0) / size**2
        for member in np.flatnonzero(sums < _CANCELLED * bounds).tolist():
            squares[member] = self._sum_of_squares(member)
        return np.asarray(np.sqrt(squares / self._weights.sum()))

    def add(self, member: int) -> None:
        self._counts[member] += 1

    def _sum_of_squares(self, member: int) -> float:
        """The squared error of the ensemble with the member added, from the rows."""
        counts = self._counts.copy()
        counts[member] += 1
        total = sum(counts[used] * self._members[used][:, 0] for used in np.flatnonzero(counts))
        return float((self._weights * np.square(total / counts.sum() - self._target)).sum())


def _gram(members: list[NDArray[Any]], target: Floats, weights: Floats) -> Floats:
    """(members, members): products of the residuals, summed over the rows by their weights."""
    gram = np.zeros((len(members), len(members)))
    for part in _blocks(len(target), len(members)):
        roots = np.sqrt(weights[part])
        residuals = np.stack([roots * (member[part, 0] - target[part]) for member in members])
        gram += residuals @ residuals.T
    return gram


# Any loss


class _Evaluated:
    """A loss that a callable gives: every member is evaluated on all rows at every step."""

    def __init__(self, loss: Loss, members: list[NDArray[Any]], target: NDArray[Any]) -> None:
        self._loss, self._members, self._target = loss, members, target
        self._mean = _RunningMean(np.zeros(members[0].shape))

    def losses(self, *, coarse: bool) -> Floats:
        losses = np.array([self._loss(self._target, mean) for mean in self._means()], dtype=np.float64)
        finite = np.isfinite(losses)
        if not finite.any():
            raise ValueError(f"loss must be finite for a member at least, got {losses.tolist()}")
        return np.where(finite, losses, np.inf)

    def add(self, member: int) -> None:
        self._mean.add(self._members[member])

    def _means(self) -> Iterator[Floats]:
        return (self._mean.with_each(member, self._mean.value) for member in self._members)


# What is asked of the input


def checked_members(predictions: Sequence[NDArray[Any]] | NDArray[Any]) -> list[NDArray[Any]]:
    """The members' arrays, without a copy, each (rows, outputs), finite, and of the shape of the first."""
    members = [np.asarray(member) for member in predictions]
    if not members:
        raise ValueError("predictions must hold one member at least, got none")
    for index, member in enumerate(members):
        if member.ndim != 2 or not member.size or member.shape != members[0].shape:
            expected = f"{members[0].shape} as the first" if index else "(rows, outputs), none of them zero"
            raise ValueError(f"predictions[{index}] must have the shape {expected}, got {member.shape}")
        if member.dtype.kind not in "fiu":
            raise ValueError(f"predictions[{index}] must be real numbers, got dtype {member.dtype}")
        if not _finite(member):
            raise ValueError(f"predictions[{index}] must be finite, got {_first(member, ~np.isfinite(member))}")
    return members


def _finite(values: NDArray[Any]) -> bool:
    """Whether all values are finite; a finite sum says so at once."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(values.sum()) or np.isfinite(values).all())


def checked_target(target: ArrayLike, *, rows: int) -> NDArray[Any]:
    """One value, or one array, a row."""
    values = np.asarray(target)
    if values.ndim == 0 or len(values) != rows:
        raise ValueError(f"target must have one value a row of the predictions ({rows}), got the shape {values.shape}")
    return values


def criterion_of(
    metric: str | Loss, members: list[NDArray[Any]], target: NDArray[Any], weights: Floats | None = None
) -> Criterion:
    """The metric's fast path, its input checked, or the general one, whose loss knows of weights (rows,) itself."""
    if callable(metric):
        return _Evaluated(metric, members, target)
    match metric:
        case "log_loss":
            found, codes = _probabilities(members), _codes(target, members[0].shape[1])
            return _LogLoss(_true(found, (np.arange(len(codes)), codes)), _totals(found), weights)
        case "bits_per_byte":
            there = target > 0
            each = None if weights is None else np.repeat(weights, there.sum(axis=1))
            return _LogLoss(_true(members, there), None, each)
        case "accuracy":
            return _Accuracy(_probabilities(members), _codes(target, members[0].shape[1]), weights)
        case "rmse":
            return _Rmse(_single_output(members), _numbers(target), weights)
    raise ValueError(f"metric must be one of {', '.join(METRICS)} or a callable, got {metric!r}")


def _probabilities(members: list[NDArray[Any]]) -> list[NDArray[Any]]:
    """The members, whose rows can be scaled to sum to one."""
    if members[0].shape[1] < 2:
        raise ValueError("predictions must have a column for each of two classes or more, got one column")
    for index, member in enumerate(members):
        if member.min() < 0 or not _row_sums(member).all():
            bad = (member < 0) | (_row_sums(member) == 0)[:, None]
            raise ValueError(
                f"predictions[{index}] must be probabilities, none negative and not all of a row zero,"
                f" got {_first(member, bad)}"
            )
    return members


def _row_sums(member: NDArray[Any]) -> Floats:
    return member @ np.ones(member.shape[1])


def _codes(target: NDArray[Any], classes: int) -> NDArray[np.intp]:
    """The target as column numbers."""
    if target.ndim != 1 or target.dtype.kind not in "iu":
        raise ValueError(f"target must be (rows,) integer class codes, got {target.dtype} of the shape {target.shape}")
    if target.min() < 0 or target.max() >= classes:
        bad = _first(target, (target < 0) | (target >= classes))
        raise ValueError(f"target must be class codes 0 to {classes - 1}, a column of the predictions each, got {bad}")
    return target.astype(np.intp)


def _single_output(members: list[NDArray[Any]]) -> list[NDArray[Any]]:
    if members[0].shape[1] != 1:
        raise ValueError(f"predictions must have one column for rmse, got {members[0].shape[1]}")
    return members


def _numbers(target: NDArray[Any]) -> Floats:
    """The target as finite floats."""
    if target.ndim != 1 or target.dtype.kind not in "fiu":
        raise ValueError(f"target must be (rows,) real numbers, got {target.dtype} of the shape {target.shape}")
    values = target.astype(np.float64)
    if not _finite(values):
        raise ValueError(f"target must be finite, got {_first(target, ~np.isfinite(values))}")
    return values


def _first(values: NDArray[Any], bad: NDArray[np.bool_]) -> str:
    """The first bad value and where it is."""
    where = tuple(int(axis[0]) for axis in np.nonzero(bad))
    return f"{values[where]} at {where if len(where) > 1 else where[0]}"
