"""Clips as an input: a row is a few frames that follow one another."""

from __future__ import annotations

from typing import Final

from concours.tasks.inputs.input import InputKind

VIDEO: Final = InputKind(
    name="video",
    what="clips",
    can=("clips",),
    preparations=("frame-average", "frame-motion"),
    reader="concours.tasks.filmed:read",
    renewer="concours.tasks.filmed:renew",
    keys={
        "file_name": 'what the parts of the names of clips are, such as `"{action}_{scene}_{number}"`: columns each',
    },
    lacks=("drop", "text", "source", "header", "encoding", "columns", "missing"),
    slow=True,
)
