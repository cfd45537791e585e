"""What the tests of the engine share."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from forked import Forked

from concours.core.digests import Digest
from concours.core.event import Done
from concours.core.job import Job
from concours.core.ports import Executor, Journal, Listener, Record, ignore
from concours.engine.inline import InlineExecutor
from concours.engine.journal import MemoryJournal, read_journal
from concours.engine.limits import Limits
from concours.engine.loop import Engine
from concours.engine.processes import ProcessExecutor
from concours.stores.disk import DiskStore
from concours.testing.toys import MARKS, REFERENCE, RUNNERS, SLEEP, Mark, code_of, read_marks

_SCRIPT = Path(__file__).with_name("toy_contest.py")
_IMPORTS = (
    "concours.contest.circle",
    "concours.runs.result_json",
    "concours.engine.processes",
    "concours.testing.toys",
)


@dataclass(frozen=True)
class ToyContest:
    """A contest of toy jobs in a folder, run by a process of its own in a process group of its own."""

    folder: Path

    @property
    def journal(self) -> Path:
        return self.folder / "journal.jsonl"

    @property
    def store(self) -> DiskStore:
        return DiskStore(self.folder / "store")

    def records(self) -> list[Record]:
        """What the journal says."""
        return read_journal(self.journal)[0]

    def marks(self) -> list[Mark]:
        """Which jobs have begun and ended, outside store and journal."""
        return read_marks(self._marks)

    def start(self, *, sleep: float = 0.0, environment: dict[str, str] | None = None, **options: Any) -> Forked:
        """A session of the contest; options are those of the script."""
        self.folder.mkdir(parents=True, exist_ok=True)
        toys = {MARKS: str(self._marks), SLEEP: str(sleep), **(environment or {})}
        return Forked(_SCRIPT, [str(self.folder), json.dumps(options)], imports=_IMPORTS, env=os.environ | toys)

    def run(self, **options: Any) -> dict[str, Any]:
        """A session that comes to its end; what it printed."""
        process = self.start(**options)
        out, error = process.communicate(timeout=60)
        assert process.returncode == 0, error
        result: dict[str, Any] = json.loads(out)
        return result

    @property
    def _marks(self) -> Path:
        return self.folder / "marks.txt"


@pytest.fixture
def toy_contest(tmp_path: Path) -> Callable[[str], ToyContest]:
    """Makes contests of toy jobs, each in a folder of its name."""
    return lambda name: ToyContest(tmp_path / name)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Any]]:
    """What the script prints for a contest that nobody disturbs, and the labels of the jobs that yield a blob, in order."""
    known: dict[str, dict[str, Any]] = {}

    def run(*, environment: dict[str, str] | None = None, **setup: Any) -> dict[str, Any]:
        key = json.dumps([setup, environment], sort_keys=True)
        if key not in known:
            contest = ToyContest(tmp_path_factory.mktemp("undisturbed"))
            printed = contest.run(workers=0, setup=setup, environment=environment)
            ended = [record.event for record in contest.records()]
            wrote = {event.job for event in ended if isinstance(event, Done) and event.outputs}
            began = [mark for mark in contest.marks() if mark.what == "begin"]
            known[key] = printed | {"labels": [mark.label for mark in began if mark.job in wrote]}
        return known[key]

    return run


@dataclass
class Bench:
    """A store, a journal and an executor for toy jobs, and engines on them."""

    store: DiskStore
    journal: Journal
    executors: list[Executor]

    def engine(
        self,
        *,
        workers: int = 0,
        limits: Limits | None = None,
        listener: Listener = ignore,
        journal: Journal | None = None,
        code: Callable[[Job], Digest] = code_of,
    ) -> Engine:
        """An engine as a new session would make it; inline unless there are workers."""
        executor = (
            ProcessExecutor(self.store, REFERENCE, workers=workers, limits=limits, listener=listener)
            if workers
            else InlineExecutor(self.store, RUNNERS, listener=listener)
        )
        self.executors.append(executor)
        return Engine(
            store=self.store,
            journal=journal or self.journal,
            executor=executor,
            code=code,
            limits=limits,
            listener=listener,
        )


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A bench whose executors are closed in the end."""
    bench = Bench(DiskStore(tmp_path / "store"), MemoryJournal(), [])
    yield bench
    for executor in bench.executors:
        executor.close()
