"""Intervals as lines of text, all on one scale."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text


class IntervalPlot:
    """Intervals on one scale; what lies beyond its ends is cut off, and an arrow says so.

    The scale holds the bounds given, or, unless `whole`, those that do not lie far from the rest.
    """

    def __init__(self, bounds: Sequence[tuple[float, float]], width: int, *, whole: bool = False) -> None:
        self.width = width
        lows, highs = sorted(low for low, _ in bounds), sorted(high for _, high in bounds)
        self._low, self._high = (lows[0], highs[-1]) if bounds else (0.0, 1.0)
        if bounds and not whole:
            spread = highs[len(highs) // 2] - lows[len(lows) // 2] or 1e-9
            self._low = max(self._low, lows[len(lows) // 2] - 6 * spread)
            self._high = min(self._high, highs[len(highs) // 2] + 6 * spread)

    def bar(self, low: float, high: float, point: float) -> Text:
        """An interval as a line with its point."""
        first, last, at = (self._place(value) for value in (low, high, point))
        cells = [" "] * self.width
        if first >= self.width:
            cells[-1] = "▸"
        elif last < 0:
            cells[0] = "◂"
        else:
            for place in range(max(first, 0), min(last, self.width - 1) + 1):
                cells[place] = "─"
            if 0 <= at < self.width:
                cells[at] = "●"
            if last >= self.width:
                cells[-1] = "▸"
            if first < 0:
                cells[0] = "◂"
        return Text("".join(cells))

    def _place(self, value: float) -> int:
        return round((value - self._low) / ((self._high - self._low) or 1.0) * (self.width - 1))
