"""What a runner is: a function from the inputs of a job to what it yields; and the one place where a job is run."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from concours.core import scratch
from concours.core.digests import Digest, canonical_json
from concours.core.errors import (
    ConcoursError,
    EndpointRefused,
    LinkRefused,
    MissingPackage,
    NoSandbox,
    NoSpace,
    ObjectDamaged,
    ObjectNotFound,
    PartnerLost,
    RecipeError,
    RunStopped,
    SpentOut,
    StoreRefused,
)
from concours.core.event import Cause, Cost, Done, Failed
from concours.core.job import Job
from concours.core.optional import install_command
from concours.core.ports import Store
from concours.core.registry import load
from concours.engine.usage import cpu_seconds, peak_memory, reset_peak

_REASON = 400


@dataclass(frozen=True, kw_only=True)
class JobResult:
    """What a runner gives back: digests of stored objects, small JSON values, and seconds by phase."""

    outputs: Mapping[str, Digest] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    phases: Mapping[str, float] = field(default_factory=dict)


Runner = Callable[[Job, Store], JobResult]


@dataclass(frozen=True, kw_only=True)
class RunnerSpec:
    """A kind of job.

    Attributes:
        reference: `module:function` of the runner, imported where the job runs.
        version: raised whenever the runner would yield other bytes for the same job.
        packages: distributions whose versions count as the runner's code.
        once: why nobody can have what it yields a second time here; empty for nearly all, which are functions of a job.
    """

    reference: str
    version: int
    packages: tuple[str, ...] = ()
    once: str = ""

    @cached_property
    def runner(self) -> Runner:
        runner: Runner = load(self.reference)
        return runner


Runners = Mapping[str, RunnerSpec]


def execute(
    job: Job, store: Store, runners: Runners, *, begun: Callable[[], None] = lambda: None, trace: bool = False
) -> Done | Failed:
    """Runs a job and says how it ended; raises for nothing that the job does.

    Its cost is what it took in all, until it was interrupted too, if it has gone on from there.

    Args:
        begun: told when the runner's imports are over.
        trace: print the traceback of what the job raised.
    """
    wall, cpu = scratch.clock(), cpu_seconds()
    reset_peak()
    outcome: Done | Failed
    try:
        runner = runners[job.runner].runner
        begun()
        result = runner(job, store)
        _check_values(result)
        outcome = Done(job=job.digest, outputs=result.outputs, values=result.values)
        phases = result.phases
    except (Exception, SystemExit) as error:  # noqa: BLE001 (whatever a job raises is its own failure)
        if trace and not isinstance(error, RunStopped):  # whose program has said what it had to say
            with suppress(OSError, ValueError):  # the job may have closed standard error
                traceback.print_exc()
        limit = error.limit if isinstance(error, RunStopped) else None
        outcome = Failed(job=job.digest, cause=_cause(error), reason=_reason(error), limit=limit)
        phases = {}
    wall_s, cpu_s = scratch.clock() - wall, cpu_seconds() - cpu + scratch.current().before_cpu_s
    return replace(outcome, cost=Cost(wall_s=wall_s, cpu_s=cpu_s, peak_bytes=peak_memory(), phases=phases))


def _check_values(result: JobResult) -> None:
    """Values go into the journal, which knows no NaN and no infinity."""
    for name, value in result.values.items():
        try:
            canonical_json(value)
        except ValueError:
            raise ValueError(f"{name} must be finite, got {str(value)[:100]}") from None


_CAUSES: tuple[tuple[tuple[type[BaseException], ...], Cause], ...] = (
    ((NoSpace,), "no_space"),
    ((NoSandbox,), "no_machine"),
    ((ObjectNotFound, ObjectDamaged, LinkRefused, StoreRefused), "lost_input"),
    ((EndpointRefused, SpentOut), "unanswered"),
    ((PartnerLost,), "parted"),
    ((MissingPackage, ModuleNotFoundError), "missing_package"),
    ((RecipeError,), "recipe"),
    ((MemoryError,), "out_of_memory"),
)


def _cause(error: BaseException) -> Cause:
    if isinstance(error, RunStopped):
        return error.cause
    return next((cause for types, cause in _CAUSES if isinstance(error, types)), "exception")


def _reason(error: BaseException) -> str:
    """The error in one line: its type, the first line of its message, and the place it came from.

    Of what a person set wrong, or can mend, the message alone.
    """
    if isinstance(error, ConcoursError):
        return str(error)
    lines = str(error).strip().splitlines() or [""]
    text = f"{type(error).__name__}: {lines[0]}"[:_REASON].removesuffix(": ")
    frames = traceback.extract_tb(error.__traceback__)
    if frames:
        users = [frame for frame in frames if "/store/code/" in frame.filename]
        frame = (users or frames)[-1]
        text += f" ({frame.filename.rsplit('/', 1)[-1]}:{frame.lineno})"
    if isinstance(error, ModuleNotFoundError) and error.name:
        text += f"; get it with: {install_command(error.name.partition('.')[0])}"
    return text
