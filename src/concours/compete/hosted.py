"""A hosted board: entries join while it runs, by predictions or by recipe, and are scored as they come.

While the board is open, public rows alone are scored: each entry by itself, at once, and all that have been scored so
far together, for their ranks; at most one such ranking is under way. The other rows are scored once, for all that stand
on the board, when it is closed and everything that had joined by then has ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from concours.compete.answered import Answered
from concours.compete.hosted_board import (
    Board,
    Joined,
    Part,
    Ranking,
    Result,
    Score,
    board_lines,
    current,
    joined,
    problem_of,
    readable,
    refusal_of,
)
from concours.compete.jobs import Final, Jobs
from concours.compete.way import Way
from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.event import Done, Event, Outcome, Signal
from concours.core.growing import Growing
from concours.core.job import Job
from concours.core.problem import Part as Rows
from concours.core.problem import Problem
from concours.core.process import Grouped, Memo, Order, Plan
from concours.core.seeds import derive_seed
from concours.core.standings import Standings

_RANKED_BY = ("scores", "withdrawn", "problems", "read", "ranking")


@dataclass(frozen=True, kw_only=True)
class Hosted:
    """A board that takes signals.

    `joined` brings an entry, whose id is that of the signal: `name`, and either `predictions` for the test part, by
    digest, or a `recipe` with `params`, `prepare` and `code`. `withdrawn` takes an `entry` off the board, and what is
    still to be done for it out of the plan. `rescored` names a `problem` by digest, which differs from the board's in
    the targets, weights and groups of the test part, in which of its rows are public, and in metrics at most: from then
    on it is the one that counts. Scores are kept by problem, and every entry is scored by each, so that a difference
    can be shown. `closed` ends it, and is the last that is taken.

    Law: the state in the end follows from the order of the signals and from what each job yields, whenever it ended.

    Attributes:
        problem: with a test part. Where it does not tell public rows apart, all are public.
        name: to whom signals are addressed.
        final: how an entry by recipe predicts the test part (`compete.leaderboard`).
        threads: of each job.
    """

    problem: Problem
    name: str = "board"
    final: Final = "bag"
    threads: int = 1
    order: Order = "arrival"

    def init(self, candidates: Sequence[Candidate], *, seed: int) -> Board:
        """The board with those that stand on it from the beginning.

        Raises:
            ValueError: the problem has no test part, by which entries are scored.
        """
        _test(self.problem)
        board = Board(seed=seed, problems=(self.problem.digest,), read=Growing({self.problem.digest: self.problem}))
        for number, candidate in enumerate(candidates):
            entry = f"from the beginning {number}"
            joined_first = Joined(name=candidate.entrant.name, candidate=candidate)
            board = self._advanced(board.with_entry(entry, joined_first), entry, Growing())
        return board

    def refusal(self, state: Board, signal: Signal) -> str:
        """Why a signal is not taken; empty where it is."""
        return refusal_of(state, signal)

    def plan(self, state: Board) -> Plan:
        groups: list[tuple[Job, ...]] = [
            (self._reading(digest),) for digest in state.problems if digest not in state.read
        ]
        groups += [entry.jobs for entry in state.under_way.values()]
        if not groups and state.closed and state.ranking is None and state.rest is None:
            last = self._wanted(state, "rest")
            groups += [(self._ranks(state, last),)] if last.entries else []
        groups += [(self._ranks(state, state.ranking),)] if state.ranking else []
        jobs = Grouped(tuple(groups))
        return Plan(jobs, "run") if jobs else Plan(status="finished" if state.closed else "wait")

    def update(self, state: Board, event: Event) -> Board:
        if isinstance(event, Signal):
            taken = event.id not in state.heard and not refusal_of(state, event)
            return self._ranking(state, self._told(state, event)) if taken else state
        if not isinstance(event, Outcome):
            return state
        owners = [entry for entry, under_way in state.under_way.items() if under_way.asks(event.job)]
        after = state
        for entry in owners:
            known = state.under_way[entry].known.with_item(event.job, event)
            after = self._advanced(after, entry, known)
        if not owners:
            after = self._read(state, event) or self._ranked(state, event) or state
        return self._ranking(state, after)

    def standings(self, state: Board) -> Standings:
        """The board as it may be shown: by public rows while it is open, by the others once they are scored."""
        return board_lines(state)

    def scores(self, state: Board, problem: Digest | None = None) -> Mapping[str, Score]:
        """How each entry scored on the public rows, by its id; by the problem that counts, or by an earlier one."""
        digest = problem or current(state)
        return {entry: score for entry in state.standing if (score := state.scores.get(f"{digest} {entry}"))}

    # Signals

    def _told(self, state: Board, signal: Signal) -> Board:
        state = replace(state, heard=state.heard.with_item(signal.id, signal.at))
        if signal.name == "joined":
            return self._advanced(state.with_entry(signal.id, joined(signal.body)), signal.id, Growing())
        if signal.name == "withdrawn":
            return state.without(str(signal.body["entry"]))
        if signal.name == "rescored":
            return replace(state, problems=(*state.problems, Digest(signal.body["problem"])))
        return replace(state, closed=signal.at)

    # Entries

    def _advanced(self, state: Board, entry: str, known: Growing[Digest, Outcome]) -> Board:
        """The board with an entry as far as what is known of its jobs lets it come."""
        result, jobs = state.results.get(entry), tuple[Job, ...]()
        if result is None:
            result, jobs = self._making(state, entry, known)
            state = state.with_result(entry, result) if result else state
        if result and result.predictions:
            for digest, problem in readable(state):
                if f"{digest} {entry}" not in state.scores:
                    job = self._scores(state, problem, result)
                    ended = known.get(job.digest)
                    state = state.with_score(digest, entry, Score.of(ended)) if ended else state
                    jobs = jobs if ended else (*jobs, job)
        return state.with_jobs(entry, jobs, known)

    def _making(
        self, state: Board, entry: str, known: Growing[Digest, Outcome]
    ) -> tuple[Result | None, tuple[Job, ...]]:
        """What an entry predicts for the test part, or why it does not; the jobs that are still to be done for it."""
        sent, candidate = state.entries[entry].predictions, state.entries[entry].candidate
        if candidate is None:
            job = state.kept.once(("receive", sent), None, lambda: self._receiving(sent or Digest("")))
            event = known.get(job.digest)
            return (Result.of(event), ()) if event else (None, (job,))
        jobs = state.kept.once(entry, None, lambda: self._jobs(state, candidate))
        way = Way(jobs=jobs, state=Memo(candidates=(), seed=state.seed, known=known)).entry()
        if way.open:
            return None, way.open
        if way.failed:
            return Result(reason=way.failed.reason), ()
        return Result(predictions=way.candidate.test, decision=way.candidate.decision), ()

    # Problems and ranks

    def _read(self, state: Board, event: Outcome) -> Board | None:
        """The board once another problem has been read, if this is what has ended."""
        unread = (digest for digest in state.problems if digest not in state.read)
        digest = next((digest for digest in unread if self._reading(digest).digest == event.job), None)
        if digest is None:
            return None
        problem = Problem.from_json(event.values["problem"]) if isinstance(event, Done) else event.reason
        state = replace(state, read=state.read.with_item(digest, problem))
        for entry in state.standing:
            under_way = state.under_way.get(entry)
            state = self._advanced(state, entry, under_way.known if under_way else Growing())
        return state

    def _ranked(self, state: Board, event: Outcome) -> Board | None:
        """The board once a ranking has ended, if it is the one under way."""
        if state.ranking and self._ranks(state, state.ranking).digest == event.job:
            return replace(state, public=Answered.of(state.ranking, event), ranking=None)
        if state.closed and not state.rest and not state.ranking:
            last = self._wanted(state, "rest")
            if last.entries and self._ranks(state, last).digest == event.job:
                return replace(state, rest=Answered.of(last, event))
        return None

    def _ranking(self, before: Board, state: Board) -> Board:
        """The board with the next ranking under way, if the last has ended, or ranks what no longer stands."""
        if all(getattr(before, what) is getattr(state, what) for what in _RANKED_BY):
            return state
        under_way = state.ranking
        if under_way and under_way.problem == current(state) and not state.withdrawn.keys() & under_way.entries:
            return state
        wanted = self._wanted(state, "public")
        if not wanted.entries:
            return replace(state, ranking=None, public=None)
        known = state.public is not None and state.public.asked == wanted
        return replace(state, ranking=None if known else wanted)

    def _wanted(self, state: Board, part: Part) -> Ranking:
        """All that have been scored so far, by the problem that counts."""
        digest = current(state)
        scored = (entry for entry in state.standing if state.scored(digest, entry))
        return Ranking(problem=digest, part=part, entries=tuple(scored))

    def _ranks(self, state: Board, ranking: Ranking) -> Job:
        problem = problem_of(state, ranking.problem)
        results = [state.results[entry] for entry in ranking.entries]
        what = f"rank {len(results)} entries: {'public rows' if ranking.part == 'public' else 'the rest'}"
        return state.kept.once(
            ranking.part, (ranking, results), lambda: self._scoring(state, problem, results, ranking.part, what)
        )

    def _scores(self, state: Board, problem: Problem, result: Result) -> Job:
        """Scores one entry on the public rows. Two that predict the same are scored once."""
        what = f"score {(result.predictions or '')[7:19]}: public rows"
        return state.kept.once(
            ("score", problem.digest, result.predictions),
            result,
            lambda: self._scoring(state, problem, [result], "public", what, alone=True),
        )

    # Jobs

    def _reading(self, problem: Digest) -> Job:
        """Reads another problem, and finds out whether it is the board's but for what a rescoring may change."""
        params = {"of": self.problem.to_json()}
        return Job(runner="rescore", inputs={"problem": problem}, params=params, label=f"rescore: {problem[7:19]}")

    def _receiving(self, predictions: Digest) -> Job:
        """Checks what somebody sent as predictions for the test part."""
        params = {"rows": _test(self.problem).rows, "output": self.problem.output.told}
        label = f"receive {predictions[7:19]}"
        return Job(runner="receive", inputs={"predictions": predictions}, params=params, outputs=("test",), label=label)

    def _scoring(
        self, state: Board, problem: Problem, results: Sequence[Result], part: Part, what: str, *, alone: bool = False
    ) -> Job:
        """Scores entries on the public rows of the test part, or on the rest, and ranks them; or one by itself."""
        predictions = {f"predictions{i}": r.predictions for i, r in enumerate(results) if r.predictions}
        public = {"public": problem.public} if problem.public else {}
        decisions = [result.decision and dict(result.decision) for result in results]
        return Job(
            runner="rank",
            inputs={"y": _test(problem).y, **_test(problem).counting, **public, **predictions},
            params={**problem.measuring(), "decisions": decisions, "part": part, "alone": alone},
            seed=derive_seed(state.seed, "judge"),
            threads=self.threads,
            label=what,
        )

    def _jobs(self, state: Board, candidate: Candidate) -> Jobs:
        return Jobs(problem=self.problem, final=self.final, threads=self.threads, seed=state.seed, candidate=candidate)


def _test(problem: Problem) -> Rows:
    if problem.test is None:
        raise ValueError(f"a hosted board scores entries by the test part, and {problem.name!r} has none")
    return problem.test
