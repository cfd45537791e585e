"""Generators against discriminators on digits with the real engine, and the laws of both processes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from concours.compete.generation import Generation, GeneratorEvaluation
from concours.core.event import Done, Failed
from concours.core.job import Job
from concours.engine.identity import code_digest
from concours.engine.ingest import ingest
from concours.engine.inline import InlineExecutor
from concours.engine.journal import MemoryJournal
from concours.engine.loop import Engine
from concours.engine.runners import RUNNERS
from concours.stores.blobs import get_array
from concours.stores.memory import MemoryStore
from concours.tasks.task import Split, Task
from concours.testing import check_process
from concours.testing.processes import all_well, final_state
from concours.testing.toys import toy_problem

PROBLEM = toy_problem(MemoryStore())
GAME = Generation(problem=PROBLEM, pairs=("dense-dense", "dense-conv"), rounds=3)


def test_conformance() -> None:
    """The laws of processes, with one pair and with several, and of the evaluation."""
    check_process(GAME, ())
    check_process(replace(GAME, pairs=("dense-dense",)), ())
    gan_rounds = GAME.gan_rounds(final_state(GAME, (), all_well, seed=0, order=0))
    check_process(GeneratorEvaluation(problem=PROBLEM, gan_rounds=gan_rounds), ())
    check_process(GeneratorEvaluation(problem=toy_problem(MemoryStore(), test=False), gan_rounds=gan_rounds), ())


def test_rounds_go_on_from_kept_weights_and_end_where_nothing_comes_nearer() -> None:
    """Each round has the pair of the round before as its input; the test part is no input of any."""

    def how(job: Job) -> Done | Failed:
        if job.label == "dense-conv: round 1":
            return Failed(job=job.digest, cause="exception", reason="no")
        done = all_well(job)
        if job.runner != "evaluate_generators":
            return done
        number = int(job.label.rpartition(" ")[2])
        distance = [[(9.0, 4.0, 4.0)[number - 1], 3.9, 4.1]] * 2
        return replace(done, values={**done.values, "distance": distance})

    gan_rounds = GAME.gan_rounds(final_state(GAME, (), how, seed=0, order=0))
    training = [job for job in gan_rounds.jobs if job.runner == "train_pair" and job.label.startswith("dense-dense")]
    assert [job.inputs.get("pair") for job in training[1:]] == [
        kept for kept, _ in gan_rounds.rounds["dense-dense"][:-1]
    ]
    assert gan_rounds.failed == {"dense-conv": "no"}
    assert gan_rounds.ended == "no generator comes nearer"
    assert gan_rounds.best("dense-dense") == 1
    assert PROBLEM.test
    assert all(PROBLEM.test.x not in job.inputs.values() for job in gan_rounds.jobs)


@pytest.fixture(scope="module")
def played() -> dict[str, Any]:
    """A short game of two pairs on digits."""
    x, y = load_digits(return_X_y=True)
    store, journal = MemoryStore(), MemoryJournal()
    task = Task(
        kind="image-classification",
        data=x[:500].reshape(-1, 8, 8).astype(np.uint8),
        target=y[:500],
        split=Split(test=0.25, folds=3),
    )
    problem = ingest(task, store, seed=0, folder=Path()).problem
    ran: list[str] = []

    def play() -> tuple[Generation, Any, Any, Any]:
        ran.clear()
        engine = Engine(
            store=store,
            journal=journal,
            executor=InlineExecutor(store, RUNNERS),
            code=lambda job: code_digest(job, RUNNERS),
            listener=lambda notice: ran.append(notice.job.label) if notice.topic == "ended" else None,
        )
        game = Generation(problem=problem, pairs=("dense-dense", "conv-dense"), rounds=2, epochs=3, rows=100)
        gan_rounds = game.gan_rounds(engine.drive(game, (), seed=0))
        judging = GeneratorEvaluation(problem=problem, gan_rounds=gan_rounds, rows=100)
        return game, gan_rounds, judging, judging.outcome(engine.drive(judging, (), seed=0))

    _, gan_rounds, judging, evaluated = play()
    first = list(ran)
    again = play()
    return {
        "store": store, "gan_rounds": gan_rounds, "evaluating": judging, "evaluated": evaluated,
        "first": first, "again": again, "ran": list(ran),
    }  # fmt: skip


def test_the_board(played: dict[str, Any]) -> None:
    """Distances of both generators and of the baseline, far from real ones after so little, and what they look like."""
    evaluated, judging = played["evaluated"], played["evaluating"]
    assert isinstance(evaluated, Done), evaluated
    values = evaluated.values
    assert judging.pairs == ("dense-dense", "conv-dense")
    assert len(values["distance"]) == len(values["panel"]) == 3
    assert all(low <= value <= high for value, low, high in [*values["distance"], *values["panel"]])
    assert 0 <= values["real"] < min(value for value, _, _ in values["distance"])
    assert np.shape(values["passing"]) == (3, 2)
    assert values["panel"][0][0] == pytest.approx(values["passing"][0][1], abs=1e-5)
    assert get_array(played["store"], evaluated.outputs["samples"]).shape == (3, 12, 8, 8, 1)


def test_the_same_again_runs_nothing(played: dict[str, Any]) -> None:
    """All is in the journal, and the end is the same."""
    assert played["first"][0] == "features: fit a classifier"
    assert played["ran"] == []
    assert played["again"][3] == played["evaluated"]
