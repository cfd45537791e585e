"""Every route × every role × a competition of each kind, generated from the groups of routes.

A new route is tested because it is there. Where its path has a parameter that `PARAMETERS` does not know, or a table has
a column that `SEEN` does not know and that an answer holds, the failure says what to add.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import BigInteger, Boolean, Float, Integer, Table, insert, select, update

from concours.core.digests import Digest
from concours.core.event import utc_now
from concours.core.kind import Input, Output
from concours.core.problem import Goal, Part, Problem
from concours.server.accounts import sessions, tokens, users
from concours.server.actor import Actor
from concours.server.database import tables
from concours.server.database.opened import Database
from concours.server.database.tables import METADATA
from concours.server.database.texts import json_of, text_of
from concours.server.hosting.opened import Asked, Opened
from concours.server.platform import Platform
from concours.server.services import editing
from concours.server.services.access import OF_A_COMPETITION, Rule
from concours.server.settings import Settings
from concours.server.web import routes as routing
from concours.server.web.app import make
from concours.server.web.groups import GROUPS
from concours.server.web.limits import Limits
from concours.server.web.routes import Route

ROUTES = [route for group in GROUPS for route in group.router.routes]
ROLES = ("visitor", "signed in", "member", "host", "host of another", "administrator", "worker", "without the scope")
PERSONS = {"signed in": "ann", "member": "mia", "host": "hanna", "host of another": "otto", "administrator": "root1"}
COMPETITIONS = {"wine": ("published", "all"), "draft": ("draft", "all"), "club": ("published", "members")}

PARAMETERS = {
    "competitions/{competition}": lambda world, slug: slug,
    "c/{competition}": lambda world, slug: slug,
    "pages/{key}": lambda world, slug: "overview",
    "files/{path:path}": lambda world, slug: "truth/secret.csv",
    "hosts/{user}": lambda world, slug: "hanna",
    "users/{user}": lambda world, slug: "mia",
    "tokens/{token}": lambda world, slug: "1",
    "work/{work}": lambda world, slug: "1",
    "inputs/{digest}": lambda world, slug: f"sha256:{'0' * 64}",
    "choices/{choice}": lambda world, slug: "registration",
    "removals/{user}": lambda world, slug: "mia",
    "submissions/{id}": lambda world, slug: str(world.ids.get(("submissions", slug), 1)),
    "teams/{team}": lambda world, slug: str(world.ids.get(("teams", slug), 1)),
    "invitations/{id}": lambda world, slug: "1",
    "discussion/{id}": lambda world, slug: str(world.ids.get(("discussion", slug), 1)),
    "battles/{battle}": lambda world, slug: "1",
    "voters/{voter}": lambda world, slug: "1",
    "embed/{competition}": lambda world, slug: slug,
    "p/{key}": lambda world, slug: "overview",
    "u/{name}": lambda world, slug: "mia",
    "users/{name}": lambda world, slug: "mia",
    "people/{user}": lambda world, slug: "mia",
    "links/{secret}": lambda world, slug: "a-link",
    "static/{name}": lambda world, slug: "concours.css",
}
"""What stands in for a parameter of a path, by the segment before it and its own: `(world, slug) -> text`."""

_HOSTS = {"host", "administrator"}
_ALL = set(ROLES)
SEEN: dict[str, set[str]] = {
    "users.about": _ALL,
    "users.email": {"owner", "administrator"},
    "competitions.subtitle": _ALL,
    "competitions.complaint": _HOSTS,
    "pages.text": _ALL,
    "teams.name": _ALL,
    "digest of truth/secret.csv": _HOSTS,
    "digest of data/train.csv": {"member", *_HOSTS},
    "content of truth/secret.csv": _HOSTS,
    "content of data/train.csv": {"member", *_HOSTS},
    "applied.board": {"administrator"},
    "workers.name": {"administrator"},
    "workers.version": {"administrator"},
    "workers.sandbox": {"administrator"},
    "sessions.form": {"owner"},
    **{
        f"digest of {what}": _HOSTS
        for what in (
            "the inputs",
            "the targets",
            "the rows",
            "the truth",
            "the folds",
            "which rows are public",
            "the ids",
            "the sample",
        )
    },
    "submissions.name": {"owner", *_HOSTS},
    "submissions.called": {"owner", *_HOSTS},
    "submissions.digest": {"owner", *_HOSTS},
    "submissions.message": {"owner", *_HOSTS},
    "submissions.reason": {"owner", *_HOSTS},
    "content of the sample": {"member", *_HOSTS},
    "content of a submission": {"owner", *_HOSTS},
    "scores.metrics": _ALL,
    "alliances.content of public": _ALL,
    "phases.problem": {"member", *_HOSTS},
    "posts.title": _ALL,
    "posts.text": _ALL,
}
"""Who may see what stands in a column, of those who may know of the competition that it belongs to; `owner`: whose row it
is. Of columns that are not here, nobody: their content is in no answer."""

READ: dict[str, dict[str, str]] = {"signals": {"signal": '{"at":"2999-01-01T00:00:00.000000+00:00"}'}}
"""What stands in a column that a route reads as JSON, by its table."""


@dataclass(frozen=True)
class Planted:
    """A text that stands in one place of the database."""

    column: str
    competition: str
    owner: str


@dataclass
class World:
    """A platform with people of each role, competitions of each kind, and in every column a text of its own."""

    platform: Platform
    planted: dict[str, Planted] = field(default_factory=dict)
    cookies: dict[str, tuple[str, str]] = field(default_factory=dict)
    tokens: dict[frozenset[str], str] = field(default_factory=dict)
    ids: dict[tuple[str, str], int] = field(default_factory=dict)

    def plant(self, db: Any, table: Table, *, of: str = "", owner: str = "", **given: Any) -> Any:
        """Writes a row; every text that is not given is one that stands nowhere else."""
        values = dict(given)
        for column in table.columns:
            if column.name in values or (column.primary_key and isinstance(column.type, (BigInteger, Integer))):
                continue
            values[column.name] = self._value(table, column, of, owner)
        return db.execute(insert(table).values(**values)).inserted_primary_key

    def _value(self, table: Table, column: Any, of: str, owner: str) -> Any:
        if column.foreign_keys:
            return None if column.nullable else 1
        if isinstance(column.type, Boolean):
            return False
        if isinstance(column.type, (Integer, BigInteger)):
            return None if column.nullable else 1
        if isinstance(column.type, Float):
            return 1.0
        length = getattr(column.type, "length", None)
        if length == tables._TIME.length:
            return None if column.nullable else utc_now()
        return self.text(f"{table.name}.{column.name}", of, owner, digest=length == tables._DIGEST.length)[:length]

    def text(self, column: str, of: str = "", owner: str = "", *, digest: bool = False) -> str:
        """One that stands nowhere else."""
        seed = sha256(f"{column} {len(self.planted)}".encode()).hexdigest()
        text = f"sha256:{seed}" if digest else f"planted{seed[:8]}"
        self.planted[text] = Planted(column, of, owner)
        return text

    def number(self, column: str, of: str = "", owner: str = "") -> float:
        """A score that stands nowhere else."""
        text = f"0.7{int(sha256(f'{column} {len(self.planted)}'.encode()).hexdigest()[:8], 16) % 10**9:09}5"
        self.planted[text] = Planted(column, of, owner)
        return float(text)

    def seen_in(self, text: str, role: str) -> list[str]:
        """What stands in an answer and is not for a role."""
        found = set(re.findall(r"planted[0-9a-f]{1,8}|sha256:[0-9a-f]{64}|0\.7\d{10}", text))
        return sorted(
            f"{planted.column} of {planted.competition or planted.owner or 'nobody'}"
            for marker in found
            if (planted := self.planted.get(marker)) and not self._may_see(planted, role)
        )

    def _may_see(self, planted: Planted, role: str) -> bool:
        if planted.competition and not knows(role, planted.competition):
            return False
        seen = SEEN.get(planted.column, set())
        return role in seen or ("owner" in seen and PERSONS.get(role) == planted.owner)


def knows(role: str, slug: str) -> bool:
    """Whether a role may know of a competition: the rule, written again."""
    if role in ("host", "administrator"):
        return True
    state, visibility = COMPETITIONS[slug]
    return state == "published" and (visibility == "all" or role == "member")


def expected(route: Route, role: str, slug: str) -> int:
    """The status by which a route's rule refuses a role; 0 where the rule holds."""
    if route.embed:
        role = "visitor"
    if role == "without the scope" or (role == "worker" and route.scope != "work"):
        return 403
    signed_in = role != "visitor"
    if route.rule in OF_A_COMPETITION:
        if not knows(role, slug):
            return 404
        may = {Rule.READER: _ALL, Rule.MEMBER: {"member", *_HOSTS}, Rule.HOST: _HOSTS}[route.rule]
    else:
        may = {
            Rule.ANYONE: _ALL,
            Rule.SIGNED_IN: _ALL - {"visitor"},
            Rule.ADMINISTRATOR: {"administrator"},
            Rule.WORKER: {"worker"},
        }[route.rule]
    return 0 if role in may else 403 if signed_in else 401


def make_world(url: str, folder: Any) -> World:
    """Builds it."""
    platform = Platform.opened(Settings.of(folder, database=url))
    world = World(platform)
    with platform.database.writing() as db:
        root = Actor(name="root1", administrator=True)
        numbers = {}
        for name in [*PERSONS.values(), "max"]:
            numbers[name] = users.add(db, name, administrator=name == "root1")
            row = {"email": None, "password": None, "subject": None, "about": None}
            planted = {key: world._value(tables.USERS, tables.USERS.c[key], "", name) for key in row}
            db.execute(update(tables.USERS).where(tables.USERS.c.id == numbers[name]).values(**planted))
            cookie = sessions.begin(db, numbers[name])
            session = sessions.of(db, cookie)
            world.cookies[name] = (cookie, session.form)
            world.planted[session.form] = Planted("sessions.form", "", name)
            world.planted[session.digest] = Planted("sessions.digest", "", name)
        owner = Actor(user=numbers["root1"], name="root1", administrator=True)
        needed = {route.scope for route in ROUTES}
        for scopes in [{"work"}, *({*tokens.SCOPES} - {*tokens.ALONE, scope} for scope in needed)]:
            world.tokens[frozenset(scopes)] = tokens.add(db, owner, "a token", scopes)[1]
        for row in db.execute(select(tables.TOKENS.c.digest)):
            world.planted[row.digest] = Planted("tokens.digest", "", "root1")
        editing.create(db, Actor(user=numbers["otto"], name="otto"), title="Barley", slug="barley")
        for slug in COMPETITIONS:
            _plant_competition(db, world, slug, numbers)
        by_hand = {"users", "sessions", "tokens", "audit", "audit_head", "competitions", "hosts", "phases", "choices",
                   "pages", "files", "teams", "members", "submissions", "scores", "places", "alliances", "applied",
                   "posts"}  # fmt: skip
        for table in METADATA.sorted_tables:
            if table.name not in by_hand:
                world.plant(db, table, owner="nobody", **_first(table), **READ.get(table.name, {}))
        from concours.server import audit

        audit.write(db, root, "planted.action", "nobody")
    return world


def _first(table: Table) -> dict[str, Any]:
    """The number of a row that has one of its own."""
    return {column.name: 1 for column in table.primary_key.columns if isinstance(column.type, (BigInteger, Integer))}


def _plant_competition(db: Any, world: World, slug: str, numbers: dict[str, int]) -> None:
    state, visibility = COMPETITIONS[slug]
    editing.create(db, Actor(user=numbers["hanna"], name="hanna"), title=slug.title(), slug=slug)
    row = tables.COMPETITIONS.c.slug == slug
    planted = {
        name: world._value(tables.COMPETITIONS, tables.COMPETITIONS.c[name], slug, "hanna")
        for name in ("subtitle", "complaint")
    }
    db.execute(update(tables.COMPETITIONS).where(row).values(state=state, visibility=visibility, **planted))
    number = db.execute(select(tables.COMPETITIONS.c.id).where(row)).scalar_one()
    world.ids["competition", slug] = number
    world.plant(db, tables.PAGES, of=slug, competition=number, key="overview", number=0, title="Overview")
    for path in ("truth/secret.csv", "data/train.csv"):
        content = world.text(f"content of {path}", of=slug)
        digest = world.platform.store.put(BytesIO(content.encode()))
        world.planted[digest] = Planted(f"digest of {path}", slug, "hanna")
        public, size = path.startswith("data/"), len(content)
        world.plant(db, tables.FILES, of=slug, competition=number, path=path, digest=digest, size=size, public=public)
    if state != "draft":
        _plant_phase(db, world, slug, number, numbers)


def _plant_phase(db: Any, world: World, slug: str, competition: int, numbers: dict[str, int]) -> None:
    """Two teams in an open phase: what each has sent, what it scores by public rows, and by those that are not told."""
    begins = "2026-01-01T00:00:00.000000+00:00"
    number = db.execute(select(tables.PHASES.c.id).where(tables.PHASES.c.competition == competition)).scalar_one()
    row = db.execute(select(tables.PHASES).where(tables.PHASES.c.id == number)).one()
    phase = text_of({**json_of(row.settings), "begins": begins})
    problem = world.text("phases.problem", slug, digest=True)
    values = {"begins": begins, "settings": phase, "state": "open", "problem": problem}
    db.execute(update(tables.PHASES).where(tables.PHASES.c.id == number).values(**values))
    settings = json_of(
        db.execute(select(tables.COMPETITIONS.c.settings).where(tables.COMPETITIONS.c.id == competition)).scalar_one()
    )
    opened = _opened(world, slug, row.key).to_json()
    values = {"settings": text_of({**settings, "phases": [json_of(phase)]}), "opened": text_of(opened)}
    db.execute(update(tables.COMPETITIONS).where(tables.COMPETITIONS.c.id == competition).values(**values))
    board = f"phase {number}"
    for place, name in enumerate(("mia", "max")):
        its = {"of": slug, "owner": name}
        team = world.plant(db, tables.TEAMS, **its, competition=competition, name=name, leader=numbers[name])[0]
        db.execute(
            insert(tables.MEMBERS).values(competition=competition, user=numbers[name], team=team, accepted=utc_now())
        )
        sent = world.text("content of a submission", slug, name)
        digest = world.platform.store.put(BytesIO(sent.encode()))
        world.planted[digest] = Planted("submissions.digest", slug, name)
        entry = _sent(db, world, its, competition, number, team, numbers[name], digest, len(sent))
        world.ids["submissions", slug] = entry
        world.ids["teams", slug] = team
        public = world.number("scores.metrics", slug, name)
        rest = world.number("places.line of private rows", slug, name)
        db.execute(
            insert(tables.SCORES).values(
                board=board, problem=problem, entry=entry, metrics=text_of({"accuracy": public}), intervals="{}"
            )
        )
        for part, score in (("public", public), ("rest", rest)):
            line = {"rank": place + 1, "rank_best": 1, "rank_worst": 2, "score": score, "metrics": {"accuracy": score}}
            db.execute(
                insert(tables.PLACES).values(
                    board=board, part=part, entry=entry, team=str(team), number=place, line=text_of(line)
                )
            )
        post = {"of": slug, "owner": name, "competition": competition, "user": numbers[name]}
        world.ids["discussion", slug] = world.plant(db, tables.POSTS, **post, parent=None)[0]
        gone = world.text("the text of a post that was deleted", slug, name)
        world.plant(db, tables.POSTS, **post, text=gone, deleted=utc_now(), parent=None)
    db.execute(insert(tables.APPLIED).values(board=board, number=1, at=utc_now()))
    for part in ("public", "rest"):
        told = world.number(f"alliances.content of {part}", slug)
        db.execute(insert(tables.ALLIANCES).values(board=board, part=part, content=text_of({"score": told})))


def _opened(world: World, slug: str, phase: str) -> Opened:
    """What was found in the data of a competition: digests of what members may have, and of the truth."""

    def of(what: str) -> Digest:
        return Digest(world.text(f"digest of {what}", slug, digest=True))

    part = Part(x=of("the inputs"), y=of("the targets"), ids=of("the rows"), rows=3)
    problem = Problem(
        name=slug,
        kind="tabular-classification",
        input=Input(name="table"),
        output=Output(name="classes", estimator="classifier", joins=("mean",), labels=("a", "b")),
        metrics=(Goal(name="accuracy", greater_is_better=True),),
        train=part,
        folds=of("the folds"),
        n_folds=3,
        test=replace(part, y=of("the truth")),
        public=of("which rows are public"),
    )
    sample = world.platform.store.put(BytesIO(world.text("content of the sample", slug).encode()))
    world.planted[sample] = Planted("digest of the sample", slug, "hanna")
    asked = Asked(
        phase=phase, problem=problem, rows=3, public_rows=1, ids=of("the ids"), id="id", target="y",
        columns=("id", "y"), sample=sample,
    )  # fmt: skip
    return Opened(asked=(asked,))


def _sent(
    db: Any, world: World, its: Any, competition: int, phase: int, team: int, user: int, digest: str, size: int
) -> int:
    """A submission. Its column `of` is no argument of `plant`'s."""
    values = {
        column.name: world._value(tables.SUBMISSIONS, column, its["of"], its["owner"])
        for column in tables.SUBMISSIONS.columns
        if column.name != "id"
    }
    values |= {"competition": competition, "phase": phase, "team": team, "user": user, "of": None}
    values |= {"brings": "predictions", "digest": digest, "size": size, "state": "scored"}
    return int(db.execute(insert(tables.SUBMISSIONS).values(**values)).inserted_primary_key[0])


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(request, tmp_path_factory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    url = ""
    if request.param == "postgresql":
        made = request.getfixturevalue("new_postgresql")
        url = made()
    found = make_world(url, folder)
    if not url:
        with sqlite3.connect(found.platform.database.engine.url.database) as db:
            db.execute("VACUUM INTO ?", [str(folder / "unchanged.db")])
        db.close()
    yield found
    found.platform.close()


@pytest.fixture(scope="module")
def app(world):
    """The application, with no limit of how often it may be asked."""
    found = make(world.platform)
    found.state.limits = Unlimited()
    return found


class Unlimited(Limits):
    """Lets everybody ask as often as they like."""

    def _take(self, *_: Any) -> None:
        pass


@pytest.fixture
def passed(monkeypatch) -> list[bool]:
    """Whether the rule of a route held, in the order of the requests."""
    seen: list[bool] = []
    held = routing.held

    def noted(*args: Any, **more: Any) -> Any:
        asking = held(*args, **more)
        seen.append(True)
        return asking

    for name, module in list(sys.modules.items()):
        if name.startswith("concours.server.web") and getattr(module, "held", None) is held:
            monkeypatch.setattr(module, "held", noted)
    return seen


def _name(route: Any) -> str:
    return f"{min(route.methods)} {route.path}"


def path_of(route: Route, world: World, slug: str) -> str:
    """The path of a route, its parameters filled."""
    path = route.path
    for place in re.findall(r"[^/]*/\{[^}]*\}[^/]*", route.path):
        if place not in PARAMETERS:
            raise AssertionError(
                f"{_name(route)}: PARAMETERS of {__name__} has no row {place!r}; add what stands in for it"
            )
        before, _, _ = place.partition("/")
        path = path.replace(place, f"{before}/{PARAMETERS[place](world, slug)}", 1)
    return path


async def ask(app: Any, world: World, route: Route, role: str, slug: str) -> tuple[int, str]:
    """The status of an answer, and all of its text: headers, and what has come of its body when it ends or pauses."""
    method = min(route.methods)
    page = not route.include_in_schema
    headers = {"host": world.platform.settings.address.partition("//")[2]}
    body = b""
    person = PERSONS.get(role)
    if person:
        cookie, form = world.cookies[person]
        headers |= {"cookie": f"concours={cookie}", "x-form": form}
    elif role != "visitor":
        scopes = {"work"} if role == "worker" else {*tokens.SCOPES} - {*tokens.ALONE, route.scope}
        headers["authorization"] = f"Bearer {world.tokens[frozenset(scopes)]}"
    if method in ("POST", "PUT"):
        body = b"" if page else b"{}"
        headers["content-type"] = "application/x-www-form-urlencoded" if page else "application/json"
        headers["content-length"] = str(len(body))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": (path := path_of(route, world, slug)),
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }
    status, texts, ended = 0, [], asyncio.Event()
    sent = False

    async def receive() -> Any:
        nonlocal sent
        if not sent:
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}
        await ended.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            texts.extend(f"{name.decode()}: {value.decode()}" for name, value in message["headers"])
            if any(b"event-stream" in value for _, value in message["headers"]):
                asyncio.get_running_loop().call_later(0.2, ended.set)
        else:
            texts.append(message.get("body", b"").decode(errors="replace"))
            if not message.get("more_body"):
                ended.set()

    async with asyncio.timeout(20):
        await app(scope, receive, send)
    return status, "\n".join(texts)


def check(app: Any, world: World, route: Route, role: str, slug: str, passed: list[bool]) -> None:
    """Asks, and holds the answer against the rule and against what the role may see."""
    del passed[:]
    status, text = asyncio.run(ask(app, world, route, role, slug))
    what = f"{_name(route)} for {role} of {slug}: {status} {text[-300:]}"
    refused = expected(route, role, slug)
    if refused:
        assert not passed, f"the rule should not hold: {what}"
        if refused == 401 and not route.include_in_schema and min(route.methods) == "GET":
            assert status == 303 and "location: /login?next=" in text, what
        else:
            assert status == refused, f"{refused} was expected: {what}"
    else:
        assert passed, f"the rule should hold: {what}"
        assert status < 500 and status != 0, what
    secrets = world.seen_in(text, role)
    assert not secrets, f"SEEN does not let {role} see {secrets}: {what}"


def cases(*methods: str) -> list[Any]:
    return [
        pytest.param(route, slug, id=f"{_name(route)} {slug}")
        for route in ROUTES
        if min(route.methods) in methods
        for slug in (COMPETITIONS if route.rule in OF_A_COMPETITION else ["wine"])
    ]


@pytest.mark.parametrize(("route", "slug"), cases("GET"))
def test_who_may_read_may_and_nobody_else(world, app, passed, route, slug):
    """And what they read holds nothing that is not for them."""
    for role in ROLES:
        check(app, world, route, role, slug, passed)


@pytest.mark.parametrize(("route", "slug"), cases("POST", "PUT", "DELETE"))
def test_who_may_change_may_and_nobody_else(world, app, passed, route, slug, tmp_path):
    """Each role asks a world that none has changed before."""
    engine = world.platform.database.engine
    for role in ROLES:
        if expected(route, role, slug):
            check(app, world, route, role, slug, passed)
            continue
        if engine.dialect.name != "sqlite":  # whose databases are not copied in a millisecond
            continue
        copy = tmp_path / f"{ROLES.index(role)}.db"
        shutil.copy(world.platform.settings.data / "unchanged.db", copy)
        database = Database.at(f"sqlite:///{copy}")
        app.state.platform = replace(world.platform, database=database)
        try:
            check(app, replace(world, platform=app.state.platform), route, role, slug, passed)
        finally:
            app.state.platform = world.platform
            database.close()


def test_every_route_has_a_rule_and_an_address_of_its_own(app):
    """What is not in a group is what the framework itself serves."""
    seen: dict[str, Any] = {}
    for route in ROUTES:
        assert isinstance(route, Route), f"{route.path} is no route of Routes, and has no rule"
        assert isinstance(route.rule, Rule) and route.scope in tokens.SCOPES, _name(route)
        assert len(route.methods) == 1, _name(route)
        key = re.sub(r"\{[^}]*\}", "{}", _name(route))
        assert key not in seen, f"two routes answer {key}"
        seen[key] = route
        if route.embed:
            assert min(route.methods) == "GET" and route.rule in (Rule.ANYONE, Rule.READER), _name(route)
    others = [route.path for route in app.routes if not isinstance(route, Route)]
    assert others == ["/api/openapi.json"]
