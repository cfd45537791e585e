"""Series: a table with a row a step becomes origins, as a loop would cut them; what is wrong with one is one line."""

from __future__ import annotations

import gzip
import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.core.errors import ConcoursError
from concours.core.typed import typed
from concours.engine.ingest import ingest
from concours.engine.rows import held_out
from concours.kernels.rows.spans import overlapping
from concours.stores.blobs import get_array
from concours.stores.memory import MemoryStore
from concours.tasks.cells import Form, forms_of, schema_of
from concours.tasks.division import divide
from concours.tasks.kinds import kind_named
from concours.tasks.outputs.series import Series
from concours.tasks.outputs.table import output_told, output_valued
from concours.tasks.readers.opened import Options
from concours.tasks.series.finding import find
from concours.tasks.series.reading import read, renew
from concours.tasks.series.stamps import following, stamps_of
from concours.tasks.task import Split, Task

KIND = kind_named("forecasting")
QUICK = settings(max_examples=30)


def frame(steps: int = 60, freq: str = "D", seed: int = 0) -> pd.DataFrame:
    """A wave, one beside it, and words, by time."""
    rng = np.random.default_rng(seed)
    wave = np.sin(np.arange(steps)) + rng.normal(scale=0.1, size=steps)
    days = pd.date_range("2026-01-31", periods=steps, freq=freq)
    return pd.DataFrame({"day": days, "beside": wave**2, "sold": wave, "note": ["as usual", "rain"] * (steps // 2)})


def task(data, **options) -> Task:
    more = {key: options.pop(key) for key in ("target", "split", "test", "on_bad_row", "drop") if key in options}
    return Task(kind="forecasting", data=data, options={"horizon": 3, **options}, **{"target": "sold"} | more)


def cut(values: np.ndarray, context: int, horizon: int, step: int) -> tuple[list, list, list]:
    """Rows, targets and origins of channels (channels, steps), the plain way."""
    last = values.shape[1] - horizon
    origins = list(range(last, context - 1, -step))[::-1]
    rows = [
        [values[c, origin - back] for c in range(len(values)) for back in range(context, 0, -1)] for origin in origins
    ]
    return rows, [[values[0, origin + ahead] for ahead in range(horizon)] for origin in origins], origins


@QUICK
@given(st.integers(1, 4), st.integers(1, 8), st.integers(1, 5))
def test_origins_are_cut_as_a_loop_cuts_them(horizon, context, step):
    """The channel that is forecast is first, context behind context, and the last origin has the last steps as target."""
    table = frame()
    data, test = read(task(table, horizon=horizon, context=context, step=step), KIND, Path())
    x, y, origins = cut(table[["sold", "beside"]].to_numpy().T, context, horizon, step)
    assert test is None
    assert data.x.tolist() == x
    assert data.y.tolist() == y
    assert data.spans.tolist() == [[o - context, o, o + horizon] for o in origins]
    assert data.meta["channels"] == ("sold", "beside")


def test_rows_that_judge_or_are_held_out_share_no_step_of_theirs_with_rows_that_are_fitted_on():
    """Training targets end before the first judged one; a fold is fitted on no row whose steps meet a held-out row's."""
    store, split = MemoryStore(), Split(test=0.25, folds=4)
    problem = ingest(task(frame(120), context=4, split=split), store, seed=0, folder=Path()).problem
    spans, folds = get_array(store, problem.train.spans), get_array(store, problem.folds)
    judged = get_array(store, problem.test.spans)
    assert spans[:, 1].max() <= judged[:, 0].min() + 4  # a judged row's context may hold targets of training rows
    assert problem.train.in_time
    for fold in range(problem.n_folds):
        apart = held_out(folds, fold)
        near = overlapping(spans, apart)
        for row in np.flatnonzero(~near):
            assert all(spans[row, 1] <= begin or end <= spans[row, 0] for begin, end in spans[apart])


def test_the_scale_is_of_the_training_part_alone():
    """What comes after the first judged origin changes no score's unit."""
    table = frame(80)
    split = Split(test=0.3)
    scale = read(task(table, split=split), KIND, Path())[0].meta["scales"]
    later = table.assign(sold=np.where(np.arange(80) >= 70, table["sold"] * 9, table["sold"]))
    assert read(task(later, split=split), KIND, Path())[0].meta["scales"] == scale
    whole = read(task(later, split=Split(test=0.0)), KIND, Path())[0].meta["scales"]
    assert whole != scale


@pytest.mark.parametrize("write", ["plain", "gz", "parquet", "frame", "mixed up", "arrow"])
def test_a_series_is_the_same_in_whatever_form_it_comes(write, tmp_path):
    """Files, compressed ones, typed ones, objects of Python; and rows in another order, which is said."""
    table = frame()
    expected = read(task(table), KIND, Path())[0]
    path = tmp_path / f"s.{'parquet' if write == 'parquet' else 'csv'}"
    if write == "parquet":
        table.to_parquet(path)
    elif write == "gz":
        path = tmp_path / "s.csv.gz"
        path.write_bytes(gzip.compress(table.to_csv(index=False).encode()))
    elif write in ("plain", "mixed up"):
        (table.sample(frac=1, random_state=0) if write == "mixed up" else table).to_csv(path, index=False)
    data = {"frame": table, "arrow": pa.Table.from_pandas(table)}.get(write, str(path))
    found = read(task(data), KIND, Path())[0]
    assert found.x == pytest.approx(expected.x)
    assert found.y == pytest.approx(expected.y)
    assert ("rows are put in the order of time" in found.notes) == (write == "mixed up")


@pytest.mark.parametrize(
    ("freq", "said", "season"),
    [
        ("h", "a step an hour", 24),
        ("15min", "steps of 15 minutes", 96),
        ("D", "a step a day", 7),
        ("7D", "a step a week", 52),
        ("MS", "a step a month", 12),
        ("ME", "a step a month", 12),
        ("QS", "a step a quarter", 4),
        ("YS", "a step a year", 1),
        ("3D", "steps of 3 days", 1),
        ("7h", "steps of 7 hours", 1),
        ("s", "a step a second", 86400),
    ],
)
def test_the_step_is_found_and_tells_the_season(freq, said, season):
    """Months and quarters are even steps although their days are not."""
    table = pa.Table.from_pandas(frame(40, freq))
    found = stamps_of(table["day"], "day", "s.csv")
    assert (found.every.said, found.every.season, found.amiss) == (said, season, ())
    assert found.places.tolist() == list(range(40))


def without(table: pd.DataFrame, *rows: int) -> pd.DataFrame:
    return table.drop(index=list(rows)).reset_index(drop=True)


def odd(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(day=table["day"].where(table.index != 20, table["day"] + pd.Timedelta("5h")))


FAULTS = {
    "a gap": (
        without(frame(), 30, 31),
        r"gaps: 2 steps are missing, first after 2026-03-01.* in row 30 \(a step a day",
    ),
    "a double stamp": (
        pd.concat([frame(), frame().iloc[[7]]], ignore_index=True),
        r"has 2026-02-07.* twice \(1 such rows, first row 61\)",
    ),
    "an uneven step": (odd(frame()), r"uneven steps: 2026-02-20 05:00:00 in row 21 \(1 such rows\)"),
    "a missing value": (
        frame().assign(sold=frame()["sold"].where(frame().index != 9)),
        r"'sold' is missing in 1 of 60",
    ),
    "a missing value beside": (
        frame().assign(beside=frame()["beside"].where(frame().index > 4)),
        r"'beside' is missing in 5 of 60 rows, first in row 1",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_series_that_is_not_whole_is_refused_or_loses_the_origins_near(fault, tmp_path):
    """One line with file and row; with on_bad_row, who has such a step in context or horizon is left out, and counted."""
    table, said = FAULTS[fault]
    table.to_csv(tmp_path / "s.csv", index=False)
    bad = task("s.csv", context=5)
    with pytest.raises(ConcoursError, match=said) as refused:
        read(bad, KIND, tmp_path)
    assert "s.csv" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert 'on_bad_row = "skip"' in str(refused.value)
    data = read(replace(bad, on_bad_row="skip"), KIND, tmp_path)[0]
    assert np.isfinite(data.x).all()
    assert np.isfinite(data.y).all()
    whole = read(task(frame(), context=5), KIND, Path())[0]
    known = {tuple(row) for row in np.round(np.hstack([whole.x, whole.y]), 6).tolist()}
    kept = {tuple(row) for row in np.round(np.hstack([data.x, data.y]), 6).tolist()}
    assert kept <= known
    assert len(kept) == len(data.x)
    assert any("left out" in warning for warning in data.warnings) == (len(kept) < len(known))


REFUSED = {
    "no horizon": ({"horizon": None}, "task.options.horizon is missing"),
    "a horizon of nothing": ({"horizon": 0}, "task.options.horizon must be a whole number of steps from 1"),
    "an option that is unknown": ({"horizons": 3}, "task.options.horizons: unknown key; did you mean 'horizon'"),
    "a series too short": ({"context": 58}, "60 steps are too few for a context of 58 and a horizon of 3"),
    "no such target": ({"target": "cold"}, "column 'cold' is missing; did you mean 'sold'"),
    "words as a target": ({"target": "note"}, "'note' must hold numbers"),
    "no target": ({"target": None}, "name the column to forecast; .* has: beside, sold"),
    "no such time": ({"split": Split(time="date")}, "no column 'date'"),
    "a group": ({"split": Split(group="note")}, "series are split by time"),
    "words as a time": (
        {"split": Split(time="note")},
        "'note' must hold dates like 2026-05-31 or numbers, got 'as usual'",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_asked_wrongly_is_told_in_one_line(case, tmp_path):
    """The key or the column, what was expected, and the nearest right name."""
    changes, said = REFUSED[case]
    frame().to_csv(tmp_path / "s.csv", index=False)
    asked = task("s.csv", **{key: value for key, value in changes.items() if value is not None or key == "target"})
    if changes.get("horizon", 1) is None:
        asked = replace(asked, options={})
    with pytest.raises(ConcoursError, match=said) as refused:
        read(asked, KIND, tmp_path)
    assert "\n" not in str(refused.value)


def test_a_series_that_never_changes_is_refused(tmp_path):
    """There is nothing to forecast, and no scale to measure errors in."""
    with pytest.raises(ConcoursError, match="'sold' is the same at every step"):
        read(task(frame().assign(sold=3.0)), KIND, Path())


def test_a_series_without_times_counts_its_rows(tmp_path):
    """Values alone are a series, in their order; so is one whose uneven times are dropped."""
    values = frame()[["sold"]]
    data = read(task(values, target=None), KIND, Path())[0]
    assert data.meta["every"] == ("rows", 1)
    dropped = read(task(odd(frame()), drop=("day", "note", "beside")), KIND, Path())[0]
    assert dropped.x.tolist() == data.x.tolist()


def test_a_test_part_of_its_own_is_cut_alike(tmp_path):
    """It has origins of its own, whose context lies in it; columns are found by name."""
    table = frame(90)
    parts = task(table[:60], test=table[60:][["note", "sold", "beside", "day"]].reset_index(drop=True), context=4)
    data, test = read(parts, KIND, Path())
    x, y, _ = cut(table[60:][["sold", "beside"]].to_numpy().T, 4, 3, 1)
    assert test.x.tolist() == x
    assert test.y.tolist() == y
    assert data.x.shape[1] == test.x.shape[1]
    slower = table[60:].assign(day=pd.date_range("2027-01-01", periods=30, freq="W"))
    with pytest.raises(ConcoursError, match="has a step a week; models were fitted on a series of a step a day"):
        read(replace(parts, test=slower), KIND, Path())


def meta_of(table: pd.DataFrame, **options) -> tuple[np.ndarray, dict]:
    data = read(task(table, **options), KIND, Path())[0]
    return data.x, dict(data.meta)


def test_new_rows_are_the_end_of_a_series(tmp_path):
    """The latest context, whatever stands before it and wherever columns stand: what comes next is asked."""
    x, meta = meta_of(frame(), context=4)
    table = frame(70, seed=1)
    expected = table[["sold", "beside"]].to_numpy().T[:, -4:].ravel()
    path = tmp_path / "latest.csv"
    table[["beside", "day", "sold"]].to_csv(path, index=False)
    for source in (str(path), table, table[-4:]):
        found, opened = renew(source, x, meta=meta)
        assert found.shape == (1, 8)
        assert found[0] == pytest.approx(expected)
        assert not isinstance(opened.x, pa.Table)
        days = pd.date_range(table["day"].iloc[-1], periods=meta["horizon"] + 1)[1:]
        assert opened.called.to_pydict() == {"day": [one.date() for one in days]}
    timeless = frame().drop(columns="day")
    meta = dict(read(replace(task(timeless, context=4), split=Split()), KIND, Path())[0].meta)
    assert renew(timeless, x, meta=meta)[1].called.to_pydict() == {"step": list(range(1, meta["horizon"] + 1))}


NEW = {
    "too short": (frame()[:3], "3 steps are too few: a forecast takes the latest 4"),
    "a column missing": (frame().drop(columns="beside"), "column 'beside' is missing"),
    "no time": (frame().drop(columns="day"), "has no column 'day'"),
    "a gap at the end": (without(frame(), 58), "gaps: 1 steps are missing.*takes the latest 4 steps without gaps"),
    "a value missing at the end": (frame().assign(beside=np.nan), "'beside' is missing in 60 of 60 rows"),
    "another step": (frame(60, "h"), "has a step an hour; models were fitted on a series of a step a day"),
}


@pytest.mark.parametrize("case", NEW)
def test_new_rows_that_do_not_suit_are_told_in_one_line(case, tmp_path):
    """What is missing, by name; a gap that lies before the context does not count."""
    x, meta = meta_of(frame(), context=4)
    table, said = NEW[case]
    with pytest.raises(ConcoursError, match=said) as refused:
        renew(table, x, meta=meta)
    assert "\n" not in str(refused.value)
    assert renew(without(frame(), 8), x, meta=meta)[0].shape == (1, 8)


WRITTEN = {
    "a decimal comma": ("%Y-%m-%d", ",", {}),
    "months first": ("%m/%d/%Y", ".", {}),
    "a word of its own for a gap": ("%Y-%m-%d", ".", {"missing": ("x",)}),
}


@pytest.mark.parametrize("how", WRITTEN)
@pytest.mark.parametrize("form", ["file", "frame"])
def test_new_rows_are_read_with_the_schema_of_the_fit(how, form, tmp_path):
    """What a cell says depends on the cell and the forms of the fit, not on the other rows, which alone may say else."""
    pattern, sign, keys = WRITTEN[how]
    numbers = 1000 + np.arange(160) % 7 * 0.125
    cells = [f"{value:.3f}".replace(".", sign) for value in numbers]
    days = pd.date_range("2026-01-01", periods=160).strftime(pattern)
    table = pd.DataFrame({"day": days, "sold": cells if not keys else [*cells[:142], "x", *cells[143:]]})
    table[:150].to_csv(tmp_path / "s.csv", index=False, sep=";")
    more = {"on_bad_row": "skip", "split": Split(time="day")}
    data = read(replace(task("s.csv", context=4, **more), **keys), KIND, tmp_path)[0]

    def new(first: int) -> np.ndarray:
        some = table[first : first + 9].reset_index(drop=True)
        some.to_csv(tmp_path / "new.csv", index=False, sep=";")
        told = some.assign(sold=[float(cell.replace(",", ".")) for cell in some["sold"]]) if not keys else some
        source = told if form == "frame" else str(tmp_path / "new.csv")
        return renew(source, data.x, meta=data.meta, forms=data.forms)[0]

    if not keys or form == "file":
        assert new(151).tolist() == [numbers[156:160].tolist()]
    if keys and form == "file":
        with pytest.raises(ConcoursError, match="'sold' is missing in 1 of 9 rows, first in row 8"):
            new(135)


def test_forms_survive_the_setup():
    """Of any columns: what new rows are read with is what the fit was, after JSON."""
    forms = {
        "day": Form(holds="date", pattern="%d/%m/%Y|%d.%m.%Y"),
        "sold": Form(holds="number", decimal=",", signs=("€",), missing=("x", "")),
        "open": Form(holds="truth"),
    }
    assert forms_of(schema_of(forms)) == forms
    assert typed(dict[str, Form], json.loads(json.dumps({name: asdict(form) for name, form in forms.items()}))) == forms


@QUICK
@given(st.integers(0, 29), st.sets(st.integers(0, 29), max_size=8), st.sampled_from(["D", "h", "90min"]))
def test_steps_are_counted_from_where_most_moments_lie(first, moved, freq):
    """Whichever rows lie beside the steps, the first among them, only these are left out."""
    moved = {*moved, first} if len(moved) < 8 else moved
    days = pd.Series(pd.date_range("2026-01-01", periods=30, freq=freq))
    beside = days.where(~days.index.isin(moved), days + pd.Timedelta("13min"))
    found = stamps_of(pa.chunked_array([pa.array(beside)]), "day", "s.csv")
    assert found.rows.tolist() == [row for row in range(30) if row not in moved]
    assert found.places.tolist() == [row - found.rows[0] for row in found.rows.tolist()]


def test_one_step_is_enough_where_the_context_is_one():
    """Nobody needs a second moment to know the step, which models were fitted on; and no row is no series."""
    x, meta = meta_of(frame(), context=1)
    assert renew(frame(), x, meta=meta)[0].tolist() == renew(frame()[-1:], x, meta=meta)[0].tolist()
    with pytest.raises(ConcoursError, match="the given rows has no row"):
        renew(frame()[:0], x, meta=meta)


def test_a_test_part_may_be_constant():
    """Errors are measured in the scale of the data that is fitted on; a calm time judges like any other."""
    table = frame(90)
    calm = table[60:].assign(sold=2.5)
    data, test = read(task(table[:60], test=calm, context=4), KIND, Path())
    assert (test.y == 2.5).all()
    assert data.meta["scales"] == read(task(table[:60], test=table[60:], context=4), KIND, Path())[0].meta["scales"]


def output(horizon: int = 3, levels: tuple[float, ...] = (0.1, 0.5, 0.9)) -> Series:
    return Series(horizon=horizon, context=4, levels=levels, channels=("sold",), scales=(2.0,))


def test_an_output_survives_being_told():
    """Jobs are told of it as JSON, lists for tuples, and compute the same metrics."""
    mine = replace(output(), every=("months", 1.0), time="day")
    assert output_told({**mine.value.told, "levels": list(mine.levels), "every": ["months", 1.0]}) == mine
    assert output_valued(mine.value) == mine
    rng = np.random.default_rng(0)
    y, p = rng.normal(size=(5, 3)), np.sort(rng.normal(size=(5, 3, 3)), axis=2).reshape(5, -1)
    for name in mine.metrics:
        assert mine.metric(name).score(y, p) == output_told(mine.value.told).metric(name).score(y, p)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (np.arange(18.0).reshape(2, 9), np.arange(18.0).reshape(2, 9)),
        (np.arange(18).reshape(2, 3, 3), np.arange(18.0).reshape(2, 9)),
        (np.arange(6.0).reshape(2, 3), np.repeat(np.arange(6.0), 3).reshape(2, 9)),
        (np.tile([3.0, 1.0, 2.0], (2, 3)), np.tile([1.0, 2.0, 3.0], (2, 3))),
    ],
    ids=["as they are", "by step", "points", "crossing"],
)
def test_predictions_are_accepted_in_their_forms(given, expected):
    """Quantiles flat or by step, points as all quantiles of their step, and quantiles that cross in order."""
    found = output().accepted(given, 2)
    assert found.dtype == np.float64
    assert found.tolist() == expected.tolist()


@pytest.mark.parametrize("bad", [np.zeros((2, 4)), np.full((2, 9), np.nan), np.zeros((3, 9)), pa.array(["a", "b"])])
def test_what_is_no_forecast_is_refused(bad):
    """Of another shape, not finite, or no numbers."""
    with pytest.raises(ConcoursError, match="predictions must be"):
        output().accepted(bad, 2)


@QUICK
@given(st.integers(0, 99), st.integers(1, 4), st.sampled_from([(0.5,), (0.1, 0.5, 0.9)]))
def test_a_file_of_predictions_says_what_was_written(seed, horizon, levels):
    """`columns` and `given` are inverse to one another."""
    one = output(horizon, levels)
    p = np.sort(np.random.default_rng(seed).normal(size=(4, horizon, len(levels))), axis=2).reshape(4, -1)
    assert one.given(pa.table(one.columns(p, None, proba=False)), "p.csv").named.tolist() == p.tolist()


@settings(max_examples=80, deadline=None)
@given(st.integers(40, 400), st.integers(1, 12), st.sampled_from(["D", "MS", "h", "QS"]))
def test_a_short_series_is_cut_so_that_something_is_left_of_every_fold(steps, horizon, every):
    """By the usual settings, whatever the season; a season is seen where a fifth of the series holds it."""
    table = pd.DataFrame({"at": pd.date_range("2001-01-01", periods=steps, freq=every), "sold": np.arange(steps) % 7.0})
    asked = Task(kind="forecasting", data=table, target="sold", options={"horizon": horizon}, split=Split(test=0.2))
    data = read(asked, KIND, Path())[0]
    context, season = data.meta["context"], data.meta["season"]
    assert context + horizon <= max(steps // 5, horizon + 1)
    assert context >= season or season + horizon > steps // 5
    if (context + horizon) * 5 > steps:
        return  # so long a horizon is refused below
    found = divide(
        asked.split, data.x, None, rng=np.random.default_rng(0), test_apart=False, name="s", spans=data.spans
    )
    spans = data.spans[found.in_train][:, [0, 2]]
    assert all((~overlapping(spans, found.folds == fold)).sum() > 1 for fold in np.unique(found.folds))


def test_a_fold_of_which_nothing_is_left_is_told():
    """In one line, with what to do, before anybody is fitted on nothing."""
    asked = task(frame(120), context=36, horizon=12)
    with pytest.raises(
        ConcoursError, match="fold 1 of .* leaves 0 rows of .* a row reaches over 48 steps.*lower the context"
    ) as told:
        ingest(asked, MemoryStore(), seed=0, folder=Path())
    assert "\n" not in str(told.value)


@QUICK
@given(
    st.sampled_from(["15min", "h", "D", "2D", "W", "MS", "ME", "2MS", "QS", "QE", "YS"]),
    st.datetimes(pd.Timestamp("1999-01-01"), pd.Timestamp("2030-01-01")),
    st.integers(0, 8),
    st.integers(1, 5),
    st.sampled_from([None, "UTC", "Asia/Tokyo"]),
    st.sampled_from(["s", "us", "ns"]),
)
def test_the_steps_ahead_are_those_that_come(every, start, more, horizon, zone, unit):
    """Of a longer series of the same steps; days are written as days."""
    begun = pd.Timestamp(start).floor("h")
    longer = pd.date_range(begun.normalize() if every[-1] in "DWSE" else begun, periods=6 + more + horizon, freq=every)
    column = pa.chunked_array([pa.array(longer.tz_localize(zone).as_unit(unit))])
    times, coming = column[: 6 + more], column[6 + more :].to_pylist()
    found = following(times, stamps_of(times, "day", "s.csv"), horizon).to_pylist()
    days = zone is None and every[-1] in "DWSE"
    assert found == [one.date() for one in coming] if days else found == coming


@QUICK
@given(st.integers(-9, 9), st.sampled_from([1, 3, 0.5, 2.0]), st.integers(1, 5))
def test_the_steps_ahead_of_numbers_are_numbers(start, size, horizon):
    """Whole ones stay whole; a column of days (`date32`) stays one of days."""
    column = pa.chunked_array([pa.array(start + size * np.arange(7))])
    found = following(column, stamps_of(column, "year", "s.csv"), horizon)
    assert found.type == column.type
    assert found.to_pylist() == [start + size * step for step in range(7, 7 + horizon)]
    days = pa.chunked_array([pa.array(np.arange(7), pa.int32()).cast(pa.date32())])
    assert following(days, stamps_of(days, "day", "s.csv"), 1).cast(pa.int32()).to_pylist() == [7]


def test_the_steps_ahead_follow_the_last_row_that_lies_on_a_step():
    """Whatever order rows are in, and whatever lies between two steps."""
    moments = pa.array([pd.Timestamp(f"2024-01-0{day}") for day in ("3", "1", "2", "4", "4 07:00")])
    column = pa.chunked_array([moments])
    found = following(column, stamps_of(column, "day", "s.csv"), 2)
    assert [str(one) for one in found.to_pylist()] == ["2024-01-05", "2024-01-06"]


def test_a_file_of_points_is_taken_and_said():
    """`prediction` alone will do; a cell that is no list of so many numbers is told with its row."""
    told = output().given(pa.table({"prediction": ["[1, 2, 3]", "[4.5, 5, 6]"]}), "p.csv")
    assert told.named.tolist() == [[1, 1, 1, 2, 2, 2, 3, 3, 3], [4.5, 4.5, 4.5, 5, 5, 5, 6, 6, 6]]
    assert "no quantiles" in told.notes[0]
    for cell in ("[1, 2]", "1", "a", '["a", 2, 3]', "[1, 2, NaN]"):
        with pytest.raises(ConcoursError, match="p.csv: prediction of row 2 must be a list of 3 numbers"):
            output().given(pa.table({"prediction": ["[1, 2, 3]", cell]}), "p.csv")


def test_a_prior_are_the_quantiles_of_each_step():
    """With equal weights as without, but for how quantiles lie between values."""
    y = np.arange(303.0).reshape(101, 3)
    assert output().prior(y, None).reshape(3, 3).tolist() == np.quantile(y, [0.1, 0.5, 0.9], axis=0).T.tolist()
    assert output().prior(y, np.ones(101)) == pytest.approx(output().prior(y, None), abs=3)


def test_averages_of_quantiles_stay_in_order():
    """The join is Vincent's: a weighted mean of each quantile."""
    rng = np.random.default_rng(0)
    members = [np.sort(rng.normal(size=(4, 3, 3)), axis=2).reshape(4, -1) for _ in range(3)]
    joined = output().join("mean", members, np.array([0.5, 0.3, 0.2]))
    assert joined == pytest.approx(0.5 * members[0] + 0.3 * members[1] + 0.2 * members[2])
    assert (np.diff(joined.reshape(4, 3, 3), axis=2) >= 0).all()


def test_series_are_found(tmp_path):
    """A table by time and its numbers; what has none, or is no table, is not of this kind, and never an error."""
    frame().to_csv(tmp_path / "s.csv", index=False)
    keys = find(tmp_path / "s.csv", Options())
    assert {key: value for key, (value, _) in keys.items()} == {
        "data": str(tmp_path / "s.csv"),
        "target": "sold",
        "split": {"test": 0.2, "time": "day"},
        "options": {"horizon": 3},
    }
    without(frame(), 30).to_csv(tmp_path / "gaps.csv", index=False)
    assert find(tmp_path / "gaps.csv", Options())["on_bad_row"][0] == "skip"
    (tmp_path / "few.csv").write_text("day,a\n2026-01-01,1\n2026-01-02,2\n")
    pd.concat([frame(), frame()]).to_csv(tmp_path / "double.csv", index=False)
    frame().drop(columns=["sold", "beside"]).to_csv(tmp_path / "words.csv", index=False)
    frame().drop(columns="day").to_csv(tmp_path / "timeless.csv", index=False)
    (tmp_path / "noise.parquet").write_bytes(b"PAR1 no such thing 2026-01-01")
    others = ("few.csv", "double.csv", "words.csv", "timeless.csv", "noise.parquet", "absent.csv", ".")
    assert [find(tmp_path / name, Options()) for name in others] == [None] * len(others)


def test_a_folder_of_a_training_and_a_test_part_is_found(tmp_path):
    """By the names of its two files; the time stays with the folds, as the other file judges."""
    days = pd.date_range("2026-01-01", periods=120).strftime("%Y-%m-%d")
    table = pd.DataFrame({"day": days, "sold": np.arange(120) % 7})
    table[:90].to_csv(tmp_path / "train.csv", index=False)
    table[70:].to_csv(tmp_path / "test.csv", index=False)
    keys = find(tmp_path, Options(asked=True))
    assert keys["data"][0] == f"{tmp_path}/train.csv"
    assert keys["test"][0] == f"{tmp_path}/test.csv"
    assert keys["split"][0] == {"time": "day"}
    (tmp_path / "more.csv").write_text("x\n1\n")
    assert find(tmp_path, Options(asked=True)) is None
