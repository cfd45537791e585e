"""A slot: room for one job at a time on a node of a cluster, held by an actor, with a supervised worker of ours in it.

The cluster only places slots and carries messages. What a job may use, how it is ended, what it prints and what becomes
of what it starts are the matter of the same `ProcessExecutor` that runs jobs on a laptop.
"""

from __future__ import annotations

import json
import os
import platform
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import psutil

import concours
from concours.core.consent import hold_back
from concours.core.digests import Digest, digest_bytes, digest_json
from concours.core.errors import ConcoursError
from concours.core.event import Done, Failed, event_to_json
from concours.core.job import Job
from concours.core.parallel import Seat
from concours.core.ports import Notice
from concours.core.registry import load
from concours.engine.identity import code_digests
from concours.engine.limits import Limits, memory_per_worker
from concours.engine.processes import ProcessExecutor
from concours.engine.usage import usable_cores
from concours.stores.address import store_at

_LOOK_S = 0.05
_TOGETHER_S = 0.1
"""How long outcomes of short jobs wait for those after them, to go back in one message."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a slot is told once.

    Attributes:
        store: the address of the contest's.
        probe: an object of it, which every node must see.
        machine: what `surroundings` says where the command runs.
        environment: variables of the command that reach jobs.
        cores: of the slot.
    """

    store: str
    probe: Digest
    runners: str
    threads: int
    limits: Limits
    machine: Mapping[str, str]
    environment: Mapping[str, str]
    cores: int = 1


@dataclass(frozen=True, kw_only=True)
class Opened:
    """Where a slot lies, and why no job can be done there, if so."""

    node: str
    name: str
    refusal: str = ""


@dataclass(kw_only=True)
class Turn:
    """What has come of a slot's jobs since the last one.

    Attributes:
        ended: outcomes, as JSON.
        progress: the last numbers of jobs under way.
        logs: what ended jobs have printed, by the name of the file.
        others: of jobs that other code would do here: the versions of what is installed here.
        where: the place that `others` is about, where it is not the slot's.
        lost: why the slot is of no use any more, if so: its jobs are to be done elsewhere.
    """

    ended: list[Any] = field(default_factory=list)
    progress: dict[Digest, Mapping[str, Any]] = field(default_factory=dict)
    logs: dict[str, bytes] = field(default_factory=dict)
    others: dict[Digest, Mapping[str, str]] = field(default_factory=dict)
    where: Opened | None = None
    lost: str = ""


class Slot:
    """An actor. `turn` and `cancel` come on two threads; all else is done in the first."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._jobs: set[Digest] = set()
        self._unwanted: list[Job] = []
        self._progress: dict[Digest, Mapping[str, Any]] = {}

    def open(self) -> Opened:
        """Looks whether jobs of the contest can be done here, and makes ready for them."""
        import ray  # an actor is in a process of Ray's, which has it

        terms, node = self._terms, ray.get_runtime_context().get_node_id()
        if refusal := _differences(terms.machine, surroundings()):
            return Opened(node=node, name=platform.node(), refusal=refusal)
        os.environ.update(terms.environment)
        hold_back(terms.environment)
        try:
            store = store_at(terms.store)
            if terms.probe not in store:
                return Opened(node=node, name=platform.node(), refusal=f"does not see the store {terms.store}")
        except (ConcoursError, OSError) as error:
            return Opened(node=node, name=platform.node(), refusal=f"does not reach the store: {error}")
        self._store = store
        self._folder = Path(tempfile.mkdtemp(prefix="concours-slot-"))
        self._code = code_digests(load(terms.runners))
        self._known = load(terms.runners)
        self._executor = self._made()
        return Opened(node=node, name=platform.node())

    def turn(self, jobs: Sequence[tuple[str, Digest]], patience_s: float, seat: Seat | None = None) -> Turn:
        """Does some more jobs, each as JSON with the digest of the code that should do it. Comes back when all that
        there are have ended, or some have a while ago, or after so many seconds.

        Args:
            seat: on which a new worker does them, together with those of other slots.
        """
        turn, began = Turn(), time.monotonic()
        if seat:
            self._sit(seat)
        for text, code in jobs:
            job = Job(**json.loads(text))
            if job.runner in self._known and self._code(job) != code:
                turn.others[job.digest] = _installed()
            else:
                self._jobs.add(job.digest)
                self._executor.submit(job)
        while self._jobs:
            while self._unwanted:
                self._forget(self._unwanted.pop())
            turn.ended.extend(event_to_json(self._ended(event)) for event in self._executor.outcomes(timeout_s=_LOOK_S))
            took = time.monotonic() - began
            if took >= patience_s or (turn.ended and took >= _TOGETHER_S):
                break
        turn.progress.update(self._progress)
        turn.logs.update(self._logs())
        return turn

    def cancel(self, job: str) -> None:
        """Ends a job, soon."""
        self._unwanted.append(Job(**json.loads(job)))

    def _made(self, seat: Seat | None = None) -> ProcessExecutor:
        terms = self._terms
        share = max(usable_cores() // terms.cores, 1)
        return ProcessExecutor(
            self._store,
            terms.runners,
            workers=1,
            threads=terms.threads,
            limits=replace(terms.limits, memory=terms.limits.memory or memory_per_worker(share)),
            logs=self._folder,
            listener=self._hear,
            seat=seat,
        )

    def _sit(self, seat: Seat) -> None:
        """Gets a new worker, on a seat; what the last one was doing is forgotten."""
        import ray

        self._executor.close()
        self._jobs.clear()
        self._unwanted.clear()
        self._progress.clear()
        address = ray.util.get_node_ip_address()
        names = (name for name, found in psutil.net_if_addrs().items() if address in {each.address for each in found})
        self._executor = self._made(replace(seat, network=next(names, "")))

    def _forget(self, job: Job) -> None:
        self._executor.cancel(job)
        self._jobs.discard(job.digest)
        self._progress.pop(job.digest, None)

    def _ended(self, event: Done | Failed) -> Done | Failed:
        self._jobs.discard(event.job)
        self._progress.pop(event.job, None)
        return event

    def _hear(self, notice: Notice) -> None:
        if notice.topic == "progress" and notice.job and notice.values:
            self._progress[notice.job.digest] = dict(notice.values)

    def _logs(self) -> dict[str, bytes]:
        found = {}
        for path in self._folder.glob("*.txt"):
            found[path.name] = path.read_bytes()
            path.unlink()
        return found


@cache
def surroundings() -> Mapping[str, str]:
    """What must be the same wherever jobs of a contest are done."""
    root = Path(concours.__file__).parent
    text = digest_json({str(file.relative_to(root)): digest_bytes(file.read_bytes()) for file in root.rglob("*.py")})
    return {"Python": platform.python_version(), "concours": f"{concours.__version__} ({text[7:15]})"}


def differing(there: Mapping[str, str]) -> str:
    """In which installed packages another machine differs from this one, in words."""
    return _differences({name: each for name, each in _installed().items() if there.get(name) != each}, there)


def _differences(wanted: Mapping[str, str], found: Mapping[str, str]) -> str:
    other = [f"{name} {found.get(name, 'is missing')}" for name in wanted if found.get(name) != wanted[name]]
    here = [f"{name} {wanted[name]}" for name in wanted if found.get(name) != wanted[name]]
    return f"has {', '.join(other[:5])}, and where the command runs there is {', '.join(here[:5])}" if other else ""


@cache
def _installed() -> Mapping[str, str]:
    """All distributions that can be imported, with their versions."""
    return {each.metadata["Name"].lower(): each.version for each in distributions() if each.metadata["Name"]}
