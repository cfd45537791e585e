"""The output of a job's task: what the job is told of it, with all that `tasks` knows."""

from __future__ import annotations

from concours.core.job import Job
from concours.tasks.outputs.output import OutputKind
from concours.tasks.outputs.table import output_told


def output_of(job: Job) -> OutputKind:
    """By the parameter `output` of a job (`core.kind.Output.told`)."""
    return output_told(job.params["output"])
