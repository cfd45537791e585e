"""Slices where a model does worse than elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core.digests import Digest
from concours.core.ports import Store
from concours.kernels.ranking.ranks import holm
from concours.kernels.scoring.contrasts import Contrasts, contrasts
from concours.kernels.scoring.crossing import WIDER
from concours.kernels.scoring.intervals import LEVEL, share_intervals
from concours.kernels.scoring.rounded import rounded
from concours.stores.blobs import get_array, get_table, is_table, texts_in
from concours.tasks import slices
from concours.tasks.metrics.metric import Metric
from concours.tasks.slices import LEAST, Grouping

Floats = NDArray[np.float64]

_MOST = 12
_MOST_CLASSES = 6  # of them that are true classes
_HINT = 0.16  # a difference of one standard error
_SAME = 0.8  # of the rows of two slices together that are in both


def groupings(store: Store, x: Digest, rows: NDArray[np.int64], *, drawn: bool) -> Iterator[Grouping]:
    """Ways to tell some rows of raw inputs apart, which are pictures where they can be drawn."""
    if not is_table(store, x):
        yield from slices.of_pictures(get_array(store, x), rows) if drawn else ()
        return
    table = get_table(store, x)
    some = table if len(rows) == len(table) else table.take(rows)
    yield from slices.of_table(some) if texts_in(table) is None else slices.of_texts(some.column(0))


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


def _testable(each: Contrasts, rows: int) -> list[int]:
    return np.flatnonzero((each.rows >= LEAST) & (rows - each.rows >= LEAST)).tolist()


def _different(places: Sequence[tuple[int, int]], ways: Sequence[Grouping]) -> Iterator[tuple[int, int]]:
    chosen: list[NDArray[np.bool_]] = []
    classes = 0
    for w, g in places:
        of_class = ways[w].column == slices.TRUE_CLASS
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
        "class": g if way.column == slices.TRUE_CLASS else None,
        "rows": rows,
        "score": rounded(score),
        "low": rounded(low),
        "high": rounded(high),
        "rest": rounded(others),
        "worse": worse,
    }
