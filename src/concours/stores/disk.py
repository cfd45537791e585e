"""A store in a folder: one file an object, named by its digest, written aside and moved into place."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import Protocol

from concours.core.digests import Digest, is_digest
from concours.core.errors import ObjectDamaged, ObjectNotFound
from concours.core.links import make_folder, opened, refuse_links
from concours.core.ports import Readable
from concours.core.space import no_space_named

_CHUNK = 1 << 20
_AGAIN = "run the contest again with the same command, and it is made anew"
_SHELF = re.compile("[0-9a-f]{2}")

_Seen = tuple[int, int, int, int, int]
_whole: dict[_Seen, Digest] = {}
"""The files whose content this process has found to have a digest, as they were then: device, number, size, times."""


class Beneath(Protocol):
    """A store that shows through another."""

    @property
    def address(self) -> str: ...

    def place(self, digest: Digest) -> Path | None: ...

    def __iter__(self) -> Iterator[Digest]: ...


class DiskStore:
    """Keeps objects under a folder, as `ab/cdef…`; what is being written lies in `tmp`. Only `put` makes folders.

    An object appears by a rename, so a kill leaves it whole or absent. A power cut, or a person, may leave a file whose
    content is not what its name says: its digest is computed once a process, before the content is given to anybody,
    and again when the file has changed since. `put` of the right content repairs it. No link is followed.

    Args:
        beneath: a store whose objects show through where this one has none; it is only read.
    """

    def __init__(self, folder: Path | str, *, beneath: Beneath | None = None) -> None:
        self.folder = Path(folder).absolute()
        self.tmp = self.folder / "tmp"
        self.beneath = beneath

    @property
    def address(self) -> str:
        """Where it is opened again (`stores.address`)."""
        return str(self.folder)

    def put(self, content: Readable) -> Digest:
        sha = hashlib.sha256()
        with no_space_named(self.folder), self._there():
            make_folder(self.tmp, below=self.folder)
            with tempfile.NamedTemporaryFile(dir=self.tmp, delete=False) as file:
                try:
                    while chunk := content.read(_CHUNK):
                        sha.update(chunk)
                        file.write(chunk)
                    file.flush()
                    digest = Digest(f"sha256:{sha.hexdigest()}")
                    path = self._path(digest)
                    make_folder(path.parent, below=self.folder)
                    os.fchmod(file.fileno(), 0o444)
                    os.replace(file.name, path)
                    _whole[_seen(file.fileno())] = digest
                except BaseException:
                    with suppress(OSError):
                        os.unlink(file.name)
                    raise
        return digest

    def open(self, digest: Digest) -> BufferedReader:
        return self._checked(digest)

    def local_path(self, digest: Digest) -> Path:
        with self._checked(digest) as file:
            return Path(file.name)

    def verify(self, digest: Digest) -> bool:
        try:
            with self._opened(digest) as file:
                return _has(file, digest)
        except (ObjectNotFound, OSError):
            return False

    def __contains__(self, digest: Digest) -> bool:
        return is_digest(digest) and self.place(digest) is not None

    def size(self, digest: Digest) -> int:
        with self._opened(digest) as file:
            return os.fstat(file.fileno()).st_size

    def put_at(self, digest: Digest) -> float:
        """When an object was put last, in seconds since 1970. Raises ObjectNotFound."""
        with self._opened(digest) as file:
            return os.fstat(file.fileno()).st_mtime

    def delete(self, digest: Digest) -> None:
        if is_digest(digest):
            self._path(digest).unlink(missing_ok=True)

    def __iter__(self) -> Iterator[Digest]:
        yield from sorted({*self._own(), *(self.beneath or ())})

    def leftovers(self) -> list[Path]:
        """Files that a kill left half written."""
        refuse_links(self.tmp, below=self.folder)
        return sorted(self.tmp.glob("*"))

    def _own(self) -> Iterator[Digest]:
        refuse_links(self.folder, below=self.folder)
        for shelf in self.folder.glob("*"):
            if _SHELF.fullmatch(shelf.name):
                refuse_links(shelf, below=self.folder)
                names = (f"sha256:{shelf.name}{name}" for name in os.listdir(shelf))
                yield from (Digest(name) for name in names if is_digest(name))

    def _path(self, digest: Digest) -> Path:
        """Where an object lies in this store, or would; no folder on the way is a link."""
        if not is_digest(digest):  # it may be a path, from a file of somebody else
            raise ObjectNotFound(f"no object {digest!r} in {self.folder}: this is no digest")
        name = digest.partition(":")[2]
        shelf = self.folder / name[:2]
        refuse_links(shelf, below=self.folder)
        return shelf / name[2:]

    def place(self, digest: Digest) -> Path | None:
        """Where an object is found, here or beneath; its content may be damaged."""
        path = self._path(digest)
        if os.path.lexists(path):
            return path
        return self.beneath.place(digest) if self.beneath else None

    def _opened(self, digest: Digest) -> BufferedReader:
        path = self.place(digest)
        try:
            if path is not None:
                return open(path, "rb", opener=lambda _, flags: opened(path, flags, below=path.parent))
        except FileNotFoundError:  # it has just gone
            pass
        raise ObjectNotFound(f"no object {digest} in {self.folder}; {_AGAIN}")

    def _checked(self, digest: Digest) -> BufferedReader:
        """An object whose content is what its name says."""
        file = self._opened(digest)
        if _whole.get(_seen(file.fileno())) == digest or _has(file, digest):
            return file
        file.close()
        what = "is damaged: its content is not what its name says"
        raise ObjectDamaged(f"object {digest} in {self.folder} {what}; {_AGAIN}")

    @contextmanager
    def _there(self) -> Iterator[None]:
        """Tells a store that is taken away while it is written to from all else that may be missing."""
        try:
            yield
        except FileNotFoundError:
            if self.tmp.is_dir():
                raise
            raise ObjectNotFound(f"{self.folder} was taken away while an object was written to it") from None


def _seen(file: int) -> _Seen:
    found = os.fstat(file)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _has(file: BufferedReader, digest: Digest) -> bool:
    """Whether a file has this content, all of which is read; it stands at its beginning afterwards."""
    seen = _seen(file.fileno())
    same = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}" == digest
    file.seek(0)
    if same:
        _whole[seen] = digest
    else:
        _whole.pop(seen, None)
    return same
