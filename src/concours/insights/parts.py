"""How well a model does part by part, where the parts are of the kind: orders by the size of a query, each of several
targets.

A part is `name`, `count` of what is counted in it, `score`, and `low` and `high`, an interval of 95% of its mean; none
of one alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from concours.insights.diagnosis import Predicted, of_rows
from concours.kernels.scoring.intervals import LEVEL
from concours.kernels.scoring.orders import ndcg, queries, size_bins
from concours.kernels.scoring.rounded import rounded
from concours.kernels.scoring.several import losses, usual_scales

Floats = NDArray[np.float64]

_TOP: Final = 10


def of_orders(found: Predicted) -> dict[str, Any]:
    """What scores of documents show: besides what any predictions do, `parts` by how many documents the query has."""
    of = ndcg(found.y, found.p, top=_TOP)
    first = np.unique(queries(found.y), return_index=True)[1]
    told = first[of[first, 1] > 0]
    bins, codes = size_bins(found.y)
    by_query = of[told, 0] / of[told, 1]
    parts = [(name, by_query[codes[told] == code]) for code, name in enumerate(bins)]
    return {**of_rows(found), "parts": _parts("query size", f"ndcg@{_TOP}", "queries", parts, greater=True)}


def of_targets(found: Predicted) -> dict[str, Any]:
    """What predictions of several targets show: besides what any predictions do, `parts` by the target."""
    widths = [len(labels) for labels in found.meta["called"]]
    scales = found.meta["scales"] or usual_scales(found.y, widths=widths)
    each = losses(found.y, found.p, widths=widths, scales=scales)
    parts = list(zip(found.meta["targets"], each.T, strict=True))
    return {**of_rows(found), "parts": _parts("target", "relative_loss", "rows", parts, greater=False)}


def _parts(by: str, metric: str, counted: str, parts: Sequence[tuple[str, Floats]], *, greater: bool) -> dict[str, Any]:
    """Each part that has something in it."""
    told = [{"name": name, "count": len(values), **_mean(values)} for name, values in parts if len(values)]
    return {"by": by, "metric": metric, "counted": counted, "greater": greater, "parts": told}


def _mean(values: Floats) -> dict[str, float | None]:
    mean = float(values.mean())
    if len(values) < 2:
        return {"score": rounded(mean), "low": None, "high": None}
    half = float(norm.isf((1 - LEVEL) / 2) * values.std(ddof=1) / len(values) ** 0.5)
    return {"score": rounded(mean), "low": rounded(mean - half), "high": rounded(mean + half)}
