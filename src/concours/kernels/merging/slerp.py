"""SLERP: from one model to another on an arc, not on the line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from concours.kernels.merging.gram import Gram, cosine, gram
from concours.kernels.merging.parts import Array, Fraction, Whole, combined

_NEARLY: Final = 0.9995
"""Above this cosine an arc is as good as a line, and its formula loses its digits."""


def slerp(tensors: Sequence[Array], *, t: Fraction, known: Gram | None = None) -> Array:
    """sin((1 - t) * angle) / sin(angle) of the first tensor and sin(t * angle) / sin(angle) of the second.

    The angle is that between the two whole tensors; where they point the same way or opposite ones, or one is 0, it is
    the line between them.

    Args:
        tensors: of two models, of one shape, floating, 32 bits or more.
        t: from 0, the first, to 1, the second.
        known: what `gram` found of whole tensors, where these are a part of them.

    Laws: at 0 and at 1 it is the first and the second to the byte; from the other side, at 1 - t, it is the same up to
    rounding. Raises ValueError of other than two models. Source: Shoemake 1985, "Animating rotation with quaternion
    curves".
    """
    if len(tensors) != 2:
        raise ValueError(f"slerp goes between two models, got {len(tensors)}")
    products = gram(Whole.of(tensors)) if known is None else known
    return combined(tensors, _on_the_arc(products, float(t)))


def _on_the_arc(products: Gram, t: float) -> tuple[float, float]:
    if not products[0, 0] or not products[1, 1] or abs(cosine(products, 0, 1)) > _NEARLY:
        return 1 - t, t
    angle = math.acos(cosine(products, 0, 1))
    return math.sin((1 - t) * angle) / math.sin(angle), math.sin(t * angle) / math.sin(angle)
