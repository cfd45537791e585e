"""What a site does in a round: it takes the common weights, trains on its rows, and says how far it got.

The network is an estimator that has `begun` without a row (`begun`), so that all sites, wherever they are, have the
same one. A site's rows go in here, and an `Update` comes out: nothing else leaves it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from concours.entrants.optimisers import Flat, in_row
from concours.entrants.private import Private
from concours.entrants.training import Correction, Settings
from concours.kernels.federating.update import Tensors, Update


@dataclass(frozen=True, kw_only=True)
class Local:
    """How a site trains in a round.

    Attributes:
        epochs: passes over its rows.
        batch_size: rows a step, or a little more, as all rows are gone through.
        learning_rate: constant.
        optimiser, momentum, nesterov, weight_decay, clip_norm: as of `entrants.training.Settings`.
        proximal: μ of FedProx (Li et al. 2020): the loss has μ/2 ‖w − w₀‖² added, w₀ the weights at the beginning.
        last_only: only the last layer learns, for a model that is personal, which nothing holds to the others'.

    Raises:
        ValueError: a spring is wanted for a model that is personal.
    """

    epochs: int = 1
    batch_size: int = 32
    learning_rate: float = 0.05
    optimiser: str = "sgd"
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    clip_norm: float | None = None
    proximal: float = 0.0
    last_only: bool = False

    def __post_init__(self) -> None:
        if self.last_only and self.proximal:
            raise ValueError(
                f"last_only trains for a site alone, which no spring holds: leave out proximal={self.proximal!r}"
            )

    @property
    def training(self) -> Settings:
        """The same for the training loop that all networks share."""
        return Settings(
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            optimiser=self.optimiser,
            momentum=self.momentum,
            nesterov=self.nesterov,
            weight_decay=self.weight_decay,
            clip_norm=self.clip_norm,
            schedule="constant",
            validation_share=0.0,
        )

    def steps(self, rows: int) -> int:
        """How many steps it makes on so many rows."""
        return self.epochs * max(1, rows // self.batch_size)


@dataclass(frozen=True, kw_only=True)
class Controls:
    """SCAFFOLD's control variates, by the names of learned tensors; of zeros where there are none yet.

    Attributes:
        server: c, which comes with the weights.
        own: cᵢ, which stays at the site; after a round it is cᵢ + `Update.control`.
    """

    server: Tensors = field(default_factory=dict)
    own: Tensors = field(default_factory=dict)


def local(
    network: Any,
    tensors: Tensors,
    x: ArrayLike,
    y: ArrayLike,
    settings: Local,
    *,
    seed: int,
    controls: Controls | None = None,
    private: Private | None = None,
) -> Update:
    """Trains from the common weights on a site's rows.

    Args:
        network: an estimator that has begun (`NeuralEstimator.begun`); its weights are overwritten.
        tensors: the common weights: all of `network.get_tensors()`, or at least what is learned.
        x: rows as the network takes them, (rows, …).
        y: codes of the declared classes, or numbers, (rows,).
        seed: of the order of rows and of dropout.
        controls: for `scaffold`, else none.
        private: where what leaves must not tell of a single row. Then the loss does not leave, which would.

    Law: a function of its arguments, to the byte where the number of threads is the same.

    Raises:
        ValueError: rows are none that the network takes, its loss does not stay finite, or there are controls and
            `last_only`.
    """
    load(network, tensors)
    before = {name: tensor.detach().clone() for name, tensor in network.network_.named_parameters()}
    rows = len(np.asarray(y))
    correct = _correction(network, settings, controls)
    network.go_on(x, y, settings.training, seed=seed, correct=correct, last_only=settings.last_only, private=private)
    after = network.network_
    delta = {name: _numpy(tensor.detach() - before[name]) for name, tensor in after.named_parameters()}
    return Update(
        delta=delta,
        statistics={name: _numpy(tensor) for name, tensor in statistics(after).items()},
        rows=rows,
        loss=math.nan if private else network.history_.train_loss[-1],
        control={} if controls is None else control_moved(delta, controls, settings, rows),
    )


def load(network: Any, tensors: Tensors) -> None:
    """Gives a network that has begun the weights of a round.

    Raises:
        ValueError: a tensor is missing, or has another shape.
    """
    own = network.network_.state_dict()
    with torch.no_grad():
        for name, tensor in own.items():
            if name not in tensors or tuple(tensor.shape) != np.shape(tensors[name]):
                given = np.shape(tensors[name]) if name in tensors else "none"
                raise ValueError(f"tensor {name!r} must have shape {tuple(tensor.shape)}; got {given}")
            tensor.copy_(torch.from_numpy(np.asarray(tensors[name])))


def statistics(network: torch.nn.Module) -> dict[str, Tensor]:
    """The running statistics of batch norms, by the names of the state; counts of batches are none."""
    found: dict[str, Tensor] = {}
    for prefix, part in network.named_modules():
        if isinstance(part, torch.nn.modules.batchnorm._BatchNorm) and part.running_mean is not None:
            found |= {f"{prefix}.{name}": getattr(part, name) for name in ("running_mean", "running_var")}
    return found


def _correction(network: Any, settings: Local, controls: Controls | None) -> Correction | None:
    """What is added to a gradient: the spring of FedProx, and c − cᵢ of SCAFFOLD."""
    learned = dict(network.network_.named_parameters())
    start = in_row(tensor.detach() for tensor in learned.values()) if settings.proximal else None
    drift = None
    if controls is not None:
        each = drift_of(controls, settings, {name: np.zeros(tensor.shape) for name, tensor in learned.items()})
        drift = in_row(map(torch.from_numpy, each.values())).to(next(iter(learned.values())).device)

    def correct(flat: Flat) -> None:
        if start is not None:
            flat.gradient.add_(flat.weights - start, alpha=settings.proximal)
        if drift is not None:
            flat.gradient.add_(drift)

    return None if start is None and drift is None else correct


def drift_of(controls: Controls, settings: Local, none: Tensors) -> dict[str, NDArray[np.float32]]:
    """c − cᵢ, by the names of `none`, zeros that stand for what is not there yet.

    Raises:
        ValueError: the last layer alone learns, of which control variates know nothing.
    """
    if settings.last_only:
        raise ValueError("last_only trains for a site alone, which is corrected towards nobody: leave out controls")
    return {
        name: (controls.server.get(name, zeros) - controls.own.get(name, zeros)).astype(np.float32)
        for name, zeros in none.items()
    }


def control_moved(delta: Tensors, controls: Controls, settings: Local, rows: int) -> dict[str, NDArray[Any]]:
    """Δcᵢ = −c + (w₀ − w) / (K η), of K steps at a rate of η (Karimireddy et al. 2020, option II)."""
    scale = 1 / (settings.steps(rows) * settings.learning_rate)
    return {
        name: (-scale * moved - (controls.server[name] if controls.server else 0.0)).astype(moved.dtype)
        for name, moved in delta.items()
    }


def _numpy(tensor: Tensor) -> NDArray[Any]:
    return np.array(tensor.detach().cpu().numpy(), order="C")
