"""Trees that tell the label of a pixel by what filters say of it and around it."""

from __future__ import annotations

from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

from concours.entrants.coloured import width_of
from concours.entrants.inputs import images
from concours.kernels.scoring.masks import VOID

_SCALES: Final = (0.7, 1.6, 3.5)
_SURROUND = 8.0
_AT_ONCE = 16


class _Pixels(BaseEstimator):
    """What tells the label of a pixel by its filters.

    These are the colours, and at three scales of a Gaussian their means, and of their mean the gradient and the two
    curvatures, and the deviation around (as of Arganda-Carreras et al. 2017, "Trainable Weka Segmentation"); the mean
    colour of a wide surround; and where in the picture the pixel lies. As many pixels of each picture are learned from.

    Pictures, targets and predictions are as `entrants.coloured.TypicalMasks` has them.
    """

    pixels: int
    classes: int | None
    random_state: int | None

    def _model(self) -> Any:
        """An unfitted classifier of rows of filters."""
        raise NotImplementedError

    def fit(self, X: Any, y: Any) -> Self:
        """Fit to pictures and their masks."""
        pictures, codes = images(X), np.asarray(y)
        self.width_ = width_of(codes, self.classes)
        rng, size = np.random.default_rng(self.random_state), codes[0].size
        each = min(size, max(1, self.pixels // len(pictures)))
        drawn = [rng.choice(size, each, replace=False) for _ in pictures]
        rows = [responses(picture)[some] for picture, some in zip(pictures, drawn, strict=True)]
        labels = [mask.ravel()[some] for mask, some in zip(codes, drawn, strict=True)]
        found = np.concatenate(labels)
        self.model_ = self._model().fit(np.concatenate(rows)[found != VOID], found[found != VOID])
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Probabilities of pictures."""
        pictures = images(X)
        found = np.zeros((len(pictures), *pictures.shape[1:3], self.width_))
        for start in range(0, len(pictures), _AT_ONCE):
            some = pictures[start : start + _AT_ONCE]
            told = self.model_.predict_proba(np.concatenate([responses(picture) for picture in some]))
            found[start : start + _AT_ONCE, ..., self.model_.classes_] = told.reshape(*some.shape[:3], -1)
        return found


class PixelForest(_Pixels):
    """A random forest (Breiman 2001) on the responses of filters at each pixel.

    `trees`: how many; `pixels`: of all pictures that are learned from, drawn by chance.
    """

    def __init__(
        self, *, trees: int = 30, pixels: int = 30_000, classes: int | None = None, random_state: int | None = None
    ) -> None:
        self.trees = trees
        self.pixels = pixels
        self.classes = classes
        self.random_state = random_state

    def _model(self) -> Any:
        return RandomForestClassifier(self.trees, min_samples_leaf=5, random_state=self.random_state, n_jobs=1)


class PixelBoosting(_Pixels):
    """Boosted trees by histograms on the responses of filters at each pixel.

    `rounds` of boosting; `pixels`: of all pictures that are learned from, drawn by chance.
    """

    def __init__(
        self, *, rounds: int = 150, pixels: int = 60_000, classes: int | None = None, random_state: int | None = None
    ) -> None:
        self.rounds = rounds
        self.pixels = pixels
        self.classes = classes
        self.random_state = random_state

    def _model(self) -> Any:
        return HistGradientBoostingClassifier(
            max_iter=self.rounds, early_stopping=False, random_state=self.random_state
        )


def responses(picture: NDArray[Any]) -> NDArray[np.float32]:
    """What filters say of each pixel of a picture (height, width, colours): (pixels, filters)."""
    colours = picture.astype(np.float32)
    grey = colours.mean(axis=2)
    maps = [*np.moveaxis(colours, 2, 0)]
    for scale in _SCALES:
        maps += [ndimage.gaussian_filter(colour, scale) for colour in np.moveaxis(colours, 2, 0)]
        maps.append(ndimage.gaussian_gradient_magnitude(grey, scale))
        maps += _curvatures(grey, scale)
        mean, square = (ndimage.gaussian_filter(values, 2 * scale) for values in (grey, grey**2))
        maps.append(np.sqrt(np.maximum(square - mean**2, 0)))
    maps += [ndimage.gaussian_filter(colour, _SURROUND) for colour in np.moveaxis(colours, 2, 0)]
    down, across = np.mgrid[: picture.shape[0], : picture.shape[1]].astype(np.float32)
    return np.stack([*maps, down, across], axis=-1).reshape(-1, len(maps) + 2)


def _curvatures(grey: NDArray[np.float32], scale: float) -> list[NDArray[np.float32]]:
    """The greater and the lesser curvature: the eigenvalues of the second derivatives."""
    yy, xx, xy = (ndimage.gaussian_filter(grey, scale, order=order) for order in ((2, 0), (0, 2), (1, 1)))
    middle, half = (yy + xx) / 2, np.hypot((yy - xx) / 2, xy)
    return [middle + half, middle - half]
