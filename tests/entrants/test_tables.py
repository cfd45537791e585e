"""Preparations of tables on odd frames: what comes out has its form whatever went in, and comes back from its file."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.entrants.models import dump_object, load_object
from concours.entrants.preparation import PREPARATIONS
from concours.entrants.tables import MOST_CATEGORIES, Codes, Matrix, TableColumns

ROWS = 24
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "missing": st.none(),
    "one value": st.just("x"),
    "numbers": st.floats(),
    "huge": st.sampled_from([1e308, -1e308, 1e-308, 0.0]),
    "whole": st.integers(-(2**63), 2**63 - 1),
    "huge whole": st.sampled_from([10**30, -(10**25), 1]),
    "truths": st.sampled_from([True, False, None]),
    "words": st.sampled_from(["red", "green", "(rare)", "é", "", " ", None]),
    "texts": st.text(st.characters(codec="utf-8"), max_size=12),
    "mixed": st.sampled_from([1, 2.5, "x", "1", True, None]),
    "decimals": st.sampled_from([decimal.Decimal("1.5"), decimal.Decimal("-2.25"), None]),
    "days": st.one_of(st.none(), st.dates()),
    "moments": st.datetimes(),
    "in zones": st.datetimes(timezones=st.sampled_from([datetime.UTC, datetime.timezone(datetime.timedelta(hours=5))])),
    "written days": st.dates().map(str),
    "written moments": st.sampled_from(["2020-01-01", "2020-01-01T10:00:00+02:00", "2021-05-05 11:30", "9999-12-31"]),
    "durations": st.timedeltas(),
}
COLUMNS = st.dictionaries(
    st.text(st.characters(codec="utf-8"), max_size=4), st.sampled_from(sorted(VALUES)), min_size=1
)


@st.composite
def frames(draw: st.DrawFn) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two frames of the same columns; a column of random numbers is among them."""
    kinds = draw(COLUMNS)
    cells = {
        name: pd.Series(draw(st.lists(VALUES[kind], min_size=2 * ROWS, max_size=2 * ROWS)), dtype=object)
        for name, kind in kinds.items()
    }
    typed = {name: column.infer_objects() if draw(st.booleans()) else column for name, column in cells.items()}
    frame = pd.DataFrame({**typed, "always": np.random.default_rng(0).normal(size=2 * ROWS)})
    return frame[:ROWS], frame[ROWS:]


def equal(one: Any, other: Any) -> bool:
    return one.equals(other) if isinstance(one, pd.DataFrame) else np.array_equal(one, other, equal_nan=True)


def words(count: int) -> list[str]:
    """As many different words, each twice."""
    return [f"w{i:03}" for i in range(count)] * 2


@settings(max_examples=40)
@given(frames())
def test_columns_have_their_form_whatever_goes_in(given: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """Float32 or categories, never infinite, the same columns for rows that were not there in fitting."""
    here, there = given
    prepared = TableColumns().fit(here)
    first, second = prepared.transform(here), prepared.transform(there)
    assert first.columns.is_unique
    assert (first.dtypes == second.dtypes).all()
    assert {str(dtype) for dtype in first.dtypes} <= {"float32", "category"}
    for frame in (first, second):
        assert len(frame) == ROWS
        assert not np.isinf(frame.select_dtypes("number").to_numpy()).any()
    assert second.equals(prepared.transform(there[there.columns[::-1]]))
    matrix = Matrix().fit(first)
    assert np.isfinite(matrix.transform(first)).all()
    assert np.isfinite(matrix.transform(second)).all()
    codes = Codes().fit(first).transform(second)
    assert codes.shape == second.shape
    assert codes.dtype == np.float32


@settings(max_examples=10)
@given(frames(), st.sampled_from(["columns", "codes", "matrix"]))
def test_what_is_kept_prepares_alike(given: tuple[pd.DataFrame, pd.DataFrame], name: str) -> None:
    """A preparation comes back from its file, and two fits give the same file: it is known by digest."""
    here, there = given
    prepared = PREPARATIONS[name]().fit(here)
    kept = dump_object(prepared)
    assert equal(load_object(kept).transform(there), prepared.transform(there))
    assert dump_object(PREPARATIONS[name]().fit(here)) == kept


def test_dates_are_parts_of_a_calendar() -> None:
    """Days of March are the days of March; a gap is one in every part."""
    X = pd.DataFrame({"d": [*pd.date_range("2020-03-01", "2020-03-28"), None]})
    found = TableColumns().fit_transform(X)
    assert found["d:day"][:-1].tolist() == list(range(1, 29))
    assert set(found["d:month"][:-1]) == {3.0}
    assert found.filter(like="d:").iloc[-1].isna().all()


def test_moments_in_zones_are_those_of_greenwich() -> None:
    """The same instant is the same numbers, whatever clock it was read from."""
    times = pd.date_range("2020-01-01", periods=30, freq="7h")
    here = TableColumns().fit_transform(pd.DataFrame({"t": times.tz_localize("UTC")}))
    there = TableColumns().fit_transform(pd.DataFrame({"t": times.tz_localize("UTC").tz_convert("Asia/Tokyo")}))
    assert here.equals(there)
    assert here["t:seconds"][1] - here["t:seconds"][0] == pytest.approx(7 * 3600, abs=128)


def test_days_far_away_are_days() -> None:
    """The last day of all is a common sign for never."""
    X = pd.DataFrame({"d": np.array(["9999-12-31", "2020-01-01", "0001-01-01"] * 10, dtype="datetime64[us]")})
    assert TableColumns().fit_transform(X)["d:year"][:3].tolist() == [9999, 2020, 1]


def test_categories_that_are_new_rare_or_too_many() -> None:
    """New ones are missing, or rare where there are rare ones; the codes fit a byte."""
    few = TableColumns().fit(pd.DataFrame({"c": words(3)}))
    assert few.transform(pd.DataFrame({"c": ["w001", "new", None]}))["c"].isna().tolist() == [False, True, True]
    rare = TableColumns().fit(pd.DataFrame({"c": [*words(3), "alone"]}))
    assert rare.transform(pd.DataFrame({"c": ["new", "alone", None]}))["c"].tolist()[:2] == ["(rare)", "(rare)"]
    many = TableColumns().fit_transform(pd.DataFrame({"c": [*words(400)]}))["c"]
    assert len(many.cat.categories) == MOST_CATEGORIES + 1
    assert many.notna().all()


def test_a_category_may_be_called_rare() -> None:
    """The name that we give is one that data may have."""
    X = pd.DataFrame({"c": ["(rare)", "a", "b"] * 3 + ["alone"]})
    assert TableColumns().fit_transform(X)["c"].tolist()[-1] == "(rare)"


def test_a_huge_number_does_not_flatten_the_others() -> None:
    """It is far away on its own; what is infinite is missing."""
    X = pd.DataFrame({"x": [*np.arange(20.0), 1e300, np.inf]})
    columns = TableColumns().fit_transform(X)
    assert columns["x"].isna().tolist() == [False] * 21 + [True]
    matrix = Matrix().fit_transform(columns)
    assert np.diff(matrix[:20, 0]).min() > 0.05
    assert matrix[20, 0] == pytest.approx(3.0, abs=1e-3)


@pytest.mark.parametrize("cells", [{"a": [None] * 5}, {"a": [1] * 5, "b": ["x"] * 5}])
def test_a_table_that_says_nothing_is_told_in_one_line(cells: dict[str, Any]) -> None:
    """Else every library would complain in its own words of a matrix without columns."""
    with pytest.raises(ValueError, match=r"none of \d columns has two values to tell rows apart by"):
        TableColumns().fit(pd.DataFrame(cells))


def test_texts_of_blanks_are_no_texts() -> None:
    """There are no letters to learn topics from."""
    X = pd.DataFrame({"t": [" " * i for i in range(1, 61)], "x": np.arange(60.0)})
    assert TableColumns().fit_transform(X).columns.tolist() == ["x"]


def test_wide_tables_are_prepared_in_one_go() -> None:
    """A frame of 1,000 columns is no list of inserts, which pandas warns of."""
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 1000))).rename(columns=str)
    X.iloc[::7, ::3] = np.nan
    assert PREPARATIONS["matrix"]().fit_transform(X).shape == (50, 1000 + 334)
    assert PREPARATIONS["codes"]().fit_transform(X).shape == (50, 1000)


def test_no_rows_are_no_rows() -> None:
    """Somebody asks for predictions of an empty frame."""
    X = pd.DataFrame({"d": ["2020-01-01", "2020-01-02"] * 9, "x": np.arange(18.0), "c": ["a", "b"] * 9})
    for name in ("columns", "codes", "matrix"):
        assert len(PREPARATIONS[name]().fit(X).transform(X[:0])) == 0
