"""Which models write: language models of a folder or behind an address, and those that go on with texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, cast

from concours.core import consent
from concours.core.asked import asked_of_recipe
from concours.core.had import CONTENT, scheme_of
from concours.engine.words import how_of
from concours.serving.model import Served
from concours.serving.writers.writer import Writer

if TYPE_CHECKING:
    from concours.entrants.endpoints.params import Address
    from concours.entrants.local.params import Local


def writer_of(served: Served) -> Writer | None:
    """What writes; none of a model that answers with predictions alone. Raises ConcoursError."""
    if "continue" in served.output.can:
        from concours.serving.writers.signs import Signwise

        return Signwise(served)
    scheme = scheme_of(served.entrant.recipe)
    return WRITERS[scheme.names](served) if scheme is not None and scheme.speaker else None


def _in_folder(served: Served) -> Writer:
    from concours.entrants.local.folders import lies
    from concours.entrants.local.loading import loaded
    from concours.serving.writers.tokens import Tokenwise

    recipe, params = served.entrant.recipe, served.entrant.params
    how = cast("Local", how_of(recipe, params))
    return Tokenwise(loaded(lies(params[CONTENT], recipe.partition(":")[2]), how.dtype), how)


def _at_address(served: Served) -> Writer:
    from concours.serving.writers.passing import Passing

    recipe, params = served.entrant.recipe, served.entrant.params
    with consent.granted(served.agreed):
        consent.require(asked_of_recipe(recipe, params))
    return Passing(recipe.partition(":")[2], cast("Address", how_of(recipe, params)))


WRITERS: Final[Mapping[str, Callable[[Served], Writer]]] = {"folder": _in_folder, "address": _at_address}
"""Of language models, by where they are (`core.had.Scheme.names`)."""
