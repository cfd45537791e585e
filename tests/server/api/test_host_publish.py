"""`concours host publish` checks here, sends, has it checked there, and publishes what is agreed to; again is an update."""

from __future__ import annotations

import io
import zipfile
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("alembic")

from sqlalchemy import select, update

from concours.api.client import logins
from concours.server.accounts import tokens, users
from concours.server.actor import Actor
from concours.server.database.tables import COMPETITIONS, FILES
from concours.server.database.texts import text_of
from concours.server.hosting import check
from concours.server.hosting.folder import from_folder
from concours.server.hosting.opened import Opened
from concours.server.platform import Platform
from concours.server.services import editing, publishing
from concours.server.settings import Settings
from concours.server.web.app import make

from ..listening import listening

TOML = """
title = "Flowers"
slug = "flowers"
[task]
kind = "tabular-classification"
data = "data/train.csv"
test = "truth/test.csv"
target = "species"
[[phase]]
key = "main"
title = "Main"
begins = 2999-01-01T00:00:00Z
"""


class There:
    """A platform on a port of its own, which reads what it is asked to check at once."""

    def __init__(self, folder: Path) -> None:
        self.platform = Platform.opened(Settings.of(folder))
        self.said: dict[str, object] = {"opened": text_of(Opened(warnings=("rows are few",)).to_json())}
        self._open = ExitStack()
        self._open.callback(self.platform.close)
        self.url = self._open.enter_context(listening(make(self.platform)))

    def check(self, db, access):
        """As the service and the conductor together."""
        publishing_check(db, access)
        db.execute(update(COMPETITIONS).values(state="draft", **self.said))
        return editing.declared_of(db, access.competition.id)

    def close(self) -> None:
        self._open.close()


publishing_check = publishing.check


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """One that passes, as is said; that it is looked at for real is tested elsewhere."""
    made = tmp_path / "flowers"
    for path, text in {"competition.toml": TOML, "data/train.csv": "x\n1\n", "truth/test.csv": "x\n2\n"}.items():
        (made / path).parent.mkdir(parents=True, exist_ok=True)
        (made / path).write_text(text)
    passed = SimpleNamespace(passes=True, opened=None, boards=(), findings=())
    monkeypatch.setattr(check, "check", lambda at: SimpleNamespace(**vars(passed), competition=from_folder(at)))
    return made


@pytest.fixture
def there(tmp_path, monkeypatch):
    found = There(tmp_path / "platform")
    with found.platform.database.writing() as db:
        user = users.add(db, "hanna")
        _, token = tokens.add(db, Actor(user=user, name="hanna"), "t", ["read", "host"])
    monkeypatch.setattr(publishing, "check", found.check)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    logins.keep(found.url, token)
    yield found
    found.close()


def _publish(concours, monkeypatch, folder, answer: str, *more: str):
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    code, out, err = concours("host", "publish", str(folder), *more)
    return SimpleNamespace(code=code, out=out, err=err)


def _row(platform):
    with platform.database.reading() as db:
        return db.execute(select(COMPETITIONS)).one_or_none()


def test_what_passes_is_sent_read_and_published_when_it_is_agreed_to(concours, monkeypatch, folder, there):
    platform = there.platform
    first = _publish(concours, monkeypatch, folder, "n\n")
    assert "look: rows are few" in first.out
    assert "it stays a draft" in first.out
    assert _row(platform).state == "draft"
    (folder / "data/train.csv").write_text("x\n3\n")
    again = _publish(concours, monkeypatch, folder, "y\n", "--server", there.url)
    assert f"published: {there.url}/c/flowers" in again.out
    assert (_row(platform).state, _row(platform).version) == ("published", 2)
    with platform.database.reading() as db:
        digest = db.execute(select(FILES.c.digest).where(FILES.c.path == "data/train.csv")).scalar_one()
    assert platform.store.local_path(digest).read_bytes() == b"x\n3\n"
    late = _publish(concours, monkeypatch, folder, "y\n")
    assert late.code == 2
    assert "'flowers' is published" in late.err


def test_what_the_platform_cannot_read_is_said_and_stays_a_draft(concours, monkeypatch, folder, there):
    platform = there.platform
    there.said = {"complaint": "the truth has no column 'species'"}
    found = _publish(concours, monkeypatch, folder, "y\n")
    assert found.code == 2
    assert "refused: the truth has no column 'species'" in found.out
    assert _row(platform).state == "draft"


def test_what_does_not_pass_here_is_not_sent(concours, monkeypatch, folder, there):
    failed = SimpleNamespace(passes=False, competition=None, opened=None, boards=(), findings=())
    monkeypatch.setattr(check, "check", lambda _: failed)
    assert _publish(concours, monkeypatch, folder, "y\n").code == 2
    assert _row(there.platform) is None


def test_an_archive_that_is_sent_is_the_folder(concours, monkeypatch, folder, tmp_path):
    from concours.server.hosting.archive import archive_of

    with zipfile.ZipFile(archive_of(folder, tmp_path / "a.zip")) as archive:
        assert sorted(archive.namelist()) == ["competition.toml", "data/train.csv", "truth/test.csv"]
