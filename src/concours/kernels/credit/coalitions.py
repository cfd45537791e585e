"""Scores of all coalitions of an alliance's members, fast, with what they would be without each group of rows.

What a coalition says is a weighted sum of what its members say, so the sums of many coalitions are one matrix product,
done for as many rows at a time as the cache holds. Log loss of rows that weigh alike then needs the true class's column
alone, and one logarithm for sixteen rows. The class named is the true one if the sum of every rival's margin is
positive; a rival whom all members place behind the true class is none. Squared errors need the members' products (the
Gram matrix) alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_BLOCK: Final = 2**17  # sums worked on at a time: 1 MiB
_TOGETHER: Final = 16  # factors of one logarithm: the precision of a float to the power of 16 is still a normal float
_EPS: Final = float(np.finfo(np.float64).eps)
_TIE: Final = 1e-12
_NEXT_TO_NOTHING: Final = 1e-9
_MANY: Final = 1000  # rows a batch


@dataclass(frozen=True, kw_only=True)
class Chorus:
    """Members, and with which weights they are added up in each coalition.

    Attributes:
        members: (rows, outputs) each; the last one is what is said where nobody speaks.
        weights: (coalitions, members) for each group of rows that has weights of its own; rows add up to one.
        group: (rows,): which weights count for a row.
        batch: (rows,): the batch of a row, in [0, batches); none is empty.
        mass: (rows,): what a row weighs where rows have weights; then sums are by these, of squares and of any scores.
    """

    members: Sequence[Floats]
    weights: Sequence[Floats]
    group: Codes
    batch: Codes
    batches: int
    mass: Floats | None = None

    @property
    def coalitions(self) -> int:
        return len(self.weights[0])


@dataclass(frozen=True, slots=True)
class Scored:
    """Scores of coalitions: `values` (coalitions,), and `without` each batch of rows, (coalitions, batches)."""

    values: Floats
    without: Floats

    def map(self, function: Callable[[Floats], Floats]) -> Scored:
        """A function of the scores."""
        return Scored(function(self.values), function(self.without))


def dealt(rows: int, most: int, groups: Codes | None = None) -> tuple[Codes, int]:
    """(rows,) batches, dealt out in turn, and how many there are: `most`, or as many as rows.

    Rows of one group, (rows,) codes, come into one batch.
    """
    units = np.arange(rows) if groups is None else np.unique(groups, return_inverse=True)[1]
    batches = min(int(units.max()) + 1, most)
    return units % batches, batches


def renormalised(coalitions: NDArray[np.bool_], weights: Floats) -> Floats:
    """(coalitions, n + 1): an alliance's weights (n,) on each coalition, adding up to one.

    The last column is of what is said where nobody speaks. It has all the weight where the weights of a coalition do
    not add up to more than zero: such members cannot be told to say anything.
    """
    raw = coalitions * weights
    totals = raw.sum(axis=1)
    able = totals > _NEXT_TO_NOTHING * np.abs(raw).sum(axis=1)
    scaled = np.divide(raw, totals[:, None], out=np.zeros_like(raw), where=able[:, None])
    return np.column_stack([scaled, ~able])


def mean_scores(sums: Floats, batch: Codes, mass: Floats | None = None) -> Scored:
    """Means over rows, of sums (coalitions, batches, ...); `batch` is that of each row, (rows,), `mass` its weight."""
    sizes = np.bincount(batch, weights=mass)
    totals, rows = sums.sum(axis=1), sizes.sum()
    left = np.where(rows > sizes, rows - sizes, 1).reshape(-1, *[1] * (sums.ndim - 2))
    return Scored(totals / rows, (totals[:, None] - sums) / left)


def log_loss_sums(chorus: Chorus, y: Codes) -> Floats:
    """Sums of log losses, (coalitions, batches), of the members' weighted mean; see `scores.log_losses`."""
    true = np.stack([member[np.arange(len(y)), y] for member in chorus.members], axis=1)
    totals = np.stack([member.sum(axis=1) for member in chorus.members], axis=1)
    even = bool(np.abs(totals - 1).max() < _NEXT_TO_NOTHING)
    clipped = bool(true.min() < _EPS or min(float(weights.min()) for weights in chorus.weights) < 0)
    sums = np.zeros((chorus.coalitions, chorus.batches))
    for rows, weights, batch in _segments(chorus):
        for part in _parts(rows, chorus.coalitions):
            values = true[part] @ weights.T
            if not even:
                values /= totals[part] @ weights.T
            sums[:, batch] -= _logs(np.maximum(values, _EPS, out=values) if clipped else values)
    return sums


def hit_sums(chorus: Chorus, y: Codes) -> Floats:
    """How many rows the coalitions name rightly, (coalitions, batches), by the greatest of the members' weighted mean.

    Of classes that are equal up to rounding the first is named.
    """
    *voices, silent = chorus.members
    quiet = np.stack([weights[:, -1] > 0 for weights in chorus.weights])
    right = silent.argmax(axis=1) == y
    prune = min(float(weights.min()) for weights in chorus.weights) >= 0
    sums = np.zeros((chorus.coalitions, chorus.batches))
    for rows, weights, batch in _segments(chorus):
        hits = _hits([voice[rows] for voice in voices], y[rows], weights[:, :-1], prune=prune)
        group = int(chorus.group[rows[0]])
        sums[:, batch] += np.where(quiet[group], np.count_nonzero(right[rows]), hits)
    return sums


def squared_error_sums(chorus: Chorus, y: Floats) -> Floats:
    """Sums of squared errors, (coalitions, batches), of the members' weighted sum (rows, 1)."""
    errors = np.concatenate(chorus.members, axis=1) - y[:, None]
    sums = np.zeros((chorus.coalitions, chorus.batches))
    for rows, weights, batch in _segments(chorus):
        weighed = errors[rows] if chorus.mass is None else chorus.mass[rows, None] * errors[rows]
        gram = errors[rows].T @ weighed
        sums[:, batch] += np.einsum("cm,cm->c", weights @ gram, weights)
    return np.maximum(sums, 0.0)


def row_sums(chorus: Chorus, y: NDArray[Any], score: Callable[[Any, Floats], Floats], after: After) -> Floats:
    """Sums of any scores or other numbers of rows, (coalitions, batches, ...).

    Args:
        score: of targets (rows, ...) and predictions (rows, outputs), (rows, ...).
        after: what is done with the sums of a group's rows.
    """
    outputs = chorus.members[0].shape[1]
    each = score(y[:1], chorus.members[0][:1]).shape[1:]
    sums = np.zeros((chorus.coalitions, chorus.batches, *each))
    for rows, weights, batch in _segments(chorus):
        for part in _parts(rows, chorus.coalitions * outputs):
            said = np.tensordot(weights, np.stack([member[part] for member in chorus.members]), axes=1)
            flat = after(said.reshape(-1, outputs), int(chorus.group[part[0]]))
            scores = score(np.concatenate([y[part]] * chorus.coalitions), flat)
            scores = scores.reshape(chorus.coalitions, len(part), *each)
            sums[:, batch] += scores.sum(axis=1) if chorus.mass is None else _weighed(scores, chorus.mass[part])
    return sums


def _weighed(scores: Floats, mass: Floats) -> Floats:
    """Sums (coalitions, ...) of scores (coalitions, rows, ...) by what rows weigh."""
    return np.asarray(np.moveaxis(scores, 1, -1) @ mass)


After = Callable[[Floats, int], Floats]
"""Predictions (rows, outputs) from sums of those of members, in a group."""


def said_by(chorus: Chorus, coalition: int, after: After) -> Floats:
    """Predictions (rows, outputs) of one coalition."""
    said = np.empty(chorus.members[0].shape)
    for group, weights in enumerate(chorus.weights):
        rows = np.flatnonzero(chorus.group == group)
        parts = zip(weights[coalition], chorus.members, strict=True)
        total = sum(weight * member[rows] for weight, member in parts if weight)
        said[rows] = after(np.asarray(total), group)
    return said


def told_by_themselves(rows: int, batches: int) -> bool:
    """Whether batches have so many rows that each is scored itself, and not all others (`whole_scores`)."""
    return rows >= _MANY * batches


def whole_scores(
    predictions: Iterable[Floats],
    y: NDArray[Any],
    score: Callable[[Any, Floats, Floats | None], float],
    batch: Codes,
    batches: int,
    mass: Floats | None = None,
) -> Scored:
    """Scores that are known at no smaller scale than many rows, of coalitions' predictions one after the other.

    Where a batch has many rows, it is scored itself instead of all others: what a smooth score would be without it is
    as far on one side of the whole's as the batch's own is, many times less, on the other.
    """
    many = told_by_themselves(len(y), batches)
    parts = [np.flatnonzero((batch == number) == many) for number in range(batches)]
    some = [None if mass is None else mass[rows] for rows in parts]
    own = list(zip(parts, some, strict=True))
    table = np.asarray([[score(y, p, mass), *(score(y[rows], p[rows], m) for rows, m in own)] for p in predictions])
    values, each = table[:, 0], table[:, 1:]
    if many:
        each = values[:, None] - (each - each.mean(axis=1, keepdims=True)) / (batches - 1)
    return Scored(values, each)


def count_scores(
    labels: Iterable[Codes],
    y: Codes,
    score: Callable[[Floats], Floats],
    classes: int,
    batch: Codes,
    batches: int,
    mass: Floats | None = None,
) -> Scored:
    """Scores of confusion matrices (..., classes, classes): of the classes (rows,) that each coalition names."""
    cells = (batch * classes + y) * classes
    counted = (np.bincount(cells + named, weights=mass, minlength=batches * classes**2) for named in labels)
    each = (np.asarray(counts.reshape(batches, classes, classes), dtype=np.float64) for counts in counted)
    table = np.asarray([score(np.stack([total := part.sum(axis=0), *np.maximum(total - part, 0)])) for part in each])
    return Scored(table[:, 0], table[:, 1:])


def _segments(chorus: Chorus) -> Iterator[tuple[Codes, Floats, int]]:
    """Rows of one group and one batch, with their weights and batch."""
    order = np.lexsort((chorus.batch, chorus.group))
    number = chorus.group[order] * chorus.batches + chorus.batch[order]
    for rows in np.split(order, np.flatnonzero(np.diff(number)) + 1):
        yield rows, chorus.weights[int(chorus.group[rows[0]])], int(chorus.batch[rows[0]])


def _parts(rows: Codes, width: int) -> Iterator[Codes]:
    """Rows in pieces whose sums, `width` a row, stay in the cache."""
    length = max(1, _BLOCK // (width * _TOGETHER)) * _TOGETHER
    return (rows[start : start + length] for start in range(0, len(rows), length))


def _logs(values: Floats) -> Floats:
    """Sums over the first axis of logarithms of values from a float's precision to about one; they are used up."""
    full = len(values) // _TOGETHER * _TOGETHER
    total = np.log(values[full:]).sum(axis=0)
    if full:
        product = values[:full]
        while len(product) > full // _TOGETHER:
            half = len(product) // 2
            product = np.multiply(product[:half], product[half:], out=product[:half])
        total += np.log(product).sum(axis=0)
    return np.asarray(total)


def _hits(voices: list[Floats], y: Codes, weights: Floats, *, prune: bool) -> Floats:
    """(coalitions,): of how many rows the true class is named."""
    rows, classes = voices[0].shape
    each = np.arange(rows)
    margins = np.stack(voices)
    margins = margins[:, each, y][:, :, None] - margins
    margins += np.where(np.arange(classes) > y[:, None], _TIE, -_TIE)
    margins[:, each, y] = np.inf
    rival = margins.min(axis=0) <= 0 if prune else np.isfinite(margins[0])
    lost = (margins.max(axis=0) <= 0).any(axis=1) & prune
    rival[lost] = False
    rivals = rival.sum(axis=1)
    hits = np.full(len(weights), float(np.count_nonzero((rivals == 0) & ~lost)))
    for count in range(1, classes):
        undecided = np.flatnonzero(rivals == count)
        if len(undecided):
            columns = np.nonzero(rival[undecided])[1].reshape(-1, count)
            hits += _won(margins[:, undecided[:, None], columns], weights)
    return hits


def _won(margins: Floats, weights: Floats) -> Floats:
    """(coalitions,): in how many rows of margins (members, rows, rivals) all rivals lose."""
    won = np.zeros(len(weights))
    _, rows, rivals = margins.shape
    for part in _parts(np.arange(rows), len(weights) * rivals):
        ahead = (margins[:, part].transpose(2, 1, 0) @ weights.T).min(axis=0) > 0
        won += ahead.view(np.uint8).sum(axis=0, dtype=np.uint32)
    return won
