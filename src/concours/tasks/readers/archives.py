"""Files in folders and archives, read as streams: nothing is unpacked to disk, and bombs are refused."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Protocol

from concours.core.errors import DataError, nearest
from concours.tasks.readers import damage
from concours.tasks.readers.damage import damage_named, existing, named_in_utf8, refuse_bomb

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_PACKED: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_TAR_BUFFER = 1 << 14  # tarfile copies its whole buffer at each reading


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One file, wherever it lies.

    Attributes:
        name: without the ending of its compression, e.g. `t.csv` of `t.csv.gz`.
        open: a stream of its content, from the beginning, uncompressed; a bomb raises where it shows.
        path: where it lies on disk as it is, if it does.
    """

    name: str
    open: Callable[[], BinaryIO]
    path: Path | None = None

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.name).suffix.lower()

    @property
    def stem(self) -> str:
        return PurePosixPath(self.name).stem


class Files(Protocol):
    """The files of a folder or an archive."""

    @property
    def name(self) -> str:
        """What a person calls it."""

    def names(self) -> list[str]:
        """Paths of the files, in the order in which they are quickest to read."""

    def contents(self, wanted: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """The files of these names with their content, one at a time, in the order of `names`."""

    def entry(self, name: str) -> Entry:
        """One of the files."""


def is_archive(name: str) -> bool:
    """Whether a file of that name holds others."""
    return name.lower().endswith(ARCHIVES)


def member_of(path: Path) -> tuple[Path, str] | None:
    """`archive.zip:member.csv` as its two halves; none where a path is of another form."""
    text = str(path)
    for ending in ARCHIVES:
        head, found, member = text.partition(f"{ending}:")
        if found and member:
            return Path(head + ending), member
    return None


def files_of(path: Path) -> Files:
    """The files of a folder or an archive.

    Raises:
        DataError: it is damaged, encrypted or a bomb, or holds a path that climbs out, a link, or another archive.
    """
    if path.is_dir():
        return _Folder(path)
    with damage_named(path.name):
        return _Zip(path) if path.suffix.lower() == ".zip" else _Tar(path)


def entry_at(path: Path, *, whole: bool = True) -> Entry:
    """A file of its own; `whole` says whether all of it will be in memory at once."""
    suffix = path.suffix.lower()
    if suffix not in _PACKED:
        return Entry(name=path.name, open=lambda: path.open("rb"), path=path)
    return Entry(name=path.stem, open=lambda: _unpacked(path, whole=whole))


class _Guarded(io.RawIOBase):
    """A stream that raises when more comes out of it than memory holds, or than an honest file would hold.

    Args:
        packed: bytes that the content takes where it lies.
        whole: whether all of it will be in memory at once.
        under: what lies under the stream and is closed with it.
    """

    def __init__(self, raw: Any, name: str, *, packed: int, whole: bool = True, under: Sequence[Any] = ()) -> None:
        self._raw, self._name, self._packed, self._whole = raw, name, packed, whole
        self._under = under
        self._seen = 0
        self._checked = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        with damage_named(self._name):
            chunk = self._raw.read(len(buffer))
        buffer[: len(chunk)] = chunk
        self._seen += len(chunk)
        if self._seen - self._checked > damage.LARGE:
            self._checked = self._seen
            refuse_bomb(self._name, self._seen, self._packed, whole=self._whole)
        return len(chunk)

    def close(self) -> None:
        for stream in (self._raw, *self._under):
            stream.close()
        super().close()


def _unpacked(path: Path, *, whole: bool) -> BinaryIO:
    with damage_named(path.name):
        stream = _PACKED[path.suffix.lower()](path, "rb")
    return io.BufferedReader(_Guarded(stream, path.name, packed=path.stat().st_size, whole=whole), 1 << 20)


def _checked_names(archive: str, names: list[str]) -> list[str]:
    for name in names:
        path = PurePosixPath(named_in_utf8(name, archive).replace("\\", "/"))
        if not path.parts:
            raise DataError(f"{archive} holds {name!r}, which is no name of a file: it is refused")
        if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
            raise DataError(f"{archive} holds {name!r}, a path that leads out of the archive: it is refused")
        if is_archive(name):
            raise DataError(f"{archive} holds another archive, {name!r}: unpack it first and name the inner one")
    return names


def _missing(files: Files, name: str) -> DataError:
    return DataError(f"{files.name} holds no {name!r}; {nearest(name, files.names()[:20])}")


class _Folder:
    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = path.name or str(path)

    def names(self) -> list[str]:
        found = (p.relative_to(self._path).as_posix() for p in self._path.rglob("*") if p.is_file())
        return sorted(named_in_utf8(name, self.name) for name in found)

    def contents(self, wanted: Collection[str]) -> Iterator[tuple[str, bytes]]:
        for name in self.names():
            if name in wanted:
                with damage_named(name):
                    content = (self._path / name).read_bytes()
                yield name, content

    def entry(self, name: str) -> Entry:
        return entry_at(existing(self._path / name))


class _Zip:
    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = path.name
        with zipfile.ZipFile(path) as archive:
            self._infos = {info.filename: info for info in archive.infolist() if not info.is_dir()}
        links = [name for name, info in self._infos.items() if (info.external_attr >> 16) & 0o170000 == 0o120000]
        if links:
            raise DataError(f"{path.name} holds {links[0]!r}, a link: it is refused")
        if locked := [name for name, info in self._infos.items() if info.flag_bits & 1]:
            raise DataError(f"{path.name} is encrypted ({locked[0]!r}): unpack it first")
        _checked_names(path.name, list(self._infos))
        declared = sum(info.file_size for info in self._infos.values())
        refuse_bomb(path.name, declared, path.stat().st_size, whole=False)

    def names(self) -> list[str]:
        return sorted(self._infos)

    def contents(self, wanted: Collection[str]) -> Iterator[tuple[str, bytes]]:
        with damage_named(self.name), zipfile.ZipFile(self._path) as archive:
            for name in self.names():
                if name in wanted:
                    refuse_bomb(name, self._infos[name].file_size, self._infos[name].compress_size)
                    yield name, archive.read(name)

    def entry(self, name: str) -> Entry:
        if name not in self._infos:
            raise _missing(self, name)

        def opened() -> tuple[Any, ...]:
            archive = zipfile.ZipFile(self._path)
            return archive.open(name), archive

        return _inner(self.name, name, opened, self._infos[name].compress_size)


class _Tar:
    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = path.name
        self._names = []
        with self._opened() as archive:
            for member in archive:
                if member.issym() or member.islnk() or member.isdev():
                    raise DataError(f"{path.name} holds {member.name!r}, a link or a device: it is refused")
                self._check_size(member)
                if member.isfile():
                    self._names.append(member.name)
        _checked_names(path.name, self._names)

    def _check_size(self, member: tarfile.TarInfo) -> None:
        """Raises a `DataError` where a member says that it is larger than the archive, or than an honest one, holds."""
        packed = self._path.stat().st_size
        if member.issparse():
            raise DataError(f"{self.name} holds {member.name!r}, a file with holes: write it without (tar without -S)")
        if self._path.suffix.lower() == ".tar" and member.offset_data + member.size > packed:
            raise DataError(f"{self.name} is cut off: {member.name!r} should have {member.size:,} bytes")
        refuse_bomb(member.name, member.size, packed, whole=False)

    def names(self) -> list[str]:
        return self._names

    def contents(self, wanted: Collection[str]) -> Iterator[tuple[str, bytes]]:
        with self._opened() as archive:
            for member in archive:
                if member.isfile() and member.name in wanted:
                    refuse_bomb(member.name, member.size, self._path.stat().st_size)
                    yield member.name, archive.extractfile(member).read()  # type: ignore[union-attr]

    def entry(self, name: str) -> Entry:
        if name not in self._names:
            raise _missing(self, name)

        def opened() -> tuple[Any, ...]:
            stream = self._stream()
            archive = tarfile.open(fileobj=stream, mode="r|", bufsize=_TAR_BUFFER)  # noqa: SIM115 (closed with the entry)
            member = next(member for member in archive if member.name == name)
            refuse_bomb(name, member.size, self._path.stat().st_size)
            return archive.extractfile(member), archive, stream

        return _inner(self.name, name, opened, self._path.stat().st_size)

    @contextmanager
    def _opened(self) -> Iterator[tarfile.TarFile]:
        with (
            damage_named(self.name),
            self._stream() as stream,
            tarfile.open(fileobj=stream, mode="r|", bufsize=_TAR_BUFFER) as archive,
        ):
            yield archive

    def _stream(self) -> BinaryIO:
        """What a compressed archive holds is never there as a whole."""
        suffix = {".tgz": ".gz"}.get(self._path.suffix.lower(), self._path.suffix.lower())
        packed = self._path.stat().st_size
        stream = _PACKED.get(suffix, Path.open)(self._path, "rb")
        return io.BufferedReader(_Guarded(stream, self.name, packed=packed, whole=False), 1 << 20)


def _inner(archive: str, name: str, opened: Callable[[], tuple[Any, ...]], packed: int) -> Entry:
    """A file of an archive; it may itself be compressed, once."""
    path = PurePosixPath(name)
    unpack = _PACKED.get(path.suffix.lower())

    def guarded() -> BinaryIO:
        with damage_named(archive):
            under = opened()
            stream = unpack(under[0], "rb") if unpack else under[0]
        return io.BufferedReader(_Guarded(stream, f"{archive}:{name}", packed=packed, under=under), 1 << 20)

    return Entry(name=path.stem if unpack else path.name, open=guarded)
