"""A team: slots of a cluster that do each job together, for fits that are divided among workers on several nodes.

All do the same job, on seats (`core.parallel.Seat`), and come to the same bytes; at the training each takes its part
(`entrants.together`). So a team is one slot to whom it serves: its first slot tells the others what there is to do, and
answers for all. Where one of them is lost, so is the team: the job is done again by another, which goes on from what
was kept of it.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from concours.core.digests import Digest
from concours.core.event import Done, Failed, Outcome, event_from_json, event_to_json
from concours.core.job import Job
from concours.core.parallel import Seat
from concours.engine.slots import Opened, Slot, Terms, Turn

_GRACE_S = 2.0
"""So long the first waits, when a worker has lost another, for who says why."""


class Team(Slot):
    """An actor: the first of the slots of a placement group, which has a bundle for each.

    Args:
        options: with which an actor is asked for that has what a slot needs.
        size: how many they are.
    """

    def __init__(self, terms: Terms, options: Mapping[str, Any], size: int) -> None:
        super().__init__(terms)
        self._options, self._size = dict(options), size
        self._others: list[Any] = []
        self._places: list[Opened] = []
        self._coming: dict[Any, int] = {}
        self._said: dict[int, Done | Failed] = {}
        self._parted_s: float | None = None
        self._job = ""

    def open(self) -> Opened:
        """Makes ready in all places; where it cannot be done in one, that one is named."""
        import ray
        from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy as In

        first = super().open()
        placed: Any = ray.util.get_current_placement_group()
        for number in range(1, self._size):
            options = {**self._options, "max_concurrency": 2, "scheduling_strategy": In(placed, number)}
            self._others.append(ray.remote(Slot).options(**options).remote(self._terms))
        self._places = [first, *ray.get([other.open.remote() for other in self._others])]
        return next((place for place in self._places if place.refusal), first)

    def turn(self, jobs: Sequence[tuple[str, Digest]], patience_s: float, seat: Seat | None = None) -> Turn:
        """As of any slot; `seat` is none, since the first gives all of them theirs."""
        ends = time.monotonic() + patience_s
        if jobs:
            seat, *others = self._seats()
            self._begin(jobs, patience_s, others)
        turn = super().turn(jobs, patience_s, seat)
        for event in _outcomes(turn):
            self._tell(0, event)
        turn.ended.clear()
        if self._coming:
            self._listen(turn, patience_s, max(ends - time.monotonic(), 0) if 0 in self._said else 0)
        return self._summed(turn)

    def cancel(self, job: str) -> None:
        super().cancel(job)
        for other in self._others:
            other.cancel.remote(job)

    def _forget(self, job: Job) -> None:
        super()._forget(job)
        self._said = {}

    def _seats(self) -> list[Seat]:
        import ray

        host = ray.util.get_node_ip_address()
        with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as found:
            port = found.getsockname()[1]
        return [Seat(rank=rank, size=self._size, host=host, port=port) for rank in range(self._size)]

    def _begin(self, jobs: Sequence[tuple[str, Digest]], patience_s: float, seats: Sequence[Seat]) -> None:
        import ray

        if self._coming:  # of a job that was cancelled: an actor has one turn at a time
            ray.wait(list(self._coming), num_returns=len(self._coming))
        self._said, self._parted_s, self._job = {}, None, jobs[0][0]
        turns = [other.turn.remote(jobs, patience_s, seat) for other, seat in zip(self._others, seats, strict=True)]
        self._coming = {turn: rank for rank, turn in enumerate(turns, 1)}

    def _listen(self, turn: Turn, patience_s: float, timeout_s: float) -> None:
        """Takes in what the others have answered, and asks those on that are not done."""
        import ray

        ready, _ = ray.wait(list(self._coming), num_returns=len(self._coming), timeout=timeout_s)
        for answered in ready:
            rank = self._coming.pop(answered)
            try:
                other: Turn = ray.get(answered)
            except ray.exceptions.RayActorError:
                turn.lost = self._lost(rank)
                continue
            for event in _outcomes(other):
                self._tell(rank, event)
            turn.logs.update({f"{rank + 1}-{name}": content for name, content in other.logs.items()})
            if other.others:
                turn.others, turn.where = other.others, self._places[rank]
            elif rank not in self._said:
                self._coming[self._others[rank - 1].turn.remote([], patience_s)] = rank

    def _tell(self, rank: int, event: Done | Failed) -> None:
        self._said[rank] = event
        if isinstance(event, Failed) and event.cause == "parted" and self._parted_s is None:
            self._parted_s = time.monotonic()

    def _summed(self, turn: Turn) -> Turn:
        """Adds how the job has ended, once that is known: well where all say so, otherwise as the one says who has not
        only lost another.
        """
        failed = {rank: event for rank, event in self._said.items() if isinstance(event, Failed)}
        parted = {rank: event for rank, event in failed.items() if event.cause == "parted"}
        told = len(self._said) == self._size
        if own := failed.keys() - parted.keys():
            rank = min(own)
            if _died(failed[rank]):
                turn.lost = self._lost(rank, failed[rank].reason)
            else:
                self._stop(turn, failed[rank])
        elif parted and (told or time.monotonic() - (self._parted_s or 0.0) > _GRACE_S):
            rank = min(parted)
            turn.lost = turn.lost or self._lost(rank, parted[rank].reason)
        elif told:
            spent = sum(event.cost.cpu_s for event in self._said.values())
            self._stop(turn, replace(self._said[0], cost=replace(self._said[0].cost, cpu_s=spent)))
        return turn

    def _stop(self, turn: Turn, event: Done | Failed) -> None:
        turn.ended.append(event_to_json(event))
        if isinstance(event, Failed):  # others may still wait for the one that has failed
            self.cancel(self._job)
        self._said = {}

    def _lost(self, rank: int, why: str = "it is gone") -> str:
        return f"worker {rank + 1}, on the node {self._places[rank].name}, was lost ({why})"


def _outcomes(turn: Turn) -> Iterator[Done | Failed]:
    yield from (event for event in map(event_from_json, turn.ended) if isinstance(event, Outcome))


def _died(event: Failed) -> bool:
    """Whether what did a job has died, not of a limit: another time it may not."""
    return event.cause == "crash" or (event.cause == "out_of_memory" and event.limit is None)
