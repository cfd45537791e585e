"""What groups of rows are: how large, how far apart, and what tells each from the rest."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.insights.diagnosis import Predicted
from concours.kernels.scoring.rounded import rounded

Floats = NDArray[np.float64]

_TELLING: Final = 6


def of_groups(found: Predicted) -> dict[str, Any]:
    """What memberships (rows, places) of points show.

    Returns:
        groups_found: the groups that have rows, the largest first, each with its `name`, `rows`, `share`, the mean
            `silhouette` of its rows, and what is `telling`: of the six columns in which its mean is farthest from that
            of all rows, their names and by how many standard deviations of a column it is; `columns`, all of these
            names, and `means`, of every group by each.
    """
    names = list(found.meta["columns_of"])
    points, codes = found.y[:, : len(names)], found.p.argmax(axis=1)
    whole, deviation = points.mean(axis=0), points.std(axis=0)
    scale = np.where(deviation > 0, deviation, 1.0)
    sizes = np.bincount(codes, minlength=found.p.shape[1])
    order = [int(place) for place in np.argsort(-sizes, kind="stable") if sizes[place]]
    groups, means = [], []
    for place in order:
        inside = codes == place
        away = (points[inside].mean(axis=0) - whole) / scale
        telling = np.argsort(-np.abs(away), kind="stable")[:_TELLING]
        means.append(away)
        groups.append(
            {
                "name": f"group {place + 1}",
                "rows": int(sizes[place]),
                "share": rounded(sizes[place] / len(codes)),
                "silhouette": rounded(-found.losses[inside].mean()),
                "telling": [{"column": names[at], "away": rounded(away[at])} for at in telling],
            }
        )
    far = np.argsort(-np.abs(np.stack(means)).max(axis=0), kind="stable")[: 2 * _TELLING]
    return {
        "groups_found": {
            "groups": groups,
            "columns": [names[at] for at in far],
            "means": [rounded(row[far]) for row in means],
        },
        "mistakes": {"rows": [], "true": [], "named": [], "loss": [], "sure": None},
    }
