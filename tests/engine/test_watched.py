"""Who predicts alike on a hosted board: copies are named, and nobody who is good by himself, whatever is predicted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from concours.compete.hosted_board import Result
from concours.compete.hosted_measures import ByRows, Sheet
from concours.core.event import Done
from concours.core.problem import Goal, Part, Problem
from concours.engine.runners import RUNNERS, watched
from concours.engine.work import execute
from concours.stores.blobs import put_array
from concours.stores.memory import MemoryStore
from concours.stores.values import put_values
from concours.tasks.inputs.table import TABLE
from concours.tasks.outputs.choice import Choice
from concours.tasks.outputs.classes import Classes
from concours.tasks.outputs.number import Number
from concours.tasks.outputs.output import OutputKind
from concours.tasks.outputs.text import Text

STORE = MemoryStore()
ROWS = 600
THREE = Classes(classes=3, called=("x", "y", "z"))


def looked(
    y: Any,
    output: OutputKind,
    metric: tuple[str, bool],
    predictions: list[Any],
    public: NDArray[np.bool_] | None = None,
    decisions: dict[int, Any] | None = None,
) -> dict[str, Any]:
    """What the job says."""
    part = Part(
        x=put_array(STORE, np.arange(2)), y=put_values(STORE, y), ids=put_array(STORE, np.arange(2)), rows=len(y)
    )
    problem = Problem(
        name="watched",
        kind="any",
        input=TABLE.value,
        output=output.value,
        metrics=(Goal(name=metric[0], greater_is_better=metric[1]),),
        train=part,
        folds=put_array(STORE, np.arange(len(y)) % 2),
        n_folds=2,
        test=part,
        public=None if public is None else put_array(STORE, public),
    )
    chosen = decisions or {}
    entered = [
        Result(predictions=put_values(STORE, p), decision=chosen.get(place)) for place, p in enumerate(predictions)
    ]
    event = execute(
        ByRows(problem=problem, sheet=Sheet(), seed=3, threads=1).watch(entered), STORE, RUNNERS, trace=True
    )
    assert isinstance(event, Done), event
    return dict(event.values)


def probabilities(seed: int, teams: int) -> tuple[NDArray[np.int64], list[NDArray[np.float64]]]:
    """Targets, and predictions that are good on the same easy rows and doubtful on the same hard ones."""
    rng = np.random.default_rng(seed)
    y, ease = rng.integers(0, 3, ROWS), rng.normal(1.5, 1.5, (ROWS, 1))
    logits = [ease * np.eye(3)[y] + rng.normal(scale=0.7, size=(ROWS, 3)) for _ in range(teams)]
    return y, [np.exp(one) / np.exp(one).sum(axis=1, keepdims=True) for one in logits]


def labels(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """The class that each row names, for certain, as a file of labels says it."""
    return np.eye(p.shape[1])[p.argmax(axis=1)]


@pytest.mark.parametrize("teams", [4, 8, 40])
def test_probabilities_that_are_nearly_the_same_are_named(teams: int) -> None:
    """Rounded or blurred a little; those who are good by themselves are not, though all say nearly the truth."""
    y, predictions = probabilities(teams, teams)
    assert looked(y, THREE, ("log_loss", False), predictions)["pairs"] == []
    rng = np.random.default_rng(0)
    copy = np.clip(predictions[1] + rng.normal(scale=0.005, size=(ROWS, 3)), 0, None).round(2)
    found = looked(y, THREE, ("log_loss", False), [*predictions, copy / copy.sum(axis=1, keepdims=True)])
    assert found["pairs"] == [[1, teams]]
    assert found["correlation"][0] > 0.98
    assert found["agree"][0] > 0.8
    assert (found["rows"], found["entered"]) == (ROWS, teams + 1)


@pytest.mark.parametrize("metric", [("accuracy", True), ("log_loss", False)])
def test_labels_that_are_nearly_the_same_are_named(metric: tuple[str, bool]) -> None:
    """A row in a hundred was changed; that most rows have the right label in common names nobody."""
    y, predictions = probabilities(0, 12)
    said = [labels(p) for p in predictions]
    assert looked(y, THREE, metric, said)["pairs"] == []
    copy, changed = said[4].copy(), np.random.default_rng(0).choice(ROWS, 6, replace=False)
    copy[changed] = np.roll(copy[changed], 1, axis=1)
    found = looked(y, THREE, metric, [*said, copy])
    assert found["pairs"] == [[4, 12]]
    assert 0.9 <= found["correlation"][0] < 1
    assert 0.8 < found["agree"][0] < 1


def test_labels_are_those_that_a_decision_names() -> None:
    """Shares of labels in common are told of the labels that are scored."""
    y, predictions = probabilities(0, 6)
    others = {5: {"weights": [1e6, 1.0, 1.0]}}
    same = [*predictions[:5], predictions[2]]
    assert looked(y, THREE, ("accuracy", True), same)["agree"] == [1.0]
    assert looked(y, THREE, ("accuracy", True), same, decisions=others)["agree"][0] < 0.5


@pytest.mark.parametrize("level", [0.0, 1e9])
def test_numbers_that_are_nearly_the_same_are_named(level: float) -> None:
    """However large they are, and whatever nonsense another team sends."""
    rng = np.random.default_rng(0)
    y = level + rng.normal(size=ROWS)
    predictions = [(y + rng.normal(scale=0.3, size=ROWS))[:, None] for _ in range(9)]
    predictions.append(np.full((ROWS, 1), 1e300))
    predictions.append(rng.normal(size=(ROWS, 1)) * 1e40)
    assert looked(y, Number(), ("rmse", False), predictions)["pairs"] == []
    found = looked(y, Number(), ("r2", True), [*predictions, predictions[3] + rng.normal(scale=0.01, size=(ROWS, 1))])
    assert found["pairs"] == [[3, 11]]
    assert found["agree"] == [None]


def test_public_rows_alone_are_looked_at() -> None:
    """A copy of the rest is not seen before its time, and what is on the rest changes nothing."""
    y, predictions = probabilities(0, 6)
    public = np.arange(ROWS) % 2 == 0
    of_public, of_rest = (np.where(some[:, None], predictions[0], predictions[5]) for some in (public, ~public))
    found = looked(y, THREE, ("log_loss", False), [*predictions[:5], of_public, of_rest], public)
    assert (found["pairs"], found["rows"]) == ([[0, 5]], ROWS // 2)


def test_choices_are_told_by_what_is_right() -> None:
    """Distributions over the choices of each row; one that gives no answer too."""
    y, predictions = probabilities(0, 6)
    predictions[4][::7] = 0.0
    found = looked(
        np.eye(3, dtype=np.int8)[y], Choice(most=3), ("choice_accuracy", True), [*predictions, predictions[4]]
    )
    assert found["pairs"] == [[4, 6]]


def test_texts_are_told_by_what_each_row_scores() -> None:
    """By the output's own score of rows, where the ranking metric has none."""
    rng, words = np.random.default_rng(0), np.array([f"word{number}" for number in range(10)])
    truth = [" ".join(rng.choice(words, 8)) for _ in range(60)]
    output = Text()

    def said() -> Any:
        texts = [" ".join(word if rng.random() < 0.7 else rng.choice(words) for word in t.split()) for t in truth]
        return output.accepted(pa.array(texts), 60)

    predictions = [said() for _ in range(6)]
    found = looked(pa.array(truth), output, ("chrf", True), [*predictions, predictions[1]])
    assert (found["pairs"], found["agree"]) == ([[1, 6]], [None])


def test_of_a_great_many_rows_some_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it keeps is bounded, over all teams, and spread evenly."""
    monkeypatch.setattr(watched, "_VALUES", 7 * 150)
    y, predictions = probabilities(0, 6)
    found = looked(y, THREE, ("log_loss", False), [*predictions, predictions[2]])
    assert (found["pairs"], found["rows"]) == ([[2, 6]], 150)
