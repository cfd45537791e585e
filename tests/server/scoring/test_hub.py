"""A seat at a hub is an executor like any, and what two seats ask for is done once."""

from __future__ import annotations

import threading

import pytest

from concours.engine.inline import InlineExecutor
from concours.engine.processes import ProcessExecutor
from concours.server.scoring.hub import Hub
from concours.stores.memory import MemoryStore
from concours.testing import check_executor
from concours.testing.toys import RUNNERS, toy_job


class Closing:
    """A seat that closes its hub with itself, as the suite makes an executor for each law."""

    def __init__(self, executor):
        self._hub = Hub(executor, threading.Condition())
        self._seat = self._hub.seat()

    def __getattr__(self, name):
        return getattr(self._seat, name)

    def close(self):
        self._seat.close()
        self._hub.close()


@pytest.mark.slow
def test_a_seat_keeps_the_laws_of_executors():
    check_executor(lambda store, runners: Closing(ProcessExecutor(store, runners, workers=2)), apart=True)


def test_what_two_ask_for_is_done_once_and_told_to_both():
    store = MemoryStore()
    executor = InlineExecutor(store, RUNNERS)
    hub = Hub(executor, threading.Condition())
    try:
        first, second = hub.seat(), hub.seat()
        job = toy_job("shared")
        first.submit(job)
        second.submit(job)
        ended = [next(iter(_until(seat))).job for seat in (first, second)]
        assert ended == [job.digest, job.digest]
        assert hub.do(toy_job("another")).result(timeout=30).job == toy_job("another").digest
    finally:
        hub.close()


def test_one_that_no_longer_wants_it_takes_nothing_from_the_other():
    hub = Hub(InlineExecutor(MemoryStore(), RUNNERS), threading.Condition())
    try:
        first, second = hub.seat(), hub.seat()
        job = toy_job("shared")
        first.submit(job)
        second.submit(job)
        first.cancel(job)
        assert next(iter(_until(second))).job == job.digest
        assert list(first.outcomes(timeout_s=0)) == []
    finally:
        hub.close()


def test_what_the_executor_raises_reaches_who_waits():
    class Broken(InlineExecutor):
        def outcomes(self, *, timeout_s=None):
            raise OSError("the machine is gone")

    hub = Hub(Broken(MemoryStore(), RUNNERS), threading.Condition())
    seat = hub.seat()
    seat.submit(toy_job("lost"))
    with pytest.raises(OSError, match="the machine is gone"):
        _until(seat)


def _until(seat):
    """The first outcomes that come."""
    for _ in range(600):
        if found := list(seat.outcomes(timeout_s=0.05)):
            return found
    raise AssertionError("nothing came")


@pytest.mark.parametrize("lasting", [False, True])
def test_what_goes_on_by_itself_is_not_stopped_by_who_leaves(lasting):
    """A worker elsewhere may be at it for hours: whoever conducts next asks for it again, and is told."""
    cancelled, asked = [], threading.Event()

    class Elsewhere(InlineExecutor):
        def submit(self, job):
            asked.set()

        def cancel(self, job):
            cancelled.append(job.digest)

    hub = Hub(Elsewhere(MemoryStore(), RUNNERS), threading.Condition(), lasting=lasting)
    try:
        seat, job = hub.seat(), toy_job("long")
        seat.submit(job)
        assert asked.wait(30)
        seat.close()
        other, another = hub.seat(), toy_job("another")
        other.submit(another)
        other.cancel(another)
        while another.digest not in cancelled:
            threading.Event().wait(0.01)
        assert (job.digest in cancelled) == (not lasting)
    finally:
        hub.close()
