"""A deadline: the best answer that is ready, and what it lacks."""

from __future__ import annotations

import numpy as np
import pytest

from concours import Contest, Result, Task, predict
from concours.core.joint import Joint
from concours.engine.prediction import Late, Predictor, _Heard
from concours.tasks.outputs.table import output_valued

from .conftest import FOREST, NEAREST, SPLIT, TREE, flowers


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """Alliances of three, in four ways to join."""
    out = tmp_path_factory.mktemp("runs") / "several"
    task = Task(kind="tabular-classification", data=flowers(), target="kind", split=SPLIT)
    Contest(
        task=task, entrants=(NEAREST, TREE, FOREST), lineup="none", engine="inline", out=out,
        cooperate=("average", "vote", "stack", "cascade"),
    ).run()  # fmt: skip
    return Result.load(out)


def until(result: Result, name: str, asked: int):
    """What is ready when so many questions of whether it is late have been answered with no."""
    x = flowers(20).drop(columns="kind")
    known = {each.entrant.digest: each for each in result.candidates.values()}
    predictor = Predictor(result.folder.store, output_valued(result.setup.problem.output), known, x)
    left = iter([False] * asked)
    return predictor.predict_until(result.candidates[name], lambda: next(left, True))


@pytest.mark.parametrize("name", ["average", "vote", "stack", "cascade", "tree"])
def test_in_time_it_is_the_answer(several: Result, name: str) -> None:
    """To the last bit, with nothing to say; a single entrant is never cut."""
    p, lacks = until(several, name, 99)
    assert lacks == "" and np.array_equal(p, predict(several, flowers(20), model=name, proba=True))
    if name == "tree":
        assert until(several, name, 0)[1] == ""


def test_of_an_average_those_who_answered_are_joined(several: Result) -> None:
    """With the weights that they have among themselves; then it is corrected as the whole is."""
    p, lacks = until(several, "average", 1)
    assert lacks.startswith("2 of 3 members answered in time: ") and np.allclose(p.sum(axis=1), 1)
    names = lacks.partition(": ")[2].split(", ")
    alone = [predict(several, flowers(20), model=one, proba=True) for one in names]
    raw = until(several, "average", 0)[0]
    assert len(alone) == 2 and not np.array_equal(raw, p)


def test_where_joining_needs_all_one_stands_for_them(several: Result) -> None:
    """The one of the largest weight of those who answered."""
    heard, entrant = _Heard(lambda: False, {}, np.arange(3)), several.candidates["average"].entrant
    said = [np.full((4, 3), value) for value in (0.1, 0.2)]
    for place, p in enumerate(said):
        heard.by(place, lambda rows, p=p: p[rows])(np.arange(4))
    parents = entrant.joint.parents
    joint = Joint(how="stack-boosted", parents=parents, weights=(0.2, 0.5, 0.3), artifacts={"model": parents[0]})
    p, ready = heard.ready(output_valued(several.setup.problem.output), entrant, joint, 4)
    assert ready == [1] and np.array_equal(p, said[1])


def test_a_cascade_stops_where_it_is(several: Result) -> None:
    """The first answers all; no one is asked who would not be."""
    p, lacks = until(several, "cascade", 0)
    whole, _ = until(several, "cascade", 99)
    if lacks:
        first = lacks.partition(": ")[2].split(", ")[0]
        assert np.array_equal(p, predict(several, flowers(20), model=first, proba=True))
    else:
        assert np.array_equal(p, whole)


def test_rows_that_nobody_answered_are_told(several: Result) -> None:
    """Rather than made up: of ways to join that ask each about some rows."""
    heard, entrant = _Heard(lambda: True, {}, np.arange(3)), several.candidates["cascade"].entrant
    heard.by(0, lambda rows: np.zeros((len(rows), 3)))(np.arange(2))
    with pytest.raises(Late):
        heard.ready(output_valued(several.setup.problem.output), entrant, entrant.joint, 5)


def test_a_server_says_what_an_answer_lacks(several: Result, go) -> None:
    """In the body and the head; a deadline that is no number is refused."""
    from concours.serving.answering import Answering
    from concours.serving.doors.table import DOORS
    from concours.serving.model import Served
    from concours.serving.wire import Ask

    answering = Answering(Served.of(several, "average"), DOORS, together=False)
    body = b'{"rows": [{"length": 1, "petals": 4, "colour": "red", "wild": true}]}'
    (told,) = answering.step([Ask(1, "plain", body, seconds=1e-9)])
    assert b"1 of 3 members answered in time" in told.body and told.head["x-concours-partly"]
