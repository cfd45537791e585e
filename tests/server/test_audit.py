"""The audit log: a chain that shows what was done to it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import delete, insert, select, update

from concours.core.digests import digest_json
from concours.server import audit
from concours.server.actor import Actor
from concours.server.database.tables import AUDIT, AUDIT_HEAD


def _filled(platform, rows=7):
    with platform.database.writing() as db:
        for number in range(rows):
            audit.write(db, Actor(name="ann"), "user.describe", f"user {number}", {"changed": ["display"]})
    return platform.database


def _row(db, number):
    return dict(db.execute(select(AUDIT).where(AUDIT.c.number == number)).one()._mapping)


def _anew(db, number):
    """A row's digest as it should be for what now stands in it: an editor who knows how."""
    row = _row(db, number)
    row.pop("digest")
    previous = _row(db, number - 1)["digest"] if number > 1 else audit.FIRST
    return digest_json({**row, "previous": previous})


def test_a_log_that_nobody_touched_holds(platform):
    """Numbers from 1 without a gap; an empty log holds too."""
    with platform.database.reading() as db:
        assert audit.verify(db) == audit.Audited(rows=0, digest=audit.FIRST)
    with _filled(platform).reading() as db:
        found = audit.verify(db)
        assert (found.rows, found.fault) == (7, "")
        assert found.digest == _row(db, 7)["digest"]
        assert list(db.execute(select(AUDIT.c.number).order_by(AUDIT.c.number)).scalars()) == list(range(1, 8))


@pytest.mark.parametrize("number", [1, 4, 7])
@pytest.mark.parametrize("column", ["at", "actor", "action", "subject", "detail", "digest"])
def test_a_row_that_was_changed_is_named(platform_sqlite, number, column):
    """Whichever row, whichever column."""
    with _filled(platform_sqlite).writing() as db:
        db.execute(update(AUDIT).where(AUDIT.c.number == number).values({column: "another"}))
        found = audit.verify(db)
    assert found.fault == f"row {number} was changed, or the one before it"
    assert found.rows == number - 1


@pytest.mark.parametrize("number", [1, 4, 6])
def test_a_row_that_was_changed_with_its_digest_is_betrayed_by_the_next(platform_sqlite, number):
    """The digest of each covers that of the one before."""
    with _filled(platform_sqlite).writing() as db:
        db.execute(update(AUDIT).where(AUDIT.c.number == number).values(actor="mallory"))
        db.execute(update(AUDIT).where(AUDIT.c.number == number).values(digest=_anew(db, number)))
        assert audit.verify(db).fault == f"row {number + 1} was changed, or the one before it"


@pytest.mark.parametrize("number", [1, 4, 7])
def test_a_row_that_was_removed_is_named(platform_sqlite, number):
    """In the middle or at an end."""
    with _filled(platform_sqlite).writing() as db:
        db.execute(delete(AUDIT).where(AUDIT.c.number == number))
        assert audit.verify(db).fault == f"row {number} was removed"


def test_a_row_that_was_added_is_named(platform_sqlite):
    """Behind the last, with a digest that fits."""
    with _filled(platform_sqlite).writing() as db:
        row = {**_row(db, 7), "number": 8}
        db.execute(insert(AUDIT).values(**row))
        db.execute(update(AUDIT).where(AUDIT.c.number == 8).values(digest=_anew(db, 8)))
        assert audit.verify(db).fault == "row 8 was added behind the last"


def test_the_last_row_changed_with_its_digest_is_seen_by_the_head(platform_sqlite):
    """And so is a head that is gone."""
    with _filled(platform_sqlite).writing() as db:
        db.execute(update(AUDIT).where(AUDIT.c.number == 7).values(actor="mallory"))
        db.execute(update(AUDIT).where(AUDIT.c.number == 7).values(digest=_anew(db, 7)))
        assert audit.verify(db).fault == "row 7 was changed"
        db.execute(delete(AUDIT_HEAD))
        assert audit.verify(db).fault == "the row with the last number and digest was removed"


def test_writers_at_once_leave_no_gap_and_what_is_rolled_back_leaves_none(platform):
    """The number is taken with the transaction that it belongs to, and given back with it."""

    def write(number):
        try:
            with platform.database.writing() as db:
                audit.write(db, "ann", "test.write", str(number))
                if number % 3 == 0:
                    raise KeyError(number)
        except KeyError:
            pass

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(60)))
    with platform.database.reading() as db:
        found = audit.verify(db)
        assert (found.rows, found.fault) == (40, "")
        subjects = set(db.execute(select(AUDIT.c.subject)).scalars())
    assert subjects == {str(number) for number in range(60) if number % 3}


def test_more_rows_than_are_read_at_a_time(platform_sqlite, monkeypatch):
    """The chain goes on from one part to the next."""
    monkeypatch.setattr(audit, "_AT_A_TIME", 3)
    with _filled(platform_sqlite, 10).reading() as db:
        assert audit.verify(db).rows == 10


def test_the_command_checks_and_says_what_does_not_hold(platform, concours):
    """It reads, changes nothing, and ends with 2 where a row was changed."""
    _filled(platform)
    where = ("audit-log", "--data", str(platform.settings.data), "--database", platform.settings.database)
    code, out, _ = concours(*where)
    assert code == 0 and "holds: 7 rows" in out
    with platform.database.writing() as db:
        db.execute(update(AUDIT).where(AUDIT.c.number == 3).values(subject="nobody"))
    code, out, _ = concours(*where)
    assert code == 2 and "does NOT hold: row 3 was changed" in out


def test_a_folder_without_a_platform_is_named(tmp_path, concours):
    """And nothing is made there."""
    code, _, err = concours("audit-log", "--data", str(tmp_path / "none"))
    assert code == 2 and "holds no platform" in err
    assert not (tmp_path / "none").exists()
