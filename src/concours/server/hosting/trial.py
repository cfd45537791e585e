"""A board tried out: baselines join a hosted board as they will on the platform, and it is closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from concours.compete.hosted import Hosted
from concours.core.ports import Store
from concours.core.standings import Standings
from concours.engine.identity import code_digests
from concours.engine.inbox import MemoryInbox, Place, new_signal
from concours.engine.inline import InlineExecutor
from concours.engine.journal import MemoryJournal
from concours.engine.loop import Engine
from concours.engine.runners import RUNNERS
from concours.server.hosting.opened import Asked

SAMPLE = "sample submission"
"""What the sample is called on a board that is tried out."""


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A phase that was tried out.

    Attributes:
        standings: of the sample and the baselines, once the phase is closed: by the rows that are not public, where
            some are.
        waiting: baselines that were not tried, each with why.
    """

    phase: str
    standings: Standings
    waiting: Mapping[str, str]


def tried(asked: Asked, baselines: Sequence[Mapping[str, Any]], store: Store, *, seed: int) -> Tried:
    """The board of a phase with its sample and its baselines on it, scored as the platform scores.

    Args:
        baselines: what their signals say (`opened.Opened.baselines`).
    """
    place = Place()
    board = Hosted(problem=asked.problem, name=asked.phase, sheet=asked.sheet)
    waiting: dict[str, str] = {}
    sent = [{"name": SAMPLE, "file": asked.sample, "called": "sample_submission.csv", "baseline": True}, *baselines]
    for number, body in enumerate(sent):
        if "program" in body:
            waiting[body["name"]] = "its code runs in the sandbox, once the competition is published"
        else:
            place.put(new_signal("joined", {**body, "baseline": False}, to=board.name, id=f"{number}"))
    place.put(new_signal("closed", {}, to=board.name, id="closed"))
    engine = Engine(
        store=store,
        journal=MemoryJournal(),
        executor=InlineExecutor(store, RUNNERS),
        code=code_digests(RUNNERS),
        inbox=MemoryInbox(place),
    )
    state = engine.drive(board, [], seed=seed)
    return Tried(phase=asked.phase, standings=board.standings(state), waiting=waiting)
