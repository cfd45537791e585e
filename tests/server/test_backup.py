"""A backup is the whole platform, and is restored into any database; what is damaged is named and restores nothing."""

from __future__ import annotations

import io
import json
import tarfile

import pytest
from sqlalchemy import insert, select

from concours.core.errors import ContestError, DataError
from concours.core.event import utc_now
from concours.server.backup import backup, restore
from concours.server.database.tables import METADATA, USERS
from concours.server.platform import Platform
from concours.server.settings import Settings


@pytest.fixture
def full(platform):
    """A platform with a user and an object."""
    with platform.database.writing() as db:
        for name in ("ann", "bo"):
            db.execute(insert(USERS).values(name=name, display=f"{name} ü\n", created=utc_now(), about="“quoted”"))
    platform.store.put(io.BytesIO(b"truth"))
    platform.settings.secret()
    return platform


@pytest.fixture(params=["sqlite", "postgresql"])
def elsewhere(request, tmp_path):
    """Settings of a platform that is not there yet."""
    url = "" if request.param == "sqlite" else request.getfixturevalue("new_postgresql")()
    return Settings.of(tmp_path / "elsewhere", database=url)


def test_what_is_restored_is_what_was_backed_up(full, elsewhere, tmp_path):
    """Every row of every table, every object and the secret, from each database into each; and it counts on."""
    backed = backup(full, tmp_path / "one.tar")
    assert restore(tmp_path / "one.tar", elsewhere) == backed
    back = Platform.opened(elsewhere)
    try:
        assert _rows(back) == _rows(full)
        assert sorted(back.store) == sorted(full.store)
        assert elsewhere.secret() == full.settings.secret()
        with back.database.writing() as db:
            made = db.execute(
                insert(USERS).values(name="cy", display="Cy", created=utc_now()).returning(USERS.c.id)
            ).scalar_one()
        assert made == 3
    finally:
        back.close()


def test_a_backup_is_for_its_owner_alone_and_writes_over_nothing(full, tmp_path):
    backup(full, tmp_path / "one.tar")
    assert (tmp_path / "one.tar").stat().st_mode & 0o077 == 0
    with pytest.raises(ContestError, match="is there already"):
        backup(full, tmp_path / "one.tar")


def test_a_platform_that_is_there_is_not_written_over(full, tmp_path):
    backup(full, tmp_path / "one.tar")
    with pytest.raises(ContestError, match="there is a platform"):
        restore(tmp_path / "one.tar", full.settings)


@pytest.mark.parametrize("what", ["cut", "object", "row", "rubbish", "later"])
def test_a_damaged_backup_is_named(platform_sqlite, tmp_path, what):
    """Cut short, an object or a row that is another, no tar at all, of a later version."""
    platform = platform_sqlite
    with platform.database.writing() as db:
        db.execute(insert(USERS).values(name="ann", display="Ann", created=utc_now()))
    platform.store.put(io.BytesIO(b"truth"))
    file = tmp_path / "one.tar"
    backup(platform, file)
    file.write_bytes(_spoilt(file.read_bytes(), what))
    wanted = (
        (ContestError, "later version|written by") if what == "later" else (DataError, "no backup .* or is damaged")
    )
    with pytest.raises(wanted[0], match=wanted[1]):
        restore(file, Settings.of(tmp_path / "back"))


def _spoilt(content, what):
    if what == "cut":
        return content[: content.index(b"objects/") - 512 * 3]
    if what == "rubbish":
        return b"\x00rubbish" * 999
    if what == "object":
        return content.replace(b"truth", b"lies!")
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(content)) as tar, tarfile.open(fileobj=out, mode="w") as spoilt:
        for member in tar:
            held = tar.extractfile(member).read()
            if what == "row" and member.name == "tables/users.jsonl":
                held = b""
            if what == "later" and member.name == "manifest.json":
                held = json.dumps({**json.loads(held), "form": "9999"}).encode()
            member.size = len(held)
            spoilt.addfile(member, io.BytesIO(held))
    return out.getvalue()


def _rows(platform):
    with platform.database.reading() as db:
        return {table.name: sorted(map(repr, db.execute(select(table)))) for table in METADATA.sorted_tables}
