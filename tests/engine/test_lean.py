"""Lean: data is mapped, not copied; jobs are small; the engine's memory does not grow with what jobs yield."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from concours.compete.leaderboard import Leaderboard
from concours.core.event import Done
from concours.core.job import Job
from concours.core.ports import Notice
from concours.stores.blobs import get_array, put_array
from concours.testing.toys import BYTES, Errands, toy_candidates, toy_problem

MIB = 1 << 20


def jobs_of_a_board(bench: Any, **how: Any) -> list[Job]:
    """Every job that a leaderboard of toys asks for."""
    heard: list[Notice] = []
    engine = bench.engine(listener=heard.append)
    engine.drive(Leaderboard(problem=toy_problem(bench.store), **how), toy_candidates(3), seed=0)
    return [notice.job for notice in heard if notice.topic == "planned" and notice.job]


def test_arrays_are_mapped_not_read(bench: Any) -> None:
    """What a worker reads stays in the file, shared by all of them; what it writes is seen by nobody else."""
    digest = put_array(bench.store, np.arange(1000.0))
    array = get_array(bench.store, digest)
    assert isinstance(array, np.memmap)
    array[0] = 7.0
    assert get_array(bench.store, digest)[0] == 0.0


def test_a_job_names_its_data(bench: Any) -> None:
    """A job is a few lines of JSON, however many rows it is about: data goes by digest."""
    sizes = [len(json.dumps(job.to_json())) for job in jobs_of_a_board(bench)]
    assert len(sizes) > 20
    assert max(sizes) < 2048


def test_models_of_folds_are_kept_only_where_they_predict(bench: Any) -> None:
    """With `refit` the models of the folds serve for scores only and are not kept; in a bag they are the model."""
    refit = [job for job in jobs_of_a_board(bench, final="refit") if job.runner == "fit"]
    assert {job.params["fold"] is None for job in refit if "model" in job.outputs} == {True}
    assert {job.params["fold"] is None for job in refit if "model" not in job.outputs} == {False}
    bag = [job for job in jobs_of_a_board(bench, final="bag") if job.runner == "fit"]
    assert all("model" in job.outputs and job.params["fold"] is not None for job in bag)


def test_the_engine_does_not_hold_what_jobs_yield(toy_contest: Callable[[str], Any]) -> None:
    """Some hundred MiB of blobs go by; the process that runs the contest grows by a few."""
    contest = toy_contest("large")
    printed = contest.run(
        workers=2, setup={"entrants": 6, "folds": 3, "final": "bag"}, environment={BYTES: str(4 * MIB)}
    )
    yielded = sum(contest.store.size(digest) for digest in contest.store)
    assert yielded > 200 * MIB
    assert printed["grown"] < 24 * MIB


@pytest.mark.parametrize("workers", [0, 2])
def test_a_thousand_jobs_that_do_nothing(workers: int, bench: Any) -> None:
    """They all end. How long they take is told by `benchmarks/engine.py`."""
    jobs = tuple(Job(runner="noop", params={"number": number}) for number in range(1000))
    state = bench.engine(workers=workers).drive(Errands(jobs=jobs), (), seed=0)
    assert all(isinstance(state.ended(job), Done) for job in jobs)
    assert sum(isinstance(record.event, Done) for record in bench.journal.records()) == 1000


def test_a_blob_is_not_held_in_memory_to_be_hashed(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """`put` and `verify` read a megabyte at a time."""
    asked: list[int] = []

    class Content(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            asked.append(size or -1)
            return super().read(size)

    assert bench.store.verify(bench.store.put(Content(bytes(3 * MIB))))
    assert set(asked) == {MIB}


def test_a_worker_of_toy_jobs_starts_without_numpy() -> None:
    """What makes contests is imported where one is made: hundreds of workers are started by tests, each at once."""
    code = (
        "import sys, concours.testing.toys; print(*{'numpy', 'pandas', 'scipy', 'concours.contest'} & {*sys.modules})"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split() == []
