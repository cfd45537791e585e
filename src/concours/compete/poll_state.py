"""What a poll knows: who can be voted for, what became of each batch of votes, the ratings; and its board."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from concours.compete.answered import Answered
from concours.core.digests import Digest, is_digest
from concours.core.entrant import Entrant
from concours.core.event import Done, Failed, Signal
from concours.core.frozen import frozen
from concours.core.growing import Growing
from concours.core.job import Job
from concours.core.kept import Kept
from concours.core.standings import Standing, Standings

_LONGEST = 200


@dataclass(frozen=True)
class Counting:
    """The job that is still to be done for a batch, as a group of a plan."""

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
class Rating:
    """Which votes are rated together, in the order in which they came, and without whom."""

    votes: tuple[Digest, ...]
    without: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Polled:
    """The state of a poll.

    Attributes:
        heard: when each signal that was taken had come in, by its id.
        entries: names, by the id of the signal that brought them, in the order in which they joined.
        withdrawn: those that no longer stand on the board.
        batches: digests of votes, by the id of the signal that brought them, in order.
        waiting: what is still to be done, by batch.
        counted: what came of the others.
        closed: when; empty while it is open.
        rating: the one under way.
        rated: the latest (`engine.runners.poll.rate`).
    """

    heard: Growing[str, str] = field(default_factory=Growing)
    entries: Growing[str, str] = field(default_factory=Growing)
    withdrawn: Growing[str, bool] = field(default_factory=Growing)
    batches: Growing[str, Digest] = field(default_factory=Growing)
    waiting: Mapping[str, Counting] = field(default_factory=lambda: frozen({}))
    counted: Growing[str, Counted] = field(default_factory=Growing)
    closed: str = ""
    rating: Rating | None = None
    rated: Answered[Rating] | None = None
    kept: Kept = field(default_factory=Kept, compare=False, repr=False)

    @property
    def gone(self) -> tuple[str, ...]:
        """Names of those that were withdrawn, in the order in which they had joined."""
        return tuple(name for entry, name in self.entries.items() if entry in self.withdrawn)

    @property
    def accepted(self) -> Iterator[Digest]:
        """The votes that count, in the order in which their batches came."""
        return (counted.votes for counted in batches_of(self).values() if counted.votes)

    def with_entry(self, entry: str, name: str) -> Self:
        return replace(self, entries=self.entries.with_item(entry, name))

    def with_batch(self, id: str, votes: Digest, job: Job) -> Self:
        waiting = frozen({**self.waiting, id: Counting((job,))})
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


def refusal_of(state: Polled, signal: Signal) -> str:
    """Why a poll does not take a signal; empty where it does. Follows from the signals that it has taken."""
    if state.closed:
        return f"the poll was closed at {state.closed}"
    return _REFUSALS[signal.name](state, signal.body)


def _joining(state: Polled, body: Mapping[str, Any]) -> str:
    name = body.get("name")
    if more := sorted(set(body) - {"name"}):
        return f"who joins a poll has a name, and nothing called {more[0]!r:.60}"
    if not (isinstance(name, str) and 1 <= len(name) <= _LONGEST and name == name.strip()):
        return f"a name must be a text of 1 to {_LONGEST} characters, without blanks around; got {name!r:.60}"
    return f"somebody called {name!r} has joined before" if name in state.entries.values() else ""


def _withdrawing(state: Polled, body: Mapping[str, Any]) -> str:
    entry = body.get("entry")
    if not isinstance(entry, str) or entry not in state.entries:
        return f"no entry {entry!r:.60} has joined; name it by the id of the signal with which it did"
    return f"{entry!r} was withdrawn before" if entry in state.withdrawn else ""


def _voting(state: Polled, body: Mapping[str, Any]) -> str:  # noqa: ARG001 (the form of a refusal)
    votes = body.get("votes")
    if more := sorted(set(body) - {"votes"}):
        return f"a batch is named by its votes, and has nothing called {more[0]!r:.60}"
    return "" if is_digest(votes) else f"votes are named by the digest of what was stored, sha256:…; got {votes!r:.60}"


_REFUSALS: Mapping[str, Callable[[Polled, Mapping[str, Any]], str]] = {
    "joined": _joining,
    "withdrawn": _withdrawing,
    "voted": _voting,
    "opted": lambda *_: "a poll has no alliance",
    "rescored": lambda *_: "a poll has nothing to rescore",
    "closed": lambda *_: "",
}


def poll_lines(state: Polled) -> Standings:
    """The rated first; then those that are not, in the order in which they joined."""
    told = state.rated.values.get("ratings", ()) if state.rated else ()
    ratings = {line["name"]: line for line in told if line["rating"] is not None}
    standing = [name for entry, name in state.entries.items() if entry not in state.withdrawn]
    why = (state.rated.reason if state.rated else "") or "no vote has been counted for it"
    lines = [_line(name, ratings.get(name), why) for name in standing]
    return Standings(tuple(sorted(lines, key=lambda line: (line.rank is None, line.rank or 0))))


def _line(name: str, told: Mapping[str, Any] | None, why: str) -> Standing:
    entrant = Entrant(name=name, recipe="votes", prepare="none")
    if told is None:
        return Standing(entrant=entrant, note=why)
    known = {key: told[key] for key in ("rank", "rank_best", "rank_worst", "tier", "note")}
    return Standing(entrant=entrant, score=told["rating"], ci=tuple(told["ci"]), **known)
