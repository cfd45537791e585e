"""Cascades in a contest: on the board, in predictions, in credit and in the receipt, and what they are told to cost."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from concours import Contest, Entrant, Split, Task
from concours.cli.board import print_result
from concours.contest.credit import Credit
from concours.core.errors import ContestError
from concours.core.joint import Joint
from concours.core.lineage import cost_of
from concours.engine.prediction import Predictor
from concours.engine.rows import first_division, get_rows
from concours.engine.turns import Confidence, in_turn
from concours.entrants.fitting import Fitted
from concours.kernels.joining.calibration import Calibration
from concours.runs.result import Result
from concours.runs.verify import verify
from concours.stores.blobs import get_array
from concours.tasks.outputs.table import output_valued
from concours.testing.toys import toy_output

SURE = Confidence(output=output_valued(toy_output(3)))
COSTS = {"tree": 1.0, "near": 4.0, "forest": 40.0}
THRIFT = {"name": "thrift", "how": "cascade", "of": list(COSTS), "costs": COSTS}
TOP = {"name": "top", "how": "greedy", "of": ["thrift", "stack"]}
OVER = {"name": "over", "how": "cascade", "of": ["tree", "thrift"], "costs": {"tree": 1, "thrift": 9}}


def table(rows: int = 900) -> pd.DataFrame:
    """Three spirals in a plane, and columns that say nothing, which mislead whoever goes by distances."""
    random = np.random.default_rng(4)
    y = random.integers(3, size=rows)
    turn = random.uniform(0, 1.3, size=rows)
    angle = 4 * turn + 2 * np.pi * y / 3 + random.normal(scale=0.25, size=rows)
    plane = (0.3 + turn[:, None]) * np.column_stack([np.cos(angle), np.sin(angle)])
    said = pd.DataFrame(np.column_stack([plane, random.normal(size=(rows, 2))]), columns=list("abcd"))
    return said.assign(y=np.array(["one", "two", "three"])[y])


def contest(
    out: Path, *strategies: Any, test: float = 0.3, frame: pd.DataFrame | None = None, **options: Any
) -> Contest:
    """A cheap entrant, a better one, and a dear one."""
    entrants = [
        Entrant("tree", "sklearn.tree:DecisionTreeClassifier", {"max_depth": 3, "random_state": 0}),
        Entrant("near", "sklearn.neighbors:KNeighborsClassifier", {"n_neighbors": 15}),
        Entrant("forest", "sklearn.ensemble:RandomForestClassifier", {"n_estimators": 30, "random_state": 0}),
    ]
    data = table() if frame is None else frame
    task = Task(kind="tabular-classification", data=data, target="y", split=Split(test=test, folds=3), **options)
    return Contest(
        task=task, entrants=entrants, lineup="none", engine="inline", out=out, cooperate=list(strategies) or ["cascade"]
    )


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return contest(tmp_path_factory.mktemp("thrift") / "run", "stack", THRIFT, TOP, OVER, metrics=("accuracy",)).run()


def joint_of(result: Result, name: str) -> Joint:
    joint = result.candidates[name].entrant.joint
    assert joint is not None
    return joint


def parts_of(result: Result, name: str, part: str) -> tuple[list[np.ndarray], Joint]:
    """What the members of a cascade predicted, in their order."""
    known, joint = {c.entrant.digest: c for c in result.candidates.values()}, joint_of(result, name)
    return [get_array(result.folder.store, getattr(known[p], part)) for p in joint.parents], joint


def test_it_stands_on_the_board_and_saves(result: Result) -> None:
    """Several members are asked, the dear one not about all rows, and it is told who is asked how often."""
    alliance = result.alliances["thrift"]
    assert len(alliance.weights) > 1
    assert sum(alliance.weights.values()) == pytest.approx(1)
    asked = list(alliance.asked.values())
    assert asked[0] == 1
    assert asked == sorted(asked, reverse=True)
    assert asked[-1] < 0.75
    spent = sum(COSTS[name] * share for name, share in alliance.asked.items())
    assert spent < COSTS["forest"]
    kept = json.loads((result.folder.path / "result.json").read_text())["alliances"]["thrift"]
    assert kept["asked"] == dict(alliance.asked)
    assert kept["chosen"][1] == pytest.approx(spent)
    assert [cost for _, cost, _ in kept["curve"]] == sorted(cost for _, cost, _ in kept["curve"])
    lines = {line.entrant.name: line for line in result.standings}
    best = max((lines[name] for name in COSTS), key=lambda line: line.cv_score.score)
    assert lines["thrift"].cv_score.score >= best.cv_score.score - 2 * best.cv_score.stderr


def test_a_terminal_tells_who_is_asked(result: Result, capsys: pytest.CaptureFixture[str]) -> None:
    """In a line of its alliance, within eighty columns."""
    print_result(result, Console(width=80))
    printed = capsys.readouterr().out
    assert "asks tree about 100.0%, " in printed
    assert max(len(line) for line in printed.splitlines()) <= 80


def test_the_board_has_what_would_have_been_asked(result: Result) -> None:
    """The rows of a fold by its own thresholds, the test part by those of new rows, and by one row at a time."""
    store = result.folder.store
    parts, joint = parts_of(result, "thrift", "test")
    some = [i for i, weight in enumerate(joint.weights) if weight]
    raw, asked = in_turn(
        [parts[i].__getitem__ for i in some], [joint.artifacts["thresholds"][i] for i in some], len(parts[0]), SURE
    )
    candidate = result.candidates["thrift"]
    expected = Calibration(**candidate.calibration).apply(raw) if candidate.calibration else raw
    assert np.array_equal(get_array(store, candidate.test), expected)
    known = {c.entrant.digest: c for c in result.candidates.values()}
    spent = sum(known[joint.parents[i]].predict_s * asked[place].mean() for place, i in enumerate(some))
    assert candidate.predict_s >= spent
    assert candidate.predict_s < spent + 0.2
    cost = cost_of(joint, known)
    rows = [share * known[p].row_s for share, p in zip(joint.artifacts["asked"], joint.parents, strict=True) if share]
    assert cost.row_s == pytest.approx(sum(rows))


@pytest.mark.parametrize("name", ["thrift", "top", "over"])
def test_new_rows_are_predicted_as_the_board_says(result: Result, name: str) -> None:
    """By the models, of the same rows, wherever the cascade stands in the tower."""
    store = result.folder.store
    x = get_rows(store, result.setup.problem.test.x)
    known = {c.entrant.digest: c for c in result.candidates.values()}
    told = Predictor(store, output_valued(result.setup.problem.output), known, x).predict(result.candidates[name])
    assert np.allclose(told, get_array(store, result.candidates[name].test), rtol=0, atol=1e-12)


def test_a_member_is_asked_about_the_rows_that_need_it_alone(result: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of its models gets as many rows as are left by those before, and no preparation does more."""
    store, rows = result.folder.store, dict[str, list[int]]()
    predict = Fitted.predict

    def counted(self: Fitted, x: Any) -> np.ndarray:
        rows.setdefault(type(self.estimator).__name__, []).append(len(x))
        return predict(self, x)

    monkeypatch.setattr(Fitted, "predict", counted)
    x = get_rows(store, result.setup.problem.test.x)
    known = {c.entrant.digest: c for c in result.candidates.values()}
    Predictor(store, output_valued(result.setup.problem.output), known, x).predict(result.candidates["thrift"])
    parts, joint = parts_of(result, "thrift", "test")
    some = [i for i, weight in enumerate(joint.weights) if weight]
    thresholds = [joint.artifacts["thresholds"][i] for i in some]
    _, asked = in_turn([parts[i].__getitem__ for i in some], thresholds, len(x), SURE)
    kinds = {"tree": "DecisionTreeClassifier", "near": "KNeighborsClassifier", "forest": "RandomForestClassifier"}
    names = [known[joint.parents[i]].entrant.name for i in some]
    assert rows == {kinds[n]: [int(asked[k].sum())] * 3 for k, n in enumerate(names) if asked[k].any()}
    rows.clear()
    Predictor(store, output_valued(result.setup.problem.output), known, x).predict(result.candidates["top"])
    assert set(result.alliances["top"].weights) == {"thrift", "stack"} or len(rows) > 0
    if "stack" in result.alliances["top"].weights:  # whoever is asked about all rows by the one is not asked again
        assert all(sum(each) == 3 * len(x) for each in rows.values())


def test_a_fold_is_answered_by_thresholds_found_on_the_others(result: Result) -> None:
    """As stored predictions masked by them say."""
    store, problem = result.folder.store, result.setup.problem
    parts, joint = parts_of(result, "thrift", "oof")
    folds = first_division(store, problem.folds)
    found = np.empty(parts[0].shape)
    for fold, (weights, thresholds) in enumerate(
        zip(joint.fold_weights, joint.artifacts["fold_thresholds"], strict=True)
    ):
        rows, some = np.flatnonzero(folds == fold), [i for i, weight in enumerate(weights) if weight]
        members = [parts[i][rows].__getitem__ for i in some]
        found[rows] = in_turn(members, [thresholds[i] for i in some], len(rows), SURE)[0]
    own = result.candidates["thrift"]
    if own.calibration is None:
        assert np.array_equal(get_array(store, own.oof), found)
    assert len(joint.fold_weights) == 3


def test_credit_is_that_of_cascades_of_some_members(result: Result) -> None:
    """The value of all is that of the board, parts add up to the gain, and shares multiply down."""
    credit: Credit = result.credit["thrift"]
    line = next(line for line in result.standings if line.entrant.name == "thrift")
    assert credit.value == pytest.approx(line.score)
    assert sum(part.shapley for part in credit.members.values()) == pytest.approx(credit.gain)
    assert set(credit.members) == {name for name in COSTS if any(_counts(result, name))}
    assert set(result.credit["over"].singles) == set(COSTS)


def _counts(result: Result, name: str) -> list[float]:
    joint = joint_of(result, "thrift")
    digest = result.candidates[name].entrant.digest
    return [w for p, w in zip(joint.parents, joint.weights, strict=True) if p == digest]


def test_the_receipt_holds_and_running_again_runs_nothing(result: Result) -> None:
    """Also where a cascade stands in an alliance, and an alliance in a cascade."""
    assert verify(result.folder.path, again=["thrift", "top", "over"], engine="inline").holds
    ran: list[Any] = []
    again = contest(result.folder.path, "stack", THRIFT, TOP, OVER, metrics=("accuracy",))
    assert again.run(listener=ran.append).digest == result.digest
    assert not [notice for notice in ran if notice.topic in ("planned", "ended")]
    assert Result.load(result.folder.path).alliances == result.alliances


def test_without_a_test_part(tmp_path: Path) -> None:
    """Out-of-fold answers are told, and credit goes by the thresholds of the folds."""
    result = contest(tmp_path / "run", THRIFT, test=0.0).run()
    assert result.credit["thrift"].part == "oof"
    assert sum(p.shapley for p in result.credit["thrift"].members.values()) == pytest.approx(
        result.credit["thrift"].gain
    )
    assert verify(tmp_path / "run").holds


def test_costs_are_measured_where_none_are_declared(tmp_path: Path) -> None:
    """Of all entrants, to a factor of two; the order of asking is theirs."""
    result = contest(tmp_path / "run").run()
    known = {c.entrant.digest: c for c in result.candidates.values()}
    seconds = [known[parent].row_s for parent in joint_of(result, "cascade").parents]
    assert all(later > 0.49 * former for former, later in pairwise(seconds))
    assert verify(tmp_path / "run").holds


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"costs": {"tree": 1, "near": 2}}, "costs: 'forest' is missing; give what each of `of` costs"),
        ({"costs": {**COSTS, "fores": 2}}, "costs: 'fores' is not in `of`; did you mean 'forest'"),
        ({"costs": {**COSTS, "tree": 0}}, "costs must be a table of a number above 0 for each name"),
        ({"costs": [1, 2, 3]}, "costs must be a table of a number above 0 for each name"),
        ({"how": "greedy"}, "'greedy' asks everybody about everything; costs are for 'cascade'"),
    ],
)
def test_costs_that_are_wrong_are_refused(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    """In one line that says where, before anything is fitted."""
    with pytest.raises(ContestError) as raised:
        contest(tmp_path / "run", {**THRIFT, **change}).run()
    assert message in str(raised.value)


def test_numbers_have_no_cascade(tmp_path: Path) -> None:
    """Nobody says how sure it is of a number."""
    task = Task(kind="tabular-regression", data="sklearn:diabetes", split=Split(test=0.3, folds=3))
    entrants = [Entrant("tree", "sklearn.tree:DecisionTreeRegressor"), Entrant("line", "sklearn.linear_model:Ridge")]
    held = Contest(
        task=task, entrants=entrants, lineup="none", engine="inline", out=tmp_path / "r", cooperate=["cascade"]
    )
    with pytest.raises(ContestError, match="'cascade' does not suit a regression"):
        held.run()


def test_other_targets_in_a_fold_change_nothing_for_its_rows() -> None:
    """Who is asked about the rows of a fold, and from which confidence on, hangs on the other folds alone."""
    from concours.core.job import Job
    from concours.engine.runners import RUNNERS
    from concours.stores.blobs import put_array
    from concours.stores.memory import MemoryStore

    random = np.random.default_rng(0)
    y, folds = random.integers(3, size=300), np.arange(300) % 3
    told = [random.dirichlet(np.ones(3), size=300) + k * np.eye(3)[y] for k in (0.3, 0.8, 1.5)]
    members = {f"oof{i}": p / p.sum(axis=1, keepdims=True) for i, p in enumerate(told)}

    def choice(targets: np.ndarray, fold: int | None) -> Any:
        store = MemoryStore()
        arrays = {**members, "y": targets, "folds": folds}
        inputs = {name: put_array(store, array) for name, array in arrays.items()}
        params = {
            "metrics": ["log_loss"],
            "output": toy_output(3).told,
            "costs": [1.0, 4.0, 16.0],
            "budget": None,
            "without_fold": fold,
        }
        return RUNNERS["cascade"].runner(Job(runner="cascade", inputs=inputs, params=params), store).values

    other = np.where(folds == 0, (y + 1) % 3, y)
    assert choice(y, 0) == choice(other, 0)
    assert choice(y, None) != choice(other, None)
    assert len(choice(y, 0)["asked"]) > 1
