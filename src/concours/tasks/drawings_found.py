"""What tells that a source holds pictures to learn to draw: pictures with descriptions, or without labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from concours.core.errors import ConcoursError
from concours.core.written import written
from concours.kernels.rows.conditions import labels_among
from concours.tasks.drawings import captioned
from concours.tasks.readers.archives import entry_at, files_of, is_archive
from concours.tasks.readers.damage import damage_named
from concours.tasks.readers.listing import TABLES, layout_of, suffix_of
from concours.tasks.readers.opened import Opened, Options
from concours.tasks.readers.pictures import PICTURES

_FEW = 1_000
_HEAD = 1 << 13
_TYPED = (".parquet", ".pq", ".arrow", ".feather", ".ipc")


def find(source: Path, options: Options) -> dict[str, tuple[Any, str]] | None:
    """The keys of `[task]` by which a source is read, each with a reason; none where it holds no pictures, or such with
    labels, which are to be told apart unless a person asks for drawing.

    Raises:
        DataError: a person asks for drawing, and the source cannot be read for that.
    """
    wanted = next(iter(options.names), None)
    try:
        if not options.asked and not _holds_pictures(source):
            return None
        opened = captioned(source, Path(), options, wanted)
    except (ConcoursError, OSError):
        if options.asked:
            raise
        return None  # who reads it otherwise says what is wrong
    texts = [] if opened.y is None else [written(value).strip() for value in opened.y.tolist()]
    labels = labels_among(texts)
    if not options.asked and (labels or (texts and opened.target is None)):
        return None  # few texts, or names of folders and files, tell apart
    keys: dict[str, tuple[Any, str]] = {"data": (str(source), _counted(opened))}
    if texts and opened.target:
        what = f"{len(labels)} labels" if labels else f"{len(set(texts)):,} descriptions"
        keys["caption"] = (opened.target, f"{'named by --target: ' if wanted else ''}{what}")
    if opened.test is None:
        rows = len(np.asarray(opened.x))
        share = 0.3 if rows < 2 * _FEW else 0.2
        keys["split"] = ({"test": share}, "pictures that judge; the more, the surer a distance is")
    return keys


def _holds_pictures(source: Path) -> bool:
    """Whether what a folder or an archive holds is pictures, or a table may name some. Raises DataError."""
    if source.is_dir() or is_archive(source.name):
        return layout_of(files_of(source)).sort == "pictures"
    return suffix_of(source.name) in (".npz", ".npy") or (suffix_of(source.name) in TABLES and _may_name(source))


def _may_name(source: Path) -> bool:
    """Whether the beginning of a table of text names a picture; of what is no text, whether it may be read."""
    if suffix_of(source.name) in _TYPED:
        return True
    with damage_named(source.name), entry_at(source).open() as file:
        head = file.read(_HEAD).lower()
    return any(ending.encode() in head for ending in PICTURES)


def _counted(opened: Opened) -> str:
    said = f"{len(np.asarray(opened.x)):,} pictures"
    return said if opened.test is None else f"{said} to learn from, {len(np.asarray(opened.test.x)):,} to judge by"
