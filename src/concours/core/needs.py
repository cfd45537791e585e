"""Needs: what a job wants of the machine that does it. They say where and when it is done, never what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from concours.core.parallel import Parallel


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What a machine must have for a job. A value.

    Attributes:
        cores: 0 where it takes as many as it has threads, or all that there are.
        memory_bytes: 0 where nobody knows; then what its like have taken counts.
        gpu: whether it needs a GPU of its own while it runs.
        site: where it has to be done, as its data lies there; empty for anywhere.
        parts: into how many equal parts it may be divided, each with as many cores, and with a GPU if it needs one,
            which need not be on one machine.
        sandbox: whether it runs a program that somebody sent, which must see and reach nothing but its inputs.
    """

    cores: int = 0
    memory_bytes: int = 0
    gpu: bool = False
    site: str = ""
    parts: int = 1
    sandbox: bool = False

    @classmethod
    def of_params(cls, params: Mapping[str, Any], threads: int = 1) -> Self:
        """What an entrant with these parameters needs: a GPU, where its `device`, or that of its `training`, is one;
        and a core for each thread of all workers, where its training is divided.
        """
        training, parallel = params.get("training"), Parallel.of_params(params)
        named = (params.get("device"), training.get("device") if isinstance(training, Mapping) else None)
        gpu = any(isinstance(device, str) and device.startswith("cuda") for device in named)
        if parallel is None:
            return cls(gpu=gpu)
        return cls(cores=parallel.workers * threads, gpu=gpu, parts=parallel.workers)

    @property
    def part(self) -> Self:
        """What each part needs."""
        return replace(self, cores=self.cores // self.parts, parts=1)


NOTHING = Needs()
"""Of most jobs: any machine will do."""
