"""Whatever is killed whenever, what was accepted is scored exactly once, no limit is lost, and the audit log is whole."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections import Counter
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest
from sqlalchemy import func, select

sys.path.insert(0, str(Path(__file__).parent / "scoring"))
from conducting import Stage, declared, folder, predictions

from concours.engine.sandbox.run import available
from concours.server import audit
from concours.server.accounts import tokens
from concours.server.actor import Actor
from concours.server.database.tables import JOURNAL, SCORES, SUBMISSIONS, USERS
from concours.server.services import membership, submissions
from concours.server.services.access import accessed

_TEAMS, _PER_DAY = 4, 400
_VICTIMS = ("concours up", "scoring.conductor", "engine.worker", "working.own", "bwrap")
_COPY = "import shutil\nshutil.copy('data/ready.csv', 'predictions.csv')\n"


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kills", [pytest.param(12, marks=pytest.mark.slow), pytest.param(50, marks=pytest.mark.night)])
def test_whatever_is_killed_whenever(platform, tmp_path, kills):
    """The platform itself, its conductor, its workers and the programs that they run, under load."""
    if why := available():
        pytest.skip(why)
    secrets = _prepared(platform)
    settings = platform.settings
    port = _free_port()
    command = [sys.executable, "-m", "concours", "up", "--data", str(settings.data), "--port", str(port)]
    command += ["--database", settings.database]
    accepted: dict[str, int] = {}
    over = threading.Event()
    with (tmp_path / "log").open("wb") as log:
        running = _Running(command, log)
        try:
            senders = [
                threading.Thread(target=_send, args=(f"http://127.0.0.1:{port}", secret, accepted, over, seed))
                for seed, secret in enumerate(secrets)
            ]
            for sender in senders:
                sender.start()
            killed = _kill(running, random.Random(0), kills)
            over.set()
            for sender in senders:
                sender.join()
            running.ensure()
            _wait(lambda: not _unfinished(platform), 300, lambda: (tmp_path / "log").read_text()[-4000:])
        finally:
            running.end()
    assert sum(killed.values()) == kills and len(killed) >= 3, killed
    _hold(platform, accepted)


def _hold(platform, accepted):
    with platform.database.reading() as db:
        rows = db.execute(select(SUBMISSIONS).where(SUBMISSIONS.c.team.is_not(None))).all()
        ours = {row.id for row in rows}
        assert len(accepted) > _TEAMS and set(accepted.values()) <= ours
        assert {(row.state, row.reason) for row in rows} == {("scored", "")}
        scored = Counter(db.execute(select(SCORES.c.entry)).scalars())
        assert scored == Counter(ours), "each has one score"
        events = [json.loads(text) for text in db.execute(select(JOURNAL.c.event)).scalars()]
        joined = Counter(int(one["id"]) for one in events if one["type"] == "signal" and one["name"] == "joined")
        assert joined == Counter(ours), "each has joined once"
        done = Counter(one["job"] for one in events if one["type"] == "done")
        assert set(done.values()) == {1}, "what was done is done once"
        for user in db.execute(select(USERS.c.id).where(USERS.c.name != "workers", USERS.c.id > 1)).scalars():
            access = accessed(db, Actor(user=user, name="one"), "line")
            sent = sum(row.team == access.team for row in rows)
            assert submissions.left(db, access).left == _PER_DAY - sent, "what counts is what was accepted"
        found = audit.verify(db)
        assert not found.fault
        assert db.execute(select(func.count()).select_from(JOURNAL)).scalar_one() == len(events)


def _prepared(platform):
    """A competition that takes files and code, and a token of a member of each team."""
    stage = Stage(platform)
    phase = declared().to_json()["phases"][0]
    phase = {**phase, "takes": ["predictions", "code"], "limits": {"per_day": _PER_DAY, "seconds": 60.0}}
    stage.create(declared(phases=[phase]), {**folder(), "data/ready.csv": predictions(9)})
    with stage.conducted():
        stage.publish()
    secrets = []
    with platform.database.writing() as db:
        for number in range(_TEAMS):
            values = {"name": f"user-{number}", "display": f"User {number}", "created": "2026-01-01"}
            id = db.execute(USERS.insert().values(**values).returning(USERS.c.id)).scalar_one()
            who = Actor(user=id, name=f"user-{number}")
            membership.join(db, accessed(db, who, "line"))
            secrets.append(tokens.add(db, who, "a token", ["submit", "read"])[1])
    return secrets


def _send(url, secret, accepted, over, seed):
    """Sends one file after the other, each until it is accepted: under one key it is one submission."""
    draw = random.Random(seed)
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {secret}"}, timeout=30) as client:
        for number in range(10_000):
            key = f"{seed} {number}"
            file = (
                ("code.zip", _program())
                if number % 8 == 3
                else ("file.csv", predictions(draw.randrange(60), draw.randrange(9)))
            )
            while True:
                with suppress(httpx.HTTPError):
                    answer = client.post(
                        "/api/competitions/line/submissions", files={"file": file}, headers={"idempotency-key": key}
                    )
                    if answer.status_code == 201:
                        accepted[key] = answer.json()["id"]
                        break
                    assert answer.status_code in (429, 503), answer.text
                if over.is_set():
                    return
                time.sleep(0.2)
            if over.wait(draw.uniform(0, 1.0)):
                return


def _program():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("main.py", _COPY)
    return packed.getvalue()


class _Running:
    """`concours up`, begun again whenever it is gone."""

    def __init__(self, command, log):
        self._command, self._log = command, log
        self.process = None
        self.ensure()

    def ensure(self):
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen(self._command, stdout=self._log, stderr=subprocess.STDOUT)

    def victims(self, what):
        """Processes of a sort."""
        with suppress(psutil.Error):
            own = psutil.Process(self.process.pid)
            return (
                [own] if what == "concours up" else [one for one in own.children(recursive=True) if what in _words(one)]
            )
        return []

    def end(self):
        self.ensure()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def _words(process):
    with suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


def _kill(running, draw, kills):
    """Kills at random instants; how many of each sort."""
    killed = Counter()
    while sum(killed.values()) < kills:
        time.sleep(draw.uniform(0.05, 1.5))
        running.ensure()
        what = draw.choices(_VICTIMS, weights=(1, 3, 3, 2, 2))[0]
        if found := running.victims(what):
            with suppress(ProcessLookupError):
                os.kill(draw.choice(found).pid, signal.SIGKILL)
                killed[what] += 1
    return killed


def _unfinished(platform):
    with platform.database.reading() as db:
        return db.execute(select(SUBMISSIONS.c.id).where(SUBMISSIONS.c.state.in_(("waiting", "running")))).first()


def _wait(holds, seconds, told):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, told()
        time.sleep(0.2)


def _free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
