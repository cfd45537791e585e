"""Networks made smaller: narrower layers where they form a chain, else weights that are 0; both are trained on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from concours.entrants.estimator import NeuralEstimator
from concours.entrants.packed import packed, unpacked

Array = NDArray[Any]

_LEFT = 0.5
"""The share of the epochs of a whole training in which a network that was cut learns to do without."""

_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm)
_WEIGHED = (nn.Linear, nn.Conv2d)


def cut(estimator: Any, share: float) -> Callable[[Any], Any]:
    """What makes of an untrained estimator one that goes on, in a fit, from a fitted one without a share of it.

    Dense and convolutional networks lose units and channels, and with these rows and columns of their matrices: those
    of which the product of the norms of what comes in and what goes out is least (Li et al. 2017 have the former). Of
    any other network a share of the weights of each matrix becomes 0, the least ones (Han et al. 2015), and stays 0.

    Raises:
        ValueError: it is no network of ours, or of a user's that goes on from weights.
    """
    if not isinstance(estimator, NeuralEstimator):
        raise ValueError(f"{type(estimator).__name__} is no network that can be trained on")  # noqa: TRY004 (a fault of data)
    narrower, own = _narrower(estimator, share), estimator.network_.state_dict()
    tensors = {name: tensor for name, tensor in estimator.get_tensors().items() if name in own}
    if narrower is None:
        weights = {name for name, weight in estimator.network_.named_parameters() if weight.ndim > 1}
        least = {name: _without_least(each, share) if name in weights else each for name, each in tensors.items()}
        return lambda new: new.begin_from(least, done=1 - _LEFT, holding=True)
    params, kept = narrower
    fewer = _of_chain(estimator.network_.body, tensors, kept)
    return lambda new: new.set_params(**params).begin_from(fewer, done=1 - _LEFT)


def in_bytes(estimator: Any) -> Any:
    """A fitted network with weights as whole numbers of a byte have them (`packed`)."""
    tensors = unpacked(packed(estimator.get_tensors(), "bytes"))
    return estimator.set_tensors(tensors, estimator.get_state())


def _narrower(estimator: Any, share: float) -> tuple[Mapping[str, Any], list[int]] | None:
    """Parameters of a narrower one, and how many units or channels each layer keeps; none where layers are no chain."""
    shape = getattr(estimator, "architecture_", {})
    if "hidden" in shape and "norm" in shape:
        kept = [_fewer(width, share) for width in shape["hidden"]]
        return {"hidden": kept}, kept
    if "widths" in shape and "width" in estimator.get_params(deep=False):
        width = _fewer(estimator.width, share)
        return {"width": width}, [width * 2**stage for stage in range(len(shape["widths"]))]
    return None


def _fewer(width: int, share: float) -> int:
    return max(1, round(width * (1 - share)))


def _of_chain(body: nn.Module, tensors: Mapping[str, Array], kept: list[int]) -> dict[str, Array]:
    """Tensors of a chain of layers of which each keeps so many units, all but those of the last."""
    parts = [(f"body.{name}", part) for name, part in body.named_children() if isinstance(part, (*_WEIGHED, *_NORMS))]
    weighed = [name for name, part in parts if isinstance(part, _WEIGHED)]
    units = {name: _worth_most(tensors, name, after, count) for name, after, count in _links(weighed, kept)}
    found, before, last = dict(tensors), None, None
    for name, part in parts:
        if isinstance(part, _WEIGHED):
            before, last = last, units.get(name)
            weight = tensors[f"{name}.weight"]
            weight = weight if before is None else weight[:, before]
            found[f"{name}.weight"] = weight if last is None else weight[last]
            names = ["bias"]
        else:
            names = ["weight", "bias", "running_mean", "running_var"]
        for own in (f"{name}.{each}" for each in names):
            if own in tensors and last is not None:
                found[own] = tensors[own][last]
    return {name: tensor.copy(order="C") for name, tensor in found.items()}


def _links(weighed: list[str], kept: list[int]) -> list[tuple[str, str, int]]:
    return [(*pair, count) for pair, count in zip(pairwise(weighed), kept, strict=True)]


def _worth_most(tensors: Mapping[str, Array], name: str, after: str, count: int) -> NDArray[np.int64]:
    """Numbers of the units of a layer that matter most, in their order."""
    inward, outward = tensors[f"{name}.weight"], tensors[f"{after}.weight"]
    comes = np.square(inward, dtype=np.float64).reshape(len(inward), -1).sum(axis=1)
    goes = np.square(outward, dtype=np.float64).sum(axis=(0, *range(2, outward.ndim)))
    return np.sort(np.argsort(-comes * goes, kind="stable")[:count])


def _without_least(tensor: Array, share: float) -> Array:
    """A matrix whose least weights are 0; of equal ones the first."""
    flat = tensor.copy().reshape(-1)
    flat[np.argsort(np.abs(flat), kind="stable")[: round(share * len(flat))]] = 0.0
    return flat.reshape(tensor.shape)
