"""Decisions: which class to name, given probabilities, so that a metric of labels is best."""

from __future__ import annotations

from typing import Final

import numpy as np

from concours.kernels.scoring.counts import OfCounts, confusion, slopes
from concours.kernels.scoring.scores import Codes, Floats

_MOST_CLASSES: Final = 50
_CUTS: Final = 64
_ENOUGH: Final = 20_000  # rows, to find weights of several classes on
_SWEEPS: Final = 5
_FARTHEST: Final = 4.0  # of a weight from 1, as a logarithm: a factor of about fifty


def decision_weights(p: Floats, y: Codes, metric: OfCounts, of_rows: Floats | None = None) -> Floats:
    """Weights of the classes, (classes,), mean 1, such that `argmax(p * weights)` scores well by a metric of labels.

    For two classes every threshold is tried, and the middle taken of the stretch around the best where the metric is
    as good within half of the gain's standard error. For more, one class's weight at a time is moved to its best place,
    on twenty thousand rows or so, spread evenly.
    What was gained is drawn back towards weights of one by the share of it that may be chance, `(stderr / gain) ** 2`.

    Args:
        p: (rows, classes) probabilities; out-of-fold, as weights found on rows that a model has seen mislead.
        y: (rows,) codes of the true classes.
        metric: see `concours.kernels.scoring.counts.OF_COUNTS`.
        of_rows: (rows,) weights of the rows (`weighing.in_rows`).

    Laws: on the given rows never worse than weights of one; those are the result where the gain is below its standard
    error, and above fifty classes. For two classes and no noise, no threshold is better.
    """
    ones = np.ones(p.shape[1])
    if not 2 <= p.shape[1] <= _MOST_CLASSES or not len(p):
        return ones
    p = np.asarray(p, dtype=np.float64)
    each = np.ones(len(p)) if of_rows is None else of_rows
    spread = slice(None, None, (len(p) - 1) // _ENOUGH + 1)
    two = p.shape[1] == 2
    found = _threshold(p, y, metric, each) if two else _ascent(p[spread], y[spread], metric, each[spread])
    kept = _certain_share(p, y, found, metric, each)
    if not kept:
        return ones
    weights = _even(np.power(found, kept))
    return weights if _score(p, y, weights, metric, each) >= _score(p, y, ones, metric, each) else ones


def decide(p: Floats, weights: Floats | None) -> Codes:
    """The class named for each row, (rows,): of equally good ones the first. Without weights all weigh the same."""
    weighed = p if weights is None else p * weights
    return np.asarray(weighed.argmax(axis=1), dtype=np.int64)


def _score(p: Floats, y: Codes, weights: Floats, metric: OfCounts, of_rows: Floats) -> float:
    return float(metric(confusion(y, decide(p, weights), p.shape[1], of_rows)))


def _even(weights: Floats) -> Floats:
    return np.asarray(weights / weights.mean())


def _certain_share(p: Floats, y: Codes, weights: Floats, metric: OfCounts, of_rows: Floats) -> float:
    """The share of the gain over weights of one that is not chance, 0 where the gain is within its standard error."""
    gain, stderr = _gain(p, y, weights, metric, of_rows)
    return max(0.0, 1 - (stderr / gain) ** 2) if gain > 0 else 0.0


def _gain(p: Floats, y: Codes, weights: Floats, metric: OfCounts, of_rows: Floats) -> tuple[float, float]:
    """What weights gain on these rows, and the standard error of that: paired, as the same rows are decided twice."""
    classes = p.shape[1]
    before, after = decide(p, np.ones(classes)), decide(p, weights)
    first, second = confusion(y, before, classes, of_rows), confusion(y, after, classes, of_rows)
    moved = slopes(second, metric)[y, after] - slopes(first, metric)[y, before]
    away = of_rows * (moved - np.average(moved, weights=of_rows))
    return float(metric(second) - metric(first)), float(np.sqrt(np.square(away).sum()))


# Two classes


def _threshold(p: Floats, y: Codes, metric: OfCounts, of_rows: Floats) -> Floats:
    """Weights that stand for the best threshold of the second class's probability."""
    shares = np.divide(p[:, 1], p.sum(axis=1), out=np.full(len(p), 0.5), where=p.sum(axis=1) > 0)
    cuts, counts = threshold_counts(shares, y, of_rows)
    scores = metric(counts)
    best = int(scores.argmax())
    at = np.clip(_between(cuts, best, best), 1e-6, 1 - 1e-6)
    _, stderr = _gain(p, y, np.array([at, 1 - at]), metric, of_rows)
    good = scores >= scores[best] - 0.5 * stderr
    low = best - int(np.argmin(good[best::-1])) + 1 if not good[: best + 1].all() else 0
    high = best + int(np.argmin(good[best:])) - 1 if not good[best:].all() else len(good) - 1
    wide = float(np.clip(_between(cuts, low, high), 1e-6, 1 - 1e-6))
    return _even(np.array([wide, 1 - wide]))


def threshold_counts(shares: Floats, y: Codes, of_rows: Floats | None = None) -> tuple[Floats, Floats]:
    """Every way to cut rows in two by a threshold, and what comes of it.

    Returns:
        The distinct shares in rising order, (cuts,), and the counts (cuts + 1, 2, 2), where at place j the second class
        is named wherever the share is at least the j-th, and at the last place nowhere.
    """
    distinct, place = np.unique(shares, return_inverse=True)
    below = np.zeros((len(distinct) + 1, 2))
    for code in (0, 1):
        own = y == code
        weighed = None if of_rows is None else of_rows[own]
        below[1:, code] = np.cumsum(np.bincount(place[own], weights=weighed, minlength=len(distinct)))
    return distinct, np.stack([below, np.maximum(below[-1] - below, 0.0)], axis=-1)


def _between(cuts: Floats, low: int, high: int) -> float:
    """The middle of the thresholds that make the cuts from one place to another."""
    edges = np.concatenate([[0.0], cuts, [1.0]])
    return float(edges[low] + edges[high + 1]) / 2


# More classes


def _ascent(p: Floats, y: Codes, metric: OfCounts, of_rows: Floats) -> Floats:
    """Weights where no single class's weight can be moved to a better place, among those tried."""
    weights = np.ones(p.shape[1])
    best = _score(p, y, weights, metric, of_rows)
    for _ in range(_SWEEPS):
        before = best
        for code in range(p.shape[1]):
            tried = weights.copy()
            tried[code] = _best_weight(p, y, weights, code, metric, of_rows)
            score = _score(p, y, tried, metric, of_rows)
            if score > best:
                weights, best = tried, score
        if best - before <= 1e-9:
            break
    return _even(weights)


def _best_weight(p: Floats, y: Codes, weights: Floats, code: int, metric: OfCounts, of_rows: Floats) -> float:
    """The best weight of one class, the others' given: the middle of the best stretch between the weights tried."""
    classes = p.shape[1]
    others = p * weights
    others[:, code] = -1.0
    rivals = others.argmax(axis=1)
    needed = others[np.arange(len(p)), rivals] / np.maximum(p[:, code], 1e-300)
    logs = np.log(np.maximum(needed, 1e-300))
    near = logs[np.abs(logs) < _FARTHEST]
    if not len(near):
        return float(weights[code])
    edges = np.unique(np.quantile(near, np.linspace(0, 1, _CUTS)))
    place = np.searchsorted(edges, logs)  # the row is named this class from the place-th edge on
    size = (len(edges) + 1) * classes**2
    cells, shape = place * classes**2 + y * classes, (-1, classes, classes)
    lost = np.bincount(cells + rivals, weights=of_rows, minlength=size).reshape(shape)
    won = np.bincount(cells + code, weights=of_rows, minlength=size).reshape(shape)
    start = confusion(y, rivals, classes, of_rows)
    scores = metric(np.maximum(start + np.cumsum(won - lost, axis=0)[:-1], 0.0))
    best = int(scores.argmax())
    last = best + int(np.argmin(np.append(scores[best:] >= scores[best], False)))
    return float(np.exp((edges[best] + edges[min(last, len(edges) - 1)]) / 2))
