"""All outputs: what comes from elsewhere is taken or refused in one line, and metrics are found by what they are of."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.core.errors import ContestError, DataError
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.rows import Mean
from concours.tasks.metrics.table import METRICS
from concours.tasks.outputs.anomaly import Anomaly
from concours.tasks.outputs.answer import Answer
from concours.tasks.outputs.boxes import BoxesOutput
from concours.tasks.outputs.choice import Choice
from concours.tasks.outputs.classes import Classes
from concours.tasks.outputs.groups import Groups
from concours.tasks.outputs.items import Items
from concours.tasks.outputs.language import Language
from concours.tasks.outputs.life import Life
from concours.tasks.outputs.masks import MasksOutput
from concours.tasks.outputs.number import Number
from concours.tasks.outputs.order import Order
from concours.tasks.outputs.pictures import PicturesOutput
from concours.tasks.outputs.points import Points
from concours.tasks.outputs.series import Series
from concours.tasks.outputs.several import Several
from concours.tasks.outputs.summary import Summary
from concours.tasks.outputs.survival import Survival
from concours.tasks.outputs.table import OUTPUTS
from concours.tasks.outputs.text import Text
from concours.tasks.outputs.transcript import Transcript
from concours.tasks.outputs.writing import Writing

QUICK = settings(max_examples=60)
HUGE = 10**400
MADE = {
    "classes": Classes(classes=2),
    "number": Number(),
    "series": Series(horizon=2, context=3),
    "text": Text(),
    "boxes": BoxesOutput(classes=2, names=("cat", "dog"), called=("cat", "dog")),
    "masks": MasksOutput(classes=2, size=(2, 3), names=("cat", "dog"), called=("cat", "dog")),
    "answer": Answer(),
    "choices": Choice(most=3),
    "writing": Writing(),
    "transcript": Transcript(),
    "summary": Summary(),
    "pictures": PicturesOutput(shape=(2, 2, 1)),
    "language": Language(most=3),
    "anomaly": Anomaly(),
    "clusters": Groups(groups=3, places=3),
    "items": Items(classes=4),
    "life": Life(),
    "order": Order(),
    "points": Points(game="tictactoe"),
    "several": Several(targets=("colour", "weight"), called=(("red", "blue"), ()), scales=(1.0, 2.0)),
    "survival": Survival(event="died", happened="yes", times=(1.0, 2.0, 5.0)),
}
SCALARS = st.none() | st.booleans() | st.integers() | st.just(HUGE) | st.floats() | st.text(max_size=3)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["text", "score", "label", "xmin"]), inner)
    ),
    max_leaves=6,
)


def refusal(act):
    """What is said of data that is refused; none where it is taken."""
    try:
        act()
    except DataError as error:
        return str(error)
    return None


def test_every_output_is_looked_at():
    assert set(MADE) == set(OUTPUTS.own)


@QUICK
@given(st.sampled_from(sorted(MADE)), VALUES, st.integers(0, 2))
def test_whatever_a_predictor_says_is_taken_or_refused(name, said, rows):
    """Values of Python of any form: a line says what was expected, or they are predictions."""
    output = MADE[name]
    told = refusal(lambda: output.accepted(said, rows))
    assert "\n" not in (told or "")
    assert told or len(output.accepted(said, rows)) == rows


@pytest.mark.parametrize(
    ("said", "shown"),
    [([0, 1], "0"), ([[1.0, 2.0]], "[1.0, 2.0]"), ([0.0], "0.0"), (5, "5"), ([["a"]], "['a']"), ([HUGE], "1000")],
)
def test_what_are_no_texts_is_shown(said, shown):
    """A 0 is no more a text than a 1."""
    with pytest.raises(DataError, match="must be texts, or lists of texts with scores, got") as error:
        MADE["text"].accepted(said, 2)
    assert str(error.value).partition("got ")[2].startswith(shown)
    with pytest.raises(DataError, match=r"must be numbers of shape .*, got a (list|int), where an array was expected"):
        MADE["series"].accepted(said, 1)


def test_lists_of_texts_with_scores_can_be_pythons_own():
    """As the message asks for them."""
    rows = [[{"text": "a", "score": 0.75}, {"text": "b", "score": 0.25}], [{"text": "c", "score": 1}]]
    assert MADE["text"].accepted(rows, 2).to_pylist() == rows


@QUICK
@given(
    st.sampled_from(["series", "boxes", "language", "masks"]),
    VALUES | st.sampled_from(["[" * 99_999, f"[{HUGE}, 1]", f'[["cat",{HUGE}]]']),
)
def test_whatever_a_cell_says_is_read_or_refused(name, said):
    """Cells of files that others made, whose JSON may be anything."""
    cell = said if isinstance(said, str) else json.dumps(said)
    told = refusal(lambda: MADE[name].given(pa.table({"prediction": pa.array([cell], pa.string())}), "p.csv"))
    assert told is None or (told.startswith("p.csv") and "\n" not in told)


def off(y, p):
    return np.zeros(len(y))


@pytest.mark.parametrize("name", MADE)
def test_a_metric_is_named_by_what_it_is_of(name, monkeypatch):
    """A metric that a plugin brings for an output is found by it, and told to suit no other."""
    metric = Metric(name="far", greater_is_better=False, target=name, needs="values", way=Mean(of=off))
    monkeypatch.setitem(METRICS.own, "far", metric)
    assert MADE[name].metric("far") is metric
    for other in MADE.keys() - {name}:
        with pytest.raises(ContestError, match="'far' does not suit") as error:
            MADE[other].metric("far")
        assert MADE[other].said in str(error.value)
        assert "\n" not in str(error.value)
    with pytest.raises(ContestError, match="unknown metric 'fra'; did you mean 'far'"):
        MADE[name].metric("fra")


def test_an_output_of_a_plugin_has_its_own_metrics():
    """Ours are of our outputs, whatever estimator another has; scikit-learn's scorers are of classes and numbers."""

    class Grades(Classes):
        name = "grades"

    grades = Grades(classes=3)
    for name, said in (
        ("accuracy", "'accuracy' does not suit 3 classes; module:function is taken too"),
        ("neg_max_error", "unknown metric 'neg_max_error'; module:function is taken too"),
    ):
        with pytest.raises(ContestError, match=said):
            grades.metric(name)
    assert replace(grades, classes=4).said == "4 classes"


@pytest.mark.parametrize("name", ["number", "text", "boxes"])
def test_probabilities_are_asked_of_classes_alone(name):
    """In words of what is predicted."""
    with pytest.raises(ContestError, match=f"there are none of {MADE[name].said}"):
        MADE[name].metric("sklearn.metrics:brier_score_loss")
