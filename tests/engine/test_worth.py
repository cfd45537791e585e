"""A majority weighs what members are worth, as far as that helps on the rows that it may see."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from concours.core.job import Job
from concours.engine.runners.worth import POWERS, worth
from concours.stores.blobs import put_array
from concours.stores.memory import MemoryStore
from concours.stores.values import put_values
from concours.tasks.nbest import only
from concours.tasks.outputs.answer import RIGHT, Answer

ROWS = 60


def found(right: list[np.ndarray], wrong: list[str], without: int | None = None) -> dict:
    """The values of the job for members that are right on some rows, and else say the same wrong thing each."""
    store, output = MemoryStore(), Answer()
    inputs = {"y": put_values(store, pa.array([["yes"]] * ROWS, RIGHT)), "folds": put_array(store, np.arange(ROWS) % 3)}
    for number, (rows, word) in enumerate(zip(right, wrong, strict=True)):
        said = only(pa.array(np.where(rows, "yes", word).tolist(), pa.string()))
        inputs[f"oof{number}"] = put_values(store, said)
    params = {"output": output.value.told, "metrics": ["exact_match"], "rule": "vote", "without_fold": without}
    return worth(Job(runner="worth", inputs=inputs, params=params), store).values


def test_equal_members_weigh_the_same():
    """Nothing tells them apart, so a plain majority."""
    rows = np.arange(ROWS)
    values = found([rows % 3 != 0, rows % 3 != 1, rows % 3 != 2], ["a", "b", "c"])
    assert values["power"] == 0.0
    assert values["weights"] == pytest.approx([1 / 3] * 3)


def test_who_is_much_better_outweighs_two_who_err_together():
    """A plain majority would follow the two."""
    rows = np.arange(ROWS)
    values = found([rows % 20 != 0, rows % 2 == 0, rows % 2 == 0], ["a", "b", "b"])
    assert values["power"] > 0
    assert values["weights"][0] > 0.5
    assert sum(values["weights"]) == pytest.approx(1.0)


def test_the_least_power_is_taken_of_equal_ones():
    """No more is fitted than helps."""
    rows = np.arange(ROWS)
    assert found([rows >= 0, rows >= 0], ["a", "b"])["power"] == POWERS[0]


def test_rows_of_the_fold_say_nothing():
    """They are joined by weights found on the other folds."""
    rows = np.arange(ROWS)
    inside = rows % 3 == 0
    one = found([rows % 2 == 0, rows % 5 != 0, rows % 4 != 0], ["a", "b", "c"], without=0)
    other = found([np.where(inside, True, rows % 2 == 0), rows % 5 != 0, rows % 4 != 0], ["a", "b", "c"], without=0)
    assert one == other


def test_members_that_are_never_right_weigh_the_same():
    """Nothing is divided by nothing."""
    assert found([np.zeros(ROWS, bool)] * 2, ["a", "b"])["weights"] == [0.5, 0.5]
