"""A file that somebody sent, for a runner to read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from concours.core.digests import Digest
from concours.core.errors import DataError, ObjectDamaged, ObjectNotFound
from concours.core.ports import Store


@contextmanager
def uploaded(store: Store, digest: Digest, name: str) -> Iterator[Path]:
    """A file of the store under the name that it was sent by, whose ending says how it is read.

    Raises:
        DataError: it is not there, or damaged.
    """
    try:
        kept = store.local_path(digest)
    except (ObjectNotFound, ObjectDamaged) as error:
        raise DataError(f"{name} cannot be read ({error}); send it again") from error
    with TemporaryDirectory() as folder:
        file = Path(folder) / Path(name).name
        file.symlink_to(kept)
        yield file
