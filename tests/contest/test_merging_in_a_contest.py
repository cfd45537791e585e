"""TIES, migration and evolution in a contest, and networks that began apart: each by a naive twin, fold by fold."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from concours import Contest, Entrant, Split, Task
from concours.cooperate.evolution import Evolve
from concours.core.entrant import Candidate
from concours.core.errors import ContestError
from concours.core.event import BUDGET_SPENT, Done, Failed
from concours.core.job import Job
from concours.engine.journal import read_journal
from concours.engine.merging import Ingredient, Pot
from concours.engine.prediction import Predictor, needed_for
from concours.engine.rows import first_division, get_rows, held_out
from concours.engine.runners import RUNNERS
from concours.entrants.merging import symmetries_of
from concours.kernels.merging.mixes import Mix, mixed
from concours.kernels.merging.rebasin import matched, permuted
from concours.kernels.scoring.scores import log_losses
from concours.runs.kept import kept_setup
from concours.runs.predict import predict
from concours.runs.replay import replays
from concours.runs.result import Result
from concours.runs.verify import verify
from concours.stores.blobs import get_array, put_array
from concours.tasks.outputs.table import output_valued

pytestmark = pytest.mark.slow

SPLIT = Split(test=0.3, folds=3)
ALIKE = ("first", "second", "third")
WAYS = ("soup", "ties", "migrate", "evolve", "evolve-ties")
DENSE = "concours.entrants.neural:DenseClassifier"


def table(rows: int = 240) -> pd.DataFrame:
    """Five columns that bend what is to be said, and noise."""
    random = np.random.default_rng(8)
    x = random.normal(size=(rows, 5))
    z = np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.4 * random.normal(size=rows)
    y = np.where(z > 0.5, "high", np.where(z < -0.5, "low", "mid"))
    return pd.DataFrame(x, columns=list("abcde")).assign(y=y)


def contest(
    out: Path, cooperate: Sequence[Any], *, entrants: Sequence[Entrant] = (), split: Split = SPLIT, **options: Any
) -> Contest:
    """Three networks that begin alike, and one that begins by a random state of its own."""
    plain = {"hidden": [10, 6], "epochs": 4, "norm": "batch"}
    params: dict[str, dict[str, Any]] = {
        "first": {},
        "second": {"learning_rate": 0.01},
        "third": {"dropout": 0.0, "epochs": 6},
        "apart": {"random_state": 5},
    }
    nets = [Entrant(name, DENSE, {**plain, **own}, prepare="auto") for name, own in params.items()]
    return Contest(
        task=Task(kind="tabular-classification", data=table(), target="y", split=split),
        entrants=entrants or nets,
        lineup="none",
        engine="inline",
        out=out,
        cooperate=cooperate,
        **options,
    )


EVOLVED = [{"name": f"{how} of 6", "how": how, "of": [*ALIKE, "apart"], "trials": 6} for how in WAYS[3:]]


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return contest(tmp_path_factory.mktemp("merging") / "run", [*WAYS[:3], *EVOLVED]).run()


NAMES = [*WAYS[:3], *(one["name"] for one in EVOLVED)]


def members(result: Result, name: str) -> list[Candidate]:
    known = {c.entrant.digest: c for c in result.candidates.values()}
    joint = result.candidates[name].entrant.joint
    assert joint is not None
    return [known[parent] for parent in joint.parents]


def mixes(result: Result, name: str) -> tuple[Mix, list[Mix]]:
    """For new rows, and for the rows of each fold."""
    joint = result.candidates[name].entrant.joint
    assert joint is not None
    kept: dict[str, Any] = dict(joint.artifacts)
    each = kept.get("fold_mixes", [kept.get("mix")] * len(joint.fold_weights))
    whole = Mix.of(joint.weights, kept.get("mix"))
    by_fold = [Mix.of(row, one) for row, one in zip(joint.fold_weights, each, strict=True)]
    return whole, by_fold or [whole] * result.setup.problem.n_folds


def by_hand(result: Result, candidates: Sequence[Candidate], models: Sequence[str], mix: Mix, x: Any) -> np.ndarray:
    """Predictions of merged models: who began apart aligned with the mean of the others, statistics found anew."""
    store = result.folder.store
    parts = [Ingredient.of(store, model) for model in models]
    fitted = parts[mix.members[0]].loaded()
    if len(mix.members) == 1 and mix.density in (None, 1.0):
        return fitted.predict(x)
    tensors = [part.tensors for part in parts]
    strangers = [i for i, one in enumerate(candidates) if one.entrant.name == "apart"]
    if strangers:
        alike = [t for i, t in enumerate(tensors) if i not in strangers]
        mean = {k: np.mean([t[k].astype(float) for t in alike], axis=0).astype(v.dtype) for k, v in alike[0].items()}
        symmetries = symmetries_of(fitted.estimator)
        assert symmetries is not None
        for i in strangers:
            tensors[i] = permuted(tensors[i], symmetries, matched(mean, tensors[i], symmetries))
    job = parts[0].job
    first = fitted.estimator.first_tensors(job.params["init_seed"]) if mix.density else None
    fitted.estimator.set_tensors(mixed(tensors, mix, first), fitted.estimator.get_state())
    fitted.estimator.renew_statistics(get_rows(store, job.inputs["x"]))
    return fitted.predict(x)


def jobs_of(result: Result) -> list[Job]:
    setup = kept_setup(result.folder)
    assert setup is not None
    replay = next(iter(replays(result.folder, setup, read_journal(result.folder.journal)[0], result)))
    return [recalled.job for recalled in replay.jobs.values()]


def test_they_stand_on_the_board(result: Result) -> None:
    """With all that a fitted one has; who began apart is aligned where that goes, and left out where it does not."""
    lines = {line.entrant.name: line for line in result.standings}
    for name in NAMES:
        assert lines[name].status == "ok", lines[name].reason
        assert lines[name].cv_score is not None
        assert result.candidates[name].fit_s > sum(one.fit_s for one in members(result, name))
        assert result.candidates[name].row_s is not None
    told = " ".join(result.warnings)
    assert "in soup apart began apart, and is aligned first" in told
    assert "ties leaves out apart (began apart)" in told
    assert "ties keeps" in told
    assert "migrate mov" in told
    assert "evolve of 6 is the best of 6 mixes" in told
    assert set(result.alliances["soup"].weights) == {*ALIKE, "apart"}
    assert set(result.alliances["ties"].weights) == set(ALIKE)
    apart = Ingredient.of(result.folder.store, result.candidates["apart"].fold_models[0])
    assert "init_seed" not in apart.job.params


@pytest.mark.parametrize("name", NAMES)
def test_rows_of_a_fold_are_predicted_by_mixes_chosen_on_the_others(result: Result, name: str) -> None:
    """Out-of-fold predictions are those that merging by hand gives, each fold by its own mix."""
    store, problem = result.folder.store, result.setup.problem
    own, (_, by_fold) = members(result, name), mixes(result, name)
    folds = get_array(store, problem.folds)
    found = np.zeros((problem.train.rows, problem.output.width))
    for fold in range(problem.n_folds):
        models = [member.fold_models[fold] for member in own]
        x = get_rows(store, Ingredient.of(store, models[0]).job.inputs["valid"])
        found[held_out(folds, fold)] = by_hand(result, own, models, by_fold[fold], x)
    outputs = {
        record.event.job: record.event.outputs
        for record in read_journal(result.folder.journal)[0]
        if isinstance(record.event, Done)
    }
    gathered = [get_array(store, outputs[job.digest]["oof"]) for job in jobs_of(result) if job.runner == "gather"]
    assert any(np.allclose(each, found, rtol=1e-5, atol=1e-5) for each in gathered)


@pytest.mark.parametrize("name", NAMES)
def test_new_rows_are_predicted_as_the_board_says(result: Result, name: str) -> None:
    """By models of its own, which stand alone; and rows from outside are predicted by the command's own function."""
    store, candidate = result.folder.store, result.candidates[name]
    known = {c.entrant.digest: c for c in result.candidates.values()}
    x = get_rows(store, result.setup.problem.test.x)
    told = Predictor(store, output_valued(result.setup.problem.output), known, x).predict(candidate)
    assert np.allclose(told, get_array(store, candidate.test), rtol=0, atol=1e-6)
    assert not needed_for(store, known, candidate) & {m for one in members(result, name) for m in one.models}
    assert len(predict(result, table(9).drop(columns="y"), model=name)) == 9


@pytest.mark.parametrize("name", ["ties", EVOLVED[0]["name"]])
def test_credit_is_of_models_merged_again(result: Result, name: str) -> None:
    """The mix of those who are there; parts add up to the gain."""
    credit, own, (mix, _) = result.credit[name], members(result, name), mixes(result, name)
    store, problem = result.folder.store, result.setup.problem
    assert sum(part.shapley for part in credit.members.values()) == pytest.approx(credit.gain)
    y = get_array(store, problem.test.y)

    def worth(there: list[bool]) -> float:
        pots = zip(*(member.models for member in own), strict=True)
        each = [
            by_hand(
                result, own, pot, mix.among(there), get_rows(store, Ingredient.of(store, pot[0]).job.inputs["test"])
            )
            for pot in map(list, pots)
        ]
        return -float(log_losses(y, np.mean(each, axis=0)).mean())

    assert credit.value == pytest.approx(worth([True] * len(own)), rel=1e-4)
    without = worth([False, *[True] * (len(own) - 1)])
    assert credit.members[own[0].entrant.name].lost == pytest.approx(credit.value - without, rel=1e-3, abs=1e-5)


def test_the_receipt_holds_and_running_again_runs_nothing(result: Result) -> None:
    """Merging again gives the same bytes, and a second session the same digest without a job."""
    assert verify(result.folder.path, again=[EVOLVED[1]["name"]], engine="inline").holds
    assert Result.load(result.folder.path).candidates == result.candidates
    ran: list[Any] = []
    again = contest(result.folder.path, [*WAYS[:3], *EVOLVED]).run(listener=ran.append)
    assert again.digest == result.digest
    assert not [notice for notice in ran if notice.topic in ("planned", "ended")]


def test_other_targets_in_a_fold_change_nothing_of_its_mix(result: Result) -> None:
    """What is chosen or evolves for the rows of a fold hangs on the other folds alone."""
    store = result.folder.store
    jobs = [job for job in jobs_of(result) if job.runner in ("choose_mix", "evolve") and "past" not in job.inputs]
    assert {job.params.get("by", "evolve") for job in jobs} == {"elected", "migration", "evolve"}
    y, first = get_array(store, jobs[0].inputs["y"]), first_division(store, jobs[0].inputs["folds"])

    def done(job: Job, targets: np.ndarray) -> Any:
        other = replace(job, inputs={**job.inputs, "y": put_array(store, targets)})
        return RUNNERS[job.runner].runner(other, store).values

    changed = np.where(first == 1, (y + 1) % 3, y)
    for job in jobs:
        if job.runner == "choose_mix":
            assert done(job, changed)["by_fold"][1] == done(job, y)["by_fold"][1]
        elif job.params["without_fold"] == 1:
            assert done(job, changed) == done(job, y)
        elif job.params["without_fold"] is None:
            assert done(job, changed)["loss"] != done(job, y)["loss"]


def test_a_weight_of_one_is_the_parent_and_order_changes_nothing(result: Result) -> None:
    """In the models of a fold, those that are aligned too; a copy aligned with itself stays as it is."""
    own = members(result, "soup")
    models = [one.fold_models[0] for one in own]
    pot = Pot(result.folder.store, models)
    x = pot.unseen
    for place, model in enumerate(models):
        parent = Ingredient.of(result.folder.store, model).loaded()
        alone = Mix.even([place], 4)
        assert np.array_equal(pot.predict(pot.merged(alone), x), parent.predict(x))
        layered = replace(alone, layers=(alone.weights,) * 2)
        assert np.array_equal(pot.predict(pot.merged(layered), x), parent.predict(x))
    mix = Mix(weights=(0.4, 0.3, 0.2, 0.1))
    told = pot.predict(pot.merged(mix), x)
    for order in ([3, 1, 0, 2], [1, 3, 2, 0]):
        turned = Pot(result.folder.store, [models[i] for i in order])
        assert np.allclose(turned.predict(turned.merged(mix.only(order)), x), told, rtol=1e-4, atol=1e-5)
    ties = Pot(result.folder.store, models[:3])
    one = Mix(weights=(0.0, 1.0, 0.0), density=1.0)
    assert np.array_equal(ties.predict(ties.merged(one), x), Ingredient.of(ties._store, models[1]).loaded().predict(x))


@pytest.mark.parametrize("split", [Split(test=0, folds=3), Split(test=0.3, folds=2, repeats=2)], ids=["all", "twice"])
def test_they_join_without_a_test_part_and_over_several_divisions(split: Split, tmp_path: Path) -> None:
    """Each has a score and predicts new rows, and what was said about it holds."""
    asked = ["soup", "ties", "migrate", {"name": "mixed", "how": "evolve-ties", "of": list(ALIKE[:2])}]
    result = contest(tmp_path / "run", asked, split=split).run()
    for name in ("soup", "ties", "migrate", "mixed"):
        assert result.standings[name].score is not None
        assert len(predict(result, table(7).drop(columns="y"), model=name)) == 7
    assert verify(result.folder.path, engine="inline").holds


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ({"how": "soup", "trials": 9}, "'soup' takes no trials; that is for 'evolve' or 'evolve-ties'"),
        ({"how": "evolve", "trials": 0}, "trials"),
        ({"how": "evolve", "trials": 2.5}, "trials"),
        ({"how": "evolve", "trials": "many"}, "trials"),
        (
            {"how": "ties", "of": ["first", "soup"]},
            "'one' merges weights of single entrants, and 'soup' is an alliance",
        ),
    ],
)
def test_wrong_options_are_told_before_anything_is_fitted(table: Any, why: str, tmp_path: Path) -> None:
    """In a line that says where, and what is right."""
    with pytest.raises(ContestError, match=why) as refused:
        contest(tmp_path / "run", ["soup", {"name": "one", "of": ["first", "second"], **table}]).run()
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "run").exists()


def test_ties_of_networks_that_began_apart_is_refused(tmp_path: Path) -> None:
    """They have no beginning to be told from."""
    plain = {"hidden": [6], "epochs": 2}
    nets = [Entrant(f"net{i}", DENSE, {**plain, "random_state": i}, prepare="auto") for i in range(2)]
    ties = [{"name": f"{how}s", "how": how, "of": ["net0", "net1"]} for how in ("ties", "evolve-ties")]
    result = contest(tmp_path / "run", ties, entrants=nets).run()
    lines = [line for line in result.warnings if line.startswith("no alliance")]
    why = "it merges two networks of one architecture, that began alike, or more: not net0 and net1 (began apart)"
    assert lines == [f"no alliance {name}: {why}" for name in ("tiess", "evolve-tiess")]


def test_without_the_package_nothing_evolves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the board says how to get it, and stands."""
    monkeypatch.setitem(sys.modules, "cmaes", None)
    result = contest(tmp_path / "run", [EVOLVED[0]]).run()
    (line,) = [line for line in result.warnings if line.startswith("no alliance")]
    assert "cmaes is not installed; get it with: pip install 'concours[merge]'" in line
    assert {line.status for line in result.standings} == {"ok"}


def test_where_time_is_spent_the_best_so_far_counts(result: Result) -> None:
    """Of a generation that had no time; of one that failed, or of a first one, nothing comes, and the reason is told."""
    process = Evolve(problem=result.setup.problem, options={"trials": 30})
    candidates = [result.candidates[name] for name in ALIKE]
    known = {"weights": [0.5, 0.25, 0.25], "layers": [[0.5, 0.25, 0.25]] * 3}

    def ended(job: Job, late: str, generation: int) -> Done | Failed:
        if job.runner == "architectures":
            every = {"architectures": [["a"]] * 3, "beginnings": [[["alike", 1]]] * 3}
            return Done(job=job.digest, outputs={}, values={**every, "aligned": [True] * 3, "firsts": [True] * 3})
        if f"generation {generation}" in job.label:
            return Failed(
                job=job.digest,
                cause=late,
                reason=f"{BUDGET_SPENT} (9 s)" if late == "out_of_time" else "broken",
                limit=9.0 if late == "out_of_time" else None,
            )  # type: ignore[arg-type]
        past = {"past": result.setup.problem.folds}
        return Done(job=job.digest, outputs=past, values={"tried": job.params["tried"] + 4, "mix": known})

    def state_after(late: str, generation: int) -> Any:
        state = process.init(candidates, seed=0)
        for _ in range(40):
            for job in process.plan(state).jobs:
                state = process.update(state, ended(job, late, generation))
        assert process.plan(state).status == "finished"
        return state

    spent = state_after("out_of_time", 3)
    joint = process.result(spent).joint
    assert joint is not None
    assert joint.weights == (0.5, 0.25, 0.25)
    assert process.told(spent) == "evolve is the best of 8 mixes; time was spent after 8 of 30"
    for late, generation in (("out_of_time", 1), ("exception", 3)):
        with pytest.raises(ValueError, match="time was up" if late == "out_of_time" else "broken"):
            process.result(state_after(late, generation))


PARAMS: list[dict[str, Any]] = [
    {"learning_rate": 0.02},
    {"learning_rate": 0.01},
    {"random_state": 4},
    {"random_state": 9},
]
USERS = '''
import torch
from torch import nn


class Squares(nn.Module):
    """A network with a way of its own."""

    def __init__(self, wide=6):
        super().__init__()
        self.inward, self.outward = nn.Linear(5, wide), nn.Linear(wide, 3)

    def forward(self, x):
        return self.outward(torch.relu(self.inward(x)) ** 2)

    def permutations(self):
        return {"inward.weight": ["h"], "inward.bias": ["h"], "outward.weight": [None, %s]}
'''


def test_networks_of_users_take_part_in_all_of_it(tmp_path: Path) -> None:
    """By the protocol alone; one whose permutations do not suit fails in a line that names the tensor."""
    (tmp_path / "squares.py").write_text(USERS % '"h"')
    (tmp_path / "wrong.py").write_text(USERS % '"h", "h"')
    nets = [Entrant(f"net{i}", "squares.py:Squares", {"epochs": 3, **p}, prepare="auto") for i, p in enumerate(PARAMS)]
    nets += [Entrant(f"odd{i}", "wrong.py:Squares", {"epochs": 2, "random_state": i}, prepare="auto") for i in (0, 1)]
    of = [net.name for net in nets[:4]]
    ways = [{"name": f"{how} of all", "how": how, "of": of} for how in ("soup", "ties", "migrate")]
    odd = {"name": "odd soup", "how": "soup", "of": ["odd0", "odd1"]}
    result = contest(tmp_path / "run", [*ways, odd], entrants=nets, folder=tmp_path).run()
    assert set(result.alliances["soup of all"].weights) == set(of)
    assert set(result.alliances["ties of all"].weights) == set(of[:2])
    assert any("in soup of all net2 and net3 began apart, and are aligned first" in each for each in result.warnings)
    lines = {line.entrant.name: line for line in result.standings}
    assert lines["soup of all"].status == "ok"
    assert lines["odd soup"].status == "failed"
    assert "permutations name axis 2 of tensor 'outward.weight'" in lines["odd soup"].reason
