"""Who takes part and with whom: rules accepted, names that are one's own, and nobody gets new limits by moving."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select, update

from concours.server import audit
from concours.server.actor import VISITOR
from concours.server.database.tables import COMPETITIONS, PAGES, SIGNALS, SUBMISSIONS, TEAMS
from concours.server.database.texts import json_of
from concours.server.refusals import Conflict, Forbidden, NotSignedIn, Unfit, Unknown
from concours.server.services import finals, membership, submissions, teams

from .playing import Playing, in_days, line, phase


def test_who_joins_accepts_the_rules_as_they_are_and_has_a_team_of_one(desk):
    game = Playing.of(desk)
    with desk.writing() as db:
        db.execute(insert(PAGES).values(competition=1, key="rules", number=1, title="Rules", text="Be fair."))
    with pytest.raises(NotSignedIn):
        game.do(VISITOR, membership.join)
    version = game.do("mina", membership.rules).version
    for wrong in ("", "sha256:" + "0" * 64):
        with pytest.raises(Conflict, match=version):
            game.do("mina", membership.join, wrong)
    joined = game.do("mina", membership.join, version)
    assert (joined.team_name, joined.rules) == ("Mina", version)
    assert game.do("mina", membership.join, version).team == joined.team
    assert [member.name for member in game.do("mina", teams.mine).members] == ["mina"]


@pytest.mark.parametrize("state", ["closed", "archived"])
def test_nobody_joins_what_is_over(desk, state):
    game = Playing.of(desk, state=state)
    with pytest.raises(Conflict, match=state):
        game.do("mina", membership.join)


def test_teams_have_different_names_whatever_their_case_or_form(desk):
    game = Playing.of(desk)
    game.joined("mina")
    with desk.writing() as db:
        db.exec_driver_sql("UPDATE users SET display = 'MINA' WHERE name = 'noah'")
    game.person("noah")
    with desk.writing() as db:
        db.exec_driver_sql("UPDATE users SET display = 'MINA' WHERE name = 'noah'")
    game.joined("noah")
    assert game.do("noah", teams.mine).name == "MINA 2"
    for name in ("mina", "ＭＩＮＡ", " Mina "):
        with pytest.raises(Conflict, match="choose another name"):
            game.do("noah", teams.rename, name)
    for name in ("", "x" * 61, "a\u202eb"):
        with pytest.raises(Unfit):
            game.do("noah", teams.rename, name)
    assert game.do("noah", teams.rename, "The  Owls").name == "The Owls"


def test_an_invitation_is_sent_by_the_leader_and_answered_by_who_is_asked(desk):
    game = Playing.of(desk, teams={"most": 2})
    game.joined("mina", "noah", "olga")
    with pytest.raises(Unknown, match="no user"):
        game.do("mina", teams.invite, "nobody")
    asked = game.do("mina", teams.invite, "noah")
    with pytest.raises(Conflict, match="have been asked"):
        game.do("mina", teams.invite, "noah")
    with pytest.raises(Unknown):
        game.do("olga", teams.answer, asked.id, yes=True)
    assert [one.id for one in game.do("noah", teams.invitations)] == [asked.id]
    team = game.do("noah", teams.answer, asked.id, yes=True)
    assert {(member.name, member.leader) for member in team.members} == {("mina", True), ("noah", False)}
    with pytest.raises(Forbidden, match="leader"):
        game.do("noah", teams.rename, "Ours")
    with pytest.raises(Conflict, match="2 members at most"):
        game.do("mina", teams.invite, "olga")
    game.do("mina", teams.lead, "noah")
    assert game.do("noah", teams.rename, "Ours").name == "Ours"
    with desk.reading() as db:
        assert audit.verify(db).fault == ""


def test_an_invitation_that_was_declined_or_taken_back_is_gone(desk):
    game = Playing.of(desk, teams={"most": 3})
    game.joined("mina", "noah")
    asked = game.do("mina", teams.invite, "noah")
    game.do("noah", teams.answer, asked.id, yes=False)
    again = game.do("mina", teams.invite, "noah")
    game.do("mina", teams.take_back, again.id)
    for id in (asked.id, again.id):
        with pytest.raises(Unknown):
            game.do("noah", teams.answer, id, yes=True)
    assert len(game.do("noah", teams.mine).members) == 1


def test_what_both_have_sent_counts_together_when_they_merge(desk):
    game = Playing.of(desk, phase(limits={"per_day": 3, "total": 4}), teams={"most": 4})
    game.joined("mina", "noah")
    now = in_days(0)
    for who, many in (("mina", 2), ("noah", 2)):
        for number in range(many):
            game.send(who, f"{who} {number}", now=now)
    asked = game.do("mina", teams.merge, "Noah")
    game.do("noah", teams.answer, asked.id, yes=True)
    room = game.do("noah", submissions.left, now=now)
    assert (room.used_today, room.used, room.left) == (4, 4, 0)
    assert len(game.do("mina", submissions.listed)) == 4
    assert game.do("mina", teams.mine).entries == 4
    with desk.reading() as db:
        into = {row.name: row.into for row in db.execute(select(TEAMS.c.name, TEAMS.c.into))}
    assert into["Noah"] == game.do("mina", teams.mine).id
    with pytest.raises(Conflict, match="nobody leaves it then"):
        game.do("noah", teams.leave)
    with pytest.raises(Conflict, match="stay on the board"):
        game.do("noah", membership.leave)


def test_boards_that_a_team_has_sent_to_are_told_that_it_merged(desk):
    game = Playing.of(desk, phase("one"), phase("two"), phase("three"), teams={"most": 2})
    game.joined("mina", "noah")
    ours = game.do("mina", teams.mine).id
    for key in ("one", "two"):
        game.send("noah", phase=key)
    game.phase_is("closed", "one")
    asked = game.do("mina", teams.merge, "Noah")
    gone = game.do("noah", teams.mine).id
    game.do("noah", teams.answer, asked.id, yes=True)
    with desk.reading() as db:
        told = [json_of(text) for text in db.execute(select(SIGNALS.c.signal)).scalars()]
    assert [(one["to"], one["body"]) for one in told if one["name"] == "merged"] == [
        (f"phase {game.phase_id('two')}", {"team": str(gone), "into": str(ours)})
    ]


def test_teams_merge_only_as_long_as_they_may_and_are_not_too_many(desk):
    game = Playing.of(desk, teams={"most": 2, "merge_until": in_days(1)})
    game.joined("mina", "noah", "olga")
    game.do("noah", teams.answer, game.do("mina", teams.invite, "noah").id, yes=True)
    with pytest.raises(Conflict, match="would have 3"):
        game.do("mina", teams.merge, "Olga")
    late = Playing(desk, people=game.people)
    with desk.writing() as db:
        row = db.execute(select(COMPETITIONS.c.settings)).scalar_one()
        changed = row.replace(json_of(row)["teams"]["merge_until"], in_days(-1))
        db.execute(update(COMPETITIONS).values(settings=changed))
    with pytest.raises(Conflict, match="teams could change until"):
        late.do("mina", teams.invite, "olga")


def test_who_leaves_a_team_that_sent_nothing_has_one_of_their_own_again(desk):
    game = Playing.of(desk, teams={"most": 3})
    game.joined("mina", "noah")
    game.do("noah", teams.answer, game.do("mina", teams.invite, "noah").id, yes=True)
    game.joined("olga")
    with pytest.raises(Conflict, match="alone"):
        game.do("olga", teams.leave)
    game.do("mina", teams.leave)
    assert [member.name for member in game.do("mina", teams.mine).members] == ["mina"]
    left = game.do("noah", teams.mine)
    assert [(member.name, member.leader) for member in left.members] == [("noah", True)]
    game.do("noah", membership.leave)
    with pytest.raises(Forbidden):
        game.do("noah", membership.mine)
    assert game.joined("noah")


def test_opting_out_is_told_to_every_board_that_is_open(desk):
    game = Playing.of(desk, phase("one"), phase("two"))
    game.joined("mina")
    game.phase_is("closed", "one")
    team = game.do("mina", teams.opt, alliance=False)
    assert not team.alliance
    with desk.reading() as db:
        signals = [json_of(text) for text in db.execute(select(SIGNALS.c.signal)).scalars()]
    assert [(one["to"], one["name"], one["body"]) for one in signals] == [
        (f"phase {game.phase_id('two')}", "opted", {"team": str(team.id), "alliance": False})
    ]


# Finals


def test_up_to_two_scored_entries_are_chosen_before_the_end(desk):
    game = Playing.of(desk)
    game.joined("mina", "noah")
    ids = [game.send("mina", str(number)).id for number in range(4)]
    for id, score in zip(ids[:3], (0.7, 0.9, 0.8), strict=True):
        game.score(id, score)
    game.place((ids[1], line(0.9, 1)))
    assert game.do("mina", finals.chosen).default == ids[1]
    game.do("mina", finals.choose, (ids[0], ids[2]))
    assert game.do("mina", finals.choose, (ids[2],)).chosen == (ids[2],)
    with pytest.raises(Conflict, match="up to 2"):
        game.do("mina", finals.choose, tuple(ids[:3]))
    with pytest.raises(Conflict, match="waiting"):
        game.do("mina", finals.choose, (ids[3],))
    with pytest.raises(Unknown):
        game.do("noah", finals.choose, (ids[0],))
    with pytest.raises(Conflict, match="what was chosen then counts"):
        game.do("mina", finals.choose, (), now=in_days(30))
    assert game.do("mina", finals.choose, ()).chosen == ()


def test_teams_that_chose_more_than_two_together_choose_anew(desk):
    game = Playing.of(desk, teams={"most": 2})
    for name in game.joined("mina", "noah"):
        for number in range(2):
            game.score(game.send(name.name, f"{name.name} {number}").id, 0.8)
        ids = tuple(one.id for one in game.do(name, submissions.listed))
        game.do(name, finals.choose, ids)
    game.do("noah", teams.answer, game.do("mina", teams.merge, "Noah").id, yes=True)
    assert game.do("mina", finals.chosen).chosen == ()
    with desk.reading() as db:
        assert not any(db.execute(select(SUBMISSIONS.c.final)).scalars())
