"""Line-ups as people write them in Python: names, recipes, entrants, and scikit-learn estimators."""

from __future__ import annotations

import inspect
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from importlib import import_module
from typing import Any

from concours.core.entrant import Entrant
from concours.core.errors import ContestError


def entrants_of(lineup: Iterable[Any]) -> list[Entrant]:
    """The entrants that the items of a line-up stand for.

    An item is an `Entrant`, a name of the zoo or a recipe (`"logistic"`, `"sklearn.svm:SVC"`), an estimator, its class,
    or a pair of a name and one of these. Two without a name of their own that would be called alike are numbered.

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
    if inspect.isclass(item):
        return Entrant(name=item.__name__, recipe=_recipe(item))
    if hasattr(item, "fit") and hasattr(item, "get_params"):
        kind = type(item)
        return Entrant(name=kind.__name__, recipe=_recipe(kind), params=_changed(item))
    raise ContestError(
        f"lineup: expected a name of the zoo, a recipe, an Entrant, an estimator, or a pair (name, one of these); "
        f"got {item!r}"
    )


def _recipe(kind: type) -> str:
    if kind.__module__ == "__main__" or "<locals>" in kind.__qualname__:
        raise ContestError(
            f"lineup: {kind.__qualname__} cannot be imported by its name; put it in a file and write "
            f'"./that_file.py:{kind.__name__}"'
        )
    package, _, last = kind.__module__.rpartition(".")
    public = last.startswith("_") and getattr(import_module(package), kind.__name__, None) is kind
    return f"{package if public else kind.__module__}:{kind.__qualname__}"


def _changed(estimator: Any) -> dict[str, Any]:
    """The parameters that differ from their defaults, as JSON."""
    defaults = inspect.signature(type(estimator)).parameters
    changed = {}
    for name, value in estimator.get_params(deep=False).items():
        if name in defaults and value is defaults[name].default:
            continue
        try:
            changed[name] = json.loads(json.dumps(value, allow_nan=False, default=lambda number: number.item()))
        except (TypeError, ValueError, AttributeError):
            raise ContestError(
                f"lineup: {type(estimator).__name__} has {name} = {value!r}, which JSON cannot hold; "
                "put the estimator in a class of a file of yours, ./that_file.py:Class"
            ) from None
    return changed
