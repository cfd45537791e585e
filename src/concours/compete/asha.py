"""Asynchronous successive halving (Li et al. 2020): nobody waits for a rung to be full.

A candidate goes on as soon as it is among the best `1 / eta` of those that have come to its rung so far. Unlike there,
candidates are given and not drawn, so a rung is closed when all have come; then it is decided as in `Halving`, and
those that went on early stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from concours.compete.rungs import Fits, Knockout
from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.event import Done, Event, Failed
from concours.core.process import Memo, Order


@dataclass(frozen=True, kw_only=True)
class Arrivals(Memo):
    """The state: how jobs ended, and in which order."""

    arrived: tuple[Digest, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Asha(Knockout):
    """Rungs side by side; what is higher is fitted first. Who goes on early depends on the order in which fits end:
    with several workers on the machine's pace. The journal holds that order, so a replay comes to the same.
    """

    order: Order = "arrival"

    def init(self, candidates: Sequence[Candidate], *, seed: int) -> Arrivals:
        return Arrivals(candidates=tuple(candidates), seed=seed)

    def update(self, state: Arrivals, event: Event) -> Arrivals:
        after = state.with_event(event)
        return replace(after, arrived=(*after.arrived, event.job)) if isinstance(event, Done | Failed) else after

    def early(self, state: Memo, fitted: Sequence[Fits]) -> frozenset[str]:
        """Law: never more than one in `eta` of those that have come."""
        places = {job: place for place, job in enumerate(getattr(state, "arrived", ()))}
        came = sorted(
            (max(places[job.digest] for job in fits.jobs), fits.candidate.entrant.name, fits) for fits in fitted
        )
        sign = -1.0 if self.problem.metrics[0].greater_is_better else 1.0
        so_far: list[tuple[bool, float, str, str]] = []
        gone: set[str] = set()
        for _, name, fits in came:
            scores = [done.values["score"] for done in fits.done]
            known = [score for score in scores if score is not None]
            loss = sign * sum(known) / len(scores)
            so_far.append((len(known) < len(scores), loss, fits.candidate.entrant.digest, name))
            room = len(so_far) // self.eta
            for *_, ahead in sorted(so_far)[:room]:
                if len(gone) < room:
                    gone.add(ahead)
        return frozenset(gone)
