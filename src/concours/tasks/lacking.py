"""Keys of a task that its kind takes nothing of: they are refused, not ignored."""

from __future__ import annotations

from collections.abc import Sized

from concours.core.errors import ContestError
from concours.tasks.kinds import Kind
from concours.tasks.task import Task, one_at_a_time, several


def require_taken(task: Task, kind: Kind) -> None:
    """Refuses keys that the reader of a kind does not take, and several targets where its output has one.

    Raises:
        ContestError: with the key.
    """
    for key in kind.input.lacks:
        value = getattr(task, key)
        if value is not None and not (isinstance(value, Sized) and not len(value)):
            raise ContestError(f"task.{key}: a task of kind {kind.name} has no such thing; leave it out")
    if not kind.output.several and several(task):
        raise ContestError(one_at_a_time(task.target))
