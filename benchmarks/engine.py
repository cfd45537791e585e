"""What the engine itself costs: 1,000 jobs that do nothing, beside the standard library's process pool.

    python benchmarks/engine.py

Both have as many processes as this machine has cores, and are started before the clock is. The engine plans, checks
what it has done before, supervises memory and time, and writes every outcome to a journal; the pool does none of that.
"""

from __future__ import annotations

import platform
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from concours.core.job import Job
from concours.engine.journal import FileJournal
from concours.engine.limits import Limits
from concours.engine.loop import Engine
from concours.engine.processes import ProcessExecutor
from concours.engine.usage import usable_cores
from concours.stores.disk import DiskStore
from concours.testing.toys import REFERENCE, Errands, code_of

JOBS = 1000
ROUNDS = 3
_GIB = 1 << 30


def noops(count: int, name: str) -> Errands:
    """A process that wants so many jobs that do nothing, jobs that no other name has."""
    return Errands(jobs=tuple(Job(kind="noop", params={"number": i, "name": name}) for i in range(count)))


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
    """Prints a table."""
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
