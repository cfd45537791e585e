"""A form is read piece by piece, however it is cut, within limits; a file is what its content says."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import stat
import tracemalloc
import zipfile
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from concours.core.digests import digest_bytes
from concours.core.errors import NoSpace, StoreRefused
from concours.server.receiving import received
from concours.server.recognised import recognised
from concours.server.refusals import Refusal, TooLarge, Unfit
from concours.stores.memory import MemoryStore

KIND = "multipart/form-data; boundary=cut"


def _form(*parts: tuple[str, str | None, bytes], end: bytes = b"--cut--\r\n") -> bytes:
    body = b""
    for name, called, content in parts:
        named = "" if called is None else f'; filename="{called}"'
        head = f'--cut\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'
        body += head.encode() + content + b"\r\n"
    return body + end


def _cut(body: bytes, sizes: list[int]) -> Iterator[bytes]:
    at = 0
    for size in sizes:
        yield body[at : at + size]
        at += size
    yield body[at:]


@given(st.binary(max_size=300), st.lists(st.integers(1, 40), max_size=30), st.text(max_size=20))
def test_a_form_says_the_same_however_it_is_cut(content, sizes, message):
    store = MemoryStore()
    body = _form(("message", None, message.encode()), ("file", "p.csv", content), ("name", None, b"late"))
    found = received(_cut(body, sizes), KIND, store, most=1000)
    assert (found.called, found.size, found.digest) == ("p.csv", len(content), digest_bytes(content))
    assert dict(found.fields) == {"message": message, "name": "late"}
    with store.open(found.digest) as file:
        assert file.read() == content


@given(st.integers(0, 250))
def test_a_form_that_breaks_off_is_refused_wherever_it_does(at):
    body = _form(("message", None, b"hello"), ("file", "p.csv", b"id,prediction\n1,2\n"))
    if at >= len(body) - 4:
        return
    with pytest.raises(Unfit):
        received(iter([body[:at]]), KIND, MemoryStore(), most=1000)


@pytest.mark.parametrize(
    ("parts", "kind", "refusal"),
    [
        ([("file", "p.csv", b"x" * 1001)], KIND, TooLarge),
        ([("message", None, b"x" * 70_000), ("file", "p.csv", b"x")], KIND, TooLarge),
        ([(f"f{n}", None, b"x") for n in range(40)], KIND, TooLarge),
        ([("file", "p.csv", b"x"), ("file", "q.csv", b"x")], KIND, Unfit),
        ([("other", "p.csv", b"x")], KIND, Unfit),
        ([("message", None, b"x")], KIND, Unfit),
        ([("message", None, b"\xff"), ("file", "p.csv", b"x")], KIND, Unfit),
        ([("file", "../..", b"x")], KIND, Unfit),
        ([("file", "p.csv", b"x")], "application/json", Unfit),
        ([("file", "p.csv", b"x")], "multipart/form-data", Unfit),
    ],
)
def test_what_is_no_form_with_one_file_is_refused(parts, kind, refusal):
    with pytest.raises(refusal):
        received(iter([_form(*parts)]), kind, MemoryStore(), most=1000)


def test_a_name_keeps_no_folder():
    found = received(iter([_form(("file", "C:\\x\\..\\etc/p.csv", b"x"))]), KIND, MemoryStore(), most=10)
    assert found.called == "p.csv"


def test_what_would_be_refused_anyway_is_refused_before_the_file_comes():
    store, read = MemoryStore(), []

    def chunks() -> Iterator[bytes]:
        yield _form(("phase", None, b"final"), ("file", "p.csv", b""), end=b"")[:-2]
        for _ in range(1000):
            read.append(1)
            yield b"x" * 1000

    def refuse(fields):
        raise Unfit(f"not in {fields['phase']}")

    with pytest.raises(Unfit, match="not in final"):
        received(chunks(), KIND, store, most=1 << 30, before=refuse)
    assert not read
    assert not list(store)


def test_a_stream_without_end_is_ended_at_the_limit_with_little_memory():
    def chunks() -> Iterator[bytes]:
        yield _form(("file", "p.csv", b""), end=b"")[:-2]
        while True:
            yield b"x" * 65536

    class Counting(MemoryStore):
        def put(self, content):
            while content.read(65536):
                pass
            return digest_bytes(b"")

    tracemalloc.start()
    with pytest.raises(TooLarge):
        received(chunks(), KIND, Counting(), most=20 << 20)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20


@pytest.mark.parametrize("error", [NoSpace("no space in /srv"), StoreRefused("no bucket at s3.test")])
def test_where_nothing_can_be_kept_that_is_said(people, platform_sqlite, monkeypatch, error):
    """A full disk, or a bucket that is away: not now, in one line, without where things lie."""
    people.competition(state="draft")

    def put(_store, content):
        content.read(1)
        raise error

    monkeypatch.setattr(type(platform_sqlite.store), "put", put)
    answer = people.browser("hanna").put("/api/competitions/wine/files/data/train.csv", content=b"x")
    assert answer.status_code == 503
    assert "nothing was taken" in answer.json()["error"] and str(error) not in answer.json()["error"]


# What a file is


def _npz(**arrays: object) -> bytes:
    with io.BytesIO() as file:
        np.savez(file, **arrays)
        return file.getvalue()


def _zip(files: dict[str, bytes], *, mode: int = 0) -> bytes:
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                item = zipfile.ZipInfo(name)
                item.external_attr = mode << 16
                item.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(item, content)
        return file.getvalue()


TENSORS = (2).to_bytes(8, "little") + b"{}"
NOTEBOOK = json.dumps({"cells": []}).encode()


@pytest.mark.parametrize(
    ("called", "content", "brings"),
    [
        ("p.csv", b"id,prediction\n1,2\n", "predictions"),
        ("P.TSV", "id\tprediction\n1\tü\n".encode("utf-16"), "predictions"),
        ("p.jsonl", b'{"id": 1}\n', "predictions"),
        ("p.parquet", b"PAR1" + b"\0" * 20 + b"PAR1", "predictions"),
        ("p.npz", _npz(prediction=np.arange(3)), "predictions"),
        ("p.zip", _zip({"p.csv": b"id,prediction\n1,2\n"}), "predictions"),
        ("entry.py", b"print(1)\n", "code"),
        ("entry.ipynb", NOTEBOOK, "code"),
        ("entry.zip", _zip({"entry.py": b"", "model.safetensors": TENSORS}), "code"),
    ],
)
def test_what_is_taken_is_known_by_its_content(tmp_path, called, content, brings):
    path = tmp_path / "file"
    path.write_bytes(content)
    assert recognised(path, called) == brings


@pytest.mark.parametrize(
    ("called", "content", "said"),
    [
        *((f"model.{end}", pickle.dumps({"a": 1}), "pickle") for end in ("safetensors", "pkl", "csv", "npz", "py")),
        ("model.safetensors", TENSORS, "nothing that is taken"),
        ("entry.zip", _zip({"a.py": b"", "m.safetensors": pickle.dumps([1])}), "called .safetensors and is none"),
        ("p.csv", b"", "empty"),
        ("p.csv", b"\x7fELF\0\0\0", "zero bytes"),
        ("p.csv", b"\xff\xfe\xff", "no text"),
        ("p.csv", b"PAR1....PAR1", "Parquet"),
        ("p.parquet", b"id,prediction\n", "is none"),
        ("p.csv", _zip({"a.py": b"x", "b.py": b""}), "zip archive by its content"),
        ("p.npz", _zip({"a.py": b"x"}), "other things than arrays"),
        ("p.npz", _zip({"a.npy": pickle.dumps(1)}), "no array"),
        ("entry.ipynb", b'{"cells": 1}', "no notebook"),
        ("entry.ipynb", b"[" * 100_000, "no notebook"),
        ("entry.zip", b"PK\x03\x04rubbish", "damaged"),
        ("entry.zip", _zip({"../../etc/passwd": b"x"}), "leads out of it"),
        ("entry.zip", _zip({"/etc/passwd": b"x"}), "leads out of it"),
        ("entry.zip", _zip({"a": b"/etc/passwd"}, mode=stat.S_IFLNK | 0o777), "a link or a device"),
        ("entry.zip", _zip({"zeros": b"\0" * (300 << 20)}), "refused as a bomb"),
        ("run.exe", b"MZ", "nothing that is taken"),
        ("noname", b"id,prediction\n", "nothing that is taken"),
    ],
)
def test_what_is_not_taken_is_refused_in_one_line(tmp_path, called, content, said):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(Unfit, match=said) as refused:
        recognised(path, called)
    assert "\n" not in str(refused.value)


@given(st.binary(max_size=200), st.sampled_from(["a.csv", "a.zip", "a.npz", "a.parquet", "a.ipynb", "a.py", "a.bin"]))
def test_no_content_whatsoever_is_more_than_refused(tmp_path_factory, content, called):
    path = tmp_path_factory.getbasetemp() / "any"
    for head in (b"", b"PK\x03\x04", b"PAR1"):
        path.write_bytes(head + content)
        with contextlib.suppress(Refusal):
            recognised(path, called)


def test_a_notebook_that_takes_much_memory_is_refused_unread(tmp_path):
    """A byte of brackets is tens of bytes of objects."""
    (place := tmp_path / "n.ipynb").write_bytes(b'{"cells": [' + b"{}," * (3 << 20) + b"{}]}")
    tracemalloc.start()
    with pytest.raises(Unfit, match="clear its outputs"):
        recognised(place, "n.ipynb")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 << 20
