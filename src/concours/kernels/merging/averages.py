"""The average of models: tensors of one name and shape, added up by weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.kernels.merging.linear import linear

Tensors = Mapping[str, NDArray[Any]]


def average(models: Sequence[Tensors], weights: Sequence[float]) -> dict[str, NDArray[Any]]:
    """The weighted mean of models, tensor by tensor, added up in float64 and given in the models' own types.

    Whole numbers, counts of batches, are no weights: these must be equal in all models and stay as they are.

    Args:
        models: arrays by name; the same names, shapes and types in each.
        weights: (models,), 0 or more, of any sum above 0.

    Laws: the average of equal models is that model, to the byte; scaling all weights changes nothing but rounding;
    permuting models with their weights changes nothing but rounding. Raises ValueError where names, shapes or types
    differ, or there is no weight. Source: Izmailov et al. 2018; Wortsman et al. 2022, "Model soups".
    """
    if not models or len(models) != len(weights) or min(weights) < 0 or not sum(weights) > 0:
        raise ValueError("models are merged by a weight of 0 or more for each, of which one is above 0")
    first = models[0]
    for other in models[1:]:
        _require_alike(first, other)
    return {name: _averaged([model[name] for model in models], weights) for name in first}


def _averaged(tensors: Sequence[NDArray[Any]], weights: Sequence[float]) -> NDArray[Any]:
    first = tensors[0]
    if all(np.array_equal(first, other, equal_nan=first.dtype.kind == "f") for other in tensors[1:]):
        return first.copy()
    if first.dtype.kind != "f":
        raise ValueError(f"tensors of {first.dtype} must be equal to be merged")
    return np.asarray(linear([tensor.astype(np.float64) for tensor in tensors], weights=weights)).astype(first.dtype)


def _require_alike(first: Tensors, other: Tensors) -> None:
    for name in sorted({*first, *other}):
        one, two = (_shape(model, name) for model in (first, other))
        if one != two:
            raise ValueError(f"tensor {name!r} must be the same in all models to be merged; got {one} and {two}")


def _shape(model: Tensors, name: str) -> str:
    return f"{model[name].dtype} {model[name].shape}" if name in model else "none"
