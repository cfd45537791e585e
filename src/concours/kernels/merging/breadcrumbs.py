"""Breadcrumbs: differences from a base without their greatest and their smallest elements."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, TypeAlias

from concours.kernels.merging.parts import Array, Density, Part, Shares, Whole, Within, each, only
from concours.kernels.merging.ranking import Cut, greatest
from concours.kernels.merging.task_arithmetic import added_to
from concours.kernels.merging.ties import elected, magnitudes

Outliers: TypeAlias = Annotated[Shares, Within(0, 1)]
"""Which share of the elements, the greatest, is left out."""
Band: TypeAlias = tuple[Cut, Cut]
"""What is taken, and what of that is left out again."""


def breadcrumbs(
    tensors: Sequence[Array],
    *,
    weights: Sequence[float],
    base: Array,
    density: Density = 1.0,
    gamma: Outliers = 0.01,
    normalize: bool = False,
    lambda_: float = 1.0,
    known: Sequence[Band] | None = None,
    start: int = 0,
) -> Array:
    """base + lambda * the sum of weighted differences, of which the greatest and the smallest elements are left out.

    Of each difference floor(density * n) elements stay. Of the others the floor(gamma * n) greatest of all are the
    first to become 0, and then the smallest; of elements that are equally great the first count as greater.

    Args:
        tensors: one a model, all of one shape, floating, 32 bits or more.
        weights: (models,).
        base: of that shape, of the model that all come from.
        density: above 0, at most 1: which share of the elements of each difference stays.
        gamma: 0 or more: which share are outliers, as far as the density leaves room for any.
        normalize: divides by the sum of the weights.
        known: what `banded` found in whole tensors, where these are a part of them that begins at `start`.

    Law: at density 1 it is `task_arithmetic`, to the byte. Source: Davari and Belilovsky 2024, "Model
    breadcrumbs: scaling multi-task model merging with sparse masks".
    """
    kept = _kept(tensors, base, density, gamma, known, start)
    return added_to(base, kept, weights, normalize=normalize, lambda_=lambda_)


def breadcrumbs_ties(
    tensors: Sequence[Array],
    *,
    weights: Sequence[float],
    base: Array,
    density: Density = 1.0,
    gamma: Outliers = 0.01,
    normalize: bool = False,
    lambda_: float = 1.0,
    known: Sequence[Band] | None = None,
    start: int = 0,
) -> Array:
    """As `breadcrumbs`, but only of the differences that have the sign of the weighted sum, as in `ties`.

    Law: at density 1 it is `ties` at density 1, to the byte. Source: Davari and Belilovsky 2024; Yadav et
    al. 2023.
    """
    kept = _kept(tensors, base, density, gamma, known, start)
    return elected(base, kept, weights, normalize=normalize, lambda_=lambda_)


def banded(whole: Whole, *, density: Shares = 1.0, gamma: Shares = 0.01) -> list[Band]:
    """Where to cut the difference of each model."""
    found = []
    for model, (share, outliers) in enumerate(zip(each(density, whole.models), each(gamma, whole.models), strict=True)):
        stay = int(share * whole.size)
        left_out = min(int(outliers * whole.size), whole.size - stay)
        cut = partial(greatest, partial(magnitudes, whole, model), of=whole.size, held=whole.held)
        found.append((cut(left_out + stay), cut(left_out)))
    return found


def _kept(
    tensors: Sequence[Array],
    base: Array,
    density: Shares,
    gamma: Shares,
    known: Sequence[Band] | None,
    start: int,
) -> list[Array]:
    bands = banded(Whole.of(tensors, base), density=density, gamma=gamma) if known is None else known
    return [_within(delta, band, start) for delta, band in zip(Part(tensors, base).deltas, bands, strict=True)]


def _within(delta: Array, band: Band, start: int) -> Array:
    size = abs(delta)
    taken, left_out = (cut.takes(size, start) for cut in band)
    return only(taken & ~left_out, delta)
