"""A user's own Keras model as an estimator: Concours has it trained, and keeps what it learned as plain tensors.

Keras 3 computes by whichever library `KERAS_BACKEND` names; where it names none, by torch. The model is made by a
function or a class of the user's with the entrant's parameters; its code comes with the contest. Its input is float32:
a table's matrix (n, features), or pictures (n, height, width, colours), divided by the largest value there is. Its
output is a number a class (probabilities or logits), or one number a row. What is compiled already is trained as it was
compiled; what is not, by Adam and the cross-entropy, or the squared error of the standardised target.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from concours.core.errors import MissingPackage, RecipeError, nearest
from concours.core.optional import install_command, installed
from concours.entrants.apart import SetsApart
from concours.entrants.inputs import encode, numbers, table_or_images, weights_of
from concours.kernels.rows.kin import Kin

Array = NDArray[Any]

BATCH = 256
"""Rows that are predicted at once."""

SETTINGS = (
    "epochs",
    "batch_size",
    "learning_rate",
    "optimiser",
    "loss",
    "patience",
    "validation_share",
    "random_state",
)
"""Of the training, which an entrant's parameters may have beside those of its model."""

_OPTIMISERS = {"adam": "Adam", "adamw": "AdamW", "sgd": "SGD", "rmsprop": "RMSprop"}
_OF_CLASSES = {"cross_entropy": ""}
_OF_NUMBERS = {
    "squared_error": "mean_squared_error",
    "absolute_error": "mean_absolute_error",
    "huber": "huber",
}


def keras() -> Any:
    """The library, on torch unless somebody has said otherwise.

    Raises:
        MissingPackage: it is not installed.
    """
    if not installed("keras"):
        raise MissingPackage(f"keras is not installed; get it with: {install_command('keras')}")
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    return keras


class OwnKeras(SetsApart, BaseEstimator):
    """What the two estimators share.

    Args:
        name: of the model, for messages.
        make: makes it, untrained.
        classes: how many numbers it has to give a row; those that the training rows have, by default.
        training: any of `SETTINGS`, by name. By default epochs and the size of batches follow the number of rows, and
            training ends early by rows held out.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[], Any],
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

    def get_tensors(self) -> dict[str, Array]:
        """All weights by name, copies."""
        check_is_fitted(self, "model_")
        return {
            name: np.array(weight) for name, weight in zip(_names(self.model_), self.model_.get_weights(), strict=True)
        }

    def get_state(self) -> dict[str, Any]:
        """Everything else that was fitted, as JSON can hold it."""
        check_is_fitted(self, "model_")
        return {"input_shape": list(self.input_shape_), "scale": self.scale_, "probabilities": self.probabilities_}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        """Becomes fitted as the one was whose tensors and state these are."""
        self.input_shape_, self.scale_ = tuple(state["input_shape"]), float(state["scale"])
        self.probabilities_ = bool(state["probabilities"])
        with _seeded(0):
            self.model_ = self._made()
        names = _names(self.model_)
        if wrong := sorted({*names} ^ {*tensors}):
            raise ValueError(f"{self.name}: the tensor {wrong[0]!r} is of one of the two alone")
        self.model_.set_weights([tensors[name] for name in names])
        return self

    def architecture(self) -> dict[str, Any]:
        """What two must have in common to be merged."""
        shapes = {name: list(array.shape) for name, array in self.get_tensors().items()}
        return {**self.get_state(), "module": self.name, "shapes": shapes}

    def _fit(self, rows: Array, targets: Array, width: int, weights: Array | None, kin: Kin | None) -> None:
        from concours.entrants.training import hold_out

        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        told = self._told(len(rows))
        held = hold_out(targets, told["validation_share"], seed, kin=kin)
        self.input_shape_ = rows.shape[1:]
        with _seeded(seed):
            self.model_ = self._made()
            self._require_width(width)
            if not self.model_.compiled:
                self._compile(told, width)
            own = {} if weights is None else {"sample_weight": weights[~held]}
            apart = (rows[held], targets[held], *([] if weights is None else [weights[held]]))
            stop = keras().callbacks.EarlyStopping(patience=told["patience"], restore_best_weights=True)
            self.model_.fit(
                rows[~held],
                targets[~held],
                epochs=told["epochs"],
                batch_size=told["batch_size"],
                verbose=0,
                **own,
                **({"validation_data": apart, "callbacks": [stop]} if held.any() else {}),
            )

    def _told(self, rows: int) -> dict[str, Any]:
        """Settings for so many rows."""
        given = dict(self.training or {})
        for name in given:
            if name not in SETTINGS:
                raise ValueError(f"{self.name} has no setting {name!r}; {nearest(name, SETTINGS)}")
        epochs = given.get("epochs") or int(np.clip(400 / rows ** (1 / 3), 5, 100))
        usual = {
            "epochs": epochs,
            "batch_size": int(np.clip(2 ** round(np.log2(1.9 * rows**0.5)), 16, 256)),
            "learning_rate": 1e-3,
            "optimiser": "adam",
            "loss": None,
            "patience": max(5, epochs // 3),
            "validation_share": 0.0 if rows < 20 else float(np.clip(100 / rows, 0.1, 0.3)),
        }
        return {**usual, **given}

    def _compile(self, told: Mapping[str, Any], width: int) -> None:
        library, losses = keras(), _OF_NUMBERS if width == 1 else _OF_CLASSES
        loss, optimiser = told["loss"] or next(iter(losses)), told["optimiser"]
        for name, given, known in (("loss", loss, losses), ("optimiser", optimiser, _OPTIMISERS)):
            if given not in known:
                raise ValueError(f"{name} is not known; got {given!r}; {nearest(given, known)}")
        made = getattr(library.optimizers, _OPTIMISERS[optimiser])(learning_rate=told["learning_rate"])
        lost: Any = losses[loss]
        if loss in _OF_CLASSES:
            lost = library.losses.SparseCategoricalCrossentropy(from_logits=not self.probabilities_)
        self.model_.compile(optimizer=made, loss=lost)

    def _made(self) -> Any:
        """The model, untrained, with its weights made for rows of `input_shape_`."""
        keras()
        model = self.make()
        try:
            if isinstance(model, keras().Sequential) and not model.built:  # others are built by their first rows
                model.build((None, *self.input_shape_))
            said = np.asarray(model.predict(np.zeros((2, *self.input_shape_), np.float32), verbose=0))
        except Exception as error:  # noqa: BLE001 (whatever a model of a user's makes the library raise)
            taken = f"(n, {', '.join(map(str, self.input_shape_))})"
            why = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            raise ValueError(f"{self.name} does not take an input of shape {taken}: {why}") from None
        if not model.weights:
            raise ValueError(f"{self.name} has no weights, so that there is nothing to train")
        self._said_shape = said.shape
        if not hasattr(self, "probabilities_") or "model_" not in self.__dict__:
            sums = said.reshape(len(said), -1).sum(axis=1)
            self.probabilities_ = (
                said.ndim == 2 and said.shape[1] > 1 and bool((said >= 0).all() and np.allclose(sums, 1, atol=1e-4))
            )
        return model

    def _require_width(self, width: int) -> None:
        shape = self._said_shape
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
        if not hasattr(self, "scale_"):
            self.scale_ = (
                1.0 if rows.ndim == 2 else 255.0 if rows.dtype == np.uint8 else float(np.abs(rows).max()) or 1.0
            )
        return rows.astype(np.float32) / np.float32(self.scale_)

    def _outputs(self, X: ArrayLike) -> Array:
        check_is_fitted(self, "model_")
        rows = self._read(X)
        if rows.shape[1:] != tuple(self.input_shape_):
            raise ValueError(f"X must have rows of shape {self.input_shape_}, as in fit; got {rows.shape[1:]}")
        return np.asarray(self.model_.predict(rows, batch_size=BATCH, verbose=0), dtype=np.float64)

    def _anew(self) -> None:
        for name in ("scale_", "model_", "probabilities_"):
            self.__dict__.pop(name, None)


class KerasClassifier(ClassifierMixin, OwnKeras):
    """A Keras model that gives a number a class."""

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to rows `X` and labels `y`, shape (n,), by weights, shape (n,) and 1 on average."""
        self._anew()
        rows = self._read(X)
        self.classes_, codes = encode(y)
        width = max(self.classes or 0, len(self.classes_))
        self._fit(rows, codes, width, weights_of(sample_weight), self._told_kin())
        return self

    def predict_proba(self, X: ArrayLike) -> Array:
        """Probabilities of `classes_`: float64, shape (n, classes), rows add to one."""
        seen = self._outputs(X)[:, : len(self.classes_)]
        powers = np.clip(seen, 1e-12, None) if self.probabilities_ else np.exp(seen - seen.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    def predict(self, X: ArrayLike) -> Array:
        """The most probable class of each row, shape (n,)."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "classes": self.classes_.tolist(), "classes_dtype": self.classes_.dtype.str}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        self.classes_ = np.array(state["classes"], dtype=np.dtype(state["classes_dtype"]))
        return super().set_tensors(tensors, state)


class KerasRegressor(RegressorMixin, OwnKeras):
    """A Keras model that gives one number a row, trained on the standardised target."""

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to rows `X` and numbers `y`, shape (n,), by weights, shape (n,) and 1 on average."""
        self._anew()
        rows, values = self._read(X), numbers(y)
        self.target_mean_, self.target_deviation_ = float(values.mean()), float(values.std()) or 1.0
        scaled = ((values - self.target_mean_) / self.target_deviation_).astype(np.float32)
        self._fit(rows, scaled, 1, weights_of(sample_weight), self._told_kin())
        return self

    def predict(self, X: ArrayLike) -> Array:
        """Predicted numbers: float64, shape (n,), in the unit of the target."""
        return self._outputs(X).reshape(-1) * self.target_deviation_ + self.target_mean_

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "target": [self.target_mean_, self.target_deviation_]}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        self.target_mean_, self.target_deviation_ = state["target"]
        return super().set_tensors(tensors, state)


def settings_named() -> tuple[str, ...]:
    """The settings of the training that an entrant's parameters may have beside those of its model."""
    return SETTINGS


def fresh(recipe: str, model: Any) -> Any:
    """A copy of a model that was made already, with weights drawn anew, compiled as it was.

    Raises:
        RecipeError: it cannot be copied.
    """
    try:
        found = keras().models.clone_model(model)
        if model.compiled:
            found.compile_from_config(model.get_compile_config())
    except Exception as error:  # noqa: BLE001 (whatever a model of a user's makes the library raise)
        raise RecipeError(
            f"{recipe!r} is a model made already that cannot be made anew ({' '.join(str(error).split())[:120]}); name "
            "a function that makes it"
        ) from None
    return found


def _names(model: Any) -> list[str]:
    """Of weights, in their order; numbered, as two layers may have one name."""
    return [f"{number:04d} {weight.path.rpartition('/')[2]}" for number, weight in enumerate(model.weights)]


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """What is drawn inside follows from the seed alone; generators of other libraries are given back."""
    library = keras()
    if library.backend.backend() != "torch":
        library.utils.set_random_seed(seed)
        yield
        return
    import torch

    with torch.random.fork_rng(devices=[]):
        library.utils.set_random_seed(seed)
        yield
