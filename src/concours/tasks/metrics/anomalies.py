"""The metrics of anomaly scores: of their order, and of the rows that a threshold calls.

Targets are (rows, 2): whether a row is an anomaly, and its place (`kernels.scoring.ranges`). Scores are (rows, 1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from concours.kernels.scoring.areas import Area, area_means, average_precision, roc_area
from concours.kernels.scoring.ranges import f1_of, precision_of, range_statistics, recall_of
from concours.kernels.scoring.scores import Means, Value, unknown_means
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.rows import Mean, Rows
from concours.tasks.metrics.statistics import Floats, Statistics
from concours.tasks.metrics.wholes import FEWEST, Areas


class Scored(Protocol):
    """What metrics ask of an output.

    Attributes:
        share: of the rows that are fitted on that are anomalies; so many are called.
    """

    @property
    def share(self) -> float: ...


@dataclass(frozen=True, kw_only=True)
class ScoreAreas(Areas):
    """An area under a curve of scores (rows, 1).

    What is known of any areas (`kernels.scoring.area_intervals`) counts rows, or groups of them, as one of the rarer
    class each by their share of it. Where as many as ten groups have an anomaly each, as series do, they tell by
    themselves how sure an area is: by the jackknife of groups.
    """

    def _found(self, kept: Statistics) -> Means:
        codes = kept.y[:, 0].astype(np.int64)
        if len(np.unique(codes)) < 2:
            return unknown_means(len(kept.kept))
        both = [np.hstack([-p, p]) for p in kept.kept]
        found = area_means(codes, both, self.of, groups=kept.groups, weights=kept.weights)
        if kept.groups is None or len(np.unique(kept.groups[codes > 0])) < FEWEST:
            return found
        return Means(means=found.means, covariance=found.covariance, skewness=found.skewness, units=found.units)


def called(p: Floats, share: float) -> NDArray[np.bool_]:
    """Whether each row is called an anomaly, (rows,): no more than a share of what was fitted on is as strange."""
    return np.asarray(p[:, 0] >= -np.log10(share))


def misplaced(y: Floats, p: Floats) -> Floats:
    """(rows,) of an anomaly the share of the rows that were fitted on that are at least as strange; of another row the
    share that is less strange.
    """
    share = 10.0 ** -np.maximum(p[:, 0], 0.0)
    return np.where(y[:, 0] > 0, share, 1 - share)


def _ranges(y: Floats, p: Floats, share: float) -> Floats:
    return range_statistics(y[:, 0] > 0, called(p, share), y[:, 1])


def _of_order(name: str, area: Area) -> Callable[[Scored], Metric]:
    way = ScoreAreas(of=area)
    metric = Metric(name=name, greater_is_better=True, target="anomaly", needs="values", way=way, low=0.0, high=1.0)
    return lambda output: metric


def _of_ranges(name: str, value: Value) -> Callable[[Scored], Metric]:
    def made(output: Scored) -> Metric:
        way = Rows(of=partial(_ranges, share=output.share), value=value, single=False)
        return Metric(name=name, greater_is_better=True, target="anomaly", needs="values", way=way, low=0.0, high=1.0)

    return made


def _misplaced(output: Scored) -> Metric:
    del output
    way = Mean(of=misplaced)
    return Metric(
        name="misplaced", greater_is_better=False, target="anomaly", needs="values", way=way, low=0.0, high=1.0
    )


MEASURES: Final[Mapping[str, Callable[[Any], Metric]]] = {
    "average_precision": _of_order("average_precision", average_precision),
    "roc_auc": _of_order("roc_auc", roc_area),
    "range_f1": _of_ranges("range_f1", f1_of),
    "range_precision": _of_ranges("range_precision", precision_of),
    "range_recall": _of_ranges("range_recall", recall_of),
    "misplaced": _misplaced,
}
"""`average_precision` and `roc_auc` are of the order of scores. `range_f1`, `range_precision` and `range_recall` are of
ranges of rows that are called (Tatbul et al. 2018); where rows do not follow one another each is a range of its own,
and they are the usual F1, precision and recall. Called are the rows that are as strange as a
share of the rows that were fitted on, that share of these that are anomalies: no score and no label of the test part is
used. `misplaced` is a row's own error, by which rows are told apart.
"""
