"""The question whether code may run, on a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from concours.cli.terminal import confirmed
from concours.runs.trust import Trust, permitted, remember, remembered


def asking(agreed: bool) -> Trust:
    """What asks: nobody where `--trust` was given, else a person at a terminal; without one the answer is no."""
    return lambda sentence: agreed or confirmed(sentence)


def ask_once(file: Path, named: Iterable[str], agreed: bool) -> None:
    """Asks before a contest file runs what it names; what was agreed to is remembered for its folder.

    Raises:
        TrustError: it may not run.
    """
    known = remembered(file.parent)
    names = permitted(named, known=known, who=f"{file} runs", trust=asking(agreed))
    if not names <= known:
        remember(file.parent, names)
