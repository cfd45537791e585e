"""A day's tidying comes an hour after the beginning, once a day, and ends nothing else when it fails."""

from __future__ import annotations

import io
import logging
import os
import time

from sqlalchemy import insert, select

from concours.server.database.tables import CHANGES
from concours.server.scoring.tidying import Tidying
from concours.server.services import retention

OLD = "2020-01-01T00:00:00.000000+00:00"


def test_it_is_due_after_an_hour_and_then_every_day(platform):
    lone = platform.store.put(io.BytesIO(b"nobody names this"))
    os.utime(platform.store.local_path(lone), (0, 0))
    with platform.database.writing() as db:
        db.execute(insert(CHANGES).values(topic="board 1", at=OLD))
    began = time.monotonic()
    tidying = Tidying(platform)
    assert tidying.look() is None
    thread = tidying.look(began + 3700)
    thread.join()
    assert lone not in platform.store
    with platform.database.reading() as db:
        assert db.execute(select(CHANGES.c.number)).all() == []
    assert tidying.look(began + 3800) is None
    tidying.look(began + 90400).join()


def test_what_fails_is_logged_and_tried_the_next_day(platform_sqlite, monkeypatch, caplog):
    def full(*_):
        raise OSError("no space")

    monkeypatch.setattr(retention, "retire", full)
    tidying = Tidying(platform_sqlite)
    with caplog.at_level(logging.ERROR, "concours.conductor"):
        tidying.look(time.monotonic() + 3700).join()
    assert "could not be forgotten" in caplog.text
