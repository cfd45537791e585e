"""Division: a split as it is declared, on the columns of a table."""

from __future__ import annotations

import datetime

import numpy as np
import pyarrow as pa
import pytest

from concours.core.errors import ConcoursError
from concours.tasks.division import divide, times
from concours.tasks.forms import settle
from concours.tasks.task import Split

ROWS = 120
DAYS = [datetime.date(2026, 1, 1) + datetime.timedelta(days=i * 7 % 60) for i in range(ROWS)]
X = pa.table(
    {
        "who": [f"p{i % 17}" for i in range(ROWS)],
        "day": pa.array(DAYS),
        "said": [day.isoformat() for day in DAYS],
        "a": np.arange(ROWS) % 30,
        "gap": [None, *range(1, ROWS)],
    }
)
X = settle(X, "data", written=False).table
Y = np.arange(ROWS) % 2


def division(split: Split, *, x=X, strata=Y, ignore=("who", "day", "said", "gap"), apart=False, fewer=False):
    """The division by a split of the rows above."""
    rng = np.random.default_rng(0)
    return divide(split, x, strata, rng=rng, test_apart=apart, name="data", ignore=ignore, fewer=fewer)


@pytest.mark.parametrize("by", ["group", "time"])
@pytest.mark.parametrize("known", [2, 3, 6, 40])
def test_few_groups_or_times_make_fewer_folds_where_nobody_has_said_how_many(by, known):
    """As many as there are of them to fit on; who has said a number is told that they are too few."""
    x = pa.table({"of": np.arange(ROWS) % known, "a": np.arange(ROWS)})
    asked = Split(test=0, folds=8, **{by: "of"})
    assert division(asked, x=x, ignore=(), fewer=True).folds.max() + 1 == min(known, 8)
    if known < 8:
        with pytest.raises(ConcoursError, match=f"{known} .* to fit on are too few for 8 folds"):
            division(asked, x=x, ignore=())


@pytest.mark.parametrize(
    ("group", "keys"), [("who", np.array(X["who"])), ("duplicates", np.array(X["a"])), ("a", np.array(X["a"]))]
)
def test_groups_stay_together(group, keys):
    """Rows with one value of the column, or with equal inputs, are never on both sides."""
    found = division(Split(test=0.25, folds=3, group=group))
    train = ~found.in_test
    assert not set(keys[train]) & set(keys[found.in_test])
    assert abs(found.in_test.mean() - 0.25) < 0.06
    for fold in range(3):
        assert not set(keys[train][found.folds == fold]) & set(keys[train][found.folds != fold])


@pytest.mark.parametrize("column", ["day", "said"])
def test_time_goes_forward(column):
    """The last rows judge, whether time is a date or a text that is one."""
    found = division(Split(test=0.25, folds=3, time=column))
    assert max(np.array(DAYS)[~found.in_test]) < min(np.array(DAYS)[found.in_test])
    assert set(found.folds) == {0, 1, 2}


def test_a_test_part_of_its_own():
    """Where the test part is a source of its own, all rows are fitted on."""
    found = division(Split(folds=3, group="who"), apart=True)
    assert not found.in_test.any()
    assert len(found.folds) == ROWS


def test_repeats_give_a_column_each():
    """Repeated folds come as a matrix."""
    assert division(Split(test=0, folds=3, repeats=2)).folds.shape == (ROWS, 2)


@pytest.mark.parametrize(
    ("split", "words"),
    [
        (Split(group="woh"), "did you mean 'who'"),
        (Split(group="gap"), "missing in 1 rows, first in row 1"),
        (Split(time="who"), "numbers or dates like 2026-05-31, got 'p0'"),
        (Split(folds=50), "too few for 50 folds"),
        (Split(test=0, folds=18, group="who"), "17 groups"),
    ],
)
def test_what_does_not_suit(split, words):
    """Columns that are not there, have gaps or are of the wrong sort are named."""
    with pytest.raises(ConcoursError, match="data") as error:
        division(split)
    assert words in str(error.value)


def test_pictures_have_no_columns():
    """Rows that are not of a table can be grouped as duplicates alone."""
    pictures = np.arange(ROWS)[:, None, None] % 30 * np.ones((1, 2, 2))
    found = division(Split(test=0.25, folds=3, group="duplicates"), x=pictures, ignore=())
    assert not set(np.arange(ROWS)[found.in_test] % 30) & set(np.arange(ROWS)[~found.in_test] % 30)
    with pytest.raises(ConcoursError, match="no columns"):
        division(Split(group="who"), x=pictures)


def test_times_of_numbers():
    """A column of numbers is time too."""
    assert times(X, "a", "data").tolist() == (np.arange(ROWS) % 30).tolist()


@pytest.mark.parametrize(
    "options", [{"time": "a", "group": "b"}, {"time": "a", "by": "random"}, {"time": "a", "repeats": 2}, {"repeats": 0}]
)
def test_what_excludes_each_other(options):
    """A split by time is not by groups, strata or chance as well."""
    with pytest.raises(ConcoursError, match="task.split"):
        Split(**options)
