"""Small neural networks as scikit-learn estimators: dense, convolutional, residual, vision transformer.

What was fitted is written as plain tensors and JSON, never pickled: after `set_tensors(get_tensors(), get_state())`, an
estimator of the same parameters predicts the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from concours.core.errors import nearest
from concours.entrants import networks
from concours.entrants.augmentations import augmentation
from concours.entrants.classifier import NeuralClassifier
from concours.entrants.inputs import images, table_or_images
from concours.entrants.looking import LooksAgain
from concours.entrants.regressor import NeuralRegressor
from concours.entrants.training import (
    Augmentation,
)

Array = NDArray[Any]

_BEGINS = ("model", "tensors")


class DenseClassifier(NeuralClassifier):
    """A multilayer perceptron for tables (n, features) and images (n, height, width[, colours]), which it flattens.

    `hidden`: widths of the hidden layers, None for two that follow the input. `norm`: "batch", "layer" or "none".
    """

    _build = staticmethod(networks.dense)
    _learning_rate = 2e-3
    _effort = 400.0
    goes_on = True
    begins = _BEGINS

    def __init__(
        self,
        *,
        hidden: Sequence[int] | None = None,
        norm: str = "batch",
        dropout: float = 0.2,
        epochs: int | None = None,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.hidden = hidden
        self.norm = norm
        self.dropout = dropout
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.random_state = random_state

    def _read(self, X: ArrayLike) -> Array:
        return table_or_images(X)

    def _shape_network(self) -> dict[str, Any]:
        return _dense_shape(self)


class DenseRegressor(NeuralRegressor):
    """A multilayer perceptron for one number a row, trained on the squared error of the standardised target.

    Takes what `DenseClassifier` takes; batch norm is off as it measured worse here.
    """

    _build = staticmethod(networks.dense)
    _learning_rate = 2e-3
    _effort = 400.0
    goes_on = True
    begins = _BEGINS

    def __init__(
        self,
        *,
        hidden: Sequence[int] | None = None,
        norm: str = "none",
        dropout: float = 0.0,
        epochs: int | None = None,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.hidden = hidden
        self.norm = norm
        self.dropout = dropout
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.random_state = random_state

    def _read(self, X: ArrayLike) -> Array:
        return table_or_images(X)

    def _shape_network(self) -> dict[str, Any]:
        return _dense_shape(self)


class ConvClassifier(LooksAgain):
    """A convolutional network for images (n, height, width) or (n, height, width, colours), uint8 or float.

    `width`: channels of the first stage; each of up to four stages doubles it. `augment`: a name of
    `concours.entrants.augmentations.AUGMENTATIONS`. `augment_test`: whether pictures are changed when they are
    predicted too (`concours.entrants.looking`).
    """

    _build = staticmethod(networks.convolutional)
    _learning_rate = 5e-3
    _effort = 200.0
    goes_on = True
    begins = _BEGINS

    def __init__(
        self,
        *,
        width: int = 32,
        dropout: float = 0.1,
        augment: str = "auto",
        augment_test: bool = False,
        epochs: int | None = None,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.width = width
        self.dropout = dropout
        self.augment = augment
        self.augment_test = augment_test
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.random_state = random_state

    def _read(self, X: ArrayLike) -> Array:
        return images(X)

    def _shape_network(self) -> dict[str, Any]:
        side = min(self.input_shape_[:2])
        stride = max(1, side // 32)
        stages = int(np.clip(np.log2(side / stride), 1, 4))
        widths = [self.width * 2**stage for stage in range(stages)]
        return {"widths": widths, "stride": stride, "dropout": self.dropout}

    def _augmentation(self) -> Augmentation | None:
        return augmentation(self.augment, self.input_shape_)


class ResidualClassifier(LooksAgain):
    """A small residual network for images (n, height, width) or (n, height, width, colours), uint8 or float.

    `width`: channels after the first convolution, which shrinks the image to about 16 pixels a side; each of two stages
    doubles it. `augment`, `augment_test`: as of `ConvClassifier`.
    """

    _build = staticmethod(networks.residual)
    _learning_rate = 1e-2
    _effort = 200.0
    goes_on = True
    begins = _BEGINS

    def __init__(
        self,
        *,
        width: int = 16,
        dropout: float = 0.1,
        augment: str = "auto",
        augment_test: bool = False,
        epochs: int | None = None,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.width = width
        self.dropout = dropout
        self.augment = augment
        self.augment_test = augment_test
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.random_state = random_state

    def _read(self, X: ArrayLike) -> Array:
        return images(X)

    def _shape_network(self) -> dict[str, Any]:
        stride = max(1, round(min(self.input_shape_[:2]) / 16))
        return {"width": self.width, "stride": stride, "dropout": self.dropout}

    def _augmentation(self) -> Augmentation | None:
        return augmentation(self.augment, self.input_shape_)


class VisionTransformerClassifier(NeuralClassifier):
    """A vision transformer for images (n, height, width) or (n, height, width, colours), uint8 or float.

    `patch`: side of a patch in pixels, None for about eight patches a side. `width`: numbers a token, a multiple of 16,
    which is the width of an attention head. `depth`: encoder blocks. `augment`: as of `ConvClassifier`.
    """

    _build = staticmethod(networks.vision_transformer)
    _learning_rate = 5e-3
    _effort = 220.0
    goes_on = True
    begins = _BEGINS

    def __init__(
        self,
        *,
        patch: int | None = None,
        width: int = 48,
        depth: int = 3,
        dropout: float = 0.0,
        augment: str = "auto",
        epochs: int | None = None,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.patch = patch
        self.width = width
        self.depth = depth
        self.dropout = dropout
        self.augment = augment
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.random_state = random_state

    def _read(self, X: ArrayLike) -> Array:
        return images(X)

    def _shape_network(self) -> dict[str, Any]:
        if self.width < 16 or self.width % 16:
            raise ValueError(f"width must be a multiple of 16; got {self.width!r}")
        patch = self.patch or max(2, round(min(self.input_shape_[:2]) / 8))
        return {
            "patch": patch,
            "width": self.width,
            "depth": self.depth,
            "heads": self.width // 16,
            "dropout": self.dropout,
        }

    def _augmentation(self) -> Augmentation | None:
        return augmentation(self.augment, self.input_shape_)


def _dense_shape(estimator: DenseClassifier | DenseRegressor) -> dict[str, Any]:
    first = 256 if np.prod(estimator.input_shape_) <= 1024 else 512
    hidden = [first, first // 2] if estimator.hidden is None else list(estimator.hidden)
    if estimator.norm not in networks.NORMS:
        raise ValueError(f"norm is not known; got {estimator.norm!r}; {nearest(estimator.norm, networks.NORMS)}")
    return {"hidden": hidden, "dropout": estimator.dropout, "norm": estimator.norm}
