"""Losses of networks, over the rows of a batch, which may have weights."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

Loss = Callable[..., Tensor]
"""From outputs and targets of a batch to their mean loss, a scalar; with weights (n,) as a third, to the weighted sum
of losses over the number of rows, so that a batch counts by what it weighs.
"""


def cross_entropy(classes: Tensor, smoothing: float, weights: Tensor | None = None) -> Loss:
    """Cross-entropy whose labels are smoothed towards the frequencies of `classes` (integers, shape (n,)).

    As Szegedy et al. (2016), but uniform smoothing would shift the predicted frequency of rare classes. Frequencies are
    by `weights`, (n,), where there are any.
    """
    frequencies = torch.bincount(classes, weights=weights).float() / (
        len(classes) if weights is None else weights.sum()
    )

    def loss(outputs: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
        logs = functional.log_softmax(outputs, dim=1)
        if weights is not None:
            hard = functional.nll_loss(logs, targets, reduction="none")
            return (weights * ((1 - smoothing) * hard - smoothing * (logs @ frequencies))).mean()
        return (1 - smoothing) * functional.nll_loss(logs, targets) - smoothing * (logs @ frequencies).mean()

    return loss


def surprise(outputs: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
    """Cross-entropy, a `Loss`."""
    if weights is None:
        return functional.cross_entropy(outputs, targets)
    return (weights * functional.cross_entropy(outputs, targets, reduction="none")).mean()


def squared_error(outputs: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
    """Squared error of outputs (n, 1) against values (n,), a `Loss`."""
    if weights is None:
        return functional.mse_loss(outputs[:, 0], targets)
    return (weights * (outputs[:, 0] - targets).square()).mean()


def absolute_error(outputs: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
    """Absolute error of outputs (n, 1) against values (n,), a `Loss`: it leads to medians."""
    return _weighed((outputs[:, 0] - targets).abs(), weights)


def huber(outputs: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
    """Squared error up to one deviation of the target, straight beyond (Huber 1964), a `Loss`."""
    return _weighed(functional.huber_loss(outputs[:, 0], targets, reduction="none"), weights)


def brier(outputs: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
    """Squared error of probabilities, of which `outputs` (n, classes) are logits (Brier 1950), a `Loss`."""
    shares = outputs.softmax(dim=1)
    return _weighed((shares - functional.one_hot(targets, outputs.shape[1])).square().sum(dim=1), weights)


def hinge(outputs: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
    """Multi-class hinge of logits (n, classes) (Crammer and Singer 2001), a `Loss`."""
    right = outputs.gather(1, targets[:, None])
    others = outputs.scatter(1, targets[:, None], -torch.inf).max(dim=1).values
    return _weighed((1 + others - right[:, 0]).clamp_min(0), weights)


def _weighed(each: Tensor, weights: Tensor | None) -> Tensor:
    return (each if weights is None else weights * each).mean()


OF_CLASSES: dict[str, Loss] = {"cross_entropy": surprise, "squared_error": brier, "hinge": hinge}
"""By name: what a network may be trained by that gives logits (n, classes)."""

OF_NUMBERS: dict[str, Loss] = {"squared_error": squared_error, "absolute_error": absolute_error, "huber": huber}
"""By name: what a network may be trained by that gives a number a row, of a standardised target."""
