"""Kinds of tasks: what goes in and what is asked for. A kind is a row of one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from concours.core.errors import ContestError, nearest
from concours.core.registry import Registry


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of task.

    Attributes:
        input: what a row is: one of a table, a text, or a picture.
        target: one of several classes, or a number.
        preparation: what turns the input into a matrix of numbers, by name.
        metrics: what is measured unless the task says otherwise; the first one ranks.
    """

    name: str
    input: Literal["table", "text", "image"]
    target: Literal["classes", "number"]
    preparation: str
    metrics: tuple[str, ...]

    @property
    def form(self) -> str:
        """Input and target in one word, e.g. `table:classes`."""
        return f"{self.input}:{self.target}"


_CLASSES, _NUMBER = ("log_loss", "accuracy"), ("rmse", "r2")

_OWN = {
    kind.name: kind
    for kind in (
        Kind(name="tabular-classification", input="table", target="classes", preparation="matrix", metrics=_CLASSES),
        Kind(name="tabular-regression", input="table", target="number", preparation="matrix", metrics=_NUMBER),
        Kind(name="text-classification", input="text", target="classes", preparation="tfidf", metrics=_CLASSES),
        Kind(name="image-classification", input="image", target="classes", preparation="pixels", metrics=_CLASSES),
    )
}

KINDS = Registry("kinds", _OWN, of=Kind)


def kind_named(name: str) -> Kind:
    """The kind of that name.

    Raises:
        ContestError: there is none; the message has the nearest.
    """
    try:
        return KINDS[name]
    except KeyError:
        raise ContestError(f"task.kind: unknown kind {name!r}; {nearest(name, KINDS)}") from None
