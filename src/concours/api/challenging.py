"""A contest on what was fed back to a served model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from concours.core.errors import MissingPackage
from concours.core.optional import install_command, installed
from concours.runs.result import Result

if TYPE_CHECKING:
    from concours.serving.watch.challenge import Challenge

LOG: Final = "watch.db"
"""What the log of a watch is called in a run folder."""


def challenged(run: Path, log: Path | None, out: Path, *, force: bool = False) -> Challenge:
    """Writes a contest on the rows whose truth came back (`serving.watch.challenge`).

    Args:
        run: the folder of the result that was served.
        log: of its watch; by default that in the folder.

    Raises:
        ContestError: a file is there already.
        DataError: there is no such log, it is in use, of another result, or nothing was fed back.
        MissingPackage: what keeps the log is not installed.
        RunFolderError: there is no such folder, or its contest has not come to its end.
    """
    if not installed("sqlalchemy"):
        raise MissingPackage(f"the log of a watch needs sqlalchemy; get it with: {install_command('sqlalchemy')}")
    from concours.serving.watch.challenge import challenge

    result = Result.load(run)
    return challenge(result.folder.path / LOG if log is None else log, result.digest, out, force=force)
