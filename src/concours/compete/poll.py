"""A poll: entrants are rated by the votes of people, who send them in batches while it is open.

A batch is an object in the store, and a signal names it by its digest. Each is counted by a job, which says what is
wrong with it if it cannot be; all that have been counted so far are rated together, by a job too, and at most one such
rating is under way. Which ratings there were on the way is forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from concours.compete.answered import Answered
from concours.compete.poll_state import Counted, Polled, Rating, batches_of, poll_lines, refusal_of
from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.event import Event, Outcome, Signal
from concours.core.job import Job
from concours.core.process import Grouped, Order, Plan
from concours.core.standings import Standings

_RATED_BY = ("counted", "withdrawn")
_AHEAD = 100
"""So many batches are to be counted at a time: more than there are workers, and few to look through."""


@dataclass(frozen=True, kw_only=True)
class Poll:
    """A poll that takes signals.

    `joined` brings an entrant by its `name`, which battles call it by; its id is that of the signal. `withdrawn` takes
    an `entry` off the board, and leaves out the battles that it had. `voted` brings `votes`: the digest of a table of
    battles (`engine.runners.poll.keep_votes`) between entrants that have joined by then. One that is damaged, or names
    anybody else, counts for nothing as a whole, with the reason; it may be sent again once who was missing has joined.
    A batch counts once, however often it is sent. `closed` ends it, and is the last that is taken.

    Law: the state in the end follows from the order of the signals and from what each job yields, whenever it ended.

    Attributes:
        name: to whom signals are addressed.
        cluster: columns of each batch whose equal values mark battles that depend on one another, such as the voter.
        threads: of each job.
    """

    name: str = "poll"
    cluster: tuple[str, ...] = ()
    threads: int = 1
    order: Order = "arrival"

    def init(self, candidates: Sequence[Candidate], *, seed: int) -> Polled:
        """The poll with those that can be voted for from the beginning."""
        state = Polled()
        for number, candidate in enumerate(candidates):
            state = state.with_entry(f"from the beginning {number}", candidate.entrant.name)
        return state

    def refusal(self, state: Polled, signal: Signal) -> str:
        """Why a signal is not taken; empty where it is."""
        return refusal_of(state, signal)

    def plan(self, state: Polled) -> Plan:
        groups = [counting.jobs for counting in islice(state.waiting.values(), _AHEAD)]
        groups += [(self._rate(state, state.rating),)] if state.rating else []
        jobs = Grouped(tuple(groups))
        return Plan(jobs, "run") if jobs else Plan(status="finished" if state.closed else "wait")

    def update(self, state: Polled, event: Event) -> Polled:
        if isinstance(event, Signal):
            taken = event.id not in state.heard and not refusal_of(state, event)
            return self._rating(state, self._told(state, event)) if taken else state
        if not isinstance(event, Outcome):
            return state
        if state.rating and self._rate(state, state.rating).digest == event.job:
            after = replace(state, rated=Answered.of(state.rating, event), rating=None)
            return self._next(after)
        counted = [id for id, counting in state.waiting.items() if counting.jobs[0].digest == event.job]
        after = state
        for id in counted:
            after = after.with_counted(id, Counted.of(event))
        return self._rating(state, after)

    def standings(self, state: Polled) -> Standings:
        """By rating, those who have one; the others after them."""
        return poll_lines(state)

    def batches(self, state: Polled) -> Mapping[str, Counted]:
        """What came of each batch that has been looked at, by the id of its signal: how many battles, or why none."""
        return batches_of(state)

    def _told(self, state: Polled, signal: Signal) -> Polled:
        state = replace(state, heard=state.heard.with_item(signal.id, signal.at))
        if signal.name == "joined":
            return state.with_entry(signal.id, str(signal.body["name"]))
        if signal.name == "withdrawn":
            return replace(state, withdrawn=state.withdrawn.with_item(str(signal.body["entry"]), True))
        if signal.name == "voted":
            votes = Digest(signal.body["votes"])
            return state.with_batch(signal.id, votes, self._count(state, votes))
        return replace(state, closed=signal.at)

    def _rating(self, before: Polled, state: Polled) -> Polled:
        """The poll with the next rating under way, if the last has ended, or rates who has been withdrawn."""
        if all(getattr(before, what) is getattr(state, what) for what in _RATED_BY):
            return state
        if state.rating and state.rating.without == state.gone:
            return state
        return self._next(state)

    def _next(self, state: Polled) -> Polled:
        """The poll with a rating under way of all that has been counted so far, unless that is the latest."""
        wanted = Rating(votes=tuple(state.accepted), without=state.gone)
        if not wanted.votes:
            return replace(state, rating=None, rated=None)
        known = state.rated is not None and state.rated.asked == wanted
        return replace(state, rating=None if known else wanted)

    def _count(self, state: Polled, votes: Digest) -> Job:
        """Reads a batch, and finds out whether it speaks of those who have joined, and can be counted."""
        return Job(
            runner="count_votes",
            inputs={"votes": votes},
            params={"names": list(state.entries.values()), "cluster": list(self.cluster)},
            outputs=("votes",),
            label=f"count {votes[7:19]}",
        )

    def _rate(self, state: Polled, rating: Rating) -> Job:
        return state.kept.once("rate", rating, lambda: self._rating_job(rating))

    def _rating_job(self, rating: Rating) -> Job:
        return Job(
            runner="rate",
            inputs={f"votes{number}": digest for number, digest in enumerate(rating.votes)},
            params={"without": list(rating.without), "cluster": list(self.cluster)},
            threads=self.threads,
            label=f"rate by {len(rating.votes)} batches of votes",
        )
