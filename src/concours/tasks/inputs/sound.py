"""Sounds as an input: a row is a recording."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from concours.tasks.inputs.input import InputKind

SOUND: Final = InputKind(
    name="sound",
    what="sounds",
    can=("sounds", "groups"),
    preparations=("mel-statistics", "mel-pictures"),
    network="mel-pictures",
    reader="concours.tasks.recordings:read",
    renewer="concours.tasks.recordings:renew",
    keys={
        "sound": "the column of a table that names the files; by default found",
        "file_name": 'what the parts of the names of files are, such as `"{digit}_{speaker}_{number}"`: columns each',
    },
    lacks=("drop", "text", "source", "columns", "missing"),
    slow=True,
)
SPEECH: Final = replace(
    SOUND,
    what="recordings of speech",
    preparations=(),
    network="none",
    reader="concours.tasks.speech:read",
    lacks=(*SOUND.lacks, "positive", "classes", "labels"),
)
