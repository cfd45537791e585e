"""What a hosted board has done, by the real runners: scores are those of the rows that they say, and nobody else's fault."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, log_loss

from concours.compete.hosted import Hosted
from concours.compete.hosted_board import Result, Score
from concours.compete.hosted_measures import ByRows, Entered, Sheet
from concours.core.digests import Digest, digest_json
from concours.core.event import Done, Failed, Outcome
from concours.core.job import Job
from concours.core.problem import Goal, Part, Problem
from concours.engine.inbox import MemoryInbox, Place, new_signal
from concours.engine.inline import InlineExecutor
from concours.engine.journal import FileJournal, MemoryJournal
from concours.engine.loop import Engine
from concours.engine.runners import RUNNERS, ranked
from concours.engine.work import execute
from concours.stores.blobs import get_array, put_array, put_table
from concours.stores.memory import MemoryStore
from concours.stores.problems import keep_problem
from concours.tasks.inputs.table import TABLE
from concours.tasks.outputs.classes import Classes
from concours.testing.toys import toy_output

ROWS, CLASSES = 60, 3
RNG = np.random.default_rng(7)
STORE = MemoryStore()
Y = RNG.integers(0, CLASSES, ROWS)
PUBLIC = RNG.random(ROWS) < 0.4
FEATURES = Y[:, None] + RNG.normal(size=(ROWS, 2))


def part(rows: NDArray[np.float64], y: NDArray[np.int64]) -> Part:
    """A part of a table of two columns."""
    table = pa.table({"a": rows[:, 0], "b": rows[:, 1]})
    return Part(x=put_table(STORE, table), y=put_array(STORE, y), ids=put_array(STORE, np.arange(len(y))), rows=len(y))


PROBLEM = Problem(
    name="hosted",
    kind="tabular-classification",
    input=TABLE.value,
    output=Classes(classes=3, called=("x", "y", "z")).value,
    metrics=(Goal(name="log_loss", greater_is_better=False), Goal(name="accuracy", greater_is_better=True)),
    train=part(Y[:, None] + RNG.normal(size=(ROWS, 2)), Y),
    folds=put_array(STORE, np.arange(ROWS) % 3),
    n_folds=3,
    test=part(FEATURES, Y),
    public=put_array(STORE, PUBLIC),
)


def probabilities(seed: int) -> NDArray[np.float64]:
    """Predictions that are right more often than not."""
    p = np.random.default_rng(seed).dirichlet(np.ones(CLASSES), ROWS) + np.eye(CLASSES)[Y]
    return np.asarray(p / p.sum(axis=1, keepdims=True))


def sent(seed: int) -> Digest:
    """The same, in the store."""
    return put_array(STORE, probabilities(seed))


def receive(array: NDArray[Any], *, classes: int = CLASSES) -> Done | Failed:
    """How predictions are received."""
    job = Job(
        runner="receive",
        inputs={"predictions": put_array(STORE, array)},
        params={"rows": ROWS, "output": toy_output(classes).told},
        outputs=("test",),
    )
    return execute(job, STORE, RUNNERS)


@pytest.mark.parametrize("make", [np.float32, np.float64])
def test_predictions_are_received_as_they_are_but_for_rounding(make: Callable[..., Any]) -> None:
    """Float64, each row scaled to a sum of 1."""
    p = probabilities(0)
    event = receive(p.astype(make))
    assert isinstance(event, Done)
    np.testing.assert_allclose(get_array(STORE, event.outputs["test"]), p, rtol=1e-6)
    assert get_array(STORE, event.outputs["test"]).dtype == np.float64


def test_values_may_come_as_a_column_or_not() -> None:
    """Predictions of a regression are one column, sent as one or as a list."""
    values = np.arange(ROWS)
    for array in (values, values[:, None], values.astype(np.float32)):
        event = receive(array, classes=0)
        assert isinstance(event, Done)
        assert get_array(STORE, event.outputs["test"]).tolist() == values[:, None].astype(float).tolist()


def spoilt(how: str) -> NDArray[Any]:
    """Predictions with a fault."""
    p = probabilities(0)
    if how == "negative":
        p[3] = [-0.5, 1.0, 0.5]
    if how == "no sum":
        p[3] *= 1.1
    if how in ("nan", "inf"):
        p[3, 1] = float(how)
    return {"short": p[:-1], "narrow": p[:, :2], "flat": p.ravel(), "words": p.astype("U5")}.get(how, p)


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("negative", "those of row 3 do not"),
        ("no sum", "those of row 3 do not"),
        ("nan", "finite; row 3 is not"),
        ("inf", "finite; row 3 is not"),
        ("short", r"of shape \(60, 3\), got float64 of shape \(59, 3\)"),
        ("narrow", r"got float64 of shape \(60, 2\)"),
        ("flat", r"got float64 of shape \(180,\)"),
        ("words", "must be numbers"),
    ],
)
def test_predictions_of_another_form_fail_with_the_reason(how: str, reason: str) -> None:
    """The row, or what was expected and what came."""
    event = receive(spoilt(how))
    assert isinstance(event, Failed)
    assert event.cause == "exception"
    with pytest.raises(ValueError, match=reason):
        raise ValueError(event.reason)


@pytest.mark.parametrize("what", ["nothing", "no array"])
def test_what_is_not_there_is_the_failure_of_who_sent_it(what: str) -> None:
    """A digest of nothing, or of something else, must not end the session of everybody."""
    digest = digest_json("nobody has this") if what == "nothing" else STORE.put(io.BytesIO(b"no array"))
    job = Job(
        runner="receive",
        inputs={"predictions": digest},
        params={"rows": ROWS, "output": toy_output(3).told},
        outputs=("test",),
    )
    event = execute(job, STORE, RUNNERS)
    assert isinstance(event, Failed)
    assert event.cause == "exception"
    assert "the predictions cannot be read" in event.reason


class House:
    """A board, with what comes in and what is remembered."""

    def __init__(self) -> None:
        self.place, self.records = Place(), list[Any]()
        self.board = Hosted(problem=PROBLEM)

    def send(self, name: Any, body: dict[str, Any], id: str) -> None:
        """Has a signal come in."""
        self.place.put(new_signal(name, body, to="board", id=id))

    def drive(self, until_s: float | None = None) -> Any:
        """A session."""
        engine = Engine(
            store=STORE,
            journal=MemoryJournal(self.records),
            executor=InlineExecutor(STORE, RUNNERS),
            code=lambda job: digest_json(RUNNERS[job.runner].version),
            inbox=MemoryInbox(self.place),
        )
        return engine.drive(self.board, (), seed=0, until_s=until_s)


@pytest.fixture(scope="module")
def ended() -> tuple[House, Any]:
    """A board that two have joined by predictions, one by recipe, and one by predictions that are not there."""
    house = House()
    for seed in range(2):
        house.send("joined", {"name": f"team {seed}", "predictions": sent(seed)}, f"team {seed}")
    recipe = {"recipe": "sklearn.linear_model:LogisticRegression", "params": {"C": 2.0}, "prepare": "matrix"}
    house.send("joined", {"name": "by recipe", **recipe}, "by recipe")
    house.send("joined", {"name": "nothing", "predictions": digest_json("nobody has this")}, "nothing")
    house.send("closed", {}, "closed")
    return house, house.drive()


def test_the_board_shows_public_rows_and_then_the_rest(ended: tuple[House, Any]) -> None:
    """Scores are those of scikit-learn on exactly these rows."""
    house, state = ended
    board = house.board.standings(state)
    for seed in range(2):
        p = probabilities(seed)
        public = house.board.scores(state)[f"team {seed}"].metrics
        for rows, metrics in ((PUBLIC, public), (~PUBLIC, board[f"team {seed}"].metrics)):
            assert metrics["log_loss"] == pytest.approx(log_loss(Y[rows], p[rows], labels=range(CLASSES)))
            assert metrics["accuracy"] == pytest.approx(accuracy_score(Y[rows], p[rows].argmax(axis=1)))


def test_a_board_that_is_recalled_from_a_file_is_the_same(ended: tuple[House, Any], tmp_path: Path) -> None:
    """Also which metric ranks: a file keeps the keys of what a job yielded sorted, not in the problem's order."""
    house, state = ended
    journal = FileJournal(tmp_path / "journal.jsonl")
    for record in house.records:
        journal.append(record)
    journal.close()
    again = House()
    again.records = list(FileJournal(tmp_path / "journal.jsonl").records())
    recalled = again.board.standings(again.drive())
    assert recalled == house.board.standings(state)
    for line in recalled:
        assert line.score is None or line.score == line.metrics["log_loss"]


def test_entries_by_recipe_and_by_predictions_stand_on_one_board(ended: tuple[House, Any]) -> None:
    """Each with a rank, its range and an interval; who sent nothing is last, with the reason."""
    house, state = ended
    *ranked, last = house.board.standings(state)
    assert {line.entrant.name for line in ranked} == {"team 0", "team 1", "by recipe"}
    assert [line.rank for line in ranked] == [1, 2, 3]
    assert all(line.ci and line.ci[0] < line.score < line.ci[1] for line in ranked)
    assert (last.entrant.name, last.status) == ("nothing", "failed")
    assert "cannot be read" in last.reason


def test_the_rest_is_scored_once(ended: tuple[House, Any]) -> None:
    """By one job, which tells of all three; and a session more does none."""
    house, state = ended
    outcomes = [record.event for record in house.records if isinstance(record.event, Outcome)]
    last = [event for event in outcomes if isinstance(event, Done) and event.values == state.rest.values]
    assert len(last) == 1
    assert len(last[0].values["scores"]["log_loss"]) == 3
    before = len(house.records)
    assert house.drive() == state
    assert len(house.records) == before


def test_a_rescoring_counts_from_then_on() -> None:
    """With other targets of the same rows; the earlier scores are kept."""
    house, other = House(), (Y + 1) % CLASSES
    assert PROBLEM.test
    second = replace(PROBLEM, test=replace(PROBLEM.test, y=put_array(STORE, other)))
    assert keep_problem(second, STORE) == second.digest
    house.send("joined", {"name": "team 0", "predictions": sent(0)}, "team 0")
    house.send("rescored", {"problem": second.digest}, "second")
    house.send("closed", {}, "closed")
    state, p = house.drive(), probabilities(0)
    for problem, y in ((PROBLEM.digest, Y), (second.digest, other)):
        score = house.board.scores(state, problem)["team 0"].metrics["log_loss"]
        assert score == pytest.approx(log_loss(y[PUBLIC], p[PUBLIC], labels=range(CLASSES)))
    last = house.board.standings(state)["team 0"].score
    assert last == pytest.approx(log_loss(other[~PUBLIC], p[~PUBLIC], labels=range(CLASSES)))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"folds": put_array(STORE, np.zeros(ROWS, dtype=np.int64))}, "differs in folds"),
        ({"output": Classes(classes=3, called=("x", "y", "w")).value}, "differs in classes"),
        ({"test": None}, "differs in test"),
        ({"output": replace(PROBLEM.output, meta={"horizon": 3})}, "differs in meta"),
        ({"test": replace(PROBLEM.test or PROBLEM.train, x=PROBLEM.train.x)}, "differs in test"),
        ({"test": replace(PROBLEM.test or PROBLEM.train, y=digest_json("gone"))}, "cannot be read"),
    ],
)
def test_another_problem_rescores_nothing(change: dict[str, Any], reason: str) -> None:
    """What differs in more than a rescoring may change, or is not there, is refused with the reason."""
    digest = keep_problem(replace(PROBLEM, **change), STORE)
    job = Job(runner="rescore", inputs={"problem": digest}, params={"of": PROBLEM.to_json()})
    event = execute(job, STORE, RUNNERS)
    assert isinstance(event, Failed)
    assert event.cause == "exception"
    assert reason in event.reason


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"kind": 1}', b"[" * 100_000])
def test_what_is_no_problem_rescores_nothing(content: bytes) -> None:
    """Whatever lies under the digest."""
    job = Job(runner="rescore", inputs={"problem": STORE.put(io.BytesIO(content))}, params={"of": PROBLEM.to_json()})
    event = execute(job, STORE, RUNNERS)
    assert isinstance(event, Failed)
    assert event.cause == "exception"
    assert "no problem" in event.reason


@pytest.mark.parametrize("metrics", [("log_loss", "accuracy"), ("accuracy", "log_loss"), ("brier", "f1_macro")])
def test_many_are_ranked_as_few_are(metrics: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The quick way of many entries says what the plain one does: ranks, ranges, tiers, intervals, baselines beside."""
    goals = tuple(Goal(name=name, greater_is_better=name in ("accuracy", "f1_macro")) for name in metrics)
    by = ByRows(problem=replace(PROBLEM, metrics=goals), sheet=Sheet(), seed=0, threads=1)
    sides = [0, 1, 0, None, 2, 3, 1, None, *range(4, 12)]
    entered = [
        Entered(result=Result(predictions=sent(seed % 13)), score=Score(), side=side) for seed, side in enumerate(sides)
    ]
    job = by.rank(entered, "rest")
    plain = execute(job, STORE, RUNNERS)
    monkeypatch.setattr(ranked, "MANY", 2)
    quick = execute(job, STORE, RUNNERS)
    assert isinstance(plain, Done)
    assert isinstance(quick, Done)
    first = metrics[0]
    for name in ("rank", "rank_best", "rank_worst", "tier"):
        assert plain.values[name] == quick.values[name]
    assert plain.values["ranks"][first] == quick.values["ranks"][first]
    for name in metrics:
        np.testing.assert_allclose(plain.values["scores"][name], quick.values["scores"][name])
    np.testing.assert_allclose(np.array(plain.values["ci"], float), np.array(quick.values["ci"], float))
    assert plain.values["rank"][3] is plain.values["rank"][7] is None
