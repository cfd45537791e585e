"""A detector that does not look: what is where in most pictures."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from concours.kernels.rows.boxes import Boxes

_CELLS = 6


class TypicalBoxes(BaseEstimator):
    """The same boxes in every picture: as many as there are on average, in the cells of a grid where most were, each of
    the middle size of its class. The score is the share of pictures with such an object there.

    Targets and predictions are boxes as `tasks.outputs.boxes` has them.
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Counts; pictures are not looked at."""
        del X
        boxes = Boxes.of(y)
        classes = int(boxes.labels.max(initial=-1)) + 1
        middles = (boxes.corners[:, :2] + boxes.corners[:, 2:]) / 2
        cell = np.minimum((middles * _CELLS).astype(np.int64), _CELLS - 1)
        code = (boxes.labels * _CELLS + cell[:, 1]) * _CELLS + cell[:, 0]
        seen = np.unique(np.stack([boxes.rows, code]), axis=1)[1]
        often = np.bincount(seen, minlength=classes * _CELLS**2) / max(len(boxes), 1)
        count = int(np.ceil(len(boxes.labels) / max(len(boxes), 1)))
        best = np.argsort(-often, kind="stable")[:count]
        best = best[often[best] > 0]
        self.labels_, place = np.divmod(best, _CELLS**2)
        sides = boxes.corners[:, 2:] - boxes.corners[:, :2]
        half = np.array([np.median(sides[boxes.labels == label], axis=0) for label in self.labels_]).reshape(-1, 2) / 2
        middle = (np.stack([place % _CELLS, place // _CELLS], axis=1) + 0.5) / _CELLS
        self.corners_ = np.clip(np.concatenate([middle - half, middle + half], axis=1), 0.0, 1.0)
        self.scores_ = often[best]
        return self

    def predict(self, X: NDArray[Any]) -> Boxes:
        """The same of every picture."""
        rows = len(X)
        each = np.repeat(np.arange(rows), len(self.labels_))
        return Boxes.sorted(
            each,
            np.tile(self.labels_, rows),
            np.tile(self.scores_, rows),
            np.tile(self.corners_, (rows, 1)),
            among=rows,
        )
