"""Stores: the conformance suite on each of them, and what only a disk can suffer."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from concours.commons.blobs import (
    get_array,
    get_bundle,
    get_json,
    get_table,
    is_table,
    put_array,
    put_bundle,
    put_json,
    put_table,
    put_texts,
    texts_in,
)
from concours.commons.disk import DiskStore
from concours.commons.memory import MemoryStore
from concours.core.errors import NoSpace
from concours.core.ports import Store
from concours.testing import check_store

STORES = ["memory", "disk"]
KILLED = """
import io, os, signal, sys
from concours.commons.disk import DiskStore

class Cut(io.BytesIO):
    def read(self, size=-1):
        if self.tell():
            os.kill(os.getpid(), signal.SIGKILL)
        return super().read(1 << 20)

DiskStore(sys.argv[1]).put(Cut(bytes(1 << 21)))
"""


@pytest.fixture
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    """Makes new, empty stores."""
    folders = (tmp_path / str(number) for number in range(1000))
    return MemoryStore if request.param == "memory" else lambda: DiskStore(next(folders))


@pytest.mark.parametrize("make", STORES, indirect=True)
def test_conformance(make: Callable[[], Store]) -> None:
    """Every store keeps the laws of `concours.core.ports.Store`."""
    check_store(make)


@pytest.mark.parametrize("make", STORES, indirect=True)
def test_what_is_kept_is_read_back(make: Callable[[], Store]) -> None:
    """Arrays, tables, JSON and bundles come back as they were, and equal ones have equal digests."""
    store = make()
    array, table = np.arange(12.0).reshape(3, 4), pa.table({"a": [1, None, 3], "b": ["x", "y", None]})
    value, bundle = {"b": [1, 2.5, None], "a": "ä"}, {"one": b"1", "two/three": b""}
    assert np.array_equal(get_array(store, put_array(store, array)), array)
    assert get_table(store, put_table(store, table)) == table
    assert get_json(store, put_json(store, value)) == value
    assert get_bundle(store, put_bundle(store, bundle)) == bundle
    assert put_bundle(store, dict(reversed(bundle.items()))) == put_bundle(store, bundle)
    assert (is_table(store, put_table(store, table)), is_table(store, put_array(store, array))) == (True, False)


def test_objects_are_refused(tmp_path: Path) -> None:
    """Nothing is pickled."""
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        put_array(DiskStore(tmp_path), np.array([object()]))


def test_a_kill_while_writing_leaves_nothing_but_a_leftover(tmp_path: Path) -> None:
    """`put` is atomic: after a kill an object is there whole or not at all."""
    ended = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    store = DiskStore(tmp_path)
    assert ended.returncode == -signal.SIGKILL
    assert [path.stat().st_size for path in store.leftovers()] == [1 << 20]
    assert not list(store)
    assert store.verify(store.put(io.BytesIO(bytes(1 << 21))))


def test_a_corrupted_object_is_found(tmp_path: Path) -> None:
    """One changed byte, or a file cut short, as a power cut may leave it."""
    store = DiskStore(tmp_path)
    changed, cut = store.put(io.BytesIO(b"a" * 1000)), store.put(io.BytesIO(b"b" * 1000))
    for digest, content in ((changed, b"a" * 999 + b"x"), (cut, b"")):
        path = store.local_path(digest)
        os.chmod(path, 0o644)
        path.write_bytes(content)
    assert not store.verify(changed)
    assert not store.verify(cut)


def test_a_store_does_not_move_with_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job may change the working folder; what it yields is still found."""
    monkeypatch.chdir(tmp_path)
    store = DiskStore("store")
    digest = store.put(io.BytesIO(b"here"))
    monkeypatch.chdir("/")
    assert store.put(io.BytesIO(b"here")) == digest
    assert (tmp_path / "store").is_dir()
    assert store.verify(digest)


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says where there is no space and what to do; nothing of the object stays."""
    store = DiskStore(tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(NoSpace, match="no space left to write in .*free some space and run the same command again"):
        store.put(io.BytesIO(b"content"))
    assert not store.leftovers()


def test_rows_of_a_table_do_not_depend_on_its_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some rows are kept in their order, piece by piece; the digest does not depend on how the table lay in memory."""
    monkeypatch.setattr("concours.commons.blobs._PIECE", 4)
    store = DiskStore(tmp_path)
    table = pa.table({"a": list(range(20)), "b": [str(i) for i in range(20)]})
    chunked = pa.concat_tables([table.slice(0, 7), table.slice(7)])
    rows = np.asarray([1, 2, 3, 5, 8, 13, 19, 0])
    digest = put_table(store, table, rows)
    assert put_table(store, chunked, rows) == digest
    assert get_table(store, digest)["a"].to_pylist() == rows.tolist()
    array = np.arange(60).reshape(20, 3)
    assert (get_array(store, put_array(store, array, rows)) == array[rows]).all()
    assert put_array(store, array, np.arange(20)) == put_array(store, array)


def test_texts(tmp_path: Path) -> None:
    """Texts come back as a table of one column, with the columns that they were taken from."""
    store = DiskStore(tmp_path)
    digest = put_texts(store, pa.chunked_array([["x", "y"], ["z"]]), np.asarray([0, 2]), ("title", "body"))
    table = get_table(store, digest)
    assert (table["text"].to_pylist(), texts_in(table)) == (["x", "z"], ("title", "body"))
    assert texts_in(get_table(store, put_table(store, pa.table({"a": [1]})))) is None
