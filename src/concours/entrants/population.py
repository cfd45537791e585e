"""Dense networks whose training is a schedule: what a population of them has found, or what a person writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Self

import numpy as np
import safetensors.torch
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state
from torch import Tensor

from concours.entrants import networks
from concours.entrants.classifier import NeuralClassifier
from concours.entrants.estimator import NeuralEstimator
from concours.entrants.inputs import check_lengths, table_or_images
from concours.entrants.knowing import learn_scaling
from concours.entrants.neural import DenseRegressor
from concours.entrants.passes import Form
from concours.entrants.stack import Hyperparameters, Stack, hyperparameters_from, train
from concours.entrants.training import History, find_device, seeded

Array = NDArray[Any]

HIDDEN = (128, 64)
SCHEDULE: tuple[Mapping[str, float], ...] = (
    {"epochs": 10, "learning_rate": 2e-3},
    {"epochs": 6, "learning_rate": 5e-4},
    {"epochs": 4, "learning_rate": 1e-4},
)
"""What is done where no schedule is given. A population finds a better one."""


@dataclass(frozen=True)
class Interval:
    """So many epochs of the same hyperparameters."""

    epochs: int
    hyperparameters: Hyperparameters


def read_schedule(schedule: Sequence[Mapping[str, Any]] | None) -> tuple[Interval, ...]:
    """Intervals from JSON: each with `epochs` and any of the hyperparameters; `learning_rate` must be given.

    Raises:
        ValueError: an interval is none; the message says which.
    """
    if schedule is not None and not len(schedule):
        raise ValueError("schedule must have an interval: write [{ epochs = 10, learning_rate = 0.001 }]")
    return tuple(_interval(number, values) for number, values in enumerate(schedule or SCHEDULE, 1))


def _interval(number: int, values: Mapping[str, Any]) -> Interval:
    rest = dict(values)
    epochs = rest.pop("epochs", 1)
    if isinstance(epochs, bool) or epochs != int(epochs) or epochs < 1:
        raise ValueError(f"interval {number} of the schedule: epochs must be a whole number from 1; got {epochs!r}")
    if "learning_rate" not in rest:
        raise ValueError(f"interval {number} of the schedule has no learning_rate; got {', '.join(values)}")
    try:
        return Interval(int(epochs), hyperparameters_from(rest))
    except ValueError as error:
        raise ValueError(f"interval {number} of the schedule: {error}") from None


def batch_size_for(rows: int) -> int:
    """Rows a step: as for the other networks of the zoo."""
    return int(np.clip(2 ** round(np.log2(1.9 * max(rows, 1) ** 0.5)), 16, 256))


def scaling_of(rows: Array) -> networks.Standardise:
    """The scaling that the networks learn from training rows, (rows, features) or (rows, height, width, colours)."""
    scaling = networks.Standardise(rows.shape[-1])
    learn_scaling(scaling, rows)
    return scaling


def scaled(scaling: networks.Standardise, rows: Array) -> Tensor:
    """Rows as a stack takes them: float32, (rows, inputs)."""
    return torch.cat(
        [scaling(torch.from_numpy(part)).flatten(1) for part in np.array_split(rows, len(rows) // 4096 + 1)]
    )


class _Scheduled(NeuralEstimator):
    """What the two have in common: fitted as a stack of one."""

    _build = staticmethod(networks.dense)
    _learning_rate = 2e-3
    _effort = 400.0
    epochs = learning_rate = training = None
    goes_on = False
    hidden: Sequence[int] | None

    def __init__(
        self,
        *,
        hidden: Sequence[int] | None = None,
        schedule: Sequence[Mapping[str, Any]] | None = None,
        batch_size: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.hidden = hidden
        self.schedule = schedule
        self.batch_size = batch_size
        self.random_state = random_state

    def _read(self, X: ArrayLike) -> Array:
        return table_or_images(X)

    def _shape_network(self) -> dict[str, Any]:
        return {"hidden": [int(width) for width in self.hidden or HIDDEN], "dropout": 0.0, "norm": "none"}

    def _fit(self, rows: Array, targets: Array, width: int, weights: Array | None = None) -> None:
        check_lengths(rows, targets)
        self._told_kin()  # nothing is set apart here
        intervals = read_schedule(self.schedule)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self._set_shape(rows.shape[1:])
        self.architecture_ = {"shape": list(self.input_shape_), "outputs": width, **self._shape_network()}
        device, scaling = find_device("auto"), scaling_of(rows)
        inputs, wanted = scaled(scaling, rows).to(device), torch.from_numpy(targets).to(device)
        form = Form(inputs=inputs.shape[1], hidden=tuple(self.architecture_["hidden"]), outputs=width)
        stack, losses = Stack.begin(form, [seed]).to(device), list[float]()
        own = None if weights is None else torch.from_numpy(weights).to(device)
        sizes = {"batch_size": self.batch_size or batch_size_for(len(rows)), "threads": 1}
        for number, interval in enumerate(intervals):
            how = {"epochs": interval.epochs, **sizes}
            found = train(stack, inputs, wanted, [interval.hyperparameters], [seed + number], weights=own, **how)
            losses += found[0].tolist()
        if not np.isfinite(losses).all():
            raise ValueError("the loss must stay finite; lower learning_rate in the schedule")
        with seeded(0, device):  # initial weights are drawn, and then replaced
            self.network_ = networks.dense(**self.architecture_).eval().to(device)
        self.network_.scaling.load_state_dict(scaling.state_dict())
        stack.copy_to(0, self.network_.body)
        self.history_ = History(
            train_loss=tuple(losses),
            validation_loss=(),
            learning_rate=tuple(s.hyperparameters.learning_rate for s in intervals for _ in range(s.epochs)),
            best_epoch=len(losses),
            stopped="epochs",
        )


class ScheduledClassifier(_Scheduled, NeuralClassifier):
    """A multilayer perceptron of ReLUs for classes, trained by a schedule, on tables or on images, which it flattens.

    `hidden`: widths of the hidden layers, None for 128 and 64. `schedule`: intervals in order, each a table of
    `epochs`, `learning_rate` and, if need be, `momentum`, `weight_decay`, `dropout`
    (`concours.entrants.stack.Hyperparameters`). `batch_size`: None for one that follows the rows. Unlike
    `DenseClassifier` it holds nothing out and stops where the schedule ends.
    """


class ScheduledRegressor(_Scheduled, DenseRegressor):
    """A multilayer perceptron for one number a row, trained by a schedule on the squared error of the standardised
    target. Takes what `ScheduledClassifier` takes.
    """


@dataclass
class Members:
    """A population on its training rows, as a job trains it.

    Attributes:
        rows: scaled, (rows, inputs) float32.
        targets: codes of classes, or standardised values.
        mean, deviation: of a target that is a number, in its unit.
        weights: of the rows, (rows,) float32, 1 on average; none where all weigh alike.
    """

    stack: Stack
    scaling: networks.Standardise
    rows: Tensor
    targets: Tensor
    batch_size: int
    mean: float
    deviation: float
    weights: Tensor | None = None

    @classmethod
    def of(
        cls,
        params: Mapping[str, Any],
        x: ArrayLike,
        y: Array,
        classes: int,
        seeds: Sequence[int],
        kept: Mapping[str, bytes] | None,
        weights: Array | None = None,
    ) -> Self:
        """A member a seed: as `files` kept them, or untrained.

        Args:
            params: `hidden` and `batch_size`, as of `ScheduledClassifier`.
            y: codes of the problem's classes, or values with `classes` 0.
            weights: of the rows, (rows,).

        Raises:
            ValueError: rows are none that a network takes, or what was kept is of another form.
        """
        rows = table_or_images(x)
        check_lengths(rows, y)
        device, scaling = find_device("auto"), scaling_of(rows)
        mean, deviation = (0.0, 1.0) if classes else (float(y.mean()), float(y.std()) or 1.0)
        targets = np.asarray(y, dtype=np.int64) if classes else ((y - mean) / deviation).astype(np.float32)
        hidden = tuple(int(width) for width in params.get("hidden") or HIDDEN)
        form = Form(inputs=prod(rows.shape[1:]), hidden=hidden, outputs=classes or 1)
        return cls(
            stack=(Stack.begin(form, seeds) if kept is None else _unpacked(form, kept)).to(device),
            scaling=scaling,
            rows=scaled(scaling, rows).to(device),
            targets=torch.from_numpy(targets).to(device),
            batch_size=params.get("batch_size") or batch_size_for(len(rows)),
            mean=mean,
            deviation=deviation,
            weights=None if weights is None else torch.from_numpy(weights.astype(np.float32)).to(device),
        )

    def train(
        self, hyperparameters: Sequence[Mapping[str, Any]], seeds: Sequence[int], epochs: int, threads: int
    ) -> Array:
        """Trains each by its hyperparameters; mean losses, (members, epochs)."""
        own = [hyperparameters_from(dict(each)) for each in hyperparameters]
        sizes = {"epochs": epochs, "batch_size": self.batch_size, "threads": threads}
        return train(self.stack, self.rows, self.targets, own, seeds, weights=self.weights, **sizes)

    def predict(self, x: ArrayLike) -> NDArray[np.float64]:
        """Predictions of each member, (members, rows, outputs): probabilities, or values in the unit of the target."""
        rows = scaled(self.scaling, table_or_images(x)).to(self.rows.device)
        said = self.stack.outputs(rows).cpu().double()
        return (said * self.deviation + self.mean if self.targets.is_floating_point() else said.softmax(dim=2)).numpy()

    def files(self) -> dict[str, bytes]:
        """Weights and moments of all members, and how many steps they have made."""
        tensors = {name: getattr(self.stack, name).cpu() for name in ("weights", "first", "second")}
        return {"stack": safetensors.torch.save({**tensors, "steps": torch.tensor(self.stack.steps)})}


def _unpacked(form: Form, files: Mapping[str, bytes]) -> Stack:
    tensors = safetensors.torch.load(files["stack"])
    steps = int(tensors.pop("steps"))
    if tensors["weights"].shape[1] != form.size:
        raise ValueError(f"the members kept have {tensors['weights'].shape[1]} numbers each; this form has {form.size}")
    return Stack(form=form, steps=steps, **tensors)
