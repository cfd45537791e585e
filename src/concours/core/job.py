"""Jobs: pieces of work that a process asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from concours.core.digests import Digest, digest_json, is_digest
from concours.core.frozen import frozen
from concours.core.needs import NOTHING, Needs

MOST_THREADS = 4096


@dataclass(frozen=True, kw_only=True)
class Job:
    """One piece of work: what to run, on what, with which seed and threads, and what it yields. A value.

    Attributes:
        runner: the name of a runner (`engine.runners`).
        inputs: digests of stored objects, by the name that the runner knows them under.
        params: JSON values.
        threads: how many threads the numeric libraries may use; part of the digest because it changes bytes.
        outputs: names of the objects that the job yields.
        label: what a person is shown; not part of the digest.
        needs: what it wants of the machine that does it; no part of the value, its digest or its JSON, since what comes
            of it does not hang on that.
    """

    runner: str
    inputs: Mapping[str, Digest] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    threads: int = 1
    outputs: tuple[str, ...] = ()
    label: str = ""
    needs: Needs = field(default=NOTHING, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", frozen(self.inputs))
        object.__setattr__(self, "params", frozen(self.params))
        object.__setattr__(self, "outputs", tuple(self.outputs))

    @cached_property
    def digest(self) -> Digest:
        """Names the work. The engine joins it with the digest of the code that would do it (see `engine.identity`)."""
        return digest_json({key: value for key, value in self.to_json().items() if key != "label"})

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Job:
        """The inverse of `to_json`, for what comes from a file.

        Raises:
            TypeError, ValueError: the value is no job, or what should be a digest in it is something else.
        """
        job = cls(**value)
        texts = (job.runner, job.label, *job.outputs, *job.inputs, *job.params)
        known = all(isinstance(text, str) for text in texts) and all(map(is_digest, job.inputs.values()))
        if not known or "needs" in value:
            raise ValueError("this is no job, or what should be a digest in it is something else")
        if type(job.seed) is not int or type(job.threads) is not int or not 1 <= job.threads <= MOST_THREADS:
            raise ValueError(f"a job has a seed, and from 1 to {MOST_THREADS} threads")
        return job

    def to_json(self) -> dict[str, Any]:
        """The job as JSON; `Job(**job.to_json()) == job`."""
        return {
            "runner": self.runner,
            "inputs": dict(self.inputs),
            "params": dict(self.params),
            "seed": self.seed,
            "threads": self.threads,
            "outputs": list(self.outputs),
            "label": self.label,
        }
