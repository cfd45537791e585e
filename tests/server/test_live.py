"""Whoever listens hears of every change of what they may see, also of those that are committed late or were missed."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, aclosing
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, text

from concours.server.database.changes import tell
from concours.server.database.tables import CHANGES
from concours.server.refusals import TooMany
from concours.server.web import live
from concours.server.web.live import Crowded, Feed, Listener, missed


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(live, "_LOOKS_S", 0.01)
    monkeypatch.setattr(live, "_BEAT_S", 0.05)


async def _heard(feed, asked, after=None, *, until=1, do=None):
    """The topics of the first events, in order; `do` happens when the stream has begun."""
    found = []
    async with asyncio.timeout(60), aclosing(feed.events(asked, after)) as stream:
        await anext(stream)
        if do:
            await asyncio.to_thread(do)
        async for event in stream:
            found += [line.removeprefix("data: ") for line in event.splitlines() if line.startswith("data")]
            if len(found) >= until:
                return found
    return found


def _tell(platform, *told):
    with platform.database.writing() as db:
        tell(db, *told)


def test_a_change_is_heard_by_who_listens_to_its_topic(platform):
    async def listen():
        feed = Feed(platform.database)
        one = _heard(feed, ["board 1"], do=lambda: _tell(platform, "board 2", "board 1"))
        other = _heard(feed, ["board 3", "queue"], 0, do=lambda: _tell(platform, "queue"))
        return await asyncio.gather(one, other)

    one, other = asyncio.run(listen())
    assert one == ["board 1"]
    assert other and set(other) <= {"board 3", "queue"}


def test_what_was_missed_is_told_by_the_number_of_the_last_event(platform):
    assert missed(platform.database, ["a", "b"], 0) == {"a": 0, "b": 0}
    _tell(platform, "a", "b", "c", "a")
    with platform.database.reading() as db:
        numbers = db.execute(text("SELECT number FROM changes ORDER BY number")).scalars().all()
    assert missed(platform.database, ["a", "b"], numbers[1]) == {"a": numbers[3]}
    assert missed(platform.database, ["b"], numbers[3]) == {}
    assert missed(platform.database, ["b"], numbers[3] + 5) == {"b": numbers[3]}
    with platform.database.writing() as db:
        db.execute(text(f"DELETE FROM changes WHERE number <= {numbers[1]}"))
    assert missed(platform.database, ["b"], numbers[0] - 1) == {"b": numbers[3]}


def test_a_row_that_is_committed_after_a_later_one_is_heard(platform):
    look = live._Look(platform.database)
    look()

    def write(number, topic):
        with platform.database.writing() as db:
            db.execute(insert(CHANGES).values(number=number, topic=topic, at=datetime.now(UTC).isoformat()))

    write(10, "a")
    assert look() == {"a": 10}
    write(8, "late")
    assert look() == {"late": 8}
    assert look() == {}


def test_old_changes_are_forgotten_but_for_the_last(platform):
    long_ago = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    with platform.database.writing() as db:
        db.execute(insert(CHANGES), [{"topic": f"t{n}", "at": long_ago} for n in range(5)])
    look = live._Look(platform.database)
    look()
    look._forget()
    with platform.database.reading() as db:
        assert db.execute(text("SELECT topic FROM changes")).scalars().all() == ["t4"]


def test_many_changes_of_one_topic_are_one_event_for_who_is_slow():
    listener = Listener(frozenset(["a", "b"]))
    for number in range(1, 10_001):
        listener.hear({"a": number})
    listener.hear({"b": 3})
    assert asyncio.run(listener.heard(0)) == {"b": 3, "a": 10_000}
    assert asyncio.run(listener.heard(0)) == {}


def test_nobody_looks_when_nobody_listens_and_no_more_than_fit_are_let_in(platform, monkeypatch):
    async def listen():
        feed = Feed(platform.database)
        await _heard(feed, ["a"], 0)
        assert not feed._listeners
        await asyncio.wait_for(feed._task, 5)
        monkeypatch.setattr(live, "MOST", 0)
        with pytest.raises(Crowded):
            await _heard(feed, ["a"], 0)
        monkeypatch.setattr(live, "MOST", 1)
        return await _heard(feed, ["a"], 0)

    assert asyncio.run(listen()) == ["a"]


def test_who_leaves_ends_all_streams_at_once(platform, monkeypatch):
    """Those that wait and those that begin later: a platform that is told to end waits for no open page."""
    monkeypatch.setattr(live, "_BEAT_S", 600.0)

    async def listen():
        feed = Feed(platform.database)
        async with asyncio.timeout(60):
            waiting = asyncio.create_task(_heard(feed, ["a"]))
            while not feed.many:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            feed.end()
            return await waiting, await _heard(feed, ["a"], 0)

    assert asyncio.run(listen()) == ([], [])


def test_by_http_a_stream_begins_with_what_was_asked_for(people):
    async def ask():
        from starlette.types import Message

        sent: list[Message] = []
        done = asyncio.Event()

        async def receive():
            await done.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)
            if b"data: queue" in message.get("body", b""):
                done.set()

        admin = people.browser("anne", administrator=True)
        cookie = f"concours={admin.cookies['concours']}"
        host = people.platform.settings.address.partition("//")[2]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/api/changes",
            "raw_path": b"/api/changes",
            "query_string": b"topic=queue&after=0",
            "root_path": "",
            "headers": [(b"host", host.encode()), (b"cookie", cookie.encode())],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8000),
            "state": {},
        }
        async with asyncio.timeout(60):
            await people.app(scope, receive, send)
        return sent

    sent = asyncio.run(ask())
    assert sent[0]["status"] == 200
    assert dict(sent[0]["headers"])[b"content-type"].startswith(b"text/event-stream")
    assert people.browser("mina").get("/api/changes?topic=queue").status_code == 403


def test_one_address_does_not_have_all_connections(platform, monkeypatch):
    monkeypatch.setattr(live, "MOST_EACH", 2)

    async def listen():
        feed = Feed(platform.database)
        async with AsyncExitStack() as stack:
            for who in ("a", "a", "b", None, None, None):
                await anext(await stack.enter_async_context(aclosing(feed.events(["queue"], None, who))))
            with pytest.raises(TooMany):
                await anext(feed.events(["queue"], None, "a"))
            await anext(await stack.enter_async_context(aclosing(feed.events(["queue"], None, "b"))))
        await anext(await stack.enter_async_context(aclosing(feed.events(["queue"], None, "a"))))
        await stack.aclose()

    asyncio.run(listen())
