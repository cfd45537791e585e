"""What a machine has for jobs, and what it lacks for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from concours.core.event import Failed
from concours.core.job import Job
from concours.engine.usage import total_memory, usable_cores

_GPUS = ("/dev/nvidia[0-9]*", "/dev/kfd", "/dev/dxg")
"""Files that stand for GPUs: of Nvidia, of AMD, and within Windows."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What there is for all jobs together, and the site that it is, if it is one of a federation.

    Attributes:
        memory_bytes: the most that one job may have.
        name: in messages.
    """

    cores: int
    memory_bytes: int
    gpus: int = 0
    site: str = ""
    name: str = "this machine"

    @classmethod
    def here(cls, *, workers: int = 1, memory: int | None = None) -> Self:
        """This one. It has at least as many cores as it was told to have workers.

        Args:
            memory: bytes, the limit of one job, where there is one.
        """
        has = total_memory()
        found = sum(len(list(Path("/").glob(pattern[1:]))) for pattern in _GPUS)
        return cls(cores=max(workers, usable_cores()), memory_bytes=min(memory or has, has), gpus=found)

    def refusal(self, job: Job) -> Failed | None:
        """The end of a job that can never be done here; none of one that can."""
        lacking = self._lacking(job)
        return Failed(job=job.digest, cause="no_machine", reason=lacking) if lacking else None

    def has_room(self, job: Job, beside: Sequence[Job]) -> bool:
        """Whether cores and GPUs suffice for a job beside others that run."""
        jobs = (*beside, job)
        return sum(map(self._cores, jobs)) <= self.cores and sum(other.needs.gpu for other in jobs) <= self.gpus

    def places(self, job: Job) -> int:
        """How many such jobs it has room for at a time, if there is nothing else."""
        cores = self.cores // max(self._cores(job), 1)
        return 0 if self.refusal(job) else min(cores, self.gpus) if job.needs.gpu else cores

    def _cores(self, job: Job) -> int:
        return job.needs.cores or min(job.threads, self.cores)

    def _lacking(self, job: Job) -> str:
        needs = job.needs
        if needs.site and needs.site != self.site:
            return f"has to be done at {needs.site!r}, where its data lies, and {self.name} is not there"
        if needs.gpu and not self.gpus:
            return f'needs a GPU, and {self.name} has none; run it where there is one, or choose device = "cpu"'
        if needs.cores > self.cores:
            return f"needs {needs.cores} cores, and {self.name} has {self.cores}; run it on a larger one"
        if needs.memory_bytes > self.memory_bytes:
            wanted, there = (f"{size / 2**30:.1f} GiB" for size in (needs.memory_bytes, self.memory_bytes))
            return f"needs {wanted} of memory, and a job has {there} on {self.name}; run it on a larger machine"
        return ""
