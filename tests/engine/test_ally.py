"""The alliance of a hosted board: the quick way is the plain one, and what is said of rows hangs on other rows alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from concours.compete.hosted_board import Result, Score
from concours.compete.hosted_measures import ByRows, Entered, Sheet
from concours.core.event import Done, Failed
from concours.core.problem import Goal, Part, Problem
from concours.engine.runners import RUNNERS
from concours.engine.work import execute
from concours.kernels.joining.crossfit import folds_of
from concours.kernels.joining.selection import greedy_selection
from concours.stores.blobs import put_array
from concours.stores.memory import MemoryStore
from concours.stores.values import put_values
from concours.tasks.inputs.table import TABLE
from concours.tasks.outputs.classes import Classes
from concours.tasks.outputs.number import Number
from concours.tasks.outputs.output import OutputKind
from concours.tasks.outputs.text import Text

STORE = MemoryStore()


def problem_of(
    y: Any, output: OutputKind, metrics: tuple[tuple[str, bool], ...], public: NDArray[np.bool_] | None = None
) -> Problem:
    """A problem with such targets in both parts."""
    part = Part(
        x=put_array(STORE, np.arange(2)), y=put_values(STORE, y), ids=put_array(STORE, np.arange(2)), rows=len(y)
    )
    return Problem(
        name="allied",
        kind="any",
        input=TABLE.value,
        output=output.value,
        metrics=tuple(Goal(name=name, greater_is_better=greater) for name, greater in metrics),
        train=part,
        folds=put_array(STORE, np.arange(len(y)) % 2),
        n_folds=2,
        test=part,
        public=None if public is None else put_array(STORE, public),
    )


def allied(problem: Problem, predictions: list[Any], *, best: int = 0, part: Any = "public") -> Done | Failed:
    """What the job says."""
    entered = [Entered(result=Result(predictions=put_values(STORE, p)), score=Score(), side=0) for p in predictions]
    by = ByRows(problem=problem, sheet=Sheet(), seed=3, threads=1)
    return execute(by.ally(entered, part, best), STORE, RUNNERS, trace=True)


def classes(seed: int, rows: int, members: int, width: int = 3) -> tuple[NDArray[np.int64], list[NDArray[np.float64]]]:
    """Targets, and predictions that are right more often than not, each on other rows."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, width, rows)
    raw = [rng.dirichlet(np.ones(width), rows) + np.eye(width)[y] * rng.random((rows, 1)) for _ in range(members)]
    return y, [p / p.sum(axis=1, keepdims=True) for p in raw]


METRICS = {"log_loss": False, "accuracy": True}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**31), st.integers(2, 7), st.sampled_from(sorted(METRICS)))
def test_what_is_chosen_is_what_looking_at_everything_chooses(seed: int, members: int, name: str) -> None:
    """Weights are those of greedy selection on all public rows, and a row's those of the other folds' rows alone."""
    y, predictions = classes(seed, 60, members)
    rng = np.random.default_rng(seed)
    public = rng.random(60) < 0.7
    event = allied(
        problem_of(y, Classes(classes=3, called=("x", "y", "z")), ((name, METRICS[name]),), public), predictions
    )
    assert isinstance(event, Done)
    values = event.values
    job_seed = _seed()
    folds = folds_of(60, 3, seed=job_seed)

    def plainly(rows: NDArray[np.bool_]) -> NDArray[np.float64]:
        some = [p[rows] for p in predictions]
        return greedy_selection(some, y[rows], metric=name, steps=25, seed=job_seed % 2**32).weights

    whole = plainly(public)
    np.testing.assert_allclose([whole[place] for place in values["members"]], values["weights"])
    assert {place for place in range(members) if whole[place]} <= set(values["members"])
    said = np.empty((60, 3))
    for fold in range(3):
        weights = plainly(public & (folds != fold))
        said[folds == fold] = sum(weight * p[folds == fold] for weight, p in zip(weights, predictions, strict=True))
    score = _score(name, y[public], said[public])
    assert values["scores"][name] == pytest.approx(score)
    sign = 1 if METRICS[name] else -1
    assert values["gain"]["value"] == pytest.approx(sign * (score - _score(name, y[public], predictions[0][public])))
    assert values["rows"] == public.sum()
    judged = allied(
        problem_of(y, Classes(classes=3, called=("x", "y", "z")), ((name, METRICS[name]),), public),
        predictions,
        part="rest",
    )
    assert isinstance(judged, Done)
    joined = sum(weight * p[~public] for weight, p in zip(whole, predictions, strict=True))
    assert judged.values["scores"][name] == pytest.approx(_score(name, y[~public], joined))


def _seed() -> int:
    by = ByRows(problem=problem_of(np.zeros(4), Number(), (("rmse", False),)), sheet=Sheet(), seed=3, threads=1)
    return by.ally([], "public", 0).seed


def _score(name: str, y: NDArray[np.int64], p: NDArray[np.float64]) -> float:
    if name == "accuracy":
        return float((p.argmax(axis=1) == y).mean())
    return float(-np.log(p[np.arange(len(y)), y] / p.sum(axis=1)).mean())


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 59))
def test_what_is_said_of_a_row_does_not_hang_on_its_target(seed: int, row: int) -> None:
    """Another target of one row changes that row's own loss, and what is chosen for other folds, but not for its own."""
    from concours.kernels.joining.crossfit import crossfitted

    y, predictions = classes(seed, 60, 6)
    other = y.copy()
    other[row] = (y[row] + 1) % 3
    folds = folds_of(60, 3, seed=1)

    def weights(targets: NDArray[np.int64]) -> NDArray[np.float64]:
        losses = np.stack([-np.log(p[np.arange(60), targets]) for p in predictions])

        def choose(few: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
            members = [predictions[place][rows] for place in few]
            return greedy_selection(members, targets[rows], metric="log_loss", steps=10).weights

        return crossfitted(losses, folds, choose, most=4).fold_weights[folds[row]]

    np.testing.assert_array_equal(weights(y), weights(other))


def test_credit_adds_up_and_members_are_named_by_weight() -> None:
    """To what the alliance is better than nobody; the greatest weight first; who adds nothing has nothing."""
    y, predictions = classes(5, 300, 5)
    even = np.full((300, 3), 1 / 3)
    event = allied(
        problem_of(y, Classes(classes=3, called=("x", "y", "z")), (("log_loss", False),)), [*predictions, even]
    )
    assert isinstance(event, Done)
    values, credit = event.values, event.values["credit"]
    assert sum(credit["shapley"]) == pytest.approx(credit["value"] - credit["prior"])
    assert credit["value"] == pytest.approx(-values["scores"]["log_loss"])
    assert list(values["weights"]) == sorted(values["weights"], reverse=True)
    assert 5 not in values["members"]
    low, high = values["intervals"]["log_loss"]
    assert low < values["scores"]["log_loss"] < high
    assert len(values["complement"]["correlation"]) == len(values["members"])


def test_two_that_know_different_rows_are_better_together() -> None:
    """The gain is certain where there is one."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 400)
    knows = np.where(np.arange(400)[:, None] % 2 == 0, np.eye(2)[y] * 0.9 + 0.05, 0.5)
    others = np.where(np.arange(400)[:, None] % 2 == 1, np.eye(2)[y] * 0.9 + 0.05, 0.5)
    event = allied(problem_of(y, Classes(classes=2, called=("n", "y")), (("log_loss", False),)), [knows, others])
    assert isinstance(event, Done)
    assert event.values["gain"]["certain"]
    assert event.values["gain"]["low"] > 0
    assert set(event.values["members"]) == {0, 1}


def test_numbers_are_joined_too() -> None:
    """By root mean squared error, or by the rows' own number where the metric has none."""
    rng = np.random.default_rng(1)
    y = rng.normal(size=80)
    predictions = [(y + rng.normal(size=80) * 0.5)[:, None] for _ in range(4)]
    for metric, greater, by in (("rmse", False, "rmse"), ("mae", False, "mae"), ("r2", True, None)):
        event = allied(problem_of(y, Number(), ((metric, greater),)), predictions)
        assert isinstance(event, Done), event
        assert by is None or event.values["by"] == by
        assert event.values["credit"] is not None


def test_texts_are_joined_by_their_own_rule() -> None:
    """What cannot be averaged is joined as the output joins it."""
    truth = [f"a text of number {number}" for number in range(24)]
    y = pa.array(truth)
    rng = np.random.default_rng(0)
    some = [[text if rng.random() < 0.7 else "something else" for text in truth] for _ in range(3)]
    output = Text()
    predictions = [output.accepted(pa.array(texts), 24) for texts in some]
    event = allied(problem_of(y, output, (("chrf", True),)), predictions)
    assert isinstance(event, Done), event
    assert event.values["candidates"] == 3
    assert event.values["scores"]["chrf"] is not None


@pytest.mark.parametrize("rows", [1, 2])
def test_too_few_rows_say_so(rows: int) -> None:
    """A failure with the reason, which the row shows."""
    y, predictions = classes(0, 60, 3)
    public = np.arange(60) < rows
    event = allied(
        problem_of(y, Classes(classes=3, called=("x", "y", "z")), (("log_loss", False),), public), predictions
    )
    assert isinstance(event, Failed) or event.values["rows"] == 2
    assert rows > 1 or "an alliance needs" in event.reason  # type: ignore[union-attr]


def test_rows_of_one_group_are_in_one_fold() -> None:
    """So that nobody is chosen by rows like those that judge."""
    folds = folds_of(40, 3, np.arange(40) // 4, seed=2)
    assert all(len(set(folds[start : start + 4])) == 1 for start in range(0, 40, 4))
