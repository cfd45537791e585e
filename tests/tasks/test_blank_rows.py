"""Rows of which every cell is blank, as spreadsheets leave them, are no rows: for every kind that reads tables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from concours.core.errors import DataError
from concours.core.registry import load
from concours.tasks.kinds import KINDS
from concours.tasks.new_rows import read_inputs
from concours.tasks.predicted import Wanted, read_file
from concours.tasks.readers.blank import blank_said, filled_rows
from concours.tasks.readers.opened import Options
from concours.tasks.readers.source import open_source
from concours.tasks.task import Split, Task

FILES = {
    "commas": ("a,b\n1,x\n,\n2,y\n,\n", [0, 2]),
    "semicolons and blanks": ("a;b\n1;x\n ; \n2;y\n", [0, 2]),
    "tabs": ("a\tb\n\t\n1\tx\n2\ty\n", [1, 2]),
    "quotes": ('a,b\n"1","x"\n"",""\n2,y\n', [0, 2]),
    "without a header": ("1,5\n2,6\n,\n3,7\n", [0, 1, 3]),
    "a last column without a name": ("a,b,\n1,x,\n,,\n2,y,\n", [0, 2]),
    "one cell is filled": ("a,b\n1,x\n,y\n2,\n", None),
    "one column": ('a\n1\n""\n2\n', None),
    "a word for missing": ("a,b\n1,x\nNA,NA\n2,y\n", None),
}


@pytest.mark.parametrize("case", FILES)
def test_rows_that_are_blank_throughout_are_left_out_and_told_by_their_numbers(case: str, tmp_path: Path) -> None:
    """A fault of one reader, whatever the file is written like; and that no row with a cell goes."""
    content, kept = FILES[case]
    (tmp_path / "t.csv").write_text(content)
    opened = open_source("t.csv", tmp_path)
    said = [text for text in opened.warnings if "blank row" in text]
    assert (None if opened.rows is None else opened.rows.tolist()) == kept
    assert len(said) == (kept is not None)
    if kept is not None:
        assert len(opened.x) == len(kept)
        assert all(field.type == pa.int64() for field in opened.x.schema if field.name in ("a", "0"))


def test_rows_that_cannot_be_read_are_numbered_beside_blank_ones(tmp_path: Path) -> None:
    """Both are left out of one file, and no number shifts."""
    (tmp_path / "t.csv").write_text("a,b\n1,x\n2\n,\n3,y\n,\n4,z\n")
    opened = open_source("t.csv", tmp_path, Options(on_bad_row="skip"))
    assert opened.rows is not None
    assert (opened.rows.tolist(), opened.left_out) == ([0, 3, 5], 3)
    assert opened.warnings[-1] == "t.csv: 2 blank rows left out: rows 3, 5"


def test_blank_rows_are_those_without_any_cell() -> None:
    """The quick way, column by column over what is still blank, is a walk over all cells."""
    rng = np.random.default_rng(0)
    for rows in (0, 1, 7, 200):
        cells = rng.choice(np.array(["", " ", "a"], dtype=object), p=[0.4, 0.4, 0.2], size=(rows, 3))
        table = pa.table({str(place): pa.array(cells[:, place], pa.string()) for place in range(3)})
        known = [row for row in range(rows) if any(cell.strip() for cell in cells[row])]
        found = filled_rows(table)
        assert (list(range(rows)) if found is None else found.tolist()) == known


SAID = {
    (3,): "1 blank row left out: row 4",
    (1, 2, 3, 8): "4 blank rows left out: rows 2 to 4, 9",
    tuple(range(0, 24, 2)): "12 blank rows left out: rows 1, 3, 5, 7, 9, 11, 13, 15 and 4 more",
}


@pytest.mark.parametrize("places", SAID)
def test_blank_rows_are_told_in_runs(places: tuple[int, ...]) -> None:
    """A thousand lines at the end of a sheet are one run, and no list is long."""
    assert blank_said(np.array(places)) == SAID[places]


_STEPS = [f"2026-01-{day:02}" for day in range(1, 29)]
_TABLE = ["x,y,z", *(f"{row % 7},{row % 5},{'ab'[row % 2]}" for row in range(40))]
_LOG = ["u,i,r,t", *(f"u{row // 6},i{row * 7 % 11},{row % 5 + 1},{row}" for row in range(60))]
_SERIES = ["t,v", *(f"{day},{place % 7 + 0.5}" for place, day in enumerate(_STEPS))]
_WINDOWS = ["id,t,x,y", *(f"w{row // 5},{row % 5},{row * 3 % 11}.5,{'ab'[row // 5 % 2]}" for row in range(60))]
_FEW: Mapping[str, Any] = {"split": Split(test=0.3, folds=2)}

KINDS_READ: Mapping[str, tuple[list[str], Mapping[str, Any]]] = {
    "tabular-classification": (_TABLE, {"target": "z", **_FEW}),
    "tabular-regression": (_TABLE, {"target": "y", **_FEW}),
    "multi-output": (_TABLE, {"target": ("y", "z"), **_FEW}),
    "clustering": (_TABLE, _FEW),
    "rating": (_LOG, {"target": "r", "options": {"user": "u", "item": "i"}, **_FEW}),
    "recommendation": (_LOG, {"id": "u", "target": "i", "options": {"time": "t", "held": 0.2}, **_FEW}),
    "forecasting": (_SERIES, {"target": "v", "split": Split(test=0.3), "options": {"horizon": 2, "context": 4}}),
    "sequence-classification": (_WINDOWS, {"id": "id", "target": "y", "options": {"time": "t"}, **_FEW}),
}


@pytest.mark.parametrize("name", KINDS_READ)
def test_a_kind_reads_a_file_with_blank_rows_as_the_one_without(name: str, tmp_path: Path) -> None:
    """Of every kind: the same rows and targets, and one line that says it."""
    lines, keys = KINDS_READ[name]
    kind, blank = KINDS.own[name], "," * lines[0].count(",")
    found = []
    for file, content in {"whole.csv": lines, "blank.csv": [*lines[:9], blank, *lines[9:], blank, blank]}.items():
        (tmp_path / file).write_text("\n".join(content) + "\n")
        found.append(load(kind.input.reader)(Task(kind=name, data=file, **keys), kind, tmp_path)[0])
    whole, other = found
    assert len(whole) == len(other)
    assert _plain(whole.x) == _plain(other.x)
    assert _plain(whole.y) == _plain(other.y)
    said = f"blank.csv: 3 blank rows left out: rows 9, {len(lines) + 1} to {len(lines) + 2}"
    assert [text for text in other.warnings if "blank row" in text] == [said]


def _plain(values: Any) -> Any:
    return values.to_pydict() if isinstance(values, pa.Table) else np.asarray(values).tolist()


LATER = {
    "the target": ("x,y\n1,a\n,\n2,\n3,b\n", {"target": "y"}, "first in row 3"),
    "of a rating": (
        "u,i,r\na,b,3\n,,\na,c,\n",
        {"target": "r", "options": {"user": "u", "item": "i"}},
        "row 3: the rating 'r' is missing",
    ),
}


@pytest.mark.parametrize("case", LATER)
def test_later_messages_have_the_numbers_of_the_file(case: str, tmp_path: Path) -> None:
    """A person looks for the row that a message names in the file, where blank rows count."""
    content, keys, said = LATER[case]
    kind = KINDS.own["rating" if "options" in keys else "tabular-classification"]
    (tmp_path / "t.csv").write_text(content)
    with pytest.raises(DataError, match=said):
        load(kind.input.reader)(Task(kind=kind.name, data="t.csv", **keys), kind, tmp_path)


def test_a_blank_row_amid_a_series_without_times_is_a_gap(tmp_path: Path) -> None:
    """Steps are told by rows there, and no two may be joined that were apart; at the end it is nothing."""
    lines = ["v,w", *(f"{place % 7},{place % 3}" for place in range(40))]
    kind, keys = KINDS.own["forecasting"], {"target": "v", "options": {"horizon": 2, "context": 4}}
    task = Task(kind="forecasting", data="t.csv", split=Split(test=0.3), **keys)
    (tmp_path / "t.csv").write_text("\n".join([*lines, ",", ","]) + "\n")
    assert len(load(kind.input.reader)(task, kind, tmp_path)[0])
    (tmp_path / "t.csv").write_text("\n".join([*lines[:11], ",", *lines[11:]]) + "\n")
    with pytest.raises(DataError, match=r"t\.csv has gaps: 1 rows? .*first after row 10"):
        load(kind.input.reader)(task, kind, tmp_path)


def test_new_rows_that_are_blank_get_no_prediction_and_it_is_said_which(tmp_path: Path) -> None:
    """Predictions are told row for row, so a person must know which rows have none."""
    like = pa.table({"x": [1, 2, 3], "y": ["a", "b", "c"]})
    (tmp_path / "new.csv").write_text("x,y\n1,a\n,\n2,b\n,\n,\n")
    said: list[str] = []
    x, _ = read_inputs(tmp_path / "new.csv", like, told=said.append)
    assert isinstance(x, pa.Table)
    assert x.to_pydict() == {"x": [1, 2], "y": ["a", "b"]}
    assert said == ["new.csv: 3 blank rows without a prediction: rows 2, 4 to 5"]


def test_lines_of_a_file_of_predictions_are_those_of_the_file(tmp_path: Path) -> None:
    """A fault of a submission is told by its line, where blank lines count."""
    (tmp_path / "p.csv").write_text("id,prediction\n1,a\n,\n2,b\n")
    table = read_file(tmp_path / "p.csv", Wanted(classes=("a", "b"), id="id"))
    assert table["line of the file"].to_pylist() == [2, 4]
