"""Task arithmetic: what models have learned beyond their common base, added to it."""

from __future__ import annotations

from collections.abc import Sequence

from concours.kernels.merging.parts import Array, Part, combined


def task_arithmetic(
    tensors: Sequence[Array],
    *,
    weights: Sequence[float],
    base: Array,
    normalize: bool = False,
    lambda_: float = 1.0,
) -> Array:
    """base + lambda * the sum of weighted differences from the base.

    Args:
        tensors: one a model, all of one shape, floating, 32 bits or more.
        weights: (models,), also below 0: what such a model has learned is taken away.
        base: of that shape, of the model that all come from.
        normalize: divides by the sum of the weights.

    Law: of one model with weight 1 it is that model, up to rounding. Source: Ilharco et al. 2023, "Editing models with
    task arithmetic".
    """
    return added_to(base, Part(tensors, base).deltas, weights, normalize=normalize, lambda_=lambda_)


def added_to(
    base: Array, deltas: Sequence[Array], weights: Sequence[float], *, normalize: bool, lambda_: float
) -> Array:
    """The base and differences from it, by weights. A sum of weights of 0 divides nothing."""
    total = float(sum(weights)) if normalize else 1.0
    mixed = combined(deltas, [float(weight) for weight in weights])
    mixed = mixed / total if abs(total) > 1e-8 and total != 1 else mixed
    return base + (mixed if lambda_ == 1 else mixed * float(lambda_))
