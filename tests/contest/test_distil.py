"""Students in a contest: what they learn from, what they may not have seen, and that they are used as any model is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from concours import Contest, Entrant, Split, Task
from concours.contest.circle import circle
from concours.core.errors import ContestError
from concours.core.event import Done
from concours.core.ports import ignore
from concours.engine.journal import read_journal
from concours.kernels.joining.calibration import Calibration
from concours.runs.folder import RunFolder
from concours.runs.gc import collect
from concours.runs.predict import predict
from concours.runs.result import Result
from concours.runs.session import session
from concours.runs.verify import verify
from concours.stores.blobs import get_array, get_bundle, put_array
from concours.stores.values import get_values

PUPIL = {"name": "pupil", "how": "distil", "of": ["average"], "student": "tree", "made": 1}
HEIR = {"name": "heir", "how": "distil", "of": ["net", "pupil"], "student": "net", "mix": 0.25}
NARROW = {"name": "narrow", "how": "prune", "of": ["net"], "share": 0.5}
SMALL = {"name": "small", "how": "quantize", "of": ["net"]}
LEAN = {"name": "lean", "how": "prune-members", "of": ["average"]}
STRATEGIES: list[Any] = ["average", "greedy", PUPIL, HEIR, NARROW, SMALL, LEAN]
FORMS: dict[str, dict[str, Any]] = {"bag": {}, "refit of numbers": {"final": "refit", "target": "numbers"}}


def table(target: str = "classes", rows: int = 150) -> pd.DataFrame:
    """Numbers, a whole number, a word with gaps, and what is to be said."""
    random = np.random.default_rng(4)
    x = random.normal(size=(rows, 2))
    count, word = random.integers(0, 9, rows), random.choice(["red", "blue", None], rows)
    z = x[:, 0] + 0.2 * count + (word == "red") + 0.3 * random.normal(size=rows)
    y = np.where(z > 1.2, "high", "low") if target == "classes" else z
    return pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "count": count, "word": word, "y": y})


def contest(out: Path, *, target: str = "classes", cooperate: Any = None, **options: Any) -> Contest:
    """A tree, a network and a linear model."""
    ending = "Classifier" if target == "classes" else "Regressor"
    kind = "tabular-classification" if target == "classes" else "tabular-regression"
    entrants = [
        Entrant("tree", f"sklearn.tree:DecisionTree{ending}", {"max_depth": 3}),
        Entrant("net", f"concours.entrants.neural:Dense{ending}", {"hidden": [96], "epochs": 3}, prepare="auto"),
        Entrant("line", "logistic" if target == "classes" else "ridge"),
    ]
    return Contest(
        task=Task(kind=kind, data=table(target), target="y", split=Split(test=0.3, folds=3)),
        entrants=entrants,
        lineup="none",
        engine="inline",
        out=out,
        cooperate=STRATEGIES if cooperate is None else cooperate,
        **options,
    )


@pytest.fixture(scope="module", params=list(FORMS))
def result(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Result:
    return contest(tmp_path_factory.mktemp("distil") / "run", **FORMS[request.param]).run()


def outputs_of(result: Result, runner: str) -> list[tuple[dict[str, Any], dict[str, str]]]:
    """Parameters and outputs of the jobs of a kind, found by the models' manifests or the journal's names."""
    records, _ = read_journal(result.folder.journal)
    return (
        [
            (record.event.values, dict(record.event.outputs))
            for record in records
            if isinstance(record.event, Done) and set(record.event.outputs) == {"soft", "rows"}
        ]
        if runner == "teach"
        else []
    )


@pytest.mark.slow
def test_smaller_models_stand_on_the_board_and_predict_as_it_says(result: Result) -> None:
    """What is kept of each predicts the test part as its line was scored by; the receipt holds, and gc takes nothing."""
    assert not [line for line in result.standings if line.status == "failed"], result
    test = result.setup.problem.test
    assert test is not None
    x = result.folder.store
    from concours.engine.rows import get_rows

    rows = get_rows(x, test.x)
    for name in ("pupil", "heir", "narrow", "small", "lean"):
        told = predict(result, rows, model=name, proba=result.setup.problem.output.estimator == "classifier")
        kept = get_values(x, str(result.candidates[name].test))
        np.testing.assert_array_equal(np.asarray(told).reshape(len(rows), -1), kept)
    collect(result.folder.path)
    assert verify(result.folder.path, engine="inline").holds
    assert Result.load(result.folder.path).to_json() == result.to_json()


@pytest.mark.parametrize("result", ["bag"], indirect=True)
def test_teachers_are_the_models_of_the_fold(result: Result) -> None:
    """Labels of the rows of a fit are the mean of what the members' models of that very fold say, uncorrected."""
    from concours.engine.prediction import Models
    from concours.engine.rows import get_rows, take_rows

    store, folds = result.folder.store, get_array(result.folder.store, result.setup.problem.folds)
    x = get_rows(store, result.setup.problem.train.x)
    models = Models(store)
    soft = [outputs["soft"] for _, outputs in outputs_of(result, "teach")]
    assert len(soft) == 3
    for fold, digest in enumerate(soft):
        train, parts = np.flatnonzero(folds != fold), []
        for name in ("tree", "net", "line"):
            job, fitted = models.model(result.candidates[name].models[fold])
            rows = take_rows(x, train)
            transformer = job.inputs.get("transformer")
            parts.append(fitted.predict(models.preparation(transformer).transform(rows) if transformer else rows))
        told = get_values(store, digest)
        assert len(told) == 2 * len(train)
        np.testing.assert_allclose(told[: len(train)], np.mean(parts, axis=0), atol=1e-12)


def test_targets_of_a_fold_change_nothing_of_its_student(tmp_path: Path) -> None:
    """Where the targets of one fold are permuted, the student of that fold is the same to the byte, and others not."""
    made = contest(tmp_path / "run", cooperate=["average", PUPIL]).run()
    folder, setup = RunFolder(tmp_path / "again"), made.setup
    before = {fold: _bytes(made.folder.store, model) for fold, model in enumerate(made.candidates["pupil"].models)}
    for digest in made.folder.store:
        with made.folder.store.open(digest) as file:
            folder.store.put(file)
    y, folds = get_array(folder.store, setup.problem.train.y), get_array(folder.store, setup.problem.folds)
    held = np.flatnonzero(folds == 1)
    y = y.copy()
    y[held] = 1 - y[held]
    part = replace(setup.problem.train, y=put_array(folder.store, y))
    changed = replace(setup, problem=replace(setup.problem, train=part))
    with folder.writing(), session(folder, engine="inline", workers=1, listener=ignore, job_seconds=600) as engine:
        after = circle(engine, changed).candidates["pupil"]
    same = [_bytes(folder.store, model) == before[fold] for fold, model in enumerate(after.models)]
    assert same == [False, True, False]


def _bytes(store: Any, model: str) -> dict[str, bytes]:
    return {name: content for name, content in get_bundle(store, model).items() if name != "manifest.json"}


def test_the_board_and_the_result_say_what_was_saved(result: Result) -> None:
    """Sizes, times and scores of a smaller model and of what it was made of are in the result, and in a note."""
    value = json.loads((result.folder.path / "result.json").read_text())["savings"]
    assert set(value) == {"pupil", "heir", "narrow", "small", "lean"}
    assert value["pupil"]["of"] == ["average"]
    assert value["pupil"]["bytes"] < value["pupil"]["bytes_before"]
    assert value["small"]["bytes"] < value["small"]["bytes_before"]
    assert value["narrow"]["bytes"] < value["narrow"]["bytes_before"]
    notes = {line.entrant.name: line.note for line in result.standings}
    assert "of average, at" in notes["pupil"] and "of its size" in notes["pupil"]


def test_a_quantized_network_has_weights_of_a_byte(result: Result) -> None:
    """The kept file has whole numbers of a byte, and what it predicts is near what the network predicted."""
    store = result.folder.store
    import safetensors.numpy

    tensors = safetensors.numpy.load(get_bundle(store, result.candidates["small"].models[0])["tensors"])
    assert {str(tensors[name.removesuffix(":scale")].dtype) for name in tensors if name.endswith(":scale")} == {"int8"}
    net, small = (result.candidates[name] for name in ("net", "small"))
    apart = np.abs(_raw(result, net) - _raw(result, small)).max()
    assert 0 < apart < 0.1


def _raw(result: Result, candidate: Any) -> Any:
    told = get_values(result.folder.store, candidate.test)
    assert candidate.calibration is None or Calibration(**candidate.calibration)
    return told


FAULTS: dict[str, tuple[Any, str]] = {
    "a stranger as student": ([{**PUPIL, "student": "nobody"}], "teaches 'nobody', which is no entrant"),
    "no share": ([{**NARROW, "share": 1.0}], "share must be a number above 0 and below 1"),
    "two networks": ([{**NARROW, "of": ["net", "line"]}], "must be the name of one entrant"),
    "an alliance": (["average", {**NARROW, "of": ["average"]}], "changes weights of single entrants"),
    "another's key": ([{**PUPIL, "share": 0.5}], "takes no share; that is for 'prune'"),
    "a mix of two": ([{**PUPIL, "mix": 2}], "mix must be a number from 0 to 1"),
}


@pytest.mark.parametrize("case", list(FAULTS))
def test_what_a_table_says_wrong_is_told_in_a_line(case: str, tmp_path: Path) -> None:
    """Each key is checked before anything is fitted, with what is allowed."""
    written, message = FAULTS[case]
    with pytest.raises(ContestError, match=message):
        contest(tmp_path / "run", cooperate=written).run()


def test_what_cannot_be_made_smaller_is_told_in_a_warning(tmp_path: Path) -> None:
    """A tree has no weights, and a single entrant no members: the contest goes on without these alliances."""
    asked = [{**SMALL, "of": ["tree"]}, {**LEAN, "of": ["line"]}]
    warnings = contest(tmp_path / "run", cooperate=asked).run().warnings
    assert "no alliance small: tree has no weights of a network" in warnings
    assert any(text.startswith("no alliance lean: line has no members with weights") for text in warnings)
