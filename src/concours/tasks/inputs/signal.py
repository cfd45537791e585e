"""Signals as an input: a row is a step of a series, with what was before it."""

from __future__ import annotations

from typing import Final

from concours.tasks.inputs.input import InputKind

SIGNAL: Final = InputKind(
    name="signal",
    what="series, a row a step",
    can=("groups", "signals"),
    reader="concours.tasks.signals.reading:read",
    renewer="concours.tasks.signals.reading:renew",
    keys={
        "anomalies": "a JSON file that says when each series is strange: windows, or moments, by its name",
        "value": "the column of the numbers that are watched; by default the only one",
        "series": "the column of a table that names its series; by default a file is one",
    },
    paths=("anomalies",),
    lacks=("id", "weight", "classes", "labels", "text", "source", "drop"),
)
