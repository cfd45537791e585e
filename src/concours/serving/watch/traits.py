"""Rows of any input as a table of what is watched of them: their columns, or traits of texts, pictures and sounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from concours.engine.rows import stills
from concours.tasks.traits import history_traits, picture_traits, sound_traits, text_lengths, text_shares


def table_of(rows: Any) -> pa.Table:
    """Rows of a table, or texts (rows,) in one column `text`, as they come from a request or lie in a store."""
    if isinstance(rows, pa.Table):
        return rows
    if isinstance(rows, pd.DataFrame):
        return pa.Table.from_pandas(rows, preserve_index=False)
    if isinstance(rows, np.ndarray):
        rows = pa.array(rows.tolist(), pa.string())
    return pa.table({"text": rows})


def is_tabular(rows: Any) -> bool:
    """Whether rows are of a table, or texts; else they are an array (rows, …) of numbers, as pictures are."""
    return not isinstance(rows, np.ndarray) or rows.dtype == np.object_


def _in_words(rows: Any) -> pa.Table:
    table = table_of(rows)
    if table.column_names != ["text"]:
        return table
    texts = table["text"].cast(pa.string())
    found = {f"number of {name}": values for name, values in text_lengths(texts).items()}
    found |= {f"share of {name}": values for name, values in text_shares(texts).items()}
    return pa.table(found)


def _of_pictures(rows: Any) -> pa.Table:
    return pa.table(picture_traits(rows, np.arange(len(rows))))


_TRAITS: Final[Mapping[str, Callable[[Any], pa.Table]]] = {
    "sounds": lambda rows: sound_traits(table_of(rows)),
    "histories": lambda rows: history_traits(table_of(rows)),
    "clips": lambda rows: _of_pictures(stills(rows)),
    "pictures": _of_pictures,
    "columns": table_of,
    "words": _in_words,
}
"""By what can be asked of an input (`core.kind.Input`), the first that it can."""


def traits(rows: Any, can: tuple[str, ...]) -> pa.Table:
    """What is watched of rows, a column each; of inputs of which nothing is known, a table without columns.

    Args:
        rows: of a table, texts (rows,), or an array (rows, …).
        can: what can be asked of the input.
    """
    first = next((of for name, of in _TRAITS.items() if name in can), None)
    return first(rows) if first else pa.table({})
