"""Successive halving (Jamieson and Talwalkar 2016): a rung is decided when all of it have come.

Unlike there, who leaves must be worse by a paired test of the rows, as long as the rung has room.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from concours.compete.rungs import Knockout
from concours.core.entrant import Candidate
from concours.core.event import Event
from concours.core.process import Memo


@dataclass(frozen=True, kw_only=True)
class Halving(Knockout):
    """Rung after rung. Its state does not depend on the order in which fits end."""

    def init(self, candidates: Sequence[Candidate], *, seed: int) -> Memo:
        return Memo(candidates=tuple(candidates), seed=seed)

    def update(self, state: Memo, event: Event) -> Memo:
        return state.with_event(event)
