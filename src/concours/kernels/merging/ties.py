"""TIES: differences from a base trimmed, their signs elected, and those that agree averaged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from concours.kernels.merging.parts import Array, Density, Part, Shares, Whole, combined, each, module_of, only
from concours.kernels.merging.ranking import Cut, greatest


def ties(
    tensors: Sequence[Array],
    *,
    weights: Sequence[float],
    base: Array,
    density: Density = 1.0,
    normalize: bool = True,
    lambda_: float = 1.0,
    known: Sequence[Cut] | None = None,
    start: int = 0,
) -> Array:
    """base + lambda * the mean of trimmed differences that have the elected sign.

    Of each difference from the base the max(1, floor(density * n)) greatest elements stay, the first among equals, and
    the rest becomes 0. The sign of an element is that of its weighted sum, + of 0; the mean is by weights, over those
    that have this sign, and 0 where none has.

    Args:
        tensors: one a model, all of one shape, floating, 32 bits or more.
        weights: (models,).
        base: of that shape, of the model that all come from.
        density: above 0, at most 1: which share of the elements of each difference stays.
        normalize: whether the mean is divided by the weights that agree; else it is their sum.
        known: what `trimmed` found in whole tensors, where these are a part of them that begins at `start`.

    Laws: of one model at density 1 with lambda 1 it is that model, up to rounding; permuting models with their weights
    changes nothing but rounding. Source: Yadav et al. 2023, "TIES-merging: resolving interference when merging models".
    """
    cuts = trimmed(Whole.of(tensors, base), density=density) if known is None else known
    kept = [_kept(delta, cut, start) for delta, cut in zip(Part(tensors, base).deltas, cuts, strict=True)]
    return elected(base, kept, weights, normalize=normalize, lambda_=lambda_)


def trimmed(whole: Whole, *, density: Shares = 1.0) -> list[Cut]:
    """Where to cut the difference of each model, by as many passes over tensors as `greatest` takes."""
    counts = [max(1, int(share * whole.size)) for share in each(density, whole.models)]
    return [
        greatest(partial(magnitudes, whole, model), count, of=whole.size, held=whole.held)
        for model, count in enumerate(counts)
    ]


def magnitudes(whole: Whole, model: int) -> Iterator[Array]:
    """How far a model lies from the base, element by element: flat arrays."""
    for part in whole.parts():
        yield abs(part.delta(model)).reshape(-1)


def elected(
    base: Array, deltas: Sequence[Array], weights: Sequence[float], *, normalize: bool, lambda_: float
) -> Array:
    """The base and the sum, or the mean, of those differences from it that have the sign of the weighted sum."""
    ones = [1.0] * len(deltas)
    two, *shares = (module_of(base).asarray(float(number), dtype=base.dtype) for number in (2, *weights))
    weighted = [delta * share for delta, share in zip(deltas, shares, strict=True)]
    sign = two * (combined(weighted, ones) >= 0) - two / 2
    turned = [one * sign for one in weighted]
    agree = [one > 0 for one in turned]
    mixed = combined([only(yes, one) for one, yes in zip(turned, agree, strict=True)], ones) * sign
    if normalize:
        divisor = combined([only(yes, share) for yes, share in zip(agree, shares, strict=True)], ones)
        mixed = mixed / (divisor + (divisor == 0))
    moved = mixed if lambda_ == 1 else mixed * float(lambda_)
    return base + (moved + 0.0)  # products leave zeros of either sign: what nothing moves is moved by +0


def _kept(delta: Array, cut: Cut, start: int) -> Array:
    return only(cut.takes(abs(delta), start), delta)
