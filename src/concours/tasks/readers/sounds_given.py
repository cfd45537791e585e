"""Sounds that are objects of Python, as the files that they would be."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
from scipy.io import wavfile

from concours.core.errors import DataError
from concours.tasks.readers.archives import Entry
from concours.tasks.readers.objects import as_table

SOUND: Final = "sound"
RATE: Final = "rate"
_HOW = (
    "give a frame or a mapping of columns: `sound`, an array of samples a row, (n,) or (n, channels), whole numbers or "
    "fractions from -1 to 1; `rate`, samples a second; and whatever else is known"
)
_KINDS = ("int16", "int32", "uint8", "float32", "float64")


@dataclass(kw_only=True)
class GivenSounds:
    """Arrays of samples as WAV files in memory (`tasks.readers.archives.Files`), and what else is known of them."""

    name: str
    table: pa.Table
    _files: Mapping[str, tuple[Any, int]] = field(repr=False)

    def names(self) -> list[str]:
        """One a row."""
        return list(self._files)

    def contents(self, wanted: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """A WAV file a row."""
        for name, (samples, rate) in self._files.items():
            if name in wanted:
                content = io.BytesIO()
                wavfile.write(content, rate, samples)
                yield name, content.getvalue()

    def entry(self, name: str) -> Entry:
        """One of them."""
        return Entry(name=name, open=lambda: io.BytesIO(dict(self.contents([name]))[name]))


def given_sounds(source: Any, name: str) -> GivenSounds:
    """A frame, or a mapping of columns, with `sound` and `rate`.

    Raises:
        DataError: it is neither, or a row holds no samples; it says which.
    """
    columns = [str(column) for column in getattr(source, "columns", source if isinstance(source, Mapping) else ())]
    if SOUND not in columns or RATE not in columns:
        got = f"columns {', '.join(columns)}" if columns else f"a {type(source).__name__}"
        raise DataError(f"{name}: sounds were expected, got {got}: {_HOW}")
    sounds: Sequence[Any] = list(source[SOUND])
    rates = np.broadcast_to(np.asarray(source[RATE]), len(sounds)).tolist()
    rest = {column: pa.array(list(source[column])) for column in columns if column not in (SOUND, RATE)}
    table = as_table(pa.table(rest)) if rest else pa.table({"": pa.nulls(len(sounds))}).select([])
    files = {
        f"row {row + 1}.wav": (_samples(samples, name, row + 1), _rate(rate, name, row + 1))
        for row, (samples, rate) in enumerate(zip(sounds, rates, strict=True))
    }
    return GivenSounds(name=name, table=table, _files=files)


def _samples(samples: Any, name: str, row: int) -> Any:
    try:
        found = np.asarray(samples)
    except ValueError:
        found = np.empty(0, dtype=object)
    if found.dtype == np.int64:
        found = found.astype(np.int32) if found.size and abs(found).max() < 2**31 else found
        found = found.astype(np.int16) if found.size and abs(found).max() < 2**15 else found
    if found.ndim not in (1, 2) or found.dtype.name not in _KINDS:
        raise DataError(f"{name}: row {row} holds no sound, but {found.dtype} of shape {found.shape}: {_HOW}")
    return found


def _rate(rate: Any, name: str, row: int) -> int:
    if not isinstance(rate, int | float) or isinstance(rate, bool) or not 1 <= rate < 2**31 or rate != int(rate):
        raise DataError(f"{name}: row {row}: rate must be a whole number of samples a second, got {rate!r}")
    return int(rate)
