"""Passages: documents cut into stretches of bytes, each with what stands before it, in the order of the text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import ContestError
from concours.tasks.documents import Documents, documents
from concours.tasks.kinds import Kind
from concours.tasks.lacking import require_taken
from concours.tasks.readers.opened import Opened, Rows
from concours.tasks.reading import Data
from concours.tasks.task import Task

PASSAGE: Final = 512
"""Bytes of a passage, at most."""
CONTEXT: Final = 256
"""Bytes before it that models may read, at most."""

_WHOLE = 20
"""A document of less than one part in so many of all bytes stays whole."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Passages:
    """What documents were cut into.

    Attributes:
        before, texts: what stands before each passage in its document, and the passage.
        spans: (rows, 3), in bytes from the beginning of all: from where models may read, where the passage begins, and
            where it ends; of a document that stays whole, that of all its passages is where the document is.
    """

    before: tuple[str, ...]
    texts: tuple[str, ...]
    spans: Floats


def read(task: Task, kind: Kind, folder: Path) -> tuple[Data, Data | None]:
    """Passages: a table of `before` and `text`, with the bytes of the texts as targets; and those that judge.

    The last share of the text judges, and folds are stretches of it, so that no model has read the lines beside those
    that it is asked about; a document of less than a twentieth of all stays whole.

    Raises:
        ContestError, DataError: the data is missing, damaged, or does not suit the task.
    """
    require_taken(task, kind)
    split = task.split
    if split.group is not None or split.time is not None or split.by is not None or split.repeats > 1:
        raise ContestError(
            "task.split: texts are divided in their order, documents whole; leave by, group, time and repeats out"
        )
    found = documents(task.data, folder, task)
    judging = found[1:] if task.test is None else documents(task.test, folder, task)
    return _data(found[0]), _data(_joined(judging)) if judging else None


def renew(
    source: Any,
    like: Rows,
    *,
    told: Callable[[str], None] = lambda text: None,
    **more: Any,  # what other renewers are told
) -> tuple[Rows, Opened]:
    """The passages of new documents.

    Raises:
        DataError: there are none, or they cannot be read.
    """
    del like, more
    found = _joined(documents(source, Path(), Task(kind="", data=source)))
    for warning in found.warnings:
        told(warning)
    x = _table(passages(found.texts))
    return x, Opened(x=x, name=found.name, notes=found.notes)


def passages(texts: Sequence[str]) -> Passages:
    """Documents as passages of at most `PASSAGE` bytes, cut between characters, each with `CONTEXT` before it.

    Law: the passages of a document, one behind the other, are it.
    """
    contents = [text.encode() for text in texts]
    total, offset = sum(map(len, contents)), 0
    before, own, spans = list[str](), list[str](), list[tuple[int, int, int]]()
    for content in contents:
        whole = _WHOLE * len(content) < total
        for begin, end in _cuts(content):
            reads = _begun(content, max(begin - CONTEXT, 0))
            before.append(content[reads:begin].decode())
            own.append(content[begin:end].decode())
            at = (0, 0, len(content)) if whole else (reads, begin, end)
            spans.append((offset + at[0], offset + at[1], offset + at[2]))
        offset += len(content)
    return Passages(before=tuple(before), texts=tuple(own), spans=np.asarray(spans, dtype=np.float64))


def last_of(text: str) -> str:
    """As much of the end of a text as models may read before a passage."""
    content = text.encode()
    return content[_begun(content, max(len(content) - CONTEXT, 0)) :].decode()


def _cuts(content: bytes) -> Iterator[tuple[int, int]]:
    begin = 0
    while begin < len(content):
        end = min(begin + PASSAGE, len(content))
        while end < len(content) and _follows(content[end]):
            end -= 1
        yield begin, end
        begin = end


def _begun(content: bytes, place: int) -> int:
    """The first place from this one on at which a character begins."""
    while place < len(content) and _follows(content[place]):
        place += 1
    return place


def _follows(byte: int) -> bool:
    """Whether a byte of UTF-8 is not the first of its character."""
    return byte & 0b11000000 == 0b10000000


def _table(found: Passages) -> pa.Table:
    return pa.table({"before": pa.array(found.before, pa.string()), "text": pa.array(found.texts, pa.string())})


def _data(found: Documents) -> Data:
    cut = passages(found.texts)
    sizes = [len(text.encode()) for text in cut.texts]
    y = np.zeros((len(sizes), PASSAGE), dtype=np.uint8)
    for row, text, size in zip(y, cut.texts, sizes, strict=True):
        row[:size] = np.frombuffer(text.encode(), dtype=np.uint8)
    characters = sum(map(len, cut.texts))
    few = "1 document" if len(found.texts) == 1 else f"{len(found.texts):,} documents"
    said = (
        f"{few} of {sum(sizes):,} bytes ({characters:,} characters) in passages of {PASSAGE}, each with the {CONTEXT} "
        "before it; the last of the text judges, folds are stretches of it, and documents of less than a twentieth of "
        "all stay whole"
    )
    return Data(
        x=_table(cut),
        y=y,
        name=found.name,
        left_out=found.left_out,
        notes=(*found.notes, said),
        warnings=found.warnings,
        spans=cut.spans,
        meta={"most": PASSAGE},
    )


def _joined(parts: Sequence[Documents]) -> Documents:
    """Parts one behind the other."""
    whole = parts[0]
    for part in parts[1:]:
        whole = replace(
            whole,
            texts=(*whole.texts, *part.texts),
            left_out=whole.left_out + part.left_out,
            notes=(*whole.notes, *part.notes),
            warnings=(*whole.warnings, *part.warnings),
        )
    return whole
