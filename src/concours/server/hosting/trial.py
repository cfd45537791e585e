"""A board tried out: baselines join a hosted board as they will on the platform, and it is closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from concours.compete.hosted import Hosted
from concours.core.own_scoring import OwnScoring
from concours.core.ports import Store
from concours.core.standings import Standings
from concours.engine.identity import code_digests
from concours.engine.inbox import MemoryInbox, Place, new_signal
from concours.engine.inline import InlineExecutor
from concours.engine.journal import MemoryJournal
from concours.engine.loop import Engine
from concours.engine.runners import RUNNERS
from concours.engine.sandbox.run import available
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


def tried(board: Hosted, sent: Sequence[Mapping[str, Any]], store: Store, *, seed: int) -> Tried:
    """A board with some on it, scored as the platform scores; programs are run in the sandbox, where there is one.

    Args:
        board: of a phase (`programs.board_of`), called as the phase.
        sent: what their signals say (`opened.Opened.baselines`, `sample_of`).
    """
    place, why = Place(), available()
    needs_box = isinstance(board.problem, OwnScoring)
    waiting = {body["name"]: why for body in sent if why and ("program" in body or needs_box)}
    for number, body in enumerate(sent):
        if body["name"] not in waiting:
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
    return Tried(phase=board.name, standings=board.standings(state), waiting=waiting)


def sample_of(asked: Asked) -> dict[str, Any]:
    """What a signal says of the sample submission."""
    return {"name": SAMPLE, "file": asked.sample, "called": "sample_submission.csv"}
