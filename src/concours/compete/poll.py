"""A poll: entrants are rated by the votes of people, who send them in batches while it is open.

Where there are prompts, an entry is a file with its answers to them, which a job looks at before anybody is shown one.
A batch is an object in the store, and a signal names it by its digest. Each is counted by a job, which says what is
wrong with it if it cannot be; all that have been counted so far are rated together, by a job too, and at most one such
rating is under way. Which ratings there were on the way is forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from concours.compete.answered import Answered
from concours.compete.poll_entries import Came, came, refusal_of
from concours.compete.poll_jobs import reading, receiving
from concours.compete.poll_state import Counted, Polled, Rating, Received, batches_of, poll_lines
from concours.compete.uploads import Upload
from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.event import Event, Outcome, Signal
from concours.core.job import Job
from concours.core.process import Grouped, Order, Plan
from concours.core.standings import Standings

_RATED_BY = ("counted", "withdrawn", "received", "unheard")
_AHEAD = 100
"""So many batches are to be counted at a time: more than there are workers, and few to look through."""


@dataclass(frozen=True, kw_only=True)
class Poll:
    """A poll that takes signals.

    `joined` brings an entry, whose id is that of the signal: its `name`, which battles call it by; `team`, by default
    the entry's id; and `baseline`, of one that competes without a place. Of a team the latest entry is on the board,
    and what was voted on those before it still counts for whom they met. Where there are `prompts`, it also brings its
    answers to them: `file`, an upload by digest, and `called`, its name; battles then call it by its id, and it is on
    the board once a job has found nothing wrong with them. `withdrawn` takes an `entry` off the board, and leaves out
    the battles that it had; or leaves out the votes of a `voter`. `voted` brings `votes`: the digest of a table of
    battles (`engine.runners.poll.keep_votes`) between entries that have joined by then. One that is damaged, or names
    anybody else, counts for nothing as a whole, with the reason; it may be sent again once who was missing has joined.
    A batch counts once, however often it is sent. `closed` ends it, and is the last that is taken.

    Law: the state in the end follows from the order of the signals and from what each job yields, whenever it ended.

    Attributes:
        name: to whom signals are addressed.
        cluster: columns of each batch whose equal values mark battles that depend on one another, such as the voter;
            the first is the one by which voters are left out.
        prompts: a table of what entries answer; none where that is not the poll's affair.
        threads: of each job.
    """

    name: str = "poll"
    cluster: tuple[str, ...] = ()
    prompts: Upload | None = None
    threads: int = 1
    order: Order = "arrival"

    def init(self, candidates: Sequence[Candidate], *, seed: int) -> Polled:
        """The poll with those that can be voted for from the beginning, who have no answers to show."""
        state = Polled()
        for number, candidate in enumerate(candidates):
            entry, name = f"from the beginning {number}", candidate.entrant.name
            state = state.with_entry(entry, Came(name=name, label=name, team=entry), None)
        return state

    def refusal(self, state: Polled, signal: Signal) -> str:
        """Why a signal is not taken; empty where it is."""
        return refusal_of(state, signal.name, signal.body, answers=self.prompts is not None)

    def plan(self, state: Polled) -> Plan:
        groups = [(reading(self.prompts),)] if self.prompts and state.prompts is None else []
        groups += [one.jobs for one in islice(state.receiving.values(), _AHEAD)]
        groups += [one.jobs for one in islice(state.waiting.values(), _AHEAD)]
        groups += [(self._rate(state, state.rating),)] if state.rating else []
        jobs = Grouped(tuple(groups))
        return Plan(jobs, "run") if jobs else Plan(status="finished" if state.closed else "wait")

    def update(self, state: Polled, event: Event) -> Polled:
        if isinstance(event, Signal):
            taken = event.id not in state.heard and not self.refusal(state, event)
            return self._rating(state, self._told(state, event)) if taken else state
        if not isinstance(event, Outcome):
            return state
        if state.rating and self._rate(state, state.rating).digest == event.job:
            after = replace(state, rated=Answered.of(state.rating, event), rating=None)
            return self._next(after)
        return self._rating(state, self._ended(state, event))

    def _ended(self, state: Polled, event: Outcome) -> Polled:
        """The poll when a job has ended that was asked for a file of prompts or answers, or for a batch."""
        if self.prompts and state.prompts is None and (job := reading(self.prompts)).digest == event.job:
            return replace(state, prompts=Received.of(job, event))
        received = [entry for entry, one in state.receiving.items() if one.jobs[0].digest == event.job]
        counted = [id for id, one in state.waiting.items() if one.jobs[0].digest == event.job]
        for entry in received:
            state = state.with_received(entry, Received.of(state.receiving[entry].jobs[0], event))
        for id in counted:
            state = state.with_counted(id, Counted.of(event))
        return state

    def standings(self, state: Polled) -> Standings:
        """By rating, those who have one; the others after them."""
        return poll_lines(state)

    def batches(self, state: Polled) -> Mapping[str, Counted]:
        """What came of each batch that has been looked at, by the id of its signal: how many battles, or why none."""
        return batches_of(state)

    def _told(self, state: Polled, signal: Signal) -> Polled:
        state = replace(state, heard=state.heard.with_item(signal.id, signal.at))
        if signal.name == "joined":
            entry = came(signal.id, signal.body, answers=self.prompts is not None)
            looks = receiving(entry.answers, self.prompts) if entry.answers and self.prompts else None
            return state.with_entry(signal.id, entry, looks)
        if signal.name == "withdrawn" and "voter" in signal.body:
            return replace(state, unheard=state.unheard.with_item(str(signal.body["voter"]), True))
        if signal.name == "withdrawn":
            return replace(state, withdrawn=state.withdrawn.with_item(str(signal.body["entry"]), True))
        if signal.name == "voted":
            votes = Digest(signal.body["votes"])
            return state.with_batch(signal.id, votes, self._count(state, votes))
        return replace(state, closed=signal.at)

    def _rating(self, before: Polled, state: Polled) -> Polled:
        """The poll with the next rating under way, if the last has ended, or rates who has been left out."""
        if all(getattr(before, what) is getattr(state, what) for what in _RATED_BY):
            return state
        if state.rating and (state.rating.without, state.rating.unheard) == (state.gone, tuple(state.unheard)):
            return state
        return self._next(state)

    def _next(self, state: Polled) -> Polled:
        """The poll with a rating under way of all that has been counted so far, unless that is the latest."""
        shown = state.shown.values()
        wanted = Rating(
            votes=tuple(state.accepted),
            without=state.gone,
            unheard=tuple(state.unheard),
            shown=tuple(entry.label for entry in shown),
            placed=tuple(entry.label for entry in shown if not entry.baseline),
        )
        if not wanted.votes:
            return replace(state, rating=None, rated=None)
        known = state.rated is not None and state.rated.asked == wanted
        return replace(state, rating=None if known else wanted)

    def _count(self, state: Polled, votes: Digest) -> Job:
        """Reads a batch, and finds out whether it speaks of those who have joined, and can be counted."""
        return Job(
            runner="count_votes",
            inputs={"votes": votes},
            params={"names": [entry.label for entry in state.entries.values()], "cluster": list(self.cluster)},
            outputs=("votes",),
            label=f"count {votes[7:19]}",
        )

    def _rate(self, state: Polled, rating: Rating) -> Job:
        return state.kept.once("rate", rating, lambda: self._rating_job(rating))

    def _rating_job(self, rating: Rating) -> Job:
        return Job(
            runner="rate",
            inputs={f"votes{number}": digest for number, digest in enumerate(rating.votes)},
            params={
                "without": list(rating.without),
                "unheard": list(rating.unheard),
                "shown": list(rating.shown),
                "placed": list(rating.placed),
                "cluster": list(self.cluster),
            },
            threads=self.threads,
            label=f"rate by {len(rating.votes)} batches of votes",
        )
