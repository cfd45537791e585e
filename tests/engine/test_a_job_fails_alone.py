"""A job that fails fails alone: entrants that crash, hang or flood cost themselves and nobody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from concours import Contest, Entrant, Result, Split, Task

BAD = {
    "raises": ("Raises", "failed", "ValueError: this entrant raises"),
    "hangs": ("Hangs", "out_of_time", "took longer than 10 s, the limit of one job"),
    "allocates": ("Allocates", "failed", "needed more than 512 MiB of memory, the limit of one job"),
    "segfaults": ("Segfaults", "failed", "its process died of SIGSEGV"),
    "leaves": ("Leaves", "failed", "its process ended with exit code 3 before the job did"),
    "floods": ("Floods", "failed", "printed more than 64 MiB"),
}
"""By the entrant's name: the class in the user's file, the status and the reason that it ends with."""

GOOD = (
    Entrant("dummy", "dummy", prepare="none", role="baseline"),
    Entrant("tree", "sklearn.tree:DecisionTreeClassifier", {"max_depth": 2}, prepare="none"),
    Entrant("bayes", "sklearn.naive_bayes:GaussianNB", prepare="none"),
)


def contest(folder: Path, blobs: tuple[np.ndarray, np.ndarray], entrants: tuple[Entrant, ...]) -> Contest:
    """Two workers, narrow limits, few folds, and data that needs no preparation."""
    x, y = blobs
    return Contest(
        task=Task(kind="tabular-classification", data=x, target=y, split=Split(test=0.3, folds=2)),
        entrants=entrants,
        cooperate=["greedy"],
        job_seconds=10.0,
        job_memory_gb=0.5,
        workers=2,
        out=folder / "run",
        folder=folder,
    )


@pytest.fixture(scope="module")
def disturbed(tmp_path_factory: pytest.TempPathFactory, blobs: tuple[np.ndarray, np.ndarray]) -> Result:
    """A contest with every kind of bad entrant between the good ones."""
    folder = tmp_path_factory.mktemp("disturbed")
    (folder / "bad.py").write_text("from concours.testing.mischief import *\n")
    bad = [Entrant(name, f"./bad.py:{maker}") for name, (maker, _, _) in BAD.items()]
    return contest(folder, blobs, (*GOOD[:2], *bad, *GOOD[2:])).run()


@pytest.mark.parametrize("name", BAD)
def test_who_fails_is_on_the_board_with_the_reason(name: str, disturbed: Result) -> None:
    """Unranked, last, failed or out of time, with a reason in one line."""
    _, status, reason = BAD[name]
    line = disturbed.standings[name]
    assert (line.rank, line.score, line.cv_score, line.status) == (None, None, None, status)
    assert line.reason.startswith(reason)
    assert "\n" not in line.reason
    assert list(disturbed.standings).index(line) >= 4


def test_the_others_predict_what_they_predict_without_them(
    disturbed: Result, tmp_path: Path, blobs: tuple[np.ndarray, np.ndarray]
) -> None:
    """To the byte: what the survivors, alliance and baseline with them, predict has the same digests."""
    alone = contest(tmp_path, blobs, GOOD).with_options(engine="inline").run()
    assert digests(disturbed) == digests(alone)
    assert set(digests(alone)) == {"dummy", "tree", "bayes", "greedy"}
    assert disturbed.default == alone.default
    assert disturbed.complete


def digests(result: Result) -> dict[str, tuple[Any, Any]]:
    """What each candidate predicts."""
    return {name: (candidate.oof, candidate.test) for name, candidate in result.candidates.items()}
