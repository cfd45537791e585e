"""What the networks of the zoo share as scikit-learn estimators: fitting, and being kept as tensors and JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, fields, replace
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from concours.core.errors import nearest
from concours.entrants import networks
from concours.entrants.apart import SetsApart
from concours.entrants.beginnings import Beginning
from concours.entrants.inputs import check_lengths
from concours.entrants.knowing import AS_IT_IS, Scaling, learn_scaling
from concours.entrants.losses import Loss
from concours.entrants.private import Private
from concours.entrants.symmetries import symmetries
from concours.entrants.training import (
    Augmentation,
    Correction,
    History,
    Settings,
    find_device,
    hold_out,
    outputs,
    renew_statistics,
    seeded,
    train,
)
from concours.kernels.merging.rebasin import Symmetries

Array = NDArray[Any]


class NeuralEstimator(SetsApart, BaseEstimator):
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
    begins: ClassVar[tuple[str, ...]] = ()
    """From which forms of a model it can begin (`entrants.beginnings`)."""
    begins_anew: ClassVar[bool] = True
    """Whether it needs none."""
    divides: ClassVar[bool] = True
    """Whether its losses are means over rows, which do not hang on one another: so a batch can be divided."""
    goes_on: ClassVar[bool] = False
    """Whether `begin_from` is of use: whether weights learned on some of the rows suit more of them."""

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
            self.network_ = self._made().eval().to(device)
        copy_tensors(tensors, self.network_)
        return self

    def architecture(self) -> dict[str, Any]:
        """What two must have in common to be merged: all that was fitted but weights, and what only training is by."""
        state = {name: value for name, value in self.get_state().items() if name != "history"}
        shape = {name: value for name, value in self.architecture_.items() if name != "dropout"}
        kind = type(self)
        return {**state, "architecture": shape, "class": f"{kind.__module__}:{kind.__qualname__}"}

    def renew_statistics(self, X: ArrayLike) -> Self:
        """Find the running statistics of batch norms anew, by one pass over rows `X`: weights were averaged."""
        renew_statistics(self.network_, torch.tensor(self._read(X)))
        return self

    def begin_alike(self, seed: int) -> Self:
        """The next fit takes its first weights, and the rows that it holds out, from this seed alone."""
        self._alike = seed
        return self

    def first_tensors(self, seed: int) -> dict[str, Array]:
        """The weights that the fit began with that was told to `begin_alike` with this seed, by name, made again.

        Only what training changes is there: no statistics, and no scaling of inputs. A fit that began with another
        model must be told so anew, by `begin_with`: what is fitted does not keep it.
        """
        check_is_fitted(self, "architecture_")
        with seeded(seed, find_device((self.training or {}).get("device", "auto"))), torch.no_grad():
            network = self._made()
            if beginning := self.__dict__.pop("_beginning", None):
                self._give(beginning, network)
        return {name: np.array(weight.detach().numpy()) for name, weight in network.named_parameters()}

    def permutations(self) -> Symmetries | None:
        """Which orders of the network's units are the same function; none where that is not known of its layers."""
        check_is_fitted(self, "network_")
        return symmetries(self.network_)

    def begin_with(self, beginning: Beginning) -> Self:
        """The next fit begins with the weights of a model that was trained before.

        Raises:
            RecipeError: it is of another kind.
        """
        beginning.require_kind(self)
        self._beginning = beginning
        return self

    def begin_from(self, tensors: Mapping[str, Array], *, done: float, holding: bool = False) -> Self:
        """The next fit begins with these weights, from `get_tensors`, and has the share `1 - done` of its epochs.

        Weights of matrices that are 0 stay 0 if it is `holding`. Where they do not suit, as there are other columns or
        classes now, it begins anew. `went_on_` then says which.
        """
        self._begin = (dict(tensors), done, holding)
        return self

    def begun(self, example: ArrayLike, classes: int, *, seed: int, scaling: Scaling = AS_IT_IS) -> Self:
        """Becomes fitted with first weights, which follow from `seed` alone; no row is needed.

        `example`: a row as all will be, (1, …), of any values. `classes`: how many there are, codes from 0; 0 for
        a number, whose mean and deviation then are those of `scaling`. Raises ValueError where a network must learn
        more of its inputs than means and deviations.
        """
        rows, device = self._read(example), find_device((self.training or {}).get("device", "auto"))
        self._set_shape(rows.shape[1:])
        self.architecture_ = {"shape": list(self.input_shape_), "outputs": classes or 1, **self._shape_network()}
        self._begin_targets(classes, scaling)
        with seeded(seed, device):
            self.network_ = self._made().eval().to(device)
        known = getattr(self.network_, "scaling", None)
        if not isinstance(known, networks.Standardise | None):
            raise ValueError(  # noqa: TRY004 (the parameters are wrong, not a type)
                f"{type(self).__name__} learns more of its inputs than means and deviations"
            )
        if known is not None and scaling.mean is not None:
            known.mean.copy_(torch.from_numpy(scaling.mean))
            known.deviation.copy_(torch.from_numpy(scaling.deviation))
        self.history_ = History(train_loss=(), validation_loss=(), learning_rate=(), best_epoch=0, stopped="epochs")
        return self

    def go_on(
        self,
        X: ArrayLike,
        y: ArrayLike,
        settings: Settings,
        *,
        seed: int,
        correct: Correction | None = None,
        last_only: bool = False,
        private: Private | None = None,
    ) -> Self:
        """Trains on from the weights that it has, on rows `X` and targets `y`: codes of classes, or numbers.

        Nothing is held out, labels are not smoothed, and what is known of inputs stays. Chance comes from `seed` alone.
        With `last_only` only the last layer learns, on what the others say when they predict.
        """
        device = next(self.network_.parameters()).device
        told = on_device(device, *self.told(X, y))
        with seeded(seed, device) as chance:
            learning = networks.LastLayer(self.network_) if last_only else self.network_
            self.history_ = train(
                learning,
                self.loss,
                told,
                settings,
                generator=chance,
                augment=self._augmentation(),
                correct=correct,
                private=private,
            )
        return self

    def _begin_targets(self, classes: int, scaling: Scaling) -> None:
        """Notes what `fit` learns of targets."""
        raise NotImplementedError

    @property
    def loss(self) -> Loss:
        """By which `go_on` trains: the one of validation, whose labels are as they are."""
        return self._losses(torch.zeros(1, dtype=torch.int64), self._settings(1), None)[1]

    @property
    def augmented(self) -> bool:
        """Whether rows are changed by chance in training."""
        return self._augmentation() is not None

    def told(self, X: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
        """Rows and targets as the network and its loss take them. Raises ValueError where they do not suit it."""
        rows, targets = self._read(X), self._targets(y)
        if rows.shape[1:] != self.input_shape_:
            raise ValueError(f"X must have rows of shape {self.input_shape_}; got {rows.shape[1:]}")
        if len(rows) != len(targets):
            raise ValueError(f"X and y must have the same number of rows; got {len(rows)} and {len(targets)}")
        return rows, targets

    def _targets(self, y: ArrayLike) -> Array:
        """Targets as the loss takes them, by what is known of them."""
        raise NotImplementedError

    def _fit(self, rows: Array, targets: Array, width: int, weights: Array | None = None) -> None:
        """Fit a network of `width` outputs to rows as `_read` gives them and targets as the loss takes them.

        `targets`: (n,), or (n, width) shares of classes, by the greatest of which rows are held out.

        `weights`: of the rows, float32 (n,), 1 on average; None where all weigh alike.
        """
        check_lengths(rows, targets)
        settings = self._settings(len(rows))
        if settings.divided and not self.divides:
            raise ValueError(f"parallel: batches of a {type(self).__name__} cannot be divided; leave it out")
        device = find_device(settings.device)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        alike = self.__dict__.pop("_alike", None)
        strata = targets if targets.ndim == 1 else targets.argmax(axis=1)
        held = hold_out(strata, settings.validation_share, seed if alike is None else alike, kin=self._told_kin())
        self._set_shape(rows.shape[1:])
        self.architecture_ = {"shape": list(self.input_shape_), "outputs": width, **self._shape_network()}
        told = (rows, targets) if weights is None else (rows, targets, weights)
        own = None if weights is None else torch.from_numpy(weights[~held])
        loss, validation_loss = self._losses(torch.from_numpy(targets[~held]), settings, own)
        with seeded(seed, device) as generator:
            with nullcontext() if alike is None else seeded(alike, device):
                network = self._made()
            self._learn_scaling(network, rows[~held])
            settings = self._begun(network, settings)
            if beginning := self.__dict__.pop("_beginning", None):
                with torch.no_grad():
                    self._give(beginning, network)
                    network.sharpness.fill_(1.0)
            self.network_ = network.to(device)
            held_out = on_device(device, *(each[held] for each in told)) if held.any() else None
            self.history_ = train(
                self.network_,
                loss,
                on_device(device, *(each[~held] for each in told)),
                settings,
                generator=generator,
                held_out=held_out,
                validation_loss=validation_loss,
                augment=self._augmentation(),
            )
        if held_out is not None:
            self._calibrate(outputs(self.network_, held_out[0]), *held_out[1:])

    def _begun(self, network: networks.Network, settings: Settings) -> Settings:
        """Gives the network the weights that it begins with, if there are any; and settings for what is left to do."""
        tensors, done, holding = self.__dict__.pop("_begin", (None, 0.0, False))
        own = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
        self.went_on_ = tensors is not None and own == {name: np.shape(array) for name, array in tensors.items()}
        if not self.went_on_:
            return settings
        with torch.no_grad():
            copy_tensors(tensors, network)
            network.sharpness.fill_(1.0)
        if holding:
            _hold_zeros(network)
        return replace(settings, epochs=max(1, round(settings.epochs * (1 - done))))

    def _give(self, beginning: Beginning, network: Any) -> None:
        """Gives the untrained network the weights of a model that was trained before."""
        beginning.give(network)

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
            "learning_rate": self.learning_rate if self.learning_rate is not None else self._usual_rate(),
            "batch_size": int(np.clip(2 ** round(np.log2(1.9 * rows**0.5)), 16, 256)),
            "patience": max(5, epochs // 3),
            "validation_share": share,
            "label_smoothing": 0.1 if given.get("validation_share", share) else 0.0,
        }
        return Settings(**{**chosen, **given})

    def _usual_rate(self) -> float:
        """The learning rate where none is given."""
        return self._learning_rate

    def _set_shape(self, shape: Sequence[int]) -> None:
        self.input_shape_ = tuple(shape)
        if len(self.input_shape_) == 1:
            self.n_features_in_ = self.input_shape_[0]

    def _made(self) -> Any:
        """The untrained network of `architecture_`."""
        return type(self)._build(**self.architecture_)

    def _read(self, X: ArrayLike) -> Array:
        """Rows as the network takes them: uint8 or float32, (n, features) or (n, height, width, colours)."""
        raise NotImplementedError

    def _shape_network(self) -> dict[str, Any]:
        """The arguments of `_build` besides `shape` and `outputs`, for `input_shape_`; JSON can hold them."""
        raise NotImplementedError

    def _losses(self, targets: Tensor, settings: Settings, weights: Tensor | None) -> tuple[Loss, Loss]:
        """The losses of training and of validation, for the targets of the training rows, and their weights."""
        raise NotImplementedError

    def _augmentation(self) -> Augmentation | None:
        return None

    def _learn_scaling(self, network: Any, rows: Array) -> None:
        """Set what an untrained network knows of its inputs from the training rows."""
        learn_scaling(network.scaling, rows)

    def _calibrate(self, said: Tensor, targets: Tensor, weights: Tensor | None = None) -> None:
        """Use what the trained network says of the rows held out."""


def _hold_zeros(network: networks.Network) -> None:
    """No slope reaches a weight of a matrix that is 0, so that training leaves it there."""
    for weight in network.parameters():
        if weight.ndim > 1:
            there = (weight.detach() != 0).to(weight.dtype)
            weight.register_hook(there.mul)


def copy_tensors(tensors: Mapping[str, Array], network: networks.Network) -> None:
    own = network.state_dict()
    expected = {name: tuple(tensor.shape) for name, tensor in own.items()}
    given = {name: np.shape(array) for name, array in tensors.items()}
    wrong = sorted(name for name in {*expected, *given} if expected.get(name) != given.get(name))
    if wrong:
        name = wrong[0]
        raise ValueError(f"tensor {name!r} must have shape {expected.get(name)}; got {given.get(name)}; None is absent")
    for name, tensor in own.items():
        tensor.copy_(torch.tensor(tensors[name]))


def on_device(device: torch.device, *arrays: Array) -> tuple[Tensor, ...]:
    return tuple(torch.tensor(array, device=device) for array in arrays)


def _check_names(training: Mapping[str, Any]) -> None:
    known = [field.name for field in fields(Settings)]
    for name in training:
        if name not in known:
            raise ValueError(f"training has no setting {name!r}; {nearest(name, known)}")
