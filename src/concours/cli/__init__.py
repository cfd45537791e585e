"""The command line: one file a group of commands."""

from __future__ import annotations

import time

from concours.core.places import leave_working_folder

leave_working_folder()  # before anything else is imported

from concours.cli import app  # noqa: E402

__all__ = ["main"]


def main() -> None:
    """The program, in a process of its own: the time that it took to begin is in the budget of a contest."""
    app.main(began=_process_began, apart=True)


def _process_began() -> float:
    """When this process began, on `time.monotonic`."""
    import psutil

    return time.monotonic() - (time.time() - psutil.Process().create_time())
