"""A folder as one file, to be sent: equal folders give equal bytes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from concours.core.archive import zip_files
from concours.core.errors import ContestError
from concours.core.visible import shortened, visible

_LEFT_OUT: Final = ("__pycache__", "node_modules")
_MOST_FILES: Final = 10_000


@dataclass(frozen=True, kw_only=True)
class Packed:
    """What went into an archive, and what did not: what is hidden, caches, and environments of Python."""

    files: tuple[str, ...]
    left_out: tuple[str, ...]


def pack(folder: Path, to: BinaryIO) -> Packed:
    """Writes a folder as a zip archive, sorted by name, without times and modes.

    Raises:
        ContestError: there is nothing in it, too much, or a link, which means something else on another machine.
    """
    files: dict[str, Path] = {}
    left_out: list[str] = []
    for at, folders, names in os.walk(folder):
        here = Path(at)
        gone = sorted(name for name in folders if _is_left_out(here / name))
        left_out += [(here / name).relative_to(folder).as_posix() + "/" for name in gone]
        folders[:] = sorted(set(folders) - set(gone))
        for name in sorted([*names, *(name for name in folders if (here / name).is_symlink())]):
            path = here / name
            inner = path.relative_to(folder).as_posix()
            if name.startswith("."):
                left_out.append(inner)
            elif path.is_symlink() or not path.is_file():
                raise ContestError(f"{visible(inner)} is a link, or no plain file: put the file itself there")
            else:
                files[inner] = path
    if not files:
        raise ContestError(f"there is nothing to send in {shortened(visible(str(folder)), 200)}")
    if len(files) > _MOST_FILES:
        raise ContestError(f"the folder has {len(files):,} files; {_MOST_FILES:,} at most are sent")
    zip_files(files, to)
    return Packed(files=tuple(sorted(files)), left_out=tuple(sorted(left_out)))


def _is_left_out(folder: Path) -> bool:
    return folder.name.startswith(".") or folder.name in _LEFT_OUT or (folder / "pyvenv.cfg").exists()
