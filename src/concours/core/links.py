"""Files of a folder that may have come from somebody else: no link is followed in it, and only plain files are opened.

A link in a folder that was received leads to any file of whoever opens it. What lies above the folder is its owner's.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from concours.core.errors import LinkRefused

_LINK = {errno.ELOOP, errno.EMLINK, errno.EFTYPE} if hasattr(errno, "EFTYPE") else {errno.ELOOP, errno.EMLINK}
_NO_FILE = {errno.ENXIO, errno.ENODEV, errno.EOPNOTSUPP, errno.EISDIR}


def refuse_links(path: Path, *, below: Path) -> None:
    """Refuses a path on which a link stands: itself, `below`, or a folder between the two.

    Raises:
        LinkRefused: with the link.
    """
    for step in (below, *_steps(path, below)):
        if step.is_symlink():
            raise _refused(step)


def opened(path: Path, flags: int = os.O_RDONLY, *, below: Path) -> int:
    """Opens a plain file, as `os.open` does; by its end nothing but that file has been touched.

    What is opened for writing must have no other name: it is written in place, and so would be the other's content.

    Raises:
        LinkRefused: a link stands on the path, or it leads to something that is no plain file.
        OSError: as of `os.open`.
    """
    refuse_links(path, below=below)
    try:
        file = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o644)
    except OSError as error:
        if error.errno in _LINK:
            raise _refused(path) from None
        if error.errno in _NO_FILE:
            raise _no_file(path) from None
        raise
    found = os.fstat(file)
    if stat.S_ISREG(found.st_mode) and (found.st_nlink <= 1 or not flags & (os.O_WRONLY | os.O_RDWR)):
        return file
    os.close(file)
    if not stat.S_ISREG(found.st_mode):
        raise _no_file(path)
    raise LinkRefused(f"{path} is written in place, but is another file's name too; replace it by a copy of itself")


def read(path: Path, *, below: Path) -> bytes:
    """The content of a plain file. Raises LinkRefused, and OSError as reading does."""
    with os.fdopen(opened(path, below=below), "rb") as file:
        return file.read()


def write(path: Path, content: bytes, *, below: Path) -> None:
    """Writes a file aside and moves it into place: it is there whole, or as it was.

    Raises:
        LinkRefused: a link stands on the path, or where it is written aside.
    """
    aside = aside_of(path)
    refuse_links(path, below=below)
    refuse_links(aside, below=below)
    aside.unlink(missing_ok=True)  # of a kill
    try:
        with os.fdopen(opened(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, below=below), "wb") as file:
            file.write(content)
        aside.replace(path)
    except BaseException:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        raise


def aside_of(path: Path) -> Path:
    """Where `write` writes before it moves into place."""
    return path.with_name(f".{path.name}.new")


def sync_names(folder: Path) -> None:
    """Writes through to the disk which files a folder holds: what is in them, each file has to see to."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def make_folder(path: Path, *, below: Path) -> Path:
    """Makes a folder, where it is not there yet, and those between it and `below`. Raises LinkRefused."""
    refuse_links(path, below=below)
    path.mkdir(parents=True, exist_ok=True)
    return path


def refuse_links_within(folder: Path, *, levels: int | None = None) -> None:
    """Walks through a folder, and refuses it when anything in it is a link, or neither a file nor a folder.

    Args:
        levels: how far down to go, 1 for what lies in the folder itself; by default all the way.

    Raises:
        LinkRefused: with what was found first.
    """
    refuse_links(folder, below=folder)
    for entry in _walk(folder, levels):
        if entry.is_symlink():
            raise _refused(Path(entry.path))
        if not (entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False)):
            raise _no_file(Path(entry.path))


def size_within(folder: Path) -> int:
    """Bytes of the plain files in a folder and in those below it; links count for nothing."""
    plain = (entry for entry in _walk(folder) if entry.is_file(follow_symlinks=False))
    return sum(entry.stat(follow_symlinks=False).st_size for entry in plain)


def _walk(folder: Path, levels: int | None = None) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            yield entry
            if levels != 1 and entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path), levels and levels - 1)


def _steps(path: Path, below: Path) -> Iterator[Path]:
    step = below
    for part in path.relative_to(below).parts:
        step = step / part
        yield step


def _refused(link: Path) -> LinkRefused:
    where = ""
    with suppress(OSError):
        where = f" to {os.readlink(link)}"
    return LinkRefused(
        f"{link} is a link{where}, and none is followed here; put what it leads to in its place, or nothing"
    )


def _no_file(path: Path) -> LinkRefused:
    return LinkRefused(f"{path} is no plain file, as it should be; take it away")
