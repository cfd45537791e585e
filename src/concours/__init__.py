"""Concours: where AI models compete and cooperate."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PUBLIC = {
    "Client": "concours.api.client",
    "ConcoursError": "concours.core.errors",
    "Contest": "concours.api.contest",
    "ContestClassifier": "concours.api.estimators",
    "ContestRegressor": "concours.api.estimators",
    "Entrant": "concours.core.entrant",
    "Result": "concours.runs.result",
    "Split": "concours.tasks.task",
    "Task": "concours.tasks.task",
    "audit": "concours.votes.audit",
    "pair": "concours.votes.pair",
    "predict": "concours.runs.predict",
    "rate": "concours.votes.rate",
    "write_report": "concours.runs.report",
}

__all__ = [
    "Client",
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
    "predict",
    "rate",
    "write_report",
]

if TYPE_CHECKING:
    from concours.api.client import Client
    from concours.api.contest import Contest
    from concours.api.estimators import ContestClassifier, ContestRegressor
    from concours.core.entrant import Entrant
    from concours.core.errors import ConcoursError
    from concours.runs.predict import predict
    from concours.runs.report import write_report
    from concours.runs.result import Result
    from concours.tasks.task import Split, Task
    from concours.votes.audit import audit
    from concours.votes.pair import pair
    from concours.votes.rate import rate


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'concours' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
