"""What stands for the code of a module that is not ours: versions, or the text of what it reaches beside it."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

from concours.core.digests import digest_json
from concours.core.errors import RecipeError
from concours.core.places import spec_of
from concours.core.registry import claims
from concours.entrants.sources import closure, imported

_OURS = "concours"


@cache
def module_code(module: str) -> object:
    """What stands for a module: the versions of the distributions that bring it; of a plugin, and of what no
    distribution is known to bring, as what is installed to be edited, the text of all that it reaches there as well.
    """
    top = module.partition(".")[0]
    known = versions_of(top)
    return known if top in _distributions() and not _by_plugin(top) else [known, _text(module)]


def versions_of(module: str) -> dict[str, str | None]:
    """Versions of the distributions that bring a top-level module."""
    return {name: version_of(name) for name in _distributions().get(module, [module])}


@cache
def version_of(distribution: str) -> str | None:
    """The version of a distribution that is installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _text(module: str) -> object:
    """The digest of the text of a module and of those of its distribution that it reaches, and the versions of what
    these import from elsewhere; none where it has no text.
    """
    found, words = spec_of(module), module.split(".")
    if not found or not found.origin or not found.has_location or not found.origin.endswith(".py"):
        return None
    file = Path(found.origin).resolve()
    root = file.parents[len(words) - (file.name != "__init__.py")]

    def within(other: Path) -> bool:
        if not other.is_relative_to(root):  # a link
            return False
        top = other.relative_to(root).parts[0].removesuffix(".py")
        return not _brought_by(top) or bool(_brought_by(top) & _brought_by(words[0]))

    try:
        files = closure(file, root=root, within=within)
    except RecipeError:
        return None
    beside = {Path(name).parts[0].removesuffix(".py") for name in files}
    outside = sorted(top for top in imported(files, root) - beside if top == _OURS or top in _distributions())
    return digest_json([files, {top: versions_of(top) for top in outside}])


def _by_plugin(top: str) -> bool:
    return bool(_brought_by(top) & {claim.distribution for claim in claims()})


def _brought_by(top: str) -> frozenset[str]:
    """The distributions that bring a top-level module, as far as they say so; plugins by the rows that they bring."""
    by_rows = {claim.distribution for claim in claims() if claim.reference.partition(":")[0].partition(".")[0] == top}
    return frozenset(by_rows.union(_distributions().get(top, ())))


@cache
def _distributions() -> dict[str, list[str]]:
    return {module: sorted(set(names)) for module, names in packages_distributions().items()}
