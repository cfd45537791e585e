"""From clips to matrices: what does not hang on the order of frames, and what does."""

from __future__ import annotations

from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from concours.entrants.inputs import clips

_CELLS: Final = 12
"""Cells of a frame, a side, whose means are taken."""
_STRETCHES: Final = 4


class FrameAverage(TransformerMixin, BaseEstimator):
    """The mean of the frames: clips (n, frames, height, width, colours) to the means of at most 12 × 12 cells, in
    [0, 1] where they are uint8. The order of frames is lost.
    """

    def fit(self, X: NDArray[Any], y: object = None) -> Self:
        self.fitted_ = True
        return self

    def transform(self, X: NDArray[Any]) -> NDArray[np.float32]:
        return _cells(clips(X).mean(axis=1, dtype=np.float32)).reshape(len(X), -1)


class FrameMotion(TransformerMixin, BaseEstimator):
    """What changes, and where, and when: beside the mean of the frames, by cells, how much successive frames differ, in
    four stretches of time; and for each of these how bright the cell is less what it is on average.
    """

    def fit(self, X: NDArray[Any], y: object = None) -> Self:
        self.fitted_ = True
        return self

    def transform(self, X: NDArray[Any]) -> NDArray[np.float32]:
        rows = [self._described(clip.astype(np.float32)) for clip in clips(X)]
        return np.stack(rows)

    @staticmethod
    def _described(clip: NDArray[np.float32]) -> NDArray[np.float32]:
        grey = _cells(clip).mean(axis=-1)
        change = _cells(np.abs(np.diff(clip, axis=0)).mean(axis=-1, keepdims=True))[..., 0]
        changes = [part.mean(axis=0) for part in np.array_split(change, min(_STRETCHES, len(change)))]
        bright = [part.mean(axis=0) - grey.mean(axis=0) for part in np.array_split(grey, min(_STRETCHES, len(grey)))]
        return np.concatenate([each.ravel() for each in (grey.mean(axis=0), *changes, *bright)]).astype(np.float32)


def _cells(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means of cells of frames (n, height, width, colours), a share of the brightest that bytes have."""
    height, width = frames.shape[1:3]
    down = np.add.reduceat(frames, _edges(height), axis=1) / _lengths(height)[:, None, None]
    both = np.add.reduceat(down, _edges(width), axis=2) / _lengths(width)[:, None]
    return np.asarray(both / np.float32(255), dtype=np.float32)


def _edges(side: int) -> NDArray[np.int64]:
    return np.linspace(0, side, min(side, _CELLS), endpoint=False).astype(np.int64)


def _lengths(side: int) -> NDArray[np.float32]:
    return np.diff(np.append(_edges(side), side)).astype(np.float32)
