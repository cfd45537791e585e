"""Whose a failure is: of who sent what a job looked at, or of who runs the job."""

from __future__ import annotations

from typing import Final

from concours.core.event import Cause, Failed
from concours.core.job import Job

_OF_NOBODY: Final[frozenset[Cause]] = frozenset({"no_machine", "no_space", "lost_input", "harm", "parted"})
"""They say nothing of what was sent, whatever the job ran."""


def theirs(job: Job, failed: Failed) -> bool:
    """Whether who sent something is to blame for it that a job failed.

    A job in a sandbox runs what was sent: what becomes of it is theirs, unless the machine could not. All other code is
    our own: it says by an exception what is wrong with what was sent, and anything else is a fault of ours.
    """
    return failed.cause not in _OF_NOBODY if job.needs.sandbox else failed.cause == "exception"
