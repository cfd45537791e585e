"""Recordings of speech with what is said in them: as other sounds are read, with a transcript for a label."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from concours.core.errors import DataError
from concours.tasks import recordings
from concours.tasks.kinds import Kind
from concours.tasks.places import row_number
from concours.tasks.reading import Data
from concours.tasks.recordings import Recordings
from concours.tasks.task import Task
from concours.tasks.texts import blank

TRANSCRIPTS: Final = ("text", "transcript", "sentence", "transcription", "normalized_text", "words")
"""What the column of what is said is called, most often."""


def read(task: Task, kind: Kind, folder: Path) -> tuple[Data, Data | None]:
    """As `tasks.recordings.read`; the target is the column of the transcripts, by default found by its name.

    Raises:
        ContestError, DataError: the data is missing, damaged, or does not suit the task; a transcript is empty.
    """
    return recordings.read(task, kind, folder, told=transcribed)


def transcribed(found: Recordings, task: Task) -> tuple[Recordings, Task]:
    """Recordings with a transcript each, and the task with its column named.

    Raises:
        DataError: a transcript is empty, where such rows are not left out.
    """
    name = found.files.name
    target = recordings.target_of(found.table, _named(found, task), name)
    empty = blank(found.table[target].cast(pa.string()))
    if empty.any():
        first = int(np.argmax(empty))
        where = f"{found.names[first]} (row {row_number(found.rows, first)})"
        if task.on_bad_row == "fail":
            raise DataError(
                f"{name}: {target} is empty for {where}; {empty.sum()} such rows of {len(found)}; write what is said, "
                'or leave them out by on_bad_row = "skip" in [task]'
            )
        said = f"{name}: {empty.sum()} rows with an empty {target} were left out; first: {where}"
        found = replace(found.some(np.flatnonzero(~empty)), warnings=(*found.warnings, said))
    return found, replace(task, target=target)


def _named(found: Recordings, task: Task) -> str | None:
    """The column that the task names, or the one that is called so."""
    if task.target is not None:
        return str(task.target)
    return next((column for column in found.table.column_names if column.lower() in TRANSCRIPTS), None)
