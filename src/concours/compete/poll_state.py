"""What a poll knows: who can be voted for, what became of each batch of votes, the ratings; and its board."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from concours.compete.answered import Answered
from concours.compete.blame import theirs
from concours.compete.poll_entries import Came
from concours.core.digests import Digest
from concours.core.entrant import Entrant, Role
from concours.core.event import Done, Failed
from concours.core.frozen import frozen
from concours.core.growing import Growing
from concours.core.job import Job
from concours.core.kept import Kept
from concours.core.standings import Standing, Standings


@dataclass(frozen=True)
class Waiting:
    """The job that is still to be done for a batch, or for the answers of an entry, as a group of a plan."""

    jobs: tuple[Job]


@dataclass(frozen=True, kw_only=True)
class Counted:
    """What came of a batch: the votes as they count, and how many; or why it does not."""

    votes: Digest | None = None
    battles: int = 0
    reason: str = ""

    @classmethod
    def of(cls, event: Done | Failed) -> Self:
        if isinstance(event, Failed):
            return cls(reason=event.reason)
        return cls(votes=event.outputs["votes"], battles=event.values["battles"])


@dataclass(frozen=True, kw_only=True)
class Received:
    """What came of a file of answers, or of prompts: texts by number (`stores.numbered`), or why there are none.

    Attributes:
        texts: none of an entry that brings no answers.
        count: how many.
        theirs: whether who sent it is to blame for a failure (`compete.blame`).
    """

    texts: Digest | None = None
    count: int = 0
    reason: str = ""
    theirs: bool = True

    @classmethod
    def of(cls, job: Job, event: Done | Failed) -> Self:
        if isinstance(event, Failed):
            return cls(reason=event.reason, theirs=theirs(job, event))
        return cls(texts=event.outputs["texts"], count=event.values["texts"])


@dataclass(frozen=True, kw_only=True)
class Rating:
    """Which votes are rated together, in the order in which they came.

    Attributes:
        without: who is left out, with all battles; unheard: voters whose votes are.
        shown: who may be shown next; placed: those of them who have a place.
    """

    votes: tuple[Digest, ...]
    without: tuple[str, ...]
    unheard: tuple[str, ...]
    shown: tuple[str, ...]
    placed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Polled:
    """The state of a poll.

    Attributes:
        heard: when each signal that was taken had come in, by its id.
        entries: by the id of the signal that brought them, in the order in which they joined.
        withdrawn: those that no longer stand on the board.
        unheard: voters whose votes are left out.
        prompts: what came of these, where the poll has some.
        receiving: files of answers that are still to be looked at, by entry.
        received: what came of the others.
        batches: digests of votes, by the id of the signal that brought them, in order.
        waiting: what is still to be done, by batch.
        counted: what came of the others.
        closed: when; empty while it is open.
        rating: the one under way.
        rated: the latest (`engine.runners.poll.rate`).
    """

    heard: Growing[str, str] = field(default_factory=Growing)
    entries: Growing[str, Came] = field(default_factory=Growing)
    withdrawn: Growing[str, bool] = field(default_factory=Growing)
    unheard: Growing[str, bool] = field(default_factory=Growing)
    prompts: Received | None = None
    receiving: Mapping[str, Waiting] = field(default_factory=lambda: frozen({}))
    received: Growing[str, Received] = field(default_factory=Growing)
    batches: Growing[str, Digest] = field(default_factory=Growing)
    waiting: Mapping[str, Waiting] = field(default_factory=lambda: frozen({}))
    counted: Growing[str, Counted] = field(default_factory=Growing)
    closed: str = ""
    rating: Rating | None = None
    rated: Answered[Rating] | None = None
    kept: Kept = field(default_factory=Kept, compare=False, repr=False)

    @property
    def gone(self) -> tuple[str, ...]:
        """What battles call those that were withdrawn, in the order in which they had joined."""
        return tuple(came.label for entry, came in self.entries.items() if entry in self.withdrawn)

    @property
    def shown(self) -> dict[str, Came]:
        """The entries that may be voted for, in the order in which they joined: of each team the latest whose answers
        are in order, and every baseline.
        """
        latest = {
            came.side: entry
            for entry, came in self.entries.items()
            if entry not in self.withdrawn and (known := self.received.get(entry)) and not known.reason
        }
        standing = set(latest.values())
        return {entry: came for entry, came in self.entries.items() if entry in standing}

    @property
    def accepted(self) -> Iterator[Digest]:
        """The votes that count, in the order in which their batches came."""
        return (counted.votes for counted in batches_of(self).values() if counted.votes)

    def with_entry(self, entry: str, came: Came, job: Job | None) -> Self:
        """With somebody who has joined, and whose answers a job is to look at, if there are some."""
        state = replace(self, entries=self.entries.with_item(entry, came))
        if job is None:
            return replace(state, received=self.received.with_item(entry, Received()))
        return replace(state, receiving=frozen({**self.receiving, entry: Waiting((job,))}))

    def with_received(self, entry: str, received: Received) -> Self:
        receiving = frozen({other: job for other, job in self.receiving.items() if other != entry})
        return replace(self, received=self.received.with_item(entry, received), receiving=receiving)

    def with_batch(self, id: str, votes: Digest, job: Job) -> Self:
        waiting = frozen({**self.waiting, id: Waiting((job,))})
        return replace(self, batches=self.batches.with_item(id, votes), waiting=waiting)

    def with_counted(self, id: str, counted: Counted) -> Self:
        waiting = frozen({other: job for other, job in self.waiting.items() if other != id})
        return replace(self, counted=self.counted.with_item(id, counted), waiting=waiting)


def batches_of(state: Polled) -> dict[str, Counted]:
    """What came of the batches that have been looked at, in order; of those that are the same, the first counts."""
    found: dict[str, Counted] = {}
    first: dict[Digest, str] = {}
    for id, votes in state.batches.items():
        if (counted := state.counted.get(id)) is None:
            continue
        if counted.votes and first.setdefault(votes, id) != id:
            counted = Counted(reason=f"these votes are counted once, as those of {first[votes]!r}")
        found[id] = counted
    return found


def lines_of(state: Polled) -> dict[str, Mapping[str, Any]]:
    """What is known of each entry that may be voted for, by its id, as `kernels.rating.lines.Rating` tells it: by rank
    those who have a place, then by rating those who have none, then, in the order in which they joined, those who are
    not rated, whose `note` says why.
    """
    told = state.rated.values.get("ratings", ()) if state.rated else ()
    ratings = {line["name"]: line for line in told if line["rating"] is not None}
    why = (state.rated.reason if state.rated else "") or "no vote has been counted for it"
    lines = {entry: ratings.get(came.label) or {"rating": None, "note": why} for entry, came in state.shown.items()}
    return dict(sorted(lines.items(), key=lambda item: _order(item[1])))


def poll_lines(state: Polled) -> Standings:
    """The board of a poll, in the order of `lines_of`."""
    return Standings(tuple(_line(state.entries[entry], line) for entry, line in lines_of(state).items()))


def _order(line: Mapping[str, Any]) -> tuple[bool, bool, float]:
    unrated, placed = line["rating"] is None, line.get("rank") is not None
    return unrated, not placed, float(line["rank"]) if placed else -(line["rating"] or 0.0)


def _line(came: Came, told: Mapping[str, Any]) -> Standing:
    role: Role = "baseline" if came.baseline else "single"
    entrant = Entrant(name=came.name, recipe="votes", prepare="none", role=role)
    if told["rating"] is None:
        return Standing(entrant=entrant, note=told["note"])
    known = {key: told[key] for key in ("rank", "rank_best", "rank_worst", "tier", "note")}
    return Standing(entrant=entrant, score=told["rating"], ci=tuple(told["ci"]), **known)
