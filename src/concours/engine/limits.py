"""Limits of a job. They are not part of its digest: the same job under wider limits is the same job."""

from __future__ import annotations

from dataclasses import dataclass

from concours.core.event import BUDGET_SPENT as BUDGET_SPENT
from concours.core.event import Failed
from concours.engine.usage import available_memory

MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one job may use.

    Attributes:
        seconds: of wall time, counted from when the runner's imports are over.
        memory: bytes of its own resident size, together with its child processes.
        output: bytes printed.
        budget_s: seconds of wall time for the whole contest, over all its sessions.
    """

    seconds: float | None = 3600.0
    memory: int | None = None
    output: int = 64 * MIB
    budget_s: float | None = None

    def allows_again(self, failed: Failed) -> bool:
        """Whether a failure may be otherwise now: it met a limit that is wider today."""
        if not failed.retryable:
            return False
        now = {"out_of_memory": self.memory, "out_of_time": self.seconds}.get(failed.cause)
        if failed.budget_spent:
            now = self.budget_s
        return failed.limit is None or now is None or now > failed.limit


def memory_per_worker(workers: int) -> int:
    """The default limit: an equal share of four fifths of the memory that is free now."""
    return available_memory() * 4 // 5 // workers
