"""A competition's folder as one file, and back: what others sent is unpacked under a folder, or refused whole."""

from __future__ import annotations

import shutil
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from concours.core.archive import plain_path, zip_files
from concours.core.errors import ContestError, DataError
from concours.core.space import no_space_named
from concours.core.visible import shortened, visible
from concours.core.zips import opened_zip
from concours.server.hosting.folder import files_of
from concours.tasks.readers.damage import damage_named, existing

MOST_FILES: Final = 20_000
MOST_BYTES: Final = 50 << 30
"""Of a competition, at most."""
_FREELY: Final = 1 << 28
_RATIO: Final = 200
"""Of what unpacks to more than 256 MiB, so many bytes a packed one are refused; honest tables have fifty at most."""
_PACKED: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_CHUNK: Final = 1 << 20


def archive_of(folder: Path, to: Path) -> Path:
    """Writes a competition's folder as a zip file, to be published. Law: equal folders give equal bytes.

    Raises:
        ContestError: a file is a link, or there are too many, or they are too large.
    """
    files = files_of(folder)
    refuse_sizes(files)
    zip_files(files, to)
    return to


def refuse_sizes(files: Mapping[str, Path]) -> None:
    """Refuses what no platform takes. Raises ContestError."""
    if len(files) > MOST_FILES:
        raise ContestError(
            f"there are {len(files):,} files, and {MOST_FILES:,} at most are taken: put pictures and the like into an "
            "archive, data/train.zip"
        )
    size = sum(place.stat().st_size for place in files.values())
    if size > MOST_BYTES:
        raise ContestError(f"the files have {size:,} bytes in all, and {MOST_BYTES:,} at most are taken")


def unpack(archive: Path, into: Path, *, most_bytes: int = MOST_BYTES, called: str = "") -> Path:
    """Unpacks a zip file into a new folder, and gives it. Nothing is written outside it; links are none of its files.

    Args:
        called: what errors call it; by default its name, which tells nobody anything where it lies in a store.

    Raises:
        DataError: it is no zip file, is damaged or encrypted, a name leads out of it, is there twice or is no name, a
            link or a device is in it, or it holds too many files or bytes; then the folder is gone again. NoSpace:
            likewise.
    """
    name = called or shortened(visible(archive.name), 100)
    if existing(archive).is_dir():
        raise DataError(f"{name} is a folder; a zip file was expected")
    into.mkdir(parents=True)
    try:
        with damage_named(name), opened_zip(archive) as opened:
            members = declared(opened, name, archive.stat().st_size, most_bytes=most_bytes)
            for path, member in members.items():
                with no_space_named(into):
                    _write(opened, member, into / path)
    except BaseException:
        shutil.rmtree(into, ignore_errors=True)
        raise
    return into


def declared(
    opened: zipfile.ZipFile, name: str, packed: int, *, most_bytes: int = MOST_BYTES
) -> dict[str, zipfile.ZipInfo]:
    """The files of an archive by their paths, as it says itself; nothing is unpacked.

    Args:
        packed: bytes of the archive.

    Raises:
        DataError: as `unpack`, but for what unpacking alone shows.
    """
    members = _members(opened, name)
    _refuse_bomb(members, name, packed, most_bytes)
    return members


def _members(opened: zipfile.ZipFile, name: str) -> dict[str, zipfile.ZipInfo]:
    """The files, by their path. Raises DataError."""
    infos = opened.infolist()
    if len(infos) > MOST_FILES:
        raise DataError(f"{name} holds {len(infos):,} files; {MOST_FILES:,} at most are taken")
    found: dict[str, zipfile.ZipInfo] = {}
    folded: set[str] = set()
    for info in infos:
        shown = shortened(visible(info.filename), 100)
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise DataError(f"{name} holds {shown}, a link or a device: it is refused")
        if info.flag_bits & 1:
            raise DataError(f"{name} is encrypted ({shown}): pack it without a password")
        if info.compress_type not in _PACKED:
            raise DataError(f"{name}: {shown} is packed in a way that is not known here: use deflate")
        if (path := plain_path(info.filename)) is None:
            raise DataError(f"{name} holds {shown!r}, which leads out of it or is no name of a file: it is refused")
        if info.is_dir() or kind == stat.S_IFDIR:
            continue
        if path.as_posix().casefold() in folded:
            raise DataError(f"{name} holds {shown} twice: it is refused")
        folded.add(path.as_posix().casefold())
        found[path.as_posix()] = info
    if over := next((path for path in found if any(p.as_posix() in found for p in PurePosixPath(path).parents)), None):
        raise DataError(f"{name} holds a file where {shortened(visible(over), 100)} wants a folder: it is refused")
    return found


def _refuse_bomb(members: Mapping[str, zipfile.ZipInfo], name: str, packed: int, most_bytes: int) -> None:
    size = sum(member.file_size for member in members.values())
    if size > most_bytes:
        raise DataError(f"{name} unpacks to {size:,} bytes; {most_bytes:,} at most are taken")
    if size > _FREELY and size > _RATIO * packed:
        raise DataError(f"{name} unpacks to more than {_RATIO} times its size: it is refused as a bomb")


def _write(opened: zipfile.ZipFile, member: zipfile.ZipInfo, place: Path) -> None:
    """Writes a member; of one that is larger than it declares, as much as that, and BadZipFile is raised."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with opened.open(member) as source, place.open("xb") as target:
        shutil.copyfileobj(source, target, _CHUNK)
