"""A session: an engine on a run folder, with workers, for as long as there is something to run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args

from concours.core.errors import ContestError
from concours.core.ports import Executor, Listener, Notice, Store
from concours.engine.identity import code_digests
from concours.engine.inline import InlineExecutor
from concours.engine.journal import FileJournal
from concours.engine.limits import Limits, memory_per_worker
from concours.engine.loop import Engine
from concours.engine.on_ray import RayExecutor
from concours.engine.processes import ProcessExecutor
from concours.engine.runners import RUNNERS
from concours.runs.folder import RunFolder

EngineName = Literal["inline", "processes", "ray"]
_TABLE = "concours.engine.runners:RUNNERS"

Around = Callable[[Executor, Store], Executor]
"""Makes an executor of the one that runs jobs here, on the store of a run folder."""


def same(home: Executor, store: Store) -> Executor:  # noqa: ARG001 (the form of `Around`)
    """All jobs run here."""
    return home


@contextmanager
def session(
    out: RunFolder,
    *,
    engine: EngineName,
    workers: int | None,
    listener: Listener,
    job_seconds: float,
    job_memory: int | None = None,
    budget_s: float | None = None,
    began: float | None = None,
    journal: Path | None = None,
    address: str = "auto",
    around: Around = same,
) -> Iterator[Engine]:
    """An engine that goes on with a journal of a folder, by default the contest's. The caller may write there.

    Args:
        workers: jobs at a time; on a cluster, by default, as many as its share of it allows.
        job_memory: bytes of one job; by default an equal share of what is free where it is done.
        address: of a cluster (`engine.cluster`).
        began: on `time.monotonic`, since when time counts.
    """
    limits = Limits(seconds=job_seconds, memory=job_memory, budget_s=budget_s)
    if engine != "ray":
        limits = replace(limits, memory=job_memory or memory_per_worker(workers or 1))
    executor = around(executor_for(engine, out, workers, limits, listener, address=address), out.store)
    try:
        records = FileJournal(journal or out.journal)
        if records.damaged:
            listener(Notice(topic="warning", text=damaged_text(records.damaged, records.path)))
        try:
            yield Engine(
                store=out.store,
                journal=records,
                executor=executor,
                code=code_digests(RUNNERS),
                limits=limits,
                listener=listener,
                spent_s=0.0 if began is None else time.monotonic() - began,
            )
        finally:
            records.close()
    finally:
        executor.close()


def executor_for(
    name: str, out: RunFolder, workers: int | None, limits: Limits, listener: Listener, *, address: str = "auto"
) -> Executor:
    """What runs the jobs of a folder.

    Raises:
        ContestError: there is no such engine. ClusterError: no cluster answers at the address.
    """
    if name == "inline":
        return InlineExecutor(out.store, RUNNERS, listener=listener)
    if name == "processes":
        return ProcessExecutor(out.store, _TABLE, workers=workers or 1, limits=limits, logs=out.logs, listener=listener)
    if name != "ray":
        raise ContestError(f"engine must be one of {', '.join(get_args(EngineName))}; got {name!r}")
    return RayExecutor(
        out.store, _TABLE, address=address, workers=workers, limits=limits, logs=out.logs, listener=listener
    )


def damaged_text(lines: int, journal: Path) -> str:
    """What is to be said of damaged lines of a journal."""
    return f"{lines} lines of {journal} are damaged; a run does their jobs again"
