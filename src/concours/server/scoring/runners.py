"""All jobs that a platform has done: the engine's, and those of hosting."""

from __future__ import annotations

from collections import ChainMap
from importlib import import_module
from typing import Final

from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.runners import RUNNERS as ENGINE
from concours.engine.work import JobResult, Runners, RunnerSpec
from concours.server.hosting.opening import RUNNERS as HOSTING

WARM: Final = "warm"
_OWN = {WARM: RunnerSpec(reference="concours.server.scoring.runners:warm", version=1)}
RUNNERS: Final[Runners] = ChainMap(_OWN, dict(HOSTING), ENGINE)  # type: ignore[arg-type]
TABLE: Final = "concours.server.scoring.runners:RUNNERS"


def warming(workers: int) -> list[Job]:
    """A job for each worker after which it has imported what scoring needs."""
    return [Job(runner=WARM, params={"worker": number}, label=f"warm worker {number}") for number in range(workers)]


def warm(_: Job, __: Store) -> JobResult:
    """Imports what scoring needs, so that no submission waits for it."""
    for module in ("concours.engine.runners.hosted", "concours.engine.runners.score", "concours.tasks.readers.source"):
        import_module(module)
    return JobResult()
