"""Recipes: from what a user writes to something that can be built wherever a job runs."""

from __future__ import annotations

import importlib
import inspect
import sys
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

from concours.core.entrant import Entrant
from concours.core.errors import MissingPackage, RecipeError, nearest
from concours.core.optional import install_command, installed
from concours.entrants.sources import closure, import_source
from concours.entrants.zoo import PREPARED, ZOO, Size, breeds

EFFORT_S = 15.0
"""Seconds of one core that a fit with an effort of one may take: ten, and more where few rows are fitted on twice."""


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """An entrant whose recipe can be built anywhere, and what it needs for that.

    Attributes:
        source: the text of the user's file and its local imports, by relative path; empty for a library's recipe.
        skipped: why the entrant cannot take part here, with the cure.
        seconds: about how long a fit takes on one core; none where nobody knows.
    """

    entrant: Entrant
    source: Mapping[str, str]
    skipped: str = ""
    seconds: Callable[[Size], float] | None = None


def resolve(entrant: Entrant, *, form: str, preparation: str, folder: Path, effort: float = 1.0) -> Resolved:
    """What an entrant's recipe stands for in a task.

    Args:
        form: the kind's input and target, e.g. `table:classes`, or `mixed:classes` of a table with sentences.
        preparation: the name of the kind's own preparation, which `auto` stands for with a library's recipe.
        folder: where relative file names begin.
        effort: how long a fit of the zoo's own entrants may take; 1 is about ten seconds of one core.

    Raises:
        RecipeError: an unknown name, a file that is missing or does not parse, or a module that does not exist.
    """
    recipe = entrant.recipe
    file, colon, attribute = recipe.rpartition(":")
    if file.endswith(".py"):
        return _from_file(entrant, folder / file, attribute, form, preparation)
    if colon:
        return _from_library(entrant, file, form, preparation)
    if recipe.endswith(".py"):
        raise RecipeError(f"{recipe!r} names a file but no class in it: write {recipe}:ClassName")
    return _from_zoo(entrant, form, preparation, effort)


def _from_file(entrant: Entrant, path: Path, attribute: str, form: str, preparation: str) -> Resolved:
    recipe = f"{path.name}:{attribute}"
    prepare = _prepare(entrant, form, own=preparation, usual="none")
    return Resolved(entrant=_with(entrant, recipe=recipe, prepare=prepare), source=closure(path))


def _from_library(entrant: Entrant, module: str, form: str, preparation: str) -> Resolved:
    top = module.partition(".")[0]
    resolved = _with(entrant, prepare=_prepare(entrant, form, own=preparation, usual=preparation))
    if not installed(top):
        return Resolved(
            entrant=resolved, source={}, skipped=f"{top} is not installed; get it with: {install_command(top)}"
        )
    return Resolved(entrant=resolved, source={})


def _from_zoo(entrant: Entrant, form: str, preparation: str, effort: float) -> Resolved:
    if entrant.recipe not in ZOO:
        ways = "write module:Class, ./file.py:Class, or a name"
        raise RecipeError(f"unknown recipe {entrant.recipe!r}: {ways}; {nearest(entrant.recipe, ZOO)}")
    forms = breeds(entrant.recipe)
    if form not in forms:
        fitting = [name for name in ZOO if form in breeds(name)]
        raise RecipeError(f"{entrant.recipe!r} does not suit this kind of task; {nearest(entrant.recipe, fitting)}")
    breed = forms[form]
    own = {"effort": effort} if breed.effort else {}
    resolved = _with(
        entrant,
        recipe=breed.recipe,
        params={**own, **breed.params, **entrant.params},
        prepare=_prepare(entrant, form, own=breed.prepare or preparation, usual=breed.prepare or preparation),
    )
    missing = breed.package and not installed(breed.package)
    reason = f"{breed.package} is not installed; get it with: {install_command(breed.package or '')}" if missing else ""
    most = effort * EFFORT_S if breed.effort else inf
    return Resolved(entrant=resolved, source={}, skipped=reason, seconds=lambda size: min(most, breed.seconds(size)))


def _prepare(entrant: Entrant, form: str, *, own: str, usual: str) -> str:
    """The preparation that an entrant asks for: by name, `auto` for what suits it, or none."""
    asked, known = entrant.prepare, ("auto", "none", *PREPARED[form.partition(":")[0]])
    if asked is not None and asked not in known:
        raise RecipeError(f"prepare must be one of {', '.join(known)}, got {asked!r}; {nearest(asked, known)}")
    return {None: usual, "auto": own}.get(asked, asked or "none")


def _with(entrant: Entrant, **changes: Any) -> Entrant:
    fields = {"name": entrant.name, "recipe": entrant.recipe, "params": entrant.params, "prepare": entrant.prepare}
    return Entrant(role=entrant.role, search=entrant.search, **{**fields, **changes})


def build(recipe: str, params: Mapping[str, Any], source: Mapping[str, str], workspace: Path, *, seed: int = 0) -> Any:
    """The unfitted estimator of a resolved recipe; where it takes `random_state` and none is given, it gets the seed.

    Args:
        source: the text of the user's files, for a recipe in a file.
        workspace: a folder where that text may be written.

    Raises:
        RecipeError: the recipe leads nowhere, or the estimator does not take the parameters.
        MissingPackage: a package is not installed.
        Whatever else the user's file raises when it is imported.
    """
    module, _, attribute = recipe.rpartition(":")
    try:
        holder = import_source(source, module, workspace) if source else importlib.import_module(module)
    except ModuleNotFoundError as error:
        top = (error.name or module).partition(".")[0]
        if error.name and module.startswith(error.name) and installed(top):
            raise RecipeError(f"{recipe!r}: there is no module {error.name}") from None
        raise MissingPackage(f"{top} is not installed; get it with: {install_command(top)}") from None
    maker = getattr(holder, attribute, None)
    if not source and module.partition(".")[0] in sys.stdlib_module_names:
        raise RecipeError(f"{recipe!r}: the standard library has no estimators")
    if not callable(maker):
        names = [name for name, value in vars(holder).items() if inspect.isclass(value) and not name.startswith("_")]
        raise RecipeError(f"{recipe!r}: {module} has no class {attribute}; {nearest(attribute, names)}")
    if not source:  # a library's function may do anything at all; a class with fit and predict is an estimator
        if not inspect.isclass(maker):
            raise RecipeError(f"{recipe!r} is no class; a recipe of a library is the class of an estimator")
        _refuse_others(recipe, maker)
    return _seeded(_make(recipe, maker, params), seed)


def _make(recipe: str, maker: Any, params: Mapping[str, Any]) -> Any:
    accepted: Mapping[str, inspect.Parameter] = {}
    with suppress(TypeError, ValueError):  # what is written in C may not tell
        accepted = inspect.signature(maker).parameters
    open_ended = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in accepted.values())
    for name in params:
        if accepted and not open_ended and name not in accepted:
            raise RecipeError(f"{recipe!r} takes no parameter {name!r}; {nearest(name, accepted)}")
    estimator = maker(**params)
    _refuse_others(recipe, estimator)
    return estimator


def _refuse_others(recipe: str, maker: Any) -> None:
    for method in ("fit", "predict"):
        if not hasattr(maker, method):
            raise RecipeError(f"{recipe!r} has no method {method!r}: an entrant is an estimator with fit and predict")


def _seeded(estimator: Any, seed: int) -> Any:
    if not callable(getattr(estimator, "get_params", None)) or not callable(getattr(estimator, "set_params", None)):
        return estimator
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        params = estimator.get_params()
    states = {
        name: seed for name, value in params.items() if name.rpartition("__")[2] == "random_state" and value is None
    }
    return estimator.set_params(**states) if states else estimator
