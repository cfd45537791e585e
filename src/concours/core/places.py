"""Where modules lie: looked up without an import, and never in the folder that somebody happens to work in."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder


def named_places(path: str) -> str:
    """A `PYTHONPATH` without what is empty, which stands for the working folder and is mostly there by accident."""
    return os.pathsep.join(place for place in path.split(os.pathsep) if place)


def leave_working_folder() -> None:
    """Takes the working folder out of where this process looks for modules, if nobody has named it."""
    here = os.path.realpath(os.curdir)
    named = named_places(os.environ.get("PYTHONPATH", "")).split(os.pathsep)
    if here not in [os.path.realpath(place) for place in named if place]:
        sys.path[:] = [place for place in sys.path if place and os.path.realpath(place) != here]


def spec_of(module: str) -> ModuleSpec | None:
    """Where a dotted module lies; none where there is none. The packages above it are not imported for that, as they
    would be by `importlib.util.find_spec`.
    """
    places: Sequence[str] | None = None
    found: ModuleSpec | None = None
    words = module.split(".")
    for depth in range(1, len(words) + 1):
        found = PathFinder.find_spec(".".join(words[:depth]), places)
        if found is None:
            return None
        places = list(found.submodule_search_locations or ())
    return found
