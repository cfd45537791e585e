"""Rows of a table of whom it is known how long they were followed, and whether an event came."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from concours.tasks.inputs.table import TABLE

SURVIVED: Final = replace(
    TABLE,
    reader="concours.tasks.survival.reading:read",
    keys={
        "event": "the column that says whether the event came at the time, or the row was only followed until then",
        "happened": "how that column says that it came; by default 1 or true",
    },
    lacks=("positive", "classes", "labels", "text"),
)
