"""Reading: CSV files as they come, data sets by name, and objects in Python."""

from __future__ import annotations

import datetime
import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from concours.core.errors import DataError
from concours.tasks.kinds import KINDS
from concours.tasks.new_rows import read_inputs
from concours.tasks.readers.objects import as_table
from concours.tasks.reading import read, read_csv
from concours.tasks.task import Task

TABLE = KINDS["tabular-classification"]
NUMBER = KINDS["tabular-regression"]
IMAGE = KINDS["image-classification"]


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_types_and_gaps(tmp_path):
    """Numbers, words and dates get their types; blanks, NA and ? are missing; a column of gaps only is a number's."""
    text = "n,w,d,e\n1.5,x,2024-01-01,\n?,,2024-01-02,\nNA,y,2024-01-03,?\n"
    table = read_csv(written(tmp_path / "t.csv", text))
    assert [str(t) for t in table.schema.types] == ["double", "string", "timestamp[us]", "double"]
    assert [table[name].null_count for name in "nwde"] == [2, 1, 0, 3]


def test_header_is_found_out(tmp_path):
    """Names are words; a first line with a number in it is a row, and columns are then called 0, 1, …."""
    assert read_csv(written(tmp_path / "a.csv", "a,b\n1,2\n")).column_names == ["a", "b"]
    table = read_csv(written(tmp_path / "b.csv", "x,2\ny,4\n"))
    assert (table.column_names, len(table)) == (["0", "1"], 2)
    assert len(read_csv(written(tmp_path / "c.csv", "x,z\ny,w\n"), header=False)) == 2


def test_other_forms_of_csv(tmp_path):
    """Compressed files, tabs, a byte order mark, quoted commas and line ends in a cell."""
    with gzip.open(tmp_path / "t.csv.gz", "wt") as file:
        file.write("a,b\n1,2\n")
    assert read_csv(tmp_path / "t.csv.gz").to_pydict() == {"a": [1], "b": [2]}
    assert read_csv(written(tmp_path / "t.tsv", "a\tb\n1\t2\n")).to_pydict() == {"a": [1], "b": [2]}
    table = read_csv(written(tmp_path / "q.csv", '\ufeffa,b\n1,"x, ""y""\nz"\n'))
    assert table.to_pydict() == {"a": [1], "b": ['x, "y"\nz']}


def test_types_found_far_down(tmp_path):
    """A column that looks like whole numbers for megabytes and then is not becomes what fits all of it."""
    text = "a,b\n" + "1,1\n" * 600_000 + "1.5,x\n" + "1,x\n" * 100_000
    assert [str(t) for t in read_csv(written(tmp_path / "t.csv", text)).schema.types] == ["double", "string"]


def test_frames_tables_and_matrices():
    """pandas, Arrow and numpy come out as the same table; names of columns are texts."""
    frame = pd.DataFrame({"a": [1, 2], 3: ["x", None]})
    assert as_table(frame).to_pydict() == {"a": [1, 2], "3": ["x", None]}
    assert as_table(pa.table({"a": [1]})).to_pydict() == {"a": [1]}
    assert as_table(np.eye(2)).column_names == ["0", "1"]
    with pytest.raises(DataError, match=r"must be a matrix \(rows, columns\), got shape \(2, 2, 2\)"):
        as_table(np.zeros((2, 2, 2)))


def test_targets_in_python():
    """A target is a column's name or the values themselves, one a row."""
    frame = pd.DataFrame({"a": [1, 2], "y": ["no", "yes"]})
    data, test = read(Task(kind=TABLE.name, data=frame, target="y"), TABLE, Path())
    assert (data.x.column_names, data.y.tolist(), test) == (["a"], ["no", "yes"], None)
    data, _ = read(Task(kind=TABLE.name, data=frame[["a"]], target=["no", "yes"]), TABLE, Path())
    assert data.y.tolist() == ["no", "yes"]
    with pytest.raises(DataError, match=r"expected shape \(2,\), got \(3,\)"):
        read(Task(kind=TABLE.name, data=frame, target=[1, 2, 3]), TABLE, Path())
    for target in (["no", None], pd.Series(["no", np.nan]), ["no", np.nan], np.array(["no", None], dtype=object)):
        with pytest.raises(DataError, match=r"task\.target is missing in 1 of 2 rows, first in row 2"):
            read(Task(kind=TABLE.name, data=frame[["a"]], target=target), TABLE, Path())
    with pytest.raises(DataError, match="nan in 1 of 2 rows, first in row 2"):
        read(Task(kind=NUMBER.name, data=frame[["a"]], target=[1.0, float("nan")]), NUMBER, Path())


@pytest.mark.parametrize(
    ("name", "kind", "rows", "classes"),
    [
        ("iris", TABLE, 150, 3),
        ("wine", TABLE, 178, 3),
        ("breast_cancer", TABLE, 569, 2),
        ("digits", TABLE, 1797, 10),
        ("digits", IMAGE, 1797, 10),
    ],
)
def test_data_sets_of_scikit_learn(name, kind, rows, classes):
    """Known data sets by name, as a table or as pictures."""
    data, _ = read(Task(kind=kind.name, data=f"sklearn:{name}"), kind, Path())
    assert (len(data), len(np.unique(data.y))) == (rows, classes)
    assert isinstance(data.x, np.ndarray) == (kind is IMAGE)


def test_new_rows_take_the_form_of_the_old(tmp_path):
    """Columns may come in any order and with others between them; whole numbers do for numbers, words are gaps, and said."""
    like = pa.table({"a": pa.array([1.5]), "b": pa.array(["x"])})
    rows = read_inputs(str(written(tmp_path / "n.csv", "z,b,a\n0,y,3\n")), like, told=pytest.fail)[0]
    assert rows.to_pydict() == {"a": [3.0], "b": ["y"]}
    assert read_inputs(pd.DataFrame({"b": ["u"], "a": [2]}), like)[0].to_pydict() == {"a": [2.0], "b": ["u"]}
    said: list[str] = []
    rows = read_inputs(str(written(tmp_path / "m.csv", "a,b\nx,y\n")), like, told=said.append)[0]
    assert rows.to_pydict() == {"a": [None], "b": ["y"]}
    assert "column 'a' was read as numbers, and 1 of 1 cells do not fit and count as missing: 'x' (1)" in said[0]
    with pytest.raises(
        DataError, match="column 'a' was numbers in the data that models were fitted on, and is dates here"
    ):
        read_inputs(pa.table({"a": [datetime.datetime(2026, 1, 1)], "b": ["x"]}), like)[0]


def test_infinities_are_missing(tmp_path):
    """A value that no estimator takes counts as a gap, in a file and in a frame."""
    assert read_csv(written(tmp_path / "t.csv", "a,b\n1.5,x\ninf,y\n-inf,z\n"))["a"].to_pylist() == [1.5, None, None]
    assert as_table(pd.DataFrame({"a": [np.inf, 1.0]}))["a"].to_pylist() == [None, 1.0]


def test_the_target_shows_that_there_is_a_header(tmp_path):
    """A first line with numbers in it is a header if the target stands in it."""
    path = written(tmp_path / "t.csv", "1,yes\n2,a\n3,b\n")
    data, _ = read(Task(kind=TABLE.name, data=str(path), target="yes"), TABLE, Path())
    assert (data.x.column_names, data.y.tolist()) == (["1"], ["a", "b"])


TEXT = KINDS["text-classification"]


def test_texts_in_a_table(tmp_path):
    """The column of texts is found, or named; several are joined by a blank line; a gap is an empty text, which is refused
    where there is no other, or left out where that is asked for.
    """
    path = written(
        tmp_path / "t.csv", 'y,id,title,body\na,k1,T1,"a long text, no doubt"\nb,k2,T2,\na,k3,T3,another one\n'
    )
    with pytest.raises(DataError, match=r"t\.csv: row 2: the text is empty; 1 such texts of 3"):
        read(Task(kind=TEXT.name, data=str(path), target="y"), TEXT, Path())
    data, _ = read(Task(kind=TEXT.name, data=str(path), target="y", on_bad_row="skip"), TEXT, Path())
    assert (data.x.to_pylist(), data.text, data.left_out) == (["a long text, no doubt", "another one"], ("body",), 1)
    assert data.y.tolist() == ["a", "a"]
    data, _ = read(Task(kind=TEXT.name, data=str(path), target="y", text=("title", "body")), TEXT, Path())
    assert data.x.to_pylist()[:2] == ["T1\n\na long text, no doubt", "T2\n\n"]
    with pytest.raises(DataError, match="task.text: .* has no column 'boddy'; did you mean 'body'"):
        read(Task(kind=TEXT.name, data=str(path), target="y", text=("boddy",)), TEXT, Path())


@pytest.mark.parametrize("make", [list, pd.Series, pa.array, np.asarray, lambda texts: pd.DataFrame({"t": texts})])
def test_texts_in_python(make):
    """A list, a series, an array or a frame of texts."""
    texts = ["one file.csv", "two", "three"]
    data, _ = read(Task(kind=TEXT.name, data=make(texts), target=["a", "b", "a"]), TEXT, Path())
    assert (data.x.to_pylist(), data.y.tolist()) == (texts, ["a", "b", "a"])
    with pytest.raises(DataError, match="expected texts, got 0"):
        read(Task(kind=TEXT.name, data=["one", 0], target=["a", "b"]), TEXT, Path())


def test_new_texts(tmp_path):
    """From the column of a table, the lines of a file, a folder of files, or a list."""
    like = pa.chunked_array([pa.array(["x"])])
    path = str(written(tmp_path / "t.csv", "id,msg\n1,hello you\n2,bye now\n"))
    assert read_inputs(path, like, text=("msg",))[0].to_pylist() == ["hello you", "bye now"]
    assert read_inputs(str(written(tmp_path / "t.txt", "hello, you\n\nbye\n")), like)[0].to_pylist() == [
        "hello, you",
        "bye",
    ]
    assert read_inputs(["a", "b"], like)[0].to_pylist() == ["a", "b"]
    (tmp_path / "d").mkdir()
    written(tmp_path / "d" / "1.txt", "hello\nyou")
    written(tmp_path / "d" / "2.txt", "bye")
    assert read_inputs(str(tmp_path / "d"), like)[0].to_pylist() == ["hello\nyou", "bye"]


def test_new_pictures_take_the_size_of_the_old(tmp_path):
    """A folder of pictures is brought to the size and colours that models were fitted on."""
    from PIL import Image

    (tmp_path / "p").mkdir()
    for i in range(2):
        Image.new("RGB", (9, 7), (i, i, i)).save(tmp_path / "p" / f"{i}.png")
    assert read_inputs(str(tmp_path / "p"), np.zeros((1, 4, 4), np.uint8))[0].shape == (2, 4, 4)
    assert read_inputs(str(tmp_path / "p"), np.zeros((1, 4, 4, 3), np.uint8))[0].shape == (2, 4, 4, 3)
    with pytest.raises(DataError, match=r"expected rows of shape \(4, 4\), got shape \(2, 5, 5\)"):
        read_inputs(np.zeros((2, 5, 5)), np.zeros((1, 4, 4), np.uint8))[0]


def test_labels_written_otherwise(tmp_path):
    """A mapping holds for the data and for its test part."""
    train = written(tmp_path / "a.csv", "x,y\n1,<=50K\n2,>50K\n")
    test = written(tmp_path / "b.csv", "x,y\n1,<=50K.\n2,>50K.\n")
    task = Task(
        kind=TABLE.name, data=str(train), test=str(test), target="y", labels={"<=50K.": "<=50K", ">50K.": ">50K"}
    )
    _, evaluated = read(task, TABLE, Path())
    assert evaluated.y.tolist() == ["<=50K", ">50K"]


def test_the_kind_must_suit(tmp_path):
    """A table is no set of pictures, and labels that come with the data are not named as a column."""
    path = written(tmp_path / "t.csv", "a,y\n1,2\n")
    with pytest.raises(DataError, match="t.csv holds a table, and a task of kind image-classification wants pictures"):
        read(Task(kind=IMAGE.name, data=str(path), target="y"), IMAGE, Path())
    with pytest.raises(DataError, match="brings its labels with it; leave task.target out"):
        read(Task(kind=TABLE.name, data="sklearn:iris", target="species"), TABLE, Path())
