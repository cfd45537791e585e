"""Readers of tables, on files that other tools wrote."""

from __future__ import annotations

import bz2
import gzip
import io
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from concours.core.errors import DataError
from concours.tasks.readers.opened import Options
from concours.tasks.readers.source import open_source

FRAME = pd.DataFrame({"a": [1, 2, 3], "b": [0.5, None, 2.25], "c": ["x", "y, z", None], "d": [True, False, True]})
SAME = {"a": [1, 2, 3], "b": [0.5, None, 2.25], "c": ["x", "y, z", None], "d": [True, False, True]}


def opened(path: Path, **options):
    return open_source(path.name, path.parent, Options(**options))


def rows(path: Path, **options) -> dict:
    return opened(path, **options).x.to_pydict()


WRITERS = {
    "pandas.csv": lambda path: FRAME.to_csv(path, index=False),
    "pandas.csv.gz": lambda path: FRAME.to_csv(path, index=False),
    "pandas.csv.bz2": lambda path: FRAME.to_csv(path, index=False),
    "pandas.csv.xz": lambda path: FRAME.to_csv(path, index=False),
    "pandas.tsv": lambda path: FRAME.to_csv(path, index=False, sep="\t"),
    "pandas.data": lambda path: FRAME.to_csv(path, index=False, sep="|"),
    "pandas.parquet": lambda path: FRAME.to_parquet(path),
    "pandas.jsonl": lambda path: FRAME.to_json(path, orient="records", lines=True),
    "pandas.jsonl.gz": lambda path: FRAME.to_json(path, orient="records", lines=True),
    "pandas.feather": lambda path: FRAME.to_feather(path),
    "polars.csv": lambda path: pl.from_pandas(FRAME).write_csv(path),
    "polars.parquet": lambda path: pl.from_pandas(FRAME).write_parquet(path),
    "polars.ndjson": lambda path: pl.from_pandas(FRAME).write_ndjson(path),
    "polars.arrow": lambda path: pl.from_pandas(FRAME).write_ipc(path),
    "pyarrow.parquet": lambda path: pa.parquet.write_table(pa.table(SAME), path),
    "pyarrow.feather": lambda path: pa.feather.write_feather(pa.table(SAME), path),
}


@pytest.mark.parametrize("name", WRITERS)
def test_what_other_tools_write(name, tmp_path):
    """The same table comes out of every format that pandas, polars and pyarrow write."""
    WRITERS[name](tmp_path / name)
    assert rows(tmp_path / name) == SAME


# Line ends and commas in one cell may look like rows that a quote swallows, which is refused.
WORDS = st.text("abcäß ,;\"'\t", min_size=1).filter(str.strip) | st.text("abcäß ;'\t\n", min_size=1).filter(str.strip)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    numbers=st.lists(st.floats(-1e6, 1e6) | st.none(), min_size=3, max_size=6),
    words=st.lists(WORDS | st.none(), min_size=3, max_size=6),
)
def test_a_table_goes_round(numbers, words, tmp_path):
    """Whatever is in the cells: CSV (but for blanks around words), JSON lines and Parquet give back the same table."""
    count = min(len(numbers), len(words))
    frame = pl.DataFrame(
        {"n": numbers[:count], "w": words[:count], "k": ["key"] * count},
        schema={"n": pl.Float64, "w": pl.String, "k": pl.String},
    )
    frame.write_csv(tmp_path / "t.csv", quote_style="non_numeric")
    frame.write_ndjson(tmp_path / "t.jsonl")
    frame.write_parquet(tmp_path / "t.parquet")
    expected = frame.to_dict(as_series=False)
    for name in ("t.jsonl", "t.parquet"):
        assert rows(tmp_path / name) == expected, name
    assert rows(tmp_path / "t.csv", header=True) == {**expected, "w": [w and w.strip() for w in expected["w"]]}


def test_a_spreadsheet(tmp_path):
    """Byte order mark, semicolons, decimal commas and line ends of Windows, as spreadsheets write them."""
    text = "Größe;Preis;Ort\r\n1,5;10;Köln\r\n2,25;20;Bern, Stadt\r\n;30;\r\n"
    (tmp_path / "t.csv").write_bytes(text.encode("utf-8-sig"))
    found = opened(tmp_path / "t.csv")
    assert found.x.to_pydict() == {
        "Größe": [1.5, 2.25, None],
        "Preis": [10, 20, 30],
        "Ort": ["Köln", "Bern, Stadt", None],
    }
    assert (found.notes[0], found.notes[-1]) == ("delimiter semicolon", "decimal comma: Größe")
    assert found.warnings == ()
    (tmp_path / "u.csv").write_bytes(text.replace(";", "\t").encode("utf-16"))
    assert opened(tmp_path / "u.csv").x.equals(found.x)
    (tmp_path / "n.csv").write_text("1,5;2,5\n2,5;1,0\n")
    assert rows(tmp_path / "n.csv") == {"0": [1.5, 2.5], "1": [2.5, 1.0]}


def test_encodings(tmp_path):
    """Another encoding is found and said, declared it is believed; what is wrongly declared or no text is an error."""
    text = "name,city\n" + "".join(f"René {i},Düsseldorf\n" for i in range(50))
    (tmp_path / "t.csv").write_bytes(text.encode("latin-1"))
    found = opened(tmp_path / "t.csv")
    assert found.x["city"][0].as_py() == "Düsseldorf"
    assert "t.csv is not UTF-8; it was read as cp1252" in found.warnings[0]
    assert opened(tmp_path / "t.csv", encoding="latin-1").warnings == ()
    late = "name,city\n" + "a,b\n" * 100_000 + "René,Köln\n"
    (tmp_path / "late.csv").write_bytes(late.encode("latin-1"))
    assert opened(tmp_path / "late.csv").x["city"][-1].as_py() == "Köln"
    with pytest.raises(DataError, match="unknown encoding 'latin-99'"):
        opened(tmp_path / "t.csv", encoding="latin-99")
    with pytest.raises(DataError, match=r"t\.csv is not in the encoding utf-8"):
        opened(tmp_path / "t.csv", encoding="utf-8")
    (tmp_path / "b.csv").write_bytes(bytes(range(256)) * 20)
    with pytest.raises(DataError, match="is no text"):
        opened(tmp_path / "b.csv")


def test_quotes(tmp_path):
    """Single quotes around cells are quotes; in a tab-separated file of messages, quotes are part of the text."""
    (tmp_path / "s.csv").write_text("1.5,2,'-1'\n2.5,3,'1'\n")
    assert rows(tmp_path / "s.csv")["2"] == [-1, 1]
    (tmp_path / "m.tsv").write_text('label\tmsg\nham\t"Hi" he said\nspam\tyou "win\nham\t"open\n')
    assert rows(tmp_path / "m.tsv")["msg"] == ['"Hi" he said', 'you "win', '"open']
    (tmp_path / "q.tsv").write_text('label\tmsg\nham\t"a\tb"\nspam\t"c\nd"\n')
    assert rows(tmp_path / "q.tsv")["msg"] == ["a\tb", "c\nd"]


def test_blanks_after_commas(tmp_path):
    """The hyperparameter of older sets: a blank after each comma belongs to no value, and ` ?` is missing."""
    (tmp_path / "t.csv").write_text("a, b, c\n1, Private, 2.5\n2, ?, 3\n3, State, ?\n")
    assert rows(tmp_path / "t.csv") == {"a": [1, 2, 3], "b": ["Private", None, "State"], "c": [2.5, 3.0, None]}


def test_a_class_that_comes_again_is_no_header(tmp_path):
    """A first line of words is a row where one of them comes again in its column."""
    (tmp_path / "t.tsv").write_text("ham\thello there\nspam\twin now\nham\tsee you\n")
    assert (opened(tmp_path / "t.tsv").x.column_names, len(opened(tmp_path / "t.tsv").x)) == (["0", "1"], 3)


def test_rows_with_other_numbers_of_cells(tmp_path):
    """They stop the reading with their line and the cure; left out, they are counted and the first is shown."""
    (tmp_path / "t.csv").write_text("a,b\n1,2\n3,4,5\n6,7\n8\n")
    with pytest.raises(DataError, match=r'line 3 has 3 cells where the first has 2; .*on_bad_row = "skip"'):
        opened(tmp_path / "t.csv")
    found = opened(tmp_path / "t.csv", on_bad_row="skip")
    assert found.x.to_pydict() == {"a": [1, 6], "b": [2, 7]}
    assert found.warnings == ("t.csv: 2 rows were left out for their number of cells; first: row 2, 3,4,5",)


def test_nul_bytes(tmp_path):
    """NUL bytes are taken out of texts, and that is said."""
    (tmp_path / "t.csv").write_bytes(b"a,b\nx\0y,1\nz,2\n")
    found = opened(tmp_path / "t.csv")
    assert found.x["a"].to_pylist() == ["xy", "z"]
    assert found.warnings == ("t.csv: NUL bytes were removed from column 'a'",)


def test_line_ends_in_cells_far_down(tmp_path):
    """A quoted line end is found even if no cell of the beginning is quoted."""
    (tmp_path / "t.csv").write_text("a,b\n" + "1,x\n" * 100_000 + '2,"y\nz"\n')
    assert opened(tmp_path / "t.csv").x["b"][-1].as_py() == "y\nz"


ARFF = """% a comment
@RELATION 'credit data'
@ATTRIBUTE age REAL
@attribute 'class of worker' {good, 'very bad', "it's"}
@attribute note string
@attribute when date "yyyy-MM-dd"
@attribute n INTEGER
@DATA
1.5,good,'a, \\'quoted\\' text',2020-01-02,1
?,'very bad',?,?,2
% another comment
3, "it's" ,plain,2021-03-04,3
"""


def test_arff(tmp_path):
    """Numbers, nominals, strings, dates, comments, both quotes and gaps."""
    (tmp_path / "t.arff").write_text(ARFF)
    table = opened(tmp_path / "t.arff").x
    assert table.column_names == ["age", "class of worker", "note", "when", "n"]
    assert table["age"].to_pylist() == [1.5, None, 3.0]
    assert table["class of worker"].to_pylist() == ["good", "very bad", "it's"]
    assert table["note"].to_pylist() == ["a, 'quoted' text", None, "plain"]
    assert [str(v)[:10] for v in table["when"].to_pylist()] == ["2020-01-02", "None", "2021-03-04"]
    assert table["n"].to_pylist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("@relation r\n@attribute a real\n@data\n{0 1}\n", "line 4 is sparse"),
        ("@relation r\n@attribute a real\n@data\n1,2\n", "line 4 has 2 values where 1 attributes"),
        ("@relation r\n@attribute a {x,y}\n@data\nz\n", "attribute 'a' has the value 'z'"),
        ("@relation r\n@attribute a real\n@data\nx\n", "holds what is no number"),
        ("@relation r\n@attribute a relational\n@data\nx\n", "is 'relational'"),
        ("a,b\n1,2\n", "is not an ARFF file: line 1"),
        ("@relation r\n@attribute a real\n@data\n", "has no rows"),
    ],
)
def test_wrong_arff(text, words, tmp_path):
    """What cannot be read is named with its line."""
    (tmp_path / "t.arff").write_text(text)
    with pytest.raises(DataError, match=words):
        opened(tmp_path / "t.arff")


def test_arrays(tmp_path):
    """X and y, a part set apart, pictures, columns by name; pickles are refused."""
    np.savez(tmp_path / "t.npz", X=np.eye(3), y=np.arange(3)[:, None])
    found = opened(tmp_path / "t.npz")
    assert (found.x.column_names, found.y.tolist()) == (["0", "1", "2"], [0, 1, 2])
    np.savez_compressed(
        tmp_path / "p.npz",
        x_train=np.zeros((4, 2, 2), np.uint8),
        y_train=[0, 1, 0, 1],
        x_test=np.zeros((2, 2, 2), np.uint8),
        y_test=[1, 0],
    )
    found = opened(tmp_path / "p.npz")
    assert (found.x.shape, found.test.x.shape, found.test.y.tolist()) == ((4, 2, 2), (2, 2, 2), [1, 0])
    np.savez(tmp_path / "c.npz", a=[1, 2], b=["x", "y"])
    assert rows(tmp_path / "c.npz") == {"a": [1, 2], "b": ["x", "y"]}
    np.save(tmp_path / "o.npy", np.asarray([{}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="holds objects of Python, which are not read"):
        opened(tmp_path / "o.npy")


@pytest.mark.parametrize("name", ["t.parquet", "t.arrow", "t.jsonl", "t.npz", "t.csv.gz", "t.zip", "t.tar.gz"])
def test_damaged_files(name, tmp_path):
    """Files that are not what their names say are named, in one line."""
    (tmp_path / name).write_bytes(b"PK\x03\x04 this is nothing of the kind\n")
    with pytest.raises(DataError, match=name.replace(".", r"\.")) as caught:
        opened(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_nested_columns(tmp_path):
    """A column of lists is named."""
    (tmp_path / "t.jsonl").write_text('{"a": 1, "b": [1, 2]}\n')
    with pytest.raises(DataError, match=r"t\.jsonl: column 'b' holds list"):
        opened(tmp_path / "t.jsonl")


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tarred(path: Path, files: dict[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_tables_in_archives(pack, tmp_path):
    """One table beside a README is taken; several of the same columns are one; a train and a test file are a pair."""
    ending = ".zip" if pack is zipped else ".tar.gz"
    one = pack(tmp_path / f"one{ending}", {"README.md": b"#", "d/t.csv": b"a,b\n1,2\n"})
    assert rows(one) == {"a": [1], "b": [2]}
    packed = pack(
        tmp_path / f"packed{ending}",
        {"t.csv.gz": gzip.compress(b"a,b\n1,2\n"), "u.csv.bz2": bz2.compress(b"a,b\n3,4\n")},
    )
    assert rows(packed) == {"a": [1, 3], "b": [2, 4]}
    other = pack(tmp_path / f"other{ending}", {"t.csv": b"a,b\n1,2\n", "u.csv": b"a,c\n3,4\n"})
    with pytest.raises(DataError, match=r"holds 2 tables of different columns: 't\.csv', 'u\.csv'; name one"):
        rows(other)
    assert open_source(f"{packed.name}:u.csv.bz2", tmp_path).x.to_pydict() == {"a": [3], "b": [4]}
    with pytest.raises(DataError, match=r"holds no 'v\.csv'"):
        open_source(f"{packed.name}:v.csv", tmp_path)
    pair = pack(tmp_path / f"pair{ending}", {"test.csv": b"a,b\n3,4\n", "train.csv": b"a,b\n1,2\n"})
    assert (rows(pair), opened(pair).test.x.to_pydict()) == ({"a": [1], "b": [2]}, {"a": [3], "b": [4]})


def test_files_as_one_table(tmp_path):
    """Files with the same columns are one table; a column may say which file a row came from."""
    (tmp_path / "red.csv").write_text("a,b\n1,x\n")
    (tmp_path / "white.csv").write_text("b,a\ny,2.5\n")
    table = open_source(["red.csv", "white.csv"], tmp_path, Options(source="colour")).x
    assert table.to_pydict() == {"a": [1.0, 2.5], "b": ["x", "y"], "colour": ["red", "white"]}
    (tmp_path / "rose.csv").write_text("a,c\n1,x\n")
    with pytest.raises(DataError, match=r"rose\.csv has other columns than red\.csv"):
        open_source(["red.csv", "rose.csv"], tmp_path)


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize("name", ["../up.csv", "/etc/up.csv", "a/../../up.csv"])
def test_paths_that_climb_out(pack, name, tmp_path):
    """An archive that would write outside is refused whole."""
    path = pack(tmp_path / ("a.zip" if pack is zipped else "a.tar.gz"), {"t.csv": b"a,b\n1,2\n", name: b"a,b\n1,2\n"})
    with pytest.raises(DataError, match="a path that leads out of the archive"):
        opened(path)


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_archives_in_archives(pack, tmp_path):
    """Nested archives are refused."""
    path = pack(tmp_path / ("a.zip" if pack is zipped else "a.tar.gz"), {"b.zip": b""})
    with pytest.raises(DataError, match=r"holds another archive, 'b\.zip'"):
        opened(path)


def test_links(tmp_path):
    """Links are refused, in tar and in zip."""
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        member = tarfile.TarInfo("t.csv")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(member)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("t.csv")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    for name in ("a.tar", "a.zip"):
        with pytest.raises(DataError, match=r"holds 't\.csv', a link"):
            opened(tmp_path / name)


def _constant(rows: int) -> pa.Table:
    return pa.table({"a": np.zeros(rows), "y": pa.array(["x" * 8] * rows)})


def _long_entry(rows: int) -> pa.Table:
    """A text of a hundred kilobytes, whose code stands in every row."""
    codes = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, dtype=np.int32)), pa.array(["word" * 25_000]))
    return pa.table({"text": codes, "y": codes})


def _arrow(path: Path, table: pa.Table, packing: str | None, *, stream: bool) -> None:
    begin = pa.ipc.new_stream if stream else pa.ipc.new_file
    with begin(path, table.schema, options=pa.ipc.IpcWriteOptions(compression=packing)) as writer:
        writer.write_table(table)


PACKED = {
    "zstd.arrow": lambda path: _arrow(path, _constant(1 << 20), "zstd", stream=True),
    "lz4.feather": lambda path: _arrow(path, _constant(1 << 20), "lz4", stream=False),
    "zstd.feather": lambda path: _arrow(path, _constant(1 << 20), "zstd", stream=False),
    "codes.arrow": lambda path: _arrow(path, _long_entry(3000), "zstd", stream=True),
    "codes.feather": lambda path: _arrow(path, _long_entry(3000), None, stream=False),
    "nulls.feather": lambda path: _arrow(path, pa.table({"a": pa.nulls(1 << 28)}), None, stream=False),
    "zstd.parquet": lambda path: pq.write_table(_constant(1 << 20), path, compression="zstd", use_dictionary=False),
    "codes.parquet": lambda path: pq.write_table(_long_entry(3000), path, compression="zstd"),
    "rows.parquet": lambda path: pq.write_table(pa.table({"a": pa.array(np.zeros(1 << 24))}), path),
}


@pytest.mark.parametrize("name", PACKED)
def test_columns_that_unpack_to_too_much(name, tmp_path, monkeypatch):
    """One batch of Arrow's or Parquet's: by what it says of itself, before any of it is unpacked; codes before they are
    written out. What Arrow has allocated at most stays below what the whole would take."""
    PACKED[name](tmp_path / name)
    monkeypatch.setattr("concours.tasks.readers.damage._BOMB_BYTES", 1 << 20)
    monkeypatch.setattr("concours.tasks.readers.damage._BOMB_RATIO", 4)
    before = pa.total_allocated_bytes()
    with pytest.raises(DataError, match="refused as a bomb"):
        opened(tmp_path / name)
    assert pa.total_allocated_bytes() - before < 1 << 20


@pytest.mark.parametrize("name", PACKED)
def test_bombs_are_refused_before_they_unpack(name, tmp_path):
    """In a process of its own, the most memory that Arrow ever had is a small part of what the batch would take."""
    PACKED[name](tmp_path / name)
    script = (
        "import sys; from pathlib import Path; import pyarrow as pa\n"
        "from concours.core.errors import DataError; from concours.tasks.readers import damage, source\n"
        "damage._BOMB_BYTES, damage._BOMB_RATIO = 1 << 20, 4\n"
        "try:\n    source.open_source(sys.argv[1], Path()); print('read')\n"
        "except DataError: print(pa.default_memory_pool().max_memory())\n"
    )
    done = subprocess.run([sys.executable, "-c", script, tmp_path / name], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 10 << 20


@pytest.mark.parametrize("name", PACKED)
def test_what_packs_well_is_read(name, tmp_path):
    """A column of one value packs a thousandfold and is no bomb where it is small; codes of a dictionary are read as texts."""
    if name in ("nulls.feather", "rows.parquet"):
        return
    PACKED[name](tmp_path / name)
    table = _long_entry(3000) if name.startswith("codes") else _constant(1 << 20)
    read = opened(tmp_path / name).x
    assert read.num_rows == len(table)
    assert read.column(1)[len(table) - 1].as_py() == table.column(1)[0].as_py()


@pytest.mark.parametrize("name", ["t.csv.gz", "a.zip", "a.tar.gz", "t.npz"])
def test_bombs(name, tmp_path, monkeypatch):
    """What unpacks to far more than its size is refused while it streams, before it is whole anywhere."""
    monkeypatch.setattr("concours.tasks.readers.damage._BOMB_BYTES", 1 << 20)
    monkeypatch.setattr("concours.tasks.readers.damage._BOMB_RATIO", 100)
    monkeypatch.setattr("concours.tasks.readers.damage.LARGE", 1 << 16)
    content = b"a,b\n" + b"1,2\n" * (1 << 20)
    if name == "t.csv.gz":
        (tmp_path / name).write_bytes(gzip.compress(content))
    elif name == "t.npz":
        np.savez_compressed(tmp_path / name, X=np.zeros((1 << 19, 1)), y=np.zeros(1 << 19))
    else:
        (zipped if name == "a.zip" else tarred)(tmp_path / name, {"t.csv": content})
    with pytest.raises(DataError, match="refused as a bomb"):
        opened(tmp_path / name)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_columns_that_stay_as_they_are_written(tmp_path, encoding):
    """Columns named in `written` keep every cell as the file has it, but for blanks around; gaps are gaps."""
    text = "id,label,n\n007,TRUE,1\n 1.0 ,x \u00e9,2\n12345678901234567890123,NA,3\n1e3, NA ,4\n"
    (tmp_path / "t.csv").write_text(text, encoding=encoding)
    found = opened(tmp_path / "t.csv", written=("id", "label", "not there")).x
    assert found["id"].to_pylist() == ["007", "1.0", "12345678901234567890123", "1e3"]
    assert found["label"].to_pylist() == ["TRUE", "x \u00e9", None, None]
    assert found["n"].to_pylist() == [1, 2, 3, 4]
