"""Files of the `.ts` format of sktime and aeon: a header of `@` lines, then a sequence a line.

The format: https://www.aeon-toolkit.org/en/stable/api_reference/file_specifications/ts.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.core.written import number_in
from concours.tasks.readers.archives import Entry
from concours.tasks.readers.damage import damage_named
from concours.tasks.sequences.gathering import Sequences

TARGET: Final = "target"
"""What the column of a file's labels, or numbers, is called."""

_MISSING: Final = ("?", "NaN", "nan", "")


@dataclass(frozen=True, kw_only=True)
class _Head:
    """What the lines before `@data` say."""

    labelled: bool
    classes: bool


def read_ts(entry: Entry) -> Sequences:
    """The sequences of a file, with a column `target` where it says that it has classes or a target.

    Raises:
        DataError: it is damaged, has time stamps, or a line is not as the header says; with the line.
    """
    name = entry.name
    with damage_named(name), entry.open() as file:
        lines = file.read().decode("utf-8-sig", errors="replace").splitlines()
    head, first = _head(lines, name)
    values, targets, numbers = list[NDArray[np.float64]](), list[str](), list[int]()
    for number, line in enumerate(lines[first:], first + 1):
        if not line.strip() or line.startswith("#"):
            continue
        *channels, last = line.strip().split(":")
        if not head.labelled:
            channels, last = [*channels, last], ""
        values.append(_channels(channels, f"{name}, line {number}"))
        targets.append(last.strip())
        numbers.append(number)
    if not values:
        raise DataError(f"{name} has no line behind @data; a sequence a line was expected")
    widths = [one.shape[0] for one in values]
    if odd := next((place for place, width in enumerate(widths) if width != widths[0]), None):
        raise DataError(
            f"{name}, line {numbers[odd]}: {widths[odd]} channels, where the first has {widths[0]}; they are parted by "
            "colons, the target behind the last"
        )
    columns = {TARGET: _targets(targets, numbers, head, name)} if head.labelled else {}
    return Sequences(
        values=tuple(values),
        channels=tuple(f"channel{i}" for i in range(1, widths[0] + 1)),
        table=pa.table({**columns, "line": pa.array(numbers)}),
        name=name,
    )


def _head(lines: list[str], name: str) -> tuple[_Head, int]:
    """What the header says, and where the lines of data begin."""
    labelled = classes = False
    for place, line in enumerate(lines):
        words = line.strip().split()
        match [word.lower() for word in words[:2]]:
            case ["@data", *_]:
                return _Head(labelled=labelled, classes=classes), place + 1
            case ["@timestamps", "true"]:
                raise DataError(
                    f"{name}, line {place + 1}: sequences with time stamps are not read; write values alone, or a CSV "
                    "file with a row a step"
                )
            case ["@classlabel", "true"]:
                labelled = classes = True
            case ["@targetlabel", "true"]:
                labelled = True
            case _:
                pass
    raise DataError(f"{name} has no line @data: it is no file of the .ts format, or is cut off")


def _channels(cells: list[str], where: str) -> NDArray[np.float64]:
    """(channels, steps), NaN behind the end of shorter ones."""
    rows = []
    for place, cell in enumerate(cells, 1):
        try:
            rows.append(np.array([np.nan if one.strip() in _MISSING else float(one) for one in cell.split(",")]))
        except ValueError:
            odd = next(one for one in cell.split(",") if one.strip() not in _MISSING and number_in(one) is None)
            raise DataError(f"{where}: channel {place}: numbers were expected, got {odd.strip()[:40]!r}") from None
    found = np.full((len(rows), max(map(len, rows), default=0)), np.nan)
    for row, own in zip(found, rows, strict=True):
        row[: len(own)] = own
    if not found.size:
        raise DataError(f"{where}: no channel; numbers parted by commas were expected, channels by colons")
    return found


def _targets(cells: list[str], numbers: list[int], head: _Head, name: str) -> pa.Array:
    known = [None if cell in _MISSING else cell for cell in cells]
    if head.classes:
        return pa.array(known, pa.string())
    for cell, number in zip(known, numbers, strict=True):
        if cell is not None and number_in(cell) is None:
            raise DataError(f"{name}, line {number}: the target must be a number, got {cell[:40]!r}")
    return pa.array([None if cell is None else float(cell) for cell in known], pa.float64())
