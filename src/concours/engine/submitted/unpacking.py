"""What was sent, as files in a folder: an archive unpacked, or one file as it is."""

from __future__ import annotations

import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, Final

from concours.core.archive import plain_path
from concours.core.errors import ContentRefused
from concours.core.space import no_space_named
from concours.core.visible import shortened, visible
from concours.core.zips import opened_zip

MOST_FILES: Final = 5_000
_ZIP: Final = b"PK\x03\x04"
_ZIPS: Final = ("", ".zip")
"""Endings of what is called an archive; a `.npz` is one too, and a file of its own."""
_TARS: Final = (".tar.gz", ".tgz", ".tar")
_OF_SYSTEMS: Final = ("__MACOSX", ".DS_Store")
_CHUNK: Final = 1 << 20
_DAMAGED: Final = (
    *(tarfile.TarError, zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error),
    *(NotImplementedError, EOFError, RuntimeError, ValueError, OSError),
)

Members = Iterator[tuple[str, IO[bytes] | None]]
"""Of an archive: a path, and its content, if it is a plain file."""


def unpacked(content: BinaryIO, called: str, into: Path, *, most_bytes: int, as_it_is: bool = False) -> list[str]:
    """Puts what was sent into an empty folder; gives the paths of its files, in order.

    A zip archive, or a tar one, that is called so is unpacked, and a single folder in it is left out of the paths. All
    else is one file, under its own name. Everybody may read them. What is counted is what comes out, whatever an
    archive says of itself.

    Args:
        as_it_is: whether a single folder stays among the paths: the archive was made here, of files by their paths.

    Raises:
        ContentRefused: the archive is damaged or encrypted, leads out of the folder, holds links or more than is taken.
        NoSpace.
    """
    name = PurePosixPath(called.replace("\\", "/")).name
    head = content.read(len(_ZIP))
    content.seek(0)
    packed = head == _ZIP and PurePosixPath(name).suffix.lower() in _ZIPS
    if not packed and not name.lower().endswith(_TARS):
        if not name.isprintable() or name in ("", ".", ".."):
            raise ContentRefused(f"{_shown(called)!r} is no name of a file")
        _write(iter([(name, content)]), into, most_bytes)
    else:
        aside = into.with_name(f"{into.name}.new")
        aside.mkdir()
        _unpack(_zipped if packed else _tarred, content, aside, most_bytes)
        _move_up(aside, into, deeper=not as_it_is)
    every = sorted(into.rglob("*"))
    for path in every:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return [path.relative_to(into).as_posix() for path in every if path.is_file()]


def _unpack(members: Callable[[BinaryIO], Members], content: BinaryIO, into: Path, most_bytes: int) -> None:
    try:
        _write(members(content), into, most_bytes)
    except _DAMAGED as error:
        raise ContentRefused(f"the archive is damaged, or holds a file twice ({_shown(str(error))})") from None


def _write(members: Members, into: Path, most_bytes: int) -> None:
    left = most_bytes
    for number, (name, content) in enumerate(members):
        if content is None:
            raise ContentRefused(f"{_shown(name)} is a link, encrypted, or no plain file: send the file itself")
        if number >= MOST_FILES:
            raise ContentRefused(f"it has more than {MOST_FILES:,} files, which are taken")
        if (path := plain_path(name)) is None:
            raise ContentRefused(f"{_shown(name)} is no path of a file below the archive's folder")
        place = into / path
        with no_space_named(into):
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("xb") as file:
                while piece := content.read(_CHUNK):
                    if (left := left - len(piece)) < 0:
                        raise ContentRefused(f"it has more than {most_bytes:,} bytes, which are taken")
                    file.write(piece)


def _zipped(content: BinaryIO) -> Members:
    with opened_zip(content) as archive:
        for item in archive.infolist():
            if item.is_dir():
                continue
            plain = stat.S_IFMT(item.external_attr >> 16) in (0, stat.S_IFREG) and not item.flag_bits & 1
            if not plain:
                yield item.orig_filename, None
                return
            with archive.open(item) as file:
                yield item.orig_filename, file


def _tarred(content: BinaryIO) -> Members:
    with tarfile.open(fileobj=content, mode="r|*") as archive:
        for item in archive:
            if not item.isdir():
                yield item.name, archive.extractfile(item) if item.isreg() else None


def _move_up(aside: Path, into: Path, *, deeper: bool) -> None:
    """Moves files to where they belong; where it goes deeper, out of the one folder in which they lie, if they do."""
    top = aside
    while len(found := _listed(top)) == 1 and found[0].is_dir() and deeper:
        top = found[0]
    for path in found:
        path.rename(into / path.name)
    shutil.rmtree(aside)


def _listed(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name not in _OF_SYSTEMS)


def _shown(text: str) -> str:
    return shortened(visible(text), 100)
