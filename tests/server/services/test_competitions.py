"""Drafts are for hosts; what is published is listed for its readers; edits name the field, and secrets stay secret."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from concours.server import audit
from concours.server.actor import VISITOR
from concours.server.database.tables import COMPETITIONS, PAGES, PHASES
from concours.server.refusals import Conflict, Forbidden, NotSignedIn, Unfit, Unknown
from concours.server.services import competitions, editing, files

NOW = datetime.now(UTC)


def _in_days(days: float) -> str:
    return (NOW + timedelta(days=days)).isoformat()


def _create(desk: Any, slug: str = "flowers", **changes: Any) -> None:
    with desk.writing() as db:
        editing.create(db, desk.host, title="Flowers", slug=slug)
    if changes:
        _edit(desk, changes, slug)


def _edit(desk: Any, changes: dict[str, Any], slug: str = "flowers", who: Any = None) -> editing.Declared:
    with desk.writing() as db:
        access = desk.access(db, who or desk.host, slug)
        return editing.edit(db, access, desk.platform.store, changes, version=editing.declared(db, access).version)


def _publish(desk: Any, slug: str = "flowers", state: str = "published") -> None:
    with desk.writing() as db:
        db.execute(update(COMPETITIONS).where(COMPETITIONS.c.slug == slug).values(state=state))


def _phase(key: str, begins: float, ends: float | None = None) -> dict[str, Any]:
    return {"key": key, "title": key, "begins": _in_days(begins), **({"ends": _in_days(ends)} if ends else {})}


def test_a_draft_is_known_to_its_hosts_alone_and_can_be_deleted(desk):
    _create(desk)
    with desk.reading() as db:
        for who in (VISITOR, desk.member):
            with pytest.raises(Unknown):
                desk.access(db, who, "flowers")
            assert competitions.listing(db, who).total == 0
        assert competitions.listing(db, desk.host).competitions[0].stage == "draft"
    desk.do(desk.host, "flowers", editing.remove)
    with desk.reading() as db:
        assert competitions.listing(db, desk.host).total == 0
        assert audit.verify(db).fault == ""


def test_nobody_creates_without_a_name_and_no_name_is_taken_twice(desk):
    with desk.writing() as db, pytest.raises(NotSignedIn):
        editing.create(db, VISITOR, title="Flowers", slug="flowers")
    _create(desk)
    with desk.writing() as db, pytest.raises(Conflict, match="slug"):
        editing.create(db, desk.member, title="Others", slug="flowers")
    with desk.writing() as db, pytest.raises(Unfit, match="slug"):
        editing.create(db, desk.member, title="Others", slug="No Name")


def test_an_edit_is_checked_whole_and_names_the_field(desk):
    _create(desk)
    with pytest.raises(Unfit, match=r"^phases\[0\]"):
        _edit(desk, {"phases": [{"key": "main", "title": "Main", "begins": "soon"}]})
    with pytest.raises(Unfit, match="titel"):
        _edit(desk, {"titel": "Flowers"})
    assert _edit(desk, {"title": "More flowers"}).version == 2


def test_of_two_edits_from_one_version_the_second_is_refused(desk):
    _create(desk)
    with desk.writing() as db:
        access = desk.access(db, desk.host, "flowers")
        editing.edit(db, access, desk.platform.store, {"title": "One"}, version=1)
        with pytest.raises(Conflict, match="version 2, yours is 1"):
            editing.edit(db, access, desk.platform.store, {"title": "Two"}, version=1)


def test_phases_follow_what_is_declared(desk):
    _create(desk, phases=[_phase("first", 1, 2), _phase("second", 3)])
    _edit(desk, {"phases": [_phase("second", 3, 4)]})
    with desk.reading() as db:
        rows = db.execute(select(PHASES.c.key, PHASES.c.begins, PHASES.c.ends)).all()
    assert [row.key for row in rows] == ["second"]
    assert datetime.fromisoformat(rows[0].ends) == datetime.fromisoformat(_in_days(4))
    assert rows[0].begins.endswith("+00:00")
    assert len(rows[0].begins) == 32


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"slug": "others"}, "slug"),
        ({"seed": 3}, "seed"),
        ({"task": {"kind": "regression", "data": "data/x.csv", "test": "truth/x.csv", "target": "y"}}, "rescore"),
        ({"phases": [_phase("main", 1), _phase("more", 2)]}, "phases"),
        ({"phases": [_phase("main", -1, 9)]}, "future"),
        ({"guard": "ladder"}, "guard"),
    ],
)
def test_what_was_published_does_not_change_in_what_entries_are_scored_by(desk, changes, word):
    _create(desk, phases=[_phase("main", 1, 9)])
    _publish(desk)
    with pytest.raises(Conflict, match=word):
        _edit(desk, changes)


def test_dates_that_are_to_come_limits_and_texts_change_after_publication(desk):
    _create(desk, phases=[_phase("main", 1, 9)])
    _publish(desk)
    _edit(desk, {"phases": [{**_phase("main", 2, 12), "limits": {"per_day": 3}}], "subtitle": "Which iris is it?"})
    with desk.reading() as db:
        full = competitions.one(db, desk.access(db, VISITOR, "flowers"))
    assert full.phases[0].limits["per_day"] == 3
    assert full.subtitle == "Which iris is it?"
    assert full.state == "published"


def test_of_an_open_phase_the_beginning_stays(desk):
    _create(desk, phases=[_phase("main", -1, 9)])
    _publish(desk)
    with desk.writing() as db:
        db.execute(update(PHASES).values(state="open"))
    with pytest.raises(Conflict, match="begins"):
        _edit(desk, {"phases": [_phase("main", 1, 9)]})
    _edit(desk, {"phases": [_phase("main", -1, 12)]})


def test_stages_follow_dates_and_words_find(desk):
    for slug, first, state in [
        ("future", _phase("main", 1, 2), "published"),
        ("endless", _phase("main", -1), "published"),
        ("over", _phase("main", -2, -1), "published"),
        ("shut", _phase("main", -2, 5), "closed"),
    ]:
        _create(desk, slug, phases=[first], title=f"About {slug}_%")
        _publish(desk, slug, state)
    with desk.reading() as db:
        found = {
            stage: {one.slug for one in competitions.listing(db, VISITOR, stage=stage).competitions}
            for stage in ("coming", "open", "finished")
        }
        assert found == {"coming": {"future"}, "open": {"endless"}, "finished": {"over", "shut"}}
        assert [one.slug for one in competitions.listing(db, VISITOR, search="ABOUT over_%").competitions] == ["over"]
        assert competitions.listing(db, VISITOR, search="about o%er").total == 0
        assert competitions.listing(db, VISITOR, limit=2).total == 4
        assert competitions.listing(db, desk.member, mine=True).total == 0
        assert competitions.listing(db, desk.host, mine=True).total == 4
        assert [one.slug for one in competitions.listing(db, VISITOR).competitions][:2] == ["future", "endless"]


def test_one_in_full_says_nothing_of_truth_or_seed(desk):
    _create(desk, seed=918273645)
    with desk.writing() as db:
        access = desk.access(db, desk.host, "flowers")
        files.put(db, access, desk.platform.store, "truth/test.csv", desk.kept(b"secret-cell"))
        files.put(db, access, desk.platform.store, "data/train.csv", desk.kept(b"a,b\n1,2\n"))
        full = competitions.one(db, access)
    said = json.dumps(asdict(full))
    assert "truth" not in said
    assert "918273645" not in said
    assert [file.path for file in full.files] == ["data/train.csv"]


def test_pages_follow_their_files_and_the_rules_have_a_name_of_their_own(desk):
    _create(desk)
    store = desk.platform.store
    with desk.writing() as db:
        access = desk.access(db, desk.host, "flowers")
        files.write_page(db, access, store, title="Overview", text="# Flowers")
        files.put(db, access, store, "pages/law.md", desk.kept("Be fair. 请公平。".encode()))
    _edit(desk, {"rules": "pages/law.md"})
    with desk.reading() as db:
        access = desk.access(db, desk.host, "flowers")
        assert [page.key for page in competitions.one(db, access).pages] == ["overview", "rules"]
        assert competitions.page(db, access, "rules").text == "Be fair. 请公平。"
        with pytest.raises(Unknown):
            competitions.page(db, access, "data")
    desk.do(desk.host, "flowers", files.write_page, store, title="Overview", text="# New", file="pages/overview.md")
    with desk.reading() as db:
        assert db.execute(select(PAGES.c.text).where(PAGES.c.key == "overview")).scalar() == "# New"
    with pytest.raises(Unfit, match=r"pages/law\.md"):
        desk.do(desk.host, "flowers", files.put, store, "pages/law.md", desk.kept(b"\xff\xfe"))


def test_two_pages_whose_files_are_called_alike_have_two_keys(desk):
    pages = [{"title": "A", "file": "pages/a/x.md"}, {"title": "B", "file": "pages/b/x.md"}]
    _create(desk, pages=pages)
    store = desk.platform.store
    for page in pages:
        desk.do(desk.host, "flowers", files.put, store, page["file"], desk.kept(page["title"].encode()))
    with desk.reading() as db:
        keys = [page.key for page in competitions.one(db, desk.access(db, desk.host, "flowers")).pages]
    assert len(set(keys)) == 2


def test_hosts_come_and_go_but_for_the_owner(desk):
    _create(desk)
    desk.do(desk.host, "flowers", editing.add_host, "mika")
    desk.do(desk.member, "flowers", editing.add_host, "omar")
    with pytest.raises(Conflict, match="owns"):
        desk.do(desk.member, "flowers", editing.remove_host, "hanna")
    desk.do(desk.host, "flowers", editing.remove_host, "mika")
    with pytest.raises(Unknown):
        desk.do(desk.member, "flowers", editing.declared)
    with pytest.raises(Unfit, match="nobody"):
        desk.do(desk.host, "flowers", editing.add_host, "nemo")
    with desk.reading() as db:
        hosts = competitions.hosts(db, desk.access(db, desk.host, "flowers"))
    assert [host.name for host in hosts] == ["hanna", "omar"]


def test_readers_edit_nothing(desk):
    _create(desk)
    _publish(desk)
    store = desk.platform.store
    for refused, who in ((NotSignedIn, VISITOR), (Forbidden, desk.member)):
        with pytest.raises(refused):
            _edit(desk, {"title": "Mine"}, who=who)
        for service, more in (
            (editing.remove, ()),
            (editing.add_host, ("mika",)),
            (files.listed, ()),
            (files.put, (store, "data/x.csv", desk.kept(b"x"))),
            (files.remove, (store, "data/x.csv")),
        ):
            with pytest.raises(refused):
                desk.do(who, "flowers", service, *more)


def test_what_was_published_is_not_deleted(desk):
    _create(desk)
    _publish(desk)
    with pytest.raises(Conflict, match="archive"):
        desk.do(desk.host, "flowers", editing.remove)
