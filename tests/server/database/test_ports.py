"""The journal and the inbox of a board in a database keep the laws of their ports, in SQLite and in PostgreSQL."""

from __future__ import annotations

import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from concours.core.errors import ContestError
from concours.core.event import Tick
from concours.core.ports import Record
from concours.server.database.inbox import Post, SqlInbox, put
from concours.server.database.journal import SqlJournal
from concours.server.database.opened import Database
from concours.server.database.tables import METADATA
from concours.testing import check_inbox, check_journal


@pytest.fixture
def database(database_url):
    """An empty database of the platform's form."""
    found = Database.at(database_url)
    found.upgrade()
    yield found
    found.close()


def test_the_journal_keeps_the_laws(database):
    check_journal(lambda place: SqlJournal(database.engine, place))


def test_the_inbox_keeps_the_laws(database):
    """Somebody fetches for all boards, as the conductor's thread does."""
    post, over = Post(database.engine), threading.Event()

    def send(place, signal):
        with database.writing() as db:
            put(db, type(signal)(**{**vars(signal), "to": place}))
        post.fetch()

    class Named(SqlInbox):
        """Signals as they were sent: the suite addresses them all to one."""

        def poll(self, timeout_s):
            return [type(found)(**{**vars(found), "to": "board"}) for found in super().poll(timeout_s)]

    try:
        check_inbox(lambda place: Named(post, place), send)
    finally:
        over.set()


def test_two_that_write_one_journal_do_not_both_go_on(database):
    """Whoever has lost the platform's lock without knowing it adds nothing to what the other wrote."""
    first, second = SqlJournal(database.engine, "one"), SqlJournal(database.engine, "one")
    first.append(Record(event=Tick(elapsed_s=1.0)))
    with pytest.raises(IntegrityError):
        second.append(Record(event=Tick(elapsed_s=2.0)))
    assert [record.event.elapsed_s for record in first.records()] == [1.0]


def test_migrations_lead_to_the_tables(database):
    """What a new platform has is what an old one is brought to."""
    with database.reading() as db:
        assert compare_metadata(MigrationContext.configure(db), METADATA) == []


def test_a_database_of_a_later_version_is_left_alone(database):
    with database.writing() as db:
        db.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ContestError, match="later version of Concours"):
        database.upgrade()
