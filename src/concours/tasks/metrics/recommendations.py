"""The metrics of recommended items: three are means over users, and one looks at all of them together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np

from concours.kernels.rows.ranked import NONE, Floats, Ranked, Sought
from concours.kernels.scoring.recommendations import FIRST, gains, precisions, recalls
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.rows import Mean
from concours.tasks.metrics.statistics import Way
from concours.tasks.metrics.wholes import Whole

Of = Callable[[Sought, Ranked], Floats]


def _of_values(y: Any, p: Any, *, of: Of) -> Floats:
    return of(Sought.of(y), Ranked.of(p))


@dataclass(frozen=True, kw_only=True)
class _Covering(Whole):
    """What keeps the first items alone, (rows, first)."""

    def keep(self, y: Any, p: Any) -> Any:
        del y
        return Ranked.of(p).first(FIRST).items


def covered(y: Any, p: Any, weights: Floats | None, *, items: int) -> float:
    """The share of all items that is among the first ones of somebody (Ge, Delgado-Battenfeld and Jannach 2010)."""
    del y
    first = p if isinstance(p, np.ndarray) else Ranked.of(p).first(FIRST).items
    seen = first if weights is None else first[weights > 0]
    return len(np.setdiff1d(seen, [NONE])) / items


def _metric(name: str, way: Way) -> Metric:
    return Metric(name=name, greater_is_better=True, target="items", needs="values", way=way, low=0.0, high=1.0)


def _mean(name: str, of: Of) -> Callable[[Any], Metric]:
    return lambda output: _metric(name, Mean(of=partial(_of_values, of=of)))


MEASURES: Final[Mapping[str, Callable[[Any], Metric]]] = {
    "ndcg@10": _mean("ndcg@10", gains),
    "recall@10": _mean("recall@10", recalls),
    "map@10": _mean("map@10", precisions),
    "coverage": lambda output: _metric("coverage", _Covering(of=partial(covered, items=output.classes))),
}
"""`ndcg@10`, `recall@10` and `map@10` of held-out items, and `coverage`, the share of items that is recommended to
somebody among the first ten, to be read beside the others rather than ranked by.
"""
