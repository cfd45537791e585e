"""Classes that parts of an estimator call by their labels, while estimators are fitted on codes."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier

from concours.core.errors import RecipeError, nearest
from concours.core.written import written

_NAME = "class_weight"
_GRIDS = ("param_grid", "param_distributions")
_LIBRARIES = ("sklearn.", "lightgbm.", "imblearn.")
"""Whose estimators weigh classes by label."""

_ENCODING = (
    AdaBoostClassifier,
    BaggingClassifier,
    ClassifierChain,
    MultiOutputClassifier,
    OneVsOneClassifier,
    OneVsRestClassifier,
    OutputCodeClassifier,
    StackingClassifier,
    VotingClassifier,
)
"""What shows its parts codes of the labels, or of one against the rest; by these they weigh, in scikit-learn too."""


def places(estimator: Any, labels: Sequence[str], codes: NDArray[np.int64]) -> dict[str, Any]:
    """The parameters by which parts of an estimator weigh classes, with the places of these in `codes` for the labels.

    Args:
        labels: of the classes, by code, as they are written. Whole numbers that are no labels are codes.
        codes: (seen classes,) of the classes that it is fitted on, ascending; what others weigh is left out.

    Raises:
        RecipeError: there is no such class.
    """
    if not hasattr(estimator, "get_params") or not hasattr(estimator, "set_params"):
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        params = estimator.get_params()
    parts = {"": estimator, **params}
    place = {int(code): at for at, code in enumerate(codes)}
    changed = {}
    for name, value in params.items():
        path, _, last = name.rpartition("__")
        above = [parts.get(name[:end]) for end in _ends(path)]
        if not type(parts.get(path)).__module__.startswith(_LIBRARIES):
            continue
        if any(isinstance(part, _ENCODING) for part in above):
            continue
        if last == _NAME and isinstance(value, Mapping):
            changed[name] = _placed(value, labels, place)
        elif last in _GRIDS:
            changed[name] = _grid(value, labels, place)
    return changed


def _ends(path: str) -> list[int]:
    """Where the names of all parts above a parameter end, the whole estimator's first."""
    steps = path.split("__") if path else []
    return [0, *(len("__".join(steps[: count + 1])) for count in range(len(steps)))]


def _grid(value: Any, labels: Sequence[str], place: Mapping[int, int]) -> Any:
    """What a search tries, in which weights of classes are among the choices."""
    if isinstance(value, list | tuple):
        return [_grid(item, labels, place) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {
        name: [_placed(item, labels, place) if isinstance(item, Mapping) else item for item in choices]
        if name.rpartition("__")[2] == _NAME and isinstance(choices, list | tuple)
        else choices
        for name, choices in value.items()
    }


def _placed(weights: Mapping[Any, Any], labels: Sequence[str], place: Mapping[int, int]) -> dict[int, Any]:
    known = {label: code for code, label in enumerate(labels)}
    given = {written(label): weight for label, weight in weights.items()}
    if not set(given) & set(known):
        known = {str(code): code for code in range(len(labels))}
    if wrong := [label for label in given if label not in known]:
        raise RecipeError(f"{_NAME}: no class is called {wrong[0]!r}; {nearest(wrong[0], labels)}")
    return {place[known[label]]: weight for label, weight in given.items() if known[label] in place}
