"""The line: what a process wants done, followed by the differences between its plans.

A plan may name thousands of jobs, and the next one differs from it by a few. So groups of jobs are compared, not jobs
(`core.process.Grouped`), and of those that wait only the first are in the executor's hands: a job that comes to be
wanted before others goes before them, and there are never many to move.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import zip_longest

from concours.core.digests import Digest
from concours.core.job import Job
from concours.core.process import Plan

_AHEAD = 512
"""As many jobs an executor has in hand, about: more than one machine has workers."""

Place = tuple[int, int]
"""Of a job in a plan: the first group that has it, and where in that group."""


class Line:
    """The jobs of the latest plan, each with its place, and the order in which they are done.

    Law: at every time the jobs in hand are, in the order in which they were handed over last, the first of those that
    wait by their places in the latest plan.
    """

    def __init__(self) -> None:
        self._groups: tuple[tuple[Job, ...], ...] = ()
        self._holders: dict[Digest, dict[int, int]] = {}
        self._places: dict[Digest, Place] = {}
        self._waiting: dict[Digest, Job] = {}
        self._heap: list[tuple[Place, Digest]] = []
        self._hand: dict[Digest, Job] = {}

    def turn(self, plan: Plan) -> tuple[list[Job], list[Job]]:
        """Goes over to another plan. Gives the jobs that it adds, in its order, and those that it no longer has."""
        before, self._groups = self._groups, plan.groups
        pairs = enumerate(zip_longest(before, self._groups, fillvalue=()))
        changed = [(index, old, new) for index, (old, new) in pairs if old is not new and old != new]
        touched: dict[Digest, Job] = {}
        for index, old, _ in changed:
            for job in old:
                touched[job.digest] = job
                self._holders[job.digest].pop(index, None)
        for index, _, new in changed:
            for place, job in enumerate(new):
                touched.setdefault(job.digest, job)
                self._holders.setdefault(job.digest, {}).setdefault(index, place)
        gone = [job for digest, job in touched.items() if not self._holders[digest]]
        for job in gone:
            del self._holders[job.digest], self._places[job.digest]
        stay = {digest: job for digest, job in touched.items() if digest in self._holders}
        added = [job for digest, job in stay.items() if digest not in self._places]
        for digest in stay:
            self._put(digest)
        return sorted(added, key=lambda job: self._places[job.digest]), gone

    def want(self, job: Job) -> None:
        """Puts a job of the plan among those that wait."""
        self._waiting[job.digest] = job
        heappush(self._heap, (self._places[job.digest], job.digest))

    def forget(self, job: Digest) -> None:
        """A job has ended, or is no longer wanted."""
        self._waiting.pop(job, None)
        self._hand.pop(job, None)

    def job(self, digest: Digest) -> Job | None:
        """The job of the latest plan that has this digest."""
        holders = self._holders.get(digest)
        if not holders:
            return None
        group = min(holders)
        return self._groups[group][holders[group]]

    def first(self) -> Job | None:
        """The first job of the plan."""
        return next((group[0] for group in self._groups if group), None)

    def hand_over(self) -> list[Job]:
        """The jobs to submit now, in this order, so that the law holds. Those that have begun may be among them."""
        before = list(self._hand)
        last = max((self._places[digest] for digest in before), default=(-1, -1))
        while self._heap:
            place, digest = self._heap[0]
            if digest in self._waiting and self._places.get(digest) == place:
                if len(self._hand) >= _AHEAD and place > last:
                    break
                self._hand[digest] = self._waiting.pop(digest)
            heappop(self._heap)
        order = list(self._hand)
        ranked = sorted(order, key=self._places.__getitem__)
        if ranked == order:
            return [self._hand[digest] for digest in order[len(before) :]]
        same = next(number for number, digest in enumerate(ranked) if digest != order[number])
        self._hand = {digest: self._hand[digest] for digest in ranked}
        return [self._hand[digest] for digest in ranked[same:]]

    def _put(self, digest: Digest) -> None:
        holders = self._holders[digest]
        group = min(holders)
        place = (group, holders[group])
        if self._places.get(digest) != place:
            self._places[digest] = place
            if digest in self._waiting:
                heappush(self._heap, (place, digest))
