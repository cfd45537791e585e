"""The executor of a cluster: slots that Ray places, each with a worker of ours, and what goes to them and comes back.

Jobs go out and outcomes come in as JSON, with digests for data: content travels between nodes and the store alone.
Ray is told nothing of jobs, so that it repeats none: a job whose slot is lost, with its worker or its node, goes to the
head of the queue, and what it had yielded lies in the store under the same digests.
"""

from __future__ import annotations

import io
import json
import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from concours.core.consent import environment
from concours.core.digests import Digest
from concours.core.errors import ClusterError
from concours.core.event import Done, Failed, Outcome, event_from_json
from concours.core.job import Job
from concours.core.ports import Listener, Notice, ignore
from concours.core.registry import load
from concours.engine.cluster import NAMESPACE, Cluster, Shape
from concours.engine.identity import code_digests
from concours.engine.limits import Limits
from concours.engine.processes import code_of, keep_log, like
from concours.engine.slots import Opened, Slot, Terms, Turn, differing, surroundings
from concours.engine.team import Team
from concours.stores.address import AddressedStore

_POLL_S = 0.5
_PATIENCE_S = 1.0
_CALM = 50
"""So many slots tell of their progress in a second; more of them less often."""
_AT_ONCE_S = 0.1
_MOST_AT_ONCE = 64
_LOOK_AHEAD = 100
_OPENING = 64
"""As many slots are being opened at a time."""
_LOSSES = 3
_WAITING_S = 20.0
_OURS = "CONCOURS_"


@dataclass(eq=False)
class _Handle:
    """A slot as the executor holds it.

    Attributes:
        coming: what it has been asked, and has not answered.
        jobs: those that it has, in their order.
        code: of a user, in its worker.
        placement: the placement group of a team.
    """

    actor: Any
    shape: Shape
    coming: Any
    opened: Opened | None = None
    jobs: dict[Digest, Job] = field(default_factory=dict)
    code: str | None = None
    placement: Any = None


class RayExecutor:
    """Runs jobs on the nodes of a Ray cluster, in slots that have what a job needs; one whose needs have parts, in a
    team of as many slots, wherever there is room (`engine.team`).

    Several contests on one cluster have equal shares of its cores: a contest that holds more gives slots back as their
    jobs end. Jobs that take a moment go to a slot several at a time. A node whose Python, Concours or packages are not
    those of the command, or that does not see the store, gets no job, and is named.

    Args:
        address: as of `Cluster`.
        workers: slots at most; by default its share of the cluster.
        limits: as of a `ProcessExecutor`; memory by default a share of what is free on a node.

    Raises:
        ClusterError: no cluster answers. MissingPackage: Ray is not installed.
    """

    def __init__(
        self,
        store: AddressedStore,
        runners: str,
        *,
        address: str = "auto",
        workers: int | None = None,
        threads: int = 1,
        limits: Limits | None = None,
        logs: Path | None = None,
        listener: Listener = ignore,
    ) -> None:
        if workers is not None and workers < 1:
            raise ValueError(f"workers must be at least 1, got {workers}")
        self._cluster = Cluster(address)
        self._logs, self._listener, self._most = logs, listener, workers
        self._table = load(runners)
        self._code = code_digests(self._table)
        self._terms = Terms(
            store=store.address,
            probe=store.put(io.BytesIO(b"what every node must see")),
            runners=runners,
            threads=threads,
            limits=limits or Limits(),
            machine=surroundings(),
            environment=_told(),
        )
        self._far = "://" in store.address
        self._name, self._made = os.urandom(8).hex(), 0
        self._queue: dict[Digest, Job] = {}
        self._ended: list[Done | Failed] = []
        self._slots: list[_Handle] = []
        self._losses: Counter[Digest] = Counter()
        self._took: dict[str, float] = {}
        self._lies: dict[Digest, set[str]] = defaultdict(set)
        self._since, self._said = time.monotonic(), False

    def submit(self, job: Job) -> None:
        if any(job.digest in slot.jobs for slot in self._slots):
            return
        self._queue.pop(job.digest, None)
        if refused := self._cluster.refusal(job):
            self._ended.append(refused)
        else:
            self._queue[job.digest] = job

    def outcomes(self, *, timeout_s: float | None = None) -> Iterator[Done | Failed]:
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            self._feed()
            if not self._ended and not self._queue and not any(slot.jobs for slot in self._slots):
                return
            left = _POLL_S if deadline is None else min(_POLL_S, max(deadline - time.monotonic(), 0))
            self._listen(0.0 if self._ended else left)
            ended, self._ended = self._ended, []
            yield from ended
            if ended or (deadline is not None and time.monotonic() >= deadline):
                return

    def cancel(self, job: Job) -> None:
        self._queue.pop(job.digest, None)
        self._ended = [event for event in self._ended if event.job != job.digest]
        for slot in self._slots:
            if slot.jobs.pop(job.digest, None):
                slot.actor.cancel.remote(json.dumps(job.to_json()))

    def close(self) -> None:
        self._queue.clear()
        self._ended.clear()
        for slot in list(self._slots):
            self._drop(slot)
        self._cluster.leave()

    def _feed(self) -> None:
        """Gives waiting jobs to slots that are free, and opens and closes slots by what waits and by the share."""
        if not self._queue and not self._slots:
            return
        self._cluster.look()
        idle = [slot for slot in self._slots if slot.opened and slot.coming is None and not slot.jobs]
        for slot in idle:
            if self._held() > self._cluster.share and len(self._slots) > 1:
                self._drop(slot)
            elif jobs := self._jobs_for(slot):
                self._give(slot, jobs)
        if self._queue:
            self._open()

    def _held(self) -> int:
        return sum(slot.shape.all_cores for slot in self._slots)

    def _open(self) -> None:
        """Opens slots for the jobs that wait; where there is room for no more, one that is idle gives way."""
        opening = Counter(slot.shape for slot in self._slots if slot.opened is None)
        wanted = Counter(self._cluster.shape(job) for job in islice(self._queue.values(), _LOOK_AHEAD))
        for shape, count in wanted.items():
            for _ in range(min(count, _OPENING) - opening[shape]):
                if not self._room(shape):
                    return
                self._slots.append(self._opened(shape))
        if opening and not self._said and time.monotonic() - self._since > _WAITING_S:
            self._said = True
            self._warn("waiting for room on the cluster: others hold what the next jobs need")

    def _room(self, shape: Shape) -> bool:
        while self._slots and (len(self._slots) == self._most or self._held() + shape.all_cores > self._cluster.share):
            idle = [slot for slot in self._slots if slot.opened and not slot.coming and slot.shape != shape]
            if not idle:
                return False
            self._drop(idle[0])
        return True

    def _opened(self, shape: Shape) -> _Handle:
        ray, self._made = self._cluster.ray, self._made + 1
        named = {"name": f"{self._name}.{self._made}", "namespace": NAMESPACE, "max_concurrency": 2, **shape.options()}
        terms = replace(self._terms, cores=shape.cores)
        if shape.parts == 1:
            actor = ray.remote(Slot).options(**named, **self._cluster.elsewhere()).remote(terms)
            return _Handle(actor, shape, actor.open.remote())
        placement = self._cluster.placement(shape)
        first = self._cluster.within(placement)
        actor = ray.remote(Team).options(**named, **first).remote(terms, shape.options(), shape.parts)
        return _Handle(actor, shape, actor.open.remote(), placement=placement)

    def _jobs_for(self, slot: _Handle) -> list[Job]:
        """The first waiting job that a slot has room for, but rather one whose code or data it has; and, if such jobs
        take a moment, those of the same sort that follow.
        """
        waiting = islice(self._queue.values(), _LOOK_AHEAD)
        fitting = [job for job in waiting if self._cluster.shape(job) == slot.shape]
        if not fitting:
            return []
        job = max(fitting[: 2 * len(self._slots)], key=lambda job: self._suits(slot, job))
        many = self._at_once(job)
        return [job, *(o for o in fitting if o is not job and (like(o), code_of(o)) == (like(job), code_of(job)))][
            :many
        ]

    def _suits(self, slot: _Handle, job: Job) -> tuple[bool, int]:
        near = sum(slot.opened.node in self._lies[d] for d in job.inputs.values()) if self._far and slot.opened else 0
        return slot.code == code_of(job), near

    def _at_once(self, job: Job) -> int:
        """How many jobs of a sort go to a slot together: as many as end in a moment, and no more than its share; to a
        team one.
        """
        if job.needs.parts > 1:
            return 1
        many = int(_AT_ONCE_S / max(self._took.get(like(job), 1.0), _AT_ONCE_S / _MOST_AT_ONCE))
        return max(min(many, -(-len(self._queue) // len(self._slots))), 1)

    def _give(self, slot: _Handle, jobs: list[Job]) -> None:
        for job in jobs:
            del self._queue[job.digest]
            slot.jobs[job.digest] = job
            self._listener(Notice(topic="started", job=job))
        slot.code = code_of(jobs[0])
        sent = [(json.dumps(job.to_json()), self._code_of(job)) for job in jobs]
        slot.coming = slot.actor.turn.remote(sent, self._patience())

    def _code_of(self, job: Job) -> Digest:
        return self._code(job) if job.runner in self._table else Digest("")

    def _patience(self) -> float:
        return max(_PATIENCE_S, len(self._slots) / _CALM)

    def _listen(self, timeout_s: float) -> None:
        """Takes in what slots have answered, and asks those on that still have jobs."""
        ray = self._cluster.ray
        coming = {slot.coming: slot for slot in self._slots if slot.coming is not None}
        if not coming:
            return
        ready, _ = ray.wait(list(coming), num_returns=1, timeout=timeout_s)
        if ready:
            ready, _ = ray.wait(list(coming), num_returns=len(coming), timeout=0)
        for ref in ready:
            slot = coming[ref]
            try:
                answer = ray.get(ref)
            except ray.exceptions.RayActorError as error:
                self._lost(slot, str(error))
                continue
            except ray.exceptions.RayError as error:
                raise ClusterError(f"a slot of the cluster failed: {_last(error)}") from None
            slot.coming = None
            if isinstance(answer, Opened):
                self._take_over(slot, answer)
            else:
                self._take(slot, answer)
            if slot.jobs and slot.coming is None:
                slot.coming = slot.actor.turn.remote([], self._patience())

    def _take_over(self, slot: _Handle, opened: Opened) -> None:
        """A slot has been placed: on a node that can do the contest's jobs, or on one that gets none."""
        slot.opened, self._since = opened, time.monotonic()
        if opened.refusal:
            self._leave_out(slot, opened.refusal)

    def _leave_out(self, slot: _Handle, why: str) -> None:
        node = slot.opened
        self._drop(slot)
        if node and node.node not in self._cluster.unfit:
            text = f"the node {node.name} ({node.node[:8]}) {why}"
            if not self._cluster.leave_out(node.node, why):
                raise ClusterError(f"no node of the cluster can do the jobs: {text}; make them alike")
            self._warn(f"{text}; it gets no jobs")

    def _take(self, slot: _Handle, turn: Turn) -> None:
        node = slot.opened.node if slot.opened else ""
        for name, content in turn.logs.items():
            if self._logs:
                keep_log(self._logs, name, content)
        for digest, values in turn.progress.items():
            if job := slot.jobs.get(digest):
                self._listener(Notice(topic="progress", job=job, values=values))
        for event in map(event_from_json, turn.ended):
            if isinstance(event, Outcome) and (job := slot.jobs.pop(event.job, None)):
                self._learn(job, event, node)
                self._ended.append(event)
        if turn.others:
            self._again(slot)
            slot.opened = turn.where or slot.opened
            self._leave_out(slot, differing(next(iter(turn.others.values()))) or "would run other code")
        elif turn.lost:
            self._lost(slot, why=turn.lost)

    def _learn(self, job: Job, event: Done | Failed, node: str) -> None:
        before = self._took.get(like(job), event.cost.wall_s)
        self._took[like(job)] = max((before + event.cost.wall_s) / 2, event.cost.wall_s / 2)
        if self._far and isinstance(event, Done):
            for digest in (*job.inputs.values(), *event.outputs.values()):
                self._lies[digest].add(node)

    def _lost(self, slot: _Handle, error: str = "", *, why: str = "") -> None:
        """A slot is gone, with its worker or its node: its jobs come first, elsewhere.

        Args:
            why: what a team says of it.
        """
        if "No module named 'concours'" in error:
            raise ClusterError("a node of the cluster has no Concours: install the version of the command on all nodes")
        for digest in slot.jobs:
            self._losses[digest] += 1
        gone = [job for job in slot.jobs.values() if self._losses[job.digest] >= _LOSSES]
        for job in gone:
            del slot.jobs[job.digest]
            reason = f"its worker or its node was lost {_LOSSES} times while it was done" + (why and f": {why}")
            self._ended.append(Failed(job=job.digest, cause="crash", reason=reason))
        if slot.jobs:
            where = f"the node {slot.opened.name}" if slot.opened else "a node"
            names = ", ".join(f"“{job.label}”" for job in islice(slot.jobs.values(), 3))
            self._warn(f"{why or f'a slot on {where} was lost'}; what it was doing is done again: {names}")
        self._since = time.monotonic()
        self._again(slot)
        self._drop(slot)

    def _again(self, slot: _Handle) -> None:
        self._queue = {**slot.jobs, **self._queue}
        slot.jobs = {}

    def _drop(self, slot: _Handle) -> None:
        if slot in self._slots:
            self._slots.remove(slot)
            self._cluster.ray.kill(slot.actor)
            if slot.placement is not None:
                self._cluster.ray.util.remove_placement_group(slot.placement)

    def _warn(self, text: str) -> None:
        self._listener(Notice(topic="warning", text=text))


def _told() -> dict[str, str]:
    """What of the environment reaches jobs wherever they are done: our own settings, and what may run."""
    return {name: value for name, value in os.environ.items() if name.startswith(_OURS)} | dict(environment())


def _last(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1][:300]
