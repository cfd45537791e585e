"""Rows of a table that are to be put into groups."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from concours.tasks.inputs.table import TABLE

GROUPED: Final = replace(
    TABLE,
    preparations=("standard", "matrix"),
    reader="concours.tasks.clusters.reading:read",
    lacks=("weight", "positive", "classes", "labels", "text"),
)
