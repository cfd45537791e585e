"""Sounds as numbers: log-mel spectrograms, their statistics over time, and pictures of one size of them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.fft import dct, rfft
from scipy.signal import get_window
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

Floats = NDArray[np.float64]

_FRAME, _STEP = 0.025, 0.010
_LOWEST = 50.0
_FLOOR = 1e-10
_RANGE = 80.0
"""Decibels below the loudest place of a sound that a picture of it shows."""
_QUANTILES = (0.1, 0.5, 0.9)


def log_mel(samples: NDArray[np.int16], rate: int, bands: int = 40) -> Floats:
    """The loudness of bands of pitch over time, (frames, bands), in decibels of full scale; silence is -100.

    Frames of 25 ms every 10 ms, under a Hann window; the power of their spectrum, summed by triangles that are even on
    the mel scale (Stevens, Volkmann and Newman 1937; the formula is O'Shaughnessy's, 1987) from 50 Hz to half of the
    rate. Samples (n,) are 16-bit, n at least 1: what is shorter than a frame is filled up with silence.
    """
    length, step = round(_FRAME * rate), max(1, round(_STEP * rate))
    wave = np.zeros(max(length, len(samples)))
    wave[: len(samples)] = samples
    frames = np.lib.stride_tricks.sliding_window_view(wave, length)[::step]
    window = get_window("hann", length)
    size = 1 << (length - 1).bit_length()
    spectrum = rfft(frames * (window / window.sum() / 32768), size)
    power = spectrum.real**2 + spectrum.imag**2
    loudness: Floats = 10 * np.log10(power @ _triangles(rate, size, bands).T + _FLOOR)
    return loudness


@cache
def _triangles(rate: int, size: int, bands: int) -> Floats:
    """How much each frequency of a spectrum of `size` samples counts in each band, (bands, size // 2 + 1)."""
    first, last = 2595 * np.log10(1 + np.array([min(_LOWEST, rate / 8), rate / 2]) / 700)
    corners = 700 * (10 ** (np.linspace(first, last, bands + 2) / 2595) - 1)
    pitch = np.arange(size // 2 + 1) * rate / size
    low, middle, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    return np.clip(np.minimum((pitch - low) / (middle - low), (high - pitch) / (high - middle)), 0, None)


class MelStatistics(TransformerMixin, BaseEstimator):
    """How the sound of each row is, over time: from a frame of sounds to a matrix (n, features) float32, standardised.

    Of the first `cepstra` coefficients of the cosine transform of log-mels (Davis and Mermelstein 1980), without the
    one that is loudness, and of their change from frame to frame: mean, deviation and quantiles over all frames, and
    means over each of `parts` stretches of equal length, which tell what comes first. Law: a sound made louder or
    softer has the same features, as long as none of its frames is silence and none is cut off.

    The frame has `sound`, samples (n,) of 16 bits, and `rate`, samples a second.
    """

    def __init__(self, *, cepstra: int = 13, parts: int = 5) -> None:
        self.cepstra = cepstra
        self.parts = parts

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:
        self.fit_transform(X)
        return self

    def fit_transform(self, X: pd.DataFrame, y: object = None) -> NDArray[np.float32]:
        """The same as `fit` and `transform`, in half of the time."""
        values = self._statistics(X)
        self.mean_, deviation = values.mean(axis=0), values.std(axis=0)
        self.deviation_ = np.where(deviation > 0, deviation, 1.0)
        return self._standardised(values)

    def transform(self, X: pd.DataFrame) -> NDArray[np.float32]:
        check_is_fitted(self, "mean_")
        return self._standardised(self._statistics(X))

    def _standardised(self, values: Floats) -> NDArray[np.float32]:
        return ((values - self.mean_) / self.deviation_).astype(np.float32)

    def _statistics(self, X: pd.DataFrame) -> Floats:
        return np.stack([self._of(loudness) for loudness in _log_mels(X)])

    def _of(self, loudness: Floats) -> Floats:
        shape = dct(loudness, axis=1, norm="ortho")[:, 1 : self.cepstra]
        change = np.diff(shape, axis=0, prepend=shape[:1])
        both = np.hstack([shape, change])
        ends = np.linspace(0, len(both), self.parts + 1)
        stretches = [both[int(low) : max(int(low) + 1, int(high))].mean(axis=0) for low, high in pairwise(ends)]
        whole = [both.mean(axis=0), both.std(axis=0), *np.quantile(both, _QUANTILES, axis=0)]
        return np.concatenate([*whole, *stretches])


class MelPictures(TransformerMixin, BaseEstimator):
    """Log-mels as pictures of one size: from a frame of sounds to (n, bands, width) uint8, low pitch first.

    Time is stretched or shrunk to `width` columns, by the straight line between frames. The loudest place of a sound is
    255, and what is 80 decibels softer 0, so that how loud it was recorded does not count. What there is to a sound's
    length is lost. The frame is as that of `MelStatistics`; nothing is fitted.
    """

    def __init__(self, *, bands: int = 40, width: int = 64) -> None:
        self.bands = bands
        self.width = width

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:
        self.fitted_ = True
        return self

    def transform(self, X: pd.DataFrame) -> NDArray[np.uint8]:
        return np.stack([self._drawn(loudness) for loudness in _log_mels(X, self.bands)])

    def _drawn(self, loudness: Floats) -> NDArray[np.uint8]:
        place = np.linspace(0, len(loudness) - 1, self.width)
        before = place.astype(int)
        after = np.minimum(before + 1, len(loudness) - 1)
        part = (place - before)[:, None]
        drawn = loudness[before] * (1 - part) + loudness[after] * part
        return _shaded(drawn, loudness.max(), 0).T


def mel_frames(X: pd.DataFrame, bands: int) -> NDArray[np.uint8]:
    """Log-mels over time, (n, frames, bands) uint8, filled up by 0 to the longest sound of the frame.

    The loudest place of a sound is 255, and what is 80 decibels softer 1.
    """
    heard = [_shaded(loudness, loudness.max(), 1) for loudness in _log_mels(X, bands)]
    found = np.zeros((len(heard), max(map(len, heard), default=1), bands), dtype=np.uint8)
    for row, one in zip(found, heard, strict=True):
        row[: len(one)] = one
    return found


def _shaded(loudness: Floats, loudest: float, least: int) -> NDArray[np.uint8]:
    """255 at the loudest place, `least` where it is 80 decibels softer."""
    below = (loudest - loudness) / _RANGE
    return np.rint(least + (255 - least) * np.clip(1 - below, 0, 1)).astype(np.uint8)


def _log_mels(X: pd.DataFrame, bands: int = 40) -> Iterator[Floats]:
    for samples, rate in zip(X["sound"], X["rate"], strict=True):
        yield log_mel(np.asarray(samples), int(rate), bands)
