"""Forward and backward through many dense networks of one form at once: batched matrix products, written out.

A network is a row of numbers, and a stack of them a matrix. What trains them, members of a population or the sites of a
federation, decides what becomes of the slopes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

CACHE_BYTES = 8 << 20
"""What a block and its batch take of a core's cache, about; measured by `benchmarks/population.py`."""


@dataclass(frozen=True, kw_only=True)
class Form:
    """The shape of a dense network: linear and ReLU for each width of `hidden`, then linear."""

    inputs: int
    hidden: tuple[int, ...]
    outputs: int

    @property
    def layers(self) -> list[tuple[int, int]]:
        return list(pairwise((self.inputs, *self.hidden, self.outputs)))

    @property
    def weights(self) -> int:
        """How many numbers of a member are weights: they come first, layer by layer as (inputs, outputs)."""
        return sum(before * after for before, after in self.layers)

    @property
    def size(self) -> int:
        """How many numbers a member has: weights, then biases."""
        return self.weights + sum(after for _, after in self.layers)

    def flops(self, rows: int) -> int:
        """Operations in the matrix products of a step on so many rows: forward, and backward but for the inputs."""
        products = sum(before * after for before, after in self.layers)
        return 2 * rows * (3 * products - self.inputs * self.layers[0][1])

    def blocks(self, members: int, batch_size: int, threads: int, device: torch.device) -> list[slice]:
        """Members that are trained together: all on a GPU; else as many as a core's cache holds with their batches, in
        blocks of even size, as many for each thread.
        """
        each = 4 * (4 * self.size + batch_size * (self.inputs + 3 * sum(self.hidden)))
        most = threads * max(1, CACHE_BYTES // each)
        count = 1 if device.type != "cpu" else min(members, threads * math.ceil(members / most))
        return [slice(*ends) for ends in pairwise(members * number // count for number in range(count + 1))]


@dataclass(frozen=True)
class Drop:
    """Dropout: what becomes of the values of a layer, (members, batch, width), and by what the kept ones are scaled."""

    values: Callable[[Tensor], Tensor]
    scale: Tensor


class Passes:
    """Some members, (members, size) float32, and the slopes of their losses beside them, in `gradient`."""

    def __init__(self, form: Form, numbers: Tensor, gradient: Tensor, drop: Drop | None = None) -> None:
        self.gradient, self._drop = gradient, drop
        self.parts, self._slopes = views(form, numbers), views(form, gradient)

    def losses(self, rows: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
        """The sum of each member's losses, (members,); `gradient` then is that of their mean.

        Args:
            rows: (members, batch, inputs).
            targets: codes of classes (cross-entropy), or float32 values (squared error), (members, batch).
            weights: of the rows, (members, batch, 1), or none.
        """
        layers = [rows]
        for each, biases in zip(*(part[:-1] for part in self.parts), strict=True):
            values = torch.baddbmm(biases, layers[-1], each).relu_()
            layers.append(values if self._drop is None else self._drop.values(values))
        said = torch.baddbmm(self.parts[1][-1], layers[-1], self.parts[0][-1])
        losses, slope = _losses(said, targets, weights)
        self._backward(layers, slope)
        return losses

    def _backward(self, layers: Sequence[Tensor], slope: Tensor) -> None:
        for level in reversed(range(len(layers))):
            torch.bmm(layers[level].transpose(1, 2), slope, out=self._slopes[0][level])
            torch.sum(slope, 1, keepdim=True, out=self._slopes[1][level])
            if level:
                slope = torch.bmm(slope, self.parts[0][level].transpose(1, 2))
                slope.mul_(layers[level].sign())
                if self._drop is not None:
                    slope.mul_(self._drop.scale)


def views(form: Form, numbers: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Weights (members, inputs, outputs) and biases (members, 1, outputs) of each layer; views."""
    members, start = len(numbers), 0
    weights, biases = [], []
    for before, after in form.layers:
        weights.append(numbers[:, start : start + before * after].view(members, before, after))
        start += before * after
    for _, after in form.layers:
        biases.append(numbers[:, start : start + after].view(members, 1, after))
        start += after
    return weights, biases


def forward(parts: tuple[list[Tensor], list[Tensor]], values: Tensor) -> Tensor:
    """What each member says of its rows, (members, rows, outputs)."""
    for weights, biases in zip(*(part[:-1] for part in parts), strict=True):
        values = torch.baddbmm(biases, values, weights).relu_()
    return torch.baddbmm(parts[1][-1], values, parts[0][-1])


def _losses(said: Tensor, targets: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor]:
    """The sum of each member's losses, and the slope of their mean, (members, batch, outputs).

    `weights`: of the rows, (members, batch, 1).
    """
    if targets.dtype.is_floating_point:
        error = said - targets[:, :, None]
        losses, slope = error.square(), error.mul_(2 / targets.shape[1])
    else:
        logs = functional.log_softmax(said, dim=2)
        at = targets[:, :, None]
        losses = -logs.gather(2, at)
        slope = logs.exp_().scatter_add_(2, at, torch.full_like(losses, -1.0))
        slope = slope.div_(targets.shape[1])
    if weights is not None:
        losses, slope = losses * weights, slope.mul_(weights)
    return losses.sum((1, 2)), slope
