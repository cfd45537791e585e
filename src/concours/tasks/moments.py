"""Dates and times of the day as people write them, with AM and PM and zones."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

MOMENT = pa.timestamp("us")
"""Of dates: microseconds by the clock of Greenwich, without a zone."""

DAY_FIRST = ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d %m %Y", "%d/%m/%y", "%d.%m.%y", "%d-%m-%y")
MONTH_FIRST = tuple(re.sub("%d(.)%m", r"%m\1%d", pattern) for pattern in DAY_FIRST)
"""Of the same cells, one by one."""
_NUMERIC = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y %m %d", *DAY_FIRST, *MONTH_FIRST, "%y-%m-%d", "%y/%m/%d", "%y.%m.%d",
)  # fmt: skip
_NAMED = (
    "%d %b %Y", "%d-%b-%Y", "%d/%b/%Y", "%d.%b.%Y", "%d. %b %Y", "%d%b%Y", "%d-%b-%y", "%d %b %y", "%d %B %Y",
    "%d-%B-%Y", "%d. %B %Y", "%b %d, %Y", "%b %d %Y", "%B %d, %Y", "%B %d %Y", "%b. %d, %Y", "%Y-%b-%d", "%Y %b %d",
    "%b %Y", "%b-%Y", "%B %Y", "%b-%y", "%d %b, %Y", "%a, %d %b %Y", "%a %d %b %Y", "%a %b %d %Y", "%a, %b %d, %Y",
    "%A, %d %B %Y", "%A, %d. %B %Y", "%A, %B %d, %Y", "%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S %z %Y",
    "%d/%b/%Y:%H:%M:%S %z",
)  # fmt: skip
_LOOKS = (
    (r"^\d{1,4}[-/. ]\d{1,2}[-/. ]\d{1,4}(?:\D|$)", _NUMERIC),
    (r"^(?:\d{4}[-/.]\d{2}|\d{2}[-/.]\d{4})$", ("%Y-%m", "%Y/%m", "%m/%Y", "%m-%Y")),
    (r"(?i)(?:^|[^a-z])(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}(?:[^a-z]|$)", _NAMED),
)
_ZONES = {"Z": 0, "UTC": 0, "GMT": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8,
          "PDT": -7, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3}  # fmt: skip
"""Hours ahead of Greenwich; those of RFC 2822, and of Europe."""
_CLOCK = (
    r"(?P<hour>\d{1,2})(?::(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d)(?:[.,](?P<part>\d{1,9}))?)?)?"
    r"(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?"
)
_ZONE = rf"(?:\s*(?P<zone>{'|'.join(_ZONES)}|[+-]\d{{2}}(?::?\d{{2}})?))?"
_MOMENT = rf"^(?P<day>.*?)(?:(?:T|,?\s+){_CLOCK}{_ZONE})?$"
_TIME = rf"^{_CLOCK}$"
_SAMPLE = 500
_LIKELY = 0.2

ISO = "%Y-%m-%d"
"""Read in every column of dates: it cannot be anything else."""


def dates_of(words: pa.Array, patterns: str) -> pa.Array:
    """Words (n,) as moments by the first of some patterns of `strptime`, joined by bars, that fits; else by `ISO`.

    Null where a word is none.
    """
    first, *others = patterns.split("|")
    found = stamps_of(words, first)
    for pattern in [*others, *([] if "%Y-%d" in patterns else [ISO])]:
        left = pc.and_(pc.is_valid(words), pc.is_null(found))
        if pattern != first and pc.any(left).as_py():
            found = pc.coalesce(found, stamps_of(pc.if_else(left, words, pa.scalar(None, pa.string())), pattern))
    return found


def stamps_of(words: pa.Array, pattern: str) -> pa.Array:
    """Words (n,) as moments by one pattern of `strptime`; null where a word is none.

    A pattern without hours is of the day, and any time may stand behind it: 14:05, 2:05:30.5 PM, 14:05+02:00.
    """
    if _has_clock(pattern):
        return _days(words, pattern)
    return _stamps(*_clocked(words), pattern)


def _clocked(words: pa.Array) -> tuple[pa.DictionaryArray, pa.Array]:
    """Words (n,) apart: what stands before a time of the day, and its microseconds after midnight at Greenwich;
    null where it is no time.
    """
    parts = pc.extract_regex(words, _MOMENT)
    zones = pc.struct_field(parts, "zone").dictionary_encode()
    ahead = pa.array([_ahead(zone) for zone in zones.dictionary.to_pylist()], pa.float64()).take(zones.indices)
    clock = pc.if_else(pc.equal(pc.struct_field(parts, "hour"), ""), 0.0, pc.subtract(_seconds(parts, 24), ahead))
    return pc.struct_field(parts, "day").dictionary_encode(), pc.round(pc.multiply(clock, 1e6)).cast(pa.int64())


def _stamps(days: pa.DictionaryArray, clock: pa.Array, pattern: str) -> pa.Array:
    known = _days(days.dictionary, pattern).take(days.indices)
    return pc.add(known.cast(pa.int64()), clock).cast(MOMENT)


def seconds_of(words: pa.Array) -> pa.Array:
    """Words (n,) as seconds since midnight, of times like 14:05, 14:05:30.5 or 2:05 PM; null where a word is none."""
    return _seconds(pc.extract_regex(words, _TIME), 100, bare=False)


def likely_patterns(words: pa.Array) -> list[str]:
    """Patterns that many of the words (n,) may be dates by, evaluated by some of them from everywhere.

    A column may be written by several.
    """
    some = sampled(words)
    found: list[str] = []
    for looks, patterns in _LOOKS:
        if _share(pc.match_substring_regex(some, looks)) >= _LIKELY:
            clocked = _clocked(some)  # once for all of them
            read = {p: _days(some, p) if _has_clock(p) else _stamps(*clocked, p) for p in patterns}
            found += [p for p, stamps in read.items() if _share(pc.is_valid(stamps)) >= _LIKELY]
    return found


def sampled(words: pa.Array) -> pa.Array:
    """Some of the words, from everywhere, always the same."""
    places = np.linspace(0, max(len(words) - 1, 0), min(len(words), _SAMPLE)).astype(np.int64)
    return words.take(pa.array(np.unique(places)))


def has_halves(words: pa.Array) -> bool:
    """Whether AM or PM stands behind one of the words."""
    return bool(pc.any(pc.match_substring_regex(words, r"(?i)\d\s*[ap]\.?m\.?\b")).as_py())


def _has_clock(pattern: str) -> bool:
    return "%H" in pattern or "%I" in pattern or "%c" in pattern


def _days(words: pa.Array, pattern: str) -> pa.Array:
    stamps = pd.to_datetime(pd.Series(words.to_pandas(), dtype="str"), format=pattern, errors="coerce", utc=True)
    return pa.array(stamps.dt.tz_localize(None).dt.as_unit("us"), MOMENT)


def _seconds(parts: pa.Array, hours: int, *, bare: bool = True) -> pa.Array:
    """Of the parts of clocks, null where there is no such time. `bare`: whether an hour alone is one."""
    hour, minute, second = (_number(pc.struct_field(parts, name)) for name in ("hour", "minute", "second"))
    part = pc.struct_field(parts, "part")
    fraction = _number(pc.binary_join_element_wise("0.", pc.if_else(pc.equal(part, ""), "0", part), ""))
    half = pc.utf8_lower(pc.struct_field(parts, "half"))
    halved = pc.not_equal(half, "")
    twelve = pc.if_else(pc.equal(hour, 12.0), 0.0, hour)
    day_hour = pc.if_else(pc.equal(half, "p"), pc.add(twelve, 12.0), pc.if_else(halved, twelve, hour))
    valid = pc.if_else(halved, pc.and_(pc.less_equal(hour, 12.0), pc.greater(hour, 0.0)), pc.less(hour, float(hours)))
    if not bare:
        valid = pc.and_(valid, pc.not_equal(pc.struct_field(parts, "minute"), ""))
    total = pc.add(pc.add(pc.multiply(day_hour, 3600.0), pc.multiply(minute, 60.0)), pc.add(second, fraction))
    return pc.if_else(valid, total, pa.scalar(None, pa.float64()))


def _number(words: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(words, ""), "0", words).cast(pa.float64())


def _ahead(zone: str | None) -> float | None:
    """Seconds."""
    if zone is None:
        return None
    if not zone or zone in _ZONES:
        return 3600.0 * _ZONES.get(zone, 0)
    digits = zone[1:].replace(":", "").ljust(4, "0")
    seconds = 3600.0 * int(digits[:2]) + 60.0 * int(digits[2:])
    return -seconds if zone[0] == "-" else seconds


def _share(mask: pa.Array) -> float:
    found: NDArray[np.bool_] = np.asarray(pc.fill_null(mask, False))
    return float(found.mean()) if len(found) else 0.0
