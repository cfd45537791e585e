"""The identity of a job: its digest, and the digest of the code that would do it today.

The code is the runner's version, the versions of the packages that the runner and the recipe come from, and, for the
entrants of our own zoo and for preparations, the text of their modules. Of a plugin it is the text of all modules that
its rows reach in its distribution, whose version alone says nothing of one that is being worked on. A user's file needs
no entry: its content is an input of the job. A job that predicts with kept models counts the recipes and joints of all
of them: it costs little to do again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

from concours.core.asked import wrong_name
from concours.core.digests import Digest, digest_json
from concours.core.had import scheme_of
from concours.core.job import Job
from concours.core.registry import Claim, claims_of
from concours.engine.reached import module_code, version_of, versions_of
from concours.engine.work import Runners
from concours.entrants.sources import closure

_OURS = "concours"
_LIBRARIES = ("catboost", "implicit", "lightgbm", "sklearn", "statsforecast", "torch", "transformers", "xgboost")
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
    known = [spec.version, {name: version_of(name) for name in spec.packages}, _recipe_code(first)]
    known += [_recipe_code(recipe) for recipe in others]
    known += [{name: version_of(name) for name in _packages(output)} for output in _outputs(job)]
    return digest_json([*known, *(module_code(module) for module in modules), *map(_claim_code, _claims(job))])


def code_digests(runners: Runners) -> Callable[[Job], Digest]:
    """`code_digest` for many jobs: computed once for a runner with what else is behind a job."""
    known: dict[tuple[str, ...], Digest] = {}

    def digest(job: Job) -> Digest:
        rows = [f"{claim.entry} {claim.by}" for claim in _claims(job)]
        behind = (job.runner, *_recipes(job), "", *_modules(job), "", *_outputs(job), "", *rows)
        if behind not in known:
            known[behind] = code_digest(job, runners)
        return known[behind]

    return digest


def training_code(job: Job, runners: Runners) -> Digest:
    """`code_digest`, and what trains any network: a training goes on only in the code that began it."""
    return digest_json([code_digest(job, runners), *map(_recipe_code, _TRAINERS)])


def _claims(job: Job) -> list[Claim]:
    """The rows of plugins that a job names."""
    joints = [candidate["entrant"].get("joint") for candidate in _predicting(job)]
    named = [
        ("runners", [job.runner]),
        ("metrics", job.params.get("metrics", ())),
        ("joins", sorted({joint["how"] for joint in joints if joint})),
        ("outputs", _outputs(job)),
    ]
    return [claim for table, names in named for name in names for claim in claims_of(table).get(name, ())]


@cache
def _packages(output: str) -> tuple[str, ...]:
    """The distributions whose versions count for an output."""
    from concours.tasks.outputs.table import OUTPUTS  # here, so that a worker starts without what it may not need

    return OUTPUTS[output].packages


def _outputs(job: Job) -> list[str]:
    """The output that a job is told of, by name."""
    return [job.params["output"]["name"]] if "output" in job.params else []


def _modules(job: Job) -> list[str]:
    """Those of a user's own metrics."""
    return [name.partition(":")[0] for name in job.params.get("metrics", ()) if ":" in name]


def _recipes(job: Job) -> list[str]:
    """The recipes whose code a job runs: its own, or those of the model that it predicts with and of all in it."""
    params, predicting = job.params, _predicting(job)
    own = params.get("recipes") or ([params["recipe"]] if "recipe" in params else [])
    recipes = own or sorted({c["entrant"]["recipe"] for c in predicting})
    return [*recipes, *([_PREPARATIONS] if params.get("preparation") or predicting else [])]


def _predicting(job: Job) -> list[dict[str, Any]]:
    """The candidates that a job predicts with."""
    if "parents" in job.params:
        return [job.params["model"], *job.params["parents"].values()]
    return list(job.params.get("looked_at", ()))


@cache
def _claim_code(claim: Claim) -> object:
    """What stands for the code of a plugin's row: of its module, and of those that it names."""
    modules = {reference.partition(":")[0] for reference in (claim.reference, *_references(claim.row()))}
    return [module_code(module) for module in sorted(modules) if module.partition(".")[0] != _OURS]


def _references(row: Any) -> Iterator[str]:
    """The texts `module:attribute` in a row."""
    if isinstance(row, str):
        yield from [row] if ":" in row and not wrong_name(row) else []
    elif is_dataclass(row):
        for each in fields(row):
            yield from _references(getattr(row, each.name, None))
    elif isinstance(row, Mapping | list | tuple):
        for value in row.values() if isinstance(row, Mapping) else row:
            yield from _references(value)


@cache
def _recipe_code(recipe: str) -> object:
    """What stands for the code of a dotted recipe, or of a scheme; nothing for a file, whose content is an input."""
    module, colon, _ = recipe.partition(":")
    if scheme := scheme_of(recipe):
        return {package: versions_of(package) for package in scheme.packages}
    if not colon or module.endswith(".py") or wrong_name(recipe):
        return None
    if module.partition(".")[0] != _OURS:
        return module_code(module)
    root = Path(__file__).parents[2]
    ours = root / _OURS / "entrants"
    file = root.joinpath(*module.split(".")).with_suffix(".py")
    files = closure(file, root=root, within=lambda other: other.is_relative_to(ours))
    text = "\n".join(files.values())
    outside = [module for module in _LIBRARIES if f"import {module}" in text or f"from {module}" in text]
    return digest_json([files, {module: versions_of(module) for module in outside}])
