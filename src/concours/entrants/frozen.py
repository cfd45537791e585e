"""Models that are not fitted here: what a user's file has made already, and files of others."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from concours.core import consent
from concours.core.asked import asked_of_recipe
from concours.core.digests import digest_json
from concours.core.errors import DataError, RecipeError
from concours.core.written import written
from concours.entrants.given import certainties, numbers, probabilities
from concours.entrants.making import Workshop


class Answering(Protocol):
    """What can be asked for predictions."""

    def predict(self, x: Any) -> Any:
        """Predictions (rows, outputs): probabilities in the order of the classes, or values; or what else the task asks
        for, (rows, …).
        """
        ...


class Frozen:
    """A model that is there already, as it answers for rows of a task.

    Its `predict_proba` gives a column for each of its `classes_`, labels as they are written in the task; without
    these, for each class of the task, in their order. Without `predict_proba`, `predict` names a label for each row; of
    a number it gives the value.

    Args:
        model: anything with `predict_proba`, or `predict`.
        name: for messages.
        classes: of the task, as they are written; none of a number.
    """

    def __init__(self, model: Any, name: str, classes: Sequence[str]) -> None:
        self._model, self._who, self._classes = model, name, tuple(classes)

    def predict(self, x: Any) -> NDArray[np.float64]:
        """Predictions (rows, outputs).

        Raises:
            DataError: they are none; the message says of which row, or of which class.
            Whatever the model raises.
        """
        if not self._classes:
            if not hasattr(self._model, "predict"):
                raise DataError(f"{self._who} has no method 'predict', which gives the value of a number")
            return numbers(self._model.predict(x), len(x), self._who)
        if not hasattr(self._model, "predict_proba"):
            return certainties(self._model.predict(x), len(x), self._classes, self._who)
        labels = getattr(self._model, "classes_", None)
        known = None if labels is None else [written(label) for label in np.asarray(labels, dtype=object).tolist()]
        return probabilities(self._model.predict_proba(x), len(x), known, self._classes, self._who)


def frozen(recipe: str, params: Mapping[str, Any], source: Mapping[str, str], workspace: Path) -> Any:
    """What a recipe leads to, as it is: an object of a file, or what a class or a function makes of the parameters.

    Raises:
        RecipeError: it leads nowhere, takes no such parameters, or cannot be asked.
        TrustError: something of it may not run here (`core.consent`); nothing is imported then.
        MissingPackage: a package is not installed.
        Whatever else the user's file raises when it is imported.
    """
    consent.require(asked_of_recipe(recipe, params, code=digest_json(dict(source)) if source else None))
    workshop = Workshop(source, workspace)
    found = workshop.located(recipe)
    if inspect.isclass(found) or inspect.isroutine(found):
        found = workshop.called(recipe, found, params)
    elif params:
        raise RecipeError(f"{recipe!r} is made already, and takes no parameter {next(iter(params))!r}")
    if not hasattr(found, "predict") and not hasattr(found, "predict_proba"):
        raise RecipeError(f"{recipe!r} has no method 'predict': what is frozen is asked by predict or predict_proba")
    return found
