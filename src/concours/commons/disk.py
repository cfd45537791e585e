"""A store in a folder: one file an object, named by its digest, written aside and moved into place."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from concours.core.digests import Digest, is_digest
from concours.core.errors import ObjectNotFound
from concours.core.ports import Readable
from concours.core.space import no_space_named

_CHUNK = 1 << 20


class DiskStore:
    """Keeps objects under a folder, as `ab/cdef…`; what is being written lies in `tmp`. Only `put` makes folders.

    An object appears by a rename, so a kill leaves it whole or absent. A power cut may leave a file whose content
    is not what its name says; `verify` finds it, and `put` of the right content repairs it.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder).absolute()
        self.tmp = self.folder / "tmp"

    def put(self, content: Readable) -> Digest:
        sha = hashlib.sha256()
        with no_space_named(self.folder):
            self.tmp.mkdir(parents=True, exist_ok=True)
        with no_space_named(self.folder), tempfile.NamedTemporaryFile(dir=self.tmp, delete=False) as file:
            try:
                while chunk := content.read(_CHUNK):
                    sha.update(chunk)
                    file.write(chunk)
                file.flush()
                digest = Digest(f"sha256:{sha.hexdigest()}")
                path = self._path(digest)
                path.parent.mkdir(exist_ok=True)
                os.chmod(file.name, 0o444)
                os.replace(file.name, path)
            except BaseException:
                with suppress(OSError):
                    os.unlink(file.name)
                raise
        return digest

    def open(self, digest: Digest) -> BinaryIO:
        return self.local_path(digest).open("rb")

    def local_path(self, digest: Digest) -> Path:
        path = self._path(digest)
        if not path.exists():
            raise ObjectNotFound(f"no object {digest} in {self.folder}")
        return path

    def verify(self, digest: Digest) -> bool:
        try:
            with self.local_path(digest).open("rb") as file:
                return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}" == digest
        except (ObjectNotFound, OSError):
            return False

    def __contains__(self, digest: Digest) -> bool:
        return is_digest(digest) and self._path(digest).exists()

    def size(self, digest: Digest) -> int:
        return self.local_path(digest).stat().st_size

    def delete(self, digest: Digest) -> None:
        if is_digest(digest):
            self._path(digest).unlink(missing_ok=True)

    def __iter__(self) -> Iterator[Digest]:
        for path in sorted(self.folder.glob("[0-9a-f][0-9a-f]/*")):
            if is_digest(name := f"sha256:{path.parent.name}{path.name}"):
                yield Digest(name)

    def leftovers(self) -> list[Path]:
        """Files that a kill left half written."""
        return sorted(self.tmp.glob("*"))

    def _path(self, digest: Digest) -> Path:
        if not is_digest(digest):  # it may be a path, from a file of somebody else
            raise ObjectNotFound(f"no object {digest!r} in {self.folder}: this is no digest")
        name = digest.partition(":")[2]
        return self.folder / name[:2] / name[2:]
