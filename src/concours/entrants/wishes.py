"""What may be wanted of any family's fit: weights of classes, columns that predictions only rise or fall with, and, of
networks, a model to begin from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from concours.core.digests import Digest, is_digest
from concours.core.entrant import BEGIN, WISHES
from concours.core.errors import RecipeError, nearest
from concours.core.written import written
from concours.entrants.naming import places

Floats = NDArray[np.float64]

BALANCED = "balanced"

HELD = "boosting, lightgbm, lightgbm-random, lightgbm-large, xgboost, catboost and catboost-deep"
"""Those of the zoo that can be held to rise or fall with a column."""

BEGINNING = "dnn, cnn, residual, vit, bag-of-words, transformer (of texts), pretrained, trainer and embedded"
"""Those of the zoo that can begin from a model that was trained before."""


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """How an estimator is to be fitted, besides its own parameters.

    Attributes:
        class_weight: how many rows one of a class counts as, (classes,) by its code; `balanced`, so many that all
            classes weigh alike; or nothing.
        begin: the digest of what a network begins from, in the store (`entrants.beginnings`); none where it begins
            anew.
        labels: of the classes, by code, as they are written; parts of an estimator may name them (`entrants.naming`).
        monotone: by the name of a column, 1 where predictions (of two classes, the probability of the second) must not
            fall as it rises, -1 where they must not rise.
    """

    class_weight: tuple[float, ...] | str | None = None
    monotone: Mapping[str, int] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    begin: Digest | None = None

    @classmethod
    def taken(cls, params: Mapping[str, Any], labels: Sequence[Any]) -> tuple[dict[str, Any], Wishes]:
        """The parameters of an entrant without its wishes, and these.

        Args:
            labels: of the classes, in the order of their codes; none of a number.

        Raises:
            RecipeError: a wish cannot be understood; the message says what is allowed.
        """
        own = {name: value for name, value in params.items() if name not in WISHES}
        asked, monotone = params.get("class_weight"), params.get("monotone") or {}
        if asked is not None and not labels:
            raise RecipeError("class_weight: a number has no classes; leave it out, or see weight in [task]")
        names = tuple(written(label) for label in labels)
        weights = asked if asked in (None, BALANCED) else _by_code(asked, names)
        if not isinstance(monotone, Mapping) or any(way not in (-1, 0, 1) for way in monotone.values()):
            raise RecipeError(f"monotone must be like {{ age = 1, price = -1 }}, got {_plain(monotone)!r}")
        if monotone and len(labels) > 2:
            raise RecipeError(f"monotone suits numbers and two classes; there are {len(labels)} classes")
        begin = params.get(BEGIN)
        if begin is not None and not is_digest(begin):
            raise RecipeError(f"begin: {_plain(begin)!r} is no model in the store; here nobody looks for it")
        return own, cls(class_weight=weights, monotone=dict(monotone), labels=names, begin=begin)

    def require(self, estimator: Any, recipe: str) -> None:
        """Refuses wishes that an estimator cannot fulfil.

        Raises:
            RecipeError: with who can, or the classes that there are.
        """
        places(estimator, self.labels, np.arange(len(self.labels)))
        if self.class_weight is not None and not takes_weights(estimator):
            raise RecipeError(
                f"class_weight: the fit of {recipe!r} takes no weights (sample_weight); of the zoo all do but knn"
            )
        if self.monotone and not hasattr(estimator, "monotonic_cst"):
            raise RecipeError(f"monotone: {recipe!r} cannot be held to it; {HELD} can")
        if self.begin and not getattr(estimator, "begins", ()):
            raise RecipeError(f"begin: {recipe!r} has no weights to begin with; {BEGINNING} have")
        if not self.begin and not getattr(estimator, "begins_anew", True):
            raise RecipeError('begin is missing: a folder of Hugging Face, e.g. params = { begin = "FOLDER" }')

    def weights(self, labels: NDArray[np.int64], codes: NDArray[np.int64], weights: Floats | None) -> Floats | None:
        """Weights (rows,) in which those of the classes are.

        Args:
            labels: (rows,) places in `codes`, the codes of the classes that the rows are of.
            weights: (rows,) of the rows themselves.
        """
        if self.class_weight is None:
            return weights
        each = np.ones(len(labels)) if weights is None else weights
        if isinstance(self.class_weight, str):
            sums = np.bincount(labels, weights=each)
            return np.asarray(each * (each.sum() / (len(codes) * sums))[labels])
        return np.asarray(each * np.asarray(self.class_weight)[codes][labels])

    def applied(self, estimator: Any, x: Any) -> Any:
        """The estimator, told which of the columns of `x` are monotone; one that `x` has not is constant there.

        Raises:
            ValueError: the rows have no names of columns.
        """
        if not self.monotone:
            return estimator
        if not hasattr(x, "columns"):
            raise ValueError('monotone wants columns by name: prepare = "columns"')
        return estimator.set_params(monotonic_cst=[int(self.monotone.get(str(name), 0)) for name in x.columns])

    def named(self, estimator: Any, codes: NDArray[np.int64]) -> Any:
        """The estimator, whose parts that weigh classes by their labels do so by the places of these in `codes`."""
        changed = places(estimator, self.labels, codes) if self.labels else {}
        return estimator.set_params(**changed) if changed else estimator


def takes_weights(estimator: Any) -> bool:
    """Whether the fit of an estimator, or of the last step of a pipeline, takes weights of rows."""
    last = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
    return bool(has_fit_parameter(last, "sample_weight"))


def weighing(estimator: Any, weights: Floats | None) -> dict[str, Floats]:
    """Weights as the fit of an estimator takes them; nothing where it takes none."""
    if weights is None or not takes_weights(estimator):
        return {}
    step = f"{estimator.steps[-1][0]}__" if isinstance(estimator, Pipeline) else ""
    return {f"{step}sample_weight": weights}


def _by_code(asked: Any, labels: Sequence[str]) -> tuple[float, ...]:
    """(classes,); a class that is not named has 1."""
    if not isinstance(asked, Mapping):
        raise RecipeError(f'class_weight must be "balanced" or like {{ yes = 5.0 }}, got {asked!r}')
    found = dict.fromkeys(labels, 1.0)
    for label, weight in ((written(label), weight) for label, weight in asked.get("$items", asked.items())):
        if label not in found:
            raise RecipeError(f"class_weight: no class is called {label!r}; {nearest(label, labels)}")
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < np.inf:
            raise RecipeError(f"class_weight: {label} must have a number above 0, got {weight!r}")
        found[label] = float(weight)
    return tuple(found[label] for label in labels)


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value
