"""Recipes: from what a user writes to something that can be built wherever a job runs."""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from fnmatch import fnmatch
from math import inf
from os.path import normpath
from pathlib import Path
from typing import Any

from concours.core import consent
from concours.core.asked import asked_of_recipe, ran, without_digest
from concours.core.digests import Digest, digest_file, digest_json
from concours.core.entrant import Entrant
from concours.core.errors import ContentRefused, RecipeError, nearest
from concours.core.had import CONTENT, Scheme, scheme_of
from concours.core.kind import Form
from concours.core.objects import is_file, is_network, references, renamed, signature_of
from concours.core.optional import install_command, installed
from concours.core.registry import load
from concours.core.typed import typed
from concours.entrants.costs import FAMILIES, PREPARING
from concours.entrants.making import (
    Workshop,
    names_columns,
    network,
    reads_raw,
    require_estimator,
    require_name,
    require_suited,
    require_there,
)
from concours.entrants.sources import closure, defines_network, root_of
from concours.entrants.zoo import ZOO, Size, specs

_MODEL = re.compile(r"[^\s,]+")
EFFORT_S = 15.0
"""Seconds of one core that a fit with an effort of one may take: ten, and more where few rows are fitted on twice."""


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """An entrant whose recipe can be built anywhere, and what it needs for that.

    Attributes:
        source: the text of the user's file and its local imports, by relative path; empty for a library's recipe.
        content: the file, or the folder, that the recipe names by a scheme and that travels with the contest.
        files: the user's files as the entrant named them, by how they are named now.
        notes: what a person should know of how it was found.
        skipped: why the entrant cannot take part here, with the cure.
        seconds: about how long a fit takes on one core; none where nobody knows.
        family: the name of those that are much alike.
    """

    entrant: Entrant
    source: Mapping[str, str]
    content: Path | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    skipped: str = ""
    seconds: Callable[[Size], float] | None = None
    family: str = ""

    @property
    def asked(self) -> frozenset[str]:
        """What is asked about before it runs (`core.asked`)."""
        entrant, code = self.entrant, digest_json(dict(self.source)) if self.source else None
        return asked_of_recipe(entrant.recipe, entrant.params, code=code, search=entrant.search)

    @property
    def named(self) -> frozenset[str]:
        """The same whatever the files hold, with these as the entrant named them."""
        return frozenset(self.files.get(name, name) for name in map(without_digest, self.asked))

    def preparing(self, size: Size) -> float:
        """About how long preparing a fold takes on one core."""
        prepare = PREPARING.get(self.entrant.prepare or "none")
        return prepare(size) if prepare else 0.0


def resolve(entrant: Entrant, *, form: Form, folder: Path, effort: float = 1.0) -> Resolved:
    """What an entrant's recipe stands for in a task.

    Args:
        form: of the rows, and of what is predicted of them; its usual preparation is what `auto` stands for with a
            library's recipe.
        folder: where relative file names begin.
        effort: how long a fit of the zoo's own entrants may take; 1 is about ten seconds of one core.

    Raises:
        RecipeError: an unknown name, a file that is missing or does not parse, a module that does not exist, or what
            cannot be declared of it.
    """
    recipe = entrant.recipe
    if entrant.seen is not None and entrant.seen not in entrant.had.seen:
        allowed = f"; {nearest(entrant.seen, entrant.had.seen)}" if entrant.had.seen else "; leave it out"
        raise RecipeError(f"seen = {entrant.seen!r} cannot be said of what is {entrant.had.what}{allowed}")
    if not entrant.had.fitted:
        return as_it_is(entrant, folder)
    file, colon, attribute = recipe.rpartition(":")
    if is_file(recipe):
        return _from_file(entrant, attribute, form, folder)
    if colon:
        return _from_library(entrant, file, form, folder)
    if recipe.endswith(".py"):
        raise RecipeError(f"{recipe!r} names a file but no class in it: write {recipe}:ClassName")
    return _from_zoo(entrant, form, effort)


def _from_file(entrant: Entrant, attribute: str, form: Form, folder: Path) -> Resolved:
    own, source, files = _with_sources(entrant, folder)
    network = defines_network(source, own.recipe.rpartition(":")[0], attribute)
    usual = form.network if network else "none"
    prepare = _prepare(entrant, form, own=form.usual, usual=usual)
    return Resolved(entrant=replace(own, prepare=prepare), source=source, files=files)


def _from_library(entrant: Entrant, module: str, form: Form, folder: Path) -> Resolved:
    require_name(entrant.recipe)
    require_there(entrant.recipe)
    top = module.partition(".")[0]
    own, source, files = _with_sources(entrant, folder)
    raw, named = (
        reads_raw(own.recipe, own.params),
        names_columns(own.params) and form.name.startswith(("table:", "mixed:")),
    )
    usual = "none" if raw else "columns" if named else form.usual
    if module.startswith("torch.nn"):
        usual = form.network
    resolved = replace(own, prepare=_prepare(entrant, form, own=form.usual, usual=usual))
    reason = "" if installed(top) else f"{top} is not installed; get it with: {install_command(top)}"
    if reason and (folder / f"{top}.py").is_file():  # somebody else's package of that name would be worse than none
        name = own.recipe.rpartition(":")[2]
        reason = f"{top} is not installed; for the file beside the contest write ./{top}.py:{name}"
    return Resolved(entrant=resolved, source=source, files=files, skipped=reason)


def as_it_is(entrant: Entrant, folder: Path) -> Resolved:
    """What the recipe of an entrant that is not fitted stands for: a user's code, or a file that is read."""
    searched = entrant.search and not entrant.had.calls
    for name, value in (("search", searched), ("prepare", entrant.prepare not in (None, "none"))):
        if value:
            raise RecipeError(f"{name} is for what is fitted; leave it out, as this is {entrant.had.what}")
    entrant = replace(entrant, prepare="none", seen=entrant.seen or entrant.had.usual)
    scheme, (module, colon, rest) = scheme_of(entrant.recipe), entrant.recipe.partition(":")
    if scheme:
        return _from_scheme(entrant, scheme, rest, folder)
    if not colon:
        raise RecipeError(f"{entrant.recipe!r} is fitted; what is frozen is a file, ./mine.py:model, or onnx:FILE")
    if not is_file(entrant.recipe):
        require_name(entrant.recipe)
        require_there(entrant.recipe)
    top = module.partition(".")[0]
    missing = not is_file(entrant.recipe) and not installed(top)
    reason = f"{top} is not installed; get it with: {install_command(top)}" if missing else ""
    own, source, files = _with_sources(entrant, folder)
    return Resolved(entrant=own, source=source, files=files, skipped=reason)


def _from_scheme(entrant: Entrant, scheme: Scheme, rest: str, folder: Path) -> Resolved:
    """A file or a folder counts by what it holds: two of one name are two entrants."""
    name, path = entrant.recipe.partition(":")[0], folder / rest
    parts = held_by(path, scheme) if scheme.brings else {}
    if scheme.brings and not parts:
        raise RecipeError(f"there is no file {path}" if not path.is_dir() else _nothing_of(path, scheme))
    if scheme.names == "address" and not _MODEL.fullmatch(rest):
        raise RecipeError(f"{entrant.recipe!r} names no model: write {name}:MODEL, without blanks and commas")
    _require_params(name, scheme, entrant.params)
    missing = [package for package in scheme.packages if not installed(package)]
    reason = f"{missing[0]} is not installed; get it with: {install_command(missing[0])}" if missing else ""
    if scheme.names == "address" or (scheme.names == "folder" and reason):
        return Resolved(entrant=entrant, source={}, skipped=reason)
    if scheme.names == "folder":
        found = load(scheme.found)(rest, folder)
        return Resolved(entrant=_of_content(entrant, path.name, found.digest), source={}, notes=found.notes)
    digests = {part: digest_file(file) for part, file in parts.items()}
    content = digest_json(digests) if path.is_dir() else digests[path.name]
    own = _of_content(entrant, path.resolve().name, content)
    files = {ran(own.recipe, own.params): f"{name}:{normpath(rest)}"} if scheme.names == "program" else {}
    return Resolved(entrant=own, source={}, content=path, skipped=reason, files=files)


def held_by(path: Path, scheme: Scheme) -> dict[str, Path]:
    """The files, by name, that a recipe's path brings: itself, or those of a folder that its scheme reads."""
    if path.is_file():
        return {path.name: path}
    there = sorted(path.iterdir()) if path.is_dir() else []
    return {file.name: file for file in there if file.is_file() and any(fnmatch(file.name, p) for p in scheme.holds)}


def _nothing_of(path: Path, scheme: Scheme) -> str:
    wanted = f"a folder with {', '.join(scheme.holds)}" if scheme.holds else "a file"
    return f"{path} is a folder in which nothing is read; {wanted} was expected"


def _of_content(entrant: Entrant, name: str, content: Digest) -> Entrant:
    """With what it holds as a parameter, and its name alone, wherever it lies."""
    scheme = entrant.recipe.partition(":")[0]
    return replace(entrant, recipe=f"{scheme}:{name}", params={**entrant.params, CONTENT: content})


def _require_params(name: str, scheme: Scheme, params: Mapping[str, Any]) -> None:
    form = load(scheme.params) if scheme.params else None
    known = [field.name for field in fields(form)] if form else []
    for param in params:
        if param not in known:
            told = f"; {nearest(param, known)}" if known else ""
            raise RecipeError(f"{name}: takes no parameter {param!r}{told}")
    if form:
        try:
            typed(form, params)
        except ContentRefused as error:
            raise RecipeError(f"{name}: params.{error}") from None


def _with_sources(entrant: Entrant, folder: Path) -> tuple[Entrant, dict[str, str], dict[str, str]]:
    """An entrant that calls its files by their way within their packages, the text of all of them, and their names."""
    named = [entrant.recipe, *(reference for _, reference in references(entrant.params))]
    files = {reference: folder / reference.rpartition(":")[0] for reference in named if is_file(reference)}
    source: dict[str, str] = {}
    names: dict[str, str] = {}
    for reference, path in files.items():
        root = root_of(path)
        for name, text in closure(path, root=root).items():
            if source.setdefault(name, text) != text:
                raise RecipeError(f"two files of one name, {name}, are used together; rename one of them")
        name = path.resolve().relative_to(root).as_posix()
        names[reference] = f"{name}:{reference.rpartition(':')[2]}"
    recipe = names.get(entrant.recipe, entrant.recipe)
    own = replace(entrant, recipe=recipe, params=renamed(entrant.params, names))
    return own, source, {name: normpath(reference.rpartition(":")[0]) for reference, name in names.items()}


def _from_zoo(entrant: Entrant, form: Form, effort: float) -> Resolved:
    if entrant.recipe not in ZOO:
        ways = "write module:Class, ./file.py:Class, or a name"
        raise RecipeError(f"unknown recipe {entrant.recipe!r}: {ways}; {nearest(entrant.recipe, ZOO)}")
    forms = specs(entrant.recipe)
    if form.name not in forms:
        fitting = [name for name in ZOO.own if form.name in specs(name)]
        raise RecipeError(f"{entrant.recipe!r} does not suit this kind of task; {nearest(entrant.recipe, fitting)}")
    breed = forms[form.name]
    own = {"effort": effort} if breed.effort else {}
    resolved = replace(
        entrant,
        recipe=breed.recipe,
        params={**own, **breed.params, **entrant.params},
        prepare=_prepare(entrant, form, own=breed.prepare or form.usual, usual=breed.prepare or form.usual),
    )
    missing = breed.package and not installed(breed.package)
    reason = f"{breed.package} is not installed; get it with: {install_command(breed.package or '')}" if missing else ""
    most = effort * EFFORT_S if breed.effort else inf
    return Resolved(
        entrant=resolved,
        source={},
        skipped=reason,
        seconds=lambda size: min(most, breed.seconds(size)),
        family=FAMILIES.get(entrant.recipe, entrant.recipe),
    )


def _prepare(entrant: Entrant, form: Form, *, own: str, usual: str) -> str:
    """The preparation that an entrant asks for: by name, `auto` for what suits it, or none."""
    asked, known = entrant.prepare, ("auto", "none", *form.preparations)
    if asked is not None and asked not in known:
        raise RecipeError(f"prepare must be one of {', '.join(known)}, got {asked!r}; {nearest(asked, known)}")
    return {None: usual, "auto": own}.get(asked, asked or "none")


def build(
    recipe: str,
    params: Mapping[str, Any],
    source: Mapping[str, str],
    workspace: Path,
    *,
    seed: int = 0,
    classes: int | None = None,
    told: Mapping[str, Any] | None = None,
) -> Any:
    """The unfitted estimator of a resolved recipe; where it takes `random_state` and none is given, it gets the seed.

    A class or a function is called with the parameters; an estimator that a file has made is cloned; what turns out to
    be a torch module is wrapped in an estimator that trains it (`entrants.modules`).

    Args:
        source: the text of the user's files, for what lies in a file.
        workspace: a folder where that text may be written.
        classes: how many the problem has, 0 of a number; by default nobody asks.
        told: what the output tells estimators: given where there is a parameter of that name and none is given.

    Raises:
        RecipeError: the recipe leads nowhere, the estimator does not take the parameters, or it is of numbers where
            there are classes or of classes where there are none.
        TrustError: something of it may not run here (`core.consent`); nothing is imported then.
        MissingPackage: a package is not installed.
        Whatever else the user's file raises when it is imported.
    """
    code = digest_json(dict(source)) if source else None
    consent.require(asked_of_recipe(recipe, params, code=code))
    workshop = Workshop(source, workspace)
    maker = workshop.located(recipe)
    if not is_file(recipe):  # a library's function may do anything at all; a class with fit and predict is an estimator
        if not inspect.isclass(maker):
            raise RecipeError(f"{recipe!r} is no class; a recipe of a library is the class of an estimator")
        if not is_network(maker):
            require_estimator(recipe, maker)
    return _told(_made(recipe, maker, params, workshop, classes), {"random_state": seed, **(told or {})})


def _made(recipe: str, maker: Any, params: Mapping[str, Any], workshop: Workshop, classes: int | None) -> Any:
    found = maker if is_network(maker) else _network_of(recipe, maker, params, workshop)
    if found is None:
        found = workshop.made(recipe, maker, params)
    if is_network(found):
        return network(recipe, maker, params, workshop, classes, like=found)
    require_estimator(recipe, found)
    require_suited(recipe, found, classes)
    return found


def _network_of(recipe: str, maker: Any, params: Mapping[str, Any], workshop: Workshop) -> Any:
    """The network that a function makes which does not take some of the parameters, as these may be of its training;
    none where it takes them all, or makes something else.
    """
    if not inspect.isroutine(maker):
        return None
    accepted = signature_of(maker)
    own = {name: value for name, value in params.items() if name in accepted}
    if not any(name not in accepted and "__" not in name for name in params):
        return None
    made = workshop.made(recipe, maker, own)
    return made if is_network(made) else None


def _told(estimator: Any, told: Mapping[str, Any]) -> Any:
    """The estimator with what it has parameters for, at any depth, and was not given."""
    if not callable(getattr(estimator, "get_params", None)) or not callable(getattr(estimator, "set_params", None)):
        return estimator
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        params = estimator.get_params()
    states = {
        name: told[own] for name, value in params.items() if (own := name.rpartition("__")[2]) in told and value is None
    }
    return estimator.set_params(**states) if states else estimator
