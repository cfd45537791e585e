"""Small neural networks as scikit-learn estimators: dense, convolutional, vision transformer.

What was fitted is written as plain tensors and JSON, never pickled: after `set_tensors(get_tensors(), get_state())`, an
estimator of the same parameters predicts the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor
from torch.nn import functional

from concours.core.errors import nearest
from concours.entrants import networks
from concours.entrants.training import (
    Augmentation,
    History,
    Loss,
    Settings,
    cross_entropy,
    find_device,
    hold_out,
    outputs,
    seeded,
    train,
)

Array = NDArray[Any]

AUGMENTATIONS = ("none", "shift", "shift-flip")


class NeuralEstimator(BaseEstimator):
    """What the estimators share: defaults that follow the data, fitting, and what was fitted as tensors and JSON.

    `epochs` and `learning_rate` are chosen where they are None. `training` overrides any other field of
    `concours.entrants.training.Settings`, for example `{"seconds": 60, "optimiser": "sgd"}`. Fitting is a
    function of parameters, data and `random_state` (None draws a seed from numpy's global state), to the byte where the
    number of threads is the same. Wrong input and wrong settings raise ValueError.

    Fitted: `network_` (a torch module), `history_` (a `History`), `architecture_`, `input_shape_` of a row.
    """

    epochs: int | None
    learning_rate: float | None
    training: Mapping[str, Any] | None
    random_state: int | np.random.RandomState | None

    _build: ClassVar[Callable[..., networks.Network]]
    _learning_rate: ClassVar[float]
    _effort: ClassVar[float]

    def get_tensors(self) -> dict[str, Array]:
        """Everything learned, by name: parameters, running statistics, the scaling of inputs; copies, float32."""
        check_is_fitted(self, "network_")
        return {name: np.array(tensor.cpu().numpy(), order="C") for name, tensor in self.network_.state_dict().items()}

    def get_state(self) -> dict[str, Any]:
        """Everything else that was fitted, as JSON can hold it."""
        check_is_fitted(self, "network_")
        history = asdict(self.history_)
        return {"input_shape": list(self.input_shape_), "architecture": self.architecture_, "history": history}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        """Become fitted as the estimator was whose `get_tensors()` and `get_state()` these are; returns self.

        Tensors may also be other values under the same names, such as an average. Raises ValueError where names or
        shapes differ from those of the architecture in `state`.
        """
        self._set_shape(state["input_shape"])
        self.architecture_ = dict(state["architecture"])
        history: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in state["history"].items()}
        self.history_ = History(**history)
        device = find_device((self.training or {}).get("device", "auto"))
        with seeded(0, device):
            self.network_ = type(self)._build(**self.architecture_).eval().to(device)
        _copy_tensors(tensors, self.network_)
        return self

    def _fit(self, rows: Array, targets: Array, width: int) -> None:
        """Fit a network of `width` outputs to rows as `_read` gives them and targets as the loss takes them."""
        _check_lengths(rows, targets)
        settings = self._settings(len(rows))
        device = find_device(settings.device)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        held = hold_out(targets, settings.validation_share, seed)
        self._set_shape(rows.shape[1:])
        self.architecture_ = {"shape": list(self.input_shape_), "outputs": width, **self._shape_network()}
        loss, validation_loss = self._losses(torch.from_numpy(targets[~held]), settings)
        with seeded(seed, device) as generator:
            network = type(self)._build(**self.architecture_)
            _learn_scaling(network.scaling, rows[~held])
            self.network_ = network.to(device)
            held_out = _on(device, rows[held], targets[held]) if held.any() else None
            self.history_ = train(
                self.network_,
                loss,
                _on(device, rows[~held], targets[~held]),
                settings,
                generator=generator,
                held_out=held_out,
                validation_loss=validation_loss,
                augment=self._augmentation(),
            )
        if held_out is not None:
            self._calibrate(outputs(self.network_, held_out[0]), held_out[1])

    def _outputs(self, X: ArrayLike) -> Array:
        """What the network says for each row: float64, shape (n, outputs)."""
        check_is_fitted(self, "network_")
        rows = self._read(X)
        if rows.shape[1:] != self.input_shape_:
            raise ValueError(f"X must have rows of shape {self.input_shape_}, as in fit; got {rows.shape[1:]}")
        device = next(self.network_.parameters()).device
        said = outputs(self.network_, torch.tensor(rows, device=device))
        return said.cpu().numpy().astype(np.float64)

    def _settings(self, rows: int) -> Settings:
        """Settings for so many rows. More rows mean larger batches and fewer epochs: steps grow with the sixth root."""
        given = dict(self.training or {})
        _check_names(given)
        epochs = self.epochs if self.epochs is not None else int(np.clip(self._effort / rows ** (1 / 3), 5, 100))
        share = 0.0 if rows < 20 else float(np.clip(100 / rows, 0.1, 0.3))
        chosen = {
            "epochs": epochs,
            "learning_rate": self.learning_rate if self.learning_rate is not None else self._learning_rate,
            "batch_size": int(np.clip(2 ** round(np.log2(1.9 * rows**0.5)), 16, 256)),
            "patience": max(5, epochs // 3),
            "validation_share": share,
            "label_smoothing": 0.1 if given.get("validation_share", share) else 0.0,
        }
        return Settings(**{**chosen, **given})

    def _set_shape(self, shape: Sequence[int]) -> None:
        self.input_shape_ = tuple(shape)
        if len(self.input_shape_) == 1:
            self.n_features_in_ = self.input_shape_[0]

    def _read(self, X: ArrayLike) -> Array:
        """Rows as the network takes them: uint8 or float32, (n, features) or (n, height, width, colours)."""
        raise NotImplementedError

    def _shape_network(self) -> dict[str, Any]:
        """The arguments of `_build` besides `shape` and `outputs`, for `input_shape_`; JSON can hold them."""
        raise NotImplementedError

    def _losses(self, targets: Tensor, settings: Settings) -> tuple[Loss, Loss]:
        """The losses of training and of validation, for the targets of the training rows."""
        raise NotImplementedError

    def _augmentation(self) -> Augmentation | None:
        return None

    def _calibrate(self, said: Tensor, targets: Tensor) -> None:
        """Use what the trained network says of the rows held out."""


class NeuralClassifier(ClassifierMixin, NeuralEstimator):
    """A network whose outputs are the logits of `classes_`, trained with smoothed labels, calibrated on held-out rows.

    Labels are integers, strings or booleans, shape (n,).
    """

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to rows `X` and labels `y`; both are copied where they have to be changed."""
        rows = self._read(X)
        self.classes_, codes = _encode(y)
        self._fit(rows, codes, len(self.classes_))
        return self

    def predict_proba(self, X: ArrayLike) -> Array:
        """Probabilities of `classes_`: float64, shape (n, classes), rows add to one."""
        logits = self._outputs(X)
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def predict(self, X: ArrayLike) -> Array:
        """The most probable class of each row, shape (n,)."""
        best = self._outputs(X).argmax(axis=1)
        labels: Array = self.classes_[best]
        return labels

    def get_state(self) -> dict[str, Any]:
        classes = {"classes": self.classes_.tolist(), "classes_dtype": self.classes_.dtype.str}
        return {**super().get_state(), **classes}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        self.classes_ = np.array(state["classes"], dtype=np.dtype(state["classes_dtype"]))
        return super().set_tensors(tensors, state)

    def _losses(self, targets: Tensor, settings: Settings) -> tuple[Loss, Loss]:
        return cross_entropy(targets, settings.label_smoothing), functional.cross_entropy

    def _calibrate(self, said: Tensor, targets: Tensor) -> None:
        self.network_.sharpness.fill_(_sharpness(said.cpu(), targets.cpu()))


class DenseClassifier(NeuralClassifier):
    """A multilayer perceptron for tables (n, features) and images (n, height, width[, colours]), which it flattens.

    `hidden`: widths of the hidden layers, None for two that follow the input. `norm`: "batch", "layer" or "none".
    """

    _build = staticmethod(networks.dense)
    _learning_rate = 2e-3
    _effort = 400.0

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
        return _table_or_images(X)

    def _shape_network(self) -> dict[str, Any]:
        return _dense_shape(self)


class DenseRegressor(RegressorMixin, NeuralEstimator):
    """A multilayer perceptron for one number a row, trained on the squared error of the standardised target.

    Takes what `DenseClassifier` takes. `target_mean_` and `target_deviation_` are in the unit of the target.
    """

    _build = staticmethod(networks.dense)
    _learning_rate = 2e-3
    _effort = 400.0

    def __init__(
        self,
        *,
        hidden: Sequence[int] | None = None,
        norm: str = "batch",
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

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to rows `X` and numbers `y`, shape (n,)."""
        rows, numbers = self._read(X), _numbers(y)
        self.target_mean_ = float(numbers.mean())
        self.target_deviation_ = float(numbers.std()) or 1.0
        self._fit(rows, ((numbers - self.target_mean_) / self.target_deviation_).astype(np.float32), 1)
        return self

    def predict(self, X: ArrayLike) -> Array:
        """Predicted numbers: float64, shape (n,), in the unit of the target."""
        return self._outputs(X)[:, 0] * self.target_deviation_ + self.target_mean_

    def get_tensors(self) -> dict[str, Array]:
        target = {"target.mean": np.array(self.target_mean_), "target.deviation": np.array(self.target_deviation_)}
        return {**super().get_tensors(), **target}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        if missing := sorted({"target.mean", "target.deviation"} - set(tensors)):
            raise ValueError(f"tensor {missing[0]!r} must be given; got {', '.join(sorted(tensors))}")
        self.target_mean_ = float(tensors["target.mean"])
        self.target_deviation_ = float(tensors["target.deviation"])
        return super().set_tensors({k: v for k, v in tensors.items() if not k.startswith("target.")}, state)

    def _read(self, X: ArrayLike) -> Array:
        return _table_or_images(X)

    def _shape_network(self) -> dict[str, Any]:
        return _dense_shape(self)

    def _losses(self, targets: Tensor, settings: Settings) -> tuple[Loss, Loss]:
        return _squared_error, _squared_error


class ConvClassifier(NeuralClassifier):
    """A convolutional network for images (n, height, width) or (n, height, width, colours), uint8 or float.

    `width`: channels of the first stage; each of up to four stages doubles it. `augment`: "none", "shift" (by up to a
    tenth of the image, edges repeated; nothing below 10 pixels) or "shift-flip" (half of the images mirrored, too).
    """

    _build = staticmethod(networks.convolutional)
    _learning_rate = 5e-3
    _effort = 200.0

    def __init__(
        self,
        *,
        width: int = 32,
        dropout: float = 0.1,
        augment: str = "shift",
        epochs: int | None = None,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.width = width
        self.dropout = dropout
        self.augment = augment
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.random_state = random_state

    def _read(self, X: ArrayLike) -> Array:
        return _images(X)

    def _shape_network(self) -> dict[str, Any]:
        side = min(self.input_shape_[:2])
        stride = max(1, side // 32)
        stages = int(np.clip(np.log2(side / stride), 1, 4))
        widths = [self.width * 2**stage for stage in range(stages)]
        return {"widths": widths, "stride": stride, "dropout": self.dropout}

    def _augmentation(self) -> Augmentation | None:
        return _augmentation(self.augment, self.input_shape_)


class VisionTransformerClassifier(NeuralClassifier):
    """A vision transformer for images (n, height, width) or (n, height, width, colours), uint8 or float.

    `patch`: side of a patch in pixels, None for about eight patches a side. `width`: numbers a token, a multiple of 16,
    which is the width of an attention head. `depth`: encoder blocks. `augment`: as of `ConvClassifier`.
    """

    _build = staticmethod(networks.vision_transformer)
    _learning_rate = 5e-3
    _effort = 220.0

    def __init__(
        self,
        *,
        patch: int | None = None,
        width: int = 48,
        depth: int = 3,
        dropout: float = 0.0,
        augment: str = "shift",
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
        return _images(X)

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
        return _augmentation(self.augment, self.input_shape_)


def _dense_shape(estimator: DenseClassifier | DenseRegressor) -> dict[str, Any]:
    first = 256 if np.prod(estimator.input_shape_) <= 1024 else 512
    hidden = [first, first // 2] if estimator.hidden is None else list(estimator.hidden)
    if estimator.norm not in networks.NORMS:
        raise ValueError(f"norm is not known; got {estimator.norm!r}; {nearest(estimator.norm, networks.NORMS)}")
    return {"hidden": hidden, "dropout": estimator.dropout, "norm": estimator.norm}


def _augmentation(name: str, shape: Sequence[int]) -> Augmentation | None:
    if name not in AUGMENTATIONS:
        raise ValueError(f"augment is not known; got {name!r}; {nearest(name, AUGMENTATIONS)}")
    height, width, _ = shape
    reach = min(height, width) // 10 if name != "none" else 0
    flip = name == "shift-flip"

    def augment(images: Tensor, generator: torch.Generator) -> Tensor:
        moves = torch.randint(-reach, reach + 1, (2, len(images), 1), generator=generator)
        rows = (torch.arange(height) + moves[0]).clamp(0, height - 1)
        columns = (torch.arange(width) + moves[1]).clamp(0, width - 1)
        if flip:
            mirrored = torch.rand(len(images), 1, generator=generator) < 0.5
            columns = torch.where(mirrored, width - 1 - columns, columns)
        index = torch.arange(len(images))[:, None, None], rows[:, :, None], columns[:, None, :]
        return images[tuple(part.to(images.device) for part in index)]

    return augment if reach or flip else None


def _squared_error(said: Tensor, targets: Tensor) -> Tensor:
    return functional.mse_loss(said[:, 0], targets)


def _sharpness(logits: Tensor, targets: Tensor) -> float:
    """The factor of the logits that explains the targets best: temperature scaling (Guo et al. 2017).

    Few rows, all of them right, would ask for an infinite factor: hence a prior, log-normal around 1 of deviation 0.5.
    """

    def surprise(factor: float) -> float:
        return float(functional.cross_entropy(logits * factor, targets, reduction="sum")) + 2 * np.log(factor) ** 2

    return float(min(np.geomspace(0.2, 10, 80), key=surprise))


def _learn_scaling(scaling: networks.Standardise, rows: Array) -> None:
    """Mean and deviation along the last axis, in float64 and in parts, as images may be many; constants stay."""
    flat = rows.reshape(-1, rows.shape[-1])
    mean = flat.mean(axis=0, dtype=np.float64)
    squares = sum(np.square(part - mean).sum(axis=0) for part in np.array_split(flat, len(flat) // 65536 + 1))
    deviation = np.sqrt(squares / len(flat))
    scaling.mean.copy_(torch.from_numpy(mean))
    scaling.deviation.copy_(torch.from_numpy(np.where(deviation > 1e-7 * np.abs(mean), deviation, 1.0)))


def _copy_tensors(tensors: Mapping[str, Array], network: networks.Network) -> None:
    own = network.state_dict()
    expected = {name: tuple(tensor.shape) for name, tensor in own.items()}
    given = {name: np.shape(array) for name, array in tensors.items()}
    wrong = sorted(name for name in {*expected, *given} if expected.get(name) != given.get(name))
    if wrong:
        name = wrong[0]
        raise ValueError(f"tensor {name!r} must have shape {expected.get(name)}; got {given.get(name)}; None is absent")
    for name, tensor in own.items():
        tensor.copy_(torch.tensor(tensors[name]))


def _on(device: torch.device, rows: Array, targets: Array) -> tuple[Tensor, Tensor]:
    return torch.tensor(rows, device=device), torch.tensor(targets, device=device)


def _check_names(training: Mapping[str, Any]) -> None:
    known = [field.name for field in fields(Settings)]
    for name in training:
        if name not in known:
            raise ValueError(f"training has no setting {name!r}; {nearest(name, known)}")


def _check_lengths(rows: Array, targets: Array) -> None:
    if len(rows) != len(targets):
        raise ValueError(f"X and y must have the same number of rows; got {len(rows)} and {len(targets)}")
    if len(rows) < 2:
        raise ValueError(f"X must have at least 2 rows to fit a network; got n_samples = {len(rows)}")


def _table_or_images(X: ArrayLike) -> Array:
    rows = _real(X)
    if rows.ndim not in (2, 3, 4):
        raise ValueError(
            f"X must be a table (n, features) or images (n, height, width[, colours]); got shape {rows.shape}"
        )
    return rows[..., None] if rows.ndim == 3 else rows


def _images(X: ArrayLike) -> Array:
    images = _real(X)
    if images.ndim not in (3, 4):
        raise ValueError(
            f"X must be images (n, height, width) or (n, height, width, colours); got shape {images.shape}"
        )
    return images[..., None] if images.ndim == 3 else images


def _real(X: Any) -> Array:
    """Finite numbers: uint8 as it is, everything else as float32."""
    if hasattr(X, "toarray"):
        raise ValueError(
            f"X must be dense; got a sparse matrix {X.shape}; reduce it first, for example by TruncatedSVD"
        )
    try:
        given = np.asarray(X)
        if given.dtype.kind == "c":
            raise TypeError("complex data not supported")
        with np.errstate(over="ignore"):
            rows = given if given.dtype == np.uint8 else given.astype(np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(f"X must be one array of real numbers; got {type(X).__name__}: {error}") from None
    if rows.size == 0:
        raise ValueError(f"X must not be empty; got shape {rows.shape}")
    strange = ~np.isfinite(rows)
    if strange.any():
        first = int(np.argwhere(strange)[0, 0])
        raise ValueError(
            f"X must be finite; got {int(strange.sum())} NaN, infinite or huge values, the first in row {first}"
        )
    return rows


def _encode(y: ArrayLike) -> tuple[Array, NDArray[np.int64]]:
    """The classes, sorted, and the place of each label among them."""
    labels = _column(y)
    if labels.dtype.kind == "f" and not (np.isfinite(labels).all() and (labels == np.round(labels)).all()):
        raise ValueError("y must hold class labels; got numbers that are not whole. Unknown label type: continuous")
    try:
        classes, codes = np.unique(labels, return_inverse=True)
    except TypeError as error:
        raise ValueError(f"y must hold labels that can be sorted; got {error}") from None
    return classes, codes.astype(np.int64)


def _numbers(y: ArrayLike) -> NDArray[np.float64]:
    numbers = _column(y).astype(np.float64)
    if not np.isfinite(numbers).all():
        raise ValueError(f"y must be finite; got {int((~np.isfinite(numbers)).sum())} NaN or infinite values")
    return numbers


def _column(y: ArrayLike) -> Array:
    column = np.asarray(y)
    if column.ndim != 1 or not len(column):
        raise ValueError(f"y must have shape (n,), n above 0; got shape {column.shape}")
    return column
