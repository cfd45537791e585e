"""Stores: the conformance suite on each of them, and what only a disk can suffer."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from concours.core.digests import Digest
from concours.core.errors import ContentRefused, LinkRefused, NoSpace, ObjectDamaged, ObjectNotFound
from concours.core.ports import Store
from concours.stores.blobs import (
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
from concours.stores.disk import DiskStore, _has
from concours.stores.memory import MemoryStore
from concours.testing import check_store

STORES = ["memory", "disk"]
KILLED = """
import io, os, signal, sys
from concours.stores.disk import DiskStore

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
    monkeypatch.setattr("concours.stores.blobs._PIECE", 4)
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


def test_content_is_looked_at_once_a_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Computing digests costs time: what this process has put or read is known to be whole, until the file changes."""
    looked: list[str] = []

    def has(file: Any, digest: Digest) -> bool:
        looked.append(digest)
        return _has(file, digest)

    monkeypatch.setattr("concours.stores.disk._has", has)
    writer, reader = DiskStore(tmp_path), DiskStore(tmp_path)
    put = writer.put(io.BytesIO(b"content"))
    for _ in range(3):
        assert content_of(reader, put) == b"content"
        assert get_json(reader, put_json(writer, [1])) == [1]
    assert looked == []
    path = reader.local_path(put)
    os.utime(path, (0, 0))
    for _ in range(3):
        reader.local_path(put)
    assert looked == [put]


@pytest.mark.parametrize("get", [get_array, get_table, get_json, get_bundle, is_table])
def test_whatever_is_read_is_what_its_name_says(get: Callable[[Store, Digest], Any], tmp_path: Path) -> None:
    """Every form that is kept: one bit of it flipped, and it is named, not used."""
    store = DiskStore(tmp_path)
    made: dict[Any, Callable[[], Digest]] = {
        get_array: lambda: put_array(store, np.arange(100.0)),
        get_table: lambda: put_table(store, pa.table({"a": [1, 2, 3]})),
        get_json: lambda: put_json(store, {"a": 1}),
        get_bundle: lambda: put_bundle(store, {"a": b"1"}),
        is_table: lambda: put_table(store, pa.table({"a": [4]})),
    }
    digest = made[get]()
    path = store.local_path(digest)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    os.chmod(path, 0o644)
    path.write_bytes(content)
    os.utime(path, (0, 0))
    with pytest.raises(ObjectDamaged, match=f"object {digest} in .* is damaged: .*; run the contest again"):
        get(store, digest)


def test_a_store_shows_what_lies_beneath(tmp_path: Path) -> None:
    """What another store has is read from there, and stays there."""
    below = DiskStore(tmp_path / "below")
    theirs = below.put(io.BytesIO(b"theirs"))
    store = DiskStore(tmp_path / "above", beneath=below)
    ours = store.put(io.BytesIO(b"ours"))
    assert (content_of(store, theirs), store.size(theirs), store.verify(theirs)) == (b"theirs", 6, True)
    assert list(store) == sorted([ours, theirs])
    store.delete(theirs)
    assert theirs in store
    assert list(below) == [theirs]


@pytest.mark.parametrize("name", ["", "tmp", "ab"])
def test_folders_of_a_store_are_no_links(name: str, tmp_path: Path) -> None:
    """The store itself, where it writes, where it keeps: nothing is written, found or deleted behind a link."""
    (tmp_path / "theirs").mkdir()
    file = tmp_path / "theirs" / ("c" * 62)
    file.write_bytes(b"theirs")
    store = DiskStore(tmp_path / "store")
    link = store.folder / name
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(tmp_path / "theirs")
    digest = Digest(f"sha256:ab{'c' * 62}")
    uses: list[Callable[[], object]] = [
        lambda: [store.put(io.BytesIO(bytes([number]))) for number in range(256)],
        lambda: [*store, *store.leftovers()],
        lambda: store.delete(digest),
    ]
    for use in uses[:2] if name == "tmp" else uses:
        with pytest.raises(LinkRefused, match="is a link"):
            use()
    assert [path.name for path in (tmp_path / "theirs").iterdir()] == [file.name]


def test_a_store_that_is_taken_away_is_no_fault_of_who_writes(tmp_path: Path) -> None:
    """A job's yield that found no store any more says nothing of the job."""
    store = DiskStore(tmp_path / "store")

    class Taken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            shutil.rmtree(store.folder, ignore_errors=True)
            return super().read(size)

    with pytest.raises(ObjectNotFound, match="was taken away while an object was written to it"):
        store.put(Taken(b"content"))
    assert content_of(store, store.put(io.BytesIO(b"content"))) == b"content"


def _unzipped(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


PLAINLY: dict[Callable[[Store, Digest], Any], Callable[[bytes], Any]] = {
    get_array: lambda content: np.load(io.BytesIO(content)),
    get_table: lambda content: pa.ipc.open_file(pa.BufferReader(content)).read_all(),
    get_json: json.loads,
    get_bundle: _unzipped,
}
"""What objects are read by, and how libraries read the same bytes."""


@pytest.mark.parametrize("get", PLAINLY)
@pytest.mark.parametrize("seed", range(8))
def test_an_object_of_another_form_is_refused(get: Callable[[Store, Digest], Any], seed: int, tmp_path: Path) -> None:
    """Its name is right and its content was made by somebody: another form, one that is cut, one with odd bytes.

    What is read of it nonetheless is what stands there; of the one form that is whole, all is read.
    """
    store, rng = DiskStore(tmp_path), np.random.default_rng(seed)
    forms = [
        put_array(store, np.arange(50.0)),
        put_table(store, pa.table({"a": ["x", "yy", "zzz"] * 9})),
        put_json(store, {"a": [1, 2, 3]}),
        put_bundle(store, {"a": b"1" * 30}),
    ]
    for digest in forms:
        content = bytearray(content_of(store, digest))
        for place in rng.integers(0, len(content), 3):
            content[place] ^= int(rng.integers(1, 256))
        made = store.put(io.BytesIO(content[: rng.integers(0, len(content) + 1)]))
        found = None
        with suppress(ContentRefused):
            found = get(store, made)
        assert found is None or _told(found) == _told(PLAINLY[get](content_of(store, made)))
    whole = forms[[get_array, get_table, get_json, get_bundle].index(get)]
    assert _told(get(store, whole)) == _told(PLAINLY[get](content_of(store, whole)))


def _told(value: Any) -> Any:
    """What is to be compared of what was read; of a table whose texts are not whole, its columns and rows."""
    if isinstance(value, np.ndarray):
        return value.dtype, value.shape, value.tobytes()
    if not isinstance(value, pa.Table):
        return value
    try:
        value.validate(full=True)
    except pa.ArrowInvalid:
        return value.schema, value.num_rows
    return value.schema, value.to_pydict()


def content_of(store: Store, digest: Digest) -> bytes:
    """All of an object."""
    with store.open(digest) as file:
        return file.read()
