"""What a network looks at, by its gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from captum.attr import IntegratedGradients
from numpy.typing import NDArray

from concours.entrants.estimator import NeuralEstimator

Array = NDArray[Any]

_STEPS = 64
_AT_ONCE = 256


def of_pictures(estimator: Any) -> bool:
    """Whether it is a fitted network of the zoo for bare pictures, and tells classes."""
    return (
        isinstance(estimator, NeuralEstimator) and len(estimator.input_shape_) == 3 and hasattr(estimator, "classes_")
    )


def integrated(estimator: NeuralEstimator, pictures: Array, codes: NDArray[np.int64]) -> Array:
    """What each pixel adds to the logit of a class: integrated gradients (Sundararajan, Taly and Yan 2017).

    On the way from a picture of nothing but its mean colour to the picture itself, in 64 steps. Law: the pixels of a
    picture add up to its logit less that of the mean colour, but for what the steps leave over.

    Args:
        estimator: fitted, of those that are `of_pictures`.
        pictures: (n, height, width[, colours]), uint8 or float.
        codes: (n,) of the classes.

    Returns:
        (n, height, width) float64, summed over colours.
    """
    network = estimator.network_
    device = next(network.parameters()).device
    whole = torch.tensor(estimator._read(pictures), dtype=torch.float32, device=device)
    plain = whole.mean(dim=(1, 2), keepdim=True).expand_as(whole)
    found = IntegratedGradients(network).attribute(
        whole,
        baselines=plain,
        target=torch.as_tensor(codes, device=device),
        n_steps=_STEPS,
        internal_batch_size=max(_AT_ONCE, len(whole)),
    )
    return found.sum(dim=-1).cpu().numpy().astype(np.float64)
