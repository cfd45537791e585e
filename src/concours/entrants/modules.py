"""A user's own torch module as an estimator: Concours trains it, and keeps what it learned as plain tensors.

The module is made by its class with the entrant's parameters, or by a function; its code comes with the contest. Its
input is float32: a table's matrix (n, features), or pictures (n, channels, height, width), divided by the largest value
there is. Its output is a number a class (logits, logarithms of probabilities, or probabilities), or one number a row.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from torch import Tensor, nn

from concours.core.errors import RecipeError, nearest
from concours.entrants.classifier import NeuralClassifier
from concours.entrants.estimator import NeuralEstimator
from concours.entrants.inputs import numbers, table_or_images, weights_of
from concours.entrants.knowing import AS_IT_IS, Scaling
from concours.entrants.losses import OF_CLASSES, OF_NUMBERS, Loss, cross_entropy, surprise
from concours.entrants.training import Settings

Array = NDArray[Any]

_LOSS = "loss"
"""The setting that says by what a module is trained, a name of `entrants.losses`."""


def settings_named() -> tuple[str, ...]:
    """The settings of the training that an entrant's parameters may have beside those of its module, and its seed."""
    return (*(field.name for field in fields(Settings)), _LOSS, "random_state")


def fresh(recipe: str, module: nn.Module) -> nn.Module:
    """A copy of a module that was made already, with weights drawn anew, as they depend on when the file was imported.

    Raises:
        RecipeError: a part of it has weights, and no `reset_parameters`.
    """
    found = copy.deepcopy(module)
    for part in found.modules():
        reset = getattr(part, "reset_parameters", None) or getattr(part, "_reset_parameters", None)
        if callable(reset):
            reset()
        elif next(part.parameters(recurse=False), None) is not None:
            raise RecipeError(
                f"{recipe!r} is a module made already, and its {type(part).__name__} has weights that cannot be "
                "drawn anew; name its class instead, or a function that makes it"
            )
    return found.train()


class OwnModule(NeuralEstimator):
    """What the two estimators share.

    Args:
        name: of the module, for messages.
        make: makes it, untrained; weights are drawn from torch's generator.
        classes: how many numbers it has to give a row; those that the training rows have, by default.
        training: any of `concours.entrants.training.Settings`, by name; and `loss`, by what it is trained: of classes
            `cross_entropy`, `squared_error` of probabilities or `hinge`, of a number `squared_error`, `absolute_error`
            or `huber`, the first of them by default. By default epochs and the size of batches
            follow the number of rows, AdamW's rate goes once up and down, and training ends early by rows held out.
    """

    epochs = None
    learning_rate = None
    _learning_rate = 2e-3
    _effort = 400.0

    def __init__(
        self,
        name: str,
        make: Callable[[], nn.Module],
        *,
        classes: int | None = None,
        training: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.name = name
        self.make = make
        self.classes = classes
        self.training = training
        self.random_state = random_state

    def begun(self, example: ArrayLike, classes: int, *, seed: int, scaling: Scaling = AS_IT_IS) -> Self:
        self._begin_scale(example)
        return super().begun(example, classes, seed=seed, scaling=scaling)

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "scale": self.scale_, "probabilities": self.probabilities_}

    def architecture(self) -> dict[str, Any]:
        return {**super().architecture(), "module": self.name}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        self.scale_ = float(state["scale"])
        super().set_tensors(tensors, state)
        self.probabilities_ = bool(state["probabilities"])
        return self

    def _made(self) -> Any:
        """The module, of which one row after another has been asked to see whether it suits."""
        module, width = self.make(), int(self.architecture_["outputs"])
        module.eval()
        try:
            with torch.no_grad():  # what a lazy layer makes now is to be trained
                said = module(torch.zeros((2, *self.input_shape_)))
        except (RuntimeError, TypeError, ValueError, IndexError) as error:
            taken = f"(n, {', '.join(map(str, self.input_shape_))})"
            why = f"{type(error).__name__}: {str(error).splitlines()[0]}"
            raise ValueError(f"{self.name} does not take an input of shape {taken}: {why}") from None
        self._require_width(said, width)
        if not any(True for _ in module.parameters()):
            raise ValueError(f"{self.name} has no parameters, so that there is nothing to train")
        self.probabilities_ = width > 1 and bool(
            (said >= 0).all() and torch.allclose(said.sum(dim=1), torch.ones(2), atol=1e-4)
        )
        return module

    def _require_width(self, said: Any, width: int) -> None:
        """Refuses outputs, of two rows, that are not one for each class, or one a row."""
        shape = tuple(said.shape) if isinstance(said, Tensor) else ()
        if shape == (2, width) or (width == 1 and shape == (2,)):
            return
        wanted = "one number" if width == 1 else f"{width} numbers, one a class,"
        given = f"{shape[1]}" if len(shape) == 2 else f"outputs of shape {shape} for two rows"
        raise ValueError(f"{self.name} must give {wanted} for each row; got {given}: change its last layer")

    def _read(self, X: ArrayLike) -> Array:
        try:
            rows = table_or_images(X)
        except ValueError as error:
            raise ValueError(f'{self.name}: {error}; prepare = "auto" gives it numbers') from None
        if rows.ndim == 2:
            return rows.astype(np.float32, copy=False)
        return np.ascontiguousarray(np.moveaxis(rows, -1, 1), dtype=np.float32) / np.float32(self._scale(rows))

    def _scale(self, rows: Array) -> float:
        """The largest value that pictures have, as known when the module was fitted."""
        if not hasattr(self, "scale_"):
            self.scale_ = 255.0 if rows.dtype == np.uint8 else float(np.abs(rows).max()) or 1.0
        return self.scale_

    def _begin_scale(self, X: ArrayLike) -> None:
        self.__dict__.pop("scale_", None)
        if np.ndim(X) == 2:
            self.scale_ = 1.0

    def _settings(self, rows: int) -> Settings:
        own = self.training
        try:
            self.training = {"label_smoothing": 0.0, **{n: v for n, v in (own or {}).items() if n != _LOSS}}
            return super()._settings(rows)
        finally:
            self.training = own

    def _lost(self, known: Mapping[str, Loss]) -> Loss:
        """By what it is trained."""
        name = (self.training or {}).get(_LOSS, next(iter(known)))
        if name not in known:
            raise ValueError(f"loss is not known here; got {name!r}; {nearest(str(name), known)}")
        return known[name]

    def _shape_network(self) -> dict[str, Any]:
        return {}

    def _learn_scaling(self, network: Any, rows: Array) -> None:
        """A user's module is told nothing of its inputs."""

    def _calibrate(self, said: Tensor, targets: Tensor, weights: Tensor | None = None) -> None:
        """Nor is anything put behind its outputs: a contest calibrates by all folds."""


class ModuleClassifier(OwnModule, NeuralClassifier):
    """A torch module that gives a number a class, trained by its cross-entropy."""

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        self._begin_scale(X)
        return super().fit(X, y, sample_weight)

    def predict_proba(self, X: ArrayLike) -> Array:
        """Probabilities of `classes_`: float64, shape (n, classes), rows add to one."""
        shares: Array = self._logits(torch.from_numpy(self._outputs(X))).softmax(dim=1).numpy()
        return shares

    def predict(self, X: ArrayLike) -> Array:
        """The most probable class of each row, shape (n,)."""
        labels: Array = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return labels

    def _fit(self, rows: Array, targets: Array, width: int, weights: Array | None = None) -> None:
        super()._fit(rows, targets, max(self.classes or 0, width), weights)

    def _logits(self, said: Tensor) -> Tensor:
        """Of the classes that it was fitted on: the task may have more."""
        seen = said[:, : len(self.classes_)]
        return seen.clamp_min(1e-12).log() if self.probabilities_ else seen

    def _losses(self, targets: Tensor, settings: Settings, weights: Tensor | None) -> tuple[Loss, Loss]:
        chosen = self._lost(OF_CLASSES)
        smoothed = cross_entropy(targets, settings.label_smoothing, weights) if chosen is surprise else chosen

        def loss(said: Tensor, *told: Tensor) -> Tensor:
            return smoothed(self._logits(said), *told)

        def validation(said: Tensor, *told: Tensor) -> Tensor:
            return chosen(self._logits(said), *told)

        return loss, validation


class ModuleRegressor(RegressorMixin, OwnModule):
    """A torch module that gives one number a row, trained by the squared error of the standardised target."""

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to rows `X` and numbers `y`, shape (n,), by weights, shape (n,) and 1 on average."""
        self._begin_scale(X)
        rows, values = self._read(X), numbers(y)
        self.target_mean_, self.target_deviation_ = float(values.mean()), float(values.std()) or 1.0
        scaled = ((values - self.target_mean_) / self.target_deviation_).astype(np.float32)
        self._fit(rows, scaled, 1, weights_of(sample_weight))
        return self

    def predict(self, X: ArrayLike) -> Array:
        """Predicted numbers: float64, shape (n,), in the unit of the target."""
        return self._outputs(X).reshape(-1) * self.target_deviation_ + self.target_mean_

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "target": [self.target_mean_, self.target_deviation_]}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        self.target_mean_, self.target_deviation_ = state["target"]
        return super().set_tensors(tensors, state)

    def _begin_targets(self, classes: int, scaling: Scaling) -> None:
        self.target_mean_, self.target_deviation_ = scaling.target_mean, scaling.target_deviation

    def _targets(self, y: ArrayLike) -> Array:
        return ((numbers(y) - self.target_mean_) / self.target_deviation_).astype(np.float32)

    def _losses(self, targets: Tensor, settings: Settings, weights: Tensor | None) -> tuple[Loss, Loss]:
        chosen = self._lost(OF_NUMBERS)

        def loss(said: Tensor, *told: Tensor) -> Tensor:
            return chosen(said.reshape(-1, 1), *told)

        return loss, loss
