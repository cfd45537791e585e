"""A network that finds the centres of objects, and how large these are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from torch.nn import functional

from concours.entrants.augmentations import Mirrored
from concours.entrants.estimator import NeuralEstimator
from concours.entrants.inputs import images, weights_of
from concours.entrants.losses import Loss
from concours.entrants.networks import ChannelsFirst, Network, Residual, convolution
from concours.entrants.settings import in_small_batches
from concours.entrants.training import Augmentation, Settings, outputs
from concours.kernels.rows.boxes import MOST, Boxes, suppressed_each

Array = NDArray[Any]

_LONGEST = 128
"""Pixels of the longer side beyond which the network looks at a smaller picture."""
_STRIDE = 2
_PEAKED = 2.0, 4.0
_RARE = -2.2  # the logarithm of the odds of one centre in ten
_FOUND = 0.6
_LEAST = 0.03
_AT_ONCE = 32
_NUMBERS = 5
"""Numbers of a cell beside the heat of each class: width, height, where in it the centre lies, and whether one does."""


class CentreDetector(NeuralEstimator):
    """Objects as points (Zhou, Wang and Krähenbühl 2019): a heat map of the centres of each class, and at each centre
    the width and height of the object and where in its cell the centre lies.

    The network looks at pictures of 128 pixels at most, made smaller twice and larger again with what was seen before,
    and says all this for a grid of half as many cells a side. A box is where the heat is higher than around it.
    Pictures are mirrored by chance in training.

    Pictures are (rows, height, width[, colours]); targets and predictions boxes as `tasks.outputs.boxes` has them.
    `width`: channels of the finest stage; `mirror`: "both", "sideways" where up and down are not alike, or "none".
    """

    _learning_rate = 4e-3
    _effort = 140.0
    divides = False

    def __init__(
        self,
        *,
        width: int = 16,
        mirror: str = "both",
        epochs: int | None = None,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.width = width
        self.mirror = mirror
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.random_state = random_state

    @staticmethod
    def _build(*, shape: Sequence[int], outputs: int, pool: int, width: int) -> Network:
        return Network(shape[-1], nn.Sequential(ChannelsFirst(), _Centres(shape[-1], outputs, pool, width)))

    def fit(self, X: ArrayLike, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to pictures and their boxes, by weights, (n,) and 1 on average."""
        self._mirrored = _Mirrored(self.mirror)
        rows, boxes = self._read(X), Boxes.of(y)
        classes = int(boxes.labels.max(initial=0)) + 1
        self._set_shape(rows.shape[1:])
        self._maps = torch.from_numpy(_maps(boxes, classes, self._grid()))
        try:
            self._fit(rows, np.arange(len(rows), dtype=np.float32), classes, weights_of(sample_weight))
        finally:
            del self._maps, self._mirrored
        return self

    def predict(self, X: ArrayLike) -> Boxes:
        """Boxes of pictures."""
        rows = self._read(X)
        if rows.shape[1:] != self.input_shape_:
            raise ValueError(f"X must have rows of shape {self.input_shape_}, as in fit; got {rows.shape[1:]}")
        device = next(self.network_.parameters()).device
        parts = [
            outputs(self.network_, torch.tensor(rows[start : start + _AT_ONCE], device=device)).cpu()
            for start in range(0, len(rows), _AT_ONCE)
        ]
        return suppressed_each([_boxes(said) for part in parts for said in part], overlap=_FOUND)

    def _read(self, X: ArrayLike) -> Array:
        return images(X)

    def _pool(self) -> int:
        return -(-max(self.input_shape_[:2]) // _LONGEST)

    def _grid(self) -> tuple[int, int]:
        height, width = (-(-side // self._pool()) for side in self.input_shape_[:2])
        return -(-height // _STRIDE), -(-width // _STRIDE)

    def _shape_network(self) -> dict[str, Any]:
        return {"pool": self._pool(), "width": self.width}

    def _settings(self, rows: int) -> Settings:
        """Small batches: each picture has many objects."""
        return in_small_batches(super()._settings(rows), rows, 8, self.training)

    def _losses(self, targets: Tensor, settings: Settings, weights: Tensor | None) -> tuple[Loss, Loss]:
        del targets, settings, weights
        maps, mirrored = self._maps, self._mirrored

        def trained(said: Tensor, rows: Tensor, weights: Tensor | None = None) -> Tensor:
            return _loss(said, mirrored.told(maps[rows.long().cpu()]).to(said.device), weights)

        def validated(said: Tensor, rows: Tensor, weights: Tensor | None = None) -> Tensor:
            return _loss(said, maps[rows.long().cpu()].to(said.device), weights)

        return trained, validated

    def _augmentation(self) -> Augmentation | None:
        return self._mirrored.pictures

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")


class _Mirrored(Mirrored):
    """Of pictures, and of the maps of where centres lie."""

    def told(self, maps: Tensor) -> Tensor:
        """Of the maps (n, maps, height, width) of the same batch: where in a cell a centre lies is mirrored too."""
        found = self.again(maps.movedim(1, -1)).movedim(-1, 1).clone()
        for axis, place in ((0, -2), (1, -3)):
            turned = self.drawn[:, axis]
            there = found[turned, -1] > 0
            found[turned, place] = torch.where(there, 1 - found[turned, place], 0.0)
        return found


class _Centres(nn.Module):
    """From pictures (n, colours, height, width) to (n, classes + 4, grid height, grid width)."""

    def __init__(self, colours: int, classes: int, pool: int, width: int) -> None:
        super().__init__()
        self.smaller = nn.AvgPool2d(pool, ceil_mode=True) if pool > 1 else nn.Identity()
        self.fine = nn.Sequential(*convolution(colours, width, 5, stride=_STRIDE), *convolution(width, width, 3))
        self.middle = nn.Sequential(
            *convolution(width, 2 * width, 3, stride=2), Residual(nn.Sequential(*convolution(2 * width, 2 * width, 3)))
        )
        self.coarse = nn.Sequential(
            *convolution(2 * width, 4 * width, 3, stride=2),
            Residual(nn.Sequential(*convolution(4 * width, 4 * width, 3))),
            Residual(nn.Sequential(*convolution(4 * width, 4 * width, 3))),
        )
        self.down = nn.ModuleList([nn.Conv2d(4 * width, 2 * width, 1), nn.Conv2d(2 * width, width, 1)])
        self.mix = nn.ModuleList([nn.Sequential(*convolution(each * width, each * width, 3)) for each in (2, 1)])
        last = nn.Conv2d(2 * width, classes + 4, 1)
        with torch.no_grad():
            last.bias.copy_(torch.tensor([_RARE] * classes + [0.0] * 4))  # type: ignore[union-attr]
        self.heat = nn.Sequential(*convolution(width, 2 * width, 3), last)

    def forward(self, pictures: Tensor) -> Tensor:
        fine = self.fine(self.smaller(pictures))
        middle = self.middle(fine)
        seen = self.coarse(middle)
        for down, mix, skipped in zip(self.down, self.mix, (middle, fine), strict=True):
            seen = mix(functional.interpolate(down(seen), size=skipped.shape[2:]) + skipped)
        told: Tensor = self.heat(seen)
        return told


def _maps(boxes: Boxes, classes: int, grid: tuple[int, int]) -> NDArray[np.float32]:
    """What the network is to say of each picture, (rows, classes + 5, grid height, grid width).

    The heat is 1 in the cell of a centre and falls around it, the wider the larger the object.
    """
    height, width = grid
    found = np.zeros((len(boxes), classes + _NUMBERS, height, width), dtype=np.float32)
    scale = np.array([width, height])
    down, across = np.mgrid[:height, :width]
    for row, label, corners in zip(boxes.rows, boxes.labels, boxes.corners, strict=True):
        sides = (corners[2:] - corners[:2]) * scale
        centre = (corners[:2] + corners[2:]) / 2 * scale
        x, y = np.minimum(centre.astype(np.int64), scale - 1)
        spread = np.maximum(sides / 8, 0.5)
        heat = np.exp(-(((across - x) / spread[0]) ** 2 + ((down - y) / spread[1]) ** 2) / 2)
        np.maximum(found[row, label], heat, out=found[row, label])
        found[row, classes:, y, x] = [*np.log(sides), centre[0] - x, centre[1] - y, 1.0]
    return found


def _loss(said: Tensor, maps: Tensor, weights: Tensor | None) -> Tensor:
    """The focal loss of the heat (Zhou et al. 2019), and the distance of sizes and places at the centres, an object."""
    classes = maps.shape[1] - _NUMBERS
    heat, told = said[:, :classes], maps[:, :classes]
    sure, missed = functional.logsigmoid(heat), functional.logsigmoid(-heat)
    at = (told == 1).float()
    power, bent = _PEAKED
    seen = at * missed.exp().pow(power) * sure + (1 - told).pow(bent) * sure.exp().pow(power) * missed
    there = maps[:, -1]
    off = (said[:, classes:] - maps[:, classes:-1]).abs().sum(dim=1) * there
    each = off.sum(dim=(1, 2)) - seen.sum(dim=(1, 2, 3))
    if weights is not None:
        each = each * weights
    return each.sum() / there.sum().clamp(min=1.0)


def _boxes(said: Tensor) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Labels, scores and corners of what the network says of one picture, (classes + 4, grid height, grid width)."""
    classes, (height, width) = said.shape[0] - 4, said.shape[1:]
    heat = said[:classes].sigmoid()
    peak = (functional.max_pool2d(heat[None], 3, 1, 1)[0] == heat) & (heat >= _LEAST)
    labels, down, across = torch.nonzero(peak, as_tuple=True)
    scores = heat[labels, down, across]
    best = torch.argsort(scores, descending=True, stable=True)[:MOST]
    labels, down, across = labels[best], down[best], across[best]
    sizes = said[classes:, down, across].numpy().astype(np.float64)
    scale = np.array([width, height])
    centre = (np.stack([across.numpy(), down.numpy()], axis=1) + sizes[2:].T) / scale
    half = np.exp(np.clip(sizes[:2].T, -5, np.log(scale))) / scale / 2
    corners = np.concatenate([centre - half, centre + half], axis=1)
    return labels.numpy(), scores[best].numpy().astype(np.float64), corners
