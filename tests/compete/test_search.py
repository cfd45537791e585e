"""Search: what a declaration means, which trials follow, and what comes of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from concours import Contest, Entrant, Split, Task
from concours.compete.leaderboard import Leaderboard
from concours.compete.search import Axis, Search, probe, read_space
from concours.core.entrant import Candidate
from concours.core.errors import ContestError, RecipeError
from concours.core.event import BUDGET_SPENT, Done, Failed, Tick
from concours.core.job import Job
from concours.engine.inline import InlineExecutor
from concours.engine.journal import MemoryJournal
from concours.engine.loop import Engine
from concours.engine.runners import RUNNERS as JOBS
from concours.engine.work import execute
from concours.stores.memory import MemoryStore
from concours.testing import check_process
from concours.testing.processes import all_fail, all_well, final_state, some_fail
from concours.testing.toys import RUNNERS, code_of, toy_problem

pytest.importorskip("optuna")

STORE = MemoryStore()
BOARD = Leaderboard(problem=toy_problem(STORE))
DECLARED = {"C": [0.1, 100.0], "kernel": ["rbf", "linear"], "depth": [2, 8], "trials": 7}
ENTRANT = Entrant("toy", "toy", {"number": 1}, prepare="toy", search=DECLARED)
CANDIDATE = Candidate(entrant=ENTRANT)


def tried(search: Search, state: Any) -> list[dict[str, Any]]:
    """The parameters of the trials, in their order."""
    return [dict(entry.candidate.entrant.params) for entry in search._entries(state)]


@pytest.mark.parametrize(
    ("declared", "form", "values"),
    [
        ([0.1, 100.0], ("float", 0.1, 100.0, True), ()),
        ([0.1, 0.9], ("float", 0.1, 0.9, False), ()),
        ([-1, 100], ("int", -1, 100, False), ()),
        ([1, 100], ("int", 1, 100, True), ()),
        ([1, 100.0], ("float", 1, 100.0, True), ()),
        (["scale", "auto"], ("choice", 0, 1, False), ("scale", "auto")),
        ([1, 2, 4], ("choice", 0, 2, False), (1, 2, 4)),
        ([True, False], ("choice", 0, 1, False), (True, False)),
        ([[64], [64, 32]], ("choice", 0, 1, False), ([64], [64, 32])),
        ({"low": 1, "high": 100, "log": False}, ("int", 1, 100, False), ()),
        ({"values": [1, 9]}, ("choice", 0, 1, False), (1, 9)),
    ],
)
def test_what_a_declaration_means(declared: Any, form: Any, values: Any) -> None:
    """Two numbers are a range, by its logarithm if wide; other lists are choices; a table says it outright."""
    assert read_space({"a": declared}).axes == (Axis(path=("a",), form=form, values=values),)


def test_parameters_of_a_parameter() -> None:
    """A table within the table is a parameter that holds parameters; what else it holds stays."""
    space = read_space({"params": {"leaves": [4, 8]}})
    assert space.applied({"params": {"rate": 1}, "other": 2}, (5,)) == {"params": {"rate": 1, "leaves": 5}, "other": 2}


@pytest.mark.parametrize(
    "declared",
    [[1.0, 0.1], 5, "ab", [], ["one"], {"low": 1}, {"low": -1, "high": 1, "log": True}, {"values": [1]}],
)
def test_a_declaration_that_means_nothing_is_named(declared: Any) -> None:
    """One line: which key, what it must be, what it is."""
    with pytest.raises(ContestError, match=r"^search\.C must be a range .*; got "):
        read_space({"C": declared})


@pytest.mark.parametrize(("search", "message"), [({"trials": 3}, "names no parameter"), ({"trials": 0}, "trials must")])
def test_trials(search: dict[str, Any], message: str) -> None:
    """How many there are is a whole number from 1, and there is something to try."""
    with pytest.raises(ContestError, match=message):
        read_space(search)


def test_what_is_few_is_tried_whole() -> None:
    """Each combination once, in order, beside what was declared; with one trial less, or a range, they are drawn."""
    few = {"kernel": ["rbf", "linear"], "depth": [2, 4]}
    space = read_space({**few, "trials": 9})
    assert space.every == ((0, 2), (0, 3), (0, 4), (1, 2), (1, 3), (1, 4))
    assert space.trials == 7
    assert [read_space({**few, "trials": n}).every == () for n in (6, 7)] == [True, False]
    assert read_space({**few, "C": [0.1, 1.0], "trials": 1000}).every == ()


@pytest.mark.parametrize("final", ["bag", "refit"])
def test_conformance(final: Any) -> None:
    """A search keeps the laws of processes; its state does not depend on the order in which trials end."""
    check_process(Search(board=replace(BOARD, final=final)), [CANDIDATE])


def trials_fail(job: Job) -> Done | Failed:
    """Some of the trials fail, and no proposal."""
    return all_well(job) if job.runner == "propose" else some_fail(job)


@pytest.mark.parametrize("answer", [all_well, trials_fail])
def test_the_same_seed_gives_the_same_trials(answer: Any) -> None:
    """Whatever the order in which jobs end or fail; another seed gives others. Values lie within what was declared."""
    search = Search(board=BOARD)
    first, second, third, other = [
        final_state(search, [CANDIDATE], answer, seed=seed, order=order)
        for seed, order in ((0, 0), (0, 1), (0, 2), (1, 0))
    ]
    trials = tried(search, first)
    assert len(trials) == 7
    assert trials == tried(search, second) == tried(search, third) != tried(search, other)
    assert search.found(first) == search.found(second) == search.found(third)
    assert trials[0] == {"number": 1}
    for trial in trials[1:]:
        assert 0.1 <= trial["C"] <= 100
        assert trial["depth"] in range(2, 9)
        assert trial["kernel"] in ("rbf", "linear")


def test_with_a_proposal_that_failed_a_search_ends_early() -> None:
    """What was tried before counts, and the reason is told; where the contest's time was up, that is told elsewhere."""
    search = Search(board=BOARD)

    def answered(reason: str) -> Any:
        def answer(job: Job) -> Done | Failed:
            late = job.runner == "propose" and job.label.endswith("from 4")
            return Failed(job=job.digest, cause="out_of_time", reason=reason) if late else all_well(job)

        return search.found(final_state(search, [CANDIDATE], answer, seed=0, order=1))

    assert (answered("took too long").trials, answered("took too long").reason) == (3, "took too long")
    assert answered(BUDGET_SPENT).reason == ""


@pytest.mark.parametrize("known", [0, 4, 9])
def test_what_is_proposed_is_what_the_estimator_asks_for(known: int) -> None:
    """A proposal is the library's own, from the trials so far and the seed, through JSON and back."""
    import optuna

    forms = [("float", 0.1, 100.0, True), ("choice", 0, 1, False), ("int", 2, 8, False)]
    past = [
        [[0.5 + number, number % 2, 2 + number % 7], None if number == 2 else number / 7] for number in range(known)
    ]
    params = json.loads(json.dumps({"forms": forms, "past": past, "count": 2}))
    event = execute(Job(runner="propose", params=params, seed=5), STORE, JOBS)
    distributions = {
        "0": optuna.distributions.FloatDistribution(0.1, 100.0, log=True),
        "1": optuna.distributions.CategoricalDistribution(range(2)),
        "2": optuna.distributions.IntDistribution(2, 8),
    }
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=5, n_startup_trials=5))
    for values, loss in past:
        study.add_trial(
            optuna.trial.create_trial(
                params=dict(zip(distributions, values, strict=True)),
                distributions=distributions,
                value=loss,
                state=optuna.trial.TrialState[("COMPLETE", "PRUNED")[loss is None]],
            )
        )
    asked = [study.ask(distributions).params for _ in range(2)]
    assert json.loads(json.dumps(event.values["drawn"])) == [[params[name] for name in "012"] for params in asked]


def test_what_is_found_has_the_best_cv_score() -> None:
    """The least log loss of all trials, under the entrant's own name."""
    search = Search(board=BOARD)
    state = final_state(search, [CANDIDATE], all_well, seed=0, order=0)
    best = min(search._entries(state), key=lambda entry: entry.cv_score.score if entry.cv_score else 9)
    found = search.found(state)
    assert found.entrant == replace(ENTRANT, params=best.candidate.entrant.params)
    assert found.trials == 7


def test_where_every_trial_fails_the_entrant_stays_as_declared() -> None:
    """It then fails on the board, where the reason is shown."""
    search = Search(board=BOARD)
    found = search.found(final_state(search, [CANDIDATE], all_fail, seed=0, order=0))
    assert (found.entrant, found.trials) == (ENTRANT, 0)


def test_when_its_time_is_spent_a_search_is_over() -> None:
    """It asks for nothing more, and gives the best so far."""
    search = Search(board=BOARD, until_s=10.0)
    state = search.init([CANDIDATE], seed=0)
    for _ in range(14):
        state = search.update(state, all_well(search.plan(state).jobs[0]))
    state = search.update(state, Tick(elapsed_s=9.9))
    assert search.plan(state).jobs
    over = search.update(state, Tick(elapsed_s=10.0))
    assert search.plan(over).status == "finished"
    assert search.found(over).trials == search.found(state).trials >= 1


def test_a_search_that_was_killed_goes_on() -> None:
    """At whichever record: the same trials, and no job twice."""

    def session(records: list[Any]) -> tuple[Any, MemoryJournal]:
        journal = MemoryJournal(records)
        engine = Engine(store=STORE, journal=journal, executor=InlineExecutor(STORE, RUNNERS), code=code_of)
        return engine.drive(Search(board=BOARD), [CANDIDATE], seed=3), journal

    whole, journal = session([])
    for count in range(0, len(list(journal.records())), 11):
        again, later = session(list(journal.records())[:count])
        assert again.known.keys() == whole.known.keys()
        assert len(list(later.records())) == len(list(journal.records()))


# In a contest


def contest(out: Path, *entrants: Entrant, **options: Any) -> Contest:
    """One on a few rows, in this process."""
    task = Task(kind="tabular-classification", data="sklearn:iris", split=Split(test=0.3, folds=3))
    return Contest(task=task, entrants=entrants, lineup="none", engine="inline", out=out, **options)


def test_a_search_finds_a_better_parameter(tmp_path: Path, notices: Any) -> None:
    """Better than what was declared; the board says how it came to be, and the one chosen is not fitted again."""
    searched = Entrant("linear", "logistic", {"C": 1e-5}, search={"C": [1e-5, 100.0], "trials": 5})
    worst = Entrant("worst", "logistic", {"C": 1e-5})
    result = contest(tmp_path / "run", searched, worst).run(listener=notices)
    lines = {line["name"]: line for line in result.to_json()["standings"]}
    assert lines["linear"]["cv_score"]["score"] < lines["worst"]["cv_score"]["score"] - 0.1
    assert lines["linear"]["note"].startswith("the best of 5 trials by cross-validation score: C = ")
    assert notices.ended("fit")["linear"] == 0
    assert (
        json.loads((tmp_path / "run" / "setup.json").read_text())["candidates"][1]["entrant"]["search"]["trials"] == 5
    )
    chosen = result.candidates["linear"].entrant.params["C"]
    assert f"C = {chosen:.4g}" in lines["linear"]["note"]


def test_a_parameter_that_the_recipe_does_not_take_is_found_before_anything_is_fitted(tmp_path: Path) -> None:
    """As one under `params` is."""
    assert probe(Entrant("a", "b", search={"C": [1.0, 2.0]})).params == {"C": 1.0}
    with pytest.raises(RecipeError, match="entrant linear: .* takes no parameter 'D'"):
        contest(tmp_path / "run", Entrant("linear", "logistic", search={"D": [1.0, 2.0]})).run()


def test_a_wrong_declaration_names_the_entrant(tmp_path: Path) -> None:
    """Before the data are read."""
    with pytest.raises(ContestError, match=r"entrant linear: search\.C must be"):
        contest(tmp_path / "run", Entrant("linear", "logistic", search={"C": "high"})).run()


def test_without_the_package_the_entrant_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that brings it."""
    monkeypatch.setattr("concours.api.candidates.installed", lambda module: module != "optuna")
    tree = Entrant("tree", "sklearn.tree:DecisionTreeClassifier")
    searched = Entrant("linear", "logistic", search={"C": [0.1, 1.0]})
    line = contest(tmp_path / "run", tree, searched, cooperate=()).run().standings["linear"]
    assert (line.status, line.reason) == (
        "skipped",
        "its search needs optuna; get it with: pip install 'concours[tune]'",
    )
