"""The files of a competition: what its host puts there, and who may fetch what.

Files of `data/` are for members, those of `pages/` for whoever may read the competition, and all else for its hosts and
for what scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from sqlalchemy import delete, insert, select, update
from sqlalchemy.engine import Connection

from concours.core.archive import plain_path
from concours.core.digests import Digest, digest_bytes
from concours.core.event import utc_now
from concours.core.ports import Readable, Store
from concours.core.visible import shortened, visible
from concours.server import audit
from concours.server.database.tables import FILES
from concours.server.database.texts import json_of
from concours.server.hosting.archive import MOST_FILES
from concours.server.hosting.competition import BASELINES, DATA, PAGES, SCORER, TRUTH, Competition, Page
from concours.server.refusals import Conflict, TooLarge, Unfit, Unknown
from concours.server.services import quotas
from concours.server.services.access import Access, Rule
from concours.server.services.competitions import DRAFTS
from concours.server.services.editing import changed, locked, pages_of, read, set_pages, settle

FOLDERS: Final = (DATA, TRUTH, PAGES, BASELINES, SCORER)
_LONGEST: Final = 300


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Content that lies in the store. size: bytes."""

    digest: Digest
    size: int


@dataclass(frozen=True, kw_only=True)
class File:
    """A file of a competition. public: whether members may fetch it. at: when it was put there, UTC."""

    path: str
    digest: Digest
    size: int
    public: bool
    at: str


def keep(store: Store, content: Readable, most: int) -> Kept:
    """Puts content into the store, of which a name is to be made in a transaction soon (`administration.garbage`).

    Args:
        most: bytes that are taken.

    Raises:
        TooLarge: there are more; nothing is kept. NoSpace, StoreRefused: as `Store.put`.
    """
    counted = _Counted(content, most)
    return Kept(digest=store.put(counted), size=counted.size)


class _Counted:
    """Bytes that are read up to a limit."""

    def __init__(self, content: Readable, most: int) -> None:
        self._content, self._most = content, most
        self.size = 0

    def read(self, size: int = -1, /) -> bytes:
        read = self._content.read(size)
        self.size += len(read)
        if self.size > self._most:
            raise TooLarge(f"at most {self._most:,} bytes are taken, and this is more")
        return read


def listed(db: Connection, access: Access) -> tuple[File, ...]:
    """All files, for hosts. Raises Forbidden."""
    access.require(Rule.HOST)
    rows = db.execute(select(FILES).where(FILES.c.competition == access.competition.id).order_by(FILES.c.path))
    return tuple(
        File(path=row.path, digest=Digest(row.digest), size=row.size, public=row.public, at=row.at) for row in rows
    )


def fetched(db: Connection, access: Access, path: str) -> File:
    """A file for whoever may have it.

    Raises:
        Unknown: there is none, or it is for hosts alone. NotSignedIn, Forbidden: it is for members.
    """
    row = db.execute(
        select(FILES).where(FILES.c.competition == access.competition.id, FILES.c.path == path)
    ).one_or_none()
    if row is None or not (row.public or access.host):
        raise Unknown(f"{access.competition.title!r} has no file {shortened(visible(path), 100)!r}")
    if not path.startswith(f"{PAGES}/"):
        access.require(Rule.MEMBER)
    return File(path=row.path, digest=Digest(row.digest), size=row.size, public=row.public, at=row.at)


def put(db: Connection, access: Access, store: Store, path: str, kept: Kept) -> None:
    """Puts a file there, or another in its place.

    Raises:
        Forbidden. Unfit: the path is none of a competition's folder. Conflict: the competition is published, and files
            that are scored by change by a rescore alone. TooLarge: hosts may not have so much.
    """
    row = locked(db, access)
    require_path(path)
    _require_changing(row.state, path)
    put_all(db, row.id, {path: kept})
    set_pages(db, store, row.id, Competition.from_json(json_of(row.settings)))
    changed(db, row)
    audit.write(db, access.actor, "file.put", row.slug, {"path": path, "digest": kept.digest})


def remove(db: Connection, access: Access, store: Store, path: str) -> None:
    """Takes a file away. Raises Forbidden, Unknown; Conflict as `put` does."""
    row = locked(db, access)
    _require_changing(row.state, path)
    if not db.execute(delete(FILES).where(FILES.c.competition == row.id, FILES.c.path == path)).rowcount:
        raise Unknown(f"{row.title!r} has no file {shortened(visible(path), 100)!r}")
    set_pages(db, store, row.id, Competition.from_json(json_of(row.settings)))
    changed(db, row)
    audit.write(db, access.actor, "file.remove", row.slug, {"path": path})


def write_page(
    db: Connection,
    access: Access,
    store: Store,
    *,
    title: str,
    text: str,
    file: str = "",
    rules: bool | None = None,
) -> str:
    """Writes a page: its file, and its title in the settings; a new one comes last.

    Args:
        file: of `pages/`; by default of the page of that title, or else a new one.
        rules: whether it is what whoever joins has to accept; by default as before.

    Returns: the key of the page.

    Raises:
        Forbidden. Unfit: there is no title, or the file is none of `pages/`. Conflict: the competition is archived.
    """
    row = locked(db, access)
    competition = Competition.from_json(json_of(row.settings))
    of_title = next((page.file for page in competition.pages if page.title == title), "")
    file = file or of_title or f"{PAGES}/{_stem(title)}.md"
    require_path(file)
    if not file.startswith(f"{PAGES}/"):
        raise Unfit(f"file: a page is a file of {PAGES}/, got {shortened(visible(file), 100)!r}")
    _require_changing(row.state, file)
    put_all(db, row.id, {file: keep(store, BytesIO(text.encode()), len(text.encode()))})
    others = [page for page in competition.pages if page.file != file]
    place = next((i for i, page in enumerate(competition.pages) if page.file == file), len(others))
    pages = [*others[:place], Page(title=title, file=file), *others[place:]]
    kept = competition.rules if rules is None or (not rules and competition.rules != file) else file if rules else ""
    after = read({**competition.to_json(), "pages": [vars(page) for page in pages], "rules": kept})
    settle(db, row, after)
    set_pages(db, store, row.id, after)
    changed(db, row)
    audit.write(db, access.actor, "page.write", row.slug, {"file": file})
    return next(key for key, _, path in pages_of(after) if path == file)


def put_all(db: Connection, competition: int, files: Mapping[str, Kept]) -> None:
    """Puts files there, in place of those of their paths. Raises TooLarge: they are too many, or too large."""
    there = set(db.execute(select(FILES.c.path).where(FILES.c.competition == competition)).scalars())
    if len(there | files.keys()) > MOST_FILES:
        raise TooLarge(f"a competition has at most {MOST_FILES:,} files: put them into archives")
    at = utc_now()
    for path, kept in files.items():
        values = {"digest": kept.digest, "size": kept.size, "public": is_public(path), "at": at}
        if path in there:
            db.execute(update(FILES).where(FILES.c.competition == competition, FILES.c.path == path).values(**values))
        else:
            db.execute(insert(FILES).values(competition=competition, path=path, **values))
    quotas.require_room(db, competition=competition)


def is_public(path: str) -> bool:
    """Whether a file of a competition may be fetched by who is no host."""
    return path.startswith((f"{DATA}/", f"{PAGES}/"))


def require_path(path: str) -> None:
    """Raises Unfit: the path is none of a file in one of the folders of a competition."""
    plain = plain_path(path)
    parts = plain.parts if plain and plain.as_posix() == path and len(path) <= _LONGEST else ()
    if len(parts) < 2 or parts[0] not in FOLDERS:
        raise Unfit(
            f"path: expected FOLDER/NAME with one of the folders {', '.join(FOLDERS)} and at most {_LONGEST} letters, "
            f"got {shortened(visible(path), 100)!r}"
        )


def _require_changing(state: str, path: str) -> None:
    if state == "archived" or (state not in DRAFTS and not path.startswith(f"{PAGES}/")):
        raise Conflict(
            f"the competition is {state}, and {path} may not change any more; what entries are scored by changes by a "
            "rescore"
        )


def _stem(title: str) -> str:
    words = "".join(letter if letter.isascii() and letter.isalnum() else " " for letter in title.lower()).split()
    return "-".join(words)[:60] or f"page-{digest_bytes(title.encode())[7:15]}"
