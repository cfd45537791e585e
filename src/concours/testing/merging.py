"""What the suite of entrants asks of those whose weights can be merged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from concours.core.digests import canonical_json
from concours.entrants.fitting import Fitted
from concours.entrants.merging import mergeable, symmetries_of
from concours.kernels.merging.averages import average
from concours.kernels.merging.rebasin import drawn, permuted
from concours.testing.laws import law

_CLOSE = 1e-4
_SEED = 11


def check_merging(name: str, fitted: Fitted, built: Callable[[], Any], x: Any) -> None:
    """Checks a fitted entrant that gives its weights away (`entrants.merging.Mergeable`); of another nothing.

    Laws:

    - what it is by is JSON; the average of its weights with themselves predicts the same;
    - with its units in any order that it says is the same function, it predicts the same, to rounding;
    - weights that it says it began with are there afterwards, in the same shapes, and follow from the seed.

    Args:
        built: the same, unfitted.
        x: rows to predict.

    Raises:
        LawBroken: with the law that does not hold.
    """
    estimator = fitted.estimator
    if not mergeable(estimator):
        return
    canonical_json([dict(estimator.architecture()), estimator.get_state()])
    tensors, told = dict(estimator.get_tensors()), fitted.predict(x)

    def predicts_as_before(changed: Any) -> bool:
        other = built().set_tensors(changed, estimator.get_state())
        return np.allclose(replace(fitted, estimator=other).predict(x), told, rtol=_CLOSE, atol=_CLOSE)

    law(predicts_as_before(average([tensors] * 2, [1.0, 1.0])), f"{name}: its average with itself predicts the same")
    if symmetries := symmetries_of(estimator):
        order = drawn(tensors, symmetries, np.random.default_rng(_SEED))
        same = predicts_as_before(permuted(tensors, symmetries, order))
        law(same, f"{name}: with its units in another order, of its permutations(), it predicts the same")
    if hasattr(estimator, "begin_alike") and hasattr(estimator, "first_tensors"):
        _check_first(name, estimator, tensors)


def _check_first(name: str, estimator: Any, tensors: dict[str, Any]) -> None:
    first, again, other = (dict(estimator.first_tensors(seed)) for seed in (_SEED, _SEED, _SEED + 1))
    shapes = {key: np.shape(array) for key, array in tensors.items()}
    suits = bool(first) and all(shapes.get(key) == np.shape(array) for key, array in first.items())
    law(suits, f"{name}: the weights of first_tensors() are among those that it has, of the same shapes")
    law(all(np.array_equal(first[key], again[key]) for key in first), f"{name}: first_tensors() follow from the seed")
    differ = any(not np.array_equal(first[key], other[key]) for key in first)
    law(differ, f"{name}: first_tensors() of another seed are others")
