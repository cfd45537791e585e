"""A store in memory, for tests."""

from __future__ import annotations

import io
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from concours.core import links
from concours.core.digests import Digest, digest_bytes
from concours.core.errors import ObjectNotFound
from concours.core.ports import Readable


class MemoryStore:
    """Keeps objects in a dictionary."""

    def __init__(self) -> None:
        self._objects: dict[Digest, bytes] = {}
        self._files = Path(tempfile.mkdtemp(prefix="concours-"))
        weakref.finalize(self, shutil.rmtree, self._files, ignore_errors=True)

    def put(self, content: Readable) -> Digest:
        data = content.read()
        digest = digest_bytes(data)
        self._objects[digest] = data
        links.refuse_links(self._files, below=self._files)
        self._file(digest).unlink(missing_ok=True)
        return digest

    def open(self, digest: Digest) -> BinaryIO:
        return io.BytesIO(self._object(digest))

    def local_path(self, digest: Digest) -> Path:
        data = self._object(digest)
        path = self._file(digest)
        links.make_folder(self._files, below=self._files)
        links.refuse_links(path, below=self._files)
        if not path.exists() or path.read_bytes() != data:
            links.write(path, data, below=self._files)
        return path

    def verify(self, digest: Digest) -> bool:
        return digest in self._objects and digest_bytes(self._objects[digest]) == digest

    def __contains__(self, digest: Digest) -> bool:
        return digest in self._objects

    def size(self, digest: Digest) -> int:
        return len(self._object(digest))

    def delete(self, digest: Digest) -> None:
        self._objects.pop(digest, None)

    def __iter__(self) -> Iterator[Digest]:
        return iter(sorted(self._objects))

    def _file(self, digest: Digest) -> Path:
        return self._files / digest.partition(":")[2]

    def _object(self, digest: Digest) -> bytes:
        try:
            return self._objects[digest]
        except KeyError:
            raise ObjectNotFound(f"no object {digest} in the store") from None
