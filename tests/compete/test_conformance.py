"""The conformance suite of processes on every competition and cooperation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from concours.compete.admission import Admission
from concours.compete.arena import Arena
from concours.compete.asha import Asha
from concours.compete.choosing import Choice, Choosing
from concours.compete.evaluation import Evaluation
from concours.compete.explanations import Explanations
from concours.compete.halving import Halving
from concours.compete.leaderboard import Leaderboard
from concours.compete.looks import Looks
from concours.compete.tournament import SYSTEMS, Tournament
from concours.cooperate.blends import Average, Greedy, Stack, Vote
from concours.cooperate.boosted import BoostedStack
from concours.cooperate.budgeted import Budgeted
from concours.cooperate.cascade import Cascade
from concours.cooperate.credit import Credit
from concours.cooperate.deployed import Deployed
from concours.cooperate.distil import Distil
from concours.cooperate.evolution import Evolve, EvolveTies
from concours.cooperate.federated_sites import SiteScores
from concours.cooperate.federation import Federating
from concours.cooperate.fewer import PruneMembers
from concours.cooperate.joining import best_size
from concours.cooperate.keeping import Keeping
from concours.cooperate.privacy import Privacy
from concours.cooperate.route import Route
from concours.cooperate.select import Select
from concours.cooperate.slim import Prune, Quantize
from concours.cooperate.soups import GreedySoup, Migrate, Soup, Ties
from concours.core.digests import Digest, digest_json
from concours.core.entrant import Candidate, Entrant
from concours.core.event import Tick
from concours.core.job import Job
from concours.core.joint import Joint
from concours.core.kept import Kept
from concours.core.process import Memo, MemoProcess, Plan, unfinished
from concours.stores.memory import MemoryStore
from concours.tasks.outputs.answer import Answer
from concours.testing import LawBroken, check_process
from concours.testing.processes import all_well, check_outcome_is_settled, final_state, some_fail
from concours.testing.toys import Errands, toy_candidates, toy_federation, toy_job, toy_problem

PROBLEM = toy_problem(MemoryStore())
UNJUDGED = toy_problem(MemoryStore(), test=False)
LARGE = replace(PROBLEM, train=replace(PROBLEM.train, rows=5000))
MANY = replace(PROBLEM, test=replace(PROBLEM.test, rows=400))
TEXTS = replace(PROBLEM, kind="text-classification")
ANSWERS = replace(PROBLEM, kind="question-answering", output=Answer().value)
ANSWERED = replace(PROBLEM, output=replace(PROBLEM.output, can={**PROBLEM.output.can, "answers": ""}))
REGRESSION = toy_problem(MemoryStore(), classes=0)


def complete(count: int = 3) -> tuple[Candidate, ...]:
    """Candidates that have been on a leaderboard."""
    board = Leaderboard(problem=PROBLEM)
    entries = board.entries(final_state(board, toy_candidates(count), all_well, seed=0, order=0))
    return tuple(entry.candidate for entry in entries)


def merging(count: int = 3) -> tuple[Candidate, ...]:
    """Candidates that have been on a leaderboard, and whose weights are to be merged."""
    board = Leaderboard(problem=PROBLEM)
    marked = [replace(candidate, merging=True) for candidate in toy_candidates(count)]
    entries = board.entries(final_state(board, marked, all_well, seed=0, order=0))
    return tuple(entry.candidate for entry in entries)


def with_soups() -> tuple[Candidate, ...]:
    """Entrants whose weights are to be merged, and soups of them, after them."""
    members = merging(5)[1:]
    soups: list[Any] = [way(problem=PROBLEM) for way in (Soup, GreedySoup, Ties, Migrate, Evolve, EvolveTies)]
    made = [soup.result(final_state(soup, members, all_well, seed=0, order=0)) for soup in soups]
    return (
        *(replace(candidate, merging=True) for candidate in toy_candidates(5)),
        *(Candidate(entrant=entrant) for entrant in made),
    )


def with_alliances() -> tuple[Candidate, ...]:
    """Entrants, and alliances of them that come after them."""
    members = complete()[1:]
    greedy = Greedy(problem=PROBLEM)
    joint = greedy.result(final_state(greedy, members, all_well, seed=0, order=0))
    blends: list[Any] = [Average(problem=PROBLEM), Vote(problem=PROBLEM)]
    others = [blend.result(blend.init(members, seed=0)) for blend in blends]
    return (*toy_candidates(3), *(Candidate(entrant=entrant) for entrant in (joint, *others)))


def with_students() -> tuple[Candidate, ...]:
    """Entrants whose models of the folds are kept, an alliance of them, its student, and a smaller network."""
    members = complete()[1:]
    known = {one.entrant.digest: one for one in members}
    average = Average(problem=PROBLEM)
    alliance = Candidate(entrant=average.result(average.init(members, seed=0)))
    taught = Distil(problem=PROBLEM, known=known, options={"student": "toy0", "made": 1})
    cut = Prune(problem=PROBLEM)
    student = taught.result(taught.init([alliance], seed=0))
    less = cut.result(final_state(cut, members[1:2], all_well, seed=0, order=0))
    return (*toy_candidates(3), alliance, Candidate(entrant=student), Candidate(entrant=less))


def joint() -> Candidate:
    """An alliance that is complete."""
    return replace(complete()[0], entrant=with_alliances()[-1].entrant)


def parents() -> dict[Digest, Candidate]:
    """Those that it joins."""
    return {candidate.entrant.digest: candidate for candidate in complete()}


def in_words(count: int = 2) -> tuple[Candidate, ...]:
    """Those that are asked in words, and one whose predictions are there."""
    asked = [
        Entrant(f"model {i}", f"openai:{i}", {"base_url": "http://127.0.0.1/v1"}, seen="none") for i in range(count)
    ]
    there = Candidate(
        entrant=Entrant("there", "recorded:there.csv", seen="none"), oof=digest_json("oof"), test=digest_json("test")
    )
    return (*(Candidate(entrant=entrant) for entrant in asked), there)


def choices(of: Sequence[Candidate]) -> dict[str, Choice]:
    """That the first of some was chosen from all, and the second from the last."""
    intervals = {metric.name: (0.1, 0.2) for metric in PROBLEM.metrics}
    others = {0: tuple(of), 1: (of[-1],)}
    return {of[i].entrant.name: Choice(chosen=of[i], others=o, intervals=intervals) for i, o in others.items()}


def federating(*, prepared: bool = False, **how: Any) -> Federating:
    """A federation of six sites over three rounds, on each fold and on all rows."""
    folds = (*range(PROBLEM.n_folds), None)
    outputs = ("train", "valid", "test", "transformer")
    prepares = tuple(
        Job(runner="prepare", params={"fold": fold}, outputs=outputs) if prepared else None for fold in folds
    )
    federation = toy_federation(MemoryStore(), count=6, **{"rounds": 3, **how})
    return Federating(problem=PROBLEM, federation=federation, prepares=prepares, folds=folds, board=(None,))


def deployed(**how: Any) -> Deployed:
    """A federation of three real sites over two rounds."""
    return Deployed(
        problem=PROBLEM, sites=("a", "b", "c"), task={}, local={"batch_size": 8, "epochs": 1}, **{"rounds": 2, **how}
    )


PROCESSES = {
    "admission": (Admission(problem=PROBLEM), toy_candidates()),
    "leaderboard": (Leaderboard(problem=PROBLEM), toy_candidates()),
    "leaderboard of bags": (Leaderboard(problem=PROBLEM, final="bag"), toy_candidates()),
    "leaderboard without a test part": (Leaderboard(problem=UNJUDGED), toy_candidates()),
    "leaderboard of bags without a test part": (Leaderboard(problem=UNJUDGED, final="bag"), toy_candidates()),
    "leaderboard of a regression": (Leaderboard(problem=REGRESSION), toy_candidates()),
    "leaderboard with alliances": (Leaderboard(problem=PROBLEM), with_alliances()),
    "leaderboard with soups": (Leaderboard(problem=PROBLEM), with_soups()),
    "leaderboard of bags with soups": (Leaderboard(problem=PROBLEM, final="bag"), with_soups()),
    "leaderboard with students": (Leaderboard(problem=PROBLEM, keep=True), with_students()),
    "leaderboard of bags with students": (Leaderboard(problem=PROBLEM, final="bag", keep=True), with_students()),
    "distil": (Distil(problem=PROBLEM, known={c.entrant.digest: c for c in complete()}), complete()[1:]),
    "prune": (Prune(problem=PROBLEM), complete()[1:2]),
    "quantize": (Quantize(problem=PROBLEM), complete()[1:2]),
    "prune members": (PruneMembers(problem=PROBLEM), complete()[1:]),
    "keeping": (Keeping(before={"toy1": ["toy0"], "nobody": ["toy0"]}), complete()),
    "leaderboard of nobody": (Leaderboard(problem=PROBLEM), ()),
    "evaluation": (Evaluation(problem=PROBLEM), complete()),
    "evaluation by cross-validation": (Evaluation(problem=UNJUDGED, part="oof"), complete()),
    "evaluation among trials": (Evaluation(problem=UNJUDGED, part="oof", tried=complete(5)[3:]), complete()),
    "looks": (Looks(problem=MANY, stop="ranks separate", others=2), in_words()),
    "looks until the best is certain": (Looks(problem=MANY, stop="best separates"), in_words(3)),
    "looks at nobody": (Looks(problem=PROBLEM, stop="ranks separate"), ()),
    "choosing": (Choosing(problem=UNJUDGED, choices=choices(complete())), complete()),
    "choosing of nobody": (Choosing(problem=UNJUDGED, choices={}), ()),
    "evaluation of nobody": (Evaluation(problem=PROBLEM), ()),
    "credit": (Credit(problem=PROBLEM), (*complete(), Candidate(entrant=with_alliances()[-1].entrant))),
    "explanations": (Explanations(problem=PROBLEM, default=complete()[0]), complete()),
    "explanations of an alliance": (Explanations(problem=UNJUDGED, default=joint(), parents=parents()), complete()),
    "explanations of answers": (
        Explanations(problem=ANSWERED, default=complete()[0], judged=complete()),
        complete(),
    ),
    "explanations of texts": (Explanations(problem=TEXTS, default=complete()[0]), complete()),
    "average": (Average(problem=PROBLEM), complete()),
    "vote": (Vote(problem=PROBLEM), complete()),
    "stack": (Stack(problem=PROBLEM), complete()),
    "greedy": (Greedy(problem=PROBLEM), complete()),
    "boosted stack": (BoostedStack(problem=LARGE), complete()),
    "boosted stack of few rows": (BoostedStack(problem=PROBLEM), complete()),
    "budgeted": (Budgeted(problem=PROBLEM, limits={"size_mb": 1.0}), complete()),
    "cascade": (
        Cascade(problem=PROBLEM, costs={c.entrant.digest: i + 1.0 for i, c in enumerate(complete())}),
        complete(),
    ),
    "cascade of answers": (
        Cascade(problem=ANSWERS, costs={c.entrant.digest: i + 1.0 for i, c in enumerate(complete())}, budget=2.5),
        complete(),
    ),
    "select": (Select(problem=ANSWERS), complete()),
    "cascade of unknown costs": (Cascade(problem=PROBLEM), complete()),
    "route": (
        Route(problem=PROBLEM, costs={c.entrant.digest: i + 1.0 for i, c in enumerate(complete())}),
        complete(),
    ),
    "route of unknown costs": (Route(problem=PROBLEM), complete()),
    "soup": (Soup(problem=PROBLEM), merging()),
    "soup of those without weights": (Soup(problem=PROBLEM), complete()),
    "greedy soup": (GreedySoup(problem=PROBLEM), merging(5)),
    "greedy soup of those without weights": (GreedySoup(problem=PROBLEM), complete()),
    "ties": (Ties(problem=PROBLEM), merging()),
    "migration": (Migrate(problem=PROBLEM), merging(4)),
    "evolution": (Evolve(problem=PROBLEM, options={"trials": 90}), merging()),
    "evolution of ties": (EvolveTies(problem=PROBLEM), merging()),
    "evolution of those without weights": (Evolve(problem=PROBLEM), complete()),
    "federation": (federating(), toy_candidates(1)[1:]),
    "federation of prepared rows": (federating(prepared=True), toy_candidates(2)[2:]),
    "federation with drop-outs and stragglers": (
        federating(sample=0.5, dropouts=0.3, stragglers=0.3),
        toy_candidates(1)[1:],
    ),
    "federation with control variates": (
        federating(strategy="scaffold", controls=True, sample=0.5),
        toy_candidates(1)[1:],
    ),
    "federation of real sites": (deployed(sample=0.7), toy_candidates(1)[1:]),
    "federation of real sites, summed up unseen": (deployed(secure=True), toy_candidates(1)[1:]),
    "federation of real sites with noise of their own": (
        deployed(privacy=Privacy(epsilon=4.0, delta=1e-3)),
        toy_candidates(1)[1:],
    ),
    "scores of sites": (SiteScores(problem=PROBLEM, sites=digest_json("sites"), count=4), complete()),
    "halving": (Halving(problem=PROBLEM), toy_candidates(9)),
    "halving of nobody": (Halving(problem=PROBLEM), ()),
    "arena": (Arena(problem=PROBLEM, battles=900), complete()),
    "arena of nobody": (Arena(problem=PROBLEM), ()),
    **{system: (Tournament(problem=PROBLEM, system=system, rows=20), complete(6)) for system in SYSTEMS},
    "tournament of nobody": (Tournament(problem=PROBLEM), ()),
    "budgeted of nobody": (Budgeted(problem=PROBLEM, limits={"size_mb": 1e-9}), complete()),
}
BOARDS = {name: case for name, case in PROCESSES.items() if isinstance(case[0], Leaderboard) and case[1]}


@pytest.mark.parametrize("name", PROCESSES)
def test_conformance(name: str) -> None:
    """Every process keeps the laws of `concours.core.process.Process`."""
    process, candidates = PROCESSES[name]
    check_process(process, candidates)


@dataclass(frozen=True)
class Twice:
    """A process that plans once from what it has kept, and once from nothing; both are to be equal."""

    process: Any

    @property
    def order(self) -> Any:
        return self.process.order

    def init(self, candidates: Sequence[Candidate], *, seed: int) -> Any:
        return self.process.init(candidates, seed=seed)

    def update(self, state: Any, event: Any) -> Any:
        return self.process.update(state, event)

    def plan(self, state: Any) -> Plan:
        plan = self.process.plan(state)
        assert plan == self.process.plan(replace(state, kept=Kept()))
        return plan


@pytest.mark.parametrize("name", [*PROCESSES, "asha"])
def test_what_is_kept_changes_no_plan(name: str) -> None:
    """At every event, in any order, also where jobs fail."""
    process, candidates = {**PROCESSES, "asha": (Asha(problem=PROBLEM), toy_candidates(9))}[name]
    final_state(Twice(process), candidates, some_fail, seed=0, order=1)


def test_asha_keeps_the_laws_but_depends_on_arrival() -> None:
    """Who goes on early hangs on who came first; all else is as of any process."""
    check_process(Asha(problem=PROBLEM), toy_candidates(9), settled=False)


@pytest.mark.parametrize("name", BOARDS)
def test_who_failed_and_why_does_not_depend_on_the_order_in_which_jobs_end(name: str) -> None:
    """A board is the same on one worker and on many, also when entrants fail."""
    check_outcome_is_settled(*BOARDS[name])


def test_an_alliance_has_the_weights_that_were_chosen() -> None:
    """Members without any weight are left out; those of each fold go with it."""
    members = complete()[1:]
    greedy = Greedy(problem=PROBLEM)
    joint = greedy.result(final_state(greedy, members, all_well, seed=0, order=0)).joint
    assert set(joint.parents) <= {member.entrant.digest for member in members}
    assert sum(joint.weights) == pytest.approx(1)
    assert len(joint.fold_weights) == PROBLEM.n_folds


def test_a_selection_that_failed_says_why() -> None:
    """There is no alliance then, and a ValueError with the reason of the failure."""
    greedy = Greedy(problem=PROBLEM)
    with pytest.raises(ValueError, match="has not ended"):
        greedy.result(greedy.init(complete(), seed=0))


def test_an_alliance_of_strangers_is_refused() -> None:
    """The parents of an alliance must be on the board before it."""
    joint = Joint(how="average", parents=(digest_json("nobody"),), weights=(1.0,))
    stranger = Entrant(name="joint", recipe="mean", joint=joint)
    board = Leaderboard(problem=PROBLEM)
    with pytest.raises(ValueError, match="alliance 'joint' joins .* not on the board before it"):
        board.plan(board.init([Candidate(entrant=stranger)], seed=0))


# The suite finds what breaks a law


class Impatient(Errands):
    """Asks again for what has ended."""

    def plan(self, state: Memo) -> Plan:
        return Plan(self.jobs)


class Double(Errands):
    """Asks for a job twice."""

    def plan(self, state: Memo) -> Plan:
        plan = super().plan(state)
        return Plan((*plan.jobs, *plan.jobs), plan.status)


class Restless(Errands):
    """Always has another job."""

    def plan(self, state: Memo) -> Plan:
        return unfinished(state, [toy_job(f"job {len(state.known)}")])


class Forgetful(MemoProcess):
    """Changes its state in place."""

    def init(self, candidates: Any, *, seed: int) -> Any:
        return {"known": []}

    def plan(self, state: Any) -> Plan:
        return Plan(status="finished")


class ByArrival(Errands):
    """Depends on the order in which jobs end, and does not say so."""

    def plan(self, state: Memo) -> Plan:
        first = next(iter(state.known), "")
        return unfinished(state, [*self.jobs, *([toy_job(f"after {first}")] if first else [])])


@pytest.mark.parametrize(
    ("process", "law"),
    [
        (Impatient, "stops asking for a job"),
        (Double, "no job twice"),
        (Restless, "finitely many"),
        (Forgetful, "a state must be frozen"),
        (ByArrival, "does not depend on the order"),
    ],
)
def test_the_suite_finds_what_breaks_a_law(process: Any, law: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A conformance suite that lets everything pass protects nothing."""
    monkeypatch.setattr("concours.testing.processes._MOST_EVENTS", 50)
    jobs = tuple(toy_job(f"job {number}") for number in range(5))
    broken = process(jobs=jobs) if issubclass(process, Errands) else process()
    with pytest.raises(LawBroken, match=law):
        check_process(broken, ())


def test_time_alone_changes_nothing() -> None:
    """Processes have no clock."""
    for process, candidates in PROCESSES.values():
        state = process.init(candidates, seed=0)
        assert process.plan(process.update(state, Tick(elapsed_s=9.0))) == process.plan(state)


def test_a_greedy_alliance_has_the_size_that_does_best_on_rows_it_was_not_picked_on() -> None:
    """The first of the sizes with the least mean loss over the held-out rows, folds counted by their rows."""
    folds = [
        {"rows": 10, "held_out": [0.5, 0.3, 0.4, 0.1]},
        {"rows": 30, "held_out": [0.5, 0.2, 0.2, 0.9]},
    ]
    assert best_size(folds) == 2
    assert best_size([{"rows": 5, "held_out": [0.2, 0.2]}]) == 1
    assert best_size([*folds, {"rows": 0, "held_out": [0.0, 0.0]}]) == 2
    assert best_size([{"rows": 0, "held_out": [0.0, 0.0]}]) == 1
