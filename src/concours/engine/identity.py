"""The identity of a job: its digest, and the digest of the code that would do it today.

The code is the runner's version, the versions of the packages that the runner and the recipe come from, and, for the
entrants of our own zoo and for preparations, the text of their modules. A user's file needs no entry: its content is an
input of the job.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

from concours.core.digests import Digest, digest_json
from concours.core.job import Job
from concours.engine.work import Runners
from concours.entrants.sources import closure

_OURS = "concours"
_LIBRARIES = {
    "catboost": "catboost",
    "lightgbm": "lightgbm",
    "sklearn": "scikit-learn",
    "torch": "torch",
    "xgboost": "xgboost-cpu",
}
_PREPARATIONS = "concours.entrants.preparation:PREPARATIONS"


def code_digest(job: Job, runners: Runners) -> Digest:
    """Changes whenever the code behind the job does, and only then."""
    spec = runners[job.kind]
    recipe = job.params.get("recipe") or (_PREPARATIONS if "preparation" in job.params else "")
    return digest_json([spec.version, {name: _version(name) for name in spec.packages}, _recipe_code(recipe)])


@cache
def _recipe_code(recipe: str) -> object:
    """What stands for the code of a dotted recipe; nothing for a file, whose content is an input."""
    module, colon, _ = recipe.partition(":")
    if not colon or module.endswith(".py"):
        return None
    top = module.partition(".")[0]
    if top == _OURS:
        root = Path(__file__).parents[2]
        files = closure(root.joinpath(*module.split(".")).with_suffix(".py"), root=root, only=root / _OURS / "entrants")
        text = "\n".join(files.values())
        outside = sorted(
            name for module, name in _LIBRARIES.items() if f"import {module}" in text or f"from {module}" in text
        )
        return [files, {name: _version(name) for name in outside}]
    return {name: _version(name) for name in sorted(_distributions().get(top, [top]))}


@cache
def _distributions() -> dict[str, list[str]]:
    return {module: sorted(set(names)) for module, names in packages_distributions().items()}


@cache
def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
