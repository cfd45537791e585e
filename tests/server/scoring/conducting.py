"""A competition that is conducted in this process, for tests."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import func, insert, select

from concours.core.event import SignalName, utc_now
from concours.core.ports import Executor
from concours.engine.inbox import new_signal
from concours.engine.inline import InlineExecutor
from concours.server.actor import Actor
from concours.server.database import inbox
from concours.server.database.tables import (
    ALLIANCES,
    APPLIED,
    COMPETITIONS,
    JOURNAL,
    PHASES,
    PLACES,
    SCORES,
    SIGNALS,
    SUBMISSIONS,
    SUSPICIONS,
    TEAMS,
    USERS,
)
from concours.server.hosting.competition import Competition
from concours.server.platform import Platform
from concours.server.scoring.conductor import Conductor
from concours.server.scoring.runners import RUNNERS
from concours.server.services import publishing
from concours.server.services.access import accessed
from concours.server.services.editing import begin
from concours.server.services.files import keep, put_all

_PATIENCE_S = 60.0
ROWS = 90


def truth() -> list[str]:
    """The labels of the secret rows."""
    return ["yes" if number % 3 else "no" for number in range(ROWS)]


def folder() -> dict[str, bytes]:
    """The files of a small competition: is a number above a line?"""
    rng = np.random.default_rng(0)
    train = "".join(f"{n},{rng.normal():.4f},{'yes' if n % 3 else 'no'}\n" for n in range(120))
    test = [f"r{number},{rng.normal():.4f}" for number in range(ROWS)]
    return {
        "data/train.csv": ("id,x,answer\n" + train).encode(),
        "data/test.csv": ("id,x\n" + "\n".join(test)).encode(),
        "truth/test.csv": (
            "id,x,answer\n" + "\n".join(f"{row},{y}" for row, y in zip(test, truth(), strict=True))
        ).encode(),
    }


def declared(**more: Any) -> Competition:
    """What its host declares: one phase that has begun, without an end."""
    began = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    return Competition.from_json(
        {
            "title": "Above the line",
            "slug": "line",
            "phases": [{"key": "main", "title": "Main", "begins": began}],
            "task": {
                "kind": "tabular-classification",
                "data": "data/train.csv",
                "test": "truth/test.csv",
                "target": "answer",
                "id": "id",
                "metrics": ["accuracy", "log_loss"],
                "split": {"public": 0.4},
            },
            **more,
        }
    )


def predictions(wrong: int, seed: int = 0, *, sure: float = 0.8) -> bytes:
    """A file that is wrong about so many rows, which the seed draws; how probable each class is, the one it names by
    `sure`."""
    rng = np.random.default_rng(seed)
    odd = set(rng.choice(ROWS, size=wrong, replace=False).tolist())
    lines = ["id,p_no,p_yes"]
    for number, label in enumerate(truth()):
        yes = (label == "yes") != (number in odd)
        lines.append(f"r{number},{1 - sure if yes else sure:.2f},{sure if yes else 1 - sure:.2f}")
    return "\n".join(lines).encode()


@dataclass
class Stage:
    """A platform with a competition of one host."""

    platform: Platform
    executor: Callable[[Platform], Executor] = lambda platform: InlineExecutor(platform.store, RUNNERS)
    host: Actor = field(default_factory=lambda: Actor(user=1, name="host"))
    at_work: Conductor | None = None

    def create(self, competition: Competition, files: Mapping[str, bytes]) -> None:
        """A draft, with its check asked for."""
        database, store = self.platform.database, self.platform.store
        kept = {path: keep(store, io.BytesIO(content), 1 << 20) for path, content in files.items()}
        with database.writing() as db:
            if not db.execute(select(USERS.c.id)).first():
                db.execute(insert(USERS).values(name="host", display="Host", created=utc_now()))
            number = begin(db, self.host, competition)
            put_all(db, number, kept)
            publishing.check(db, accessed(db, self.host, competition.slug))

    def publish(self, slug: str = "line") -> None:
        """Once it has been opened."""
        self.until(lambda: self.value(COMPETITIONS.c.opened) or self.value(COMPETITIONS.c.complaint))
        with self.platform.database.writing() as db:
            publishing.publish(db, accessed(db, self.host, slug))
        self.until(lambda: self.value(PHASES.c.state) == "open")

    def close(self, slug: str = "line") -> None:
        """By its host, before the end; until its private rows are scored."""
        with self.platform.database.writing() as db:
            publishing.close(db, accessed(db, self.host, slug))
        self.until(lambda: self.value(PHASES.c.state) == "closed")

    def submit(self, content: bytes, team: int, *, called: str = "file.csv", final: bool = False) -> int:
        """A file of a team's; the number of the submission. Only what a board is told of is looked at here."""
        digest = self.platform.store.put(io.BytesIO(content))
        with self.platform.database.writing() as db:
            if not db.execute(select(TEAMS.c.id).where(TEAMS.c.id == team)).first():
                values = {"id": team, "competition": 1, "name": f"team {team}", "leader": 1, "created": utc_now()}
                db.execute(insert(TEAMS).values(**values))
            values = {"competition": 1, "phase": 1, "team": team, "user": 1, "name": called, "brings": "predictions"}
            more = {"called": called, "digest": digest, "size": len(content), "at": utc_now(), "state": "waiting"}
            found = db.execute(insert(SUBMISSIONS).values(**values, **more, final=final).returning(SUBMISSIONS.c.id))
            number = int(found.scalar_one())
            body = {"name": called, "team": str(team), "file": digest, "called": called}
            inbox.put(db, new_signal("joined", body, to="phase 1", id=str(number)))
        return number

    def tell(self, name: SignalName, body: Mapping[str, Any]) -> None:
        """Sends the board a signal."""
        with self.platform.database.writing() as db:
            inbox.put(db, new_signal(name, body, to="phase 1"))

    @contextmanager
    def conducted(self) -> Iterator[Conductor]:
        """A conductor at work, which has to end well."""
        leaving, failed = threading.Event(), []

        def work() -> None:
            try:
                conductor.work(leaving)
            except BaseException as error:
                failed.append(error)

        self.at_work = conductor = Conductor(self.platform, self.executor(self.platform))
        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield conductor
        finally:
            leaving.set()
            thread.join(_PATIENCE_S)
        if failed:
            raise failed[0]

    def until(self, holds: Callable[[], Any]) -> None:
        """Waits until something is so."""
        end = time.monotonic() + _PATIENCE_S
        while not holds():
            assert time.monotonic() < end, "it did not come to be"
            time.sleep(0.02)

    def settled(self) -> None:
        """Waits until nothing is under way any more, and ranks are those of all scores."""
        self.until(lambda: not {"waiting", "running"} & set(self.states().values()))
        self.until(lambda: all("note" not in text for text in self.column(PLACES.c.line)))
        self.until(lambda: self._at_rest() and not time.sleep(0.2) and self._at_rest())

    def _at_rest(self) -> bool:
        """Whether no board has anything done, and what is shown follows the whole journal."""
        with self.platform.database.reading() as db:
            signals = db.execute(select(func.count()).select_from(SIGNALS)).scalar_one()
            told = select(JOURNAL.c.board, func.max(JOURNAL.c.number)).where(~JOURNAL.c.event.contains('"type":"tick"'))
            last = dict(map(tuple, db.execute(told.group_by(JOURNAL.c.board))))
            shown = dict(map(tuple, db.execute(select(APPLIED.c.board, APPLIED.c.number))))
        return not signals and last == shown and self.at_work is not None and not self.at_work.busy

    def value(self, column: Any) -> Any:
        with self.platform.database.reading() as db:
            return db.execute(select(column)).scalars().first()

    def column(self, column: Any) -> list[Any]:
        with self.platform.database.reading() as db:
            return list(db.execute(select(column)).scalars())

    def states(self) -> dict[int, str]:
        """Of all submissions."""
        with self.platform.database.reading() as db:
            return {row.id: row.state for row in db.execute(select(SUBMISSIONS.c.id, SUBMISSIONS.c.state))}

    def shown(self) -> dict[str, list[tuple[Any, ...]]]:
        """All that follows from journals."""
        tables = (SCORES, PLACES, ALLIANCES, SUSPICIONS)
        with self.platform.database.reading() as db:
            found = {table.name: sorted(map(tuple, db.execute(select(table)))) for table in tables}
            of = (SUBMISSIONS.c.id, SUBMISSIONS.c.state, SUBMISSIONS.c.reason)
            return {**found, "states": sorted(map(tuple, db.execute(select(*of))))}
