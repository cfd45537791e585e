"""A population without its networks: what it plans from the scores it is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from concours.compete.leaderboard import Leaderboard
from concours.compete.population import HYPERPARAMETERS, RECIPES, Grown, Population
from concours.core.entrant import Candidate, Entrant
from concours.core.errors import ContestError
from concours.core.event import Done, Failed, Tick
from concours.core.job import Job
from concours.stores.memory import MemoryStore
from concours.testing import check_process
from concours.testing.processes import all_fail, all_well, final_state
from concours.testing.toy_values import chance
from concours.testing.toys import toy_problem

PROBLEM = toy_problem(MemoryStore())
REGRESSION = toy_problem(MemoryStore(), classes=0)


def network(
    name: str = "net", prepare: str = "matrix", recipe: str = RECIPES["classifier"], **params: Any
) -> Candidate:
    return Candidate(entrant=Entrant(name, recipe, params, prepare))


def population(**options: Any) -> Population:
    return Population(board=Leaderboard(problem=PROBLEM), **{"members": 10, "intervals": 6, "epochs": 1} | options)


def ended(
    process: Population, candidates: Sequence[Candidate], answer: Callable[[Job], Any] = all_well, seed: int = 0
) -> Grown:
    return final_state(process, candidates, answer, seed=seed, order=0)


def some_come_to_nothing(job: Job) -> Done | Failed:
    """Members whose weights are not finite have no score."""
    done = all_well(job)
    if job.runner != "train_interval":
        return done
    scores = [None if chance(job, "no score", str(i)) < 0.5 else score for i, score in enumerate(done.values["scores"])]
    return replace(done, values={**done.values, "scores": scores})


CASES = {
    "prepared": (population(), [network()]),
    "as it is": (population(), [network(prepare="none")]),
    "two members": (population(members=2), [network()]),
    "a declared start": (population(), [network(schedule=[{"learning_rate": 0.5, "epochs": 9}]), network("b")]),
    "regression": (
        Population(board=Leaderboard(problem=REGRESSION), members=5, intervals=3),
        [network(recipe=RECIPES["regressor"])],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_conformance(name: str) -> None:
    """A population keeps the laws of processes."""
    check_process(*CASES[name])
    check_process(*CASES[name], answer=some_come_to_nothing)


@pytest.mark.parametrize("answer", [all_well, some_come_to_nothing])
@pytest.mark.parametrize("greater", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_the_best_is_never_lost(answer: Callable[[Job], Any], greater: bool, seed: int) -> None:
    """The best score so far never gets worse, and who is best in an interval goes on from its own weights unchanged."""
    metric = replace(PROBLEM.metrics[0], greater_is_better=greater)
    board = Leaderboard(problem=replace(PROBLEM, metrics=(metric,)))
    process = Population(board=board, members=10, intervals=6, epochs=1)
    state = ended(process, [network()], answer, seed)
    rounds = process.history(state)
    assert len(rounds) == 6
    sign = -1 if greater else 1
    for before, after in pairwise(rounds):
        best = min(range(10), key=lambda m: process._order(before, m))
        assert after.parents[best] == best
        assert after.hyperparameters[best] == before.hyperparameters[best]
    found = process.best(state)
    assert found
    scores = [sign * score for round in rounds for score in round.scores if score is not None]
    assert sign * (rounds[found[0]].scores[found[1]] or 0.0) == min(scores)


def test_the_worst_fifth_goes_on_from_the_best_fifth_with_new_hyperparameters() -> None:
    """Of ten members two copy, each one of the best two, and each hyperparameter of the copied one changes by a factor."""
    process = population()
    first, second, *_ = process.history(ended(process, [network()]))
    ranked = sorted(range(10), key=lambda m: process._order(first, m))
    assert {m for m in range(10) if second.parents[m] != m} == set(ranked[-2:])
    for member in ranked[-2:]:
        source = second.parents[member]
        assert source in ranked[:2]
        before, after = first.hyperparameters[source], second.hyperparameters[member]
        for name in ("learning_rate", "weight_decay"):
            assert after[name] / before[name] == pytest.approx(0.8, rel=1e-3) or after[name] / before[
                name
            ] == pytest.approx(1.25, rel=1e-3)
        assert (1 - after["momentum"]) / (1 - before["momentum"]) == pytest.approx(1.025, abs=0.24)
    interval = second.job
    assert list(interval.params["towards"]) == list(second.parents)
    assert "stack" in interval.inputs
    assert "stack" not in first.job.inputs


@pytest.mark.parametrize("budget", [20, 39, 40, 75, 1000])
def test_the_budget_of_epochs_is_never_exceeded(budget: int) -> None:
    """All members in all intervals together; as many intervals as it bears are made."""
    process = population(epochs=2, budget=budget)
    record = process.record(ended(process, [network()]))
    assert record["spent"] == min(6, budget // 20) * 20 <= budget


def test_time_ends_it_between_intervals() -> None:
    """After the time is up no interval is asked for, and what was found counts."""
    process = population(until_s=5.0)
    state = process.init([network()], seed=0)
    for elapsed in (1.0, 2.0, 3.0):
        state = process.update(state, Tick(elapsed_s=elapsed))
        (job,) = process.plan(state).jobs
        state = process.update(state, all_well(job))
    state = process.update(state, Tick(elapsed_s=5.0))
    assert process.plan(state).status == "finished"
    assert not process.plan(state).jobs
    assert len(process.record(state)["intervals"]) == 2
    assert process.result(state).params["schedule"]


def test_the_result_is_the_way_of_the_best_weights() -> None:
    """The schedule follows parents back from the best score; equal intervals are one; its epochs are those of the way."""
    process = population(epochs=2)
    state = ended(process, [network(hidden=[8])])
    interval, member = process.best(state) or (0, 0)
    way, rounds = process.lineage(state), process.history(state)
    assert way[-1] == member
    assert len(way) == interval + 1
    for number in range(1, len(way)):
        assert rounds[number].parents[way[number]] == way[number - 1]
    entrant = process.result(state)
    assert (entrant.name, entrant.recipe, entrant.prepare) == ("population", RECIPES["classifier"], "matrix")
    assert entrant.params["hidden"] == [8]
    schedule = entrant.params["schedule"]
    assert sum(step["epochs"] for step in schedule) == 2 * len(way)
    assert {name: schedule[-1][name] for name in HYPERPARAMETERS} == rounds[interval].hyperparameters[member]
    assert process.record(state)["schedule"] == schedule


@pytest.mark.parametrize(("rows", "length"), [(100, 7), (1000, 3), (60_000, 1)])
def test_fewer_rows_are_gone_through_more_often(rows: int, length: int) -> None:
    """Where nothing is said of epochs, twelve intervals come to about as many as a dense network of the zoo makes."""
    problem = replace(PROBLEM, train=replace(PROBLEM.train, rows=rows))
    assert Population(board=Leaderboard(problem=problem)).length == length


def test_declared_hyperparameters_come_first() -> None:
    """Members begin with the hyperparameters of the candidates' schedules, the others with drawn ones."""
    process = population()
    state = process.init([network(schedule=[{"learning_rate": 0.5, "epochs": 9}]), network("b")], seed=0)
    state = process.update(state, all_well(process.plan(state).jobs[0]))
    (job,) = process.plan(state).jobs
    first, *others = job.params["hyperparameters"]
    assert first == {"learning_rate": 0.5, "momentum": 0.9, "weight_decay": 0.01, "dropout": 0.0}
    assert all(3e-4 <= hyperparameters["learning_rate"] <= 1e-2 for hyperparameters in others)


def test_who_came_to_nothing_copies_whatever_its_rank() -> None:
    """Weights that are no longer finite never recover; they are not copied either."""
    process = population()
    first, second, *_ = process.history(ended(process, [network()], some_come_to_nothing, 1))
    nothing = {member for member, score in enumerate(first.scores) if score is None}
    assert 2 < len(nothing) < 8
    copied = {member for member in range(10) if second.parents[member] != member}
    assert nothing <= copied
    assert not nothing & {second.parents[member] for member in copied}


def test_without_any_score_there_is_no_entrant() -> None:
    """The reason is that of the job that failed."""
    process = population()
    state = ended(process, [network()], all_fail)
    with pytest.raises(ValueError, match="no member of the population has a score: prepare matrix"):
        process.result(state)
    assert process.record(state)["best"] is None


@pytest.mark.parametrize(
    ("candidates", "says"),
    [
        ([], "population: there is no network to train: enter one of the recipe dnn-scheduled"),
        (
            [network(), network("trees", recipe="sklearn.ensemble:RandomForestClassifier")],
            r"population: 'trees' is no network that it can train \(recipe sklearn.ensemble:RandomForestClassifier\)",
        ),
        (
            [network("a", hidden=[64, 32]), network("b", hidden=[16])],
            r"one form; hidden is \[64, 32\] of 'a', \[16\] of 'b': make them equal",
        ),
        ([network("a", hidden=[64]), network("b")], r"hidden is \[64\] of 'a', the default of 'b'"),
        ([network("a"), network("b", prepare="codes")], "prepared in one way; 'a' is by matrix, 'b' by codes"),
    ],
)
def test_members_that_do_not_fit_together_are_told(candidates: list[Candidate], says: str) -> None:
    """One line: who, what, what to do."""
    with pytest.raises(ContestError, match=says):
        population().init(candidates, seed=0)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"beta": 0.0}, "beta must be above 0 and at most 1, got 0.0"),
        ({"beta": 1.5}, "beta must be above 0 and at most 1, got 1.5"),
        ({"beta": float("nan")}, "beta must be above 0 and at most 1, got nan"),
        ({"beta": "half"}, "beta must be above 0 and at most 1, got 'half'"),
        ({"members": 1}, "members must be a whole number from 2, got 1"),
        ({"intervals": 0}, "intervals must be a whole number from 1, got 0"),
        ({"epochs": 1.5}, "epochs must be a whole number from 1, got 1.5"),
        ({"budget": 9}, "a budget of 9 epochs does not suffice for one interval: 10 members × 1 take 10"),
    ],
)
def test_wrong_options_are_told(options: dict[str, Any], says: str) -> None:
    """One line: which option, what it must be, what it is."""
    with pytest.raises(ContestError, match=says):
        population(**options)
