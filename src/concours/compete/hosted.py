"""A hosted board: entries join while it runs, by predictions, file, program or recipe, and are scored as they come.

While the board is open, public rows alone are scored: each entry by itself, at once, and the best of every team
together, for their ranks; at most one such ranking is under way. The other rows are scored for the teams' finals, when
it is closed and everything that had joined by then has ended; and again where a final is then withdrawn, or a truth
was wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from concours.compete.answered import Answered
from concours.compete.blame import theirs
from concours.compete.hosted_board import (
    Allied,
    Board,
    Pending,
    Ranking,
    Result,
    Score,
    Scoring,
    UnderWay,
    Watched,
    bests,
    current,
    readable,
    scoring_of,
)
from concours.compete.hosted_entries import Joined, joined, refusal_of, way_of
from concours.compete.hosted_lines import AllianceLine, alliance_line, board_lines
from concours.compete.hosted_measures import Entered, Measure, Sheet, Submitted, measure_of, test_of
from concours.compete.hosted_watch import watched
from concours.compete.jobs import Final, Jobs
from concours.compete.uploads import Upload
from concours.compete.way import Way
from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.event import Done, Event, Failed, Outcome, Signal
from concours.core.frozen import frozen
from concours.core.growing import Growing
from concours.core.job import Job
from concours.core.problem import Problem
from concours.core.process import Grouped, Memo, Order, Plan
from concours.core.standings import Standings

Known = Growing[Digest, Done | Failed]

_RANKED_BY = ("best", "problems", "read", "ranking", "withdrawn")
_ALLIED_BY = ("best", "problems", "read", "allying", "withdrawn", "opted", "allowed")
_WRITES = "predictions.csv"
"""What a program's file is called that does not say."""


@dataclass(frozen=True, kw_only=True)
class Hosted:
    """A board that takes signals.

    `joined` brings an entry, whose id is that of the signal: `name`, `team` (by default the entry's id), `baseline` of
    one that competes without a place, and one of: `predictions` for the test part, by digest; `file`, an upload with
    predictions, and `called`, its name; `program`, an upload that is run and writes such a file, and `called`; a
    `recipe` with `params`, `prepare` and `code`. `withdrawn` takes an `entry` off the board, and what is still to be
    done for it out of the plan. `rescored` names a `problem` by digest, which differs from the board's in the targets,
    weights and groups of the test part, in which of its rows are public, and in metrics at most: from then on it is the
    one that counts. Scores are kept by problem, and every entry is scored by each, so that a difference can be shown.
    `closed` ends it: from then on it takes `withdrawn` and `rescored` alone, by which its end is made anew. `finals`
    are the entries, two at most a team, by which teams are ranked in the end, each by the better one; of a team that
    names none, or none that has a score and stands, its best public one.

    `opted` says whether a `team`, or without one the whole board, takes part in the `alliance`. `merged` makes a `team`
    part of another one, `into` which all that it has sent goes, and what it will: as if it had been that one's always.

    A baseline is scored and shown beside the others, counts in nobody's rank, and is in no alliance.

    Laws: the state in the end follows from the order of the signals and from what each job yields, whenever it ended.
    An event costs what it changes: where a ranking is asked for, a walk over the teams; never one over all entries but
    when a problem is read, by which all of them are to be scored.

    Attributes:
        problem: with a test part, where it does not tell public rows apart, all are public; or a host's own scoring,
            which takes files and programs alone.
        name: to whom signals are addressed.
        sheet: what files of predictions call rows and columns.
        submitted: what programs that somebody sent are run with.
        ladder: whether the public board is guarded against climbing by chance (Blum and Hardt 2015): of a team it shows
            another entry only if that is better than the one shown by more than the standard error of their paired
            difference, in the order in which they joined. What else entries scored is kept, and shown to nobody. An
            entry that is withdrawn is taken out of that order, as if it had never come: whoever may withdraw one that
            has a score may look twice, so that should be nobody who competes.
        final: how an entry by recipe predicts the test part (`compete.leaderboard`).
        threads: of each job.
    """

    problem: Scoring
    name: str = "board"
    sheet: Sheet = field(default_factory=Sheet)
    submitted: Submitted = field(default_factory=Submitted)
    ladder: bool = False
    final: Final = "bag"
    threads: int = 1
    order: Order = "arrival"

    def init(self, candidates: Sequence[Candidate], *, seed: int) -> Board:
        """The board with those that stand on it from the beginning, each as a team.

        Raises:
            ValueError: the problem has no test part, by which entries are scored; or it has no rows, for a Ladder.
        """
        if isinstance(self.problem, Problem):
            test_of(self.problem)
        elif self.ladder:
            raise ValueError("a Ladder compares rows, and of a host's own scorer none are known: leave it out")
        read = Growing[str, Scoring | str]({self.problem.digest: self.problem})
        board = Board(seed=seed, problems=(self.problem.digest,), read=read, guarded=self.ladder)
        for number, candidate in enumerate(candidates):
            entry = f"from the beginning {number}"
            first = Joined(name=candidate.entrant.name, team=entry, number=number, candidate=candidate)
            board = self._advanced(board.with_entry(entry, first), entry)
        return board

    def refusal(self, state: Board, signal: Signal) -> str:
        """Why a signal is not taken; empty where it is."""
        if reason := refusal_of(state, signal.name, signal.body):
            return reason
        way, takes = way_of(signal.body), self._measure(state, self.problem.digest).takes
        if signal.name == "joined" and way not in takes:
            return f"this board takes {' or '.join(takes)}, since a program of the host's scores it; got {way}"
        return ""

    def plan(self, state: Board) -> Plan:
        groups: list[tuple[Job, ...]] = [
            (self._reading(state, digest),) for digest in state.problems if digest not in state.read
        ]
        groups += [under_way.jobs for under_way in state.under_way.values()]
        pending = (*state.climbing.values(), state.ranking, state.allying, state.watching)
        groups += [(one.job,) for one in pending if one]
        jobs = Grouped(tuple(groups))
        return Plan(jobs, "run") if jobs else Plan(status="finished" if state.closed else "wait")

    def update(self, state: Board, event: Event) -> Board:
        if isinstance(event, Signal):
            taken = event.id not in state.heard and not self.refusal(state, event)
            return self._followed(state, self._told(state, event)) if taken else state
        return self._followed(state, self._ended(state, event)) if isinstance(event, Outcome) else state

    def standings(self, state: Board) -> Standings:
        """The board as it may be shown: by public rows while it is open, by the others once they are scored."""
        return board_lines(state)

    def alliance(self, state: Board) -> AllianceLine:
        """What entries achieve together, or why nothing is said of that."""
        return alliance_line(state, joins=isinstance(self.problem, Problem))

    def scores(self, state: Board, problem: Digest | None = None) -> Mapping[str, Score]:
        """How each entry scored on the public rows, by its id; by the problem that counts, or by an earlier one."""
        digest = problem or current(state)
        return {entry: score for entry in state.standing if (score := state.score(digest, entry))}

    def shown(self, state: Board, entry: str) -> Score | None:
        """The score that may be shown for an entry by the problem that counts (`Board.shown_score`)."""
        return state.shown_score(current(state), entry)

    # Signals

    def _told(self, state: Board, signal: Signal) -> Board:
        state, body = replace(state, heard=state.heard.with_item(signal.id, signal.at)), signal.body
        if signal.name == "joined":
            entry = joined(signal.id, len(state.entries), body)
            return self._advanced(state.with_entry(signal.id, entry), signal.id)
        if signal.name == "withdrawn":
            return self._reclimbed(state.without(str(body["entry"])), str(body["entry"]))
        if signal.name == "merged":
            return self._merged(state, str(body["team"]), state.home(str(body["into"])))
        if signal.name == "rescored":
            return replace(state, problems=(*state.problems, Digest(body["problem"])))
        if signal.name == "opted":
            if "team" in body:
                return replace(state, opted=state.opted.with_item(state.home(body["team"]), body["alliance"]))
            return replace(state, allowed=body["alliance"])
        finals = {team: tuple(entries) for team, entries in body.get("finals", {}).items()}
        return replace(state, closed=signal.at, finals=frozen(finals))

    # Outcomes

    def _ended(self, state: Board, event: Done | Failed) -> Board:
        owners = [entry for entry, under_way in state.under_way.items() if under_way.asks(event.job)]
        for entry in owners:
            under_way = state.under_way[entry]
            known = under_way.known.with_item(event.job, event)
            state = self._advanced(state, entry, replace(under_way, known=known))
        climbing = [key for key, pending in state.climbing.items() if pending.job.digest == event.job]
        for key in climbing:
            state = self._climbed(state, key, event)
        if owners or climbing:
            return state
        ranking = state.ranking
        if ranking and ranking.job.digest == event.job:
            answer = Answered.of(ranking.asked, event)
            state = replace(state, ranking=None)
            return replace(state, public=answer) if ranking.asked.part == "public" else replace(state, rest=answer)
        allying = state.allying
        if allying and allying.job.digest == event.job:
            allied, public = Answered.of(allying.asked, event), allying.asked.part == "public"
            state = replace(state, allying=None)
            return replace(state, alliance=allied) if public else replace(state, last_alliance=allied)
        if state.watching and state.watching.job.digest == event.job:
            return replace(state, watching=None, watch=Answered.of(state.watching.asked, event))
        return self._read(state, event)

    def _read(self, state: Board, event: Done | Failed) -> Board:
        """The board once another problem has been read, if this is what has ended."""
        unread = (digest for digest in state.problems if digest not in state.read)
        digest = next((digest for digest in unread if self._reading(state, digest).digest == event.job), None)
        if digest is None:
            return state
        read = type(self.problem).from_json(event.values["problem"]) if isinstance(event, Done) else event.reason
        state = replace(state, read=state.read.with_item(digest, read))
        if not isinstance(read, str):
            state = state.with_judged(())
        for entry in state.standing:
            state = self._advanced(state, entry)
        return state

    # Entries

    def _advanced(self, state: Board, entry: str, under_way: UnderWay | None = None) -> Board:
        """The board with an entry as far as what is known of its jobs lets it come."""
        under_way = under_way or state.under_way.get(entry) or UnderWay(jobs=())
        known, result, jobs = under_way.known, state.results.get(entry), tuple[Job, ...]()
        if result is None:
            result, jobs = self._making(state, entry, under_way)
            state = state.with_result(entry, result) if result else state
        if result and not result.reason:
            for digest, _ in readable(state):
                if state.score(digest, entry) is None:
                    measure = self._measure(state, digest)
                    job = under_way.kept.once(digest, None, partial(measure.score, result))
                    score = _score(measure, job, known.get(job.digest))
                    state = state.with_score(digest, entry, score) if score else state
                    jobs = jobs if score else (*jobs, job)
            state, jobs = self._judged(state, entry, result, under_way, jobs)
        state = state.with_jobs(entry, replace(under_way, jobs=jobs) if jobs else None)
        for digest, _ in readable(state) if state.guarded else ():
            state = self._climbs(state, digest, state.side_of(entry))
        return state

    # The Ladder

    def _climbs(self, state: Board, problem: Digest, side: str) -> Board:
        """The board with what is shown of a side, as far as its entries have been scored, in their order."""
        key, last = f"{problem} {side}", ""
        if key in state.climbing:
            return state
        for entry in state.of_side[side]:
            mine, result, score = f"{problem} {entry}", state.results.get(entry), state.score(problem, entry)
            if mine in state.shown:
                last = state.shown[mine]
            elif state.value(problem, entry) is None:
                if score is None and not (result and result.reason):
                    break
            elif last:
                job = self._measure(state, problem).climb(state.results[last], state.results[entry])
                assert job is not None  # noqa: S101 (for the type checker)
                return _with_climbing(state, key, Pending(asked=entry, job=job))
            else:
                state, last = _with_shown(state, problem, entry, entry), entry
        return state

    def _climbed(self, state: Board, key: str, event: Done | Failed) -> Board:
        """The board once it is known whether an entry climbs: if that failed, it does not."""
        problem, entry = Digest(key.partition(" ")[0]), state.climbing[key].asked
        side = state.side_of(entry)
        climbs = isinstance(event, Done) and bool(event.values["climbs"])
        last = entry if climbs else state.best[key]
        return self._climbs(_with_shown(_with_climbing(state, key, None), problem, entry, last), problem, side)

    def _merged(self, state: Board, team: str, into: str) -> Board:
        """The board with two teams as one."""
        gone, side = f"team {team}", f"team {into}"
        some, state = bool(state.of_side.get(gone)), state.merged(team, into)
        for digest, _ in readable(state) if state.guarded else ():
            state = replace(state, best=state.best.without(f"{digest} {gone}"))
            state = _with_climbing(state, f"{digest} {gone}", None)
        return self._climbed_anew(state, side) if some else state

    def _reclimbed(self, state: Board, entry: str) -> Board:
        """The board with what is shown of a side without an entry that it had."""
        for digest, _ in readable(state) if state.guarded else ():
            state = replace(state, shown=state.shown.without(f"{digest} {entry}"))
        return self._climbed_anew(state, state.side_of(entry))

    def _climbed_anew(self, state: Board, side: str) -> Board:
        """The board when the order of a side has been gone through anew."""
        for digest, _ in readable(state) if state.guarded else ():
            shown = state.shown
            for other in state.of_side[side]:
                shown = shown.without(f"{digest} {other}")
            state = replace(state, shown=shown, best=state.best.without(f"{digest} {side}"))
            state = self._climbs(_with_climbing(state, f"{digest} {side}", None), digest, side)
        return state

    # Entries

    def _judged(
        self, state: Board, entry: str, result: Result, under_way: UnderWay, jobs: tuple[Job, ...]
    ) -> tuple[Board, tuple[Job, ...]]:
        """The same of a final, where it is scored on the rest by itself."""
        if entry not in state.judged or entry in state.private:
            return state, jobs
        digest = current(state)
        measure = self._measure(state, digest)
        job = under_way.kept.once(f"private {digest}", None, lambda: measure.private(result))
        score = _score(measure, job, under_way.known.get(job.digest)) if job else None
        if score:
            return replace(state, private=state.private.with_item(entry, score)), jobs
        return state, (*jobs, job) if job else jobs

    def _making(self, state: Board, entry: str, under_way: UnderWay) -> tuple[Result | None, tuple[Job, ...]]:
        """What an entry predicts for the test part, or why it does not; the jobs that are still to be done for it."""
        came, known, kept = state.entries[entry], under_way.known, under_way.kept
        if candidate := came.candidate:
            return self._fitted(state, candidate, kept.once("fits", None, lambda: self._jobs(state, candidate)), known)
        upload = came.file
        if program := came.program:
            run = kept.once("run", None, lambda: self.submitted.run(program, seed=state.seed))
            ended = known.get(run.digest)
            if not isinstance(ended, Done):
                return (_broken(run, ended), ()) if ended else (None, (run,))
            upload = Upload(file=ended.outputs["file"], called=str(ended.values.get("called", _WRITES)))
        sent = upload or came.predictions
        assert sent is not None  # noqa: S101 (for the type checker)
        job = kept.once("receive", None, lambda: self._measure(state, self.problem.digest).received(sent))
        if job is None:
            return Result(file=upload), ()
        ended = known.get(job.digest)
        if not isinstance(ended, Done):
            return (_broken(job, ended), ()) if ended else (None, (job,))
        return Result(predictions=ended.outputs["test"], notes=tuple(ended.values.get("notes", ()))), ()

    def _fitted(
        self, state: Board, candidate: Candidate, jobs: Jobs, known: Known
    ) -> tuple[Result | None, tuple[Job, ...]]:
        way = Way(jobs=jobs, state=Memo(candidates=(), seed=state.seed, known=known)).entry()
        if way.open:
            return None, way.open
        if way.failed:
            return Result(reason=way.failed.reason), ()
        return Result(predictions=way.candidate.test, decision=way.candidate.decision), ()

    # What follows once an event has been told

    def _followed(self, before: Board, state: Board) -> Board:
        state = self._allying(before, self._ranking(before, state))
        state = self._closing(state) if state.closed else state
        return watched(before, state, self._watches)

    def _ranking(self, before: Board, state: Board) -> Board:
        """The board with the next ranking under way, if the last has ended, or ranks what no longer stands."""
        if all(getattr(before, what) is getattr(state, what) for what in _RANKED_BY):
            return state
        pending = state.ranking
        if pending and self._counts(before, state, pending.asked):
            return state
        wanted = Ranking(problem=current(state), part="public", entries=bests(state))
        if not wanted.entries:
            return replace(state, ranking=None, public=None)
        known = state.public is not None and state.public.asked == wanted
        return replace(state, ranking=None if known else self._ranks(state, wanted))

    def _allying(self, before: Board, state: Board) -> Board:
        """The same with alliances, which are of teams that have not opted out."""
        if all(getattr(before, what) is getattr(state, what) for what in _ALLIED_BY):
            return state
        pending, as_before = state.allying, before.opted is state.opted and before.allowed is state.allowed
        if pending and as_before and self._counts(before, state, pending.asked):
            return state
        wanted = Allied(problem=current(state), part="public", entries=_taking_part(state))
        known = state.alliance is not None and state.alliance.asked == wanted
        pending = None if known else self._allies(state, wanted)
        return replace(state, allying=pending, alliance=state.alliance if known or pending else None)

    def _counts(self, before: Board, state: Board, asked: Ranking | Allied) -> bool:
        """Whether a ranking is by the problem that counts, and of entries that stand."""
        gone = before.withdrawn is not state.withdrawn and any(entry in state.withdrawn for entry in asked.entries)
        return asked.problem == current(state) and not gone

    def _closing(self, state: Board) -> Board:
        """The board with what is left to be done, once it is closed and everything has ended: the rest of the rows."""
        if (
            state.under_way
            or state.climbing
            or state.ranking
            or any(digest not in state.read for digest in state.problems)
        ):
            return state
        state = self._closing_alliance(state).with_judged(_finals(state))
        for entry in state.judged:
            state = self._advanced(state, entry)
        if state.under_way:
            return state
        wanted = Ranking(problem=current(state), part="rest", entries=state.judged)
        if not wanted.entries:
            return replace(state, rest=None)
        known = state.rest is not None and state.rest.asked == wanted
        return state if known else replace(state, ranking=self._ranks(state, wanted))

    def _closing_alliance(self, state: Board) -> Board:
        """The alliance of the public rows on the rest, once it is known, where there is a rest."""
        public, known = state.alliance, state.last_alliance
        if state.allying:
            return state
        if public is None or public.reason or not self._measure(state, public.asked.problem).apart:
            return replace(state, last_alliance=None)
        wanted = replace(public.asked, part="rest")
        return state if known and known.asked == wanted else replace(state, allying=self._allies(state, wanted))

    def _ranks(self, state: Board, ranking: Ranking) -> Pending[Ranking]:
        measure = self._measure(state, ranking.problem)
        return Pending(asked=ranking, job=measure.rank(_entered(state, ranking), ranking.part))

    def _allies(self, state: Board, allied: Allied) -> Pending[Allied] | None:
        """None where there are fewer than two, or nothing to join them by."""
        if len(allied.entries) < 2:
            return None
        entries = allied.entries
        best = min(range(len(entries)), key=lambda place: state.order(allied.problem, entries[place]))
        job = self._measure(state, allied.problem).ally(_entered(state, allied), allied.part, best)
        return Pending(asked=allied, job=job) if job else None

    def _watches(self, state: Board, asked: Watched) -> Job | None:
        results = [state.results[entry] for entry in asked.entries]
        return self._measure(state, asked.problem).watch(results)

    # Jobs

    def _measure(self, state: Board, digest: Digest) -> Measure:
        scoring = scoring_of(state, digest)
        return measure_of(scoring, sheet=self.sheet, seed=state.seed, threads=self.threads)

    def _reading(self, state: Board, problem: Digest) -> Job:
        """Reads another problem, and finds out whether it is the board's but for what a rescoring may change."""
        inputs, label = {"problem": problem}, f"rescore: {problem[7:19]}"
        return state.kept.once(
            problem,
            None,
            lambda: Job(runner="rescore", inputs=inputs, params={"of": self.problem.to_json()}, label=label),
        )

    def _jobs(self, state: Board, candidate: Candidate) -> Jobs:
        assert isinstance(self.problem, Problem)  # noqa: S101 (for the type checker)
        return Jobs(problem=self.problem, final=self.final, threads=self.threads, seed=state.seed, candidate=candidate)


def _broken(job: Job, failed: Failed) -> Result:
    return Result(reason=failed.reason, theirs=theirs(job, failed))


def _score(measure: Measure, job: Job, ended: Done | Failed | None) -> Score | None:
    if ended is None:
        return None
    if isinstance(ended, Done):
        return measure.told(ended)
    return Score(reason=ended.reason, theirs=theirs(job, ended))


def _with_climbing(state: Board, key: str, pending: Pending[str] | None) -> Board:
    others = {other: one for other, one in state.climbing.items() if other != key}
    if pending is None and key not in state.climbing:
        return state
    return replace(state, climbing=frozen({**others, key: pending} if pending else others))


def _with_shown(state: Board, problem: Digest, entry: str, last: str) -> Board:
    """With the entry whose score is shown of a side, from one of its entries on."""
    shown = state.shown.with_item(f"{problem} {entry}", last)
    return replace(state, shown=shown, best=state.best.with_item(f"{problem} {state.side_of(entry)}", last))


def _taking_part(state: Board) -> tuple[str, ...]:
    """Those of teams that have not opted out; nobody where the board has no alliance."""
    if not state.allowed:
        return ()
    teams = ((entry, state.entries[entry]) for entry in bests(state))
    return tuple(entry for entry, came in teams if not came.baseline and state.opted.get(state.team_of(entry), True))


def _entered(state: Board, asked: Ranking | Allied) -> list[Entered]:
    """Entries as they are ranked or joined; on the rest those that have a score of their own there have that one."""
    sides: dict[str, int] = {}
    found = []
    for entry in asked.entries:
        came, score = state.entries[entry], state.score(asked.problem, entry)
        score = (state.private.get(entry) if asked.part == "rest" else None) or score or Score()
        side = None if came.baseline else sides.setdefault(state.side_of(entry), len(sides))
        found.append(Entered(result=state.results[entry], score=score, side=side))
    return found


def _finals(state: Board) -> tuple[str, ...]:
    """Whom the rest of the rows ranks: of each team those of its finals that have a score, else its best public one."""
    digest, found = current(state), list[str]()
    for side in state.sides:
        best = state.best_of(digest, side)
        team = state.team_of(best) if best and not state.entries[best].baseline else ""
        chosen = [entry for entry in state.finals.get(team, ()) if _has_score(state, digest, entry)]
        found += chosen or ([best] if best else [])
    return tuple(found)


def _has_score(state: Board, digest: Digest, entry: str) -> bool:
    score = state.score(digest, entry)
    return score is not None and not score.reason
