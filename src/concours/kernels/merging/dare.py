"""DARE: differences from a base dropped at random, and the rest made as much larger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from concours.kernels.merging.parts import Array, Density, Part, Shares, each, module_of, only
from concours.kernels.merging.task_arithmetic import added_to
from concours.kernels.merging.ties import elected

_BLOCK: Final = 1 << 16
"""Elements whose chance comes from one state of the generator: so a part needs no chance but its own."""


def dare_linear(
    tensors: Sequence[Array],
    *,
    weights: Sequence[float],
    base: Array,
    density: Density = 1.0,
    normalize: bool = False,
    rescale: bool = True,
    lambda_: float = 1.0,
    seed: int = 0,
    start: int = 0,
) -> Array:
    """base + lambda * the sum of weighted differences, of which each element stays with a probability.

    Args:
        tensors: one a model, all of one shape, floating, 32 bits or more.
        weights: (models,).
        base: of that shape, of the model that all come from.
        density: above 0, at most 1: the probability with which an element stays.
        normalize: divides by the sum of the weights.
        rescale: divides what stays by its probability, so that the mean over all chance is the difference.
        seed: of the chance; an element's hangs on it, on the model's number and on its place in the whole tensor.
        start: how many elements of the whole tensor lie before these.

    Law: at density 1 it is `task_arithmetic`, to the byte. Source: Yu et al. 2024, "Language models are super Mario:
    absorbing abilities from homologous models as a free lunch".
    """
    return added_to(
        base, _thinned(tensors, base, density, rescale, seed, start), weights, normalize=normalize, lambda_=lambda_
    )


def dare_ties(
    tensors: Sequence[Array],
    *,
    weights: Sequence[float],
    base: Array,
    density: Density = 1.0,
    normalize: bool = False,
    rescale: bool = True,
    lambda_: float = 1.0,
    seed: int = 0,
    start: int = 0,
) -> Array:
    """As `dare_linear`, but only of the differences that have the sign of the weighted sum, as in `ties`.

    Law: at density 1 it is `ties` at density 1, to the byte. Source: Yu et al. 2024; Yadav et al. 2023.
    """
    return elected(
        base, _thinned(tensors, base, density, rescale, seed, start), weights, normalize=normalize, lambda_=lambda_
    )


def _thinned(
    tensors: Sequence[Array], base: Array, density: Shares, rescale: bool, seed: int, start: int
) -> list[Array]:
    deltas = Part(tensors, base).deltas
    shares = each(density, len(deltas))
    return [
        delta if share >= 1 else _dropped(delta, share, rescale, (seed, model), start)
        for model, (delta, share) in enumerate(zip(deltas, shares, strict=True))
    ]


def _dropped(delta: Array, share: float, rescale: bool, key: tuple[int, int], start: int) -> Array:
    module = module_of(delta)
    stays = (_chance(key, start, delta.size if module is np else delta.numel()) < share).reshape(tuple(delta.shape))
    kept = only(module.asarray(stays, device=delta.device), delta)
    return kept / share if rescale else kept


def _chance(key: tuple[int, int], start: int, size: int) -> NDArray[np.float32]:
    """Numbers from 0 to 1 of a stretch of a tensor."""
    first, last = start // _BLOCK, (start + size - 1) // _BLOCK
    blocks = [_generator(key, block).random(_BLOCK, dtype=np.float32) for block in range(first, last + 1)]
    return np.concatenate(blocks or [np.zeros(0, np.float32)])[start - first * _BLOCK :][:size]


def _generator(key: tuple[int, int], block: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=np.array(key, dtype=np.uint64), counter=[0, 0, block, 0]))
