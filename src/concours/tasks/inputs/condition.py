"""Conditions as an input: a row says what is to be drawn, by a label, a description, or nothing."""

from __future__ import annotations

from typing import Final

from concours.tasks.inputs.input import InputKind

CONDITION: Final = InputKind(
    name="condition",
    what="pictures, with labels, with descriptions, or alone",
    reader="concours.tasks.drawings:read",
    renewer="concours.tasks.drawings:renew",
    keys={"caption": "the column of labels or descriptions, of a table that names pictures; by default found"},
    lacks=("target", "weight", "id", "positive", "classes", "labels", "drop", "text", "source", "columns", "missing"),
    slow=True,
)
