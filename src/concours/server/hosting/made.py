"""What is said of a competition's folder that was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from concours.contest.contest_text import Setting
from concours.core.errors import ContestError


@dataclass(frozen=True, kw_only=True)
class Made:
    """A competition's folder that was written.

    Attributes:
        files: with what is in each, in words.
        settings: the keys of its task, each with the reason for its value.
        left: what could not be carried over from another platform's format, with why.
    """

    folder: Path
    files: Mapping[str, str]
    settings: tuple[Setting, ...] = ()
    left: tuple[tuple[str, str], ...] = ()


def require_new(folder: Path) -> None:
    """Refuses a folder that has something in it. Raises ContestError."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ContestError(f"{folder} is there already: name a new folder, or an empty one")
    if not folder.absolute().parent.is_dir():
        raise ContestError(f"{folder} cannot be made: the folder {folder.absolute().parent} does not exist")
