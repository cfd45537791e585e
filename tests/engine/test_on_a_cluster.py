"""The executor of a cluster, on a double of Ray that does in this process what it is asked: placing, sharing, losing.

What only real nodes can show is in `test_ray.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from concours.core.digests import Digest
from concours.core.errors import ClusterError
from concours.core.event import Done, Failed, event_to_json
from concours.core.job import Job
from concours.core.needs import Needs
from concours.engine import cluster as clusters
from concours.engine import on_ray, slots
from concours.engine.cluster import Cluster, Shape, require_listening
from concours.engine.on_ray import RayExecutor
from concours.engine.slots import Opened, Terms, Turn
from concours.engine.work import execute
from concours.stores.disk import DiskStore
from concours.testing.toys import REFERENCE, RUNNERS, toy_job


class Gone(Exception):
    """As Ray says that an actor is lost."""


@dataclass
class Node:
    """A node, why it refuses, and how many slots on it are still to be lost with their next jobs."""

    name: str
    refusal: str = ""
    losses: int = 0


@dataclass
class Actor:
    """A slot on a node; what it is asked is done when it is waited for."""

    ray: Ray
    node: Node
    terms: Terms
    options: dict[str, Any]
    killed: bool = False

    def __getattr__(self, name: str) -> Any:
        return SimpleNamespace(remote=lambda *args: self.ray.ask(self, name, args))


@dataclass
class Ray:
    """What the executor uses of the module."""

    nodes: list[Node]
    actors: list[Actor] = field(default_factory=list)
    batches: list[tuple[str, list[str]]] = field(default_factory=list)

    exceptions: ClassVar[Any] = SimpleNamespace(RayActorError=Gone, RayError=Gone)

    def remote(self, _slot: object) -> Any:
        def options(**given: Any) -> Any:
            return SimpleNamespace(remote=lambda terms: self._place(terms, given))

        return SimpleNamespace(options=options)

    def _place(self, terms: Terms, options: dict[str, Any]) -> Actor:
        barred = options.get("label_selector", {}).get("ray.io/node-id", "!in()")[4:-1].split(",")
        free = [node for node in self.nodes if node.name not in barred]
        busy = [actor.node.name for actor in self.actors if not actor.killed]
        actor = Actor(self, min(free, key=lambda node: busy.count(node.name)), terms, options)
        self.actors.append(actor)
        return actor

    def ask(self, actor: Actor, name: str, args: tuple[Any, ...]) -> Callable[[], Any]:
        def answer() -> Any:
            if name == "open":
                return Opened(node=actor.node.name, name=actor.node.name, refusal=actor.node.refusal)
            jobs = [Job(**json.loads(text)) for text, _ in args[0]]
            self.batches.append((actor.node.name, [job.label for job in jobs]))
            if actor.node.losses and jobs:
                actor.node.losses -= 1
                raise Gone("the actor died")
            store = DiskStore(actor.terms.store)
            return Turn(ended=[event_to_json(execute(job, store, RUNNERS)) for job in jobs])

        return answer

    def wait(self, refs: list[Any], *, num_returns: int, timeout: float) -> tuple[list[Any], list[Any]]:
        return refs[:num_returns], refs[num_returns:]

    def get(self, ref: Callable[[], Any]) -> Any:
        return ref()

    def kill(self, actor: Actor) -> None:
        actor.killed = True


class OnFake(Cluster):
    """A cluster of the double's nodes, with four cores each."""

    contests = 1

    def __init__(self, address: str) -> None:
        self.ray, self.unfit = RAYS[address], {}

    def look(self) -> None:
        has = {"CPU": 4.0, "memory": float(2**33)}
        self._nodes = [
            {"NodeID": node.name, "Alive": True, "Resources": has}
            for node in self.ray.nodes
            if node.name not in self.unfit
        ]
        self._contests = self.contests

    def refusal(self, job: Job) -> Failed | None:
        self.look()
        return super().refusal(job)

    def leave(self) -> None:
        pass


RAYS: dict[str, Ray] = {}


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, notices: Any) -> Iterator[Callable[..., RayExecutor]]:
    """Makes an executor on some nodes."""
    monkeypatch.setattr(on_ray, "Cluster", OnFake)
    monkeypatch.setattr(OnFake, "contests", 1)

    def make(*nodes: Node, **options: Any) -> RayExecutor:
        RAYS["fake"] = Ray(list(nodes) or [Node("a"), Node("b")])
        return RayExecutor(DiskStore(tmp_path), REFERENCE, address="fake", listener=notices, **options)

    yield make
    RAYS.clear()


def ended(executor: RayExecutor, jobs: list[Job]) -> list[Done | Failed]:
    """How jobs end."""
    for job in jobs:
        executor.submit(job)
    events: list[Done | Failed] = []
    for _ in range(1000):
        events += executor.outcomes(timeout_s=0)
        if len(events) >= len(jobs):
            return events
    raise AssertionError(f"{len(events)} of {len(jobs)} have ended")


def some(count: int) -> list[Job]:
    """Jobs of one sort."""
    return [replace(toy_job(f"job {number}", outputs=()), label=f"jobs: {number}") for number in range(count)]


def test_a_lost_slot_loses_no_job(make: Callable[..., RayExecutor], notices: Any) -> None:
    """What a lost node was doing is done again elsewhere, once; a line says so."""
    executor = make(Node("a", losses=1), Node("b"))
    events = ended(executor, some(30))
    assert sorted(event.job for event in events) == sorted(job.digest for job in some(30))
    assert all(isinstance(event, Done) for event in events)
    assert [text.partition(":")[0] for text in notices.warnings] == [
        "a slot on the node a was lost; what it was doing is done again"
    ]


def test_a_job_whose_slots_are_always_lost_fails(make: Callable[..., RayExecutor]) -> None:
    """It is not tried for ever."""
    (event,) = ended(make(Node("a", losses=99)), some(1))
    assert isinstance(event, Failed)
    assert (event.cause, event.reason) == ("crash", "its worker or its node was lost 3 times while it was done")


def test_a_node_that_differs_gets_no_job_and_is_named(make: Callable[..., RayExecutor], notices: Any) -> None:
    """One line; the others do the jobs. Where all differ the contest stops with the line."""
    pytest.importorskip("ray")
    executor = make(
        Node("a", refusal="has concours 0.0 (x), and where the command runs there is concours 1"), Node("b")
    )
    assert len(ended(executor, some(10))) == 10
    assert {node for node, _ in RAYS["fake"].batches} == {"b"}
    text = "the node a (a) has concours 0.0 (x), and where the command runs there is concours 1; it gets no jobs"
    assert notices.warnings == [text]
    with pytest.raises(ClusterError, match=r"no node of the cluster can do the jobs: the node a \(a\) does not see"):
        ended(make(Node("a", refusal="does not see the store /none")), some(1))


def test_contests_have_equal_shares(make: Callable[..., RayExecutor], monkeypatch: pytest.MonkeyPatch) -> None:
    """Alone a contest holds all cores; when another comes, half of them, as its jobs end."""
    executor = make()
    ended(executor, some(40))
    assert sum(not actor.killed for actor in RAYS["fake"].actors) == 8
    monkeypatch.setattr(OnFake, "contests", 2)
    ended(executor, [replace(job, seed=1) for job in some(40)])
    assert sum(not actor.killed for actor in RAYS["fake"].actors) == 4


def test_no_more_slots_than_workers(make: Callable[..., RayExecutor]) -> None:
    """`--workers` bounds what a contest takes of a cluster."""
    ended(make(workers=3), some(40))
    assert len(RAYS["fake"].actors) == 3


def test_short_jobs_go_several_at_a_time(make: Callable[..., RayExecutor]) -> None:
    """Once it is known that they take a moment; the first of their sort go alone. Each goes once, in order."""
    executor = make(workers=1)
    ended(executor, some(60))
    sizes = [len(labels) for _, labels in RAYS["fake"].batches if labels]
    assert sizes[0] == 1
    assert max(sizes) > 10
    assert [label for _, labels in RAYS["fake"].batches for label in labels] == [job.label for job in some(60)]


def test_slots_have_what_jobs_need(make: Callable[..., RayExecutor]) -> None:
    """Cores and memory are asked of Ray; what no node has fails, with the largest named."""
    jobs = [
        replace(job, needs=needs)
        for job, needs in zip(some(3), (Needs(cores=2), Needs(memory_bytes=2**32), Needs(cores=9)), strict=True)
    ]
    events = {event.job: event for event in ended(make(), jobs)}
    assert {(a.options["num_cpus"], a.options.get("memory")) for a in RAYS["fake"].actors} == {(2, None), (1, 2**32)}
    refused = events[jobs[2].digest]
    assert isinstance(refused, Failed)
    assert refused.reason == "needs 9 cores, and the largest node of the cluster has 4; run it on a larger one"


def test_the_parts_of_a_job_lie_anywhere_or_it_is_refused(make: Callable[..., RayExecutor]) -> None:
    """Two nodes of four cores have room for four parts of two, not for five: said at once, with what would help."""
    executor, job = make(), some(1)[0]
    cluster = executor._cluster
    assert cluster.refusal(replace(job, needs=Needs(cores=8, parts=4))) is None
    refused = cluster.refusal(replace(job, needs=Needs(cores=10, parts=5)))
    assert refused
    assert refused.cause == "no_machine"
    assert refused.reason == (
        "needs 5 workers of 2 cores each, and all nodes together have room for 4; fewer workers, or more nodes"
    )
    assert cluster.shape(replace(job, needs=Needs(cores=8, parts=4))) == Shape(2, 0, False, "", 4)


def test_what_a_shape_asks_of_ray() -> None:
    """A GPU as one, a site as a resource of its name; as a part of a placement group the same."""
    assert Shape(2, 0, True, "north", 3).bundle() == {"CPU": 2, "GPU": 1, "site:north": 0.001}
    assert Shape(2, 2**31, False, "", 3).bundle() == {"CPU": 2, "memory": 2**31}
    asked = Shape(1, 0, True, "north").options()
    assert asked == {"num_cpus": 1, "num_gpus": 1, "resources": {"site:north": 0.001}}


def test_other_code_and_other_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """What differs, there and here."""
    monkeypatch.setattr(slots, "_installed", lambda: {"scikit-learn": "1.9", "numpy": "2.4"})
    assert slots.differing({"scikit-learn": "1.7", "numpy": "2.4"}) == (
        "has scikit-learn 1.7, and where the command runs there is scikit-learn 1.9"
    )
    assert slots.differing({"scikit-learn": "1.9"}) == (
        "has numpy is missing, and where the command runs there is numpy 2.4"
    )


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("127.0.0.1:1", "no Ray cluster answers at 127.0.0.1:1: Connection refused; start one with `ray start --head`"),
        ("127.0.0.1:port", "no Ray cluster answers at 127.0.0.1:port: invalid literal"),
        ("ray://127.0.0.1:1", "a Ray cluster is reached by HOST:PORT of its head, or auto; got 'ray://127.0.0.1:1'"),
    ],
)
def test_an_address_that_does_not_answer_is_told_at_once(address: str, says: str) -> None:
    """Before Ray is imported, and before anything is written."""
    with pytest.raises(ClusterError) as told:
        require_listening(address)
    assert str(told.value).startswith(says)
    assert "\n" not in str(told.value)


def test_ray_is_told_to_be_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it is imported: nobody is told that it is used."""
    pytest.importorskip("ray")
    import os

    monkeypatch.delenv("RAY_USAGE_STATS_ENABLED", raising=False)
    clusters.imported()
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"


def test_the_digest_of_code_goes_along(make: Callable[..., RayExecutor]) -> None:
    """So that a node does no job by other code; of an unknown runner there is none."""
    executor = make()
    assert executor._code_of(toy_job("any")).startswith("sha256:")
    assert executor._code_of(Job(runner="unknown")) == Digest("")
