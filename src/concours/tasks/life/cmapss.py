"""The layout of NASA's C-MAPSS sets: `train_FD001.txt`, `test_FD001.txt` and `RUL_FD001.txt`, perhaps compressed.

26 numbers a line, parted by blanks, without a header: unit, cycle, three settings and 21 sensors (Saxena, Goebel, Simon
and Eklund 2008, "Damage propagation modeling for aircraft engine run-to-failure simulation").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.core.written import number_in
from concours.tasks.readers.archives import Files, files_of, is_archive
from concours.tasks.readers.damage import damage_named, existing
from concours.tasks.readers.listing import content_names

UNIT: Final = "unit"
CYCLE: Final = "cycle"
COLUMNS: Final = (UNIT, CYCLE, *(f"setting{i}" for i in range(1, 4)), *(f"sensor{i}" for i in range(1, 22)))

_NAME: Final = re.compile(r"(?:.*/)?(?P<part>train|test|rul)_(?P<set>fd\d+)\.txt(?:\.gz|\.bz2|\.xz)?", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Engines:
    """One set of engines.

    Attributes:
        train, test: a row a cycle, with `COLUMNS`; either may be none.
        life: the cycles left after the last row of each unit of the test part, (units,), where they are there.
        name, test_name, life_name: of the files.
    """

    train: pa.Table | None
    test: pa.Table | None
    life: NDArray[np.float64] | None
    name: str = ""
    test_name: str = ""
    life_name: str = ""


def engines_in(source: Path) -> Engines | None:
    """The set of engines of a folder, an archive, or that which a file of it belongs to; none where there is no such.

    Raises:
        DataError: there are several sets to choose from, or lines are not as they should be.
    """
    alone = not source.is_dir() and not is_archive(source.name)
    if alone and not _NAME.fullmatch(source.name):
        return None
    existing(source)
    files = files_of(source.parent if alone else source)
    wanted = _told(source.name)[1] if alone else None
    found: dict[str, dict[str, str]] = {}
    for name in content_names(files):
        if _NAME.fullmatch(name):
            part, number = _told(name)
            found.setdefault(number, {}).setdefault(part, name)
    sets = {
        number: parts
        for number, parts in found.items()
        if wanted in (None, number) and parts.keys() & {"train", "test"}
    }
    if not sets:
        return None
    if len(sets) > 1:
        first = next(iter(sets.values()))
        raise DataError(
            f"{source.name} holds {len(sets)} sets of engines ({', '.join(sorted(sets)).upper()}); name a file of one, "
            f"such as {first.get('train', first.get('test'))}"
        )
    parts = next(iter(sets.values()))
    if alone and _told(source.name)[0] == "test":
        parts = {part: name for part, name in parts.items() if part != "train"}
    tables = {part: _table(files, parts[part]) for part in ("train", "test") if part in parts}
    life = _numbers(files, parts["rul"], 1)[:, 0] if "rul" in parts else None
    return Engines(
        train=tables.get("train"),
        test=tables.get("test"),
        life=life,
        name=_file(parts.get("train", "")),
        test_name=_file(parts.get("test", "")),
        life_name=_file(parts.get("rul", "")),
    )


def _told(name: str) -> tuple[str, str]:
    """The part and the set that a name tells, in small letters."""
    found = _NAME.fullmatch(name)
    return (found["part"].lower(), found["set"].lower()) if found else ("", "")


def _file(name: str) -> str:
    return name.rpartition("/")[2]


def _table(files: Files, name: str) -> pa.Table:
    values = _numbers(files, name, len(COLUMNS))
    whole = {UNIT, CYCLE}
    return pa.table(
        {
            column: values[:, place].astype(np.int64) if column in whole else values[:, place]
            for place, column in enumerate(COLUMNS)
        }
    )


def _numbers(files: Files, name: str, width: int) -> NDArray[np.float64]:
    """Lines of so many numbers, (lines, width). Raises DataError with the first line that is none."""
    entry = files.entry(name)
    with damage_named(_file(name)), entry.open() as file:
        lines = file.read().decode("ascii", errors="replace").splitlines()
    rows = [line.split() for line in lines]
    while rows and not rows[-1]:
        rows.pop()
    try:
        found = np.array(rows, dtype=np.float64)
    except ValueError:
        found = np.empty(0)
    if found.ndim == 2 and found.shape[1] == width and np.isfinite(found).all():
        return found
    for number, cells in enumerate(rows, 1):
        odd = next((cell for cell in cells if not np.isfinite(number_in(cell) or 0.0) or number_in(cell) is None), None)
        if odd is not None:
            raise DataError(f"{_file(name)}, line {number}: numbers were expected, got {odd[:40]!r}")
        if len(cells) != width:
            raise DataError(f"{_file(name)}, line {number}: {width} numbers were expected, got {len(cells)}")
    raise DataError(f"{_file(name)} has no line; lines of {width} numbers were expected")
