"""Archives of others, unpacked into a folder: only plain files, only below it, and no more than was agreed."""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from concours.core.errors import ContentRefused
from concours.core.space import no_space_named
from concours.core.visible import shortened, visible

_CHUNK = 1 << 20
_FREELY, _TIMES = 1 << 28, 100
"""An archive holds up to 256 MiB, or up to a hundred times its own bytes."""
_LONGEST = 300


def unpack(archive: IO[bytes], into: Path, *, files: int, size: int) -> list[str]:
    """Unpacks a zip archive, and gives the paths of its files with slashes, in order.

    What is counted is what comes out, whatever the archive says of itself. Folders are made as files need them; times,
    owners and modes are not carried over.

    Args:
        into: an empty folder.
        files, size: how many files, and bytes of all of them together, are taken.

    Raises:
        ContentRefused: it is no zip archive or damaged, or encrypted; something in it is a link or no plain file, lies
            outside, lies twice, or has a name that not every system takes; or there is more than was agreed. `into` is
            then to be thrown away. NoSpace.
    """
    length = archive.seek(0, os.SEEK_END)
    allowed = min(size, max(_FREELY, _TIMES * length))
    try:
        with zipfile.ZipFile(archive) as opened:
            items = [item for item in opened.infolist() if not item.is_dir()]
            if len(items) > files:
                raise ContentRefused(f"the archive has {len(items):,} files, and {files:,} are taken")
            if (said := sum(item.file_size for item in items)) > allowed:
                raise ContentRefused(f"the archive would unpack to {said:,} bytes, and {allowed:,} are taken")
            names = [_path(item) for item in items]
            if twice := [name for name, times in Counter(names).items() if times > 1]:
                raise ContentRefused(f"{twice[0]} lies in the archive twice")
            left = allowed
            for item, name in zip(items, names, strict=True):
                with no_space_named(into):
                    left -= _write(opened, item, into / name, left, allowed)
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        NotImplementedError,
        EOFError,
        zlib.error,
        RuntimeError,
        ValueError,
    ) as error:
        raise ContentRefused(
            f"the archive is damaged, or no zip archive ({shortened(visible(str(error)), 100)})"
        ) from None
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        raise ContentRefused("something in the archive is a file and a folder at once") from None
    return sorted(names)


def _path(item: zipfile.ZipInfo) -> str:
    """The path of a file in an archive, if it is a plain file below the folder."""
    name = item.orig_filename
    shown = shortened(visible(name), 100)
    kind = stat.S_IFMT(item.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise ContentRefused(f"{shown} is a link, or no plain file: put the file itself into the archive")
    if item.flag_bits & 1:
        raise ContentRefused(f"{shown} is encrypted: make the archive without a password")
    parts = PurePosixPath(name).parts
    plain = name.isprintable() and "\\" not in name and ":" not in name and len(name) <= _LONGEST
    if not plain or not parts or name.startswith("/") or ".." in parts or any(len(os.fsencode(p)) > 255 for p in parts):
        raise ContentRefused(f"{shown} is no path of a file below the archive's folder")
    return "/".join(parts)


def _write(opened: zipfile.ZipFile, item: zipfile.ZipInfo, path: Path, left: int, allowed: int) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with opened.open(item) as content, path.open("xb") as file:
        for piece in _pieces(content):
            size += len(piece)
            if size > left:
                raise ContentRefused(f"the archive unpacks to more than {allowed:,} bytes, which are taken")
            file.write(piece)
    return size


def _pieces(content: IO[bytes]) -> Iterator[bytes]:
    while piece := content.read(_CHUNK):
        yield piece
