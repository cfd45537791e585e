"""Toy jobs: the kinds of a real contest, done in no time, so that the real processes run over them. Imports no numpy.

What a toy job yields is made from its digest and nothing else. What it does besides is set by environment variables, so
that it reaches workers:

- `CONCOURS_TOYS_MARKS`: a file outside store and journal, to which every job adds a line when it begins and ends;
- `CONCOURS_TOYS_SLEEP`: the longest a job may sleep, in seconds; how long each one does is made from its digest;
- `CONCOURS_TOYS_BYTES`: the size of what it yields;
- `CONCOURS_TOYS_KILL`: the label of a job; when half of what it yields is written, all of the process group
  `CONCOURS_TOYS_GROUP` is killed, and its own.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from concours.core.digests import Digest, digest_json
from concours.core.entrant import Candidate, Entrant
from concours.core.job import Job
from concours.core.kind import Input, Output
from concours.core.ports import Store
from concours.core.problem import Goal, Part, Problem
from concours.core.process import Memo, MemoProcess, Plan, unfinished
from concours.engine.work import JobResult, RunnerSpec
from concours.testing.mischief import MISCHIEF
from concours.testing.toy_values import chance, invented_values

if TYPE_CHECKING:  # what makes contests is imported there: workers of toy jobs need none of it, and start the sooner
    from concours.compete.jobs import Final
    from concours.contest.setup import Setup
    from concours.cooperate.federated import Federation

MARKS, SLEEP, BYTES, KILL, GROUP = (f"CONCOURS_TOYS_{name}" for name in ("MARKS", "SLEEP", "BYTES", "KILL", "GROUP"))
_DEFAULT_BYTES = 1 << 16
_KINDS = (
    "check",
    "ask_in_words",
    "portion",
    "calibrate",
    "prepare",
    "fit",
    "gather",
    "blend",
    "select",
    "size",
    "boost",
    "weigh_steps",
    "meta_learner",
    "weigh",
    "cascade",
    "ask",
    "scorers",
    "pick",
    "route",
    "router",
    "send",
    "architectures",
    "choose_mix",
    "evolve",
    "merge",
    "pupils",
    "teach",
    "distil",
    "slim",
    "eliminate",
    "score",
    "evaluate",
    "receive",
    "receive_file",
    "run_submission",
    "run_scorer",
    "rank",
    "ally",
    "watch",
    "climb",
    "rank_scores",
    "rescore",
    "choice",
    "credit",
    "card",
    "diagnose",
    "answers",
    "by_fold",
    "complement",
    "importance",
    "dependence",
    "occlude",
    "gradients",
    "aligned",
    "curve",
    "attack",
    "train_on_attacks",
    "robustness",
    "train_pair",
    "evaluate_generators",
    "train_interval",
    "begin_federation",
    "local",
    "aggregate_round",
    "settle_federation",
    "train_at_home",
    "as_sites_say",
    "score_sites",
    "credit_sites",
    "suspect_sites",
    "attack_members",
    "propose",
    "subsample",
    "rung",
    "prune",
    "duels",
    "count_votes",
    "rate",
    "read_prompts",
    "receive_answers",
)


_FITTING = ("fit", "merge", "distil", "slim", "local", "train_at_home")


def toy(job: Job, store: Store) -> JobResult:
    """Reads its inputs, sleeps a little, does its mischief if it has any, and yields content made from its digest."""
    with marked(job):
        for digest in job.inputs.values():
            with store.open(digest) as file:
                file.read(1)
        time.sleep(float(os.environ.get(SLEEP, "0")) * chance(job, "sleep"))
        _misbehave(job)
        return JobResult(
            outputs={name: store.put(_content(job, name)) for name in job.outputs},
            values=invented_values(job),
            phases={"fit": 1.0, "predict": 0.5} if job.runner in _FITTING else {},
        )


def noop(job: Job, store: Store) -> JobResult:  # noqa: ARG001 (the form of a runner)
    """Does nothing."""
    return JobResult()


RUNNERS = {
    **{kind: RunnerSpec(reference="concours.testing.toys:toy", version=1) for kind in _KINDS},
    "noop": RunnerSpec(reference="concours.testing.toys:noop", version=1),
}
"""By the kind of job, like those of `concours.engine.runners`."""

REFERENCE = "concours.testing.toys:RUNNERS"


def code_of(job: Job) -> Digest:
    """The digest of the code of a toy job, for an engine."""
    return digest_json(RUNNERS[job.runner].version)


@dataclass(frozen=True, kw_only=True)
class Errands(MemoProcess):
    """A process that wants some jobs done, and nothing else."""

    jobs: tuple[Job, ...]

    def plan(self, state: Memo) -> Plan:
        return unfinished(state, self.jobs)


def toy_job(name: str, *, mischief: str | None = None, outputs: tuple[str, ...] = ("first", "second")) -> Job:
    """A job of the toys' table."""
    params = {"mischief": mischief} if mischief else {}
    return Job(runner="fit", params={"name": name, "params": params}, outputs=outputs, label=name)


def toy_output(classes: int) -> Output:
    """Of so many classes, called 0, 1, …, or a number where there are none."""
    from concours.tasks.outputs.classes import Classes  # here, so that workers of toys import no numpy
    from concours.tasks.outputs.number import Number

    return (Classes(classes=classes, called=tuple(range(classes))) if classes else Number()).value


def toy_problem(store: Store, *, folds: int = 3, test: bool = True, classes: int = 3, seed: int = 0) -> Problem:
    """A problem whose data are a few bytes in the store."""

    def kept(name: str) -> Digest:
        return store.put(io.BytesIO(f"{name} {seed}".encode()))

    def part(name: str) -> Part:
        return Part(x=kept(f"{name} x"), y=kept(f"{name} y"), ids=kept(f"{name} ids"), rows=100)

    return Problem(
        name="toys",
        kind="tabular-classification" if classes else "tabular-regression",
        input=Input(name="table", can=("columns", "change")),
        output=toy_output(classes),
        metrics=(Goal(name="log_loss", greater_is_better=False), Goal(name="accuracy", greater_is_better=True)),
        train=part("train"),
        folds=kept("folds"),
        n_folds=folds,
        test=part("test") if test else None,
    )


def toy_candidates(count: int = 4, *, mischief: Sequence[str] = ()) -> tuple[Candidate, ...]:
    """A baseline and some entrants, every other one on prepared data; then one entrant for each mischief."""
    baseline = Entrant(name="dummy", recipe="toy", params={"number": -1}, prepare="toy", role="baseline")
    raw = [Entrant(name=f"toy{i}", recipe="toy", params={"number": i}, prepare="none") for i in range(count)]
    entrants = [replace(entrant, prepare="toy") if i % 2 else entrant for i, entrant in enumerate(raw)]
    clumsy = [Entrant(name=name, recipe="toy", params={"mischief": name}, prepare="none") for name in mischief]
    return tuple(Candidate(entrant=entrant) for entrant in (baseline, *entrants, *clumsy))


def toy_federation(store: Store, *, count: int = 5, **how: Any) -> Federation:
    """So many sites, whose rows are a few bytes in the store."""
    from concours.cooperate.federated import Federation

    sites, test_sites = (store.put(io.BytesIO(name)) for name in (b"sites", b"test sites"))
    names = tuple(f"site {number}" for number in range(count))
    return Federation(of="", names=names, sites=sites, test_sites=test_sites, rows=(20,) * count, **how)


def toy_setup(
    store: Store,
    *,
    entrants: int = 4,
    folds: int = 3,
    test: bool = True,
    final: Final = "refit",
    strategies: Sequence[str] = ("average", "vote", "greedy", "stack"),
    mischief: Sequence[str] = (),
    format: str = "leaderboard",
    options: Mapping[str, Any] | None = None,
    federation: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> Setup:
    """All that `concours.contest.circle.circle` needs for a contest of toy jobs."""
    from concours.contest.formats import options_of
    from concours.contest.setup import Setup
    from concours.contest.strategies import read_strategies

    return Setup(
        problem=toy_problem(store, folds=folds, test=test, seed=seed),
        federation=toy_federation(store, **(federation or {})) if format == "federation" else None,
        candidates=toy_candidates(entrants, mischief=mischief),
        skipped={},
        seed=seed,
        final=final,
        strategies=read_strategies(strategies),
        format=format,
        options=options_of(format, options or {}),
    )


@dataclass(frozen=True)
class Mark:
    """A line of the file of marks."""

    what: Literal["begin", "end"]
    job: Digest
    label: str


@contextmanager
def marked(job: Job) -> Iterator[None]:
    """Marks the beginning and, unless it is lost on the way, the end of a job."""
    _mark("begin", job)
    try:
        yield
    finally:
        _mark("end", job)


def read_marks(path: Path) -> list[Mark]:
    """The marks in a file, in the order in which they were made."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [Mark(*line.split(" ", 2)) for line in lines]  # type: ignore[arg-type]


def kill_group() -> None:
    """Kills the process group that runs the contest, and this process's own, as from outside.

    The fence around a job keeps its signals back. On Linux the system sends this one, when a byte comes into a pipe.
    """
    group = int(os.environ[GROUP])
    if sys.platform == "linux":
        end, beginning = os.pipe()
        fcntl.fcntl(end, fcntl.F_SETOWN, -group)
        fcntl.fcntl(end, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(end, fcntl.F_SETFL, fcntl.fcntl(end, fcntl.F_GETFL) | os.O_ASYNC)
        os.write(beginning, b"!")
    else:
        os.killpg(group, signal.SIGKILL)
    os.killpg(0, signal.SIGKILL)


def _mark(what: str, job: Job) -> None:
    path = os.environ.get(MARKS)
    if path:
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(file, f"{what} {job.digest} {job.label}\n".encode())
        os.close(file)


def _misbehave(job: Job) -> None:
    params = job.params.get("params", job.params)
    if job.runner == "fit" and "mischief" in params:
        MISCHIEF[params["mischief"]]()


def _content(job: Job, name: str) -> io.BytesIO:
    size = int(os.environ.get(BYTES, _DEFAULT_BYTES))
    content = hashlib.shake_256(f"{job.digest} {name}".encode()).digest(size)
    return _Cut(content) if os.environ.get(KILL) == job.label else io.BytesIO(content)


class _Cut(io.BytesIO):
    """Content at whose middle the contest is killed."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell():
            kill_group()
        return super().read(len(self.getbuffer()) // 2)
