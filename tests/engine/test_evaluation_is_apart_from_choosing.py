"""The evaluation is apart from choosing: test targets change scores and ranks, and nothing that is fitted or chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from concours import Contest, Entrant, Result, Split, Task

ENTRANTS = (
    Entrant("tree", "sklearn.tree:DecisionTreeClassifier", {"max_depth": 2}),
    Entrant("bayes", "sklearn.naive_bayes:GaussianNB"),
    Entrant("near", "sklearn.neighbors:KNeighborsClassifier", {"n_neighbors": 9}),
)
Ran = tuple[Result, Any]


@pytest.fixture(scope="module")
def runs(
    tmp_path_factory: pytest.TempPathFactory, blobs: tuple[np.ndarray, np.ndarray], listener: Callable[[], Any]
) -> tuple[Ran, Ran]:
    """A contest with a test part of its own, and the same with the labels of that part permuted."""
    x, y = blobs
    frame = pd.DataFrame(x, columns=list("abcd")).assign(colour=y)
    train, test = frame[:42], frame[42:]
    permuted = test.assign(colour=np.random.default_rng(1).permutation(test["colour"]))

    def run(part: pd.DataFrame) -> Ran:
        notices = listener()
        contest = Contest(
            task=Task(kind="tabular-classification", data=train, test=part, target="colour", split=Split(folds=3)),
            entrants=ENTRANTS,
            engine="inline",
            out=tmp_path_factory.mktemp("evaluated") / "run",
        )
        return contest.run(listener=notices), notices

    return run(test), run(permuted)


def test_permuted_test_labels_change_scores_and_nothing_that_is_chosen(runs: tuple[Ran, Ran]) -> None:
    """Members, weights, predictions, cross-validation scores and the default are the same; the board is not."""
    (true, _), (false, _) = runs
    assert true.setup.problem.test != false.setup.problem.test
    assert true.default == false.default
    assert true.alliances == false.alliances
    assert predictions(true) == predictions(false)
    assert selection(true) == selection(false)
    assert [line.score for line in true.standings] != [line.score for line in false.standings]


def test_the_default_is_best_by_cross_validation_wherever_it_stands(runs: tuple[Ran, Ran]) -> None:
    """The board ranks by the test part; the default is starred on it by what was known before."""
    for result, _ in runs:
        scores = selection(result)
        assert scores[result.default] == min(scores.values())
        assert [line.rank for line in result.standings] == sorted(line.rank for line in result.standings)


def test_no_job_that_fits_or_chooses_is_given_the_test_targets(runs: tuple[Ran, Ran]) -> None:
    """By construction: only the judge has their digest among its inputs, and then credit; these come last."""
    for result, notices in runs:
        targets = result.setup.problem.test.y
        given = [(job.runner, targets in job.inputs.values()) for job in notices.jobs("planned")]
        told = [kind for kind, has in given if has]
        assert told[0] == "evaluate"
        assert set(told[1:]) == {"credit"}
        assert given[-len(told) :] == [(kind, True) for kind in told]
        assert {"check", "prepare", "fit", "gather", "score", "select", "blend"} <= {kind for kind, _ in given}


TOLD = ("fit", "calibrate", "score", "select", "weigh", "credit")
"""Kinds of jobs that are told the targets of the training part."""


def test_no_job_that_fits_is_given_more_than_the_training_targets(runs: tuple[Ran, Ran]) -> None:
    """Preparing needs no targets at all; gathering and blending neither."""
    for result, notices in runs:
        train = result.setup.problem.train.y
        for job in notices.jobs("planned"):
            assert (train in job.inputs.values()) is (job.runner in TOLD)


def predictions(result: Result) -> dict[str, tuple[Any, Any]]:
    """The digests of what each candidate predicts, for the training part and for the test part."""
    return {name: (candidate.oof, candidate.test) for name, candidate in result.candidates.items()}


def selection(result: Result) -> dict[str | None, float]:
    """The cross-validation score of each line."""
    return {line.entrant.name: line.cv_score.score for line in result.standings if line.cv_score}
