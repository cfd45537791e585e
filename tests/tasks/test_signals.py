"""Signals: steps of series as rows that are told from their past alone, and when they are strange."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from concours.core.errors import ContestError, DataError
from concours.core.registry import load
from concours.tasks.division import divide
from concours.tasks.kinds import KINDS
from concours.tasks.outputs.anomaly import Anomaly
from concours.tasks.readers.opened import Options
from concours.tasks.reading import Data
from concours.tasks.signals.finding import find, find_rows, sample, sample_rows
from concours.tasks.signals.past import SURPRISES, first_row, rows_of, surprise, told_from_past
from concours.tasks.signals.reading import renew
from concours.tasks.task import Split, Task

KIND = KINDS["anomaly-detection"]
WINDOW = 8


def read(task: Task) -> Data:
    """The training data of a task."""
    data: Data = load(KIND.input.reader)(task, KIND, Path())[0]
    return data


@given(st.lists(st.floats(-100, 100, width=16), min_size=1, max_size=40))
def test_surprise_is_the_share_so_far_that_is_as_high(values: list[float]) -> None:
    """As counted one by one."""
    told = surprise(np.asarray(values))
    naive = [-np.log10(np.mean(np.asarray(values[: n + 1]) >= values[n])) for n in range(len(values))]
    assert told == pytest.approx(naive)


@given(st.integers(1, 39), st.integers(0, 5))
def test_a_row_hangs_on_no_later_step(cut: int, seed: int) -> None:
    """Protects against a look into the future: a series that ends sooner has the same rows as far as it goes."""
    values = np.random.default_rng(seed).standard_normal(3 * WINDOW + 40)
    whole, part = rows_of(values, WINDOW, 12), rows_of(values[:-cut], WINDOW, 12)
    assert whole.shape == (len(values) - first_row(WINDOW), WINDOW + SURPRISES + 1)
    np.testing.assert_array_equal(whole[: len(part)], part)


def test_a_series_that_never_changes_tells_nothing() -> None:
    """No division by zero, and no surprise."""
    rows = rows_of(np.full(60, 7.0), WINDOW, 1)
    assert not rows.any()
    assert not told_from_past(np.full(5, 3.0)).any()


def test_a_step_that_is_off_surprises(tmp_path: Path) -> None:
    """Labels, places and surprises lie on the same rows."""
    data = read(sample(tmp_path, 0))
    strange, place = data.y[:, 0] > 0, data.y[:, 1]
    assert data.meta["window"] == WINDOW
    assert 0.05 < strange.mean() < 0.15
    assert data.x[strange, WINDOW - 1].__abs__().mean() > 3 * np.abs(data.x[~strange, WINDOW - 1]).mean()
    assert (np.diff(place) >= 1).all()
    assert (np.diff(place) > 1).sum() == 11
    assert data.called is not None
    assert data.called["series"].unique().to_pylist() == [f"machine-{number:02}.csv" for number in range(12)]


def test_each_series_is_split_by_its_own_time(tmp_path: Path) -> None:
    """The later half of each judges, series are the observations, and no fold is of one series alone."""
    data = read(sample(tmp_path, 0))
    assert data.beside is not None
    division = divide(
        Split(test=0.5, folds=2),
        data.beside,
        None,
        rng=np.random.default_rng(0),
        test_apart=False,
        name="series",
        spans=data.spans,
        kin=data.kin,
    )
    codes = data.kin
    assert codes is not None
    assert division.groups is not None
    np.testing.assert_array_equal(division.groups, codes)
    for code in range(12):
        mine = codes == code
        judges, fitted = data.y[mine & division.in_test, 1], data.y[mine & division.in_train, 1]
        assert len(judges) == pytest.approx(mine.sum() / 2, abs=1)
        assert judges.min() > fitted.max()
        assert set(division.folds[codes[division.in_train] == code].tolist()) == {0, 1}


def test_few_series_are_observed_by_blocks_of_their_time(tmp_path: Path) -> None:
    """A handful of series would tell little of how sure a score is."""
    data = read(sample(tmp_path, 0))
    assert data.kin is not None
    assert data.spans is not None
    assert data.beside is not None
    few = data.kin < 3
    division = divide(
        Split(test=0.5, folds=2),
        data.beside,
        None,
        rng=np.random.default_rng(0),
        test_apart=False,
        name="series",
        spans=data.spans[few],
        kin=data.kin[few],
    )
    assert division.groups is not None
    blocks = pd.DataFrame({"block": division.groups, "series": data.kin[few], "test": division.in_test})
    assert blocks["block"].nunique() > 12
    assert (blocks.groupby("block")[["series", "test"]].nunique() == 1).all().all()


def test_whole_series_are_held_out_by_group(tmp_path: Path) -> None:
    """Who watches new machines asks for that."""
    task = sample(tmp_path, 0)
    data = read(replace(task, split=Split(test=0.3, folds=2, group="series")))
    assert data.spans is None
    assert data.kin is None
    assert data.beside is not None
    division = divide(
        Split(test=0.3, folds=2, group="series"),
        data.beside,
        None,
        rng=np.random.default_rng(0),
        test_apart=False,
        name="series",
    )
    names = np.asarray(data.beside["series"].to_pylist())
    assert not set(names[division.in_test]) & set(names[division.in_train])


def test_a_table_may_name_its_series_and_its_labels(tmp_path: Path) -> None:
    """Rows of two machines, one file, a column of labels."""
    rng, steps = np.random.default_rng(0), 80
    frame = pd.DataFrame(
        {
            "hour": np.tile(pd.date_range("2026-01-01", periods=steps, freq="h").astype(str), 2),
            "machine": np.repeat(["a", "b"], steps),
            "heat": rng.standard_normal(2 * steps).round(3),
            "fault": np.tile(np.arange(steps) % 20 == 0, 2).astype(int),
        }
    )
    frame.to_csv(tmp_path / "heat.csv", index=False)
    task = Task(
        kind=KIND.name,
        data=str(tmp_path / "heat.csv"),
        target="fault",
        options={"series": "machine", "value": "heat"},
    )
    data = read(task)
    assert len(data) == 2 * (steps - first_row(WINDOW))
    assert data.y[:, 0].sum() == 2 * sum(step % 20 == 0 for step in range(first_row(WINDOW), steps))


def test_new_steps_are_told_as_those_that_were_fitted_on(tmp_path: Path) -> None:
    """The rows of a file that went on are those of the series, and are called by series and time."""
    task = sample(tmp_path, 0)
    data, said = read(task), list[str]()
    meta = {**Anomaly(**data.meta).meta}
    file = Path(str(task.data)) / "machine-03.csv"
    x, opened = renew(str(file), data.x, meta=meta, forms=data.forms, told=said.append)
    assert data.kin is not None
    np.testing.assert_array_equal(x, data.x[data.kin == 3])
    assert opened.called is not None
    assert opened.called.column_names == ["series", "time"]
    assert opened.called["time"][0].as_py() == "2026-01-01 15:00:00"
    assert any("first 15 steps" in line for line in said)


def test_windows_beside_series_are_found(tmp_path: Path) -> None:
    """The kind, from the data alone; what stands in no file of windows is no such data."""
    task = sample(tmp_path, 0)
    keys = find(tmp_path, Options()) or find(Path(str(task.data)), Options())
    assert keys is not None
    assert Path(keys["anomalies"][0]).name == "windows.json"
    assert keys["value"][0] == "heat"
    (tmp_path / "windows.json").write_text(json.dumps({"others.csv": [["2026-01-01", "2026-01-02"]]}))
    assert find(Path(str(task.data)), Options()) is None


_HOURS = [str(hour) for hour in pd.date_range("2026-01-01", periods=60, freq="h")]
_HEAT = [round(float(np.sin(hour)), 3) for hour in range(60)]
_ODD = [int(hour % 20 > 17) for hour in range(60)]
_DAYS_FIRST = [f"{hour[8:10]}/{hour[5:7]}/{hour[:4]} {hour[11:]}" for hour in _HOURS]
_SERIES = {"timestamp": _HOURS, "temp": _HEAT, "is_anomaly": _ODD}
_UNCLEAR = {"timestamp": _HOURS, "temp": _HEAT, "fault": _ODD}

LABELLED = {
    "0 and 1": (_SERIES, True, {"target": "is_anomaly", "value": "temp"}),
    "the day first": ({**_SERIES, "timestamp": _DAYS_FIRST}, True, {"target": "is_anomaly", "value": "temp"}),
    "truths": ({**_SERIES, "is_anomaly": [bool(one) for one in _ODD]}, True, {"target": "is_anomaly"}),
    "words": ({**_SERIES, "is_anomaly": [("no", "yes")[one] for one in _ODD]}, True, {"positive": "yes"}),
    "time, value and label": ({"timestamp": _HOURS, "value": _HEAT, "label": _ODD}, True, {"target": "label"}),
    "a label of no plain name": (_UNCLEAR, False, {"target": "fault", "value": "temp"}),
    "several numbers": ({**_SERIES, "load": _HEAT}, True, {"value": "temp"}),
    "several series": (
        {**{key: [*values, *values] for key, values in _SERIES.items()}, "machine": ["a"] * 60 + ["b"] * 60},
        True,
        {"series": "machine", "value": "temp"},
    ),
    "no times": ({"temp": _HEAT, "odd": _ODD}, False, {"target": "odd", "value": "temp"}),
}


@pytest.mark.parametrize("case", LABELLED)
def test_a_column_of_labels_makes_a_series_to_watch(case: str, tmp_path: Path) -> None:
    """`concours new` finds it where a person names the kind, unasked where names are plain, and the task can be read."""
    columns, plain, wanted = LABELLED[case]
    file = tmp_path / "s.csv"
    pd.DataFrame(columns).to_csv(file, index=False)
    assert (find(file, Options()) is not None) == plain
    keys = find(file, Options(asked=True))
    assert keys is not None
    assert {key: keys[key][0] for key in wanted} == wanted
    told = {key: keys[key][0] for key in ("target", "positive") if key in keys}
    data = read(
        Task(kind=KIND.name, data=str(file), **told, options={k: keys[k][0] for k in ("value", "series") if k in keys})
    )
    assert 0 < data.y[:, 0].mean() < 0.2


def test_files_of_a_series_each_may_be_labelled_in_a_column(tmp_path: Path) -> None:
    """Labels are counted over all, and one file may have no anomaly, whose word it then lacks."""
    for name, odd in (("a.csv", [("ok", "odd")[one] for one in _ODD]), ("b.csv", ["ok"] * 60)):
        pd.DataFrame({"time": _HOURS, "heat": _HEAT, "state": odd}).to_csv(tmp_path / name, index=False)
    assert find(tmp_path, Options()) is None
    keys = find(tmp_path, Options(asked=True))
    assert keys is not None
    assert (keys["target"][0], keys["positive"][0]) == ("state", "odd")
    data = read(Task(kind=KIND.name, data=str(tmp_path), target="state", positive="odd"))
    assert data.called is not None
    assert set(data.called["series"].to_numpy()[data.y[:, 0] > 0]) == {"a.csv"}


UNTOLD = {
    "no labels": (
        {"time": _HOURS, "heat": _HEAT},
        (),
        "give a folder of series, .* a column of labels such as 0 and 1",
    ),
    "labels that are not rare": (
        {"time": _HOURS, "heat": _HEAT, "odd": [0, 1] * 30},
        ("odd",),
        "'odd' does not have two labels, one of them in at most 20%",
    ),
    "no such column": (_SERIES, ("anomaly",), "no column 'anomaly'"),
    "no numbers": ({"time": _HOURS, "odd": _ODD}, (), "no column of numbers beside 'odd'"),
}


@pytest.mark.parametrize("case", UNTOLD)
def test_series_that_nothing_labels_say_what_is_wanted(case: str, tmp_path: Path) -> None:
    """In plain words, where a person says that they are to be watched; else they are left to other kinds."""
    columns, names, said = UNTOLD[case]
    pd.DataFrame(columns).to_csv(tmp_path / "s.csv", index=False)
    with pytest.raises(DataError, match=said):
        find(tmp_path / "s.csv", Options(asked=True, names=names))
    assert find(tmp_path / "s.csv", Options(names=names)) is None


def test_a_rare_label_of_a_table_is_proposed(tmp_path: Path) -> None:
    """Where a person names the kind, and never unasked."""
    task = sample_rows(tmp_path, 0)
    file = Path(str(task.data))
    assert find_rows(file, Options()) is None
    keys = find_rows(file, Options(asked=True))
    assert keys is not None
    assert keys["target"][0] == "fault"
    with pytest.raises(DataError, match="does not have two labels"):
        find_rows(file, Options(asked=True, names=("a",)))


def test_labels_of_words_are_named_by_positive(tmp_path: Path) -> None:
    """The label that means an anomaly is said, never guessed."""
    task = Task(kind="tabular-anomaly-detection", data="rows")
    words = np.array(["ok", "odd", "ok"], dtype=object)
    assert Anomaly.checked(words, replace(task, positive="odd"), "rows").tolist() == [0.0, 1.0, 0.0]
    with pytest.raises(DataError, match=r"rows: row 1: the label is 'ok', and 0 .* positive"):
        Anomaly.checked(words, task, "rows")
    with pytest.raises(DataError, match=r"has no label 'bad'"):
        Anomaly.checked(words, replace(task, positive="bad"), "rows")


def test_gaps_and_series_that_stay_the_same_are_told_of(tmp_path: Path) -> None:
    """They can be read, and a person should know."""
    task = sample(tmp_path, 0)
    holed = tmp_path / "series" / "machine-00.csv"
    lines = holed.read_text().splitlines()
    holed.write_text("\n".join(lines[:60] + lines[70:]) + "\n")
    flat = tmp_path / "series" / "machine-01.csv"
    head, *lines = flat.read_text().splitlines()
    flat.write_text("\n".join([head, *(f"{line.split(',')[0]},5" for line in lines)]) + "\n")
    warnings = read(replace(task, on_bad_row="skip")).warnings
    assert any("gaps in time: machine-00.csv after 2026-01-03" in line for line in warnings)
    assert any("machine-01.csv: the same at every step" in line for line in warnings)


def test_labels_of_one_sort_judge_nothing(tmp_path: Path) -> None:
    """No anomaly, or anomalies alone."""
    for flags, said in ((np.zeros(9), "no row is"), (np.ones(9), "all 9 rows are")):
        with pytest.raises(DataError, match=f"rows: {said} labelled an anomaly"):
            Anomaly.encode(flags, Task(kind="tabular-anomaly-detection", data="rows"), "rows")


def test_what_judges_is_named_once(tmp_path: Path) -> None:
    """A file of windows or a column, not both and not neither."""
    task = sample(tmp_path, 0)
    for wrong in (replace(task, target="heat"), replace(task, options={})):
        with pytest.raises(ContestError, match=r"task\.anomalies: name the JSON file"):
            read(wrong)
    (tmp_path / "windows.json").write_text("[1, 2]")
    with pytest.raises(DataError, match=r"windows\.json: an object was expected"):
        read(task)


def test_measurements_with_a_seldom_label_behind_them_may_be_rows_to_watch(tmp_path):
    """It is proposed beside the classification of a table; a label that is not rare, or words, are no sign."""
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(200, 3)), columns=list("abc"))
    for name, share, found in (("rare", 0.03, True), ("often", 0.15, False)):
        table.assign(odd=(np.arange(200) < 200 * share).astype(int)).to_csv(tmp_path / f"{name}.csv", index=False)
        assert (find_rows(tmp_path / f"{name}.csv", Options()) is not None) is found
    worded = table.assign(city="Rome", odd=(np.arange(200) < 4).astype(int))
    worded.to_csv(tmp_path / "worded.csv", index=False)
    assert find_rows(tmp_path / "worded.csv", Options()) is None
