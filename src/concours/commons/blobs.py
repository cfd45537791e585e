"""The forms in which arrays, tables, JSON and bundles of files lie in a store.

Arrays are `.npy` and tables Arrow IPC files, so that both are memory-mapped where they are read. Nothing is pickled.
"""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.archive import unzipped, zipped
from concours.core.digests import Digest, canonical_json
from concours.core.ports import Store
from concours.core.space import no_space_named

_SPOOL = 1 << 24


def put_array(store: Store, array: NDArray[Any]) -> Digest:
    """Keeps an array; objects are refused."""
    with _spool() as file:
        np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)
        file.seek(0)
        return store.put(file)


def get_array(store: Store, digest: Digest) -> NDArray[Any]:
    """An array, memory-mapped and read-only."""
    array: NDArray[Any] = np.load(store.local_path(digest), mmap_mode="r", allow_pickle=False)
    return array


def put_table(store: Store, table: pa.Table) -> Digest:
    """Keeps an Arrow table."""
    with _spool() as file:
        with pa.ipc.new_file(pa.PythonFile(file, "w"), table.schema) as writer:
            writer.write_table(table.combine_chunks())
        file.seek(0)
        return store.put(file)


def get_table(store: Store, digest: Digest) -> pa.Table:
    """A table, memory-mapped."""
    return pa.ipc.open_file(pa.memory_map(str(store.local_path(digest)))).read_all()


def is_table(store: Store, digest: Digest) -> bool:
    """Whether an object is a table (else an array)."""
    with store.open(digest) as file:
        return file.read(6) == b"ARROW1"


def put_json(store: Store, value: Any) -> Digest:
    """Keeps a JSON value in its canonical text."""
    return store.put(io.BytesIO(canonical_json(value)))


def get_json(store: Store, digest: Digest) -> Any:
    """A JSON value."""
    with store.open(digest) as file:
        return json.load(file)


def put_bundle(store: Store, files: Mapping[str, bytes]) -> Digest:
    """Keeps several files as one object, a zip archive. Equal files give equal digests."""
    return store.put(io.BytesIO(zipped(files)))


def get_bundle(store: Store, digest: Digest) -> dict[str, bytes]:
    """The files of a bundle."""
    with store.open(digest) as file:
        return unzipped(file.read())


@contextmanager
def _spool() -> Iterator[tempfile.SpooledTemporaryFile[bytes]]:
    """Where content is put together: in memory, or, if it is large, in a file that has no name."""
    with no_space_named(Path(tempfile.gettempdir())), tempfile.SpooledTemporaryFile(max_size=_SPOOL) as file:
        yield file
