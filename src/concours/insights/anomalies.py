"""What scores of strangeness show: where they lie on the series, and what is strange of the strangest rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.insights.diagnosis import Predicted, of_rows
from concours.kernels.scoring.areas import average_precision
from concours.kernels.scoring.ranges import ranges_of
from concours.kernels.scoring.rounded import rounded

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_DRAWN: Final = 3
"""Series of each sort that are drawn: those whose anomalies stand out most, and those whose do least."""
_POINTS: Final = 240
_STRANGEST: Final = 8
_WHY: Final = 3
_NORMAL: Final = 1.4826


def of_scores(found: Predicted) -> dict[str, Any]:
    """What scores (rows, 1) of targets (rows, 2) show.

    Returns:
        mistakes: see `diagnosis.of_rows`.
        threshold: from which score on rows are called anomalies.
        series: of some series, by `name`: `order`, what is found of it (average precision), `from` and `to`, its first
            and last moment; `at`, `value` and `score` of 240 stretches of equal length at most, from 0 to 1, the last
            value and the highest score of each; and `windows`, its anomalies, as from and to on the same scale.
        strangest: the rows of the highest scores, one of a range: `row`, `name`, `score`, whether it is an `anomaly`,
            and `why`, columns that are furthest from their middle, with how many deviations.
    """
    y, score = found.y, found.p[:, 0]
    told: dict[str, Any] = {**of_rows(found), "threshold": -np.log10(found.meta["share"]), "series": []}
    names, window = found.called, int(found.meta.get("window", 0))
    x = found.rows()
    if window and names:
        told["series"] = _series(y, score, x[:, window - 1], names)
    rows = _peaks(score, y[:, 1], told["threshold"])
    why = [()] * len(rows) if window else _why(x, rows)
    told["strangest"] = [
        {
            "row": int(row),
            "name": " ".join(names[key][row] for key in names) if names else "",
            "score": rounded(score[row : row + 1], 3)[0],
            "anomaly": bool(y[row, 0] > 0),
            "why": list(map(list, reasons)),
        }
        for row, reasons in zip(rows, why, strict=True)
    ]
    return told


def _peaks(score: Floats, place: Floats, threshold: float) -> list[int]:
    """The highest row of each range that is called, those of the highest scores first; of none, the highest rows."""
    codes, order, seen, found = ranges_of(score >= threshold, place), np.argsort(-score, kind="stable"), set(), []
    for row in order.tolist():
        code = int(codes[row])
        if code < 0 or code not in seen:
            seen.add(code)
            found.append(row)
        if len(found) == _STRANGEST:
            break
    return found


def _series(y: Floats, score: Floats, value: Floats, names: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Those that are drawn: whose anomalies stand out most, and least."""
    first, *others = (np.asarray(names[key], dtype=object) for key in names)
    found = []
    for name in dict.fromkeys(first.tolist()):
        rows = np.flatnonzero(first == name)
        rows = rows[np.argsort(y[rows, 1], kind="stable")]
        flags = y[rows, 0] > 0
        if flags.any() and not flags.all():
            order = average_precision(flags, score[rows], np.ones(len(rows)))[0]
            found.append((order, name, rows, others[0] if others else None))
    found.sort(key=lambda each: -each[0])
    chosen = found if len(found) <= 2 * _DRAWN else [*found[:_DRAWN], *found[-_DRAWN:]]
    return [_drawn(order, name, rows, times, y, score, value) for order, name, rows, times in chosen]


def _drawn(order: float, name: str, rows: Codes, times: Any, y: Floats, score: Floats, value: Floats) -> dict[str, Any]:
    parts = np.array_split(rows, min(_POINTS, len(rows)))
    codes = ranges_of(y[rows, 0] > 0, y[rows, 1])
    ends = [np.flatnonzero(codes == code)[[0, -1]] / max(len(rows) - 1, 1) for code in range(int(codes.max()) + 1)]
    return {
        "name": name,
        "order": rounded(np.array([order]), 3)[0],
        "from": "" if times is None else str(times[rows[0]]),
        "to": "" if times is None else str(times[rows[-1]]),
        "at": rounded(np.linspace(0, 1, len(parts)), 4),
        "value": rounded(np.array([value[part[-1]] for part in parts]), 3),
        "score": rounded(np.array([score[part].max() for part in parts]), 3),
        "windows": [rounded(pair, 4) for pair in ends],
    }


def _why(x: Any, rows: Sequence[int]) -> list[list[tuple[str, float]]]:
    """Of some rows of a frame, the columns of numbers that are furthest from their median, in robust deviations."""
    numbers = x.select_dtypes("number")
    values = numbers.to_numpy(dtype=np.float64)
    middle = np.nanmedian(values, axis=0)
    spread = _NORMAL * np.nanmedian(np.abs(values - middle), axis=0)
    spread = np.where(spread > 0, spread, np.nanstd(values, axis=0))
    far = (values[list(rows)] - middle) / np.where(spread > 0, spread, 1.0)
    far = np.nan_to_num(far)
    best = np.argsort(-np.abs(far), axis=1, kind="stable")[:, :_WHY]
    return [
        [(str(numbers.columns[place]), rounded(row[place : place + 1], 3)[0]) for place in places]
        for row, places in zip(far, best, strict=True)
    ]
