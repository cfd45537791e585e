"""Processes: competitions and cooperations, in the one shape that both have.

Several candidates go in; the process asks for jobs, is told of events, and ends. All methods are pure, so one loop
drives every process on every executor, and a process is tested without running a model.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, Protocol, Self, TypeVar, overload, runtime_checkable

from concours.core.digests import Digest
from concours.core.entrant import Candidate, Entrant
from concours.core.event import Done, Event, Failed, Outcome, Signal
from concours.core.growing import Growing
from concours.core.job import Job
from concours.core.kept import Kept
from concours.core.standings import Standings

Order = Literal["plan", "arrival"]
Status = Literal["run", "wait", "finished"]

S = TypeVar("S")


@dataclass(frozen=True)
class Grouped(Sequence[Job]):
    """Jobs in groups, each once, where it comes first.

    To look whether two plans differ costs a glance at each group, where a group is the same object in both.
    """

    groups: tuple[tuple[Job, ...], ...]

    @cached_property
    def _flat(self) -> tuple[Job, ...]:
        found: dict[Digest, Job] = {}
        for group in self.groups:
            for job in group:
                found.setdefault(job.digest, job)
        return tuple(found.values())

    @overload
    def __getitem__(self, index: int) -> Job: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Job, ...]: ...

    def __getitem__(self, index: int | slice) -> Job | tuple[Job, ...]:
        return self._flat[index]

    def __len__(self) -> int:
        return len(self._flat)

    def __bool__(self) -> bool:
        return any(self.groups)


@dataclass(frozen=True)
class Plan:
    """The jobs that a process wants done now, most wanted first.

    A job that was in an earlier plan and is not in this one is no longer wanted and may be cancelled.
    `wait` says that the process has no work of its own but expects events from outside.
    """

    jobs: Sequence[Job] = ()
    status: Status = "run"

    @property
    def groups(self) -> tuple[tuple[Job, ...], ...]:
        """The jobs in groups, of which one that stands where it stood in an earlier plan has not changed."""
        return self.jobs.groups if isinstance(self.jobs, Grouped) else tuple((job,) for job in self.jobs)


class Process(Protocol[S]):
    """A competition or a cooperation over candidates.

    `S` is frozen and JSON-serialisable. Laws, checked by `concours.testing.check_process`:

    - all methods are pure: equal arguments give equal results, and nothing is changed;
    - `plan` gives no job twice, and stops asking for a job once its event has reached `update`; only a signal can bring
      it back, for a process that forgets: the journal does not;
    - with every job answered, `plan` comes to `finished` after finitely many events, also when every job fails;
    - `order` says in which order events of jobs reach `update`: as they come (`arrival`), or in the order in which
      `plan` gave the jobs (`plan`), for processes whose state depends on the order.
    """

    @property
    def order(self) -> Order: ...

    def init(self, candidates: Sequence[Candidate], *, seed: int) -> S: ...

    def plan(self, state: S) -> Plan: ...

    def update(self, state: S, event: Event) -> S: ...


class Competition(Process[S], Protocol[S]):
    """A process that ranks its candidates."""

    def standings(self, state: S) -> Standings: ...


class Cooperation(Process[S], Protocol[S]):
    """A process that joins its candidates into one entrant.

    What of it is to be said to people, `told` says in a line; nothing, if it is empty.
    """

    def result(self, state: S) -> Entrant: ...

    def told(self, state: S) -> str: ...


@runtime_checkable
class Foreseeing(Protocol):
    """A process that can tell how many seconds it will still take, about; none where it cannot yet."""

    def left_s(self, state: Any) -> float | None: ...


@runtime_checkable
class Hearing(Process[S], Protocol[S]):
    """A process that takes signals from outside; events reach it as they come. Laws, checked by `check_process`:

    - `refusal` follows from the signals that the state was told of, not from outcomes of jobs or from time: so what was
      taken once is taken in every replay;
    - a signal that is refused, or that has come before, changes nothing when it is told;
    - one that is `finished` refuses a signal, or takes it and comes to `finished` again: it waits for none;
    - signals are told in one order, and outcomes of jobs commute with them: in the end the state is the same, whenever
      which job ended, and whether it is done again.
    """

    @property
    def name(self) -> str:
        """To whom signals are addressed."""
        ...

    def refusal(self, state: S, signal: Signal) -> str:
        """Why a signal is not taken, in words for who sent it; empty where it is."""
        ...


@dataclass(frozen=True, kw_only=True)
class Memo:
    """The state of a process whose plan follows from what is known so far: how each job of its ended.

    Law: `with_event` commutes, so events may come in any order and the state is the same in the end.

    Attributes:
        kept: what planning made before, which follows from the rest: no part of the value.
    """

    candidates: tuple[Candidate, ...]
    seed: int
    known: Growing[Digest, Done | Failed] = field(default_factory=Growing)
    kept: Kept = field(default_factory=Kept, compare=False, repr=False)

    def with_event(self, event: Event) -> Self:
        """The state after an event; neither time nor what comes from outside changes anything."""
        if not isinstance(event, Outcome):
            return self
        return replace(self, known=self.known.with_item(event.job, event))

    def ended(self, job: Job) -> Done | Failed | None:
        """How a job ended, if it has."""
        return self.known.get(job.digest)

    def done(self, job: Job) -> Done | None:
        """How a job ended, if it ended well."""
        event = self.ended(job)
        return event if isinstance(event, Done) else None


class MemoProcess:
    """`init` and `update` of the processes whose state is a `Memo`. They override `plan`."""

    order: Order = "arrival"

    def init(self, candidates: Sequence[Candidate], *, seed: int) -> Memo:
        return Memo(candidates=tuple(candidates), seed=seed)

    def update(self, state: Memo, event: Event) -> Memo:
        return state.with_event(event)


def unfinished(state: Memo, jobs: Iterable[Job]) -> Plan:
    """The plan of those jobs that have not ended; finished when all have."""
    return planned((job,) if state.ended(job) is None else () for job in jobs)


def planned(groups: Iterable[tuple[Job, ...]]) -> Plan:
    """The plan of groups of jobs, all of which are wanted; finished when there is none."""
    jobs = Grouped(tuple(groups))
    return Plan(jobs, "run" if jobs else "finished")
