"""Axes: from values to positions along a picture, in percent of its length, and the numbers that stand there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10
from statistics import median

NOTHING = "–"


@dataclass(frozen=True)
class Tick:
    """A number on an axis."""

    at: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Axis:
    """From `low` to `high`, both finite and low < high; `log` axes have low > 0."""

    name: str
    low: float
    high: float
    ticks: tuple[Tick, ...]
    log: bool = False

    def at(self, value: float) -> float:
        """Where a value lies, in percent; those beyond an end lie on it."""
        if self.log:
            return percent(log10(max(value, self.low)), log10(self.low), log10(self.high))
        return percent(value, self.low, self.high)


def linear(name: str, values: Iterable[float], *, fit: bool = False) -> Axis:
    """An axis that holds all these values, with a little room at its ends; with `fit` none."""
    low, high = (min(known), max(known)) if (known := [v for v in values if isfinite(v)]) else (0.0, 1.0)
    low, high = (low, high) if fit and low < high else widened(low, high)
    return Axis(name=name, low=low, high=high, ticks=tuple(Tick(percent(v, low, high), t) for v, t in ticks(low, high)))


def logarithmic(name: str, values: Iterable[float], *, unit: str = "") -> Axis:
    """An axis of powers of ten (and their twofold and fivefold where there is room) that holds all these values > 0."""
    known = [value for value in values if value > 0] or [1.0]
    low, high = log10(min(known)), log10(max(known))
    margin = max(0.06 * (high - low), 0.08)
    low, high = low - margin, high + margin
    factors = (1,) if high - low > 2.2 else (1, 2, 5) if high - low > 0.6 else (1, 1.5, 2, 3, 4, 5, 7)
    powers = range(floor(low), ceil(high) + 1)
    marks = [
        factor * 10.0**power for power in powers for factor in factors if low <= log10(factor * 10.0**power) <= high
    ]
    shown = tuple(Tick(percent(log10(value), low, high), f"{value:,.6g}{unit}") for value in marks)
    return Axis(name=name, low=10**low, high=10**high, ticks=shown, log=True)


def ticks(low: float, high: float) -> list[tuple[float, str]]:
    """About five round numbers between two."""
    rough = (high - low) / 5
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= 0.999 * rough)
    places = max(0, -floor(log10(step) + 1e-9))
    values = [step * number for number in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]
    return [(value, fixed(value, places)) for value in values]


def widened(low: float, high: float) -> tuple[float, float]:
    """The ends with a margin."""
    span, size = high - low, max(abs(low), abs(high))
    margin = 0.04 * span if span > 1e-9 * size else 0.05 * size or 0.5
    return low - margin, high + margin


def percent(value: float, low: float, high: float) -> float:
    """Where a value lies between two; those beyond lie on the ends."""
    return round(100 * min(1.0, max(0.0, (value - low) / (high - low))), 2)


def fixed(value: float | None, decimals: int) -> str:
    """A number with so many decimals; very large and very small ones in powers of ten; a dash for none."""
    if value is None:
        return NOTHING
    if decimals > 6 or abs(value) >= 1e7:
        mantissa, _, exponent = f"{value:.2e}".partition("e")
        text = f"{mantissa}e{int(exponent)}" if value else "0"
    else:
        text = f"{value:,.{decimals}f}"
    return text.removeprefix("-") if not text.strip("-0.,") else text.replace("-", "−")


def decimals(sizes: Sequence[float], *, digits: int) -> int:
    """How many decimals show so many significant digits of a typical one of these sizes; zeros do not count."""
    known = [abs(size) for size in sizes if size and isfinite(size)]
    return max(0, digits - ceil(log10(median(known)) - 1e-9)) if known else digits


def short(value: float | None, digits: int = 3) -> str:
    """A number on its own, with so many significant digits, and no zeros at its end."""
    if value is None:
        return NOTHING
    text = fixed(value, decimals([value], digits=digits))
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text
