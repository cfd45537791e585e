"""Model stock: how far to go from the base to the mean of models, told by the angle between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from concours.kernels.merging.gram import Gram, cosine, gram
from concours.kernels.merging.parts import Array, Whole, combined

_NOWHERE: Final = 1e-6


def model_stock(tensors: Sequence[Array], *, base: Array, known: Gram | None = None) -> Array:
    """t of the mean of models and 1 - t of the base, where t = n cos / (1 + (n - 1) cos) of n models.

    The cosine is the mean over all pairs of models of that between what they have changed of the base, in whole
    tensors; a tensor that a model has not changed counts as at right angles.

    Args:
        tensors: of two models or more, of one shape, floating, 32 bits or more.
        base: of that shape, of the model that all come from.
        known: what `gram` found of whole tensors, where these are a part of them.

    Laws: equal models come out as they are, up to rounding, and models at right angles as the base; permuting models
    changes nothing but rounding. Raises ValueError of fewer than two models. Source: Jang, Yun and Han 2024, "Model
    stock: all we need is just a few fine-tuned models".
    """
    models = len(tensors)
    if models < 2:
        raise ValueError("model_stock looks at the angles between models, so it takes two and a base, or more")
    products = gram(Whole.of(tensors, base)) if known is None else known
    pairs = [(one, two) for one in range(models) for two in range(one)]
    between = sum(cosine(products, *pair) for pair in pairs if _changed(products, pair)) / len(pairs)
    divisor = 1 + (models - 1) * between
    t = models * between / divisor if abs(divisor) > _NOWHERE else 0.0
    return combined([*tensors, base], [*[t / models] * models, 1 - t])


def _changed(products: Gram, pair: tuple[int, int]) -> bool:
    return all(products[model, model] for model in pair)
