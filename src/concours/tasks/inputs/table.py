"""The inputs."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from concours.tasks.inputs.input import InputKind

TABLE: Final = InputKind(
    name="table",
    what="a table",
    can=("columns", "change"),
    preparations=("matrix", "columns", "codes", "words", "sums"),
    network="matrix",
)
WIDE: Final = replace(TABLE, lacks=(*TABLE.lacks, "positive", "classes", "labels", "text"))
"""Tables of which several columns are predicted, so that no key is of the labels of one."""
TEXT: Final = InputKind(
    name="text", what="texts", can=("parts", "words"), preparations=("tfidf", "topics"), network="topics"
)
IMAGE: Final = InputKind(
    name="image",
    what="pictures",
    can=("parts", "pictures", "change"),
    preparations=("pixels", "patches", "components"),
    slow=True,
)
MASKED: Final = InputKind(
    name="image",
    what="pictures with masks",
    can=("pictures",),
    reader="concours.tasks.masked:read",
    renewer="concours.tasks.masked:renew",
    keys={
        "file_name": 'what the parts of the names of pictures are, such as `"{patient}_{number}"`: columns to split by'
    },
    lacks=("positive", "drop", "text", "source", "header", "encoding", "columns", "missing"),
    slow=True,
)
BOXED: Final = InputKind(
    name="image",
    what="pictures with boxes",
    can=("pictures",),
    reader="concours.tasks.boxed:read",
    renewer="concours.tasks.boxed:renew",
    lacks=("options", "id", "positive", "drop", "text", "source", "header", "encoding", "columns", "missing"),
    slow=True,
)
