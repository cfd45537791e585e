"""What hosts make of a competition: it begins as a draft, is edited, and a draft can be deleted.

A competition is what its host declares (`hosting.competition.Competition`), kept as JSON; its phases and pages are rows
beside it that follow. What was published changes only in what misleads nobody (`_MAY_CHANGE`); another truth or another
metric is a rescore.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any, Final, Literal

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.engine import Connection

from concours.core.errors import ContentRefused
from concours.core.event import utc_now
from concours.core.ports import Store
from concours.engine.inbox import new_signal
from concours.server import audit
from concours.server.actor import Actor
from concours.server.database import inbox
from concours.server.database.tables import (
    COMPETITIONS,
    FILES,
    HOSTS,
    MEMBERS,
    OPENINGS,
    PAGES,
    PHASES,
    USERS,
)
from concours.server.database.texts import json_of, text_of
from concours.server.hosting.competition import Competition
from concours.server.refusals import Conflict, Unfit, Unknown
from concours.server.services.access import Access, Rule, require
from concours.server.services.competitions import DRAFTS, RULES

_FIRST_DAYS: Final = 7
_LONGEST_PAGE: Final = 500_000

_TEXTS: Final = frozenset({"title", "subtitle", "licence", "contact", "visibility", "pages", "rules"})
_MAY_CHANGE: Final[Mapping[str, frozenset[str]]] = {
    "draft": frozenset(Competition.__dataclass_fields__),
    "checking": frozenset(Competition.__dataclass_fields__),
    "published": _TEXTS | {"teams", "alliance", "phases", "boards"},
    "closed": _TEXTS,
    "archived": frozenset(),
}
"""What may be edited of a competition in each state."""

_OF_A_PHASE: Final[Mapping[str, frozenset[str]]] = {
    "waiting": frozenset({"title", "begins", "ends", "limits", "board", "hand_over"}),
    "open": frozenset({"title", "ends", "limits", "board", "hand_over"}),
    "closing": frozenset({"title"}),
    "closed": frozenset({"title"}),
}
"""What may be edited of a phase in each state, once the competition is published."""


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A competition as its hosts edit it.

    Attributes:
        settings: `hosting.competition.Competition` as JSON.
        version: how often it was changed; an edit names the one that it began from.
        checked: what reading its data has found of this version (`hosting.opened.Opened` as JSON), if it was read.
        complaint: why it could not be read; empty where it could, or was not tried.
    """

    slug: str
    settings: Mapping[str, Any]
    version: int
    state: str
    checked: Mapping[str, Any] | None
    complaint: str


def declared(db: Connection, access: Access) -> Declared:
    """A competition as its hosts edit it. Raises Forbidden."""
    access.require(Rule.HOST)
    return declared_of(db, access.competition.id)


def declared_of(db: Connection, number: int) -> Declared:
    """The same of a competition by its number."""
    row = db.execute(select(COMPETITIONS).where(COMPETITIONS.c.id == number)).one()
    return Declared(
        slug=row.slug,
        settings=json_of(row.settings),
        version=row.version,
        state=row.state,
        checked=json_of(row.opened) if row.opened else None,
        complaint=row.complaint,
    )


def create(db: Connection, who: Actor, *, title: str, slug: str, kind: Literal["board", "arena"] = "board") -> Declared:
    """A draft with one phase that begins in a week, for its host to fill.

    Raises:
        NotSignedIn, Forbidden. Unfit: the title or the name is none. Conflict: the name is taken.
    """
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=_FIRST_DAYS)
    asked: dict[str, Any] = {"arena": {"prompts": "data/prompts.csv"}}
    if kind == "board":
        task = {
            "kind": "tabular-classification",
            "data": "data/train.csv",
            "target": "target",
            "test": "truth/test.csv",
        }
        asked = {"task": task}
    first = {"key": "main", "title": "Main phase", "begins": day.isoformat()}
    number = begin(db, who, read({"title": title, "slug": slug, "phases": [first], **asked}))
    return declared_of(db, number)


def begin(db: Connection, who: Actor, competition: Competition) -> int:
    """A draft of what was declared, without files; its number.

    Raises:
        NotSignedIn, Forbidden. Conflict: the name is taken.
    """
    require(who, Rule.SIGNED_IN)
    _require_free(db, competition.slug)
    at = utc_now()
    values = {**_columns(competition), "state": "draft", "owner": who.user, "version": 1, "created": at}
    found = db.execute(insert(COMPETITIONS).values(**values)).inserted_primary_key
    number = int(found[0]) if found else 0
    db.execute(insert(HOSTS).values(competition=number, user=who.user))
    _set_phases(db, number, competition)
    audit.write(db, who, "competition.create", competition.slug)
    return number


def edit(db: Connection, access: Access, store: Store, changes: Mapping[str, Any], *, version: int) -> Declared:
    """Changes what is declared.

    Args:
        changes: the fields of `hosting.competition.Competition` that are to be others, as JSON, each whole.
        version: the one that whoever edits had before them.

    Raises:
        Forbidden. Unfit: a value is not what its field takes; the message begins with the field. Conflict: somebody
            else has changed it since, the name is taken, or that may not change any more.
    """
    row = locked(db, access)
    if version != row.version:
        raise Conflict(
            f"somebody else has changed this since you began (version {row.version}, yours is {version}): "
            "look at it again, and repeat your change"
        )
    before = Competition.from_json(json_of(row.settings))
    after = read({**before.to_json(), **changes})
    differing = settle(db, row, after)
    set_pages(db, store, row.id, after)
    changed(db, row)
    audit.write(db, access.actor, "competition.edit", after.slug, {"fields": differing})
    return declared_of(db, row.id)


def settle(db: Connection, row: Row[Any], after: Competition) -> list[str]:
    """Makes a competition be what was declared, and its phases follow; `set_pages` and `changed` are to come after.

    Args:
        row: of the competition, as `locked` gives it.

    Returns: the fields that differ.

    Raises:
        Conflict: the name is taken, or something that differs may not change any more.
    """
    before = Competition.from_json(json_of(row.settings))
    differing = sorted(name for name in vars(after) if getattr(after, name) != getattr(before, name))
    for name in differing:
        if name not in _MAY_CHANGE[row.state]:
            cure = "; give another truth, metric or scorer by a rescore" if name in ("task", "scorer") else ""
            raise Conflict(f"{name}: the competition is {row.state}, and this may not change any more{cure}")
    if "slug" in differing:
        _require_free(db, after.slug)
    if row.state not in DRAFTS:
        _require_phases(db, row.id, before, after)
    db.execute(update(COMPETITIONS).where(COMPETITIONS.c.id == row.id).values(**_columns(after)))
    _set_phases(db, row.id, after)
    if before.alliance != after.alliance:
        _opt(db, row.id, row.version + 1, after)
    return differing


def changed(db: Connection, row: Row[Any]) -> None:
    """Something of a competition is another: its version rises, and a draft is to be checked again."""
    values = {"state": "draft", "opened": None, "complaint": ""} if row.state in DRAFTS else {}
    db.execute(update(COMPETITIONS).where(COMPETITIONS.c.id == row.id).values(**values, version=row.version + 1))


def remove(db: Connection, access: Access) -> None:
    """Deletes a draft with all that belongs to it. Raises Forbidden; Conflict: it is no draft."""
    row = locked(db, access)
    if row.state not in DRAFTS:
        raise Conflict(f"{row.title!r} was published, and others may have taken part: archive it instead")
    phases = select(PHASES.c.id).where(PHASES.c.competition == row.id)
    db.execute(delete(PHASES).where(PHASES.c.id.in_(phases)))
    for table in (PAGES, FILES, OPENINGS, HOSTS):
        db.execute(delete(table).where(table.c.competition == row.id))
    db.execute(delete(COMPETITIONS).where(COMPETITIONS.c.id == row.id))
    audit.write(db, access.actor, "competition.delete", row.slug)


def add_host(db: Connection, access: Access, name: str) -> None:
    """Makes somebody a host beside those that there are.

    Raises:
        Forbidden. Unfit: nobody is called so. Conflict: they take part, and hosts see the truth.
    """
    row = locked(db, access)
    user = _user(db, name)
    if db.execute(select(HOSTS).where(HOSTS.c.competition == row.id, HOSTS.c.user == user)).first():
        return
    if db.execute(select(MEMBERS).where(MEMBERS.c.competition == row.id, MEMBERS.c.user == user)).first():
        raise Conflict(f"{name} takes part in {row.title!r}, and a host sees the truth: let them leave it first")
    db.execute(insert(HOSTS).values(competition=row.id, user=user))
    audit.write(db, access.actor, "host.add", row.slug, {"user": name})


def remove_host(db: Connection, access: Access, name: str) -> None:
    """Somebody is no host any more. Raises Forbidden; Unfit: nobody is called so; Conflict: they are the owner."""
    row = locked(db, access)
    user = _user(db, name)
    if user == row.owner:
        raise Conflict(f"{name} owns {row.title!r}, and stays its host")
    if db.execute(delete(HOSTS).where(HOSTS.c.competition == row.id, HOSTS.c.user == user)).rowcount:
        audit.write(db, access.actor, "host.remove", row.slug, {"user": name})


def locked(db: Connection, access: Access) -> Row[Any]:
    """The row of a competition for one of its hosts, which nobody else changes until the transaction ends.

    Raises:
        Forbidden. Unknown: it has just been deleted.
    """
    access.require(Rule.HOST)
    row = db.execute(
        select(COMPETITIONS).where(COMPETITIONS.c.id == access.competition.id).with_for_update()
    ).one_or_none()
    if row is None:
        raise Unknown(f"there is no competition {access.competition.slug!r}")
    return row


def set_pages(db: Connection, store: Store, number: int, competition: Competition) -> None:
    """The pages of a competition as its settings name them and its files have them.

    Raises:
        Unfit: one is no text, or too long.
    """
    files = dict(db.execute(select(FILES.c.path, FILES.c.digest).where(FILES.c.competition == number)).all())
    db.execute(delete(PAGES).where(PAGES.c.competition == number))
    for place, (key, title, file) in enumerate(pages_of(competition)):
        if file in files:
            with store.open(files[file]) as content:
                text = _text(file, content.read(4 * _LONGEST_PAGE + 1))
            db.execute(insert(PAGES).values(competition=number, key=key, number=place, title=title, text=text))


def pages_of(competition: Competition) -> Iterator[tuple[str, str, str]]:
    """Key, title and file of each page. Keys are of files' names; the page of the rules has its own."""
    taken: set[str] = set()
    pages = [(page.title, page.file) for page in competition.pages]
    if competition.rules and competition.rules not in [file for _, file in pages]:
        pages.append(("Rules", competition.rules))
    for title, file in pages:
        stem = RULES if file == competition.rules else PurePosixPath(file).stem.lower()
        key = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in stem)[:50] or "page"
        key = key if key not in taken and (key != RULES or file == competition.rules) else f"{key}-{len(taken)}"
        taken.add(key)
        yield key, title, file


def _text(file: str, content: bytes) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise Unfit(f"{file}: a page is text in UTF-8, and this file is something else") from None
    if len(text) > _LONGEST_PAGE:
        raise Unfit(f"{file}: a page has at most {_LONGEST_PAGE:,} letters, and this has more")
    return text.replace("\0", "")


def moment(text: str) -> str:
    """A moment with an offset as columns of times have it; empty where there is none."""
    if not text:
        return ""
    return datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="microseconds")


def _require_phases(db: Connection, number: int, before: Competition, after: Competition) -> None:
    """That phases of what was published change only in what is still to come. Raises Conflict."""
    if [phase.key for phase in after.phases] != [phase.key for phase in before.phases]:
        raise Conflict("phases: the competition is published, and phases may not be added, removed or moved any more")
    states = dict(db.execute(select(PHASES.c.key, PHASES.c.state).where(PHASES.c.competition == number)).all())
    now = utc_now()
    for place, (old, new) in enumerate(zip(before.phases, after.phases, strict=True)):
        state = states[new.key]
        for name in vars(new):
            if getattr(old, name) == getattr(new, name):
                continue
            where = f"phases[{place}].{name}"
            if name not in _OF_A_PHASE[state]:
                raise Conflict(f"{where}: phase {new.key!r} is {state}, and this may not change any more")
            if name in ("begins", "ends") and (to := moment(getattr(new, name))) and to <= now:
                raise Conflict(f"{where}: {getattr(new, name)} has passed, expected a moment in the future")
    if after.teams.most < before.teams.most:
        raise Conflict(f"teams.most: teams of {before.teams.most} may be there already; it may only be raised")


def _set_phases(db: Connection, number: int, competition: Competition) -> None:
    there = dict(db.execute(select(PHASES.c.key, PHASES.c.id).where(PHASES.c.competition == number)).all())
    gone = there.keys() - {phase.key for phase in competition.phases}
    db.execute(delete(PHASES).where(PHASES.c.competition == number, PHASES.c.key.in_(sorted(gone))))
    for place, phase in enumerate(competition.phases):
        values = {
            "number": place,
            "title": phase.title,
            "begins": moment(phase.begins),
            "ends": moment(phase.ends) or None,
            "settings": text_of(asdict(phase)),
        }
        if phase.key in there:
            db.execute(update(PHASES).where(PHASES.c.id == there[phase.key]).values(**values))
        else:
            db.execute(insert(PHASES).values(competition=number, key=phase.key, state="waiting", **values))


def _opt(db: Connection, number: int, version: int, competition: Competition) -> None:
    """Tells the boards that are at work whether they are to show an alliance."""
    open_ones = db.execute(
        select(PHASES.c.id).where(PHASES.c.competition == number, PHASES.c.state == "open")
    ).scalars()
    body = {"alliance": competition.alliance.shown}
    for phase in open_ones.all():
        signal = new_signal("opted", body, to=f"phase {phase}", id=f"opted {phase} {version}")
        inbox.put(db, signal)


def _columns(competition: Competition) -> dict[str, Any]:
    """What columns of their own have, of what was declared."""
    return {
        "slug": competition.slug,
        "title": competition.title,
        "subtitle": competition.subtitle,
        "visibility": competition.visibility,
        "alliance": competition.alliance.shown,
        "settings": text_of(competition.to_json()),
    }


def read(value: Mapping[str, Any]) -> Competition:
    """Settings as a value. Raises Unfit: they are none; which field, what was expected."""
    try:
        return Competition.from_json(value)
    except ContentRefused as error:
        raise Unfit(str(error)) from None


def _user(db: Connection, name: str) -> int:
    user = db.execute(
        select(USERS.c.id).where(USERS.c.name == name.strip().lower(), USERS.c.disabled.is_(None))
    ).scalar()
    if user is None:
        raise Unfit(f"user: nobody here is called {name.strip()[:60]!r}")
    return int(user)


def _require_free(db: Connection, slug: str) -> None:
    if db.execute(select(COMPETITIONS.c.id).where(COMPETITIONS.c.slug == slug)).first():
        raise Conflict(f"slug: another competition is called {slug!r}; choose another name")
