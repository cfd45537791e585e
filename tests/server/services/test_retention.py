"""What has served is forgotten, what a result rests on stays, and nothing that was just put is removed."""

from __future__ import annotations

import io
import json
import os
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Text, insert, select
from sqlalchemy.exc import IntegrityError

from concours.core.digests import digest_bytes
from concours.core.event import utc_now
from concours.server.accounts import choices
from concours.server.actor import VISITOR
from concours.server.database.tables import (
    ATTEMPTS,
    CHANGES,
    JOURNAL,
    KNOWN,
    LINKS,
    METADATA,
    OPENINGS,
    RESCORES,
    SESSIONS,
)
from concours.server.database.work_tables import WORK, WORK_LOG
from concours.server.refusals import Forbidden, NotSignedIn, TooLarge, Unfit
from concours.server.services import administration, files, quotas, retention

TOMORROW_S = 2 * 86400.0


def _put(desk, content: bytes) -> str:
    return desk.platform.store.put(io.BytesIO(content))


def _collect(desk, later_s: float = TOMORROW_S) -> retention.Freed:
    with desk.reading() as db:
        return retention.garbage(db, desk.platform.store, now_s=time.time() + later_s)


def test_what_was_put_within_a_day_stays_and_what_nothing_names_goes_after_it(desk):
    lone = _put(desk, b"nobody names this")
    assert _collect(desk, 0).objects == 0
    assert lone in desk.platform.store
    assert _collect(desk) == retention.Freed(objects=1, bytes=17)
    assert lone not in desk.platform.store


def test_what_is_put_again_is_young_however_long_it_lay_there(desk):
    lone = _put(desk, b"nobody names this")
    path = desk.platform.store.local_path(lone)
    os.utime(path, (0, 0))
    _put(desk, b"nobody names this")
    assert _collect(desk, 0).objects == 0


def test_what_is_named_anywhere_stays(desk):
    """In a column of its own, within JSON, in a journal, and in the problem of a rescore."""
    begins = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    number = desk.published({"key": "main", "title": "Main", "begins": begins})[0]
    inner = _put(desk, b"targets of a problem")
    problem = _put(desk, json.dumps({"test": {"y": inner}}).encode())
    kept = [_put(desk, text.encode()) for text in ("a file", "in a job", "in a journal")]
    with desk.writing() as db:
        files.put_all(db, 1, {"data/x.csv": files.Kept(digest=kept[0], size=6)})
        job = json.dumps({"inputs": {"data": kept[1]}})
        db.execute(insert(OPENINGS).values(competition=1, version=1, job=job, state="waiting"))
        event = json.dumps({"type": "done", "outputs": {"test": kept[2]}})
        db.execute(insert(JOURNAL).values(board=f"phase {number}", number=0, event=event))
        correction = {"competition": 1, "by": 1, "at": utc_now(), "why": "", "files": "{}", "metrics": "[]"}
        db.execute(insert(METADATA.tables["corrections"]).values(**correction, state="applied"))
        values = {"board": f"phase {number}", "problem": problem, "by": 1, "at": utc_now(), "why": ""}
        db.execute(insert(RESCORES).values(**values, correction=1))
    lone = _put(desk, b"nobody names this")
    assert _collect(desk).objects == 1
    assert [digest in desk.platform.store for digest in (*kept, problem, inner, lone)] == [True] * 5 + [False]


def test_every_column_of_texts_is_looked_through(desk):
    """A table that comes later is no exception."""
    names: dict[str, str] = {}
    with desk.writing() as db:
        for table in METADATA.sorted_tables:
            column = next((one for one in table.columns if isinstance(one.type, Text)), None)
            if column is None or table.foreign_keys:
                continue
            names[table.name] = _put(desk, table.name.encode())
            try:
                with db.begin_nested():
                    db.execute(insert(table).values(**_row(table, column.name, names[table.name])))
            except IntegrityError:
                del names[table.name]
    assert {"journal", "signals", "places", "work"} <= names.keys()
    _collect(desk)
    assert [name for name, digest in names.items() if digest not in desk.platform.store] == []


def _row(table: Any, name: str, digest: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for column in table.columns:
        if column.name == name:
            values[name] = f'{{"x": "{digest}"}}'
        elif not column.nullable and column.default is None:
            values[column.name] = {str: "x", int: 1, float: 1.0, bool: True}[column.type.python_type]
    return values


def test_half_written_files_go_after_a_day(desk):
    store, aside = desk.platform.store, desk.platform.settings.data / "tmp"
    for folder in (store.tmp, aside):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "old").write_bytes(b"")
        os.utime(folder / "old", (0, 0))
        (folder / "new").write_bytes(b"")
    _collect(desk, 0)
    retention.leftovers(aside)
    assert [sorted(path.name for path in folder.iterdir()) for folder in (store.tmp, aside)] == [["new"], ["new"]]


def test_rows_that_have_served_are_forgotten_and_others_stay(desk):
    old, new = "2020-01-01T00:00:00.000000+00:00", utc_now()
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="microseconds")
    user = desk.host.user
    with desk.writing() as db:
        for number, at in enumerate((old, new)):
            ends = old if at == old else later
            db.execute(insert(CHANGES).values(topic="board 1", at=at))
            db.execute(insert(ATTEMPTS).values(key=f"name {at}", failed=1, until=at))
            db.execute(insert(KNOWN).values(user=user, address=at, at=at))
            digest = digest_bytes(bytes([number]))
            db.execute(insert(SESSIONS).values(digest=digest, user=user, form="", began=old, ends=ends))
            db.execute(insert(LINKS).values(digest=digest, purpose="recovery", created=old, ends=ends))
            for state in ("ended", "waiting"):
                job = digest_bytes(f"{state} {number}".encode())
                made = db.execute(
                    insert(WORK).values(owner="b", job=job, spec="{}", state=state, asked=at).returning(WORK.c.id)
                ).scalar_one()
                db.execute(insert(WORK_LOG).values(work=made, number=0, text="log"))
        gone = retention.retire(db, utc_now())
        assert {name: count for name, count in gone.items() if count} == {
            "changes": 1,
            "attempts": 1,
            "known": 1,
            "sessions": 1,
            "links": 1,
            "logs": 1,
            "work": 1,
        }
        assert len(db.execute(select(WORK.c.id)).all()) == 3
        assert set(retention.retire(db, utc_now()).values()) == {0}


def test_what_would_be_too_much_is_refused_with_the_numbers(desk):
    begins = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    number = desk.published({"key": "main", "title": "Main", "begins": begins})[0]
    with desk.writing() as db:
        choices.choose(db, desk.administrator, "user_gb", "1")
        desk.entry(db, number, desk.team(db, "Mika"), size=quotas.GB - 10)
        quotas.require_room(db, competition=1, size=10, user=desk.member.user)
        with pytest.raises(TooLarge, match="999,999,990 bytes here, and 1,000,000,000 may be: 11 more"):
            quotas.require_room(db, competition=1, size=11, user=desk.member.user)
        quotas.require_room(db, competition=1, size=11)
        choices.choose(db, desk.administrator, "competition_gb", "1")
        with pytest.raises(TooLarge, match="this competition"):
            files.put_all(db, 1, {"data/x.csv": files.Kept(digest=digest_bytes(b""), size=11)})


@given(text=st.text(max_size=80))
def test_what_may_be_chosen_is_what_is_expected(text):
    for name, choice in choices.ALLOWED.items():
        assert choice.fits(choice.first)
        if choice.fits(text) and name.endswith("_gb"):
            assert 1 <= int(text) <= 1_000_000
        if choice.fits(text) and name == "name":
            assert text.strip()
            assert text.isprintable()


def test_administrators_look_and_nobody_else(desk):
    platform = desk.platform
    with desk.writing() as db:
        db.execute(insert(WORK).values(owner="b", job="j", spec='{"label":"score","runner":"r"}', state="leased",
                                       asked=utc_now(), worker="hanna/one"))  # fmt: skip
        workers = METADATA.tables["workers"]
        db.execute(insert(workers).values(name="hanna/one", version="1", sandbox="", seen=utc_now()))
        db.execute(insert(workers).values(name="hanna/two", version="1", sandbox="no bwrap", seen="2020-01-01"))
        who = desk.administrator
        found = administration.workers(db, who)
        assert [(one.of, one.name, one.there, one.does) for one in found] == [
            ("hanna", "one", True, ("score",)),
            ("hanna", "two", False, ()),
        ]
        assert administration.queue(db, who).jobs == {"leased": 1}
        states = {part.name: part.state for part in administration.health(db, who, platform)}
        assert states == dict.fromkeys(("database", "disk", "store", "conductor", "workers"), "well")
        assert administration.storage(db, who, platform).competitions == ()
        assert administration.work_tokens(db, who) == ()
        assert len(administration.forgotten(who)) == len(retention.RETENTION)
        for refused, other in ((NotSignedIn, VISITOR), (Forbidden, desk.host)):
            for service, more in (
                (administration.workers, ()),
                (administration.work_tokens, ()),
                (administration.queue, ()),
                (administration.storage, (platform,)),
                (administration.health, (platform,)),
            ):
                with pytest.raises(refused):
                    service(db, other, *more)
            with pytest.raises(refused):
                administration.forgotten(other)
        with pytest.raises(Unfit, match="gigabytes"):
            choices.choose(db, who, "user_gb", "0")


def test_a_conductor_that_takes_nothing_is_seen(desk):
    with desk.writing() as db:
        signal = json.dumps({"at": "2020-01-01T00:00:00.000000+00:00"})
        db.execute(insert(METADATA.tables["signals"]).values(board="phase 1", signal=signal))
        states = {part.name: part.state for part in administration.health(db, desk.administrator, desk.platform)}
    assert states["conductor"] == "bad"
