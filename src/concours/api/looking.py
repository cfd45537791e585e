"""Looking at what a contest has come to, while it runs or when it has ended."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from concours.contest.circle import circle
from concours.core.errors import RunFolderError
from concours.engine.identity import code_digests
from concours.engine.journal import MemoryJournal, read_journal
from concours.engine.loop import Engine
from concours.engine.runners import RUNNERS
from concours.runs.folder import current, existing
from concours.runs.kept import kept_setup
from concours.runs.result import Result
from concours.runs.session import damaged_text


def look(path: Path | str) -> Result:
    """The result of a contest, finished or not: of one that still runs, as far as its journal goes. Needs no lock.

    Raises:
        RunFolderError: there is no contest in the folder.
    """
    folder = existing(path)
    if folder.read("result.json") is not None and not _newer(folder.journal, folder.path / "result.json"):
        return Result.load(path)
    folder = current(path)
    known = kept_setup(folder)
    if known is None:
        raise RunFolderError(f"the contest in {path} has only begun to read its data; look again in a moment")
    records, damaged = read_journal(folder.journal)
    engine = Engine(store=folder.store, journal=MemoryJournal(records), executor=None, code=code_digests(RUNNERS))
    if damaged:
        known = replace(known, warnings=(*known.warnings, damaged_text(damaged, folder.journal)))
    try:
        outcome = circle(engine, known)
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:  # values of jobs have no types yet
        raise RunFolderError(
            f"{folder.journal} says of a job what no such job yields ({type(error).__name__}: {error}); run the "
            "contest in another folder"
        ) from error
    return Result.of(outcome, known, folder)


def _newer(first: Path, second: Path) -> bool:
    return first.exists() and first.stat().st_mtime > second.stat().st_mtime
