"""Concours: where AI models compete and cooperate."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PUBLIC = {
    "ConcoursError": "concours.core.errors",
    "Contest": "concours.api.contest",
    "ContestClassifier": "concours.api.estimators",
    "ContestRegressor": "concours.api.estimators",
    "Entrant": "concours.core.entrant",
    "Result": "concours.api.result",
    "Split": "concours.tasks.task",
    "Task": "concours.tasks.task",
    "audit": "concours.api.audit",
    "pair": "concours.api.pair",
    "rate": "concours.api.rate",
}

__all__ = [
    "ConcoursError",
    "Contest",
    "ContestClassifier",
    "ContestRegressor",
    "Entrant",
    "Result",
    "Split",
    "Task",
    "audit",
    "pair",
    "rate",
]

if TYPE_CHECKING:
    from concours.api.audit import audit
    from concours.api.contest import Contest
    from concours.api.estimators import ContestClassifier, ContestRegressor
    from concours.api.pair import pair
    from concours.api.rate import rate
    from concours.api.result import Result
    from concours.core.entrant import Entrant
    from concours.core.errors import ConcoursError
    from concours.tasks.task import Split, Task


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'concours' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
