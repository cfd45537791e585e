"""Passthrough: the tensors of one model as they are, for layers that are stacked anew."""

from __future__ import annotations

from collections.abc import Sequence

from concours.kernels.merging.parts import Array, Shares, combined, each


def passthrough(tensors: Sequence[Array], *, scale: Shares = 1.0) -> Array:
    """The tensor of the only model, times a number.

    Law: with a scale of 1 it comes out to the byte. Raises ValueError of more than one model.
    """
    if len(tensors) != 1:
        raise ValueError(f"passthrough takes layers of one model at a time, got {len(tensors)}")
    return combined(tensors, each(scale, 1))
