"""Several series at once, in columns or one below the other: read as each alone, and told by name."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from concours.core.errors import ConcoursError, DataError
from concours.tasks.kinds import kind_named
from concours.tasks.outputs.series import Series
from concours.tasks.readers.opened import Options
from concours.tasks.series.finding import find
from concours.tasks.series.reading import read, renew
from concours.tasks.task import Split, Task

KIND = kind_named("forecasting")
NAMES = ("north", "south", "west")


def wide(steps: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    days = pd.date_range("2026-01-01", periods=steps)
    return pd.DataFrame({"day": days, **{name: rng.normal(size=steps).cumsum() for name in NAMES}})


def long(steps: int = 60) -> pd.DataFrame:
    """The same, a row a place and day, the days of a place one behind the other."""
    return wide(steps).melt("day", list(NAMES), "place", "sold")


def task(data, target=NAMES, **keys) -> Task:
    own = {"horizon": 3, "context": 7, **keys.pop("options", {})}
    return Task(kind="forecasting", data=data, target=target, options=own, split=Split(time="day"), **keys)


def of_long(data, **keys) -> Task:
    return task(data, "sold", options={"series": "place"}, **keys)


def test_columns_are_forecast_together(tmp_path):
    """A row has the context of each and the horizon of each, as if each were alone; scales are those of each alone."""
    wide().to_csv(tmp_path / "w.csv", index=False)
    data = read(task("w.csv"), KIND, tmp_path)[0]
    each = [read(task(wide()[["day", name]], name), KIND, tmp_path)[0] for name in NAMES]
    assert data.x.tolist() == pytest.approx(np.hstack([one.x for one in each]))
    assert np.asarray(data.y) == pytest.approx(np.hstack([one.y for one in each]))
    assert data.meta["scales"] == pytest.approx([one.meta["scales"][0] for one in each])
    assert data.meta["targets"] == 3
    some = read(task(wide(), ["south"]), KIND, tmp_path)[0]
    assert (some.meta["channels"], some.meta["targets"]) == (("south", "north", "west"), 1)


def test_a_long_table_is_the_wide_one(tmp_path):
    """Whatever the order of its rows; and new rows, in either order, come to the same."""
    shuffled = long().sample(frac=1, random_state=1)
    shuffled.to_csv(tmp_path / "l.csv", index=False)
    data, known = read(of_long("l.csv"), KIND, tmp_path)[0], read(task(wide()), KIND, tmp_path)[0]
    order = [NAMES.index(name) for name in data.meta["channels"]]
    assert sorted(order) == [0, 1, 2]
    by_series = np.asarray(known.x).reshape(len(known.x), 3, -1)[:, order].reshape(len(known.x), -1)
    assert data.x == pytest.approx(by_series)
    found, opened = renew(long()[::-1], data.x, meta={**Series(**data.meta).meta})
    ahead = [date(2026, 3, day) for day in (2, 3, 4)]
    channels = [name for name in data.meta["channels"] for _ in ahead]
    assert opened.called.to_pydict() == {"place": channels, "day": ahead * 3}
    beside = renew(wide(), known.x, meta={**Series(**known.meta).meta})[1].called
    assert beside.to_pydict() == {"series": [name for name in NAMES for _ in ahead], "day": ahead * 3}
    assert found.shape == (1, 21)
    assert found[0, :7] == pytest.approx(wide()[data.meta["channels"][0]].to_numpy()[-7:])


FAULTS = {
    "twice": (lambda t: pd.concat([t, t[5:6]]), "'north' has 2026-01-06.* twice .1 such rows, first row 181"),
    "one point": (
        lambda t: pd.concat([t, pd.DataFrame({"day": [t.day[0]], "place": ["east"], "sold": [1.0]})]),
        "series 'east' has 1 row of 60 moments .1 such series, first row 181.; a series has half of them at least",
    ),
    "a gap": (lambda t: t.drop(index=[70]), "'south' is missing in 1 of 60 rows, first in row 11"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_with_a_long_table_is_told(fault, tmp_path):
    """With series and row; with on_bad_row the series or the origins near are left out, and counted."""
    change, said = FAULTS[fault]
    change(long()).to_csv(tmp_path / "l.csv", index=False)
    with pytest.raises(ConcoursError, match=said) as refused:
        read(of_long("l.csv"), KIND, tmp_path)
    assert "\n" not in str(refused.value)
    data = read(of_long("l.csv", on_bad_row="skip"), KIND, tmp_path)[0]
    assert set(data.meta["channels"]) == set(NAMES)
    assert any(said.split(" ")[0] in warning for warning in data.warnings)
    assert data.left_out or any("left out" in warning for warning in data.warnings)


REFUSED = {
    "no such column": (of_long(long()[["day", "sold"]]), "has no column 'place'"),
    "several values": (task(long(), ["sold", "place"], options={"series": "place"}), "has one column of values"),
    "named twice": (task(wide(), ["north", "north"]), "a column is named twice"),
    "a number": (task(long(), "sold", options={"series": 3}), "task.options.series must be the name of the column"),
    "words": (replace(of_long(long().assign(sold="much"))), "'sold' must hold numbers"),
    "one that is still": (task(wide().assign(west=1.0)), "'west' is the same at every step"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_asked_wrongly_is_told(case, tmp_path):
    """In one line."""
    asked, said = REFUSED[case]
    with pytest.raises(ConcoursError, match=said) as refused:
        read(asked, KIND, tmp_path)
    assert "\n" not in str(refused.value)


def test_long_tables_are_found(tmp_path):
    """By what tells moments apart that stand in several rows."""
    long().to_csv(tmp_path / "l.csv", index=False)
    keys = {key: value for key, (value, _) in find(tmp_path / "l.csv", Options()).items()}
    assert keys["options"] == {"horizon": 3, "series": "place"}
    assert (keys["target"], keys["split"]["time"]) == ("sold", "day")


def test_named_targets_are_found(tmp_path):
    """Several, as a person names them; one that is none is told."""
    wide().to_csv(tmp_path / "w.csv", index=False)
    assert find(tmp_path / "w.csv", Options(names=("west", "north")))["target"][0] == ["west", "north"]
    with pytest.raises(ConcoursError, match="no column of numbers 'est'"):
        find(tmp_path / "w.csv", Options(names=("west", "est")))


def output() -> Series:
    return Series(horizon=2, context=4, levels=(0.1, 0.5, 0.9), channels=("a", "b"), targets=2, scales=(1.0, 10.0))


def test_several_series_are_told_by_name():
    """A file has an object of lists; reading it gives back what was written, whichever form it has."""
    one = output()
    p = np.sort(np.random.default_rng(0).normal(size=(3, 4, 3)), axis=2).reshape(3, -1)
    columns = one.columns(p, None, proba=False)
    assert list(json.loads(columns["prediction"][0].as_py())) == ["a", "b"]
    assert one.given(pa.table(columns), "p.csv").named.tolist() == p.tolist()
    assert one.answers(p, None).shape == (3, 2, 2, 3)
    lines = one.lines(p, None, proba=False)
    assert lines["prediction"].to_pylist() == lines["q0.5"].to_pylist() == p[:, 1::3].ravel().tolist()
    points = one.given(pa.table({"prediction": ["[[1, 2], [3, 4]]"]}), "p.csv").named
    assert points.tolist() == [[1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]]
    with pytest.raises(ConcoursError, match="a list of 2 numbers for the name of each series"):
        one.given(pa.table({"prediction": ['{"a": [1, 2]}']}), "p.csv")


def test_errors_are_in_units_of_each_series():
    """`mase` by the scale of each, `mse` and `mae` by its deviation; a series alone is what it is in a task of its own."""
    one = replace(output(), deviations=(2.0, 20.0))
    y, p = np.zeros((1, 4)), np.repeat([[1.0, 1.0, 10.0, 10.0]], 3, axis=0).T.reshape(1, -1)
    assert one.usual[0] == "mse"
    assert one.metric("mase").score(y, p) == pytest.approx(1.0)
    assert one.metric("mae").score(y, p) == pytest.approx(0.5)
    assert one.metric("mse").score(y, p) == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("long", "doubled", "said"),
    [
        (True, 1, "series 'a' has 2026-01-05 00:00:00 twice (1 such rows, first row 6)"),
        (False, 1, "'day' has 2026-01-05 00:00:00 twice (1 such rows, first row 6)"),
        (False, 30, None),
    ],
)
def test_a_date_that_comes_twice_is_named_where_a_forecast_is_asked_for(long, doubled, said, tmp_path):
    """One doubled row is left out and said, in a long table too; many are refused, with the first of them."""
    days = [str(np.datetime64("2026-01-01") + step) for step in range(60)]
    lines = [f"{day},{name},{step % 7}" for name in ("ab" if long else "a") for step, day in enumerate(days)]
    twice = [line for place, line in enumerate(lines) for _ in range(1 + (4 <= place < 4 + doubled))]
    (tmp_path / "s.csv").write_text("\n".join(["day,shop,sold", *twice]))
    if said is None:
        with pytest.raises(DataError, match=r"'day' has 2026-01-05 00:00:00 twice \(30 such rows, first row 6\)"):
            find(tmp_path / "s.csv", Options(asked=True))
        return
    keys = find(tmp_path / "s.csv", Options(asked=True))
    assert keys["on_bad_row"][0] == "skip"
    assert said in keys["on_bad_row"][1]
    assert keys["options"][0].get("series") == ("shop" if long else None)
