"""What a step of a series is against the series' own past, which is all that is known when it comes."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_IQR: Final = 1.349
"""Interquartile range of a normal distribution of deviation 1."""
_FLOOR: Final = 0.1
"""Of the deviation, the least that a scale is: quartiles may be equal where values mostly are."""

HELD: Final = 3
"""For how many windows a surprise is held."""
SURPRISES: Final = 6
"""How many surprises a step has, of as many things that are looked at."""


def told_from_past(values: Floats) -> Floats:
    """Each value less the median of all so far, by their spread, (steps,); 0 where all are equal.

    The spread is the interquartile range by 1.349, or a tenth of the deviation where that is more. Law: later values
    change nothing.
    """
    so_far = pd.Series(values).expanding()
    middle = so_far.median().to_numpy()
    quartiles = (so_far.quantile(0.75) - so_far.quantile(0.25)).to_numpy()
    spread = np.maximum(quartiles / _IQR, _FLOOR * so_far.std().fillna(0.0).to_numpy())
    return np.asarray((values - middle) / np.where(spread > 0, spread, 1.0))


def surprise(values: Floats) -> Floats:
    """How rare it is so far that a value is as high, (steps,): minus log10 of a conformal p-value.

    That is the share of all values so far, itself among them, that are at least as high (Laxhammar and Falkman 2014):
    1 where as many as a tenth are, 2 of a hundredth; at most the logarithm of how many there are. Law: later values
    change nothing.
    """
    rank = pd.Series(values).expanding().rank(method="max", ascending=False).to_numpy()
    return np.asarray(-np.log10(rank / np.arange(1, len(values) + 1)))


def standardised(values: Floats) -> Floats:
    """Values told from their past, (steps,), far ones by their logarithm (asinh)."""
    return np.asarray(np.arcsinh(told_from_past(values)))


def surprises(level: Floats, window: int, season: int) -> Floats:
    """What is surprising of each step, (steps, SURPRISES), of standardised values (steps,).

    How far they lie from their past on average, over the last sixteenth and quarter of a window, a window, and two; how
    far the mean of a window lies from that of the window before; and how far the values of a window lie from those one
    season before, 0 where the series is said to have none. Each of these is told from its own past, and then ranked in
    it (`surprise`), so that a series that always jumps does not surprise by a jump.
    """
    series = pd.Series(level)
    spans = (max(window // 16, 1), max(window // 4, 1), window, 2 * window)
    strange = [_mean(series.abs(), span) for span in spans]
    means = _mean(series, window)
    moved = (means - means.shift(window)).fillna(0.0)
    found = [surprise(told_from_past(one.to_numpy())) for one in strange]
    found.append(surprise(np.abs(told_from_past(moved.to_numpy()))))
    if 1 < season < len(level):
        again = (series - series.shift(season)).abs().fillna(0.0)
        found.append(surprise(told_from_past(_mean(again, window).to_numpy())))
    else:
        found.append(np.zeros(len(level)))
    return np.stack(found, axis=1)


def _mean(series: pd.Series, steps: int) -> pd.Series:
    return series.rolling(steps, min_periods=1).mean()


def rows_of(values: Floats, window: int, season: int) -> NDArray[np.float32]:
    """The rows of a series, (steps - first, window + SURPRISES + 1), from step `first_row(window)` on.

    A row is the last `window` standardised values, the latest last; the surprises; and how high their mean over an
    eighth of a window was at the highest since the first row, or in the last `HELD` windows, which does not flicker as
    they do. Law: a row is the same whatever comes after its step.
    """
    first, level = first_row(window), standardised(values)
    windows = np.lib.stride_tricks.sliding_window_view(level, window)[first - window + 1 :]
    now = surprises(level, window, season)[first:]
    lately = _mean(pd.Series(now.mean(axis=1)), max(window // 8, 1))
    held = lately.rolling(HELD * window, min_periods=1).max().to_numpy()[:, None]
    return np.concatenate([windows, now, held], axis=1).astype(np.float32)


def first_row(window: int) -> int:
    """The first step that has so much past that it can be told from it."""
    return 2 * window - 1
