"""Competitions, as their readers may know them: which there are, one in full, and its pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, or_, select
from sqlalchemy.engine import Connection

from concours.core.event import utc_now
from concours.core.typed import typed
from concours.server.actor import Actor
from concours.server.database.tables import COMPETITIONS, FILES, HOSTS, MEMBERS, PAGES, PHASES, TEAMS, USERS
from concours.server.database.texts import json_of
from concours.server.hosting.competition import Competition, Phase
from concours.server.hosting.opened import Opened
from concours.server.refusals import Unknown
from concours.server.services.access import Access

Stage = Literal["open", "coming", "finished", "draft"]
DRAFTS: Final = ("draft", "checking")
"""States in which hosts alone know of a competition."""

RULES: Final = "rules"
"""The key of the page that is accepted by who joins."""

_MOST_LISTED: Final = 100


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A competition, in one line.

    Attributes:
        stage: whether its first phase has begun and its last has not ended.
        begins, ends: of its first and its last phase; no end where a host closes it by hand.
        teams: how many take part.
        hosting, member: whether who asks is a host of it, and takes part.
    """

    slug: str
    title: str
    subtitle: str
    kind: str
    state: str
    stage: Stage
    visibility: str
    begins: str
    ends: str
    teams: int
    hosting: bool
    member: bool


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A part of the competitions that were asked for, and how many there are of them."""

    competitions: tuple[Listed, ...]
    total: int


@dataclass(frozen=True, kw_only=True)
class PageOf:
    """A page of a competition. text: Markdown as the host wrote it; none in a list."""

    key: str
    title: str
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class PhaseOf:
    """A phase, as its readers may know it.

    Attributes:
        id: the board of the phase is called `phase ID`.
        state: `waiting`, `open`, `closing` or `closed`.
        begins, ends: UTC; no end where a host closes it by hand.
        board: who sees its board while it is open: `visible`, `members` or `hidden`.
        takes: what may be submitted: `predictions`, `code`.
        limits: as `hosting.competition.Limits`.
        rows, public_rows: of what is asked for; none before its data was read, and where a host's scorer reads it.
        id_column, columns: of a file of predictions.
        inputs: the public file with the rows to predict; empty where there is none.
    """

    id: int
    key: str
    title: str
    state: str
    begins: str
    ends: str
    board: str
    takes: tuple[str, ...]
    limits: Mapping[str, Any]
    hand_over: bool
    rows: int | None
    public_rows: int | None
    id_column: str
    columns: tuple[str, ...]
    inputs: str


@dataclass(frozen=True, kw_only=True)
class BoardOf:
    """A board: its columns in order; it ranks by the `first metric` or the `mean of ranks`. hidden: for hosts alone."""

    key: str
    title: str
    metrics: tuple[str, ...]
    rank: str
    hidden: bool


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What is measured. greater_is_better: unknown before the data was read."""

    name: str
    greater_is_better: bool | None


@dataclass(frozen=True, kw_only=True)
class FileOf:
    """A file that members may fetch; rows and columns where it is a table. digest: empty for who may not fetch it."""

    path: str
    digest: str
    bytes: int
    rows: int | None = None
    columns: int | None = None


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody, by the name in addresses and the one that is shown."""

    name: str
    display: str


@dataclass(frozen=True, kw_only=True)
class Full:
    """A competition, with all that its readers may know. Law: nothing in it hangs on `truth/`, nor on the seed.

    Attributes:
        task: the kind of the task and its target; empty in an arena, and where a scorer of the host's reads the files.
        pages: without their texts, in order.
        rules: whether a page of rules, called `rules`, has to be accepted.
        people, teams: how many take part.
        phase: the key of the one that is open, or else of the next, or else of the last.
        merge_until: until when teams may merge; empty for as long as anything is open. team_size: the largest.
    """

    slug: str
    title: str
    subtitle: str
    kind: str
    state: str
    stage: Stage
    visibility: str
    licence: str
    contact: str
    guard: str
    alliance: bool
    task: str
    target: str
    hosts: tuple[Person, ...]
    pages: tuple[PageOf, ...]
    rules: bool
    phases: tuple[PhaseOf, ...]
    phase: str
    boards: tuple[BoardOf, ...]
    metrics: tuple[Metric, ...]
    files: tuple[FileOf, ...]
    team_size: int
    merge_until: str
    people: int
    teams: int
    hosting: bool
    member: bool
    created: str
    published: str
    closed: str


def listing(
    db: Connection,
    who: Actor,
    *,
    stage: Stage | None = None,
    search: str = "",
    mine: bool = False,
    offset: int = 0,
    limit: int = 20,
) -> Listing:
    """Competitions that somebody may know of, the next to end first, those that have ended last.

    Args:
        search: words that title, subtitle or name contain, all of them.
        mine: only those that they take part in or host.
    """
    now = utc_now()
    spans = (
        select(
            PHASES.c.competition.label("of"),
            func.min(PHASES.c.begins).label("begins"),
            func.max(PHASES.c.ends).label("ends"),
            func.count().label("phases"),
            func.count(PHASES.c.ends).label("ending"),
        )
        .group_by(PHASES.c.competition)
        .subquery()
    )
    query, hosting, member = _known_to(who)
    query = query.add_columns(spans.c.begins, spans.c.ends, spans.c.phases, spans.c.ending).join(
        spans, spans.c.of == COMPETITIONS.c.id
    )
    published = COMPETITIONS.c.state == "published"
    over = and_(spans.c.phases == spans.c.ending, spans.c.ends <= now)
    stages: Mapping[str, ColumnElement[bool]] = {
        "draft": COMPETITIONS.c.state.in_(DRAFTS),
        "coming": and_(published, spans.c.begins > now),
        "open": and_(published, spans.c.begins <= now, ~over),
        "finished": or_(COMPETITIONS.c.state.in_(("closed", "archived")), and_(published, over)),
    }
    query = query.where(stages[stage]) if stage else query
    query = query.where(or_(hosting, member)) if mine else query
    for word in search.split():
        found = (column.icontains(word, autoescape=True) for column in _SEARCHED)
        query = query.where(or_(*found))
    total = db.execute(select(func.count()).select_from(query.order_by(None).subquery())).scalar_one()
    rows = db.execute(
        query.order_by(stages["finished"], func.coalesce(spans.c.ends, "~"), COMPETITIONS.c.id)
        .offset(max(0, offset))
        .limit(min(max(1, limit), _MOST_LISTED))
    ).all()
    teams = _counts(db, [row.id for row in rows])
    return Listing(competitions=tuple(_listed(row, teams.get(row.id, 0), now) for row in rows), total=total)


_SEARCHED: Final = (COMPETITIONS.c.title, COMPETITIONS.c.subtitle, COMPETITIONS.c.slug)


def _known_to(who: Actor) -> tuple[Select[Any], ColumnElement[bool], ColumnElement[bool]]:
    """Competitions that somebody may know of, as `access.accessed` has it; whether they host, and take part."""
    hosting = exists().where(HOSTS.c.competition == COMPETITIONS.c.id, HOSTS.c.user == who.user)
    member = exists().where(MEMBERS.c.competition == COMPETITIONS.c.id, MEMBERS.c.user == who.user)
    query = select(COMPETITIONS, hosting.label("hosting"), member.label("member"))
    if not who.administrator:
        shown = and_(COMPETITIONS.c.state.not_in(DRAFTS), or_(COMPETITIONS.c.visibility == "all", member))
        query = query.where(or_(hosting, shown))
    return query, hosting, member


def _counts(db: Connection, ids: list[int]) -> dict[int, int]:
    """Teams of competitions, without those that were merged into others."""
    rows = db.execute(
        select(TEAMS.c.competition, func.count())
        .where(TEAMS.c.competition.in_(ids), TEAMS.c.into.is_(None))
        .group_by(TEAMS.c.competition)
    )
    return {row[0]: row[1] for row in rows}


def _listed(row: Row[Any], teams: int, now: str) -> Listed:
    ends = row.ends if row.phases == row.ending else ""
    return Listed(
        slug=row.slug,
        title=row.title,
        subtitle=row.subtitle,
        kind=_declared(row.settings).kind,
        state=row.state,
        stage=_stage(row.state, row.begins, ends, now),
        visibility=row.visibility,
        begins=row.begins,
        ends=ends,
        teams=teams,
        hosting=bool(row.hosting),
        member=bool(row.member),
    )


def _stage(state: str, begins: str, ends: str, now: str) -> Stage:
    if state in DRAFTS:
        return "draft"
    if state != "published" or (ends and ends <= now):
        return "finished"
    return "coming" if begins > now else "open"


def one(db: Connection, access: Access) -> Full:
    """A competition, with all that its readers may know."""
    row = access.competition
    declared = _declared(row.settings)
    opened = _opened(row.opened) if row.opened else None
    phases = tuple(_phase(phase, declared, opened) for phase in _phases(db, row.id))
    ends = max(phase.ends for phase in phases) if all(phase.ends for phase in phases) else ""
    read = {file.path: file for file in opened.files} if opened else {}
    files = db.execute(
        select(FILES.c.path, FILES.c.digest, FILES.c.size)
        .where(FILES.c.competition == row.id, FILES.c.public)
        .order_by(FILES.c.path)
    )
    metrics = _metrics(declared, opened)
    people = db.execute(select(func.count()).where(MEMBERS.c.competition == row.id)).scalar_one()
    pages = db.execute(
        select(PAGES.c.key, PAGES.c.title).where(PAGES.c.competition == row.id).order_by(PAGES.c.number)
    ).all()
    return Full(
        slug=row.slug,
        title=row.title,
        subtitle=row.subtitle,
        kind=declared.kind,
        state=row.state,
        stage=_stage(row.state, min(phase.begins for phase in phases), ends, utc_now()),
        visibility=row.visibility,
        licence=declared.licence,
        contact=declared.contact,
        guard=declared.guard,
        alliance=row.alliance,
        task=str(declared.task.get("kind", "")),
        target=opened.asked[0].target if opened and opened.asked else "",
        hosts=hosts(db, access),
        pages=tuple(PageOf(key=page.key, title=page.title) for page in pages),
        rules=any(page.key == RULES for page in pages),
        phases=phases,
        phase=_current(phases).key,
        boards=tuple(board for board in _boards(declared, metrics) if access.host or not board.hidden),
        metrics=metrics,
        files=tuple(
            FileOf(
                path=file.path,
                digest=file.digest if access.member or access.host else "",
                bytes=file.size,
                rows=read[file.path].rows if file.path in read else None,
                columns=read[file.path].columns if file.path in read else None,
            )
            for file in files
        ),
        team_size=declared.teams.most,
        merge_until=declared.teams.merge_until,
        people=people,
        teams=_counts(db, [row.id]).get(row.id, 0),
        hosting=access.host,
        member=access.member,
        created=row.created,
        published=row.published or "",
        closed=row.closed or "",
    )


def _phases(db: Connection, competition: int) -> list[Row[Any]]:
    query = select(PHASES).where(PHASES.c.competition == competition).order_by(PHASES.c.number)
    return list(db.execute(query).all())


def _phase(row: Row[Any], declared: Competition, opened: Opened | None) -> PhaseOf:
    phase = typed(Phase, json_of(row.settings))
    asked = next((asked for asked in opened.asked if asked.phase == row.key), None) if opened else None
    return PhaseOf(
        id=row.id,
        key=row.key,
        title=row.title,
        state=row.state,
        begins=row.begins,
        ends=row.ends or "",
        board=phase.board,
        takes=tuple(phase.takes),
        limits=asdict(phase.limits),
        hand_over=phase.hand_over,
        rows=asked.rows if asked else None,
        public_rows=asked.public_rows if asked else None,
        id_column=asked.id if asked else "",
        columns=asked.columns if asked else (),
        inputs=declared.inputs_of(phase) if declared.kind == "board" else "",
    )


@lru_cache(maxsize=256)
def _declared(settings: str) -> Competition:
    return Competition.from_json(json_of(settings))


@lru_cache(maxsize=64)
def _opened(text: str) -> Opened:
    return Opened.from_json(json_of(text))


def _current(phases: tuple[PhaseOf, ...]) -> PhaseOf:
    for state in ("open", "waiting"):
        if found := next((phase for phase in phases if phase.state == state), None):
            return found
    return phases[-1]


def _metrics(declared: Competition, opened: Opened | None) -> tuple[Metric, ...]:
    """What is measured, the first of which ranks."""
    if declared.scorer:
        own = declared.scorer.measures
        return tuple(Metric(name=one.name, greater_is_better=one.greater_is_better) for one in own)
    if opened and opened.asked:
        goals = opened.asked[0].problem.metrics
        return tuple(Metric(name=goal.name, greater_is_better=goal.greater_is_better) for goal in goals)
    return tuple(Metric(name=str(name), greater_is_better=None) for name in declared.task.get("metrics", ()))


def _boards(declared: Competition, metrics: tuple[Metric, ...]) -> tuple[BoardOf, ...]:
    """Those that were declared; by default one, with all that is measured."""
    if declared.boards or declared.arena:
        return tuple(BoardOf(**{**vars(board), "metrics": tuple(board.metrics)}) for board in declared.boards)
    every = tuple(metric.name for metric in metrics)
    return (BoardOf(key="main", title="Board", metrics=every, rank="first metric", hidden=False),)


def page(db: Connection, access: Access, key: str) -> PageOf:
    """A page with its text. Raises Unknown: there is none of that key."""
    row = db.execute(
        select(PAGES).where(PAGES.c.competition == access.competition.id, PAGES.c.key == key)
    ).one_or_none()
    if row is None:
        raise Unknown(f"{access.competition.title!r} has no page {key!r}")
    return PageOf(key=row.key, title=row.title, text=row.text)


def hosts(db: Connection, access: Access) -> tuple[Person, ...]:
    """Who hosts it, its owner first."""
    rows = db.execute(
        select(USERS.c.name, USERS.c.display)
        .join(HOSTS, HOSTS.c.user == USERS.c.id)
        .where(HOSTS.c.competition == access.competition.id)
        .order_by(USERS.c.id != access.competition.owner, USERS.c.name)
    )
    return tuple(Person(name=name, display=display) for name, display in rows)
