"""A competition that comes as an archive of its folder (`hosting.folder`): a new draft, or the same one again."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import delete
from sqlalchemy.engine import Connection

from concours.core.errors import ContestError, DataError
from concours.core.ports import Store
from concours.server import audit
from concours.server.actor import Actor
from concours.server.database.tables import FILES
from concours.server.hosting.archive import unpack
from concours.server.hosting.competition import Competition
from concours.server.hosting.folder import FILE, files_of, from_folder
from concours.server.refusals import Conflict, Unfit
from concours.server.services.access import Access
from concours.server.services.competitions import DRAFTS
from concours.server.services.editing import Declared, begin, changed, declared_of, locked, set_pages, settle
from concours.server.services.files import Kept, keep, put_all, require_path


@contextmanager
def brought(archive: Path, store: Store, *, aside: Path, most: int) -> Iterator[tuple[Competition, dict[str, Kept]]]:
    """What an archive of a competition's folder declares, and its files, which then lie in the store.

    The folder may lie in the archive by itself or within one other.

    Args:
        archive: a zip file.
        aside: a folder in which it is unpacked while the context lasts.
        most: bytes that it may have when it is unpacked.

    Raises:
        Unfit: the archive, or the competition in it, is not what was expected; which file, which key. NoSpace,
            StoreRefused: it cannot be kept.
    """
    try:
        with tempfile.TemporaryDirectory(dir=aside, ignore_cleanup_errors=True) as place:
            folder = _within(unpack(archive, Path(place) / "folder", most_bytes=most, called="the archive"))
            competition = from_folder(folder)
            found = {path: file for path, file in files_of(folder).items() if "/" in path}
            for path in found:
                require_path(path)
            files: dict[str, Kept] = {}
            for path, file in found.items():
                with file.open("rb") as content:
                    files[path] = keep(store, content, most)
            yield competition, files
    except (ContestError, DataError) as error:
        raise Unfit(str(error)) from None


def create(db: Connection, who: Actor, store: Store, competition: Competition, files: dict[str, Kept]) -> Declared:
    """A draft of what a folder declares, with its files.

    Raises:
        NotSignedIn, Forbidden; Conflict: the name is taken. Unfit: a page is no text.
    """
    number = begin(db, who, competition)
    put_all(db, number, files)
    set_pages(db, store, number, competition)
    return declared_of(db, number)


def replace(db: Connection, access: Access, store: Store, competition: Competition, files: dict[str, Kept]) -> Declared:
    """A draft is what a folder declares from now on, with its files and no others.

    Raises:
        Forbidden. Conflict: it is published, or the name is another's. Unfit: a page is no text.
    """
    row = locked(db, access)
    if row.state not in DRAFTS:
        raise Conflict(
            f"{row.slug!r} is {row.state}: edit its pages and dates here, and give another truth or metric by a rescore"
        )
    db.execute(delete(FILES).where(FILES.c.competition == row.id))
    put_all(db, row.id, files)
    settle(db, row, competition)
    set_pages(db, store, row.id, competition)
    changed(db, row)
    audit.write(db, access.actor, "competition.replace", competition.slug, {"files": len(files)})
    return declared_of(db, row.id)


def _within(place: Path) -> Path:
    """The folder of the competition: the archive's own, or the only one in it."""
    if (place / FILE).exists():
        return place
    inner = [path for path in sorted(place.iterdir()) if path.name != "__MACOSX" and not path.name.startswith(".")]
    if len(inner) == 1 and inner[0].is_dir():
        return inner[0]
    raise ContestError(f"there is no {FILE} in the archive: pack the folder of a competition")
