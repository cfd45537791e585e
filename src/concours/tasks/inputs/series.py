"""Series as an input: a row is an origin, and holds what is known before it."""

from __future__ import annotations

from typing import Final

from concours.tasks.inputs.input import InputKind

SERIES: Final = InputKind(
    name="series",
    what="a table, a row a step",
    reader="concours.tasks.series.reading:read",
    renewer="concours.tasks.series.reading:renew",
    lacks=("id", "weight", "positive", "classes", "labels", "text", "source"),
)
