"""Sequences: what is read of tables, arrays and `.ts` files, and which of them is amiss."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from concours.core.errors import ContestError, DataError
from concours.core.registry import load
from concours.tasks.kinds import KINDS
from concours.tasks.readers.opened import Options
from concours.tasks.reading import Data
from concours.tasks.samples_sequences import gestures, speeds
from concours.tasks.sequences.finding import find_classes, find_number
from concours.tasks.sequences.gathering import Columns, gathered, padded
from concours.tasks.task import Split, Task

KIND = KINDS["sequence-classification"]

TS = """# of two channels
@problemName toy
@timeStamps false
@univariate false
@dimensions 2
@classLabel true go stop
@data
1,2,3:4,5,6:go
1,2:4,?:stop
"""


def _read(task: Task, folder: Path) -> tuple[Data, Data | None]:
    kind = KINDS[task.kind]
    found: tuple[Data, Data | None] = load(kind.input.reader)(task, kind, folder)
    return found


def _task(data: Any, **more: Any) -> Task:
    return Task(kind="sequence-classification", data=data, **more)


def _table(**columns: Any) -> pa.Table:
    given = {"id": ["b", "b", "a", "a", "a"], "t": [1, 0, 2, 0, 1], "x": [1.0, 2.0, 3.0, 4.0, 5.0]}
    return pa.table({**given, **columns})


def test_rows_of_one_id_are_a_sequence_in_the_order_of_time() -> None:
    found = gathered(_table(), "t.csv", Columns(id="id", time="t"), skip=False)
    assert found.table["id"].to_pylist() == ["b", "a"]
    assert [one.tolist() for one in found.values] == [[[2.0, 1.0]], [[4.0, 5.0, 3.0]]]
    assert found.channels == ("x",)
    assert "rows are put in the order of 't'" in found.notes
    assert list(found.forms) == ["x", "t"]


def test_the_order_of_rows_counts_where_there_is_no_time() -> None:
    found = gathered(_table(), "t.csv", Columns(id="id", apart=("t",)), skip=False)
    assert [one.tolist() for one in found.values] == [[[1.0, 2.0]], [[3.0, 4.0, 5.0]]]


def test_channels_that_never_change_are_left_out_and_said() -> None:
    found = gathered(_table(still=[7] * 5), "t.csv", Columns(id="id", time="t"), skip=False)
    assert found.channels == ("x",)
    assert "left out, as they never change: still" in found.notes
    kept = gathered(_table(still=[7] * 5), "t.csv", Columns(id="id", time="t", channels=("x", "still")), skip=False)
    assert kept.channels == ("x", "still")


def test_infinite_values_are_refused_with_their_row() -> None:
    """A file of text has gaps there; a typed source may have them."""
    table = _table(x=[1.0, 2.0, 3.0, float("inf"), 5.0])
    with pytest.raises(DataError, match="sequence a has an infinite value in row 4; finite numbers were expected"):
        gathered(table, "t.parquet", Columns(id="id", time="t"), skip=False)
    found = gathered(table, "t.parquet", Columns(id="id", time="t"), skip=True)
    assert len(found) == 1
    assert found.left_out == 1


def test_shorter_sequences_end_in_gaps() -> None:
    found = padded([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0, 5.0, 6.0]])], 3)
    np.testing.assert_array_equal(found, np.array([[[1, 2, np.nan]], [[3, 4, 5]]], dtype=np.float32))


def test_a_table_becomes_rows_with_targets(tmp_path: Path) -> None:
    data, judging = _read(gestures(tmp_path, 0), tmp_path)
    assert judging is None
    assert data.x.shape == (72, 2, 17)
    assert np.isnan(data.x[:, :, -1]).any()
    assert data.ids is not None
    assert data.ids.to_pylist()[:2] == ["0", "1"]
    assert data.beside is not None
    assert set(data.beside.column_names) == {"trial", "person"}
    assert sorted(set(data.y)) == ["push", "turn", "wave"]


def test_new_sequences_have_the_steps_of_the_fit_and_say_what_is_cut(tmp_path: Path) -> None:
    data, _ = _read(gestures(tmp_path, 0), tmp_path)
    assert isinstance(data.x, np.ndarray)
    lines = ["trial,step,x,y", *(f"7,{step},{step / 10},1" for step in range(20)), "8,1,5,6", "8,0,3,4"]
    (tmp_path / "new.csv").write_text("\n".join(lines))
    said: list[str] = []
    renew = load(KIND.input.renewer)
    x, opened = renew(str(tmp_path / "new.csv"), data.x, forms=data.forms, written=("trial",), told=said.append)
    assert x.shape == (2, 2, 17)
    np.testing.assert_allclose(x[0, 0], np.arange(17) / 10, rtol=1e-6)
    np.testing.assert_array_equal(x[1, :, :3], [[3, 5, np.nan], [4, 6, np.nan]])
    assert opened.x["trial"].to_pylist() == ["7", "8"]
    assert any("1 of 2 sequences are longer than the 17 steps" in text for text in said)


def test_a_ts_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "toy.ts").write_text(TS)
    data, _ = _read(_task("toy.ts"), tmp_path)
    np.testing.assert_array_equal(data.x, np.array([[[1, 2, 3], [4, 5, 6]], [[1, 2, np.nan], [4, np.nan, np.nan]]]))
    assert data.y.tolist() == ["go", "stop"]


def test_a_pair_of_ts_files_is_a_test_part(tmp_path: Path) -> None:
    for part in ("TRAIN", "TEST"):
        (tmp_path / f"Toy_{part}.ts").write_text(TS)
    data, judging = _read(_task("."), tmp_path)
    assert data.name == "Toy_TRAIN.ts"
    assert judging is not None
    assert judging.name == "Toy_TEST.ts"


@pytest.mark.parametrize("turned", [False, True])
def test_arrays_are_read_with_steps_along_the_longer_axis(tmp_path: Path, *, turned: bool) -> None:
    x = np.random.default_rng(0).standard_normal((6, 2, 5))
    np.savez(tmp_path / "a.npz", X=np.swapaxes(x, 1, 2) if turned else x, y=list("ababab"), who=np.arange(6) // 2)
    data, _ = _read(_task("a.npz", split=Split(group="who")), tmp_path)
    np.testing.assert_allclose(data.x, x, rtol=1e-6)
    assert data.y.tolist() == list("ababab")
    assert data.beside is not None
    assert data.beside["who"].to_pylist() == [0, 0, 1, 1, 2, 2]


def test_arrays_of_python_may_be_of_different_lengths() -> None:
    x = [np.ones((2, 3)), np.arange(8.0).reshape(2, 4)]
    data, _ = _read(_task(x, target=np.array(["a", "b"])), Path())
    assert data.x.shape == (2, 2, 4)
    assert data.y.tolist() == ["a", "b"]


def test_a_sequence_without_a_target_is_left_out_where_that_is_asked(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,x,label\n1,1,a\n1,2,a\n2,3,\n2,4,\n3,5,b\n3,6,b\n")
    task = _task("a.csv", id="id", target="label")
    with pytest.raises(DataError, match="the target 'label' is missing in 1 of 3 rows"):
        _read(task, tmp_path)
    data, _ = _read(replace(task, on_bad_row="skip"), tmp_path)
    assert data.left_out == 1
    assert data.y.tolist() == ["a", "b"]


def test_options_are_checked(tmp_path: Path) -> None:
    task = gestures(tmp_path, 0)
    with pytest.raises(ContestError, match=r"task\.options\.tme: unknown key; did you mean 'time'"):
        _read(replace(task, options={"tme": "step"}), tmp_path)
    with pytest.raises(
        DataError, match="task.id is missing: name the column that says which sequence a row belongs to"
    ):
        _read(replace(task, id=None), tmp_path)


def test_sequences_are_found_by_their_columns(tmp_path: Path) -> None:
    gestures(tmp_path, 0), speeds(tmp_path, 0)
    found = find_classes(tmp_path / "gestures.csv", Options(names=("gesture",)))
    assert found is not None
    assert {key: value for key, (value, _) in found.items() if key != "data"} == {
        "id": "trial",
        "target": "gesture",
        "split": {"test": 0.3, "group": "person", "folds": 4},
        "options": {"time": "step"},
    }
    assert find_number(tmp_path / "gestures.csv", Options(names=("gesture",))) is None
    assert find_classes(tmp_path / "speeds.csv", Options(names=("speed",))) is None
    assert find_number(tmp_path / "speeds.csv", Options(names=("speed",))) is not None


def test_tables_of_rows_that_stand_alone_are_no_sequences(tmp_path: Path) -> None:
    lines = ["sample_id,x,label", *(f"{i},{i % 7},{'ab'[i % 2]}" for i in range(60))]
    (tmp_path / "plain.csv").write_text("\n".join(lines))
    assert find_classes(tmp_path / "plain.csv", Options()) is None
    (tmp_path / "visits.csv").write_text("day,visits\n2026-01-01,3\n2026-01-02,4\n")
    assert find_classes(tmp_path / "visits.csv", Options()) is None


def test_files_of_sequences_are_found(tmp_path: Path) -> None:
    """Arrays may be pictures, so that a person has to name their kind; a `.ts` file is what it is."""
    (tmp_path / "toy.ts").write_text(TS)
    found = find_classes(tmp_path / "toy.ts", Options())
    assert found is not None
    assert found["target"] == ("target", "2 values (go, stop)")
    assert find_number(tmp_path / "toy.ts", Options()) is None
    np.savez(tmp_path / "a.npz", X=np.zeros((6, 2, 5)), y=list("ababab"))
    assert find_classes(tmp_path / "a.npz", Options()) is None
    arrays = find_classes(tmp_path / "a.npz", Options(asked=True))
    assert arrays is not None
    assert arrays["target"][0] == "y"


def test_who_asks_for_the_kind_is_told_what_is_lacking(tmp_path: Path) -> None:
    (tmp_path / "plain.csv").write_text("a,b\n1,2\n3,4\n")
    with pytest.raises(DataError, match="has no column called like 'sequence_id', 'series' or 'trial'"):
        find_classes(tmp_path / "plain.csv", Options(asked=True))
    (tmp_path / "some.csv").write_text("trial,b\n1,2\n1,4\n")
    with pytest.raises(DataError, match="nothing tells the target: name it by --target; columns are trial, b"):
        find_classes(tmp_path / "some.csv", Options(asked=True))
