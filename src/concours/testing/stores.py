"""The conformance suite of stores."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from concours.core.digests import Digest, digest_bytes
from concours.core.errors import ConcoursError, ObjectDamaged, ObjectNotFound
from concours.core.ports import Store
from concours.testing.laws import law, refused

_CONTENTS = (b"", b"a", b"two\nlines\n", bytes(range(256)) * 20_000)
_ABSENT = Digest("sha256:" + "0" * 64)


def check_store(make: Callable[[], Store]) -> None:
    """Checks the laws of `concours.core.ports.Store`.

    Args:
        make: gives a new, empty store.

    Raises:
        LawBroken: with the law that does not hold.
    """
    for check in _CHECKS:
        check(make())


def _reads_what_was_put(store: Store) -> None:
    for content in _CONTENTS:
        digest = store.put(io.BytesIO(content))
        law(digest == digest_bytes(content), f"`put` gives the digest of the content, got {digest}")
        law(_read(store, digest) == content, "`open(put(x))` reads x")
        law(store.local_path(digest).read_bytes() == content, "`local_path` is a file with the content")
        law(store.size(digest) == len(content), f"`size` is {len(content)} bytes, got {store.size(digest)}")
        law(digest in store and store.verify(digest), "an object is there, and whole, once it was put")
    wanted = {store.put(io.BytesIO(content)) for content in _CONTENTS}
    law(sorted(store) == sorted(wanted), "a store gives the digest of each object once")


def _is_idempotent(store: Store) -> None:
    digests = [store.put(io.BytesIO(b"the same")) for _ in range(3)]
    law(len(set(digests)) == 1, "`put` gives equal digests for equal content")
    law(list(store) == digests[:1], "`put` keeps equal content once")
    law(store.put(_Dribble(b"the same")) == digests[0], "`put` does not depend on how content comes, bit by bit or not")


def _keeps_nothing_half(store: Store) -> None:
    refused(lambda: store.put(_Broken()), OSError, "`put` lets the error of its content through")
    law(not list(store), "after a `put` that failed half-way nothing is kept")


def _knows_what_is_absent(store: Store) -> None:
    for name in ("open", "local_path", "size"):
        call = getattr(store, name)
        refused(lambda call=call: call(_ABSENT), ObjectNotFound, f"`{name}` of what is not there raises ObjectNotFound")  # type: ignore[misc]
    law(_ABSENT not in store and not store.verify(_ABSENT), "what is not there is not in the store, nor whole")


def _forgets(store: Store) -> None:
    kept, gone = store.put(io.BytesIO(b"kept")), store.put(io.BytesIO(b"gone"))
    store.delete(gone)
    store.delete(gone)
    store.delete(_ABSENT)
    law(gone not in store and list(store) == [kept], "`delete` forgets this object and no other, and may be repeated")
    law(store.put(io.BytesIO(b"gone")) == gone and _read(store, gone) == b"gone", "what was deleted can be put again")


def _refuses_other_names(store: Store) -> None:
    """What is no digest names nothing, least of all a file beside the store."""
    kept = store.put(io.BytesIO(b"kept"))
    path = store.local_path(kept)
    for name in (f"sha256:xx{path}", f"sha256:../{path.name}", str(path), "sha256:", "", kept.upper(), f"{kept}\n"):
        other = Digest(name)
        law(other not in store and not store.verify(other), f"{name!r} is no digest, and so is not in the store")
        refused(lambda other=other: store.open(other), ObjectNotFound, f"{name!r} is no digest: `open` refuses it")  # type: ignore[misc]
        store.delete(other)
    law(_read(store, kept) == b"kept", "`delete` of what is no digest deletes nothing")


def _repairs(store: Store) -> None:
    digest = store.put(io.BytesIO(b"what was put"))
    path = store.local_path(digest)
    _tamper(path)
    law(store.verify(digest) == (_given(store, digest) == b"what was put"), "`verify` finds a changed object")
    store.put(io.BytesIO(b"what was put"))
    law(store.verify(digest) and _read(store, digest) == b"what was put", "`put` repairs a changed object")
    law(store.local_path(digest).read_bytes() == b"what was put", "`put` repairs the file that `local_path` gives")


def _shared(store: Store) -> None:
    """Several threads put the same contents at once."""
    contents = [bytes([number]) * 100_000 for number in range(8)] * 4
    with ThreadPoolExecutor(8) as pool:
        digests = list(pool.map(lambda content: store.put(io.BytesIO(content)), contents))
    law(len(set(digests)) == 8 and _all_whole(store, digests), "objects that are put at the same time are whole")


def _gives_what_its_name_says(store: Store) -> None:
    """Also when a first look has found the object whole: a bit that flips in between is found."""
    for content in (b"a bit of it flips", bytes(range(256)) * 5_000):
        for place in (0, len(content) // 2, len(content) - 1):
            digest = store.put(io.BytesIO(content))
            law(_read(store, digest) == content, "`open(put(x))` reads x")
            path = store.local_path(digest)
            _tamper(path, content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            law(_given(store, digest) in (content, None), "`open` gives what its name says, or raises ObjectDamaged")
            law(
                _mapped(store, digest) in (content, None),
                "`local_path` is what its name says, or ObjectDamaged is raised",
            )
            store.put(io.BytesIO(content))
            law(_mapped(store, digest) == content, "`put` repairs a damaged object")


def _follows_no_link(store: Store) -> None:
    """Neither where an object lies, nor where the folder does that it lies in: both may come from somebody else."""
    content = b"theirs: not to be read, written or deleted"
    for whole_folder in (False, True):
        digest = store.put(io.BytesIO(content))
        path = store.local_path(digest)
        place = path.parent if whole_folder else path
        with tempfile.TemporaryDirectory(prefix="concours-") as outside:
            theirs = Path(outside) / "theirs"
            file = theirs / path.name if whole_folder else theirs
            place.rename(theirs)
            for name in ("open", "local_path", "put", "delete"):
                place.unlink(missing_ok=True)
                place.symlink_to(theirs)
                with suppress(ConcoursError, OSError):
                    given = getattr(store, name)(io.BytesIO(content) if name == "put" else digest)
                    inside = name != "local_path" or not (given.is_symlink() or given.parent.is_symlink())
                    law(inside, "`local_path` gives no link, nor a file behind one")
                law(file.is_file() and file.read_bytes() == content, f"`{name}` follows no link out of the store")
            place.unlink(missing_ok=True)
    law(_read(store, store.put(io.BytesIO(content))) == content, "a store goes on when a link in it is gone")


_CHECKS = (
    _reads_what_was_put,
    _is_idempotent,
    _keeps_nothing_half,
    _knows_what_is_absent,
    _forgets,
    _refuses_other_names,
    _repairs,
    _gives_what_its_name_says,
    _follows_no_link,
    _shared,
)


def _read(store: Store, digest: Digest) -> bytes:
    with store.open(digest) as file:
        return file.read()


def _all_whole(store: Store, digests: Iterable[Digest]) -> bool:
    return all(store.verify(digest) for digest in digests)


def _given(store: Store, digest: Digest) -> bytes | None:
    """What is read; None where the store says that it is damaged."""
    try:
        return _read(store, digest)
    except ObjectDamaged:
        return None


def _mapped(store: Store, digest: Digest) -> bytes | None:
    """What the local file holds; None where the store says that it is damaged."""
    try:
        return store.local_path(digest).read_bytes()
    except ObjectDamaged:
        return None


def _tamper(path: Path, content: bytes = b"something else") -> None:
    os.chmod(path, 0o644)
    path.write_bytes(content)
    os.utime(path, (0, 0))  # some systems tell times to a few milliseconds, which a suite is quicker than


class _Dribble(io.BytesIO):
    """Content that comes one byte at a time, unless all of it is asked for."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(1 if size and size > 0 else size)


class _Broken(io.BytesIO):
    """Content that cannot be read to its end."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() or size is None or size < 0:
            raise OSError("the content ended too early")
        self.seek(1)
        return (b"half" * 10_000)[:size]
