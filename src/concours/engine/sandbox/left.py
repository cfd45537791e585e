"""What a program left in its output: plain files of one name and a bounded size are taken out, and nothing else.

Who wrote it may have written anything: links to files of the reader, pipes that never end, files of more bytes than
there are disks. So no link is followed, nothing is waited for, and what is opened is looked at before it is read.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from concours.core.digests import Digest

Keep = Callable[[BinaryIO], Digest]

_OPENING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_DEEPEST = 32
_MOST_NAMED = 20


class Left:
    """What was found so far: what `keep` gave for each file, by path; and why others were refused, the first some."""

    def __init__(self, *, most_bytes: int, keep: Keep) -> None:
        self.taken: dict[str, Digest] = {}
        self.refused: dict[str, str] = {}
        self._most_bytes, self._keep = most_bytes, keep

    def take_out(self, folder: Path) -> None:
        """Looks through a folder, in which nobody may write any more. Raises as `keep` does."""
        root = os.open(folder, _OPENING | os.O_DIRECTORY)
        try:
            self._walk(root, "", _DEEPEST)
        finally:
            os.close(root)

    def _walk(self, folder: int, above: str, deeper: int) -> None:
        for name in sorted(os.listdir(folder)):
            path = f"{above}{name}"
            if not path.isprintable():  # nor what is no UTF-8
                self._refuse(ascii(path), "has a name that cannot be shown")
                continue
            try:
                file = os.open(name, _OPENING, dir_fd=folder)
            except OSError:
                self._refuse(path, "is a link, or cannot be opened")
                continue
            try:
                self._look(file, path, deeper)
            finally:
                os.close(file)

    def _look(self, file: int, path: str, deeper: int) -> None:
        found = os.fstat(file)
        if stat.S_ISDIR(found.st_mode) and deeper:
            self._walk(file, f"{path}/", deeper - 1)
        elif stat.S_ISDIR(found.st_mode):
            self._refuse(path, f"lies more than {_DEEPEST} folders deep")
        elif not stat.S_ISREG(found.st_mode):
            self._refuse(path, "is no plain file")
        elif found.st_nlink != 1:
            self._refuse(path, "has more than one name")
        elif found.st_size > self._most_bytes:
            self._refuse(path, f"has {found.st_size:,} bytes, more than there may be")
        else:
            self._most_bytes -= found.st_size
            with os.fdopen(file, "rb", closefd=False) as opened:
                self.taken[path] = self._keep(opened)

    def _refuse(self, path: str, why: str) -> None:
        if len(self.refused) < _MOST_NAMED:
            self.refused[path] = why
