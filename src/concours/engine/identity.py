"""The identity of a job: its digest, and the digest of the code that would do it today.

The code is the runner's version, the versions of the packages that the runner and the recipe come from, and, for the
entrants of our own zoo and for preparations, the text of their modules. A user's file needs no entry: its content is an
input of the job. A job that predicts with kept models counts the recipes of all of them: it costs little to do again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

from concours.core.asked import wrong_name
from concours.core.digests import Digest, digest_json
from concours.core.job import Job
from concours.core.places import spec_of
from concours.engine.work import Runners
from concours.entrants.sources import closure

_OURS = "concours"
_LIBRARIES = ("catboost", "lightgbm", "sklearn", "torch", "xgboost")
_PREPARATIONS = "concours.entrants.preparation:PREPARATIONS"
_TRAINERS = (
    "concours.entrants.modules:OwnModule",
    "concours.entrants.population:Members",
    "concours.entrants.generators:gan_round",
)
"""What trains networks whose recipe is not our own, or that have none."""


def code_digest(job: Job, runners: Runners) -> Digest:
    """Changes whenever the code behind the job does, and only then."""
    spec, (first, *others), modules = runners[job.runner], _recipes(job) or [""], _modules(job)
    known = [spec.version, {name: _version(name) for name in spec.packages}, _recipe_code(first)]
    known += [_recipe_code(recipe) for recipe in others]
    return digest_json([*known, *(_module_code(module) for module in modules)])


def code_digests(runners: Runners) -> Callable[[Job], Digest]:
    """`code_digest` for many jobs: computed once for a runner with the recipes and modules behind a job."""
    known: dict[tuple[str, ...], Digest] = {}

    def digest(job: Job) -> Digest:
        behind = (job.runner, *_recipes(job), "", *_modules(job))
        if behind not in known:
            known[behind] = code_digest(job, runners)
        return known[behind]

    return digest


def training_code(job: Job, runners: Runners) -> Digest:
    """`code_digest`, and what trains any network: a training goes on only in the code that began it."""
    return digest_json([code_digest(job, runners), *map(_recipe_code, _TRAINERS)])


def _modules(job: Job) -> list[str]:
    """Those of a user's own metrics."""
    return [name.partition(":")[0] for name in job.params.get("metrics", ()) if ":" in name]


def _recipes(job: Job) -> list[str]:
    """The recipes whose code a job runs: its own, or those of the model that it predicts with and of all in it."""
    params = job.params
    predicting = [params["model"], *params["parents"].values()] if "parents" in params else []
    recipes = [params["recipe"]] if "recipe" in params else sorted({c["entrant"]["recipe"] for c in predicting})
    return [*recipes, *([_PREPARATIONS] if params.get("preparation") or predicting else [])]


@cache
def _module_code(module: str) -> object:
    """What stands for a module that a user's metric lies in: its distribution's version, or else its text."""
    top = module.partition(".")[0]
    if top in _distributions():
        return _versions(top)
    found = spec_of(module)
    return Path(found.origin).read_text() if found and found.origin and found.has_location else None


@cache
def _recipe_code(recipe: str) -> object:
    """What stands for the code of a dotted recipe; nothing for a file, whose content is an input."""
    module, colon, _ = recipe.partition(":")
    if not colon or module.endswith(".py") or wrong_name(recipe):
        return None
    top = module.partition(".")[0]
    if top == _OURS:
        root = Path(__file__).parents[2]
        files = closure(root.joinpath(*module.split(".")).with_suffix(".py"), root=root, only=root / _OURS / "entrants")
        text = "\n".join(files.values())
        outside = [module for module in _LIBRARIES if f"import {module}" in text or f"from {module}" in text]
        return digest_json([files, {module: _versions(module) for module in outside}])
    return _versions(top)


def _versions(module: str) -> dict[str, str | None]:
    """Versions of the distributions that bring a top-level module."""
    return {name: _version(name) for name in _distributions().get(module, [module])}


@cache
def _distributions() -> dict[str, list[str]]:
    return {module: sorted(set(names)) for module, names in packages_distributions().items()}


@cache
def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
