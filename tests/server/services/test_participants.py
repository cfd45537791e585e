"""Hosts see who takes part and may remove them; an address of mail shows by consent alone, a cell runs nowhere."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from concours.core.digests import digest_bytes
from concours.server.actor import VISITOR
from concours.server.database.tables import AUDIT, MEMBERS, SUBMISSIONS, SUSPICIONS, TEAMS, USERS
from concours.server.refusals import Forbidden, NotSignedIn, Unfit, Unknown
from concours.server.services import participants, phases, suspicions


@pytest.fixture
def board(desk):
    """An open phase's number, and two teams: Mika's own, and one of Mika's and Omar's when `both` is asked for."""
    begins = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    number = desk.published({"key": "main", "title": "Main", "begins": begins})[0]
    with desk.writing() as db:
        phases.begin(db, number)
    return number


def _listed(desk, **asked):
    return desk.do(desk.host, "flowers", participants.listed, **asked)


def test_hosts_see_who_takes_part_and_mail_by_consent_alone(desk, board):
    with desk.writing() as db:
        mika, omar = (desk.team(db, who.name, of=who) for who in (desk.member, desk.other))
        db.execute(update(USERS).values(email=USERS.c.name + "@example.org"))
        desk.entry(db, board, mika)
        desk.entry(db, board, mika)
        desk.entry(db, board, None)
    people, total = _listed(desk)
    assert total == 2
    assert [(one.user, one.submissions, one.mail) for one in people] == [("mika", 2, ""), ("omar", 0, "")]
    desk.do(desk.other, "flowers", participants.let_mail, shown=True)
    assert [one.mail for one in _listed(desk)[0]] == ["", "omar@example.org"]
    assert [one.user for one in _listed(desk, search="OMA")[0]] == ["omar"]
    assert omar


def test_no_spreadsheet_runs_a_cell_of_the_table(desk, board):
    with desk.writing() as db:
        desk.team(db, '=HYPERLINK("http://example.org")', of=desk.member)
        db.execute(update(USERS).where(USERS.c.name == "mika").values(display='+1 from, "Mika"'))
    rows = list(csv.DictReader(io.StringIO(desk.do(desk.host, "flowers", participants.table))))
    assert rows[0]["team"] == '\'=HYPERLINK("http://example.org")'
    assert rows[0]["display"] == '\'+1 from, "Mika"'


def test_who_is_removed_is_off_the_board_and_may_not_come_back(desk, board):
    with desk.writing() as db:
        mika = desk.team(db, "Mika", of=desk.member)
        entry = desk.entry(db, board, mika, final=True)
        stopped = desk.entry(db, board, mika, state="stopped")
    with pytest.raises(Unfit, match="why"):
        desk.do(desk.host, "flowers", participants.remove, "mika", why=" ")
    desk.do(desk.host, "flowers", participants.remove, "mika", why="Several accounts.")
    with desk.writing() as db:
        assert [(one["name"], one["body"]) for one in desk.signals(db)] == [("withdrawn", {"entry": str(entry)})]
        rows = {row.id: row for row in db.execute(select(SUBMISSIONS))}
        assert (rows[entry].state, rows[entry].final, rows[stopped].state) == ("stopped", False, "stopped")
        access = desk.access(db, desk.member, "flowers")
        assert not access.member
        with pytest.raises(Forbidden, match="Several accounts"):
            participants.require_welcome(db, access)
        assert "participant.remove" in db.execute(select(AUDIT.c.action)).scalars().all()
    assert [(one.user, one.by) for one in desk.do(desk.host, "flowers", participants.removed)] == [("mika", "hanna")]
    desk.do(desk.host, "flowers", participants.readmit, "mika")
    with desk.reading() as db:
        participants.require_welcome(db, desk.access(db, desk.member, "flowers"))


def test_what_a_team_has_sent_stays_when_one_of_them_is_removed(desk, board):
    with desk.writing() as db:
        both = desk.team(db, "Both", of=desk.member)
        desk.team(db, "Own", of=desk.other)
        db.execute(update(MEMBERS).where(MEMBERS.c.user == desk.other.user).values(team=both))
        entry = desk.entry(db, board, both)
    desk.do(desk.host, "flowers", participants.remove, "mika", why="Asked for it.")
    with desk.reading() as db:
        assert desk.signals(db) == []
        assert db.execute(select(SUBMISSIONS.c.state).where(SUBMISSIONS.c.id == entry)).scalar() == "scored"
        assert db.execute(select(TEAMS.c.leader).where(TEAMS.c.id == both)).scalar() == desk.other.user


def test_all_this_is_for_hosts(desk, board):
    for refused, who in ((NotSignedIn, VISITOR), (Forbidden, desk.member)):
        for service, more in (
            (participants.listed, {}),
            (participants.table, {}),
            (participants.removed, {}),
            (suspicions.found, {}),
        ):
            with pytest.raises(refused):
                desk.do(who, "flowers", service, **more)
        with pytest.raises(refused):
            desk.do(who, "flowers", participants.remove, "mika", why="x")
        with pytest.raises(refused):
            desk.do(who, "flowers", participants.let_mail, shown=True)
    with pytest.raises(Unknown):
        desk.do(desk.host, "flowers", participants.remove, "nemo", why="x")


def test_what_is_unusual_is_told_by_kind_and_without_digests(desk, board):
    same, other = digest_bytes(b"same"), digest_bytes(b"other")
    with desk.writing() as db:
        mika, omar, nils = (desk.team(db, name) for name in ("Mika", "Omar", "Nils"))
        first = desk.entry(db, board, mika, digest=same, address="keyed1")
        desk.entry(db, board, mika, digest=same, address="keyed2")
        second = desk.entry(db, board, omar, digest=same, address="keyed2")
        desk.entry(db, board, nils, digest=other)
        desk.entry(db, board, nils, digest=other)
        desk.entry(db, board, nils, digest=same, of=first)
        alike = {"kind": "alike", "entry": first, "other": second, "value": 0.99, "detail": '{"rows": 100}'}
        gap = {"kind": "gap", "entry": second, "other": 0, "value": -4.5, "detail": "{}"}
        db.execute(insert(SUSPICIONS), [{**row, "board": f"phase {board}"} for row in (alike, gap)])
    found = desk.do(desk.host, "flowers", suspicions.found)
    assert [(one.kind, one.teams, one.value) for one in found] == [
        ("file", ("Mika", "Omar"), 2.0),
        ("address", ("Mika", "Omar"), 2.0),
        ("alike", ("Mika", "Omar"), 0.99),
        ("gap", ("Omar",), -4.5),
    ]
    assert found[0].submissions == (first, second)
    assert all(one.words for one in found)
    assert "sha256" not in repr(found)
    assert "keyed" not in repr(found)
