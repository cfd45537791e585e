"""When a series is strange, as a file says it: windows or moments by the name of the series (NAB's JSON)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.tasks.readers.archives import entry_at
from concours.tasks.readers.damage import damage_named, existing
from concours.tasks.readers.header import absent

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Anomalies:
    """What a file says of some series.

    Attributes:
        name: of the file.
        windows: by the name of a series, the first and the last moment of each of its anomalies, as the file has them.
    """

    name: str
    windows: Mapping[str, tuple[tuple[Any, Any], ...]]


def read_anomalies(path: Path) -> Anomalies:
    """A JSON file of an object: names of series, each with a list of windows, pairs of moments, or of moments.

    Raises:
        DataError: it is missing, or of another form.
    """
    with damage_named(path.name), entry_at(existing(path)).open() as file:
        content = file.read()
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path.name} is no JSON ({str(error)[:80]}); {_FORM}") from None
    windows = windows_in(found)
    if windows is None:
        raise DataError(f"{path.name}: {_FORM}")
    return Anomalies(name=path.name, windows=windows)


_FORM = (
    'an object was expected that gives each series its anomalies: {"group/series.csv": [["2026-05-31 08:00", '
    '"2026-05-31 12:00"], …]}, windows or single moments'
)


def windows_in(found: Any) -> dict[str, tuple[tuple[Any, Any], ...]] | None:
    """The windows by series of such an object; none where it is no such object."""
    if not isinstance(found, dict) or not found or not all(isinstance(each, list) for each in found.values()):
        return None
    windows = {}
    for name, each in found.items():
        pairs = [tuple(one) if isinstance(one, list) else (one, one) for one in each]
        if not all(len(pair) == 2 and all(isinstance(at, (str, int, float)) for at in pair) for pair in pairs):
            return None
        windows[name] = tuple(pairs)
    return windows


def of_series(found: Anomalies, names: Sequence[str]) -> tuple[dict[str, tuple[tuple[Any, Any], ...]], list[str]]:
    """The windows of the series that are there, by their names, and a line for each name that is of none.

    A series is meant by its path, or by the end of it.
    """
    meant, lost = {}, []
    for given, windows in found.windows.items():
        own = [name for name in names if _ends(name, given) or _ends(given, name)]
        if len(own) == 1:
            meant[own[0]] = windows
        else:
            why = absent(given, names) if not own else f"that may be {' or '.join(own[:3])}"
            lost.append(f"{found.name}: there is no series {given!r}; {why}")
    return meant, lost


def _ends(path: str, tail: str) -> bool:
    parts, last = PurePosixPath(path).parts, PurePosixPath(tail).parts
    return parts[-len(last) :] == last


def flagged(
    windows: Sequence[tuple[Any, Any]], time: Floats, *, dated: bool, series: str, name: str
) -> tuple[Floats, list[str]]:
    """(steps,) 1 within a window, both ends included, else 0; and a line for each window that holds no step.

    Args:
        time: (steps,) rising; microseconds since 1970 where it is `dated`.
        name: of the file that says it.
    """
    flags, amiss = np.zeros(len(time)), []
    for number, (begin, end) in enumerate(windows, 1):
        which = (
            f"{name}: {series}: anomaly {number}, {begin} to {end},"
            if begin != end
            else (f"{name}: {series}: anomaly {number}, {begin},")
        )
        try:
            low, high = _moment(begin, dated=dated), _moment(end, dated=dated)
        except (ValueError, TypeError):
            amiss.append(f"{which} is not written as a {'date' if dated else 'number'}, as the series' times are")
            continue
        inside = (time >= low) & (time <= high)
        if low > high:
            amiss.append(f"{which} ends before it begins")
        elif not inside.any():
            where = "outside the series" if high < time[0] or low > time[-1] else "where the series has no step"
            amiss.append(
                f"{which} lies {where}, which has {len(time):,} steps from {_shown(time[0], dated=dated)} to "
                f"{_shown(time[-1], dated=dated)}"
            )
        flags[inside] = 1.0
    return flags, amiss


def _moment(value: Any, *, dated: bool) -> float:
    if not dated:
        return float(value)
    if not isinstance(value, str):
        raise TypeError(value)
    moment = pd.Timestamp(value)
    moment = moment.tz_convert(None) if moment.tzinfo else moment
    return float(moment.to_datetime64().astype("datetime64[us]").astype(np.int64))


def _shown(value: float, *, dated: bool) -> str:
    return str(np.datetime64(int(value), "us").astype("datetime64[s]")).replace("T", " ") if dated else f"{value:g}"
