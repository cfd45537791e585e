"""Where modules lie: looked up without an import, and never in the folder that somebody happens to work in."""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec, PathFinder

_INSTALLED = ("site-packages", "dist-packages")


def named_places(path: str) -> str:
    """A `PYTHONPATH` without what is empty, which stands for the working folder and is mostly there by accident."""
    return os.pathsep.join(place for place in path.split(os.pathsep) if place)


def leave_working_folder() -> None:
    """Takes the working folder out of where this process looks for modules, if nobody has named it: not as a place of
    `PYTHONPATH`, nor by having installed a package there to be edited, whose place comes after the installed ones.
    """
    here = os.path.realpath(os.curdir)
    named = named_places(os.environ.get("PYTHONPATH", "")).split(os.pathsep)
    if here not in [os.path.realpath(place) for place in named if place]:
        installed = (index for index, place in enumerate(sys.path) if os.path.basename(place) in _INSTALLED)
        first = next(installed, len(sys.path))
        sys.path[:] = [p for i, p in enumerate(sys.path) if p and (i > first or os.path.realpath(p) != here)]


def spec_of(module: str) -> ModuleSpec | None:
    """Where a dotted module lies; none where there is none. The packages above it are not imported for that, as they
    would be by `importlib.util.find_spec`.
    """
    words = module.split(".")
    found = PathFinder.find_spec(words[0]) or _elsewhere(words[0])
    for depth in range(2, len(words) + 1):
        if found is None:
            return None
        found = PathFinder.find_spec(".".join(words[:depth]), list(found.submodule_search_locations or ()))
    return found


def _elsewhere(top: str) -> ModuleSpec | None:
    """Where a top-level module lies that no place of the path holds, as of what is installed to be edited."""
    finders = (finder for finder in sys.meta_path if finder is not PathFinder and hasattr(finder, "find_spec"))
    return next(filter(None, (finder.find_spec(top, None) for finder in finders)), None)
