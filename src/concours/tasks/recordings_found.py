"""What tells that a source holds sounds with classes, and by which part of what is known of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Final

import pyarrow as pa

from concours.core.errors import ConcoursError, DataError
from concours.core.written import written
from concours.tasks.file_names import form_of, grouping_part
from concours.tasks.readers.archives import entry_at, is_archive
from concours.tasks.readers.listing import TABLES, content_names, suffix_of
from concours.tasks.readers.opened import Options
from concours.tasks.readers.sounds import SOUNDS
from concours.tasks.recordings import FILE, FOLDER, Recordings, opened, recorded
from concours.tasks.task import Task

_HEAD = 1 << 14
_MOST_CLASSES = 100
_MANY = 20
LABELS: Final = ("label", "labels", "class", "category", "target", "word", "digit", "command", "emotion", "genre")
_SPEAKERS: Final = ("speaker", "speaker_id", "client_id", "subject", "person", "singer", "user_id", "participant")


def find(source: Path, options: Options) -> dict[str, tuple[Any, str]] | None:
    """The keys of `[task]` by which a source is read, each with a reason; none where it holds no sounds.

    Raises:
        DataError: it holds sounds, and nothing tells their labels; or a person wants something else of it.
    """
    if not holds_sounds(source):
        return None
    wanted = next(iter(options.names), None)
    task = Task(kind="", data=str(source), header=options.header, on_bad_row=options.on_bad_row, target=wanted)
    parts = recorded(source, task)
    found, keys = parts[0], {"data": (str(source), counted(parts))}
    if set(found.table.column_names) == {FILE} and (form := form_of(found.names)):
        keys["file_name"] = (form, f"names are like {PurePosixPath(found.names[0]).stem}; call their parts as you like")
        parts = recorded(source, Task(kind="", data=str(source), options={"file_name": form}))
        found = parts[0]
    target = _label(found, wanted)
    keys["target"] = (target, f"{'named by --target: ' if wanted else ''}{values_of(found.table, target)}")
    return {**keys, **divided(parts, target)}


def divided(parts: Sequence[Recordings], target: str) -> dict[str, tuple[Any, str]]:
    """The keys of what rows are called and how they are split: speakers apart, where somebody is named."""
    found, keys = parts[0], dict[str, tuple[Any, str]]()
    if len(set(found.names)) == len(found.names):
        keys["id"] = (FILE, "the names of the files, which no model gets")
    split: dict[str, Any] = {} if len(parts) > 1 else {"test": 0.3 if len(found) < 1000 else 0.2}
    group = _group(found.table, target)
    if group is not None:
        split |= {"group": group, **_few(len(found.table[group].unique()), apart=len(parts) > 1)}
    said = (
        "who is heard in training is not heard in the test"
        if group
        else "if few speak in many sounds, name them by group"
    )
    about = f"{values_of(found.table, group)}: sounds of one keep together; {said}" if group else said
    return {**keys, "split": (split, about)} if split else keys


def holds_sounds(source: Path) -> bool:
    """Whether a folder or an archive holds more sounds than other files, or a table names some in its beginning."""
    if source.is_dir() or is_archive(source.name):
        files, _, _ = opened(source)
        names = content_names(files)
        return 2 * sum(suffix_of(name) in SOUNDS for name in names) > len(names)
    if suffix_of(source.name) not in TABLES:
        return False
    try:
        with entry_at(source, whole=False).open() as file:
            head = file.read(_HEAD).lower()
        if not any(ending.encode() in head for ending in SOUNDS):
            return False
        return len(recorded(source, Task(kind="", data="", on_bad_row="skip"))[0].notes) > 0
    except (ConcoursError, OSError):
        return False  # who reads it as a table says what is wrong


def _label(found: Recordings, wanted: str | None) -> str:
    """The column of the labels. Raises DataError where it is not clear."""
    columns = [name for name in found.table.column_names if name != FILE]
    if wanted is not None:
        if wanted not in columns:
            raise DataError(f"--target: {found.files.name} has no column {wanted!r}; it has: {', '.join(columns)}")
        return wanted
    if FOLDER in columns:
        return FOLDER
    likely = [name for name in columns if name.lower() in LABELS] or [
        name for name in columns if 2 <= len(found.table[name].unique()) <= min(_MOST_CLASSES, len(found) / 2)
    ]
    if not likely:
        raise DataError(
            f"{found.files.name} holds {len(found):,} sounds and nothing tells their labels: lay them into a folder a "
            "class, or give a table with a column of their files and one of their labels"
        )
    return likely[0]


def _group(table: pa.Table, target: str) -> str | None:
    """The column of who speaks: by its name, or the part of names that has few words, and no numbers."""
    rest = [name for name in table.column_names if name not in (FILE, FOLDER, target)]
    called = [name for name in rest if name.lower() in _SPEAKERS and not table[name].null_count]
    if called:
        return called[0]
    return grouping_part(table, but=target)


def _few(groups: int, *, apart: bool) -> dict[str, Any]:
    """The folds that so many groups allow, and a test part with several of them, where they are few."""
    if groups >= _MANY:
        return {}
    test = 0 if apart else max(1, round(0.3 * groups))
    return {**({} if apart else {"test": 0.3}), "folds": max(2, min(4, groups - test))}


def values_of(table: pa.Table, column: str) -> str:
    values = sorted(written(value) for value in table[column].unique().to_pylist())
    return f"{len(values)} values ({', '.join(values[:6])}{', …' if len(values) > 6 else ''})"


def counted(parts: Sequence[Recordings]) -> str:
    said = f"{len(parts[0]):,} sounds"
    return f"{said} to learn from, {len(parts[1]):,} to judge by" if len(parts) > 1 else said
