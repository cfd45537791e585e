"""Slices where a model does worse than elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from concours.core.slices import LEAST, TRUE_CLASS, Grouping
from concours.insights.metric import Metric
from concours.kernels.ranking.ranks import holm
from concours.kernels.scoring.contrasts import Contrasts, contrasts
from concours.kernels.scoring.crossing import WIDER
from concours.kernels.scoring.intervals import LEVEL, share_intervals
from concours.kernels.scoring.rounded import rounded

Floats = NDArray[np.float64]

_ROWS = 200_000
_MOST = 12
_MOST_CLASSES = 6  # of them that are true classes
_HINT = 0.16  # a difference of one standard error
_SAME = 0.8  # of the rows of two slices together that are in both


def sliced(
    metric: Metric,
    scores: Floats,
    ways: Callable[[NDArray[np.int64]], Sequence[Grouping]],
    groups: NDArray[np.int64] | None,
    *,
    taught: bool,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Where the score is worse than elsewhere, by at most 200,000 rows that are drawn.

    Args:
        metric, scores, taught: see `worst_slices`.
        ways: to tell some rows apart, by their numbers.
        groups: (rows,) which of them belong together, if any do.

    Returns:
        slices: see `worst_slices`.
        slices_by: the name of the metric.
        slices_rows: how many were looked at.
    """
    rows = np.arange(len(scores))
    if len(rows) > _ROWS:
        rows = np.sort(rng.permutation(len(scores))[:_ROWS])
    clusters = None if groups is None else groups[rows]
    return {
        "slices": worst_slices(metric, scores[rows], ways(rows), clusters, taught=taught),
        "slices_by": metric.name,
        "slices_rows": len(rows),
    }


def worst_slices(
    metric: Metric,
    scores: Floats,
    ways: Sequence[Grouping],
    clusters: NDArray[np.int64] | None = None,
    *,
    taught: bool = False,
) -> list[dict[str, Any]]:
    """The slices of thirty rows or more whose score is worse than that of all other rows, the worst first.

    Only what is worse by a standard error at least. `worse` says of a slice that it is certainly so, all slices tested
    together (Welch 1947; Holm 1979). First comes what is worse by the greatest difference that is beyond doubt. At most
    twelve: of slices of nearly the same rows the first is told, and at most six are true classes.

    Args:
        metric: of single rows; the score of a slice is what it makes of their mean.
        scores: (rows,) of single rows by the metric.
        clusters: (rows,) which of them belong together, if any do.
        taught: whether the rows also taught, in folds (`kernels.scoring.crossing`).
    """
    shares = clusters is None and bool(np.isin(scores, (0, 1)).all())
    signed, wider = -metric.sign * scores, WIDER if taught else 1.0
    found = [contrasts(signed, way.codes, len(way.values), clusters, wider=wider) for way in ways]
    tested = [(w, g) for w, each in enumerate(found) for g in _testable(each, len(scores))]
    if not tested:
        return []
    certain = holm(np.array([found[w].p[g] for w, g in tested]), 1 - LEVEL)
    worse = {place for place, sure in zip(tested, certain, strict=True) if sure}
    poor = [(w, g) for w, g in tested if found[w].p[g] < _HINT]
    poor.sort(key=lambda place: (place not in worse, -found[place[0]].excess[place[1]]))
    return [
        _told(metric, ways[w], found[w], g, hits=wider**-2 if shares else 0.0, worse=(w, g) in worse)
        for w, g in _different(poor, ways)
    ]


def by_group(metric: Metric, scores: Floats, column: str, names: Sequence[str]) -> dict[str, Any]:
    """The score of each group of rows by its name, the worst first.

    An interval of 95% is that of other rows of the same group, as if the group's rows stood alone; none of one row.

    Args:
        metric, scores: as of `worst_slices`.
        column: what groups are.
        names: (rows,) of the group of each row.

    Returns:
        column, metric: their names.
        groups: name, rows, score, low and high of each.
    """
    codes = {name: place for place, name in enumerate(sorted(set(names)))}
    of = np.array([codes[name] for name in names])
    found = []
    for name, place in codes.items():
        own = scores[of == place]
        half = norm.isf((1 - LEVEL) / 2) * own.std(ddof=1) / len(own) ** 0.5 if len(own) > 1 else np.nan
        score, *ends = metric.of_means(np.array([own.mean(), own.mean() - half, own.mean() + half]))
        low, high = sorted(ends)
        found.append(
            {"name": name, "rows": len(own), "score": rounded(score), "low": rounded(low), "high": rounded(high)}
        )
    worst = sorted(found, key=lambda one: (-metric.sign * one["score"], one["name"]), reverse=True)
    return {"column": column, "metric": metric.name, "groups": worst}


def _testable(each: Contrasts, rows: int) -> list[int]:
    return np.flatnonzero((each.rows >= LEAST) & (rows - each.rows >= LEAST)).tolist()


def _different(places: Sequence[tuple[int, int]], ways: Sequence[Grouping]) -> Iterator[tuple[int, int]]:
    chosen: list[NDArray[np.bool_]] = []
    classes = 0
    for w, g in places:
        of_class = ways[w].column == TRUE_CLASS
        inside = ways[w].codes == g
        if (of_class and classes == _MOST_CLASSES) or any(_overlap(inside, other) > _SAME for other in chosen):
            continue
        chosen.append(inside)
        classes += of_class
        yield w, g
        if len(chosen) == _MOST:
            return


def _overlap(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    return float(np.count_nonzero(a & b) / np.count_nonzero(a | b))


def _told(metric: Metric, way: Grouping, each: Contrasts, g: int, *, hits: float, worse: bool) -> dict[str, Any]:
    """A slice; where a row is hit or missed, one tells as much as so many `hits` of an independent one."""
    sign = -metric.sign
    rows, mean, rest = int(each.rows[g]), sign * each.mean[g], sign * each.rest[g]
    ends = np.sort(sign * np.array([each.low[g], each.high[g]]))
    if hits:
        mean = np.clip(mean, 0.0, 1.0)
        ends = share_intervals(np.array([mean]), hits * rows)[0]
    score, low, high, others = metric.of_means(np.array([mean, *ends, rest]))
    return {
        "column": way.column,
        "value": way.values[g],
        "class": g if way.column == TRUE_CLASS else None,
        "rows": rows,
        "score": rounded(score),
        "low": rounded(low),
        "high": rounded(high),
        "rest": rounded(others),
        "worse": worse,
    }
