"""What a contest is going to ask, before it is run."""

from __future__ import annotations

from pathlib import Path

from concours.api.contest import Contest
from concours.core.entrant import Candidate
from concours.entrants.recipes import as_it_is
from concours.stores.memory import MemoryStore


def foretold(path: Path) -> list[str]:
    """What asking the language models of a contest file takes, a line each and one of all, as `run` says it.

    Raises:
        ContestError, DataError: the contest cannot be run as it is, or a prompt does not suit its rows.
    """
    contest = Contest.from_file(path)
    asked = [entrant for entrant in contest.entrants if entrant.had.calls]
    if not asked:
        return []
    from concours.engine import spending
    from concours.engine.ingest import ingest

    store = MemoryStore()
    problem = ingest(contest.task, store, seed=contest.seed, folder=contest.folder).problem
    return spending.told([Candidate(entrant=as_it_is(one, contest.folder).entrant) for one in asked], problem, store)
