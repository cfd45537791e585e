"""Users with what they took or rated, and single ratings, as inputs."""

from __future__ import annotations

from typing import Final

from concours.tasks.inputs.input import InputKind

HISTORY: Final = InputKind(
    name="history",
    what="a table of users and items, a row an interaction",
    can=("histories",),
    reader="concours.tasks.interactions.histories:read",
    renewer="concours.tasks.interactions.histories:renew",
    lacks=("drop", "weight", "positive", "classes", "labels", "text", "source"),
)
PAIR: Final = InputKind(
    name="interaction",
    what="a table of users, items and ratings",
    can=("columns",),
    preparations=("matrix", "columns", "codes"),
    network="matrix",
    reader="concours.tasks.interactions.ratings:read",
    renewer="concours.tasks.interactions.ratings:renew",
    keys={"user": "the column of the users", "item": "the column of the items"},
    lacks=("positive", "classes", "labels", "text", "source"),
)
