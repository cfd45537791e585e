"""What tells that a source holds recordings with what is said in them: a manifest with a column of transcripts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from concours.tasks.readers.opened import Options
from concours.tasks.recordings import FILE, FOLDER, recorded
from concours.tasks.recordings_found import LABELS, counted, divided, holds_sounds
from concours.tasks.speech import TRANSCRIPTS
from concours.tasks.task import Task

_SHOWN = 40


def find(source: Path, options: Options) -> dict[str, tuple[Any, str]] | None:
    """The keys of `[task]` by which a source is read, each with a reason; none where nothing is a transcript.

    A column is one if it is called so, or named by a person, and holds several words in some rows. Where neither is so,
    nothing is called a label, and sounds lie in no folders of classes, it is the only one that holds several words in
    most rows, and other ones in most.

    Raises:
        DataError: the sounds, or what names them, cannot be read.
    """
    if not holds_sounds(source):
        return None
    wanted = next(iter(options.names), None)
    task = Task(kind="", data=str(source), header=options.header, on_bad_row=options.on_bad_row, target=wanted)
    parts = recorded(source, task)
    table = parts[0].table
    named = [wanted] if wanted else [name for name in table.column_names if name.lower() in TRANSCRIPTS]
    named = named or _by_content(table)
    target = next((name for name in named if name in table.column_names and _spoken(table[name])), None)
    if target is None or target == FILE:
        return None
    example = next(text for text in table[target].to_pylist() if text and text.strip())
    said = f"named by --target: “{example[:_SHOWN]}”" if wanted else f"what is said, as in “{example[:_SHOWN]}”"
    keys = {"data": (str(source), counted(parts)), "target": (target, said)}
    return {**keys, **divided(parts, target)}


def _by_content(table: pa.Table) -> list[str]:
    if FOLDER in table.column_names or any(name.lower() in LABELS for name in table.column_names):
        return []
    texts = [name for name in table.column_names if name != FILE and _mostly_texts(table[name])]
    return texts if len(texts) == 1 else []


def _mostly_texts(column: pa.ChunkedArray) -> bool:
    if not pa.types.is_string(column.type):
        return False
    several = sum(len((text or "").split()) > 1 for text in column.to_pylist())
    return 2 * min(several, len(column.unique())) > len(column)


def _spoken(column: pa.ChunkedArray) -> bool:
    """Whether some values are of several words."""
    return pa.types.is_string(column.type) and any(len((text or "").split()) > 1 for text in column.to_pylist())
