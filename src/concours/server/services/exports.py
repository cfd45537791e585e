"""All that is left of a competition that has ended, as one archive, for its hosts to keep.

Law: of what has not changed the bytes are equal, whenever and wherever it is exported.

    competition.json            what was declared, and when it was published and closed
    folder/…                    its folder, as it is now
    teams.csv                   teams and their members
    phases/KEY/public.csv, public.json, private.csv, private.json    the boards
    phases/KEY/journal.jsonl    the records that boards follow from, in order
    submissions.csv             every submission, with digests and scores
    submissions/NUMBER/NAME     what was sent
    receipts.jsonl              what each score rests on, signed
    rescores.json               what was scored anew, why, and who moved
    audit.jsonl                 the rows of the audit log about the competition, with the digests of their chain
    missing.csv                 what should be here and is not in the store any more
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from shutil import copyfileobj
from typing import IO, Any, Final

from sqlalchemy import Row, or_, select
from sqlalchemy.engine import Connection

from concours.core.digests import Digest, canonical_json
from concours.core.errors import ObjectDamaged, ObjectNotFound
from concours.core.ports import Store
from concours.core.sheets import as_text
from concours.core.visible import visible
from concours.server.database.tables import (
    AUDIT,
    FILES,
    JOURNAL,
    MEMBERS,
    PHASES,
    PLACES,
    SCORES,
    SUBMISSIONS,
    TEAMS,
    USERS,
)
from concours.server.database.texts import json_of
from concours.server.refusals import Conflict
from concours.server.services.access import Access, Rule
from concours.server.services.receipts import receipt
from concours.server.services.rescoring import rescores

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_CHUNK: Final = 1 << 20
_AT_A_TIME: Final = 1000
_ABOUT_PARTS: Final = ("submission", "team", "finals")
"""Actions of the audit log whose subject is a number: of a submission, or of a team."""


def export(db: Connection, access: Access, store: Store, to: Path, *, secret: bytes) -> Path:
    """Writes the archive of a competition, a zip file.

    Args:
        secret: of the platform, which receipts are signed by (`Settings.secret`).

    Raises:
        Forbidden. Conflict: it has not ended.
    """
    access.require(Rule.HOST)
    row = access.competition
    if row.state not in ("closed", "archived"):
        raise Conflict(f"{row.title!r} is {row.state}: it is exported when it is closed")
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        missing: list[tuple[str, str]] = []
        _json(archive, "competition.json", _declared(row))
        _json(archive, "rescores.json", [asdict(one) for one in rescores(db, access)])
        _table(archive, "teams.csv", ("team", "name", "into", "user", "joined"), _teams(db, row.id))
        for phase in db.execute(select(PHASES).where(PHASES.c.competition == row.id).order_by(PHASES.c.number)).all():
            _phase(archive, db, phase)
        _table(archive, "submissions.csv", _SUBMITTED, _submissions(db, row.id))
        _lines(archive, "receipts.jsonl", _receipts(db, access, secret))
        _lines(archive, "audit.jsonl", _audit(db, row))
        for path, digest in _contents(db, row.id):
            if not _content(archive, store, path, digest):
                missing.append((path, digest))
        _table(archive, "missing.csv", ("path", "digest"), missing)
    return to


# What is in it

_SUBMITTED: Final = (
    "submission", "phase", "team", "user", "name", "called", "brings", "at", "state", "reason", "final", "charged",
    "of", "size", "digest", "problem", "metrics",
)  # fmt: skip


def _declared(row: Row[Any]) -> dict[str, Any]:
    moments = {name: row._mapping[name] for name in ("state", "version", "created", "published", "closed")}
    return {**moments, "settings": json_of(row.settings)}


def _teams(db: Connection, competition: int) -> Iterator[Sequence[Any]]:
    rows = db.execute(
        select(TEAMS.c.id, TEAMS.c.name, TEAMS.c.into, USERS.c.name.label("user"), MEMBERS.c.accepted)
        .outerjoin(MEMBERS, MEMBERS.c.team == TEAMS.c.id)
        .outerjoin(USERS, USERS.c.id == MEMBERS.c.user)
        .where(TEAMS.c.competition == competition)
        .order_by(TEAMS.c.id, USERS.c.name)
    )
    yield from rows


def _phase(archive: zipfile.ZipFile, db: Connection, phase: Row[Any]) -> None:
    folder, board = f"phases/{phase.key}", f"phase {phase.id}"
    for part, called in (("public", "public"), ("rest", "private")):
        rows = db.execute(
            select(PLACES.c.entry, PLACES.c.line, TEAMS.c.name.label("team"), SUBMISSIONS.c.name)
            .join(SUBMISSIONS, SUBMISSIONS.c.id == PLACES.c.entry)
            .outerjoin(TEAMS, TEAMS.c.id == SUBMISSIONS.c.team)
            .where(PLACES.c.board == board, PLACES.c.part == part)
            .order_by(PLACES.c.number, PLACES.c.entry)
        ).all()
        lines = [
            {"place": place, "team": row.team, "submission": row.entry, "name": row.name, **json_of(row.line)}
            for place, row in enumerate(rows, 1)
        ]
        _json(archive, f"{folder}/{called}.json", lines)
        metrics = list(dict.fromkeys(name for line in lines for name in line.get("metrics", {})))
        named = ("place", "team", "submission", "name", "rank", "score")
        cells = ([*(line.get(n) for n in named), *(line.get("metrics", {}).get(n) for n in metrics)] for line in lines)
        _table(archive, f"{folder}/{called}.csv", (*named, *metrics), cells)
    records = db.execute(
        select(JOURNAL.c.number, JOURNAL.c.event, JOURNAL.c.code)
        .where(JOURNAL.c.board == board)
        .order_by(JOURNAL.c.number)
        .execution_options(yield_per=_AT_A_TIME)
    )
    said = ({"number": row.number, "event": json_of(row.event), "code": row.code} for row in records)
    _lines(archive, f"{folder}/journal.jsonl", said)


def _submissions(db: Connection, competition: int) -> Iterator[Sequence[Any]]:
    """Each with its scores by the problem that counts."""
    rows = db.execute(
        select(
            SUBMISSIONS,
            PHASES.c.key,
            PHASES.c.problem,
            TEAMS.c.name.label("team_name"),
            USERS.c.name.label("user_name"),
            SCORES.c.metrics,
        )
        .join(PHASES, PHASES.c.id == SUBMISSIONS.c.phase)
        .outerjoin(TEAMS, TEAMS.c.id == SUBMISSIONS.c.team)
        .outerjoin(USERS, USERS.c.id == SUBMISSIONS.c.user)
        .outerjoin(SCORES, (SCORES.c.entry == SUBMISSIONS.c.id) & (SCORES.c.problem == PHASES.c.problem))
        .where(SUBMISSIONS.c.competition == competition)
        .order_by(SUBMISSIONS.c.id)
        .execution_options(yield_per=_AT_A_TIME)
    )
    for row in rows:
        has = row._mapping
        yield (
            row.id, row.key, row.team_name, row.user_name,
            *(has[name] for name in ("name", "called", "brings", "at", "state", "reason", "final", "charged", "of")),
            row.size, row.digest, row.problem, row.metrics,
        )  # fmt: skip


def _receipts(db: Connection, access: Access, secret: bytes) -> Iterator[dict[str, Any]]:
    """Of all that have a score."""
    scored = (SUBMISSIONS.c.competition == access.competition.id, SUBMISSIONS.c.state == "scored")
    for number in db.execute(select(SUBMISSIONS.c.id).where(*scored).order_by(SUBMISSIONS.c.id)).scalars().all():
        yield asdict(receipt(db, access, number, secret))


def _audit(db: Connection, row: Row[Any]) -> Iterator[dict[str, Any]]:
    """The rows about the competition, its teams and its submissions."""
    submissions, teams = (
        {str(number) for number in db.execute(select(table.c.id).where(table.c.competition == row.id)).scalars()}
        for table in (SUBMISSIONS, TEAMS)
    )
    numbers = {"submission": submissions, "team": teams, "finals": teams}
    about = or_(
        AUDIT.c.subject == row.slug,
        AUDIT.c.subject.startswith(f"{row.slug} ", autoescape=True),
        *(AUDIT.c.action.startswith(f"{part}.") for part in _ABOUT_PARTS),
    )
    query = select(AUDIT).where(about).order_by(AUDIT.c.number).execution_options(yield_per=_AT_A_TIME)
    for each in db.execute(query):
        its = numbers.get(each.action.partition(".")[0])
        if its is None or each.subject in its:
            yield {**each._mapping, "detail": json_of(each.detail)}


def _contents(db: Connection, competition: int) -> list[tuple[str, Digest]]:
    """Paths in the archive, and what lies there: the folder, baselines among it, and what teams have sent."""
    folder = db.execute(select(FILES.c.path, FILES.c.digest).where(FILES.c.competition == competition))
    sent = db.execute(
        select(SUBMISSIONS.c.id, SUBMISSIONS.c.called, SUBMISSIONS.c.digest).where(
            SUBMISSIONS.c.competition == competition, SUBMISSIONS.c.team.is_not(None)
        )
    )
    found = [(f"folder/{row.path}", Digest(row.digest)) for row in folder]
    found += [(f"submissions/{row.id}/{_plain(row.called)}", Digest(row.digest)) for row in sent]
    return sorted(found)


def _plain(called: str) -> str:
    """The name of a file that somebody sent, as it may stand in an archive."""
    name = visible(called).replace("\\", "_").replace("/", "_").replace(":", "_").strip(". ")
    return name or "file"


# How it is written


@contextmanager
def _member(archive: zipfile.ZipFile, path: str, *, stored: bool = False) -> Iterator[IO[bytes]]:
    item = zipfile.ZipInfo(path, _EPOCH)
    item.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    item.external_attr = 0o644 << 16
    with archive.open(item, "w", force_zip64=True) as member:
        yield member


def _json(archive: zipfile.ZipFile, path: str, value: Any) -> None:
    with _member(archive, path) as member:
        member.write(canonical_json(value) + b"\n")


def _lines(archive: zipfile.ZipFile, path: str, values: Iterable[Any]) -> None:
    with _member(archive, path) as member:
        for value in values:
            member.write(canonical_json(value) + b"\n")


def _table(archive: zipfile.ZipFile, path: str, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """As CSV; no spreadsheet runs a cell of it."""
    with _member(archive, path) as member, io.TextIOWrapper(member, "utf-8", newline="") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(names)
        for row in rows:
            writer.writerow(["" if cell is None else as_text(str(cell)) for cell in row])


def _content(archive: zipfile.ZipFile, store: Store, path: str, digest: Digest) -> bool:
    """Whether it is there."""
    try:
        content = store.open(digest)
    except (ObjectNotFound, ObjectDamaged):
        return False
    with content, _member(archive, path, stored=True) as member:
        copyfileobj(content, member, _CHUNK)
    return True
