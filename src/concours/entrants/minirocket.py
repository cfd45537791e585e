"""MiniRocket (Dempster, Schmidt and Webb 2021): shares of positive values of fixed convolutions.

"MiniRocket: A very fast (almost) deterministic transform for time series classification", KDD 2021; of several channels
as its authors' code has them: each kernel and dilation sums some of the channels, drawn by chance.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from concours.entrants.sequence_features import filled

Floats = NDArray[np.float32]
Codes = NDArray[np.int64]

LENGTH: Final = 9
KERNELS: Final = tuple(combinations(range(LENGTH), 3))
"""Where each kernel is 2; elsewhere it is -1, so that its weights sum to 0."""

_DILATIONS: Final = 32
_CELLS: Final = 6_000_000
_MOST: Final = 9_996
_GOLDEN: Final = (np.sqrt(5) + 1) / 2


class MiniRocket(TransformerMixin, BaseEstimator):
    """Sequences (n, channels, steps) to a matrix (n, features) float32, standardised.

    A feature is the share of steps at which a sequence, convolved by a kernel, is above a bias: a quantile of the
    convolution of a sequence of the fit. Channels are standardised before by what was seen in the fit, as sensors have
    units of their own; gaps are filled by the last known value, and sequences of fewer than nine steps drawn out to
    nine by theirs.

    `features`: how many, to the next multiple of 84 below, at least 84; None: 9,996, fewer of many rows, so that the
    matrix has six million cells.

    Law: at the same seed the features of a sequence do not hang on the other rows that are transformed.
    """

    def __init__(self, *, features: int | None = None, random_state: int | None = 0) -> None:
        self.features = features
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        self.fit_transform(X)
        return self

    def fit_transform(self, X: ArrayLike, y: object = None) -> Floats:
        """The same as `fit` and `transform`, in less time."""
        rows = filled(X)
        flat = np.swapaxes(rows, 1, 2).reshape(-1, rows.shape[1]).astype(np.float64)
        deviation = flat.std(axis=0)
        self.centre_ = flat.mean(axis=0)
        self.deviation_ = np.where(deviation > 1e-7 * np.abs(self.centre_), deviation, 1.0)
        self._plan(rows)
        told = self._shares(rows)
        spread = told.std(axis=0, dtype=np.float64)
        self.mean_ = told.mean(axis=0, dtype=np.float64)
        self.spread_ = np.where(spread > 0, spread, 1.0)
        return self._standardised(told)

    def transform(self, X: ArrayLike) -> Floats:
        check_is_fitted(self, "mean_")
        rows = filled(X)
        if rows.shape[1] != len(self.centre_):
            raise ValueError(f"X must have {len(self.centre_)} channels, as in fit; got {rows.shape[1]}")
        return self._standardised(self._shares(rows))

    def _standardised(self, told: Floats) -> Floats:
        return ((told - self.mean_) / self.spread_).astype(np.float32)

    def _plan(self, rows: Floats) -> None:
        """Dilations, how many features each has of a kernel, the channels that are summed, and the biases."""
        rng = np.random.default_rng(self.random_state)
        wanted = self.features or min(_MOST, _CELLS // len(rows))
        self.dilations_, self.counts_ = dilations(max(rows.shape[2], LENGTH), max(1, wanted // len(KERNELS)))
        channels = rows.shape[1]
        size = len(self.dilations_) * len(KERNELS)
        most = min(channels, LENGTH)
        widths = (2 ** rng.uniform(0, np.log2(most + 1), size)).astype(np.int64)
        self.channels_ = np.zeros((size, channels), dtype=np.bool_)
        for chosen, width in zip(self.channels_, widths, strict=True):
            chosen[rng.choice(channels, width, replace=False)] = True
        shares = (np.arange(1, len(KERNELS) * int(self.counts_.sum()) + 1) * _GOLDEN) % 1
        examples = rng.integers(len(rows), size=size)
        scaled, biases, begin = self._scaled(rows), list[Floats](), 0
        for place, (dilation, count) in enumerate(zip(self.dilations_, self.counts_, strict=True)):
            own = slice(place * len(KERNELS), (place + 1) * len(KERNELS))
            said = convolved(scaled[np.unique(examples[own])], int(dilation), self.channels_[own])
            at = np.searchsorted(np.unique(examples[own]), examples[own])
            for example, each in zip(at, said, strict=True):
                biases.append(np.quantile(each[example], shares[begin : begin + count]))
                begin += count
        self.biases_ = np.concatenate(biases).astype(np.float32)

    def _scaled(self, rows: Floats) -> Floats:
        each = ((rows - self.centre_[:, None]) / self.deviation_[:, None]).astype(np.float32)
        short = LENGTH - each.shape[2]
        return each if short <= 0 else np.pad(each, ((0, 0), (0, 0), (0, short)), mode="edge")

    def _shares(self, rows: Floats) -> Floats:
        """(n, features): how often each convolution is above each bias."""
        each = self._scaled(rows)
        told = np.empty((len(each), len(self.biases_)), dtype=np.float32)
        begin = 0
        for place, (dilation, count) in enumerate(zip(self.dilations_, self.counts_, strict=True)):
            side = int(dilation) * (LENGTH - 1) // 2
            channels = self.channels_[place * len(KERNELS) : (place + 1) * len(KERNELS)]
            for kernel, said in enumerate(convolved(each, int(dilation), channels)):
                inner = (place + kernel) % 2 == 1 and 2 * side < said.shape[1]
                seen = said[:, side : said.shape[1] - side] if inner else said
                for bias in range(begin, begin + count):
                    told[:, bias] = np.count_nonzero(seen > self.biases_[bias], axis=1)
                told[:, begin : begin + count] /= seen.shape[1]
                begin += count
        return told


def dilations(steps: int, features: int) -> tuple[Codes, Codes]:
    """The dilations for sequences of so many steps, and how many of the features of a kernel each has."""
    most = min(features, _DILATIONS)
    exponent = np.log2((steps - 1) / (LENGTH - 1))
    found, counts = np.unique(np.logspace(0, exponent, most, base=2).astype(np.int64), return_counts=True)
    counts = (counts * (features / most)).astype(np.int64)
    for place in range(features - int(counts.sum())):
        counts[place % len(counts)] += 1
    return found, counts


def convolved(rows: Floats, dilation: int, channels: NDArray[np.bool_]) -> Iterator[Floats]:
    """(n, steps) of rows (n, channels, steps), by each kernel in turn, with zeros beyond the ends; `channels`
    (kernels, channels) says which of them it sums.

    A kernel of -1 everywhere but three places of 2 is three times these places less the sum of all, and that sum is
    the same for every kernel.
    """
    side = dilation * (LENGTH - 1) // 2
    steps = rows.shape[2]
    wide = np.pad(rows, ((0, 0), (0, 0), (side, side)))
    whole = wide[:, :, :steps].copy()
    for place in range(1, LENGTH):
        whole += wide[:, :, place * dilation : place * dilation + steps]
    for (one, two, three), chosen in zip(KERNELS, channels, strict=True):
        own, base = _summed(whole, chosen), _summed(wide, chosen)
        said = base[:, one * dilation : one * dilation + steps] + base[:, two * dilation : two * dilation + steps]
        said += base[:, three * dilation : three * dilation + steps]
        said *= 3
        said -= own
        yield said


def _summed(rows: Floats, chosen: NDArray[np.bool_]) -> Floats:
    """(n, steps): the sum of the chosen channels."""
    first, *others = np.flatnonzero(chosen)
    if not others:
        return rows[:, first]
    found = rows[:, first] + rows[:, others[0]]
    for other in others[1:]:
        found += rows[:, other]
    return found
