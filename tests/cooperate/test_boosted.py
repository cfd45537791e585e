"""The boosted stack: learners that learn what members cannot say alone, kept and used again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from concours import Contest, Entrant, Split, Task
from concours.compete.leaderboard import Leaderboard
from concours.cooperate.boosted import BoostedStack
from concours.engine.meta_learners import fit_meta_learner, get_meta_learner, put_meta_learner
from concours.kernels.scoring.scores import log_losses
from concours.runs.predict import predict
from concours.stores.memory import MemoryStore
from concours.testing.processes import all_fail, all_well, final_state
from concours.testing.toys import toy_candidates, toy_output, toy_problem

PROBLEM = toy_problem(MemoryStore())
LARGE = replace(PROBLEM, train=replace(PROBLEM.train, rows=2000))
BOARD = Leaderboard(problem=PROBLEM)
MEMBERS = [e.candidate for e in BOARD.entries(final_state(BOARD, toy_candidates(), all_well, seed=0, order=0))]


@pytest.mark.parametrize(
    ("problem", "why"),
    [
        (PROBLEM, "it learns from 2,000 rows or more, there are 100"),
        (replace(LARGE, output=toy_output(51)), "it joins 50 classes at most, there are 51"),
    ],
)
def test_where_it_does_not_suit_there_is_a_reason(problem: Any, why: str) -> None:
    """And no job."""
    boosted = BoostedStack(problem=problem)
    state = boosted.init(toy_candidates(), seed=0)
    assert boosted.plan(state).status == "finished"
    with pytest.raises(ValueError, match=why):
        boosted.result(state)


def test_a_layer_for_each_fold() -> None:
    """And one for new rows; a meta-learner that could not be fitted is the reason why there is no alliance."""
    boosted = BoostedStack(problem=LARGE)
    kept = boosted.result(final_state(boosted, MEMBERS, all_well, seed=0, order=0)).joint.artifacts
    assert len({kept["model"], *kept["fold_models"]}) == LARGE.n_folds + 1
    with pytest.raises(ValueError, match="stack-boosted: fit failed"):
        boosted.result(final_state(boosted, toy_candidates(), all_fail, seed=0, order=0))


@pytest.mark.parametrize("classes", [2, 3])
def test_a_layer_learns_whom_to_believe_where(classes: int, tmp_path: Path) -> None:
    """One member is sure and right in half of the rows only, the other knows nothing: no weights do as well."""
    rng = np.random.default_rng(0)
    rows = 3000
    y = rng.integers(classes, size=rows)
    told = np.where(rng.random(rows) < 0.9, y, rng.integers(classes, size=rows))
    sharp = np.where(np.eye(classes)[told] > 0, 0.6, 0.4 / (classes - 1))
    flat = rng.dirichlet(np.full(classes, 50), size=rows)
    members = [sharp, flat]
    learner = fit_meta_learner([m[:2000] for m in members], y[:2000], classes, seed=0)
    joined = learner.predict([m[2000:] for m in members])
    assert np.allclose(joined.sum(axis=1), 1)
    assert log_losses(y[2000:], joined).mean() < log_losses(y[2000:], sharp[2000:]).mean() - 0.05
    shares = learner.shares(2)
    assert sum(shares) == pytest.approx(1)
    assert shares[0] > 0.8


def test_of_numbers_a_layer_moves_the_mean() -> None:
    """A curve that both members miss is found, in whichever unit the target is; kept and read again it is the same."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, size=3000)
    y = 1e4 * (x**2 + x)
    members = [1e4 * (x[:, None] + rng.normal(0, 0.1, size=(3000, 1))) for _ in range(2)]
    learner = fit_meta_learner([m[:2000] for m in members], y[:2000], 0, seed=0)
    new = [m[2000:] for m in members]
    joined = learner.predict(new)
    assert np.sqrt(np.mean((joined[:, 0] - y[2000:]) ** 2)) < 0.3 * np.sqrt(np.mean((new[0][:, 0] - y[2000:]) ** 2))
    store = MemoryStore()
    kept = put_meta_learner(store, learner)
    assert kept == put_meta_learner(store, fit_meta_learner([m[:2000] for m in members], y[:2000], 0, seed=0))
    assert np.array_equal(get_meta_learner(store, kept).predict(new), joined)


def test_without_anything_to_learn_a_layer_stays_with_the_members() -> None:
    """One class only, or numbers that are right already."""
    p = np.full((2000, 2), 0.5)
    learner = fit_meta_learner([p, p], np.zeros(2000, dtype=np.int64), 2, seed=0)
    assert learner.predict([p, p])[:, 0].min() > 0.999
    y = np.arange(2000.0)
    exact = fit_meta_learner([y[:, None]] * 2, y, 0, seed=0)
    assert np.allclose(exact.predict([y[:, None]] * 2)[:, 0], y)
    assert exact.shares(2) == [0.5, 0.5]


@pytest.mark.parametrize("final", ["bag", "refit"])
def test_in_a_contest(tmp_path: Path, final: Any) -> None:
    """The model on the board and the one that predicts are one: the same probabilities for the same rows."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(3000, 3)), columns=list("abc"))
    frame["y"] = np.where((frame.a > 0) ^ (frame.b > 0.5), "in", "out")
    task = Task(kind="tabular-classification", data=frame, target="y", split=Split(test=0.3, folds=2))
    trees = [Entrant(f"tree{d}", "sklearn.tree:DecisionTreeClassifier", {"max_depth": d}) for d in (2, 4)]
    out = tmp_path / "run"
    contest = Contest(
        task=task, entrants=trees, lineup="none", engine="inline", out=out, final=final, cooperate=["stack-boosted"]
    )
    result = contest.run()
    line = result.standings["stack-boosted"]
    assert line.status == "ok"
    assert line.cv_score is not None
    assert sum(result.alliances["stack-boosted"].weights.values()) == pytest.approx(1)
    store, problem = result.folder.store, result.setup.problem
    assert problem.test is not None
    rows = np.load(store.local_path(problem.test.ids))
    expected = np.load(store.local_path(result.candidates["stack-boosted"].test))
    p = predict(result, frame.drop(columns="y").iloc[rows], model="stack-boosted", proba=True)
    assert np.allclose(p, expected)
    assert contest.run().digest == result.digest
