"""Passages as an input: a row is a stretch of a text, and what stands before it."""

from __future__ import annotations

from typing import Final

from concours.tasks.inputs.input import InputKind

PASSAGE: Final = InputKind(
    name="passage",
    what="texts to go on with",
    reader="concours.tasks.passages:read",
    renewer="concours.tasks.passages:renew",
    lacks=(
        "options",
        "target",
        "id",
        "weight",
        "drop",
        "positive",
        "classes",
        "labels",
        "source",
        "columns",
        "missing",
    ),
    slow=True,
)
