"""Defenders: what an attack sees of a fitted model, and networks that go on training on attacked rows.

Adversarial training after Goodfellow et al. 2015 (clean rows beside attacked ones) and Madry et al. 2018 (each batch is
attacked anew, as the network is at that moment).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from concours.entrants.attacks import Scores, attack, box
from concours.entrants.fitting import Fitted
from concours.entrants.losses import cross_entropy
from concours.entrants.training import seeded, train

_NEVER = -1e4
"""The score of a class that a network has not seen."""

_CLEAN = 0.5
"""The share of a batch's rows that stay as they are."""


@dataclass(frozen=True, kw_only=True)
class Pressure:
    """What a network trains against.

    Attributes:
        attack, settings: by name, and its own arguments.
        epsilon: the greatest change, as a share of the inputs' range.
        low, high: that range, broadcast to a row.
        epochs: passes over the rows.
    """

    attack: str
    settings: Mapping[str, Any]
    epsilon: float
    low: ArrayLike
    high: ArrayLike
    epochs: int


def network_scores(fitted: Fitted) -> Scores:
    """The logits of a network of ours, (n, classes) in the order of the problem's classes."""
    network, codes = fitted.estimator.network_, torch.from_numpy(fitted.codes)
    if len(codes) == fitted.classes:
        return network  # type: ignore[no-any-return]
    return lambda rows: _all_classes(network(rows), codes, fitted.classes or 0)


def model_scores(fitted: Fitted, back: Callable[[NDArray[np.float32]], Any]) -> Scores:
    """The probabilities of any model, (n, classes) in the order of the problem's classes; no gradients go through them.

    Args:
        back: from rows (n, *shape) float32 to what the model was fitted on.
    """
    return lambda rows: torch.from_numpy(fitted.predict(back(rows.numpy())))


def harden(fitted: Fitted, rows: NDArray[np.float32], y: NDArray[np.int64], pressure: Pressure, *, seed: int) -> Fitted:
    """The same network, trained on for some epochs on rows of which one half are attacked in every batch.

    Changes the network of `fitted`. Law: a function of the arguments, to the byte where the number of threads is the
    same.

    Args:
        rows: (n, *shape) as the network takes them.
        y: (n,) codes into the problem's classes.
    """
    estimator = fitted.estimator
    inputs, targets = torch.from_numpy(np.array(rows)), torch.from_numpy(np.searchsorted(fitted.codes, y))
    settings = replace(estimator._settings(len(rows)), epochs=pressure.epochs, patience=None)
    augment = estimator._augmentation()
    network = estimator.network_

    def attacked(chosen: Tensor, generator: torch.Generator) -> Tensor:
        """The rows of these numbers; the network is still while it is attacked, so that its norms learn nothing."""
        batch = augment(inputs[chosen], generator) if augment else inputs[chosen]
        around = box(batch.numpy(), pressure.epsilon, pressure.low, pressure.high)
        network.eval()
        moved = attack(pressure.attack, network, around, targets[chosen], pressure.settings, generator=generator)
        network.train()
        clean = torch.rand(len(chosen), generator=generator) < _CLEAN
        return torch.where(clean.view(-1, *[1] * (batch.ndim - 1)), around.rows, moved)

    with seeded(seed, torch.device("cpu")) as generator:
        estimator.history_ = train(
            network,
            cross_entropy(targets, settings.label_smoothing),
            (torch.arange(len(rows)), targets),
            settings,
            generator=generator,
            augment=attacked,
        )
    return fitted


def _all_classes(logits: Tensor, codes: Tensor, classes: int) -> Tensor:
    whole = torch.full((len(logits), classes), _NEVER, dtype=logits.dtype)
    return whole.index_copy(1, codes, logits)
