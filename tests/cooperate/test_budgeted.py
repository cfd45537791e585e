"""The budgeted alliance: within its limits, alone where no two are, and not at all where nobody is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris

from concours import Contest, Entrant, Split, Task
from concours.compete.leaderboard import Leaderboard
from concours.cooperate.budgeted import Budgeted
from concours.core.errors import ContestError
from concours.runs.predict import predict
from concours.stores.memory import MemoryStore
from concours.testing.processes import all_fail, all_well, final_state
from concours.testing.toys import toy_candidates, toy_problem

PROBLEM = toy_problem(MemoryStore())
BOARD = Leaderboard(problem=PROBLEM)
MEMBERS = [e.candidate for e in BOARD.entries(final_state(BOARD, toy_candidates(3), all_well, seed=0, order=0))][1:]


def joint(limits: dict[str, float], members: Any = MEMBERS) -> Any:
    """What comes of toys."""
    light = Budgeted(problem=PROBLEM, limits=limits)
    return light.result(final_state(light, members, all_well, seed=0, order=0))


def test_the_alliance_says_what_it_uses() -> None:
    """The limits and what the members use of them, for the result."""
    found = joint({"size_mb": 2.0}).joint
    assert found.artifacts["limits"] == {"size_mb": 2.0}
    assert 0 < found.artifacts["uses"]["size_mb"] <= 2.0
    assert len(found.fold_weights) == PROBLEM.n_folds


def test_of_what_was_not_measured_nobody_knows_whether_it_is_within_a_limit() -> None:
    """It is left out, and the reason says so."""
    with pytest.raises(ValueError, match=r"no member is within latency_ms = 9 \(it was not measured\)"):
        joint({"latency_ms": 9.0})
    known = [replace(member, row_s=0.001) for member in MEMBERS]
    assert joint({"latency_ms": 9.0}, known).joint.artifacts["uses"]["latency_ms"] >= 1.0


def test_predictions_in_a_file_are_not_picked_for_costing_nothing() -> None:
    """Predicting with them is not light but impossible."""
    recorded = [replace(m, entrant=Entrant(m.entrant.name, "recorded:p.csv", seen="none"), models=()) for m in MEMBERS]
    found = joint({"size_mb": 2.0}, [*recorded, *MEMBERS])
    assert set(found.joint.parents) <= {member.entrant.digest for member in MEMBERS}
    with pytest.raises(ValueError, match="no member is within size_mb"):
        joint({"size_mb": 2.0}, recorded)


def test_a_failure_is_the_reason() -> None:
    """Also of the job that asks for sizes."""
    light = Budgeted(problem=PROBLEM, limits={"size_mb": 1.0})
    with pytest.raises(ValueError, match="budgeted: sizes failed"):
        light.result(final_state(light, MEMBERS, all_fail, seed=0, order=0))


# In a contest

TREE = Entrant("tree", "sklearn.tree:DecisionTreeClassifier", {"max_depth": 3})
BAYES = Entrant("bayes", "sklearn.naive_bayes:GaussianNB")
FOREST = Entrant("forest", "sklearn.ensemble:RandomForestClassifier", {"n_estimators": 100})


def contest(out: Path, **options: Any) -> Contest:
    """Two small models and a large one."""
    task = Task(kind="tabular-classification", data="sklearn:iris", split=Split(test=0.3, folds=3))
    entrants = [TREE, BAYES, FOREST]
    return Contest(task=task, entrants=entrants, lineup="none", engine="inline", out=out, **options)


@pytest.mark.parametrize("test", [0.3, 0.0])
def test_a_large_member_is_left_out(tmp_path: Path, test: float) -> None:
    """The size of files is what counts; result.json has limits and use, and what is on the board predicts."""
    task = Task(kind="tabular-classification", data="sklearn:iris", split=Split(test=test, folds=3))
    limits = {"size_mb": 0.06, "latency_ms": 1e3}
    result = replace(contest(tmp_path / "run", cooperate=["budgeted"], limits=limits), task=task).run()
    kept = json.loads((tmp_path / "run" / "result.json").read_text())["alliances"]["budgeted"]
    assert set(kept["weights"]) <= {"tree", "bayes"}
    assert kept["limits"] == limits
    assert 0 < kept["uses"]["size_mb"] <= limits["size_mb"]
    assert 0 < kept["uses"]["latency_ms"] <= limits["latency_ms"]
    p = predict(result, load_iris(as_frame=True).data, model="budgeted", proba=True)
    assert np.allclose(p.sum(axis=1), 1)


def test_limits_that_nobody_keeps_are_a_warning(tmp_path: Path) -> None:
    """With the least that there is."""
    result = contest(tmp_path / "run", cooperate=["budgeted"], limits={"size_mb": 1e-6}).run()
    assert result.alliances == {}
    assert [
        w for w in result.warnings if w.startswith("no alliance budgeted: no member is within size_mb = 1e-06 (the")
    ]


@pytest.mark.parametrize(
    "options", [{"cooperate": ["budgeted"]}, {"cooperate": ["greedy"], "limits": {"size_mb": 1.0}}]
)
def test_strategy_and_limits_go_together(tmp_path: Path, options: dict[str, Any]) -> None:
    """One without the other is a mistake, said before anything is read."""
    with pytest.raises(ContestError, match='"budgeted" and its limits go together'):
        contest(tmp_path / "run", **options).run()


def test_limits_in_a_file(tmp_path: Path) -> None:
    """A wrong name gets the nearest right one."""
    file = tmp_path / "c.toml"
    task = '[task]\nkind = "tabular-classification"\ndata = "sklearn:iris"\n'
    file.write_text(task + "[cooperate]\nlimits = { latency = 1.0 }\n")
    with pytest.raises(ContestError, match=r"cooperate\.limits\.latency: unknown key; .*latency_ms"):
        Contest.from_file(file)
    file.write_text(task + "[cooperate]\nlimits = { latency_ms = 1.0 }\n")
    assert Contest.from_file(file).limits == {"latency_ms": 1.0}
