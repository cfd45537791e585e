"""Choices in jobs: what is told of a model that was chosen by the rows that judge it, by every sort of metric."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from concours.core.job import Job
from concours.engine.runners.choice import choice
from concours.engine.runners.score import evaluate
from concours.stores.blobs import get_array, put_array
from concours.stores.memory import MemoryStore
from concours.tasks.metrics.named import metric_named
from concours.testing.toys import toy_output

RNG = np.random.default_rng(0)
ROWS, MODELS = 120, 8
Y = np.arange(ROWS) % 2
ALIKE = [p / p.sum(axis=1, keepdims=True) for p in RNG.dirichlet([2, 2], size=(MODELS, ROWS)) + 0.4 * np.eye(2)[Y]]
"""Models that are equally good, and err on rows of their own."""
METRICS = {"log_loss": 8, "brier": 8, "accuracy": 8, "roc_auc": 8, "f1": 8, "mcc": 8, "sklearn.metrics:f1_score": 3}
"""With how many of the models each is tried."""


def job(store: MemoryStore, names: list[str], *, predictions: Any = ALIKE, y: Any = Y, **inputs: Any) -> Job:
    """The choice of the first of some models, with the intervals that the judge gives it."""
    arrays = {f"predictions{i}": p for i, p in enumerate(predictions)} | {"y": y, "folds": np.arange(len(y)) % 3}
    found = {name: put_array(store, array) for name, array in (arrays | inputs).items()}
    labels = {"labels": [0, 1]} if any(":" in name for name in names) else {}
    params = {"metrics": names, "output": toy_output(2).told, "decisions": [None] * len(predictions), **labels}
    values = evaluate(Job(runner="evaluate", inputs=found, params=params, seed=1), store).values
    intervals = {name: ends[0] for name, ends in values["intervals"].items()}
    return Job(runner="choice", inputs=found, params={**params, "intervals": intervals}, seed=1)


def best_first(name: str, count: int = MODELS) -> list[Any]:
    """The models, the best by a metric first."""
    found = metric_named(name, "classes", 2, labels=[0, 1])
    scores = np.array([found.score(Y, p) for p in ALIKE[:count]])
    return [ALIKE[i] for i in np.argsort(-scores if found.greater_is_better else scores, kind="stable")]


@pytest.mark.parametrize("name", METRICS)
def test_the_best_of_equals_is_told_with_less(name: str) -> None:
    """By every sort of metric the corrected score is worse, and the interval reaches towards worse ones, only there."""
    store = MemoryStore()
    asked = job(store, [name, "accuracy"], predictions=best_first(name, METRICS[name]))
    values, (low, high) = choice(asked, store).values, asked.params["intervals"][name]
    first, last = values["intervals"][name]
    greater = name not in ("log_loss", "brier")
    reach = low - first if greater else last - high
    assert reach > 0.02 * (high - low)
    assert (last if greater else first) == (high if greater else low)
    middle = metric_named(name, "classes", 2, labels=[0, 1]).score(Y, get_array(store, asked.inputs["predictions0"]))
    assert values["corrected"][name] == pytest.approx(middle - reach if greater else middle + reach)
    assert set(values["intervals"]) == {name, "accuracy"}
    assert 0 < values["again"] < 1


def test_of_one_that_is_far_ahead_nothing_is_taken() -> None:
    """The interval is that of the judge, and the score stays."""
    store = MemoryStore()
    sure = 0.9 * np.eye(2)[Y] + 0.05
    asked = job(store, ["log_loss"], predictions=[sure, *ALIKE[:3]])
    values = choice(asked, store).values
    assert values["intervals"] == asked.params["intervals"]
    assert values["corrected"]["log_loss"] == pytest.approx(-np.log(0.95))
    assert values["again"] == 1


def test_groups_are_drawn_whole() -> None:
    """Rows that come four times, as groups of four, are flattered as they are once."""
    store = MemoryStore()
    once = job(store, ["log_loss"], predictions=best_first("log_loss"))
    inputs = {key: put_array(store, np.repeat(get_array(store, d), 4, axis=0)) for key, d in once.inputs.items()}
    four = replace(once, inputs={**inputs, "groups": put_array(store, np.repeat(np.arange(ROWS), 4))})
    one, other = (choice(asked, store).values["corrected"]["log_loss"] for asked in (once, four))
    assert other == pytest.approx(one, abs=1e-12)


def test_rows_of_no_weight_say_nothing() -> None:
    """With weights of 0 for some rows, and one for the others, it is as if the first were not there."""
    store = MemoryStore()
    models, weights = best_first("log_loss"), np.ones(ROWS)
    weights[::5] = 0
    kept = weights > 0
    weighed = job(store, ["log_loss"], predictions=models, weights=weights)
    alone = job(store, ["log_loss"], predictions=[p[kept] for p in models], y=Y[kept])
    one, other = (choice(asked, store).values["corrected"]["log_loss"] for asked in (weighed, alone))
    assert one == pytest.approx(other)


def test_what_is_undefined_stays_so() -> None:
    """One group in all: nothing can be left out, and no interval is told."""
    store = MemoryStore()
    asked = job(store, ["log_loss"], groups=np.zeros(ROWS, dtype=np.int64))
    assert choice(asked, store).values["intervals"] == {"log_loss": None}
