"""Sequences as an input: a row is the steps of some channels, such as sensors."""

from __future__ import annotations

from typing import Final

from concours.tasks.inputs.input import InputKind

SEQUENCE: Final = InputKind(
    name="sequence",
    what="sequences, such as of sensors",
    can=("groups", "curves"),
    preparations=("window-statistics", "minirocket"),
    reader="concours.tasks.sequences.reading:read",
    renewer="concours.tasks.sequences.reading:renew",
    lacks=("text", "source"),
)
"""Rows (rows, channels, steps), a sequence each."""

UNIT: Final = InputKind(
    name="sequence",
    what="units that run to failure, a row a step",
    can=("groups", "curves"),
    preparations=SEQUENCE.preparations,
    reader="concours.tasks.life.reading:read",
    renewer="concours.tasks.life.reading:renew",
    lacks=("weight", "positive", "classes", "labels", "text", "source"),
)
"""Rows (rows, channels, steps), the latest steps of a unit each."""
