"""Every page is opened by people of every role, over real services, and says what it should."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from concours.core.digests import Digest
from concours.core.digests import digest_bytes as D
from concours.core.event import utc_now
from concours.core.problem import Goal, Input, Output, Part, Problem
from concours.server.database import tables
from concours.server.database.texts import text_of
from concours.server.hosting.opened import Asked, Opened
from concours.server.platform import Platform
from concours.server.services import discussion, editing, files, membership, teams
from concours.server.services.access import Access, accessed
from concours.server.web.app import make
from concours.server.web.pages.settings_form import KINDS as OFFERED
from concours.server.web.pages.submissions import _end
from concours.tasks.kinds import KINDS

from ..conftest import People
from .reading import fields_of

TABS = ("", "/data", "/rules", "/board", "/alliance", "/discussion")
OWN = ("/submit", "/submissions", "/team")
DESK = (
    "/host",
    "/host/settings",
    "/host/pages",
    "/host/files",
    "/host/queue",
    "/host/rescore",
    "/host/people",
    "/host/suspicions",
)
ADMIN = ("/admin", "/admin/workers", "/admin/users", "/admin/queue", "/admin/settings", "/admin/audit")


PART = Part(x=D(b"x"), y=D(b"y"), ids=D(b"i"), rows=3)
PROBLEM = Problem(
    name="wine",
    kind="tabular-classification",
    input=Input(name="table"),
    output=Output(name="classes", estimator="classifier", joins=("mean",), labels=("red", "white")),
    metrics=(Goal(name="accuracy", greater_is_better=True), Goal(name="log_loss", greater_is_better=False)),
    train=PART,
    folds=D(b"f"),
    n_folds=3,
    test=PART,
)


def _opened(sample: Digest) -> Opened:
    """What reading its data found."""
    asked = Asked(
        phase="main",
        problem=PROBLEM,
        rows=3,
        public_rows=1,
        ids=D(b"i"),
        id="id",
        target="kind",
        columns=("id", "kind"),
        sample=sample,
    )
    return Opened(asked=(asked,), reading=("3 rows",), warnings=("one column is empty",))


class World:
    """A platform with a competition that is open, a host, two teams, entries with scores, posts."""

    def __init__(self, platform: Platform, people: Any) -> None:
        self.platform, self.people = platform, people
        hanna, _, _ = people.actor("hanna"), people.actor("mia"), people.actor("max")
        people.user("root1", administrator=True)
        with platform.database.writing() as db:
            editing.create(db, hanna, title="Wine & <b>cheese</b>", slug="wine")
        self.change(
            subtitle="Which wine goes with it?",
            teams={"most": 3, "merge_until": ""},
            task={
                "kind": "tabular-classification",
                "data": "data/train.csv",
                "target": "kind",
                "test": "truth/test.csv",
                "metrics": ["accuracy", "log_loss"],
            },
        )
        with platform.database.writing() as db:
            access = self.access("hanna", db)
            kept = files.keep(platform.store, BytesIO(b"a,kind\n1,red\n"), 1000)
            files.put(db, access, platform.store, "data/train.csv", kept)
            files.put(db, self.access("hanna", db), platform.store, "truth/test.csv", kept)
            files.write_page(
                db,
                self.access("hanna", db),
                platform.store,
                title="About",
                text="# Hello\n\n*What* it is about: <script>alert(1)</script>",
            )
            row = tables.COMPETITIONS.c.slug == "wine"
            db.execute(update(tables.COMPETITIONS).where(row).values(state="published", published=utc_now()))
            sample = files.keep(platform.store, BytesIO(b"id,kind\n1,red\n"), 1000).digest
            opened = text_of(_opened(sample).to_json())
            db.execute(update(tables.COMPETITIONS).where(row).values(opened=opened))
            begins = "2020-01-01T00:00:00.000000+00:00"
            db.execute(update(tables.PHASES).values(state="open", begins=begins, problem=PROBLEM.digest))
        for name in ("mia", "max"):
            with platform.database.writing() as db:
                membership.join(db, self.access(name, db), "")
        with platform.database.writing() as db:
            thread = discussion.write(db, self.access("mia", db), "A question", "Is **red** wine `allowed`?")
            discussion.reply(db, self.access("hanna", db), thread.id, "Yes.")
            teams.invite(db, self.access("max", db), "mia")
        for number, (name, state) in enumerate((("mia", "scored"), ("mia", "failed"), ("max", "scored")), 1):
            self.submission(number, name, state, 0.9 - 0.1 * number)

    def access(self, name: str, db: Any) -> Access:
        return accessed(db, self.people.actor(name), "wine")

    def change(self, **changes: Any) -> None:
        with self.platform.database.writing() as db:
            access = self.access("hanna", db)
            version = editing.declared(db, access).version
            editing.edit(db, access, self.platform.store, changes, version=version)

    def submission(self, id: int, name: str, state: str, score: float) -> None:
        with self.platform.database.writing() as db:
            access = self.access(name, db)
            phase = db.execute(select(tables.PHASES.c.id)).scalar_one()
            board = f"phase {phase}"
            kept = files.keep(self.platform.store, BytesIO(b"id,kind\n1,red\n"), 1000)
            values = {
                "competition": access.competition.id,
                "phase": phase,
                "team": access.team,
                "brings": "predictions",
            }
            values |= {"user": access.actor.user, "name": f"entry {id}", "called": "p.csv", "digest": kept.digest}
            values |= {"size": kept.size, "at": utc_now(), "state": state, "message": "a <i>note</i>"}
            db.execute(insert(tables.SUBMISSIONS).values(id=id, **values, reason="row 2: no" * (state == "failed")))
            if state != "scored":
                return
            metrics, ends = {"accuracy": score}, {"accuracy": [score - 0.05, score + 0.05]}
            line = {"metrics": metrics, "intervals": ends, "score": score, "rank": id, "rank_best": 1, "rank_worst": 2}
            scores = {"metrics": text_of(metrics), "intervals": text_of(ends), "problem": PROBLEM.digest}
            db.execute(insert(tables.SCORES).values(board=board, entry=id, **scores))
            place = {"number": id, "team": str(access.team), "line": text_of(line)}
            db.execute(insert(tables.PLACES).values(board=board, part="public", entry=id, **place))


@pytest.fixture
def world(platform_sqlite: Platform) -> Iterator[World]:
    return World(platform_sqlite, People(app=make(platform_sqlite), platform=platform_sqlite))


def opened(browser: Any, path: str) -> str:
    """A page that has to be there, whole."""
    answer = browser.get(path)
    assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:2000]}"
    assert answer.headers["content-type"].startswith("text/html"), path
    assert answer.text.count("<h1") == 1, path
    assert answer.text.rstrip().endswith("</html>"), path
    return str(answer.text)


def test_everybody_opens_their_pages(world: World) -> None:
    """Visitor, signed in, member, host, administrator: each page that is for them."""
    root = "/c/wine"
    visitor = world.people.browser("yan")
    visitor.cookies.clear()
    anybody = ["/", "/login", "/register", "/api", "/u/mia", *(root + tab for tab in TABS), f"{root}/discussion/1"]
    for browser in (visitor, world.people.browser("zoe"), world.people.browser("mia"), world.people.browser("hanna")):
        for path in anybody:
            if browser is not visitor and path in ("/login",):
                continue
            opened(browser, path)
    for name in ("mia", "max"):
        for path in ("/account", "/host", *(root + tab for tab in OWN), f"{root}/teams/1", f"{root}/submissions/1"[:0]):
            if path:
                opened(world.people.browser(name), path)
    for path in (f"{root}/submissions/1", f"{root}/submissions/2"):
        opened(world.people.browser("mia"), path)
    for path in (*(root + tab for tab in DESK), f"{root}/host/pages?page=about", f"{root}/submissions/3"):
        opened(world.people.browser("hanna"), path)
    for path in ADMIN:
        opened(world.people.browser("root1", administrator=True), path)


def test_hosts_see_an_address_of_whoever_lets_them(world: World) -> None:
    """Which is said with a tick, and taken back without it."""
    mia, host = world.people.browser("mia"), world.people.browser("hanna")
    with world.platform.database.writing() as db:
        db.execute(update(tables.USERS).where(tables.USERS.c.name == "mia").values(email="mia@example.org"))
    for said, seen in (({"mail": "yes"}, True), ({}, False)):
        answer = mia.post("/c/wine/team/mail", data={**said, "form": mia.form})
        assert answer.status_code == 303
        assert ('type="checkbox" value="yes" checked' in mia.get("/c/wine/team").text) == seen
        assert ("mia@example.org" in host.get("/c/wine/host/people").text) == seen


def test_what_somebody_may_not_see_is_a_page_that_says_so(world: World) -> None:
    """In their language, with the status."""
    answer = world.people.browser("max").get("/c/wine/submissions/1", headers={"accept-language": "zh-CN"})
    assert answer.status_code == 404
    assert "未找到" in answer.text
    assert world.people.browser("max").get("/c/wine/host").status_code == 403


def test_board_says_places_and_what_is_written_by_people_is_escaped(world: World) -> None:
    """Names are texts; the team's own place stands above."""
    text = opened(world.people.browser("mia"), "/c/wine/board")
    assert "Wine &amp; &lt;b&gt;cheese&lt;/b&gt;" in text
    assert "<b>cheese" not in text
    assert re.search(r"Your team:.*place 1", text, re.DOTALL), text
    assert "[0.75, 0.85]" in text or "0.80" in text


def test_board_is_sent_once_as_long_as_it_is_the_same(world: World) -> None:
    """304 with the tag; another reader or language has another one."""
    mia = world.people.browser("mia")
    first = mia.get("/c/wine/board")
    tag = first.headers["etag"]
    assert mia.get("/c/wine/board", headers={"if-none-match": tag}).status_code == 304
    assert mia.get("/c/wine/board", headers={"if-none-match": tag, "accept-language": "zh"}).status_code == 200
    assert world.people.browser("max").get("/c/wine/board", headers={"if-none-match": tag}).status_code == 200
    world.submission(4, "mia", "scored", 0.95)
    with world.platform.database.writing() as db:
        db.execute(insert(tables.APPLIED).values(board="phase 1", number=7, at=utc_now()))
    assert mia.get("/c/wine/board", headers={"if-none-match": tag}).status_code == 200


def test_language_and_colours_are_chosen_by_cookies_and_back_is_on_this_site(world: World) -> None:
    """And by what the browser asks for, where nothing was chosen."""
    zoe = world.people.browser("zoe")
    assert 'lang="zh-CN"' in zoe.get("/", headers={"accept-language": "fr, zh-Hans-CN;q=0.8, en;q=0.5"}).text
    answer = zoe.post("/choices", data={"language": "zh", "theme": "dark", "back": "/c/wine", "form": zoe.form})
    assert (answer.status_code, answer.headers["location"]) == (303, "/c/wine")
    text = zoe.get("/").text
    assert 'lang="zh-CN"' in text
    assert 'data-theme="dark"' in text
    for far in ("//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"):
        assert zoe.post("/choices", data={"back": far, "form": zoe.form}).headers["location"] == "/"


def test_what_an_administrator_chose_holds_for_all_pages(world: World) -> None:
    """The name at once; the language for who has chosen none."""
    root, zoe = world.people.browser("root1", administrator=True), world.people.browser("zoe")
    for name, value in (("name", "Wine & co"), ("language", "zh")):
        answer = root.post("/admin/settings", data={"name": name, "value": value, "form": root.form})
        assert answer.status_code == 303, answer.text
    text = zoe.get("/", headers={"accept-language": "en"}).text
    assert "<bdi>Wine &amp; co</bdi>" in text
    assert 'lang="zh-CN"' in text
    zoe.cookies.set("language", "en")
    assert 'lang="en"' in zoe.get("/").text


def test_a_form_that_is_refused_keeps_what_was_typed_and_says_why_beside_the_field(world: World) -> None:
    """And nothing of what it asked for stays."""
    hanna = world.people.browser("hanna")
    answer = hanna.post("/host", data={"title": "<Tea>", "slug": "Not A Slug", "form": hanna.form})
    assert answer.status_code == 422
    assert 'value="&lt;Tea&gt;"' in answer.text
    assert 'id="slug-fault"' in answer.text
    assert 'aria-invalid="true"' in answer.text


def test_static_files_have_their_digest_in_their_name_and_are_kept_for_long(world: World) -> None:
    """A page names them so."""
    browser = world.people.browser("zoe")
    names = set(re.findall(r"/static/[\w.]+", browser.get("/").text))
    assert {name.rpartition(".")[2] for name in names} == {"css", "js", "svg"}
    for name in names:
        answer = browser.get(name)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert browser.get("/static/concours.css").status_code == 404


def test_a_host_edits_all_of_a_competition_in_a_form(world: World) -> None:
    """What the form shows, sent back, changes nothing; a field that is another changes that."""
    hanna = world.people.browser("hanna")
    with world.platform.database.writing() as db:
        editing.create(db, world.people.actor("hanna"), title="Tea", slug="tea")
    text = hanna.get("/c/tea/host/settings").text
    fields = fields_of(text)
    before = settings_of(world, "tea")
    answer = hanna.post("/c/tea/host/settings", data=fields)
    assert answer.status_code == 303, answer.text
    assert settings_of(world, "tea") == before
    fields = fields_of(hanna.get("/c/tea/host/settings").text)
    more = hanna.post("/c/tea/host/settings", data={**fields, "add": "phases"}).text
    fields = fields_of(more)
    fields |= {"phases.1.title": "Final", "phases.1.key": "final", "phases.1.begins": "2099-01-01T00:00:00Z"}
    answer = hanna.post(
        "/c/tea/host/settings", data={**fields, "phases.0.limits.per_day": "7", "task.more": "positive = 1"}
    )
    assert answer.status_code == 303, re.findall(r'class="(?:fault|notice bad)".*?</p>', answer.text)
    after = settings_of(world, "tea")
    assert [phase["key"] for phase in after["phases"]] == ["main", "final"]
    assert after["phases"][0]["limits"]["per_day"] == 7
    assert after["task"]["positive"] == 1


def settings_of(world: World, slug: str) -> Any:
    with world.platform.database.reading() as db:
        return editing.declared(db, accessed(db, world.people.actor("hanna"), slug)).settings


def test_the_form_offers_every_kind_of_task_and_a_column_of_ids(world: World) -> None:
    """All that can be hosted, and one of a plugin where it was declared; what is chosen is kept."""
    hanna = world.people.browser("hanna")
    assert tuple(name for name, kind in KINDS.items() if "meet" not in kind.output.can) == OFFERED
    with world.platform.database.writing() as db:
        editing.create(db, world.people.actor("hanna"), title="Tea", slug="tea")
    fields = fields_of(hanna.get("/c/tea/host/settings").text)
    for kind in ("forecasting", "brewing"):
        answer = hanna.post("/c/tea/host/settings", data={**fields, "task.kind": kind, "task.id": "cup"})
        assert answer.status_code == 303, answer.text
        fields = fields_of(hanna.get("/c/tea/host/settings").text)
        assert (fields["task.kind"], fields["task.id"]) == (kind, "cup")


def test_a_page_is_made_the_rules_in_the_browser_and_made_none_again(world: World) -> None:
    """Then whoever joins has to accept it; it stays the rules when it is edited with the tick that the form shows."""
    hanna = world.people.browser("hanna")
    page = {"title": "Rules of the cellar", "text": "Sip.", "rules": "yes", "form": hanna.form}
    answer = hanna.post("/c/wine/host/pages", data=page)
    assert answer.status_code == 303
    fields = fields_of(opened(hanna, answer.headers["location"]))
    assert (fields["key"], fields["rules"]) == ("rules", "yes")
    assert "Sip." in opened(world.people.browser("mia"), "/c/wine/rules")
    answer = hanna.post("/c/wine/host/pages", data={**fields, "text": "Spit."})
    assert settings_of(world, "wine")["rules"] == "pages/rules-of-the-cellar.md"
    fields = fields_of(opened(hanna, answer.headers["location"]))
    del fields["rules"]
    answer = hanna.post("/c/wine/host/pages", data=fields)
    assert settings_of(world, "wine")["rules"] == ""
    assert "Spit." in opened(hanna, answer.headers["location"])
    hanna.post("/c/wine/host/pages", data={**fields, "key": "about", "title": "About"})
    assert settings_of(world, "wine")["rules"] == ""


def test_what_hosts_say_of_the_data_stands_with_its_files_and_pages_are_none_of_them(world: World) -> None:
    """With the sample for members; the page has no second address."""
    hanna, mia = world.people.browser("hanna"), world.people.browser("mia")
    hanna.post("/c/wine/host/pages", data={"title": "Data", "text": "Ten bottles.", "form": hanna.form})
    text = opened(mia, "/c/wine/data")
    assert "Ten bottles." in text
    assert "pages/data.md" not in text
    assert "/c/wine/sample?phase=main" in text
    assert "/c/wine/sample" not in opened(world.people.browser("zoe"), "/c/wine/data")
    assert mia.get("/c/wine/p/data").headers["location"] == "/c/wine/data"
    assert "/p/data" not in opened(mia, "/c/wine")


def test_a_refused_choice_of_finals_keeps_its_ticks(world: World) -> None:
    """So that whoever ticked too many takes one away, and does not begin anew, or keep nothing unawares."""
    for number in (4, 5):
        world.submission(number, "mia", "scored", 0.5)
    mia = world.people.browser("mia")
    chosen = {"form": mia.form, "phase": "main", "final": ["1", "4", "5"]}
    answer = mia.post("/c/wine/finals", data=chosen)
    assert answer.status_code == 409
    assert [number for number in (1, 4, 5) if re.search(f'value="{number}"[^>]* checked', answer.text)] == [1, 4, 5]


@pytest.mark.parametrize(
    ("state", "begins", "said"),
    [
        ("draft", "2020-01-01T00:00:00Z", "begins when it is published"),
        ("published", "2020-01-01T00:00:00Z", "begins in a moment"),
        ("published", "2999-01-01T00:00:00Z", "begins in "),
    ],
)
def test_nothing_begins_in_the_past(world: World, state: str, begins: str, said: str) -> None:
    """A phase that waits, although its moment has come, is said to begin soon, not some time ago."""
    with world.platform.database.writing() as db:
        db.execute(update(tables.COMPETITIONS).values(state=state))
        db.execute(update(tables.PHASES).values(state="waiting", begins=begins))
    text = opened(world.people.browser("hanna"), "/c/wine")
    assert said in text
    assert not re.search(r"begins [^<]* ago", text)


@pytest.mark.parametrize("state", ["draft", "published", "closed", "archived"])
def test_every_link_of_the_console_leads_somewhere(world: World, state: str) -> None:
    """Also those of the API, such as the export."""
    with world.platform.database.writing() as db:
        db.execute(update(tables.COMPETITIONS).values(state=state))
    hanna = world.people.browser("hanna")
    links = {link for path in DESK for link in re.findall(r'href="(/[^"]*)"', opened(hanna, f"/c/wine{path}"))}
    for link in sorted(links):
        assert hanna.get(link.replace("&amp;", "&")).status_code in (200, 303), link


def test_a_form_that_brings_a_file_says_what_is_wrong_with_it(world: World) -> None:
    """A workbook is told how to become a table; the form is shown again, with the note that was typed, and limits hold."""
    mia, sheet = world.people.browser("mia"), {"file": ("answers.xlsx", b"PK\x03\x04" + bytes(60))}
    answer = mia.post("/c/wine/submit", data={"form": mia.form, "message": "the third try"}, files=sheet)
    assert answer.status_code == 422
    assert "save its sheet as CSV" in answer.text
    assert "the third try" in answer.text
    table = {"file": ("answers.csv", b"id,kind\n1,red\n")}
    answer = mia.post("/c/wine/submit", data={"form": mia.form, "message": "the fourth"}, files=table)
    assert answer.status_code == 303
    assert "the fourth" in opened(mia, answer.headers["location"])


def test_a_page_shows_the_end_of_a_long_log() -> None:
    """Whole lines, and not more than a browser draws at once."""
    assert _end("a\nb") == "a\nb"
    shown = _end("".join(f"line {number}\n" for number in range(100_000)))
    assert shown.startswith("line ")
    assert shown.endswith("line 99999\n")
    assert len(shown) <= 100_000


@pytest.mark.parametrize("name", ["max", "otto"])
def test_who_may_not_send_a_file_is_told_before_it_comes(world: World, name: str) -> None:
    """On pages as in the API: the rule of the route holds before anything is kept, and with the session's own form."""
    asking = world.people.browser(name)
    before = len(list(world.platform.store))
    for path in ("/c/wine/submit", "/c/wine/host/files", "/c/wine/host/rescore", "/host/folder"):
        answer = asking.post(path, data={"form": "x"}, files={"file": ("a.csv", b"id\n1\n")}, headers={"x-form": "x"})
        assert answer.status_code == 403, path
    assert len(list(world.platform.store)) == before


def test_a_form_that_is_refused_keeps_what_was_typed_and_says_why(world: World) -> None:
    """A file that is none, or is nothing that is taken; what stood before it in the form stays."""
    hanna, mia = world.people.browser("hanna"), world.people.browser("mia")
    for path, asking in (("/c/wine/host/files", hanna), ("/c/wine/submit", mia), ("/host/folder", hanna)):
        answer = asking.post(path, data={"form": asking.form}, files={"file": ("", b"")})
        assert answer.status_code in (409, 422) and "<form" in answer.text, path
    odd = hanna.post("/host/folder", data={"form": hanna.form}, files={"file": ("a.zip", b"PK")})
    assert odd.status_code == 422 and "<form" in odd.text
