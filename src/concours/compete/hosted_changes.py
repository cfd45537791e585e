"""What an event has changed on a hosted board, and what a rescoring has: for those who keep what it shows elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from concours.compete.hosted_board import Board, current, readable, scoring_of
from concours.core.digests import Digest
from concours.kernels.ranking.ranks import competition_ranks

_ALLIANCE = ("allying", "alliance", "last_alliance")


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What differs between two states of a board.

    Attributes:
        entries: those that have joined or were withdrawn, or of which what is under way, the result or a score is
            another.
        public, rest: whether there are other ranks, on the public rows or on the rest.
        alliance: whether there is another alliance, or another is being formed.
        watch: whether it is known anew who predicts alike, or being looked at.
        opted: whether a team, or the host, has opted.
        merged: whether a team has become part of another.
        problems: whether another problem is to be read, was read, or counts.
        closed: whether it was closed.
    """

    entries: tuple[str, ...]
    public: bool
    rest: bool
    alliance: bool
    watch: bool
    opted: bool
    merged: bool
    problems: bool
    closed: bool


def changes(before: Board, after: Board) -> Changes:
    """What has changed from one state to one that came of it.

    It costs what has changed, and a glance at what is under way. Law: what is not named is the same in both.
    """
    return Changes(
        entries=tuple(dict.fromkeys(_entries(before, after))),
        public=before.public is not after.public,
        rest=before.rest is not after.rest,
        alliance=any(getattr(before, what) is not getattr(after, what) for what in _ALLIANCE),
        watch=before.watching is not after.watching or before.watch is not after.watch,
        opted=before.opted is not after.opted or before.allowed is not after.allowed,
        merged=before.into is not after.into,
        problems=before.problems is not after.problems or before.read is not after.read,
        closed=before.closed != after.closed,
    )


def _entries(before: Board, after: Board) -> Iterator[str]:
    yield from after.entries.since(len(before.entries))
    yield from before.withdrawn.differing(after.withdrawn)
    yield from before.results.differing(after.results)
    yield from (key.partition(" ")[2] for key in before.scores.differing(after.scores))
    yield from (key.partition(" ")[2] for key in before.shown.differing(after.shown))
    yield from before.private.differing(after.private)
    one, other = before.under_way, after.under_way
    if one is not other:
        yield from (entry for entry in {**one, **other} if one.get(entry) is not other.get(entry))


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A team's best entry, its score, and its rank."""

    entry: str
    score: float
    rank: int


@dataclass(frozen=True, kw_only=True)
class Moved:
    """What a rescoring does to a team: where it stood, and where it stands; none where it has no score."""

    team: str
    before: Placed | None
    after: Placed | None


def rescorings(state: Board) -> Iterator[tuple[Digest, tuple[Moved, ...] | None]]:
    """Each problem by which a board was to be rescored, in order, and who moves by it from the one that counted before.

    None as long as something is still to be scored by it, or where it cannot be used. It costs a walk over the teams.
    """
    known = {digest for digest, _ in readable(state)}
    before = state.problems[0]
    for digest in state.problems[1:]:
        yield digest, moved(state, before, digest) if digest in known and not _waits(state, before, digest) else None
        before = digest if digest in known else before


def _waits(state: Board, before: Digest, digest: Digest) -> bool:
    """Whether something has a score by one problem, and will have one by another."""
    if any(key.partition(" ")[0] in (before, digest) for key in state.climbing):
        return True
    return any(state.score(before, entry) and not state.score(digest, entry) for entry in state.under_way)


def moved(state: Board, before: Digest, after: Digest | None = None) -> tuple[Moved, ...]:
    """The teams whose best entry, score or rank on the public rows is another by two problems.

    Ranks are those of the scores: equal ones share the better rank. In the order of the later problem, those last who
    have no score by it.

    Args:
        before, after: digests of problems that have been read; by default the later one is that which counts.
    """
    first, second = _placed(state, before), _placed(state, after or current(state))
    found = [
        Moved(team=team, before=first.get(team), after=second.get(team))
        for team in {**second, **first}
        if first.get(team) != second.get(team)
    ]
    return tuple(sorted(found, key=lambda one: (one.after is None, one.after.rank if one.after else 0)))


def _placed(state: Board, digest: Digest) -> dict[str, Placed]:
    """By team, in the order in which they came."""
    goal = scoring_of(state, digest).metrics[0]
    bests = [best for side in state.sides if (best := state.best_of(digest, side)) and not state.entries[best].baseline]
    scores = [state.scores[f"{digest} {entry}"].metrics[goal.name] or 0.0 for entry in bests]
    ranks = competition_ranks(np.array(scores), greater_is_better=goal.greater_is_better)
    return {
        state.team_of(entry): Placed(entry=entry, score=score, rank=rank)
        for entry, score, rank in zip(bests, scores, ranks.tolist(), strict=True)
    }
