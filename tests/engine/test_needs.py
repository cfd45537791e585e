"""What jobs need of a machine: where and when they are done hangs on it, what comes of them does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from concours import Contest, Entrant, Split, Task
from concours.core.event import Done, Failed
from concours.core.job import Job
from concours.core.needs import NOTHING, Needs
from concours.engine.limits import Limits
from concours.engine.machine import Machine
from concours.engine.processes import ProcessExecutor
from concours.engine.usage import available_memory, total_memory, usable_cores
from concours.stores.disk import DiskStore
from concours.testing.toys import MARKS, REFERENCE, SLEEP, read_marks, toy_job

NEEDS = st.builds(
    Needs,
    cores=st.integers(0, 6),
    memory_bytes=st.integers(0, 6),
    gpu=st.booleans(),
    site=st.sampled_from(["", "a", "b"]),
)
JOBS = st.builds(Job, runner=st.just("toy"), threads=st.integers(1, 6), needs=NEEDS)
MACHINES = st.builds(
    Machine,
    cores=st.integers(1, 4),
    memory_bytes=st.integers(1, 4),
    gpus=st.integers(0, 2),
    site=st.sampled_from(["", "a"]),
)


@given(job=JOBS, needs=NEEDS)
def test_needs_are_no_part_of_a_job(job: Job, needs: Needs) -> None:
    """Neither of its digest nor of its JSON: a journal of a large machine is recalled on a small one. Threads are."""
    other = replace(job, needs=needs)
    assert other.digest == job.digest
    assert other == job
    assert other.to_json() == job.to_json()
    assert Job.from_json(job.to_json()).needs is NOTHING
    assert replace(job, threads=job.threads + 1).digest != job.digest
    with pytest.raises(ValueError, match="no job"):
        Job.from_json({**job.to_json(), "needs": {"cores": 3}})


@given(machine=MACHINES, jobs=st.lists(JOBS, max_size=4), job=JOBS)
def test_a_machine_holds_what_it_can_and_says_what_it_lacks(machine: Machine, jobs: list[Job], job: Job) -> None:
    """A job that is not refused has room on an empty machine: so none waits for ever."""
    refused = machine.refusal(job)
    needs = job.needs
    lacking = [
        bool(needs.site) and needs.site != machine.site,
        needs.gpu and machine.gpus == 0,
        needs.cores > machine.cores,
        needs.memory_bytes > machine.memory_bytes,
    ]
    assert (refused is not None) == any(lacking)
    if refused is None:
        assert machine.has_room(job, [])
    else:
        assert refused.cause == "no_machine"
        assert refused.retryable
        assert "\n" not in refused.reason
    cores = [each.needs.cores or min(each.threads, machine.cores) for each in (*jobs, job)]
    gpus = [each.needs.gpu for each in (*jobs, job)]
    assert machine.has_room(job, jobs) == (sum(cores) <= machine.cores and sum(gpus) <= machine.gpus)


def test_this_machine_has_what_the_system_says() -> None:
    """And as many cores as it has workers: who asks for more workers than cores has them all at work."""
    machine = Machine.here(workers=1000, memory=5)
    assert (machine.cores, machine.memory_bytes, machine.site) == (1000, 5, "")
    assert Machine.here().cores == usable_cores()
    assert available_memory() <= Machine.here().memory_bytes == total_memory()
    assert Machine.here(memory=2**60).memory_bytes == total_memory()


@pytest.mark.parametrize(
    ("params", "gpu"),
    [
        ({}, False),
        ({"device": "cuda"}, True),
        ({"device": "cpu"}, False),
        ({"device": None, "training": {"device": "cuda:1"}}, True),
        ({"training": {"device": "auto", "epochs": 3}}, False),
        ({"training": [1]}, False),
        ({"device": 1}, False),
    ],
)
def test_a_gpu_is_needed_where_one_is_named(params: dict[str, object], gpu: bool) -> None:
    """By the settings of a training, or by a parameter of that name."""
    assert Needs.of_params(params) == Needs(gpu=gpu)


@pytest.mark.parametrize("whole", [True, False])
def test_jobs_that_need_all_cores_are_done_one_after_the_other(
    whole: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Among three workers; those that need one core each are not held up."""
    marks = tmp_path / "marks.txt"
    monkeypatch.setenv(MARKS, str(marks))
    monkeypatch.setenv(SLEEP, "1.0")
    executor = ProcessExecutor(DiskStore(tmp_path / "store"), REFERENCE, workers=3)
    needs = Needs(cores=max(3, usable_cores()) if whole else 1)
    jobs = [replace(toy_job(f"job {number}"), needs=needs) for number in range(6)]
    try:
        for job in jobs:
            executor.submit(job)
        ended = [event for _ in jobs for event in executor.outcomes()]
    finally:
        executor.close()
    assert all(isinstance(event, Done) for event in ended)
    assert len(ended) == 6
    what = [mark.what for mark in read_marks(marks)]
    assert (what == ["begin", "end"] * 6) is whole


def test_a_job_that_needs_more_memory_than_a_job_may_have_is_told(tmp_path: Path) -> None:
    """The limit of one job counts, as it would be killed by it; a job that is cancelled first has no outcome."""
    executor = ProcessExecutor(DiskStore(tmp_path / "store"), REFERENCE, limits=Limits(memory=2**30))
    large = replace(toy_job("large"), needs=Needs(memory_bytes=3 * 2**30))
    try:
        executor.submit(large)
        executor.cancel(large)
        assert not list(executor.outcomes())
        executor.submit(large)
        (event,) = executor.outcomes()
    finally:
        executor.close()
    assert isinstance(event, Failed)
    assert event.reason == "needs 3.0 GiB of memory, and a job has 1.0 GiB on this machine; run it on a larger machine"


@pytest.mark.skipif(Machine.here().gpus > 0, reason="there is a GPU here")
def test_an_entrant_that_needs_a_gpu_is_skipped_where_there_is_none(tmp_path: Path) -> None:
    """It is told at once, in one line of the board, and the rest of the contest is as it was."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 3))
    on_gpu = Entrant("net", "concours.entrants.neural:DenseClassifier", {"training": {"device": "cuda"}})
    contest = Contest(
        task=Task(kind="tabular-classification", data=x, target=(x[:, 0] > 0).astype(int), split=Split(folds=2)),
        entrants=[on_gpu, Entrant("tree", "sklearn.tree:DecisionTreeClassifier")],
        cooperate=[],
        engine="inline",
        out=tmp_path / "run",
    )
    lines = {line.entrant.name: line for line in contest.run().standings}
    assert lines["net"].status == "skipped"
    assert (
        lines["net"].reason
        == 'needs a GPU, and this machine has none; run it where there is one, or choose device = "cpu"'
    )
    assert lines["tree"].status == "ok"


def test_who_waits_for_a_gpu_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one GPU: what needs none is done beside, also what was submitted after two that need it."""
    marks = tmp_path / "marks.txt"
    monkeypatch.setenv(MARKS, str(marks))
    monkeypatch.setenv(SLEEP, "0.5")
    executor = ProcessExecutor(DiskStore(tmp_path / "store"), REFERENCE, workers=2)
    executor._machine = replace(executor._machine, gpus=1)
    jobs = [replace(toy_job(f"job {number}"), needs=Needs(cores=1, gpu=number < 2)) for number in range(3)]
    try:
        for number in range(2):  # both workers are there before it counts who is first
            executor.submit(toy_job(f"first {number}"))
        assert len([event for _ in range(2) for event in executor.outcomes()]) == 2
        for job in jobs:
            executor.submit(job)
        ended = [event for _ in jobs for event in executor.outcomes()]
    finally:
        executor.close()
    assert [event.job for event in ended if isinstance(event, Done)][-1] == jobs[1].digest
    assert len(ended) == 3
