"""Executors that hand jobs on keep the laws of executors."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import replace

from concours.core.needs import Needs
from concours.engine.inline import InlineExecutor
from concours.engine.leased import DividedExecutor, LeasedExecutor
from concours.engine.processes import ProcessExecutor
from concours.stores.disk import DiskStore
from concours.testing import check_executor
from concours.testing.toys import RUNNERS, toy_job


class MemoryQueue:
    """A queue in memory, from which workers of this process pull, each with one supervised process."""

    def __init__(self, store, runners, workers):
        self._changed, self._closed = threading.Condition(), False
        self._waiting, self._begun, self._ended, self._dropped = {}, {}, deque(), set()
        self._threads = [threading.Thread(target=self._work, args=(store, runners)) for _ in range(workers)]
        for thread in self._threads:
            thread.start()

    def put(self, job):
        with self._changed:
            self._dropped.discard(job.digest)
            if job.digest not in self._begun:
                self._waiting.pop(job.digest, None)
                self._waiting[job.digest] = job
            self._changed.notify_all()

    def outcomes(self, timeout_s):
        with self._changed:
            if self._waiting or self._begun:
                self._changed.wait_for(lambda: self._ended, timeout_s)
            found, self._ended = list(self._ended), deque()
            return found

    def cancel(self, job):
        with self._changed:
            self._waiting.pop(job.digest, None)
            self._dropped.add(job.digest)
            self._changed.notify_all()

    def close(self):
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self, store, runners):
        executor = ProcessExecutor(store, runners, workers=1)
        while job := self._lease():
            executor.submit(job)
            ended = []
            while not ended and not self._closed and job.digest not in self._dropped:
                ended = list(executor.outcomes(timeout_s=0.05))
            executor.cancel(job)
            with self._changed:
                del self._begun[job.digest]
                self._ended += [event for event in ended if event.job not in self._dropped]
                self._changed.notify_all()
        executor.close()

    def _lease(self):
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if self._closed:
                return None
            job = self._waiting.pop(next(iter(self._waiting)))
            self._begun[job.digest] = job
            return job


def test_the_leased_executor_keeps_the_laws():
    check_executor(lambda store, runners: LeasedExecutor(MemoryQueue(store, runners, 2)), apart=True)


def test_the_divided_executor_keeps_the_laws_at_both_ends():
    def divided(store, runners):
        return DividedExecutor(InlineExecutor(store, RUNNERS), LeasedExecutor(MemoryQueue(store, runners, 1)))

    check_executor(divided, apart=False)
    check_executor(lambda store, runners: _AllSandboxed(divided(store, runners)), apart=False)


class _AllSandboxed:
    """Has each job need a sandbox."""

    def __init__(self, executor):
        self._executor = executor
        self.outcomes, self.cancel, self.close = executor.outcomes, executor.cancel, executor.close

    def submit(self, job):
        self._executor.submit(replace(job, needs=replace(job.needs, sandbox=True)))


def test_each_job_goes_where_its_sort_is_done(tmp_path):
    went = {}

    class Noting(InlineExecutor):
        def submit(self, job):
            went.setdefault(self, []).append(job.label)
            super().submit(job)

    home, sandboxed = (Noting(DiskStore(tmp_path / name), RUNNERS) for name in ("home", "apart"))
    executor = DividedExecutor(home, sandboxed)
    for number in range(4):
        executor.submit(replace(toy_job(str(number)), needs=Needs(sandbox=number % 2 == 1)))
    found = []
    while events := list(executor.outcomes(timeout_s=1.0)):
        found += events
    assert len(found) == 4
    assert went == {home: ["0", "2"], sandboxed: ["1", "3"]}
