"""A platform that runs as processes, under load, for tests of what may happen to it."""

from __future__ import annotations

import io
import json
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil
from sqlalchemy import func, select

sys.path.insert(0, str(Path(__file__).parent / "scoring"))
from conducting import Stage, declared, folder, predictions

from concours.server import audit
from concours.server.accounts import tokens
from concours.server.actor import Actor
from concours.server.database.tables import JOURNAL, SCORES, SUBMISSIONS, USERS
from concours.server.services import membership, submissions
from concours.server.services.access import accessed

TEAMS, PER_DAY = 4, 400
COPY = "import shutil\nshutil.copy('data/ready.csv', 'predictions.csv')\n"


def prepared(platform):
    """A competition that takes files and code, and a token of a member of each team."""
    stage = Stage(platform)
    phase = declared().to_json()["phases"][0]
    phase = {**phase, "takes": ["predictions", "code"], "limits": {"per_day": PER_DAY, "seconds": 60.0}}
    stage.create(declared(phases=[phase]), {**folder(), "data/ready.csv": predictions(9)})
    with stage.conducted():
        stage.publish()
    secrets = []
    with platform.database.writing() as db:
        for number in range(TEAMS):
            values = {"name": f"user-{number}", "display": f"User {number}", "created": "2026-01-01"}
            id = db.execute(USERS.insert().values(**values).returning(USERS.c.id)).scalar_one()
            who = Actor(user=id, name=f"user-{number}")
            membership.join(db, accessed(db, who, "line"))
            secrets.append(tokens.add(db, who, "a token", ["submit", "read", "write"])[1])
    return secrets


def send(url, secret, accepted, over, seed):
    """Sends one file after the other, each until it is accepted: under one key it is one submission."""
    draw = random.Random(seed)
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {secret}"}, timeout=30) as client:
        for number in range(10_000):
            key = f"{seed} {number}"
            file = (
                ("code.zip", program())
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


def program(code=COPY):
    """An archive that is submitted as code; this one copies predictions that lie ready."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("main.py", code)
    return packed.getvalue()


class Running:
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
                [own] if what == "concours up" else [one for one in own.children(recursive=True) if what in words(one)]
            )
        return []

    def end(self):
        self.ensure()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def words(process):
    """The command line of a process; empty where it is gone."""
    with suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


def hold(platform, accepted):
    """What was accepted, and that alone, is scored exactly once, no limit is lost, and the audit log is whole."""
    with platform.database.reading() as db:
        rows = db.execute(select(SUBMISSIONS).where(SUBMISSIONS.c.team.is_not(None))).all()
        ours = {row.id for row in rows}
        assert len(accepted) > TEAMS and set(accepted.values()) <= ours
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
            assert submissions.left(db, access).left == PER_DAY - sent, "what counts is what was accepted"
        found = audit.verify(db)
        assert not found.fault
        assert db.execute(select(func.count()).select_from(JOURNAL)).scalar_one() == len(events)


def unfinished(platform):
    """Whether something is not scored yet."""
    with platform.database.reading() as db:
        return db.execute(select(SUBMISSIONS.c.id).where(SUBMISSIONS.c.state.in_(("waiting", "running")))).first()


def wait(holds, seconds, told=lambda: "it did not come to be"):
    """Waits until something is so; told: what is said where it never is."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, told()
        time.sleep(0.2)


def free_port():
    """One that nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def load(url, secrets, accepted) -> Iterator[None]:
    """Members who send one submission after the other, as long as the context lasts; then each has its answer or none.

    Args:
        accepted: gets the number of each submission that was, by its key.
    """
    over = threading.Event()
    senders = [
        threading.Thread(target=send, args=(url, secret, accepted, over, seed)) for seed, secret in enumerate(secrets)
    ]
    for sender in senders:
        sender.start()
    try:
        yield
    finally:
        over.set()
        for sender in senders:
            sender.join()


def command(settings, port, *more):
    """`concours up` on what a platform has."""
    given = ["--data", str(settings.data), "--port", str(port), "--database", settings.database]
    return [sys.executable, "-m", "concours", "up", *given, *more]


def answers(url, path="/health"):
    """Whether a platform answers, and well."""
    with suppress(httpx.HTTPError):
        return httpx.get(f"{url}{path}", timeout=30).status_code == 200
    return False
