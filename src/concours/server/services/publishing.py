"""A competition's way: from a draft that is checked, to one that is published, closed and archived.

    draft -> checking -> draft, read or with a complaint -> published -> closed -> archived

What a check found holds until something of the draft changes (`editing.changed`).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.engine import Connection

from concours.core.digests import Digest
from concours.core.event import utc_now
from concours.server import audit
from concours.server.database.tables import COMPETITIONS, FILES, OPENINGS, PHASES
from concours.server.database.texts import json_of, text_of
from concours.server.hosting.competition import BASELINES, DATA, SCORER, TRUTH, Competition
from concours.server.hosting.folder import named_files
from concours.server.hosting.opened import opening_job
from concours.server.refusals import Conflict, Unfit, Unknown
from concours.server.services import phases
from concours.server.services.access import Access
from concours.server.services.editing import Declared, declared_of, locked

_READ = tuple(f"{folder}/" for folder in (DATA, TRUTH, BASELINES, SCORER))


def check(db: Connection, access: Access) -> Declared:
    """Has a draft's data read; what it says then is in `editing.declared`: `checked`, or a `complaint`.

    Raises:
        Forbidden. Unfit: a file that is named is not there. Conflict: it is no draft, or is being checked.
    """
    row = locked(db, access)
    if row.state != "draft":
        raise Conflict(f"{row.title!r} is {row.state}: only a draft is checked")
    competition = Competition.from_json(json_of(row.settings))
    files = files_of(db, row.id)
    require_files(competition, files)
    ask(db, row, competition, files)
    values = {"state": "checking", "complaint": "", "opened": None}
    db.execute(update(COMPETITIONS).where(COMPETITIONS.c.id == row.id).values(**values))
    audit.write(db, access.actor, "competition.check", row.slug, {"version": row.version})
    return declared_of(db, row.id)


def publish(db: Connection, access: Access) -> Declared:
    """From now on its readers see it, and its phases begin at their dates.

    Raises:
        Forbidden. Conflict: it is no draft, was not checked as it is now, or a phase has ended already.
    """
    row = locked(db, access)
    if row.state != "draft":
        raise Conflict(f"{row.title!r} is {row.state}: only a draft that was checked is published")
    if row.opened is None:
        said = f": {row.complaint}" if row.complaint else ""
        raise Conflict(f"check {row.title!r} first; it was not, or did not pass{said}")
    now = utc_now()
    ended = db.execute(
        select(PHASES.c.key, PHASES.c.ends).where(PHASES.c.competition == row.id, PHASES.c.ends <= now)
    ).first()
    if ended is not None:
        raise Conflict(f"phase {ended.key!r} has ended already, at {ended.ends[:16]} UTC: give it another date")
    db.execute(update(COMPETITIONS).where(COMPETITIONS.c.id == row.id).values(state="published", published=now))
    audit.write(db, access.actor, "competition.publish", row.slug, {"version": row.version})
    return declared_of(db, row.id)


def close(db: Connection, access: Access) -> Declared:
    """Ends a competition before its dates: what is open is closed, what has not begun will not.

    Raises:
        Forbidden. Conflict: it is not published, or closed already.
    """
    row = locked(db, access)
    if row.state != "published":
        raise Conflict(f"{row.title!r} is {row.state}: only what is published is closed")
    for phase in db.execute(select(PHASES.c.id).where(PHASES.c.competition == row.id)).scalars().all():
        phases.close(db, phase)
    db.execute(update(COMPETITIONS).where(COMPETITIONS.c.id == row.id).values(state="closed", closed=utc_now()))
    audit.write(db, access.actor, "competition.close", row.slug)
    return declared_of(db, row.id)


def close_phase(db: Connection, access: Access, key: str) -> None:
    """Ends a phase before its date, or one that has none; those that follow begin at theirs.

    Raises:
        Forbidden. Unknown: there is none of that key. Conflict: it is not open.
    """
    row = locked(db, access)
    phase = db.execute(
        select(PHASES.c.id, PHASES.c.state).where(PHASES.c.competition == row.id, PHASES.c.key == key)
    ).one_or_none()
    if phase is None:
        raise Unknown(f"there is no phase {key[:60]!r}")
    if phase.state != "open":
        raise Conflict(f"phase {key!r} is {phase.state}: only what is open is closed")
    phases.close(db, phase.id)
    audit.write(db, access.actor, "phase.close", f"{row.slug} {key}")


def archive(db: Connection, access: Access) -> Declared:
    """Nothing of it changes any more, and it is listed last.

    Raises:
        Forbidden. Conflict: it is not closed, or private rows are still being scored.
    """
    row = locked(db, access)
    if row.state != "closed":
        raise Conflict(f"{row.title!r} is {row.state}: only what is closed is archived")
    busy = db.execute(select(PHASES.c.key).where(PHASES.c.competition == row.id, PHASES.c.state == "closing")).scalar()
    if busy is not None:
        raise Conflict(f"the private rows of phase {busy!r} are still being scored: archive it when they are")
    db.execute(update(COMPETITIONS).where(COMPETITIONS.c.id == row.id).values(state="archived"))
    audit.write(db, access.actor, "competition.archive", row.slug)
    return declared_of(db, row.id)


def files_of(db: Connection, competition: int) -> dict[str, Digest]:
    """The digests of a competition's files, by their paths."""
    rows = db.execute(select(FILES.c.path, FILES.c.digest).where(FILES.c.competition == competition))
    return {row.path: Digest(row.digest) for row in rows}


def require_files(competition: Competition, files: dict[str, Digest]) -> None:
    """That all files and folders which a competition names are there. Raises Unfit: which are not."""
    missing = [
        f"{key}: there is no {path}"
        for key, path in named_files(competition)
        if path and path not in files and not any(one.startswith(f"{path.rstrip('/')}/") for one in files)
    ]
    if missing:
        raise Unfit("; ".join(missing[:5]) + (f"; and {len(missing) - 5} more" if len(missing) > 5 else ""))


def ask(db: Connection, row: Row[Any], competition: Competition, files: dict[str, Digest], **more: Any) -> int:
    """Has a competition's files read by a job; the number of the opening."""
    read = {path: digest for path, digest in files.items() if path.startswith(_READ)}
    job = text_of(opening_job(competition, read).to_json())
    found = db.execute(
        insert(OPENINGS)
        .values(competition=row.id, version=row.version, job=job, state="waiting", **more)
        .returning(OPENINGS.c.id)
    )
    return int(found.scalar_one())
