"""The metrics of documents in the order of their query."""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np

from concours.core.errors import ContestError
from concours.kernels.scoring.forecasts import ratio
from concours.kernels.scoring.orders import misordered, ndcg, reciprocal_ranks
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.rows import Mean, Rows
from concours.tasks.metrics.statistics import Stats, Way

_NDCG: Final = "ndcg@"


def _metric(name: str, way: Way, *, greater_is_better: bool = True) -> Metric:
    return Metric(
        name=name, greater_is_better=greater_is_better, target="order", needs="values", way=way, low=0.0, high=1.0
    )


def _over_queries(of: Stats) -> Way:
    """The mean over queries of what each row has a share of; without a group of rows it is that without its queries."""
    return Rows(of=of, value=ratio, single=False)


MRR: Final = _metric("mrr", _over_queries(reciprocal_ranks))
MISORDERED: Final = _metric("misordered", Mean(of=misordered), greater_is_better=False)
"""The mean over documents of the share of others that each stands on the wrong side of."""


def ndcg_named(name: str) -> Metric | None:
    """NDCG of the first documents, as `ndcg@10` calls it; none where a name does not begin so.

    Raises:
        ContestError: what follows is no number of documents.
    """
    if not name.startswith(_NDCG):
        return None
    told = name.removeprefix(_NDCG)
    if not told.isdecimal() or not 0 < int(told) <= np.iinfo(np.int32).max:
        raise ContestError(f"task.metrics: {name!r} must have a number of documents from 1, as ndcg@10 has")
    return _metric(name, _over_queries(partial(ndcg, top=min(int(told), 10_000))))
