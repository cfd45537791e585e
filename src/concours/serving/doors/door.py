"""A door: how a protocol says rows and predictions. Each is a row of a table (`serving.doors.table`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from concours.core.calls import Calls
from concours.core.digests import Digest
from concours.serving.model import Served
from concours.serving.refused import Refused
from concours.serving.wire import Ask, Told
from concours.tasks.outputs.output import Values


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a request wants answered.

    Attributes:
        cells: rows of a table, in the order of its columns, as far as they may be read at once with those of others.
        rows: gives the same rows as the model takes them, read as `predict` reads them.
        more: what the door needs to write the answer.
        notes: what a person should know of how the rows were read.
        heard: of language models that were asked about them, what that took, by `engine.words.who`.
    """

    ask: Ask
    rows: Callable[[], Any]
    cells: Sequence[Sequence[Any]] | None = None
    more: Any = None
    notes: list[str] = field(default_factory=list)
    heard: dict[Digest, Calls] = field(default_factory=dict)


def predicted(served: Served, x: Any) -> Values:
    """Predictions (rows, …), which is what most doors ask for."""
    return served.predict(x)


@dataclass(frozen=True, kw_only=True)
class Door:
    """A protocol.

    Attributes:
        read: what a request wants. It raises Refused or DataError.
        write: the answer to it, given predictions (rows, …) and why they are not whole; empty where they are.
        refuse: a refusal as the body of an answer.
        predict: what is done with the rows.
        answers: whether what is said of the rows is what a watch should hear.
    """

    read: Callable[[Served, Ask], Wanted]
    write: Callable[[Served, Wanted, Values, str], Told]
    refuse: Callable[[Refused], dict[str, Any]]
    predict: Callable[[Served, Any], Values] = predicted
    answers: bool = True


def ids_of(ask: Ask, rows: int) -> list[str]:
    """What each row of a request is called in feedback: of one row as the request, else with its number behind."""
    name = ask.query.get("request", str(ask.id))
    return [name] if rows == 1 else [f"{name}.{number}" for number in range(1, rows + 1)]
