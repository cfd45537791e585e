"""A store in a bucket: S3, or whatever speaks its language. One object of the bucket an object, named by its digest."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import cached_property
from io import BufferedReader
from pathlib import Path
from typing import Any

from concours.core.digests import Digest, is_digest
from concours.core.errors import MissingPackage, ObjectDamaged, ObjectNotFound, StoreRefused
from concours.core.optional import install_command
from concours.core.ports import Readable
from concours.core.state import cache_folder
from concours.stores.disk import DiskStore

SCHEME = "s3://"
_PIECE = 8 << 20
_RETRIES, _RETRY_S = 6, 30
_TIMES = {"connect_timeout": "10s", "timeout": "120s"}
_SAID = re.compile(r"<Code>(.*?)</Code>.*?<Message>(.*?)</Message>", re.DOTALL)
_LONGEST = 200
_NOBODY = Digest("")
_FREE_SHARE = 20
"""One of so many parts of the disk stays free when an object is fetched, as long as there are others to drop."""
_CURE = "set AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY as the bucket wants them"


class S3Store:
    """Keeps objects in a bucket, as `PREFIX/ab/cdef…`, the names that a `DiskStore` has; endpoint, region and keys come
    from the environment (`AWS_…`).

    What a machine reads or writes also lies in a folder of its own, its cache, from which it is read and
    memory-mapped: no object is fetched twice, and its digest is computed where it comes in. An upload appears whole or
    not at all. When the disk is nearly full the oldest objects of the cache are dropped.

    Args:
        address: `s3://BUCKET/PREFIX`.
        cache: by default a folder of this address below `XDG_CACHE_HOME` (`~/.cache`).

    Raises:
        StoreRefused: the address is none. MissingPackage: obstore is not installed.
    """

    def __init__(self, address: str, *, cache: Path | str | None = None) -> None:
        bucket, _, prefix = address.removeprefix(SCHEME).strip("/").partition("/")
        if not address.startswith(SCHEME) or not bucket:
            raise StoreRefused(f"a store in a bucket is s3://BUCKET/PREFIX; got {address!r}")
        self.address = f"{SCHEME}{bucket}/{prefix}".rstrip("/")
        self._cache = DiskStore(
            cache or cache_folder("objects") / hashlib.sha256(self.address.encode()).hexdigest()[:16]
        )
        self._bucket, self._prefix = bucket, f"{prefix}/" if prefix else ""
        self._whole: dict[Digest, str | None] = {}
        self._api  # noqa: B018 (without it nothing can be done)

    @property
    def folder(self) -> Path:
        """The cache, which also holds what belongs to this machine alone."""
        return self._cache.folder

    @cached_property
    def _api(self) -> Any:
        try:
            import obstore
        except ModuleNotFoundError:
            raise MissingPackage(f"{self.address} needs obstore; get it with: {install_command('obstore')}") from None
        return obstore

    @cached_property
    def _client(self) -> Any:
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
        given = {"endpoint": endpoint} if endpoint else {}
        with self._told():
            return self._api.store.S3Store(
                self._bucket,
                **given,
                client_options={**_TIMES, "allow_http": endpoint.startswith("http://")},
                retry_config={"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=_RETRY_S)},
            )

    def __getstate__(self) -> dict[str, Any]:
        """By its address: a connection goes nowhere."""
        return {"address": self.address, "cache": self._cache.folder}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def require_open(self) -> None:
        """Writes and removes a small object, so that what is refused is told before there is work to lose.

        Raises:
            StoreRefused: with what it is that refuses.
        """
        key = f"{self._prefix}tmp/open-{os.urandom(8).hex()}"
        with self._told():
            self._api.put(self._client, key, b"open")
            self._api.delete(self._client, key)

    def put(self, content: Readable) -> Digest:
        digest = self._cache.put(content)
        with self._told():
            sent = self._api.put(self._client, self._key(digest), self._cache.local_path(digest))
        self._whole[digest] = sent["e_tag"]
        return digest

    def open(self, digest: Digest) -> BufferedReader:
        self._fetch(digest)
        return self._cache.open(digest)

    def local_path(self, digest: Digest) -> Path:
        self._fetch(digest)
        return self._cache.local_path(digest)

    def place(self, digest: Digest) -> Path | None:
        """Where an object lies on this machine, once it is fetched; none where it is not in the bucket."""
        with suppress(ObjectNotFound):
            self._fetch(digest)
            return self._cache.place(digest)
        return None

    def verify(self, digest: Digest) -> bool:
        """Whether an object is in the bucket and whole: once a process, and as often as it has changed, all of it is
        read to tell.
        """
        try:
            head = self._head(digest)
            if digest in self._whole and self._whole[digest] == head["e_tag"]:
                return True
            sha = hashlib.sha256()
            with self._told():
                for piece in self._api.get(self._client, self._key(digest)).stream(_PIECE):
                    sha.update(piece)
        except ObjectNotFound:
            return False
        whole = f"sha256:{sha.hexdigest()}" == digest
        if whole:
            self._whole[digest] = head["e_tag"]
        return whole

    def __contains__(self, digest: Digest) -> bool:
        try:
            self._head(digest)
        except ObjectNotFound:
            return False
        return True

    def size(self, digest: Digest) -> int:
        return int(self._head(digest)["size"])

    def put_at(self, digest: Digest) -> float:
        """When an object was put last, in seconds since 1970. Raises ObjectNotFound."""
        return float(self._head(digest)["last_modified"].timestamp())

    def delete(self, digest: Digest) -> None:
        if is_digest(digest):
            self._cache.delete(digest)
            self._whole.pop(digest, None)
            with self._told(), suppress(FileNotFoundError):
                self._api.delete(self._client, self._key(digest))

    def __iter__(self) -> Iterator[Digest]:
        with self._told():
            for batch in self._api.list(self._client, prefix=self._prefix or None):
                for each in batch:
                    digest = Digest(f"sha256:{each['path'].removeprefix(self._prefix).replace('/', '', 1)}")
                    if is_digest(digest):
                        yield digest

    def note(self, name: str) -> bytes | None:
        """What was noted last under a name; none where nothing was. Notes are beside objects, and are no content."""
        try:
            with self._told(_NOBODY):
                return bytes(self._api.get(self._client, self._prefix + name).bytes())
        except ObjectNotFound:
            return None

    def keep_note(self, name: str, content: bytes) -> None:
        """Notes something, in place of what was there: another machine reads one or the other, whole."""
        with self._told():
            self._api.put(self._client, self._prefix + name, content)

    def drop_notes(self, start: str) -> None:
        """Forgets all notes whose names begin so."""
        folder, _, _ = start.rpartition("/")
        with self._told():
            for batch in self._api.list(self._client, prefix=f"{self._prefix}{folder}"):
                for path in (each["path"] for each in batch):
                    if path.startswith(self._prefix + start):
                        self._api.delete(self._client, path)

    def leftovers(self) -> list[Path]:
        """Files that a kill left half written on this machine; of an upload that was cut nothing can be seen."""
        return self._cache.leftovers()

    def _key(self, digest: Digest) -> str:
        if not is_digest(digest):
            raise ObjectNotFound(f"no object {digest!r} in {self.address}: this is no digest")
        name = digest.partition(":")[2]
        return f"{self._prefix}{name[:2]}/{name[2:]}"

    def _head(self, digest: Digest) -> dict[str, Any]:
        key = self._key(digest)
        with self._told(digest):
            found: dict[str, Any] = self._api.head(self._client, key)
        return found

    def _fetch(self, digest: Digest) -> None:
        """Brings an object into the cache, unless it is there and whole.

        Raises:
            ObjectNotFound, ObjectDamaged: it is not in the bucket, or is not what its name says.
        """
        key = self._key(digest)
        if self._cache.place(digest) is not None:
            with suppress(ObjectDamaged, ObjectNotFound):
                self._cache.local_path(digest)
                return
        with self._told(digest), tempfile.TemporaryFile() as aside:
            given = self._api.get(self._client, key)
            for piece in given.stream(_PIECE):
                aside.write(piece)
            aside.seek(0)
            found = f"sha256:{hashlib.file_digest(aside, 'sha256').hexdigest()}"
            if found != digest:
                raise ObjectDamaged(
                    f"object {digest} in {self.address} is damaged: its content is not what its name says"
                )
            self._make_room(aside.seek(0, os.SEEK_END))
            aside.seek(0)
            self._cache.put(aside)
            self._whole[digest] = given.meta["e_tag"]

    def _make_room(self, size: int) -> None:
        """Drops the oldest objects of the cache while the disk would be nearly full."""
        with suppress(OSError):
            disk = shutil.disk_usage(self._cache.folder.parent)
            lacking = size + disk.total // _FREE_SHARE - disk.free
            if lacking <= 0:
                return
            found = [path for shelf in self._cache.folder.glob("[0-9a-f][0-9a-f]") for path in shelf.iterdir()]
            for path in sorted(found, key=lambda path: path.stat().st_mtime):
                if lacking <= 0:
                    break
                lacking -= path.stat().st_size
                path.unlink(missing_ok=True)

    @contextmanager
    def _told(self, digest: Digest | None = None) -> Iterator[None]:
        """What the bucket refuses, in one line."""
        refusals = self._api.exceptions
        try:
            yield
        except FileNotFoundError as error:
            if digest is None:
                raise StoreRefused(f"{self.address} is not there: {_first(error, self._bucket)}; {_CURE}") from None
            raise ObjectNotFound(f"no object {digest} in {self.address}") from None
        except (refusals.PermissionDeniedError, refusals.UnauthenticatedError) as error:
            raise StoreRefused(f"{self.address} lets nobody in with this key: {_first(error)}; {_CURE}") from None
        except refusals.BaseError as error:
            raise StoreRefused(f"{self.address} does not answer: {_first(error)}; {_CURE}") from None


def _first(error: BaseException, bucket: str = "") -> str:
    """What a server said, or what became of the connection, in some words: no address, no key."""
    text = str(error)
    said = _SAID.search(text)
    if said:
        return f"{said[1]} ({said[2].strip().rstrip('.')})"
    if bucket and "404" in text:
        return f"there is no bucket {bucket!r}"
    return text.splitlines()[0].rpartition(" - ")[2][:_LONGEST] or type(error).__name__
