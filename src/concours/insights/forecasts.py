"""What forecasts show: how errors grow with the steps ahead, of which series they are, and how sure was how right."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.insights.diagnosis import Predicted, of_rows
from concours.kernels.scoring.forecasts import by_step, medians
from concours.kernels.scoring.rounded import rounded

Floats = NDArray[np.float64]

_DRAWN, _BEFORE = 4, 2
_POINTS = 100


def of_forecasts(found: Predicted) -> dict[str, Any]:
    """What quantiles of the next steps show.

    Errors are in units of what the seasonal naive forecast errs by, as the metric `mase`.

    Returns:
        mistakes: as of any predictions.
        horizon: for each step ahead, from 1, the mean absolute `error` of the median over all rows and series, and the
            share of targets between the outer quantiles, `covered`, which `promised` says; of many steps some.
        series: where several are forecast: of each its name, `error` and `covered`, the worst first.
        drawn: some origins, spread evenly over time, the row and name of the series of each: `before`, the steps that
            were known, `true` those behind, and `low`, `middle` and `high` of what was predicted.
    """
    meta = found.meta
    levels, horizon, targets = np.asarray(meta["levels"]), int(meta["horizon"]), int(meta["targets"])
    names = [*meta["channels"], *(f"series {number + 1}" for number in range(targets))][:targets]
    y = found.y.reshape(len(found.y), targets, horizon)
    steps = by_step(found.p, levels).reshape(len(found.y), targets, horizon, -1)
    middle = medians(found.p, levels).reshape(y.shape)
    errors = np.abs(middle - y) / np.asarray(meta["scales"])[:, None]
    inside = (steps[..., 0] <= y) & (y <= steps[..., -1])
    ahead = np.unique(np.linspace(0, horizon - 1, min(horizon, _POINTS)).round().astype(np.int64))
    by_ahead = {
        "ahead": (ahead + 1).tolist(),
        "error": rounded(errors.mean(axis=(0, 1))[ahead]),
        "covered": rounded(inside.mean(axis=(0, 1))[ahead]),
        "promised": rounded(float(levels[-1] - levels[0])),
    }
    told: dict[str, Any] = {**of_rows(found), "horizon": by_ahead}
    if targets > 1:
        each = errors.mean(axis=(0, 2))
        told["series"] = [
            {"name": names[which], "error": rounded(float(each[which])), "covered": rounded(inside[:, which].mean())}
            for which in np.argsort(-each, kind="stable").tolist()
        ]
    return {**told, "drawn": _drawn(found, y, steps, middle, names)}


def _drawn(found: Predicted, y: Floats, steps: Floats, middle: Floats, names: list[str]) -> list[dict[str, Any]]:
    rows = np.unique(np.linspace(0, len(y) - 1, min(len(y), _DRAWN)).round().astype(np.int64))
    context = int(found.meta["context"])
    known = np.asarray(found.rows()[rows], dtype=np.float64).reshape(len(rows), -1, context)
    before = min(context, max(_BEFORE * y.shape[2], 12))
    drawn = []
    for place, row in enumerate(rows.tolist()):
        which = place % len(names)
        drawn.append(
            {
                "row": row,
                "series": names[which],
                "before": rounded(known[place, which, -before:], 6),
                "true": rounded(y[row, which], 6),
                "low": rounded(steps[row, which, :, 0], 6),
                "middle": rounded(middle[row, which], 6),
                "high": rounded(steps[row, which, :, -1], 6),
            }
        )
    return drawn
