"""What the engine itself costs: planning a real board, and 1,000 jobs that do nothing beside a bare process pool.

    python benchmarks/engine.py [CANDIDATES x FOLDS …]

Planning: a `Leaderboard` of so many candidates, every other one on prepared data, is driven to its end by an executor
that answers at once, one job at a time, so that each outcome is an event of its own. CPU seconds of the whole loop, of
`plan`, `update`, matching and the journal in memory, less those in which answers are made up.

Jobs that do nothing: both have as many processes as this machine has cores, and are started before the clock is. The
engine plans, checks what it has done before, supervises memory and time, and writes every outcome to a journal; the
standard library's pool does none of that.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from concours.compete.leaderboard import Leaderboard
from concours.compete.pacing import Pace
from concours.core.digests import Digest
from concours.core.event import Done, Failed
from concours.core.job import Job
from concours.engine.journal import FileJournal, MemoryJournal
from concours.engine.limits import Limits
from concours.engine.loop import Engine
from concours.engine.processes import ProcessExecutor
from concours.engine.usage import usable_cores
from concours.stores.disk import DiskStore
from concours.stores.memory import MemoryStore
from concours.testing.processes import all_well
from concours.testing.toys import REFERENCE, Errands, code_of, toy_candidates, toy_problem

BOARDS = ("200 x 5", "1000 x 5")
JOBS = 1000
ROUNDS = 3
_GIB = 1 << 30
_DAY = 86_400.0


class AtOnce:
    """An executor that answers one job a call, at once, with an outcome of the right form; no model is run."""

    def __init__(self) -> None:
        self.queue: dict[Digest, Job] = {}
        self.cpu_s, self.answered = 0.0, 0

    def submit(self, job: Job) -> None:
        self.queue.pop(job.digest, None)
        self.queue[job.digest] = job

    def outcomes(self, *, timeout_s: float | None = None) -> Iterator[Done | Failed]:
        if not self.queue:
            return
        began = time.process_time()
        event = all_well(self.queue.pop(next(iter(self.queue))))
        self.cpu_s += time.process_time() - began
        self.answered += 1
        yield event

    def cancel(self, job: Job) -> None:
        self.queue.pop(job.digest, None)

    def close(self) -> None:
        self.queue.clear()


def planning_seconds(candidates: int, folds: int, *, paced: bool = False) -> tuple[float, int]:
    """CPU seconds that a board's planning takes, from nothing to the end, and how many jobs that were.

    Args:
        paced: within a limit of time, which nobody meets.
    """
    store, executor = MemoryStore(), AtOnce()
    pace = Pace(until_s=_DAY, workers=2) if paced else None
    board = Leaderboard(problem=toy_problem(store, folds=folds), pace=pace)
    engine = Engine(store=store, journal=MemoryJournal(), executor=executor, code=code_of)
    began = time.process_time()
    state = engine.drive(board, toy_candidates(candidates - 1), seed=0)
    seconds = time.process_time() - began - executor.cpu_s
    complete = sum(line.status == "ok" for line in board.standings(state))
    if complete != candidates:
        raise RuntimeError(f"{candidates} candidates were wanted, {complete} are complete")
    return seconds, executor.answered


def print_planning(boards: list[str]) -> None:
    """A line a board, without and with a limit of time."""
    for board in boards:
        candidates, folds = map(int, board.split("x"))
        for paced in (False, True):
            seconds, jobs = planning_seconds(candidates, folds, paced=paced)
            name = f"planning {candidates} x {folds}" + (" within a limit of time" if paced else "")
            print(f"{name}: {seconds:.2f} s ({jobs:,} jobs, load {os.getloadavg()[0]:.1f})", flush=True)


def noops(count: int, name: str) -> Errands:
    """A process that wants so many jobs that do nothing, jobs that no other name has."""
    return Errands(jobs=tuple(Job(runner="noop", params={"number": i, "name": name}) for i in range(count)))


def engine_seconds(folder: Path, workers: int) -> float:
    """Wall time of the jobs through the loop, a journal on disk, and worker processes."""
    store, journal = DiskStore(folder / "store"), FileJournal(folder / "journal.jsonl")
    executor = ProcessExecutor(store, REFERENCE, workers=workers, limits=Limits(memory=_GIB))
    engine = Engine(store=store, journal=journal, executor=executor, code=code_of)
    try:
        engine.drive(noops(4 * workers, "warm up"), (), seed=0)
        began = time.perf_counter()
        state = engine.drive(noops(JOBS, "measured"), (), seed=0)
        seconds = time.perf_counter() - began
    finally:
        executor.close()
        journal.close()
    if len(state.known) != JOBS:
        raise RuntimeError(f"{JOBS} jobs were wanted, {len(state.known)} were done")
    return seconds


def nothing(number: int) -> int:
    """Does nothing."""
    return number


def pool_seconds(workers: int) -> float:
    """Wall time of the jobs through `concurrent.futures.ProcessPoolExecutor`."""
    with ProcessPoolExecutor(workers) as pool:
        list(pool.map(nothing, range(4 * workers)))
        began = time.perf_counter()
        for future in [pool.submit(nothing, number) for number in range(JOBS)]:
            future.result()
        return time.perf_counter() - began


def main() -> None:
    """Prints a line a board, and where none is named, a table."""
    print_planning(sys.argv[1:] or list(BOARDS))
    if not sys.argv[1:]:
        print()
        print_pool()


def print_pool() -> None:
    """The table."""
    workers = usable_cores()
    engine, pool = [], []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            engine.append(engine_seconds(Path(folder), workers))
        pool.append(pool_seconds(workers))
    print(f"{JOBS} jobs that do nothing, {workers} processes, Python {platform.python_version()}, median of {ROUNDS}\n")
    print("| | s | ms a job |\n|---|---:|---:|")
    for name, times in (("engine, journal, supervised workers", engine), ("ProcessPoolExecutor", pool)):
        print(f"| {name} | {statistics.median(times):.2f} | {1000 * statistics.median(times) / JOBS:.2f} |")


if __name__ == "__main__":
    main()
