"""The line before an executor: what plans differ by, and in which order jobs begin."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.core.digests import Digest
from concours.core.job import Job
from concours.core.process import Grouped, Plan
from concours.engine import line as lines
from concours.engine.line import Line
from concours.testing.toys import toy_job

JOBS = [toy_job(f"job {number}") for number in range(9)]
GROUPS = st.lists(st.lists(st.sampled_from(JOBS), max_size=4, unique_by=lambda job: job.label).map(tuple), max_size=5)
PLANS = st.lists(st.tuples(GROUPS, st.lists(st.integers(0, 8), max_size=3)), min_size=1, max_size=8)


class Queue:
    """What an executor makes of it: jobs begin in the order in which they were submitted last."""

    def __init__(self) -> None:
        self.jobs: dict[Digest, Job] = {}

    def submit(self, job: Job) -> None:
        self.jobs.pop(job.digest, None)
        self.jobs[job.digest] = job


@settings(max_examples=100)
@given(ahead=st.sampled_from([1, 3, 512]), steps=PLANS)
def test_it_does_what_looking_at_every_job_of_every_plan_does(ahead: int, steps: list[tuple[list, list[int]]]) -> None:
    """Plans of any groups, which share jobs, follow one another, while some jobs end: the same jobs are new, the same
    are no longer wanted, and those in the executor's hands are the first of the plan's, in its order; so many at least.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "_AHEAD", ahead)
        line, queue, wanted, ended = Line(), Queue(), dict[Digest, Job](), set[Digest]()
        for groups, ends in steps:
            plan = Plan(Grouped(tuple(tuple(job for job in group if job.digest not in ended) for group in groups)))
            flat = list({job.digest: job for group in plan.groups for job in group}.values())
            assert list(plan.jobs) == flat
            added, gone = line.turn(plan)
            assert [job.label for job in added] == [job.label for job in flat if job.digest not in wanted]
            assert {job.digest for job in gone} == wanted.keys() - {job.digest for job in flat}
            assert line.first() == (flat[0] if flat else None)
            wanted = {job.digest: job for job in flat}
            for job in gone:
                line.forget(job.digest)
                queue.jobs.pop(job.digest, None)
            for job in added:
                line.want(job)
            for job in line.hand_over():
                queue.submit(job)
            order, hand = [job.label for job in flat], [job.label for job in queue.jobs.values()]
            assert hand == order[: len(hand)]
            assert len(hand) >= min(ahead, len(order))
            for number in ends:
                if job := dict(enumerate(queue.jobs.values())).get(number):
                    ended.add(job.digest)
                    line.forget(job.digest)
            for digest in ended:
                queue.jobs.pop(digest, None)
