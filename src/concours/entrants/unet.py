"""A network that says a label for each pixel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from torch.nn import functional

from concours.entrants.augmentations import Mirrored
from concours.entrants.coloured import width_of
from concours.entrants.estimator import NeuralEstimator
from concours.entrants.inputs import images, weights_of
from concours.entrants.losses import Loss
from concours.entrants.networks import ChannelsFirst, Network, convolution
from concours.entrants.settings import in_small_batches
from concours.entrants.training import Augmentation, Settings, outputs
from concours.kernels.scoring.masks import VOID

Array = NDArray[Any]

_AT_ONCE = 32
_STAGES = 3


class UNetSegmenter(NeuralEstimator):
    """A small U-Net (Ronneberger, Fischer and Brox 2015): a picture is made smaller three times and larger again, with
    what was seen before it was made smaller.

    The loss is the cross-entropy of pixels and one minus Dice's overlap of each label (Milletari, Navab and Ahmadi
    2016), in equal parts. Pictures are mirrored by chance in training.

    Pictures, targets and predictions are as `entrants.coloured.TypicalMasks` has them. `width`: channels at full size;
    each stage doubles them. `mirror`: "both", "sideways" where up and down are not alike, or "none".
    """

    _learning_rate = 1e-2
    _effort = 130.0
    divides = False

    def __init__(
        self,
        *,
        width: int = 8,
        mirror: str = "sideways",
        classes: int | None = None,
        epochs: int | None = None,
        learning_rate: float | None = None,
        training: Mapping[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.width = width
        self.mirror = mirror
        self.classes = classes
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.training = training
        self.random_state = random_state

    @staticmethod
    def _build(*, shape: Sequence[int], outputs: int, width: int) -> Network:
        return Network(shape[-1], nn.Sequential(ChannelsFirst(), _UNet(shape[-1], outputs, width)))

    def fit(self, X: ArrayLike, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to pictures and their masks, by weights, (n,) and 1 on average."""
        self._mirrored = Mirrored(self.mirror)
        rows, codes = self._read(X), np.asarray(y)
        self._masks = torch.from_numpy(codes.astype(np.int64))
        try:
            width = width_of(codes, self.classes)
            self._fit(rows, np.arange(len(rows), dtype=np.float32), width, weights_of(sample_weight))
        finally:
            del self._masks, self._mirrored
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.float32]:
        """Probabilities of pictures."""
        rows = self._read(X)
        if rows.shape[1:] != self.input_shape_:
            raise ValueError(f"X must have rows of shape {self.input_shape_}, as in fit; got {rows.shape[1:]}")
        device = next(self.network_.parameters()).device
        parts = [
            outputs(self.network_, torch.tensor(rows[start : start + _AT_ONCE], device=device)).softmax(dim=1).cpu()
            for start in range(0, len(rows), _AT_ONCE)
        ]
        return torch.cat(parts).permute(0, 2, 3, 1).contiguous().numpy()

    def _read(self, X: ArrayLike) -> Array:
        return images(X)

    def _shape_network(self) -> dict[str, Any]:
        return {"width": self.width}

    def _settings(self, rows: int) -> Settings:
        """Small batches: each picture has many pixels."""
        return in_small_batches(super()._settings(rows), rows, 8, self.training)

    def _losses(self, targets: Tensor, settings: Settings, weights: Tensor | None) -> tuple[Loss, Loss]:
        del targets, settings, weights
        masks, mirrored = self._masks, self._mirrored

        def trained(said: Tensor, rows: Tensor, weights: Tensor | None = None) -> Tensor:
            return overlap_loss(said, mirrored.again(masks[rows.long().cpu()]).to(said.device), weights)

        def validated(said: Tensor, rows: Tensor, weights: Tensor | None = None) -> Tensor:
            return overlap_loss(said, masks[rows.long().cpu()].to(said.device), weights)

        return trained, validated

    def _augmentation(self) -> Augmentation | None:
        return self._mirrored.pictures

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")


class _UNet(nn.Module):
    """From pictures (n, colours, height, width) to logits (n, classes, height, width)."""

    def __init__(self, colours: int, classes: int, width: int) -> None:
        super().__init__()
        widths = [width * 2**stage for stage in range(_STAGES + 1)]
        self.first = nn.Sequential(*convolution(colours, width, 3))
        self.down = nn.ModuleList(
            nn.Sequential(*convolution(before, after, 3, stride=2), *convolution(after, after, 3))
            for before, after in pairwise(widths)
        )
        self.up = nn.ModuleList(
            nn.Sequential(*convolution(before + after, after, 3)) for before, after in pairwise(widths[::-1])
        )
        self.last = nn.Conv2d(width, classes, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        seen = [self.first(pictures)]
        for smaller in self.down:
            seen.append(smaller(seen[-1]))
        found = seen.pop()
        for larger in self.up:
            skipped = seen.pop()
            found = larger(torch.cat([functional.interpolate(found, size=skipped.shape[2:]), skipped], dim=1))
        told: Tensor = self.last(found)
        return told


def overlap_loss(said: Tensor, codes: Tensor, weights: Tensor | None = None) -> Tensor:
    """Cross-entropy, and one minus the mean over labels of Dice's overlap, of logits (n, classes, height, width) and
    codes (n, height, width), a `Loss`; overlaps are of the batch. Pixels without a label do not count.
    """
    seen = codes != VOID
    pixels = functional.cross_entropy(said, codes, ignore_index=VOID, reduction="none")
    each = pixels.sum(dim=(1, 2)) / seen.sum(dim=(1, 2)).clamp(min=1)
    share = said.softmax(dim=1) * seen[:, None]
    truth = functional.one_hot(codes.where(seen, 0), said.shape[1]).permute(0, 3, 1, 2).to(share.dtype) * seen[:, None]
    if weights is not None:
        each = each * weights
        share, truth = share * weights[:, None, None, None], truth * weights[:, None, None, None]
    both = (share * truth.sign()).sum(dim=(0, 2, 3))
    dice = (2 * both + 1) / (share.sum(dim=(0, 2, 3)) + truth.sum(dim=(0, 2, 3)) + 1)
    return (each.mean() + 1 - dice.mean()) / 2
