"""Values a row in a store: a dense array as an array, an Arrow array as a table of one column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from concours.core.digests import Digest
from concours.core.errors import ContentRefused
from concours.core.ports import Store
from concours.stores.blobs import get_array, get_table, is_table, put_array, put_table

_KEPT = {b"concours": b"values"}


def put_values(store: Store, values: Any) -> Digest:
    """Keeps a dense array (rows, …), or an Arrow array (rows)."""
    if isinstance(values, np.ndarray):
        return put_array(store, values)
    return put_table(store, pa.table([values], schema=pa.schema([pa.field("value", values.type)], metadata=_KEPT)))


def get_values(store: Store, digest: Digest) -> Any:
    """The inverse of `put_values`, memory-mapped. Raises ContentRefused where there are none."""
    if not is_table(store, digest):
        return get_array(store, digest)
    table = get_table(store, digest)
    if table.num_columns != 1 or (table.schema.metadata or {}).get(b"concours") != b"values":
        raise ContentRefused(f"object {digest} holds no values, as it should")
    return table.column(0).combine_chunks()


def concat(parts: Sequence[Any]) -> Any:
    """Values one behind the other."""
    return np.concatenate(parts) if isinstance(parts[0], np.ndarray) else pa.concat_arrays(parts)
