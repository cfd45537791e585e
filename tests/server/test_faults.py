"""What happens to a platform, and what it does then: it says so in one line, loses nothing, and goes on by itself."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import httpx
import psutil
import pytest
from sqlalchemy import func, select

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent / "scoring"))
from conducting import predictions
from loaded import Running, answers, command, free_port, hold, load, prepared, program, unfinished, wait

from concours.engine.sandbox.run import available
from concours.server import audit
from concours.server.database.tables import SCORES, SIGNALS, SUBMISSIONS
from concours.server.database.work_tables import WORK
from concours.server.platform import Platform
from concours.server.settings import Settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

_SUBMISSIONS = "/api/competitions/line/submissions"


@contextmanager
def _up(platform, tmp_path, *more, name="up"):
    """A platform as its processes: how it runs, and its address; it answers. In the end it leaves well."""
    port = free_port()
    with (tmp_path / f"{name}.log").open("wb") as log:
        running = Running(command(platform.settings, port, *more), log)
        url = f"http://127.0.0.1:{port}"
        wait(lambda: answers(url), 60, lambda: _said(tmp_path, name))
        try:
            yield running, url
        finally:
            if running.process.poll() is None:
                running.end()


def _said(tmp_path, name="up"):
    return (tmp_path / f"{name}.log").read_text()[-4000:]


def _member(url, secret):
    return httpx.Client(base_url=url, headers={"authorization": f"Bearer {secret}"}, timeout=60)


def _sent(client, content, called="file.csv"):
    return client.post(_SUBMISSIONS, files={"file": (called, content)})


def _refused(answer, *words):
    """One line that says what and what to do, and when to come again."""
    assert answer.status_code == 503, answer.text
    error = answer.json()["error"]
    assert "\n" not in error and all(word in error for word in words), error
    assert int(answer.headers["retry-after"]) > 0


def _pids(running, what):
    return {one.pid for one in running.victims(what)}


def test_the_database_goes_away_under_load(own_postgresql, tmp_path):
    """For some seconds, and until the conductor that was there has failed; it waits no longer than 5 s between two tries,
    so to be away for half a minute is more of the same.
    """
    platform = Platform.opened(Settings.of(tmp_path, database=own_postgresql.url))
    secrets, accepted = prepared(platform), {}
    with _up(platform, tmp_path) as (running, url):
        with load(url, secrets, accepted):
            wait(lambda: len(accepted) > 8, 120, lambda: _said(tmp_path))
            conductor = _pids(running, "scoring.conductor")
            assert conductor
            platform.close()  # whose connections are this test's own
            own_postgresql.stop()
            before = len(accepted)
            began = time.monotonic()
            while (away := time.monotonic() - began) < 8 or conductor & _pids(running, "scoring.conductor"):
                assert away < 120, _said(tmp_path)
                answer = httpx.get(f"{url}/api/competitions", timeout=60)
                _refused(answer, "database", "try again")
                page = httpx.get(f"{url}/", timeout=60)
                assert page.status_code == 503 and "cannot reach its database" in page.text
                with _member(url, secrets[0]) as client:
                    _refused(_sent(client, predictions(3)), "database", "nothing was changed")
                assert running.process.poll() is None
            assert len(accepted) <= before + len(secrets), "what was under way may have been taken, no more"
            own_postgresql.start()
            wait(lambda: answers(url) and answers(url, "/c/line"), 60, lambda: _said(tmp_path))
            back = len(accepted)
            wait(lambda: len(accepted) > back + 8, 120, lambda: _said(tmp_path))
        wait(lambda: not unfinished(platform), 240, lambda: _said(tmp_path))
        assert answers(url, "/c/line")
    platform.close()
    platform = Platform.opened(platform.settings)
    hold(platform, accepted)
    platform.close()


def _room(running, size, *what):
    """How large files may be that some processes of a platform write; what they write beyond fails in the middle, as on
    a disk that is full. Those that they begin inherit it.
    """
    for victim in [one for name in what for one in running.victims(name)]:
        with suppress(ProcessLookupError):
            resource.prlimit(victim.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


_EVERYBODY = ("concours up", "scoring.conductor", "engine.worker", "working.own")


def test_the_disk_is_full(platform_sqlite, tmp_path):
    """Database and store: what is sent is refused, and nothing of it is left; pages are read; and it goes on when there is
    room.
    """
    platform = platform_sqlite
    secrets = prepared(platform)
    with _up(platform, tmp_path) as (running, url), _member(url, secrets[0]) as client:
        first = _sent(client, predictions(1))
        assert first.status_code == 201, first.text
        wait(lambda: not unfinished(platform), 120, lambda: _said(tmp_path))
        kept, rows = sorted(platform.store), _count(platform, SUBMISSIONS)
        _room(running, 0, *_EVERYBODY)
        for _ in range(3):
            _refused(_sent(client, predictions(2)), "no room", "nothing was", "administrator")
        _refused(
            client.post("/api/competitions/line/discussion", json={"title": "A title", "text": "A text"}), "no room"
        )
        assert client.get("/c/line/board").status_code == 200
        assert client.get(_SUBMISSIONS).status_code == 200
        assert sorted(platform.store) == kept and not platform.store.leftovers()
        assert _count(platform, SUBMISSIONS) == rows and not _count(platform, SIGNALS)
        _room(running, resource.RLIM_INFINITY, *_EVERYBODY)
        assert _sent(client, predictions(2)).status_code == 201
        wait(lambda: not unfinished(platform), 120, lambda: _said(tmp_path))
    _whole(platform)


def test_the_disk_is_full_for_who_scores(platform_sqlite, tmp_path):
    """What was taken in waits, and is scored once there is room; no failure of whoever sent it."""
    platform = platform_sqlite
    secrets = prepared(platform)
    scorers = ("scoring.conductor", "engine.worker")
    with _up(platform, tmp_path) as (running, url), _member(url, secrets[0]) as client:
        _room(running, 0, *scorers)
        for wrong in (1, 5, 9):
            assert _sent(client, predictions(wrong)).status_code == 201
        time.sleep(3)
        _room(running, 0, *scorers)
        assert set(_states(platform).values()) <= {"waiting", "running"}
        assert client.get("/c/line/board").status_code == 200
        wait(lambda: _freed(running, platform, scorers), 120, lambda: _said(tmp_path))
    _whole(platform)


def _freed(running, platform, scorers):
    _room(running, resource.RLIM_INFINITY, *scorers)
    return not unfinished(platform)


def test_several_platforms_on_one_database_and_store(new_postgresql, tmp_path):
    """Both take submissions, one conducts; where that one is killed, the other goes on from the journal."""
    settings = Settings.of(tmp_path / "first", database=new_postgresql(), store=str(tmp_path / "store"))
    platform = Platform.opened(settings)
    secrets = prepared(platform)
    (tmp_path / "second").mkdir()
    (tmp_path / "second" / "secret").write_bytes(settings.secret())
    other = replace(platform, settings=replace(settings, data=tmp_path / "second"))
    shared = ("--store", settings.store)
    with _up(platform, tmp_path, *shared, name="first") as (first, url):
        with _member(url, secrets[0]) as client:
            assert _sent(client, predictions(1)).status_code == 201
        wait(lambda: not unfinished(platform), 120, lambda: _said(tmp_path, "first"))
        with _up(other, tmp_path, *shared, name="second") as (_, elsewhere):
            for seed, at in enumerate((url, elsewhere, url, elsewhere)):
                with _member(at, secrets[seed % 4]) as client:
                    assert _sent(client, predictions(7, seed)).status_code == 201
            gone = psutil.Process(first.process.pid).children(recursive=True)
            os.kill(first.process.pid, signal.SIGKILL)
            first.process.wait()
            for conductor in (one for one in gone if _is(one, "scoring.conductor")):
                conductor.kill()
            with _member(elsewhere, secrets[3]) as client:
                assert _sent(client, predictions(3, 9)).status_code == 201
            wait(lambda: not unfinished(platform), 120, lambda: _said(tmp_path, "second"))
            _, left = psutil.wait_procs(gone, 30)
            assert not left, "who worked for one that is gone has left"
            with _member(elsewhere, secrets[0]) as client:
                board = client.get("/api/competitions/line/board").json()
                assert len(board["rows"]) == 4
    assert len(_states(platform)) == 6
    _whole(platform)
    platform.close()


def _is(process, what):
    with suppress(psutil.Error):
        return what in " ".join(process.cmdline())
    return False


_LONG = "import time\nprint('begun', flush=True)\ntime.sleep(300)\n"


def test_it_ends_well_under_load(platform, tmp_path):
    """SIGTERM: what runs is returned, so that whoever comes next does it at once; all that was accepted is there; the exit
    code is 0, and no process is left.
    """
    if why := available():
        pytest.skip(why)
    secrets, accepted = prepared(platform), {}
    with _up(platform, tmp_path) as (running, url):
        with _member(url, secrets[0]) as client:
            long = _sent(client, program(_LONG), "code.zip").json()["id"]
        wait(lambda: _work(platform)["leased"], 60, lambda: _said(tmp_path))
        with load(url, secrets[1:], accepted):
            wait(lambda: len(accepted) > 4, 120, lambda: _said(tmp_path))
            family = psutil.Process(running.process.pid).children(recursive=True)
            running.process.send_signal(signal.SIGTERM)
            assert running.process.wait(60) == 0, _said(tmp_path)
        _, left = psutil.wait_procs(family, 5)
        assert not left
    work, states = _work(platform), _states(platform)
    assert work["waiting"] >= 1 and not work["leased"], f"what ran was given back: {work} {_said(tmp_path)}"
    assert {long, *accepted.values()} <= set(states)
    assert "failed" not in states.values()


def _work(platform):
    with platform.database.reading() as db:
        return Counter(db.execute(select(WORK.c.state)).scalars())


def _count(platform, table):
    with platform.database.reading() as db:
        return db.execute(select(func.count()).select_from(table)).scalar_one()


def _states(platform):
    with platform.database.reading() as db:
        found = select(SUBMISSIONS.c.id, SUBMISSIONS.c.state).where(SUBMISSIONS.c.team.is_not(None))
        return {row.id: row.state for row in db.execute(found)}


def _whole(platform):
    """Each submission that was taken has one score, and the audit log no fault."""
    states = _states(platform)
    assert set(states.values()) == {"scored"}, states
    with platform.database.reading() as db:
        assert sorted(db.execute(select(SCORES.c.entry)).scalars()) == sorted(states)
        assert not audit.verify(db).fault
