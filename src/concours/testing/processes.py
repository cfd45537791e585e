"""The conformance suite of processes."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from concours.core.digests import Digest, digest_json
from concours.core.entrant import Candidate
from concours.core.event import Cause, Cost, Done, Failed, Signal, Tick
from concours.core.job import Job
from concours.core.process import Hearing, Process
from concours.testing.laws import LawBroken, as_value, law
from concours.testing.outside import Outside, check_deafness
from concours.testing.toys import chance, invented_values

S = TypeVar("S")
Answer = Callable[[Job], Done | Failed]
_CAUSES: tuple[Cause, ...] = ("exception", "out_of_time", "crash")
_MOST_EVENTS = 100_000
_ORDERS = 4
_OUTSIDE = (0.0, 1.0, 0.3, 0.6)
"""By the order, how often a signal comes before the next job ends; all come before, or none while there are jobs."""


def all_well(job: Job) -> Done:
    """An outcome of the form that this kind of job has, made from its digest."""
    return Done(
        job=job.digest,
        outputs={name: digest_json([job.digest, name]) for name in job.outputs},
        values=invented_values(job),
        cost=Cost(wall_s=1.0, phases={"fit": chance(job, "fit"), "predict": chance(job, "predict")}),
    )


def all_fail(job: Job) -> Failed:
    """A failure, of a cause made from the job's digest."""
    return Failed(job=job.digest, cause=_CAUSES[int(3 * chance(job, "cause"))], reason=f"{job.label} failed")


def some_fail(job: Job) -> Done | Failed:
    """A failure for one job in six, chosen by its digest."""
    return all_fail(job) if chance(job, "fails") < 1 / 6 else all_well(job)


def check_process(
    process: Process[Any],
    candidates: Sequence[Candidate],
    *,
    seed: int = 0,
    answer: Answer = all_well,
    settled: bool = True,
    signals: Sequence[Signal] = (),
) -> None:
    """Checks the laws of `concours.core.process.Process`, and of `Hearing` if it hears, without running a model.

    Args:
        candidates: as many as the process wants.
        answer: invents how a job ends well; a function of the job.
        settled: whether the state must not depend on the order in which jobs end; of few processes it does.
        signals: what a process that hears is told of, between the outcomes of jobs, before, and after; by the last of
            them it can come to an end. Each comes again at times, and when all has ended.

    Raises:
        LawBroken: with the law that does not hold.
    """
    first, second = (as_value(process.init(candidates, seed=seed)) for _ in range(2))
    law(first == second, "`init` is pure: equal arguments give equal states")
    drives = [_driven(process, candidates, answer, signals, seed=seed, order=order) for order in range(_ORDERS)]
    ends = [end for end, _ in drives]
    for other in ends[1:] if settled else ():
        law(as_value(ends[0]) == as_value(other), "the state does not depend on the order in which jobs end")
    for end, outside in drives:
        if outside:
            law(outside.refusals == _refusals(drives), "what is refused does not depend on when jobs end")
            for state in outside.tell_late(end):
                again = _status(process, state, answer)
                law(
                    again == "finished",
                    f"a finished process that takes a signal comes to `finished` again, not {again}",
                )
        else:
            check_deafness(process, end)
    law(process.plan(ends[0]).status == "finished", "with every job done, the process comes to `finished`")
    for bad in (all_fail, some_fail):
        end, _ = _driven(process, candidates, bad, signals, seed=seed, order=0)
        law(process.plan(end).status == "finished", "a process comes to `finished` also when jobs fail")
        standings_of(process, end)


def check_outcome_is_settled(process: Process[Any], candidates: Sequence[Candidate], *, seed: int = 0) -> None:
    """Checks that what a competition says in the end does not depend on the order in which jobs end or fail.

    So the same contest ends the same on one worker and on many.
    """
    for answer in (some_fail, all_fail):
        ends = [final_state(process, candidates, answer, seed=seed, order=order) for order in range(_ORDERS)]
        first, *others = [standings_of(process, end) for end in ends]
        for other in others:
            law(first == other, f"standings do not depend on the order in which jobs end: {_difference(first, other)}")


def final_state(process: Process[S], candidates: Sequence[Candidate], answer: Answer, *, seed: int, order: int) -> S:
    """Drives a process to its end, its jobs answered in some order, and checks the laws on the way.

    Args:
        order: a seed for the order in which jobs end; 0 for the order of the plan.
    """
    return _driven(process, candidates, answer, (), seed=seed, order=order)[0]


def _driven(
    process: Process[S],
    candidates: Sequence[Candidate],
    answer: Answer,
    signals: Sequence[Signal],
    *,
    seed: int,
    order: int,
) -> tuple[S, Outside | None]:
    """The end of a process, and what it was told from outside, if it hears."""
    state, rng, answered = process.init(candidates, seed=seed), random.Random(order), set[Digest]()
    outside = Outside(process, signals, rng) if isinstance(process, Hearing) else None
    for _ in range(_MOST_EVENTS):
        plan = process.plan(state)
        wanted = [job.digest for job in plan.jobs]
        law(plan == process.plan(state), "`plan` is pure: equal states have equal plans")
        law(len(wanted) == len(set(wanted)), f"`plan` gives no job twice: {[job.label for job in plan.jobs]}")
        law(answered.isdisjoint(wanted), "`plan` stops asking for a job once its event has reached `update`")
        law(plan.status != "finished" or not plan.jobs, "a finished process asks for nothing")
        if outside and outside.left and (not plan.jobs or rng.random() < _OUTSIDE[order]):
            state = outside.tell(state)
            answered.clear()
            continue
        if not plan.jobs:
            return state, outside
        job = rng.choice(plan.jobs) if order and process.order == "arrival" else plan.jobs[0]
        answered.add(job.digest)
        state = _told(process, state, answer(job))
    raise LawBroken(f"a process ends after finitely many events; {_MOST_EVENTS} were not enough")


def _status(process: Process[S], state: S, answer: Answer) -> str:
    """Where a process comes to when its jobs are answered."""
    for _ in range(_MOST_EVENTS):
        plan = process.plan(state)
        if not plan.jobs:
            return plan.status
        state = _told(process, state, answer(plan.jobs[0]))
    raise LawBroken(f"a process ends after finitely many events; {_MOST_EVENTS} were not enough")


def standings_of(process: Process[S], state: S) -> Any:
    """What a competition's board says, as JSON; none of a process that has none."""
    standings = getattr(process, "standings", None)
    return as_value(standings(state)) if standings else None


def _told(process: Process[S], state: S, event: Done | Failed) -> S:
    before, after = as_value(state), process.update(state, event)
    law(as_value(state) == before, "`update` changes nothing: the old state is as it was")
    again = process.update(state, event)
    law(as_value(after) == as_value(again), "`update` is pure: equal arguments give equal states")
    process.plan(process.update(after, Tick(elapsed_s=1.0)))
    return after


def _refusals(drives: Sequence[tuple[Any, Outside | None]]) -> list[str]:
    _, first = drives[0]
    return first.refusals if first else []


def _difference(one: Any, other: Any) -> str:
    pairs = zip(one["lines"], other["lines"], strict=True)
    return next((f"{left} or {right}" for left, right in pairs if left != right), "none")
