"""From written recipes to objects: what `core.objects` has written down is made again."""

from __future__ import annotations

import copy
import functools
import importlib
import inspect
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from concours.core.asked import in_standard_library, wrong_name
from concours.core.errors import MissingPackage, RecipeError, nearest
from concours.core.known import RECIPES
from concours.core.objects import is_file, is_keras, is_network, signature_of
from concours.core.optional import install_command, installed
from concours.core.places import spec_of
from concours.entrants.sources import import_source

_PLAIN = ("object", "int", "float", "bool", "str")
"""Classes of Python's own that a parameter may be."""

_QUIET = {"catboost": {"allow_writing_files": False}}
"""By library, what a class is told unless somebody says otherwise: to write nothing into the folder of the worker."""

_MAKERS = ("sklearn.", "torch.nn:", "torch.nn.", "concours.")
"""Libraries whose classes may be parameters though they do not tell their own parameters."""

_KNOWN_MODULES = frozenset(name.partition(":")[0] for name in RECIPES)

_RAW = frozenset(
    {
        "ColumnTransformer",
        "CountVectorizer",
        "DictVectorizer",
        "FunctionTransformer",
        "HashingVectorizer",
        "OneHotEncoder",
        "OrdinalEncoder",
        "TargetEncoder",
        "TfidfVectorizer",
    }
)
"""Transformers that choose columns, read words, or do what their user says: they want the rows as they were read."""


_OF_COLUMNS = ("monotonic_cst", "categorical_features")
"""Parameters of scikit-learn's estimators that may name columns."""

_TRAINERS = {
    "keras": ("concours.entrants.keras_models", "KerasClassifier", "KerasRegressor"),
    "torch": ("concours.entrants.modules", "ModuleClassifier", "ModuleRegressor"),
}
"""By the library of a network: who trains it, where there are classes and where there is a number."""

_SIBLINGS = (("Classifier", "Regressor"), ("SVC", "SVR"), ("ClassifierCV", "CV"), ("Classifier", ""))
"""Endings of the names of estimators of classes and of numbers."""


def reads_raw(recipe: str, params: Mapping[str, Any]) -> bool:
    """Whether a pipeline begins with something that wants the rows as they were read: see `Entrant.prepare`."""
    if recipe.rpartition(":")[2] in _RAW or is_file(recipe):
        return True
    steps = [step[1] for step in params.get("steps", ()) if step[1] != "passthrough"]
    parts = [part[1] for part in (*params.get("estimators", ()), *params.get("transformer_list", ()))]
    first = [*steps[:1], *parts, params.get("estimator")]
    written = [part for part in first if isinstance(part, Mapping) and "$recipe" in part]
    return any(reads_raw(part["$recipe"], part.get("params", {})) for part in written)


def names_columns(params: Mapping[str, Any]) -> bool:
    """Whether parameters name columns, so that their estimator wants a frame: `{"age": 1}`, `["age", "town"]`."""
    given = [params[name] for name in _OF_COLUMNS if name in params]
    return any(not isinstance(value, str) and any(isinstance(item, str) for item in value or ()) for value in given)


def require_name(reference: str) -> None:
    """Refuses what leads to no estimator by its name alone; nothing is imported.

    Raises:
        RecipeError: it is not of the form `module:name`, or leads into Python's own.
    """
    if not is_file(reference):
        if wrong := wrong_name(reference):
            raise RecipeError(f"{reference!r} {wrong}")
        if in_standard_library(reference):
            raise RecipeError(f"{reference!r}: the standard library has no estimators")


def require_there(reference: str) -> None:
    """Refuses what is not there, as far as that can be told without importing what is not known.

    Raises:
        RecipeError: there is no such module, or a module that the list of `core.known` has holds nothing of that name.
    """
    module, _, attribute = reference.rpartition(":")
    top = module.partition(".")[0]
    if is_file(reference) or reference in RECIPES or not installed(top):
        return
    if spec_of(module) is None and spec_of(top) is not None:
        raise RecipeError(f"{reference!r}: there is no module {module}")
    if module in _KNOWN_MODULES and not hasattr(holder := importlib.import_module(module), attribute.partition(".")[0]):
        raise RecipeError(_none_there(reference, holder))


def _none_there(reference: str, holder: Any) -> str:
    module, _, attribute = reference.rpartition(":")
    names = [name for name, value in vars(holder).items() if inspect.isclass(value) and not name.startswith("_")]
    return f"{reference!r}: {module} has no class {attribute}; {nearest(attribute, names)}"


def require_estimator(recipe: str, thing: Any) -> None:
    """Refuses what cannot be fitted and asked.

    Raises:
        RecipeError: it has no `fit` or no `predict`.
    """
    from sklearn.base import is_classifier, is_regressor

    tagged = not inspect.isclass(thing) and hasattr(thing, "__sklearn_tags__")  # a class of one's own need not be
    made = tagged and (is_classifier(thing) or is_regressor(thing))
    for method in ("fit", "predict"):
        if not hasattr(thing, method) and not (made and hasattr(type(thing), method)):  # some have it once fitted
            raise RecipeError(f"{recipe!r} has no method {method!r}: an entrant is an estimator with fit and predict")


def require_suited(recipe: str, estimator: Any, classes: int | None) -> None:
    """Refuses an estimator of classes for a number, and one of numbers for classes; one that does not tell may try.

    Raises:
        RecipeError: with its sibling, where its module has one.
    """
    from sklearn.base import is_classifier, is_regressor

    if classes is None or not hasattr(estimator, "__sklearn_tags__"):
        return
    if is_regressor(estimator) if classes else is_classifier(estimator):
        finds, target = ("numbers", f"has {classes} classes") if classes else ("classes", "is a number")
        raise RecipeError(f"{recipe!r} predicts {finds}, and the target {target}{_sibling(recipe, estimator)}")


def _sibling(recipe: str, estimator: Any) -> str:
    """The class beside this one that is named alike, for the other sort of target."""
    kind = type(estimator)
    for ending, other in (*_SIBLINGS, *((b, a) for a, b in _SIBLINGS)):
        name = kind.__name__.removesuffix(ending) + other
        if kind.__name__.endswith(ending) and hasattr(sys.modules[kind.__module__], name):
            return f"; {recipe.rpartition(':')[0]}:{name} is for that"
    return ""


class Workshop:
    """Makes objects from what is written, with the user's files at hand."""

    def __init__(self, source: Mapping[str, str], workspace: Path) -> None:
        self._source, self._workspace = source, workspace

    def located(self, reference: str) -> Any:
        """What a reference leads to.

        Raises:
            RecipeError: it leads nowhere. MissingPackage: a package is not installed.
        """
        module, _, attribute = reference.rpartition(":")
        require_name(reference)
        os.environ.setdefault("KERAS_BACKEND", "torch")
        try:
            here = is_file(reference)
            holder = import_source(self._source, module, self._workspace) if here else importlib.import_module(module)
        except ModuleNotFoundError as error:
            top = (error.name or module).partition(".")[0]
            if error.name and module.startswith(error.name) and installed(top):
                raise RecipeError(f"{reference!r}: there is no module {error.name}") from None
            raise MissingPackage(f"{top} is not installed; get it with: {install_command(top)}") from None
        found: Any = holder
        for name in attribute.split("."):
            found = getattr(found, name, None)
        if not callable(found) and not hasattr(found, "fit") and not hasattr(found, "predict"):
            raise RecipeError(_none_there(reference, holder))
        return found

    def made(self, recipe: str, maker: Any, params: Mapping[str, Any]) -> Any:
        """What a class or a function makes of written parameters, or a clone of what is made already.

        Raises:
            RecipeError: it does not take one of the parameters.
        """
        if not inspect.isclass(maker) and not inspect.isroutine(maker):
            return _adjusted(recipe, _cloned(maker), {name: self.value(value) for name, value in params.items()})
        made, later = self._first(recipe, maker, params)
        if not inspect.isclass(maker) and not is_network(made):
            made = _cloned(made)
        return _adjusted(recipe, made, later)

    def called(self, recipe: str, maker: Any, params: Mapping[str, Any]) -> Any:
        """What a class or a function makes of written parameters, as it is: what is fitted stays so.

        Raises:
            RecipeError: it does not take one of the parameters.
        """
        return _adjusted(recipe, *self._first(recipe, maker, params))

    def _first(self, recipe: str, maker: Any, params: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """What a class or a function makes of the parameters that it takes, and the others, which are of its parts."""
        accepted = signature_of(maker)
        open_ended = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in accepted.values())
        args = [self.value(value) for value in params.get("$args", ())]
        given = {name: self.value(value) for name, value in params.items() if name != "$args"}
        later = {n: v for n, v in given.items() if accepted and not open_ended and n not in accepted}
        if wrong := [name for name in later if "__" not in name]:
            raise RecipeError(f"{recipe!r} takes no parameter {wrong[0]!r}; {nearest(wrong[0], accepted)}")
        quiet = _QUIET.get(str(getattr(maker, "__module__", "")).partition(".")[0], {})
        given = {**{name: value for name, value in quiet.items() if name in accepted}, **given}
        first = {name: as_default(value, accepted.get(name)) for name, value in given.items() if name not in later}
        return maker(*args, **first), later

    def value(self, written: Any) -> Any:
        """A parameter from its written form."""
        if isinstance(written, (list, tuple)):
            return [self.value(item) for item in written]
        if not isinstance(written, Mapping):
            return written
        if "$recipe" in written:
            return self._object(written)
        if "$function" in written:
            function = self.located(written["$function"])
            given = {name: self.value(value) for name, value in written.get("params", {}).items()}
            return functools.partial(function, **given) if given else function
        if "$class" in written:
            return self._class(written["$class"])
        if "$number" in written:
            return float(written["$number"])
        if "$slice" in written:
            return slice(*(self.value(part) for part in written["$slice"]))
        if "$items" in written:
            return {self.value(key): self.value(item) for key, item in written["$items"]}
        return {name: self.value(item) for name, item in written.items()}

    def _object(self, written: Mapping[str, Any]) -> Any:
        reference = str(written["$recipe"])
        kind = self.located(reference)
        known = hasattr(kind, "get_params") or reference.startswith(_MAKERS) or is_file(reference)
        if not inspect.isclass(kind) or not known:
            raise RecipeError(f"{reference!r} is no class of an estimator or of a part of one")
        args = {"$args": written["args"]} if "args" in written else {}
        return self.made(reference, kind, {**written.get("params", {}), **args})

    def _class(self, reference: str) -> Any:
        module, _, name = reference.rpartition(":")
        if module == "builtins" and name in _PLAIN:
            return getattr(importlib.import_module("builtins"), name)
        return self.located(reference)


def as_default(value: Any, parameter: inspect.Parameter | None) -> Any:
    """A list as a tuple, where the default is one: JSON has no tuples, and scikit-learn tells the two apart."""
    return tuple(value) if isinstance(value, list) and parameter and isinstance(parameter.default, tuple) else value


def _cloned(made: Any) -> Any:
    """An unfitted copy."""
    if hasattr(made, "get_params") and not inspect.isclass(made):
        from sklearn.base import clone

        return clone(made, safe=False)
    return copy.deepcopy(made)


def _adjusted(recipe: str, made: Any, params: Mapping[str, Any]) -> Any:
    """The object with parameters of its parts set, `step__name`."""
    if not params or is_network(made):
        return made
    if not hasattr(made, "set_params"):
        raise RecipeError(f"{recipe!r} takes no parameter {next(iter(params))!r}: it has no set_params")
    try:
        return made.set_params(**params)
    except ValueError as error:
        raise RecipeError(f"{recipe!r}: {str(error).splitlines()[0]}") from None


def network(
    recipe: str, maker: Any, params: Mapping[str, Any], workshop: Workshop, classes: int | None, *, like: Any
) -> Any:
    """The estimator that trains a network; what its class or function has no place for are settings of the training.

    Args:
        like: such a network, or its class.

    Raises:
        RecipeError: neither takes one of the parameters.
    """
    module, classifier, regressor = _TRAINERS["keras" if is_keras(like) else "torch"]
    trainer = importlib.import_module(module)
    fixed = not inspect.isclass(maker) and not inspect.isroutine(maker)
    accepted, settings = {} if fixed else signature_of(maker), trainer.settings_named()
    training = {n: v for n, v in params.items() if n not in accepted and n in settings}
    own = {name: value for name, value in params.items() if name not in training}
    if wrong := [name for name in own if name != "$args" and name not in accepted]:
        raise RecipeError(f"{recipe!r} takes no parameter {wrong[0]!r}; {nearest(wrong[0], [*accepted, *settings])}")
    kind = getattr(trainer, regressor if classes == 0 else classifier)
    state = training.pop("random_state", None)
    make = (lambda: trainer.fresh(recipe, maker)) if fixed else (lambda: workshop.made(recipe, maker, own))
    name = recipe.rpartition(":")[2]
    return kind(name, make, classes=classes or None, training=training, random_state=state)
