"""Line-ups as people write them in Python: names, recipes, entrants, and estimators (`core.objects`)."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from concours.core.entrant import Entrant
from concours.core.errors import ContestError, RecipeError
from concours.core.objects import is_module


def entrants_of(lineup: Iterable[Any]) -> list[Entrant]:
    """The entrants that the items of a line-up stand for.

    An item is an `Entrant`, a name of the zoo or a recipe (`"logistic"`, `"sklearn.svm:SVC"`), an estimator, a
    pipeline, a torch module, a class of these, or a pair of a name and one of these. Two without a name of their own
    that would be called alike are numbered.

    Raises:
        ContestError: an item is none of these, or an estimator cannot be written down as a recipe with parameters.
    """
    found = [_entrant(item) for item in lineup]
    if not found:
        raise ContestError("lineup is empty; name at least one entrant")
    several = {name for name, count in Counter(entrant.name for entrant in found).items() if count > 1}
    seen: Counter[str] = Counter()
    named = []
    for item, entrant in zip(lineup, found, strict=True):
        seen[entrant.name] += 1
        own = isinstance(item, (Entrant, tuple)) or entrant.name not in several
        named.append(entrant if own else replace(entrant, name=f"{entrant.name}-{seen[entrant.name]}"))
    return named


def _entrant(item: Any) -> Entrant:
    if isinstance(item, Entrant):
        return item
    if isinstance(item, str):
        return Entrant(name=item.rpartition(":")[2], recipe=item)
    if isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str):
        return replace(_entrant(item[1]), name=item[0])
    if inspect.isclass(item) or (hasattr(item, "fit") and hasattr(item, "get_params")) or is_module(item):
        try:
            return Entrant(name=(item if inspect.isclass(item) else type(item)).__name__, recipe=item)
        except RecipeError as error:
            raise ContestError(f"lineup: {error}") from None
    raise ContestError(
        "lineup: expected a name of the zoo, a recipe, an Entrant, an estimator, a torch module, or a pair (name, one "
        f"of these); got {item!r}"
    )
