"""What a network looks at, by its gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from captum.attr import IntegratedGradients
from numpy.typing import NDArray
from torch import Tensor

from concours.entrants.estimator import NeuralEstimator
from concours.entrants.unet import UNetSegmenter

Array = NDArray[Any]

_STEPS = 64
_NUMBERS = 4_000_000
"""Numbers of pictures that are asked about at once, about."""


def sees(estimator: Any) -> bool:
    """Whether it is a fitted network of the zoo for bare pictures or clips, and tells classes, or one of each pixel."""
    return (
        isinstance(estimator, NeuralEstimator)
        and len(estimator.input_shape_) in (3, 4)
        and (hasattr(estimator, "classes_") or isinstance(estimator, UNetSegmenter))
    )


def named(estimator: Any, rows: Array) -> tuple[NDArray[np.int64], NDArray[np.bool_] | None]:
    """What the network names in each row, (n,) codes; of masks also in which pixels, (n, height, width).

    Of a mask it is the label of the most pixels, but for the one that has the most in all rows together, unless there
    is no other.
    """
    if not isinstance(estimator, UNetSegmenter):
        return np.asarray(estimator.predict_proba(rows).argmax(axis=1)), None
    masks = estimator.predict(rows).argmax(axis=-1)
    counts = np.stack([(masks == code).sum(axis=(1, 2)) for code in range(masks.max() + 1)], axis=1)
    others = counts.copy()
    others[:, counts.sum(axis=0).argmax()] = 0
    codes = np.where(others.any(axis=1), others.argmax(axis=1), counts.argmax(axis=1))
    return codes, masks == codes[:, None, None]


def integrated(
    estimator: NeuralEstimator, rows: Array, codes: NDArray[np.int64], pixels: NDArray[np.bool_] | None = None
) -> Array:
    """What each pixel adds to the logit of a class: integrated gradients (Sundararajan, Taly and Yan 2017).

    On the way from a picture of nothing but its mean colour to the picture itself, in 64 steps; of a clip, whose frames
    are all of its mean colour. Of masks, the logit is the mean over the pixels that are named so. Law: the pixels of a
    row add up to its logit less that of the mean colour, but for what the steps leave over.

    Args:
        estimator: fitted, of those that are `sees`.
        rows: (n[, frames], height, width[, colours]), uint8 or float.
        codes: (n,) of the classes.
        pixels: of masks, (n, height, width).

    Returns:
        (n[, frames], height, width) float64, summed over colours.
    """
    network = estimator.network_
    device = next(network.parameters()).device
    whole = torch.tensor(estimator._read(rows), dtype=torch.float32, device=device)
    plain = whole.mean(dim=tuple(range(1, whole.ndim - 1)), keepdim=True).expand_as(whole)
    by = IntegratedGradients(network if pixels is None else lambda some, there: _over(network(some), there))
    found = []
    for row, code in enumerate(np.asarray(codes).tolist()):
        there = None if pixels is None else torch.tensor(pixels[row : row + 1], device=device)
        each = by.attribute(
            whole[row : row + 1],
            baselines=plain[row : row + 1],
            target=code,
            additional_forward_args=there,
            n_steps=_STEPS,
            internal_batch_size=int(np.clip(_NUMBERS // whole[row].numel(), 1, _STEPS)),
        )
        found.append(each.sum(dim=-1)[0].cpu().numpy().astype(np.float64))
    return np.stack(found)


def _over(logits: Tensor, there: Tensor) -> Tensor:
    """The mean logits (n, classes) of pixels, of logits (n, classes, height, width)."""
    weights = there.float() / there.flatten(1).sum(dim=1)[:, None, None]
    return (logits * weights[:, None]).sum(dim=(2, 3))
