"""How quantities are written for people."""

from __future__ import annotations

from concours.report.axis import NOTHING


def seconds(value: float | None) -> str:
    """A duration, in the unit that suits it."""
    if value is None:
        return NOTHING
    if value < 0.0995:
        return f"{1000 * value:.2g} ms"
    if value < 99.5:
        return f"{value:.{2 if value < 0.995 else 1 if value < 9.95 else 0}f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def money(value: float | None) -> str:
    """An amount, in the currency of the prices, which nobody names."""
    return NOTHING if value is None else f"{value:.3g}"


def share(value: float | None, digits: int = 1) -> str:
    """A share in percent."""
    return NOTHING if value is None else f"{100 * value:.{digits}f}%".replace("-", "−")
