"""Who is there, as the executor of a federation sees it."""

from __future__ import annotations

from typing import Any

import pytest

from concours.core.event import Failed
from concours.core.job import Job
from concours.core.needs import Needs
from concours.engine.inline import InlineExecutor
from concours.engine.sites.executor import SitesExecutor
from concours.stores.memory import MemoryStore


def test_who_comes_between_two_looks_is_not_given_up(together: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look around is kept for a while; nobody is given up by one that is older than the wish for them."""
    monkeypatch.setattr("concours.engine.sites.executor._PLACES_S", 0.2)
    hall, store = together.hall(), MemoryStore()
    hall.away.add("a")
    executor = SitesExecutor(InlineExecutor(store, {}), hall, store, wait_s=0.0, job_s=60.0)
    ended = []
    for name in "ba":
        executor.submit(Job(runner="nothing", label=name, needs=Needs(site=name)))
        ended += list(executor.outcomes())
        hall.away.clear()
    assert [event.cause for event in ended if isinstance(event, Failed)] == ["exception", "exception"]
    assert [job.label for job, _ in hall.heard] == ["b", "a"]
