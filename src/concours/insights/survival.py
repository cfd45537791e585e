"""What survival curves show: who lives how long by the risk that they tell, and whether a probability comes true."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.insights.diagnosis import Predicted, of_rows
from concours.kernels.scoring.rounded import rounded
from concours.kernels.scoring.survival import Steps, kaplan_meier, lifetimes

Floats = NDArray[np.float64]

_THIRDS: Final = ("highest", "middle", "lowest")
_BINS: Final = 5
_FEWEST: Final = 10


def of_survival(found: Predicted) -> dict[str, Any]:
    """What survival curves (rows, times) show.

    Returns:
        survival: `times` of the grid; `thirds`, by predicted risk, each with `rows`, `events`, the mean curve that was
            `predicted`, and Kaplan–Meier of what came, `observed`, with a 95% interval, `low` and `high`; `horizon`,
            the time in the middle of the grid; `calibration`, of rows by the probability predicted to live on until
            then, the mean that was `predicted` and Kaplan–Meier there, `observed`, `low` and `high`, with `rows`.
        mistakes: as of `of_rows`.
    """
    times = np.asarray(found.meta["times"])
    order = np.argsort(lifetimes(found.p, times), kind="stable")
    thirds = [part for part in np.array_split(order, len(_THIRDS)) if len(part)]
    middle = len(times) // 2
    at = times[middle : middle + 1]
    bins = np.array_split(np.argsort(found.p[:, middle], kind="stable"), max(min(_BINS, len(order) // _FEWEST), 1))
    return {
        "survival": {
            "times": rounded(times),
            "thirds": [
                {
                    "name": name,
                    "rows": len(rows),
                    "events": int(found.y[rows, 1].sum()),
                    "predicted": rounded(found.p[rows].mean(axis=0)),
                    **_observed(found.y[rows], times),
                }
                for name, rows in zip(_THIRDS, thirds, strict=False)
            ],
            "horizon": rounded(at)[0],
            "calibration": [
                {
                    "rows": len(rows),
                    "predicted": rounded(found.p[rows, middle].mean()),
                    **{name: values[0] for name, values in _observed(found.y[rows], at).items()},
                }
                for rows in bins
            ],
        },
        **of_rows(found),
    }


def _observed(y: Floats, times: Floats) -> dict[str, Any]:
    """Kaplan–Meier at some times, with 95% intervals by Greenwood's variance on the log-log scale."""
    curve = kaplan_meier(y)
    values = curve.at(times)
    spread = Steps(times=curve.times, values=_greenwood(y, curve)).at(times) - (times < _first(curve))
    inside = (values > 0) & (values < 1)
    logs = np.log(np.where(inside, values, 0.5))
    wide = 1.96 * np.sqrt(np.where(inside, spread, 0.0)) / np.abs(logs)
    low, high = (np.where(inside, np.exp(logs * np.exp(sign * wide)), values) for sign in (1, -1))
    return {"observed": rounded(values), "low": rounded(low), "high": rounded(high)}


def _first(curve: Steps) -> float:
    return float(curve.times[0]) if len(curve.times) else np.inf


def _greenwood(y: Floats, curve: Steps) -> Floats:
    """The variance of the logarithm of the curve after each of its steps (Greenwood 1926)."""
    died = np.array([np.count_nonzero((y[:, 0] == time) & (y[:, 1] > 0)) for time in curve.times])
    there = np.array([np.count_nonzero(y[:, 0] >= time) for time in curve.times])
    return np.cumsum(died / np.maximum(there * (there - died), 1e-12))
