"""A Ray cluster: reached by its address, what its nodes have, and how much of it is one contest's share."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from concours.core.errors import ClusterError, MissingPackage
from concours.core.event import Failed
from concours.core.job import Job
from concours.core.optional import install_command
from concours.engine.machine import Machine

NAMESPACE = "concours"
_PORT = 6379
_ANSWER_S = 5.0
_LOOK_S = 1.0
_SITE = "site:"
_NODE = "ray.io/node-id"
_SOME = 1 << 30
"""Bytes that every slot has, so that jobs that want no more need none of their own."""
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
"""Nothing is told to anybody about what runs here; and what a job of no GPU sees is what its node has."""
_CURE = "start one with `ray start --head`, or name the machine and port of its head: --address HOST:6379"


class Shape(NamedTuple):
    """What a slot has for its jobs; Ray's words for what jobs need. Of several parts it is what each has."""

    cores: int
    memory_bytes: int
    gpu: bool
    site: str
    parts: int = 1

    @property
    def all_cores(self) -> int:
        """Those of all parts."""
        return self.cores * self.parts

    def options(self) -> dict[str, Any]:
        """As an actor is asked for."""
        more = {"memory": self.memory_bytes} if self.memory_bytes else {}
        site = {"resources": {f"{_SITE}{self.site}": 0.001}} if self.site else {}
        return {"num_cpus": self.cores, "num_gpus": int(self.gpu), **more, **site}

    def bundle(self) -> dict[str, float]:
        """As a part of a placement group is asked for."""
        asked = self.options()
        named = {"CPU": self.cores, "GPU": int(self.gpu), "memory": self.memory_bytes, **asked.get("resources", {})}
        return {name: amount for name, amount in named.items() if amount}


def imported() -> Any:
    """Ray, which tells nobody that it is used.

    Raises:
        MissingPackage: it is not installed.
    """
    os.environ.update(_QUIET)
    try:
        import ray
    except ModuleNotFoundError:
        raise MissingPackage(f"the engine ray needs Ray; get it with: {install_command('ray')}") from None
    return ray


class Cluster:
    """A connection to a cluster: one that this process has already, or else a new one, which `leave` ends.

    Args:
        address: `auto` for the one of this machine, or HOST or HOST:PORT of its head.

    Attributes:
        unfit: nodes that are left out, and why.

    Raises:
        ClusterError: nothing answers there. MissingPackage: Ray is not installed.
    """

    def __init__(self, address: str = "auto") -> None:
        self.ray = imported()
        self._ours = not self.ray.is_initialized()
        if self._ours:
            self._connect(address)
        self.unfit = dict[str, str]()
        self._looked, self._nodes, self._contests = 0.0, list[Mapping[str, Any]](), 1
        self.look()

    def _connect(self, address: str) -> None:
        require_listening(address)
        try:
            self.ray.init(address=_place(address), namespace=NAMESPACE, log_to_driver=False, logging_level="ERROR")
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            first = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            raise ClusterError(f"no Ray cluster is reached at {address!r}: {first}; {_CURE}") from None

    def leave(self) -> None:
        """Ends the connection, if it is ours. Idempotent."""
        if self._ours and self.ray.is_initialized():
            self.ray.shutdown()

    def look(self) -> None:
        """Looks again who is there, once a second at most."""
        now = time.monotonic()
        if self._looked and now - self._looked < _LOOK_S * max(1.0, len(self._nodes) / 100):
            return
        self._looked = now
        self._nodes = [node for node in self.ray.nodes() if node["Alive"] and node["NodeID"] not in self.unfit]
        actors = self.ray.util.list_named_actors(all_namespaces=True)
        names = {actor["name"].partition(".")[0] for actor in actors if actor["namespace"] == NAMESPACE}
        self._contests = max(len(names), 1)

    def leave_out(self, node: str, why: str) -> bool:
        """Counts a node no more; whether others are left."""
        self.unfit[node] = why
        self._nodes = [other for other in self._nodes if other["NodeID"] != node]
        return bool(self._nodes)

    @property
    def share(self) -> int:
        """Cores that one contest may hold, of all that there are: as many as each other."""
        cores = sum(int(node["Resources"].get("CPU", 0)) for node in self._nodes)
        return max(-(-cores // self._contests), 1)

    def shape(self, job: Job) -> Shape:
        """The slot that a job needs."""
        needs, most = job.needs.part, max((self._machine(node, "").cores for node in self._nodes), default=1)
        cores = needs.cores or min(job.threads, most)
        memory = needs.memory_bytes if needs.memory_bytes > _SOME else 0
        return Shape(max(cores, 1), memory, needs.gpu, needs.site, job.needs.parts)

    def placement(self, shape: Shape) -> Any:
        """A placement group with a bundle for each part, on as few nodes as it goes: all are had, or none."""
        barred = [self._barred()] * shape.parts if self.unfit else None
        return self.ray.util.placement_group([shape.bundle()] * shape.parts, bundle_label_selector=barred)

    def within(self, placement: Any) -> dict[str, Any]:
        """How an actor is asked for in the first bundle of a placement group."""
        strategies = self.ray.util.scheduling_strategies
        return {"scheduling_strategy": strategies.PlacementGroupSchedulingStrategy(placement, 0)}

    def elsewhere(self) -> dict[str, Any]:
        """How an actor is asked for that goes to no node that is left out."""
        return {"label_selector": self._barred()} if self.unfit else {}

    def _barred(self) -> dict[str, str]:
        return {_NODE: f"!in({','.join(self.unfit)})"}

    def refusal(self, job: Job) -> Failed | None:
        """The end of a job that no node can ever do; none of one that some node can."""
        part, parts = replace(job, needs=job.needs.part), job.needs.parts
        machines = [self._machine(node, job.needs.site) for node in self._nodes]
        places = sum(machine.places(part) for machine in machines)
        if places >= parts or not machines:
            return None
        if not places:
            return max(machines, key=lambda machine: machine.cores).refusal(part)
        cores = f"{part.needs.cores} core{'' if part.needs.cores == 1 else 's'} each"
        reason = f"needs {parts} workers of {cores}, and all nodes together have room for {places}"
        return Failed(job=job.digest, cause="no_machine", reason=f"{reason}; fewer workers, or more nodes")

    def _machine(self, node: Mapping[str, Any], site: str) -> Machine:
        has = node["Resources"]
        return Machine(
            cores=int(has.get("CPU", 0)),
            memory_bytes=int(has.get("memory", 0)),
            gpus=int(has.get("GPU", 0)),
            site=site if f"{_SITE}{site}" in has else "",
            name="the largest node of the cluster",
        )


def _place(address: str) -> str:
    """The address of a head, with a port."""
    if address == "auto":
        return os.environ.get("RAY_ADDRESS") or address
    if "://" in address:
        raise ClusterError(f"a Ray cluster is reached by HOST:PORT of its head, or auto; got {address!r}; {_CURE}")
    return address if ":" in address else f"{address}:{_PORT}"


def require_listening(address: str) -> None:
    """Looks whether something listens at an address: Ray itself waits for minutes for what does not answer.

    Raises:
        ClusterError: nothing does.
    """
    place = _place(address)
    host, colon, port = place.rpartition(":")
    if not colon:
        return
    try:
        socket.create_connection((host, int(port)), timeout=_ANSWER_S).close()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise ClusterError(f"no Ray cluster answers at {place}: {why}; {_CURE}") from None
