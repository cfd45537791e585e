"""What the columns, texts or pictures of a part hold.

Histograms span all but 0.5% at either end, which are counted in the end bins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.kernels.scoring.diagnosis import histogram
from concours.kernels.scoring.rounded import rounded

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_FREQUENT = 8
_LONGEST = 60
_EXAMPLES = 16
_BINS = 20


@dataclass(frozen=True, kw_only=True, eq=False)
class Known:
    """A column, and what is known of it.

    Attributes:
        kind: as preparation takes it: `number`, `text`, `date`, `category` or `boolean`.
        rows, gaps, distinct: how many there are, are missing, and differ.
        missing_as: the words that counted as missing in the file.
        numbers: (rows,) to spread: of numbers themselves, of texts their lengths in characters, of dates days since
            1970, NaN where missing; none of what is counted by its values.
        values: of the rows.
    """

    name: str
    kind: str
    rows: int
    gaps: int
    distinct: int
    missing_as: list[str]
    numbers: Floats | None
    values: pa.ChunkedArray


def of_column(column: Known) -> dict[str, Any]:
    """What a column holds.

    Returns:
        `name`, `kind`, `missing` (share), `missing_as`, `distinct`; of booleans and categories `frequent`, eight values
        with their shares of all rows; of others `low`, `middle` (median), `high`, and a `histogram` of at most 20 equal
        bins between two `edges`. Dates are ISO texts.
    """
    common = {
        "name": column.name,
        "kind": column.kind,
        "missing": rounded(column.gaps / max(column.rows, 1)),
        "missing_as": column.missing_as,
        "distinct": column.distinct,
    }
    if column.numbers is None:
        return {**common, "frequent": _frequent(column.values)}
    found = _spread(column.numbers)
    if column.kind == "date":
        found |= {name: _dates(value) for name, value in found.items() if name != "histogram"}
    return {**common, **found}


def of_texts(texts: pa.ChunkedArray, lengths: Mapping[str, Floats]) -> dict[str, Any]:
    """What texts hold.

    Args:
        lengths: of each text in `words` and in `characters`, (rows,).

    Returns:
        `words` and `characters`, each spread as a column of numbers; `distinct` and `empty`, counted.
    """
    return {
        **{name: _spread(lengths[name]) for name in ("words", "characters")},
        "distinct": pc.count_distinct(texts).as_py(),
        "empty": int((lengths["words"] == 0).sum()),
    }


def of_pictures(
    pictures: NDArray[Any], traits: Mapping[str, Floats], strata: Codes | None, rng: np.random.Generator
) -> dict[str, Any]:
    """What pictures (pictures, height, width[, channels]) hold.

    Args:
        traits: of some of them, such as `brightness`, (rows,).
        strata: (pictures,) codes of what examples are shown of each.

    Returns:
        `shape` of one, each trait spread as a column of numbers, and `examples`: positions of one or two a stratum, at
        most 16.
    """
    spread = {name: _spread(values) for name, values in traits.items()}
    alike = np.zeros(len(pictures), dtype=np.int64) if strata is None else strata
    return {"shape": list(pictures.shape[1:]), **spread, "examples": _examples(alike, rng)}


def _spread(values: Floats) -> dict[str, Any]:
    """Least, median and greatest of the values that are known, and their histogram; none where none is."""
    known = values[np.isfinite(values)]
    if not len(known):
        return dict.fromkeys(("low", "middle", "high", "edges", "histogram"))
    found = histogram(known, _BINS)
    low, middle, high = rounded(np.quantile(known, [0.0, 0.5, 1.0]))
    ends = rounded(found.edges[[0, -1]])
    return {"low": low, "middle": middle, "high": high, "edges": ends, "histogram": found.counts.tolist()}


def _dates(days: Any) -> Any:
    if isinstance(days, list):
        return [_dates(day) for day in days]
    return None if days is None else str(np.datetime64(round(days), "D"))


def _frequent(values: pa.ChunkedArray) -> list[list[Any]]:
    """The most frequent values, of equally frequent ones the first by name, with their shares."""
    counts = [(each["values"], each["counts"]) for each in values.drop_null().value_counts().to_pylist()]
    first = sorted(counts, key=lambda each: (-each[1], str(each[0])))[:_FREQUENT]
    return [[_written(value), rounded(count / len(values))] for value, count in first]


def _written(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _examples(strata: NDArray[np.int64], rng: np.random.Generator) -> list[int]:
    """Positions of as many rows of each stratum as there are, two at most, one where they are many, in their order."""
    found = np.unique(strata)
    each = 2 if 2 * len(found) <= _EXAMPLES else 1
    order = rng.permutation(len(strata))
    return [int(row) for code in found[:_EXAMPLES] for row in order[strata[order] == code][:each]]
