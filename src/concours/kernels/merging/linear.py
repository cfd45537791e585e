"""Linear: the mean of models by weights."""

from __future__ import annotations

from collections.abc import Sequence

from concours.kernels.merging.parts import Array, combined


def linear(tensors: Sequence[Array], *, weights: Sequence[float], normalize: bool = True) -> Array:
    """The weighted sum of tensors, divided by the sum of the weights unless they are not to be normalized.

    Args:
        tensors: one a model, all of one shape, floating, 32 bits or more; added up in their own type.
        weights: (models,), any sum but 0 where it is divided by.

    Laws: a model of weight 1 among models of weight 0 comes out as it is, to the byte; so does the mean of equal models
    of 16 bits that are given in 32; permuting models with their weights changes nothing but rounding. Raises ValueError
    where the weights add up to 0. Source: Wortsman et al. 2022, "Model soups: averaging weights of multiple fine-tuned
    models".
    """
    total = float(sum(weights))
    if normalize and not total:
        raise ValueError("weights add up to 0, so there is no mean; give others, or normalize = false")
    added = combined(tensors, [float(weight) for weight in weights])
    return added / total if normalize and total != 1 else added
