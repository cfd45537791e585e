"""A population of real networks, driven by the engine: it is a function of its seed, also when it is killed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_digits

from concours.compete.leaderboard import Leaderboard
from concours.compete.population import RECIPES, Grown, Population
from concours.core.entrant import Candidate, Entrant
from concours.core.ports import Notice, ignore
from concours.core.problem import Goal, Part, Problem
from concours.engine.identity import code_digest
from concours.engine.inline import InlineExecutor
from concours.engine.journal import FileJournal
from concours.engine.loop import Engine
from concours.engine.runners import RUNNERS
from concours.entrants.population import ScheduledClassifier
from concours.stores.blobs import put_array
from concours.stores.disk import DiskStore
from concours.tasks.inputs.table import TABLE
from concours.testing.toys import toy_output

ROWS = 300


class Killed(BaseException):
    """Somebody pulled the plug."""


def problem(store: DiskStore, *, numbers: bool = False) -> Problem:
    """Digits, or a number to be predicted, in three folds."""
    x, y = load_diabetes(return_X_y=True) if numbers else load_digits(return_X_y=True)
    x, y = x[:ROWS], y[:ROWS] if numbers else y[:ROWS].astype(np.int64)
    ids = put_array(store, np.arange(ROWS))
    return Problem(
        name="toy",
        kind="tabular-regression" if numbers else "tabular-classification",
        input=TABLE.value,
        output=toy_output(0 if numbers else 10),
        metrics=(Goal(name="rmse" if numbers else "log_loss", greater_is_better=False),),
        train=Part(x=put_array(store, x), y=put_array(store, y), ids=ids, rows=ROWS),
        folds=put_array(store, np.arange(ROWS) % 3),
        n_folds=3,
        test=None,
    )


def grown(
    folder: Path,
    *,
    numbers: bool = False,
    kill_at: int | None = None,
    ran: list[str] | None = None,
    options: dict[str, Any] | None = None,
) -> tuple[Population, Grown]:
    """A session, which may be killed as its n-th job ends; the labels of the jobs it ran go to `ran`."""
    store, journal = DiskStore(folder / "store"), FileJournal(folder / "journal.jsonl")
    executor, left = InlineExecutor(store, RUNNERS, listener=ignore), [kill_at]
    process = Population(
        board=Leaderboard(problem=problem(store, numbers=numbers)),
        **{"members": 6, "intervals": 4, "epochs": 1} | (options or {}),
    )

    def listen(notice: Notice) -> None:
        if notice.topic == "ended" and notice.job:
            if ran is not None:
                ran.append(notice.job.label)
            if left[0] is not None:
                left[0] -= 1
                if left[0] == 0:
                    raise Killed

    code: Callable[..., Any] = lambda job: code_digest(job, RUNNERS)  # noqa: E731
    engine = Engine(store=store, journal=journal, executor=executor, code=code, listener=listen)
    recipe = RECIPES["regressor" if numbers else "classifier"]
    candidate = Candidate(entrant=Entrant("net", recipe, {"hidden": [16]}, "none"))
    try:
        return process, engine.drive(process, [candidate], seed=3)
    finally:
        executor.close()
        journal.close()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Population, Grown]:
    """What nobody killed."""
    return grown(tmp_path_factory.mktemp("undisturbed"))


def test_kill_and_resume_gives_the_same(undisturbed: tuple[Population, Grown], tmp_path: Path) -> None:
    """Killed after each interval but the last and taken up again: no interval is run twice, and the record is the same."""
    process, state = undisturbed
    ran: list[str] = []
    for _ in range(3):
        with pytest.raises(Killed):
            grown(tmp_path, kill_at=1, ran=ran)
    _, resumed = grown(tmp_path, ran=ran)
    assert ran == [f"population: interval {number} of 4" for number in (1, 2, 3, 4)]
    assert process.record(resumed) == process.record(state)
    assert [round.job.digest for round in process.history(resumed)] == [
        round.job.digest for round in process.history(state)
    ]


def test_it_learns_and_what_it_found_can_be_fitted(undisturbed: tuple[Population, Grown]) -> None:
    """The best score comes to be much better than that of the first interval, and the schedule does about as well."""
    process, state = undisturbed
    record = process.record(state)
    assert record["best"]["score"] < 0.8 * min(record["intervals"][0]["scores"])
    x, y = load_digits(return_X_y=True)
    train = np.arange(ROWS) % 3 > 0
    network = ScheduledClassifier(**process.result(state).params, random_state=0).fit(x[:ROWS][train], y[:ROWS][train])
    right = network.predict_proba(x[:ROWS][~train])[np.arange((~train).sum()), y[:ROWS][~train]]
    assert -np.log(right).mean() < 1.5 * record["best"]["score"]


def test_numbers_and_migration(tmp_path: Path) -> None:
    """A target that is a number is scored in its own unit; members may go half of the way towards the better."""
    process, state = grown(tmp_path, numbers=True, options={"beta": 0.5, "intervals": 6, "epochs": 2})
    record = process.record(state)
    _, y = load_diabetes(return_X_y=True)
    assert not record["failure"]
    assert record["best"]["score"] < 0.9 * y[:ROWS].std()
    assert record["beta"] == 0.5
