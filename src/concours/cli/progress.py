"""Live progress: what runs, what is done, how well, and how long it may still take."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Group
from rich.live import Live
from rich.table import Table

from concours.cli.console import Console
from concours.cli.terminal import console, escape
from concours.core.event import Done, Failed
from concours.core.job import Job
from concours.core.ports import Listener, Notice

_COOPERATING = ("select", "size", "boost", "layer", "weigh", "blend")


_LOOKING = "looking closer, for the report"


@contextmanager
def watching(budget_s: float | None) -> Iterator[Listener]:
    """A listener that shows a contest on standard error: a live table in a terminal, otherwise a line an entrant."""
    out = console(stderr=True)
    progress = Progress(budget_s)
    if not out.is_terminal:
        yield _Lines(out, progress)
        return
    with Live(get_renderable=progress.render, console=out, refresh_per_second=5, transient=True):
        yield _Warnings(out, progress)


class Progress:
    """What a person needs to know of a contest that runs."""

    def __init__(self, budget_s: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._now_s = clock
        self._began, self._budget_s = clock(), budget_s
        self._foreseen: tuple[float, float] | None = None
        self.rows: dict[str, _Row] = {}
        self._step = "reading the data"
        self._running: dict[str, tuple[Job, float]] = {}

    def __call__(self, notice: Notice) -> None:
        job = notice.job
        if notice.topic == "left" and notice.values:
            self._foreseen = (self._now_s(), notice.values["seconds"])
        if job is None:
            return
        name, _, _part = job.label.partition(": ")
        if notice.topic == "started":
            self._running[job.digest] = (job, self._now_s())
        elif notice.topic in ("ended", "cancelled", "recalled"):
            self._running.pop(job.digest, None)
        if job.runner in ("check", "fit", "score", "blend"):
            self.rows.setdefault(name, _Row()).hear(notice)
        self._step = _step(job)

    def render(self) -> Group:
        """The table of entrants and a line for the whole."""
        table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
        for column in ("entrant", "fits", "cv score", "now"):
            table.add_column(column)
        for name, row in self.rows.items():
            table.add_row(escape(name), row.bar(), row.score, self._now(name, row))
        if self._step == _LOOKING:
            doing = ", ".join(job.label.partition(": ")[2] for job, _ in self._running.values())
            return Group(f"[bold]{self._step}[/]  {self._clock()}  [dim]{escape(doing)}[/]")
        return Group(table, f"[bold]{self._step}[/]  {self._clock()}")

    def _now(self, name: str, row: _Row) -> str:
        if row.failure:
            return f"[red]{escape(row.failure[:70])}[/]"
        parts = [
            job.label.partition(": ")[2] for job, _ in self._running.values() if job.label.partition(": ")[0] == name
        ]
        return escape(", ".join(parts) + (f"  {row.note}" if parts and row.note else ""))

    def _clock(self) -> str:
        elapsed, left = self._now_s() - self._began, self.left_s()
        text = f"{_clock(elapsed)} so far"
        if left is not None:
            text += f", about {_clock(left)} left"
        return text + (f" of {_clock(self._budget_s)}" if self._budget_s else "")

    def left_s(self) -> float | None:
        """Seconds until all is over, about: as the plan of a budget foresees it, and no more than there are.

        Without a budget from what the fits that are done have cost, those of the same entrant if there are any.
        """
        if self._foreseen and self._budget_s:
            at, seconds = self._foreseen
            now = self._now_s()
            return max(min(seconds - (now - at), self._budget_s - (now - self._began)), 0.0)
        costs = [row.mean_s for row in self.rows.values() if row.mean_s is not None]
        if not costs:
            return None
        typical = statistics.fmean(costs)
        waiting = sum((typical if row.mean_s is None else row.mean_s) * row.left for row in self.rows.values())
        return waiting / max(len(self._running), 1)


def _step(job: Job) -> str:
    """What a contest is doing when it runs a job."""
    if job.label.startswith("report: "):
        return _LOOKING
    return (
        "evaluating"
        if job.runner in ("evaluate", "choice")
        else "sharing the credit"
        if job.runner == "credit"
        else "cooperating"
        if job.runner in _COOPERATING
        else "competing"
    )


class _Row:
    """One entrant: its fits, its score, what it last told."""

    def __init__(self) -> None:
        self.planned: set[str] = set()
        self.done: set[str] = set()
        self.seconds: list[float] = []
        self.score, self.note, self.failure = "", "", ""

    @property
    def left(self) -> int:
        return 0 if self.failure else len(self.planned - self.done)

    @property
    def mean_s(self) -> float | None:
        return statistics.fmean(self.seconds) if self.seconds else None

    def hear(self, notice: Notice) -> None:
        job, event = notice.job, notice.event
        if job is None:
            return
        if job.runner == "fit":
            self.planned.add(job.digest)
        if notice.values and "epoch" in notice.values:
            values = notice.values
            self.note = f"epoch {values['epoch']:g}/{values.get('epochs', 0):g}" + (
                f", loss {values['loss']:.3f}" if "loss" in values else ""
            )
        if isinstance(event, Failed):
            self.failure = event.reason
        elif isinstance(event, Done):
            if job.runner == "fit":
                self.done.add(job.digest)
                self.seconds += [event.cost.wall_s] if notice.topic == "ended" else []
            elif job.runner == "score":
                self.score = f"{event.values['score']:.4f} ± {event.values['stderr']:.4f}"

    def bar(self) -> str:
        """A dot a fit."""
        return f"[green]{'●' * len(self.done)}[/][dim]{'○' * len(self.planned - self.done)}[/]"


class _Warnings:
    """A progress that also prints what was read, and warnings, above the live table."""

    def __init__(self, console: Console, progress: Progress) -> None:
        self._console, self._progress = console, progress

    def __call__(self, notice: Notice) -> None:
        self._progress(notice)
        if notice.topic == "reading":
            self._console.print(f"[dim]{escape(notice.text)}[/]", soft_wrap=True)
        if notice.topic == "warning":
            self._console.print(f"[yellow]warning[/]: {escape(notice.text)}", soft_wrap=True)


class _Lines(_Warnings):
    """Progress where there is no terminal: a line for each entrant that is complete or fails."""

    def __init__(self, console: Console, progress: Progress) -> None:
        super().__init__(console, progress)
        self._told: set[str] = set()

    def __call__(self, notice: Notice) -> None:
        super().__call__(notice)
        job, event = notice.job, notice.event
        if job is None or notice.topic != "ended":
            return
        name = job.label.partition(": ")[0]
        if isinstance(event, Failed) and job.runner in ("check", "fit", "prepare"):
            if event.cause == "recipe" or name in self._told:
                return
            self._told.add(name)
            self._console.print(f"{escape(name)}: {escape(event.reason)}", soft_wrap=True)
        elif job.runner == "score" and isinstance(event, Done):
            self._console.print(
                f"{escape(name)}: cross-validation score {self._progress.rows[name].score}", soft_wrap=True
            )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d} min" if minutes else f"{rest} s"
