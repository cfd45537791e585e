"""A contest of toy jobs, for tests to start in a process of its own and to kill.

    python toy_contest.py FOLDER OPTIONS

Goes around the real circle, with the real journal, store and executors; prints the digest of what came of it.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from concours.contest.circle import Outcome, circle
from concours.core.digests import Digest, digest_json
from concours.core.errors import NoSpace
from concours.core.ports import Executor, Notice
from concours.engine.inline import InlineExecutor
from concours.engine.journal import FileJournal
from concours.engine.loop import Engine
from concours.engine.processes import ProcessExecutor
from concours.runs.result_json import timeless
from concours.stores.disk import DiskStore
from concours.testing.laws import as_value
from concours.testing.toys import GROUP, REFERENCE, RUNNERS, code_of, kill_group, toy_setup


@dataclass(frozen=True, kw_only=True)
class Options:
    """How the contest is run.

    Attributes:
        workers: processes; 0 for inline.
        cluster: the address of a Ray cluster to run on instead.
        setup: arguments of `toy_setup`.
        cut: at which record of this session to write half a line and kill the contest.
        file_limit: the largest file that may be written, in bytes.
    """

    workers: int = 2
    cluster: str = ""
    setup: dict[str, Any] = field(default_factory=dict)
    cut: int | None = None
    file_limit: int | None = None


class CutJournal(FileJournal):
    """A journal in whose n-th writing the contest is killed."""

    left = 0

    def _write(self, line: bytes) -> None:
        self.left -= 1
        if self.left == 0:
            os.write(self._file, line[: len(line) // 2])
            kill_group()
        super()._write(line)


def main(folder: Path, options: Options) -> None:
    """Runs the contest to its end, or on from where it was killed."""
    os.environ[GROUP] = str(os.getpgrp())
    if options.file_limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (options.file_limit, options.file_limit))
    store, journal = DiskStore(folder / "store"), CutJournal(folder / "journal.jsonl")
    journal.left = options.cut or 0
    executor = _executor(store, options)
    memory = psutil.Process().memory_info().rss
    try:
        engine = Engine(store=store, journal=journal, executor=executor, code=code_of)
        outcome = circle(engine, toy_setup(store, **options.setup))
    finally:
        executor.close()
        journal.close()
    grown = psutil.Process().memory_info().rss - memory
    print(json.dumps({"digest": digest(outcome), "records": len(list(journal.records())), "grown": grown}))


def digest(outcome: Outcome) -> Digest:
    """Covers standings, candidates with all their digests, default, warnings and what the format shows."""
    candidates = {name: as_value(candidate) for name, candidate in outcome.candidates.items()}
    rest = [as_value(outcome.standings), outcome.default, outcome.complete, list(outcome.warnings)]
    rest.append(timeless(outcome.format))
    return digest_json([candidates, rest])


def _executor(store: DiskStore, options: Options) -> Executor:
    if options.cluster:
        from concours.engine.on_ray import RayExecutor

        return RayExecutor(store, REFERENCE, address=options.cluster, listener=_warned)
    workers = options.workers
    return ProcessExecutor(store, REFERENCE, workers=workers) if workers else InlineExecutor(store, RUNNERS)


def _warned(notice: Notice) -> None:
    if notice.topic == "warning":
        print(notice.text, file=sys.stderr)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Options(**json.loads(sys.argv[2])))
    except NoSpace as full:
        print(full, file=sys.stderr)
        sys.exit(full.exit_code)
