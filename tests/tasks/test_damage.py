"""Files that are not what they say: each is refused in one line that names it, and none ends the program."""

from __future__ import annotations

import io
import json
import os
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from concours.core.errors import DataError
from concours.tasks.readers.depth import refuse_depth
from concours.tasks.readers.pictures import open_picture
from concours.tasks.readers.source import open_source


def refused(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        open_source(path, Path())
    assert len(str(caught.value)) < 700 and len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def npy(head: str, body: bytes = bytes(80), version: bytes = b"\x01\x00") -> bytes:
    text = head.encode().ljust(117) + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text + body


SHAPES = [
    "(1000000000000, 3)",
    "(99999999999999999999,)",
    "(-1, 3)",
    "(4, -5)",
    "(True, 3)",
    "(11,)",
    "(3, 4)",
    "((3,),)",
    "'x'",
]
TYPES = ["|O", "<c16", "|V8", "|S0", "|U0", "|S8", "<M8[Y]", "<q9", "<U999999999", "('<f8', (9, 9))", "[('a', '<i4')]"]


@pytest.mark.parametrize("shape", SHAPES)
def test_arrays_that_declare_more_than_they_hold(shape, tmp_path):
    """A shape is compared with the bytes that are there, before anything of its size is made."""
    (tmp_path / "a.npy").write_bytes(npy(f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"))
    assert "a.npy" in refused(tmp_path / "a.npy")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("X.npy", (tmp_path / "a.npy").read_bytes())
    assert "a.npz" in refused(tmp_path / "a.npz")


@pytest.mark.parametrize("kind", TYPES)
def test_arrays_of_what_no_table_holds(kind, tmp_path):
    """Objects, complex numbers, bytes, nothing, years: refused by name, in inputs as in targets."""
    told = kind if kind[0] in "([" else repr(kind)
    (tmp_path / "a.npy").write_bytes(
        npy(f"{{'descr': {told}, 'fortran_order': False, 'shape': (5, 2), }}", bytes(4000))
    )
    assert "a.npy" in refused(tmp_path / "a.npy")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        out = io.BytesIO()
        np.save(out, np.zeros((5, 2)))
        archive.writestr("X.npy", out.getvalue())
        archive.writestr("y.npy", npy(f"{{'descr': {told}, 'fortran_order': False, 'shape': (5,), }}", bytes(4000)))
    assert "a.npz" in refused(tmp_path / "a.npz")


@pytest.mark.parametrize("head", ["", "{", "(" * 90, "{'descr': '<f8'\n 'x", "{'descr': '<f8'}", "1", "'" * 3, "\0\0"])
def test_arrays_with_another_head(head, tmp_path):
    """Whatever stands where the head should be."""
    (tmp_path / "a.npy").write_bytes(npy(head))
    assert "a.npy" in refused(tmp_path / "a.npy")
    (tmp_path / "a.npy").write_bytes(npy(head, version=b"\x09\x00"))
    assert "version" in refused(tmp_path / "a.npy") or "format" in refused(tmp_path / "a.npy")


@pytest.mark.parametrize("kind", ["<f2", ">f8", "<f8", ">i4", "<u2", "|b1", "<U3", "<M8[D]"])
def test_arrays_of_every_order_of_bytes(kind, tmp_path):
    """What a table can hold is read, in whichever order its bytes lie."""
    values = np.arange(6).reshape(3, 2).astype(np.dtype(kind))
    np.save(tmp_path / "a.npy", values)
    assert open_source(tmp_path / "a.npy", Path()).x.num_rows == 3


def _arrow(file: Path, table: pa.Table, packing: str | None, *, stream: bool) -> None:
    begin = pa.ipc.new_stream if stream else pa.ipc.new_file
    with begin(file, table.schema, options=pa.ipc.IpcWriteOptions(compression=packing)) as writer:
        writer.write_table(table, max_chunksize=7)


TABLE = pa.table(
    {"a": np.arange(20) / 7, "c": ["red", "bluë"] * 10, "d": pa.array(["u", "v"] * 10).dictionary_encode()}
)
WRITERS = {
    "t.feather": lambda file: _arrow(file, TABLE, None, stream=False),
    "u.feather": lambda file: _arrow(file, TABLE, "lz4", stream=False),
    "t.arrow": lambda file: _arrow(file, TABLE, None, stream=True),
    "t.parquet": lambda file: pyarrow.parquet.write_table(TABLE, file, compression="none"),
}


@pytest.mark.parametrize("name", WRITERS)
def test_bits_that_are_flipped(name, tmp_path):
    """A table of Arrow's with a flipped bit is read with texts that can be written, or refused; its offsets lead nowhere."""
    WRITERS[name](tmp_path / name)
    content, told = (tmp_path / name).read_bytes(), list[str]()
    for bit in range(0, 8 * len(content), 8 * len(content) // 150):
        (tmp_path / name).write_bytes(
            content[: bit // 8] + bytes([content[bit // 8] ^ 1 << bit % 8]) + content[bit // 8 + 1 :]
        )
        try:
            rows = open_source(tmp_path / name, Path()).x.to_pylist()
        except DataError as error:
            told.append(str(error))
        else:
            json.dumps(rows).encode()
    assert told and all(name in text for text in told)


COLUMNS = {
    "map": pa.array([[("k", 1)]] * 5, pa.map_(pa.string(), pa.int64())),
    "interval": pa.array([(1, 2, 3)] * 5, pa.month_day_nano_interval()),
    "bytes": pa.array([b"abcd"] * 5, pa.binary(4)),
    "lists": pa.DictionaryArray.from_arrays(pa.array([0] * 5), pa.array([[1]])),
    "a zone that is none": pa.array([1] * 5, pa.timestamp("us", tz="Nowhere/None")),
    "a date beyond all": pa.array([2**62] * 5, pa.timestamp("s")),
}


@pytest.mark.parametrize("what", COLUMNS)
def test_columns_of_what_no_table_holds(what, tmp_path):
    """They are refused by their names and types, rather than somewhere later."""
    _arrow(tmp_path / "t.feather", pa.table({"odd": COLUMNS[what]}), None, stream=False)
    assert "column 'odd' holds" in refused(tmp_path / "t.feather")


def _tar(file: Path, name: str, size: int, content: bytes = b"a,b\n1,2\n") -> None:
    info = tarfile.TarInfo(name)
    info.size = size
    file.write_bytes(info.tobuf() + content.ljust(1024, b"\0"))


@pytest.mark.parametrize("size", [600, 10**6, 8 * 10**12])
def test_archives_that_declare_more_than_they_hold(size, tmp_path):
    """A member that would reach beyond the archive is seen at once, however far."""
    _tar(tmp_path / "t.tar", "t.csv", size + 1024)
    assert "cut off" in refused(tmp_path / "t.tar")


@pytest.mark.parametrize("name", [".", "./", "caf\udce9.csv", "../t.csv", "/t.csv"])
def test_archives_with_names_that_are_none(name, tmp_path):
    """No name, one that is not UTF-8, one that leads out."""
    _tar(tmp_path / "t.tar", name, 8)
    assert "t.tar" in refused(tmp_path / "t.tar")


def test_archives_packed_by_methods_that_are_unknown(tmp_path):
    """The method of a member is told by two bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("t.csv", "a,b\n1,2\n")
    content = bytearray(out.getvalue())
    for mark, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        at = content.index(mark) + place
        content[at : at + 2] = b"\x63\x00"
    (tmp_path / "t.zip").write_bytes(content)
    assert "t.zip" in refused(tmp_path / "t.zip")


def naive_depth(text: str) -> int:
    """The twin: a letter after the other."""
    depth = most = 0
    quoted = escaped = False
    for letter in text:
        if escaped and letter in '"\\':
            escaped = False
            continue
        escaped = False
        if letter == "\\":
            escaped = True
        elif letter == '"':
            quoted = not quoted
        elif not quoted and letter in "[{":
            depth += 1
            most = max(most, depth)
        elif not quoted and letter in "]}":
            depth -= 1
    return most


@settings(max_examples=300)
@given(text=st.text(alphabet='[]{}"\\a\n', max_size=60), block=st.integers(1, 9), deepest=st.integers(0, 8))
def test_depth_is_that_of_a_letter_after_the_other(text, block, deepest):
    """Block by block, with quotes and escapes across their ends, as the naive twin finds it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("concours.tasks.readers.depth._BLOCK", block)
        patch.setattr("concours.tasks.readers.depth._DEEPEST", deepest)
        try:
            refuse_depth(io.BytesIO(text.encode()), "t.json")
            deep = False
        except DataError:
            deep = True
    assert deep == (naive_depth(text) > deepest)


@pytest.mark.parametrize("ending", [".json", ".jsonl"])
@pytest.mark.parametrize("form", ["lists", "objects", "lines", "behind quotes"])
def test_json_that_lies_within_itself(form, ending, tmp_path):
    """Any reader goes down a step a level; none of them to the end of the program."""
    deep = {
        "lists": '{"a":' + "[" * 100_000 + "]" * 100_000 + "}",
        "objects": '{"a":' * 50_000 + "1" + "}" * 50_000,
        "lines": '{"a":\n' * 50_000 + "1" + "}\n" * 50_000,
        "behind quotes": '{"b":"]]\\"","a":' + '["]",' * 50_000 + "1" + "]" * 50_000 + "}",
    }
    (tmp_path / f"t{ending}").write_text(deep[form] + "\n")
    assert "too deep" in refused(tmp_path / f"t{ending}")


def test_numbers_of_any_length(tmp_path):
    """A number that no machine holds is a text, or a gap, and not a defect."""
    (tmp_path / "t.json").write_text('[{"a":' + "1" * 9000 + ',"b":1e99999}, {"a":2,"b":3.5}]')
    assert open_source(tmp_path / "t.json", Path()).x["a"].to_pylist()[0] == "1" * 9000


@pytest.mark.parametrize("form", ["EPS", "ICO", "PDF", "SGI"])
@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_pictures_are_of_a_list_of_formats(form, ending, tmp_path):
    """What Pillow could decode besides is none of it, whatever a file is called: PostScript would start a program."""
    for i in range(4):
        (tmp_path / "p" / str(i % 2)).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (16, 16), (i, i, i)).save(tmp_path / "p" / str(i % 2) / f"{i}.{ending}", form)
    assert "none of JPEG, PNG, GIF, BMP, WEBP" in refused(tmp_path / "p")


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM"])
def test_pictures_that_are_read(form):
    """Each of the list is decoded."""
    out = io.BytesIO()
    Image.new("L", (8, 6)).save(out, form)
    assert open_picture(out.getvalue()).size == (8, 6)


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "pipe", "n" * 5000, "n/" * 3000, "caf\udce9.csv", "a\0b"])
def test_paths_that_are_no_file(path, tmp_path, monkeypatch):
    """Devices, pipes, names that are too long or not UTF-8: they are looked at, and not opened."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    (tmp_path / "caf\udce9.csv").write_text("a,b\n1,2\n")
    refused(Path(path))


def test_folders_with_names_that_are_none(tmp_path):
    """The name of a folder or a file becomes a label: it is told, not written wrongly."""
    (tmp_path / "p" / "caf\udce9").mkdir(parents=True)
    (tmp_path / "p" / "caf\udce9" / "a.txt").write_text("a text")
    assert r"caf\udce9" in refused(tmp_path / "p")


@pytest.mark.parametrize("quoted", [False, True])
def test_names_beyond_128_kib(quoted, tmp_path):
    """A name, or a line of names, of any length."""
    name = "a b" * 60_000
    (tmp_path / "t.csv").write_text((f'"{name}"' if quoted else name) + ",y\n" + "1,2\n" * 40)
    assert open_source(tmp_path / "t.csv", Path()).x.column_names == [name, "y"]
    names = [f"column_{i:06}" for i in range(1500)]
    (tmp_path / "w.csv").write_text(
        ",".join(f"{name * 9}" for name in names) + "\n" + (",".join("1" * 1500) + "\n") * 4
    )
    found = open_source(tmp_path / "w.csv", Path(), None).x
    assert (found.num_columns, found.num_rows) == (1500, 4)
