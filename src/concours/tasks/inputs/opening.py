"""Openings as an input: a row is a position from which agents play on, both of them from either seat."""

from __future__ import annotations

from typing import Final

from concours.tasks.inputs.input import InputKind

OPENING: Final = InputKind(
    name="opening",
    what="openings of a game",
    reader="concours.tasks.games.reading:read",
    renewer="concours.tasks.games.reading:renew",
    runs="concours.kernels.games.named:code_of",
    lacks=(
        "target",
        "weight",
        "id",
        "positive",
        "classes",
        "labels",
        "drop",
        "text",
        "source",
        "columns",
        "missing",
        "header",
    ),
)
