"""Conformance suites for kinds, entrants, processes, stores, executors, journals and inboxes of others, and toys.

Public: whoever implements one of the protocols runs its suite in a test of their own. A suite raises `LawBroken`, an
AssertionError that says which law was broken and how.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_PUBLIC = {
    "LawBroken": "concours.testing.laws",
    "check_entrant": "concours.testing.entrants",
    "check_executor": "concours.testing.executors",
    "check_inbox": "concours.testing.inboxes",
    "check_journal": "concours.testing.journals",
    "check_kind": "concours.testing.kinds",
    "check_process": "concours.testing.processes",
    "check_store": "concours.testing.stores",
}

__all__ = [
    "LawBroken",
    "check_entrant",
    "check_executor",
    "check_inbox",
    "check_journal",
    "check_kind",
    "check_process",
    "check_store",
]

if TYPE_CHECKING:
    from concours.testing.entrants import check_entrant
    from concours.testing.executors import check_executor
    from concours.testing.inboxes import check_inbox
    from concours.testing.journals import check_journal
    from concours.testing.kinds import check_kind
    from concours.testing.laws import LawBroken
    from concours.testing.processes import check_process
    from concours.testing.stores import check_store


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'concours.testing' has no attribute {name!r}")
