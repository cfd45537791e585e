"""Several files as one: zip archives whose bytes follow from their content alone."""

from __future__ import annotations

import io
import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from concours.core.errors import ContentRefused
from concours.core.visible import visible

_EPOCH = (1980, 1, 1, 0, 0, 0)
_AS_THEY_ARE = (".zip", ".gz", ".parquet", ".npz", ".png", ".jpg", ".jpeg", ".xz", ".bz2", ".mp4", ".flac")
"""Endings of what gets no smaller."""
_CHUNK = 1 << 20
_LONGEST = 400

_FREELY = 1 << 28
_AT_MOST = 100
"""An archive holds up to 256 MiB, or up to a hundred times its own bytes."""


def zipped(files: Mapping[str, bytes], *, compress: bool = False) -> bytes:
    """An archive of the files, sorted by name, without times. Law: equal files give equal bytes.

    What would be compressed beyond what `unzipped` accepts is not compressed.
    """
    content = _zipped(files, zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED)
    too_small = compress and sum(map(len, files.values())) > _allowed(content)
    return _zipped(files, zipfile.ZIP_STORED) if too_small else content


def zip_files(files: Mapping[str, Path], to: Path | BinaryIO) -> None:
    """Writes files as an archive, sorted by their paths in it, without times and modes, of any size.

    Law: equal files give equal bytes.
    """
    with zipfile.ZipFile(to, "w") as archive:
        for path in sorted(files):
            entry = zipfile.ZipInfo(path, _EPOCH)
            entry.compress_type = zipfile.ZIP_STORED if path.lower().endswith(_AS_THEY_ARE) else zipfile.ZIP_DEFLATED
            entry.file_size = files[path].stat().st_size
            with files[path].open("rb") as source, archive.open(entry, "w") as target:
                shutil.copyfileobj(source, target, _CHUNK)


def plain_path(text: str) -> PurePosixPath | None:
    """The path of a file below a folder, as others name it; none where it leads out of the folder, some system reads it
    otherwise, or it is no name that can be shown: absolute, with `..`, a backslash or a drive, longer than 400 bytes.
    """
    path = PurePosixPath(text)
    inside = path.parts and not path.is_absolute() and ".." not in path.parts and ":" not in path.parts[0]
    plain = visible(text) == text and "\\" not in text and len(text.encode("utf-8", "replace")) <= _LONGEST
    return path if inside and plain else None


def unzipped(content: bytes) -> dict[str, bytes]:
    """The files of an archive. Law: `unzipped(zipped(files)) == files`.

    Raises:
        ContentRefused: it is no such archive, or holds more than is credible for its size.
    """
    with _opened(content) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def require_unpackable(content: bytes) -> None:
    """Looks at what an archive says of itself, before others unpack it. Raises ContentRefused as `unzipped` does."""
    with _opened(content):
        pass


@contextmanager
def _opened(content: bytes) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(item.file_size for item in archive.infolist())
            if size > _allowed(content):
                raise ContentRefused(
                    f"{len(content):,} bytes would unpack to {size:,}, a hundred times as many and more: refused"
                )
            yield archive
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        EOFError,
        zlib.error,
        KeyError,
        RuntimeError,
        struct.error,
    ) as error:
        raise ContentRefused(f"what should be an archive is damaged: {error}") from None


def _allowed(content: bytes) -> int:
    return max(_FREELY, _AT_MOST * len(content))


def _zipped(files: Mapping[str, bytes], method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), files[name], compress_type=method, compresslevel=1)
    return buffer.getvalue()
