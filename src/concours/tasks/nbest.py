"""Lists of the best texts that a model says for each row, with shares, as an Arrow array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.core.visible import shortened, visible
from concours.tasks.texts import blank

NBEST: Final = pa.list_(pa.struct([("text", pa.string()), ("score", pa.float64())]))
"""Of a row the texts, best first, each with its share: how probable the model finds it, of these; shares sum to 1."""

LONGEST = 10_000
"""Characters that a text has at most."""
MOST = 64
"""Texts that a row has at most."""
_ONE, _ROUNDING = 1e-3, 1e-9
_TOLD = 80


def nbest(offsets: Any, texts: pa.Array, shares: NDArray[np.float64]) -> pa.Array:
    """Lists of texts and shares, one row behind the other; `offsets` (rows + 1,) says where each row begins."""
    each = pa.StructArray.from_arrays([texts, pa.array(shares, pa.float64())], fields=list(NBEST.value_type))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), each, type=NBEST)


def only(texts: pa.Array) -> pa.Array:
    """One text a row, of which all is sure."""
    return nbest(np.arange(len(texts) + 1), texts, np.ones(len(texts)))


def best_texts(p: pa.Array) -> list[str]:
    """The best text of each row, (rows,)."""
    texts, offsets = flat(p)[:2]
    found: list[str] = texts.take(pa.array(offsets[:-1])).to_pylist()
    return found


def flat(p: pa.Array) -> tuple[pa.Array, NDArray[np.int64], NDArray[np.float64]]:
    """All texts, where each row begins (rows + 1,), and all shares."""
    offsets = p.offsets.to_numpy().astype(np.int64)
    items = p.values.slice(offsets[0], offsets[-1] - offsets[0])
    return items.field("text"), offsets - offsets[0], items.field("score").to_numpy()


def different(members: Sequence[pa.Array]) -> tuple[pa.Array, NDArray[np.int64], NDArray[np.float64]]:
    """The different texts of each row, in their order, one row behind the other; where each row begins (rows + 1,); and
    what share each member gives each, (members, texts).
    """
    parts = [flat(member) for member in members]
    rows = len(parts[0][1]) - 1
    coded = pc.dictionary_encode(pa.concat_arrays([texts for texts, _, _ in parts]))
    words = coded.dictionary
    rank = pc.rank(words, sort_keys="ascending", tiebreaker="first").to_numpy().astype(np.int64) - 1
    of_row = np.concatenate([np.repeat(np.arange(rows), np.diff(offsets)) for _, offsets, _ in parts])
    of_member = np.repeat(np.arange(len(parts)), [len(texts) for texts, _, _ in parts])
    keys = of_row * len(words) + rank[coded.indices.to_numpy()]
    found, place = np.unique(keys, return_inverse=True)
    shares = np.zeros((len(parts), len(found)))
    np.add.at(shares, (of_member, place), np.concatenate([each for _, _, each in parts]))
    texts = words.take(pa.array(np.argsort(rank)[found % len(words)]))
    return texts, np.searchsorted(found // len(words), np.arange(rows + 1)), shares


def first_texts(p: pa.Array) -> list[str | None]:
    """The same, none where a row has no text."""
    texts, offsets = flat(p)[:2]
    empty = np.diff(offsets) == 0
    found: list[str | None] = texts.take(pa.array(offsets[:-1], mask=empty)).to_pylist()
    return found


def accepted(p: Any, rows: int, *, least: int = 1) -> pa.Array:
    """Predictions that came from elsewhere as lists of texts and shares; a text a row will do.

    Shares are scaled to sum to 1.

    Args:
        least: texts that a row has; 0 where it may have none, and a missing or an empty text alone is none.

    Raises:
        DataError: they are something else, or a text is missing, empty or too long, or shares are no shares.
    """
    p = _as_arrow(p)
    if len(p) != rows:
        raise DataError(f"predictions must have a text for each of {rows} rows, got {len(p)}")
    if pa.types.is_string(p.type) or pa.types.is_large_string(p.type):
        p = p.cast(pa.string())
        some = np.arange(rows) if least else np.flatnonzero(~blank(p))
        texts = p.take(pa.array(some))
        _check_texts(texts, some)
        return nbest(np.searchsorted(some, np.arange(rows + 1)), texts, np.ones(len(some)))
    if not _are_lists(p.type):
        raise DataError(f"predictions must be texts, or lists of texts with scores, got {p.type}")
    p = p.cast(NBEST)
    lengths = pc.fill_null(pc.list_value_length(p), 0).to_numpy(zero_copy_only=False)
    if rows and (lengths.min() < least or lengths.max() > MOST):
        row = int(np.argmax((lengths < least) | (lengths > MOST)))
        raise DataError(f"predictions must have {least} to {MOST} texts a row; row {row} has {lengths[row]}")
    texts, offsets, shares = flat(p)
    of_row = np.repeat(np.arange(rows), lengths)
    _check_texts(texts, of_row)
    sums = np.bincount(of_row, weights=shares, minlength=rows)
    bad = ~np.isfinite(shares) | (shares < 0) | (np.abs(sums - 1) > _ONE)[of_row]
    if bad.any():
        row = int(of_row[np.argmax(bad)])
        given = shares[of_row == row].tolist()[:5]
        raise DataError(f"scores must be shares of at least 0 that add up to 1; those of row {row} are {given}")
    off = np.abs(sums - 1) > _ROUNDING
    return nbest(offsets, texts, np.where(off[of_row], shares / sums[of_row], shares))


def _as_arrow(p: Any) -> pa.Array:
    if isinstance(p, pa.ChunkedArray):
        return p.combine_chunks()
    if isinstance(p, pa.Array):
        return p
    given: Sequence[Any] = [p] if not np.iterable(p) else p.tolist() if isinstance(p, np.ndarray) else list(p)
    others = [value for value in given if value is not None and not isinstance(value, str)]
    try:
        return pa.array(given, NBEST if others else pa.string())
    except (TypeError, ValueError):
        wrong = shortened(visible(repr((others or given)[0])), _TOLD)
        raise DataError(f"predictions must be texts, or lists of texts with scores, got {wrong}") from None


def _are_lists(kind: pa.DataType) -> bool:
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)) or not pa.types.is_struct(kind.value_type):
        return False
    return {field.name for field in kind.value_type} == {"text", "score"}


def _check_texts(texts: pa.Array, of_row: NDArray[np.int64]) -> None:
    """Refuses texts that are missing, empty or too long. Raises DataError with the row of the first."""
    long = pc.fill_null(pc.greater(pc.utf8_length(texts), LONGEST), False)
    for found, said in (
        (texts.is_null().to_numpy(zero_copy_only=False), "is missing"),
        (blank(texts), "is empty"),
        (long.to_numpy(zero_copy_only=False), f"has more than {LONGEST:,} characters"),
    ):
        if found.any():
            raise DataError(f"predictions must be texts; that of row {int(of_row[np.argmax(found)])} {said}")
