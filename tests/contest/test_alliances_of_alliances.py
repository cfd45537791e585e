"""Alliances of alliances, in a contest: on the board, in predictions, in credit and in the receipt, by naive twins."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from sklearn.datasets import load_diabetes, load_wine

from concours import Contest, Entrant, Split, Task
from concours.cli.board import print_result
from concours.core.entrant import Candidate
from concours.core.lineage import lineage, singles
from concours.engine.prediction import Predictor, needed_for
from concours.kernels.joining.blending import blend
from concours.kernels.joining.calibration import Calibration
from concours.runs.gc import collect
from concours.runs.predict import predict, read_rows
from concours.runs.result import Result
from concours.runs.verify import verify
from concours.stores.blobs import get_array
from concours.tasks.outputs.table import output_valued

BOTH = {"name": "both", "how": "average", "of": ["stack", "average", "tree"]}
TOP = {"name": "top", "how": "stack", "of": ["both", "near"]}
STRATEGIES = ["stack", "average", BOTH, TOP]
NEAR = {"classes": "sklearn.neighbors:KNeighborsClassifier", "number": "sklearn.neighbors:KNeighborsRegressor"}
TREE = {"classes": "sklearn.tree:DecisionTreeClassifier", "number": "sklearn.tree:DecisionTreeRegressor"}
LINE = {"classes": "sklearn.linear_model:LogisticRegression", "number": "sklearn.linear_model:Ridge"}


def contest(target: str, out: Path, *, test: float = 0.3, **options: Any) -> Contest:
    """Three quick entrants, and alliances three storeys high."""
    kind, data = {
        "classes": ("tabular-classification", "sklearn:wine"),
        "number": ("tabular-regression", "sklearn:diabetes"),
    }[target]
    entrants = [
        Entrant("near", NEAR[target], prepare="auto"),
        Entrant("tree", TREE[target], {"max_depth": 3, "random_state": 0}),
        Entrant("line", LINE[target], prepare="auto"),
    ]
    task = Task(kind=kind, data=data, split=Split(test=test, folds=3))
    options = {"cooperate": STRATEGIES, **options}
    return Contest(task=task, entrants=entrants, lineup="none", engine="inline", out=out, **options)


@pytest.fixture(scope="module", params=["classes", "number"])
def result(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Result:
    return contest(request.param, tmp_path_factory.mktemp(request.param) / "run").run()


def rows_of(result: Result) -> Any:
    return (load_wine if result.setup.problem.output.labels else load_diabetes)(as_frame=True).data


def by_hand(result: Result, candidate: Candidate, x: Any) -> np.ndarray:
    """Predictions by what candidates.json says alone: each alliance joins what its parents predict."""
    known = {c.entrant.digest: c for c in result.candidates.values()}
    joint = candidate.entrant.joint
    if joint is None:
        return Predictor(result.folder.store, output_valued(result.setup.problem.output), {}, x).predict(candidate)
    parts = [by_hand(result, known[parent], x) for parent in joint.parents]
    raw = blend(parts, np.asarray(joint.weights), rule=candidate.entrant.recipe)
    return Calibration(**candidate.calibration).apply(raw) if candidate.calibration else raw


def test_they_stand_on_the_board(result: Result) -> None:
    """With a score on the test part and a cross-fitted one; joined are those that were named."""
    lines = {line.entrant.name: line for line in result.standings}
    for name in ("both", "top"):
        assert lines[name].status == "ok"
        assert lines[name].cv_score is not None
        assert lines[name].score is not None
    assert set(result.alliances["both"].weights) == {"stack", "average", "tree"}
    assert set(result.alliances["top"].weights) <= {"both", "near"}
    assert result.alliances["top"].strategy == "stack"
    kept = json.loads((result.folder.path / "result.json").read_text())
    assert kept["alliances"]["both"] == {"strategy": "average", "weights": dict(result.alliances["both"].weights)}


@pytest.mark.parametrize("name", ["stack", "both", "top"])
def test_new_rows_are_joined_storey_by_storey(result: Result, name: str) -> None:
    """As by hand; what two alliances share is asked once."""
    rows, proba = rows_of(result), bool(result.setup.problem.output.labels)
    x = read_rows(result, rows).x
    found = predict(result, rows, model=name, proba=proba)
    expected = by_hand(result, result.candidates[name], x)
    assert np.allclose(found, expected if proba else expected[:, 0], rtol=0, atol=1e-12)


def test_rows_of_a_fold_are_joined_by_weights_chosen_on_the_others(result: Result) -> None:
    """Also of an alliance of alliances, whose members were cross-fitted themselves; of numbers it is seen unchanged."""
    store, problem, top = result.folder.store, result.setup.problem, result.candidates["top"]
    joint, known = top.entrant.joint, {c.entrant.digest: c for c in result.candidates.values()}
    assert joint is not None
    assert len(joint.fold_weights) == 3
    if not problem.output.labels:
        folds = get_array(store, problem.folds)
        members = [get_array(store, known[parent].oof) for parent in joint.parents]
        expected = blend(members, np.asarray(joint.fold_weights)[folds].T)
        assert np.allclose(get_array(store, top.oof), expected, rtol=0, atol=1e-12)


def test_credit_multiplies_down(result: Result) -> None:
    """The share of a single entrant is the sum over the ways to it of the product of shares on the way."""
    for name in ("both", "top"):
        credit = result.credit[name]
        expected = down(result, name)
        assert set(credit.singles) == set(expected)
        for single, share in credit.singles.items():
            assert (share is None) == bool(np.isnan(expected[single])), (name, single)
            assert share is None or share == pytest.approx(expected[single])
        if None not in credit.singles.values():
            assert sum(credit.singles.values()) == pytest.approx(1)
    assert not result.credit["stack"].singles
    assert Result.load(result.folder.path).credit == result.credit


def down(result: Result, name: str) -> dict[str, float]:
    """Shares by walking every way."""
    if name not in result.alliances:
        return {name: 1.0}
    found: dict[str, float] = {}
    for member, part in result.credit[name].members.items():
        share = np.nan if part.share is None else part.share
        for single, inner in down(result, member).items():
            found[single] = found.get(single, 0.0) + share * inner
    return found


def test_the_receipt_holds_before_and_after_collecting_garbage(result: Result) -> None:
    """And running the contest again runs nothing, and comes to the same."""
    assert verify(result.folder.path).holds
    collect(result.folder.path)
    assert verify(result.folder.path, again=["top", "both"], engine="inline").holds
    target = "classes" if result.setup.problem.output.labels else "number"
    ran: list[Any] = []
    again = contest(target, result.folder.path).run(listener=lambda notice: ran.append(notice))
    assert again.digest == result.digest
    assert [notice for notice in ran if notice.topic == "recalled"]
    assert not [notice for notice in ran if notice.topic in ("planned", "ended")]


def test_what_predicting_needs_is_of_the_single_entrants(result: Result) -> None:
    """All models at the bottom that count, each once."""
    known = {c.entrant.digest: c for c in result.candidates.values()}
    top = result.candidates["top"]
    needed = needed_for(result.folder.store, known, top)
    models = {model for one in singles(top, known) for model in one.models}
    assert models <= needed
    assert len(lineage(top, known)) == len({one.entrant.digest for one in lineage(top, known).values()})


def test_without_a_test_part(tmp_path: Path) -> None:
    """Out-of-fold predictions judge the whole tower."""
    result = contest("classes", tmp_path / "run", test=0.0).run()
    assert result.credit["both"].part == "oof"
    assert set(result.credit["both"].singles) == {"near", "tree", "line"}
    assert verify(tmp_path / "run").holds


def test_limits_count_what_alliances_use(tmp_path: Path) -> None:
    """A budgeted alliance of alliances adds up the files that each of them reads."""
    light = {"name": "light", "how": "budgeted", "of": ["stack", "near"]}
    result = contest("classes", tmp_path / "run", cooperate=["stack", light], limits={"size_mb": 10.0}).run()
    store, known = result.folder.store, {c.entrant.digest: c for c in result.candidates.values()}
    used = [result.candidates[name] for name in result.alliances["light"].weights]
    size = sum(store.size(digest) for one in used for digest in needed_for(store, known, one)) / 1e6
    assert result.alliances["light"].uses["size_mb"] == pytest.approx(size, rel=5e-3)


def test_who_is_not_there_is_not_joined(tmp_path: Path) -> None:
    """An entrant that cannot be fitted: the alliances that name it are not made, nor those above, and each says why."""
    broken = Entrant("near", NEAR["classes"], {"n_neighbors": 10_000})
    made = contest("classes", tmp_path / "run")
    entrants = [broken if entrant.name == "near" else entrant for entrant in made.entrants]
    above = {"name": "above", "how": "average", "of": ["top", "stack"]}
    result = replace(made, entrants=entrants, cooperate=[*STRATEGIES, above]).run()
    assert {"both", "stack", "average"} == set(result.alliances)
    assert [w for w in result.warnings if w.startswith("no alliance")] == [
        "no alliance top: near is not there to be joined",
        "no alliance above: top is not there to be joined",
    ]


@pytest.mark.parametrize("nested", [False, True])
def test_members_that_differ_in_name_only_are_each_named(nested: bool, tmp_path: Path) -> None:
    """Weights by name add up to one and parts of the credit to the gain, also where two members are one model."""
    twins = [{"name": name, "how": "average", "of": ["stack", "near"]} for name in ("first", "second")]
    whole = {
        "name": "whole",
        "how": "average",
        "of": ["first", "second", "tree"] if nested else ["near", "twin", "tree"],
    }
    made = contest("number", tmp_path / "run")
    entrants = made.entrants if nested else [*made.entrants, replace(made.entrants[0], name="twin")]
    result = replace(made, entrants=entrants, cooperate=["stack", *twins, whole]).run()
    weights, credit = result.alliances["whole"].weights, result.credit["whole"]
    assert set(weights) == set(credit.members) == set(whole["of"])
    assert sum(weights.values()) == pytest.approx(1)
    assert sum(part.shapley for part in credit.members.values()) == pytest.approx(credit.gain)
    one, other = (credit.members[name].shapley for name in whole["of"][:2])
    assert one == pytest.approx(other)


def test_a_terminal_tells_whom_an_average_of_some_joins(result: Result, capsys: pytest.CaptureFixture[str]) -> None:
    """An even alliance of all entrants has little to tell; one of alliances has its members, and credit passed down."""
    print_result(result, Console(width=100))
    printed = capsys.readouterr().out
    assert "both joins" in printed
    assert "average joins" not in printed
    assert "passed down: " in printed


def test_no_tower_is_too_high_to_predict_with(result: Result) -> None:
    """A thousand storeys, each the mean of the one below and an entrant: more than functions may call one another."""
    store, x = result.folder.store, read_rows(result, rows_of(result)).x
    output = output_valued(result.setup.problem.output)
    near, base = result.candidates["near"], result.candidates["average"]
    assert base.entrant.joint is not None
    known, top = {c.entrant.digest: c for c in result.candidates.values()}, result.candidates["line"]
    expected, other = (Predictor(store, output, known, x).predict(one) for one in (top, near))
    for storey in range(1000):
        parents = (top.entrant.digest, near.entrant.digest)
        joint = replace(base.entrant.joint, parents=parents, weights=(0.5, 0.5), fold_weights=())
        top = replace(base, entrant=replace(base.entrant, name=f"storey {storey}", joint=joint), calibration=None)
        known[top.entrant.digest], expected = top, (expected + other) / 2
    assert np.allclose(Predictor(store, output, known, x).predict(top), expected, rtol=0, atol=1e-12)
