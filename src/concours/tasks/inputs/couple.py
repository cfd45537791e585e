"""Pairs of texts of which something is to be said: are they of one thing, does one follow from the other."""

from __future__ import annotations

from typing import Final

from concours.tasks.inputs.input import InputKind

COUPLE: Final = InputKind(
    name="pair",
    what="pairs of texts",
    can=("columns", "words"),
    preparations=("pair-terms", "pair-likeness"),
    network="pair-likeness",
    reader="concours.tasks.couples:read",
    renewer="concours.tasks.couples:renew",
    lacks=("options", "source", "columns", "missing"),
)
