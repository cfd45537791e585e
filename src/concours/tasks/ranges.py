"""Numbers in ranges that people would write: `20 to 28`, `over 38`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from concours.kernels.scoring.diagnosis import joined

Floats = NDArray[np.float64]
Ranged = tuple[tuple[str, ...], NDArray[np.int32]]
"""The ranges as texts, and which of them each row is in, (rows,); -1 where a number is missing."""

_FEW = 8
_GROUPED = 10_000  # from here on digits are grouped, so that years are not


def ranged(values: Floats, unit: str = "", *, least: int = 1) -> Ranged:
    """Ranges of about a quarter of the rows each, between bounds rounded to a few digits; a bound belongs below.

    Up to eight different numbers are each a range of their own, joined with the next ones until it has `least` rows.
    `values` are (rows,) with NaN where missing.
    """
    known = values[np.isfinite(values)]
    singles, counts = np.unique(known, return_counts=True)
    texts = [f"{_text(value)}{unit}" for value in singles[: _FEW + 1]]
    if len(texts) <= _FEW and len(set(texts)) == len(texts):
        runs = joined(counts, least)
        names = (texts[a] if a == b else f"{texts[a]} to {texts[b]}" for a, b in runs)
        return tuple(names), _places(singles[[end for _, end in runs]], values)
    quartiles = np.unique(np.quantile(known, [0.25, 0.5, 0.75]))
    step = _step(quartiles if len(quartiles) > 1 else np.array([known.min(), known.max()]))
    whole = bool((known == np.floor(known)).all())
    digits = int(max(0, -np.log10(step))) if step < 1 and not whole else 0
    if whole and step <= 1:
        return _between(values, np.unique(np.floor(quartiles)), lambda v: f"{_text(v)}{unit}", "{} or more", apart=1)
    bounds = np.unique(np.round(np.round(quartiles / step) * step, digits))
    return _between(values, bounds, lambda v: f"{_text(v)}{unit}", "over {}", apart=0)


def ranged_days(days: Floats) -> Ranged:
    """The same for days since 1970, whole numbers, written as dates."""
    known = days[np.isfinite(days)]
    bounds = np.unique(np.floor(np.quantile(known, [0.25, 0.5, 0.75])))
    return _between(days, bounds, lambda day: str(np.datetime64(int(day), "D")), "{} or later", apart=1)


def _between(values: Floats, bounds: Floats, show: Callable[[float], str], beyond: str, *, apart: int) -> Ranged:
    """Ranges that end at the bounds; `apart`: what lies between the end of one and the beginning of the next."""
    least, most = np.nanmin(values), np.nanmax(values)
    texts = [show(bounds[0]) if least == bounds[0] else f"up to {show(bounds[0])}"]
    for low, high in zip(bounds[:-1] + apart, bounds[1:], strict=True):
        texts.append(show(high) if low == high else f"{show(low)} to {show(high)}")
    first = bounds[-1] + apart
    texts.append(show(first) if apart and most == first else beyond.format(show(first)))
    return tuple(texts), _places(bounds, values)


def _places(bounds: Floats, values: Floats) -> NDArray[np.int32]:
    return np.where(np.isfinite(values), np.searchsorted(bounds, values), -1).astype(np.int32)


def _step(bounds: Floats) -> float:
    """A power of ten, well below the least distance of two bounds."""
    return float(10.0 ** np.floor(np.log10(np.diff(bounds).min() / 4)))


def _text(value: float) -> str:
    value = value + 0.0  # no minus before nothing
    written = f"{value:.6g}" if abs(value) < 1e6 or abs(value) >= 1e15 else f"{value:.0f}"
    whole, point, rest = written.partition(".")
    if "e" in written or abs(value) < _GROUPED:
        return written
    return f"{int(whole):,}{point}{rest}"
