"""Predictions in a file: each row finds its place, by its id or its position, and whatever is wrong is told in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.core.errors import DataError
from concours.core.problem import Problem
from concours.engine.ingest import Ingested, ingest
from concours.engine.recorded import Recorded, record
from concours.stores.blobs import get_array
from concours.stores.memory import MemoryStore
from concours.tasks.predicted import Wanted
from concours.tasks.task import Split, Task

LABELS = ["a", "b", "c"]
COLUMNS = [f"p_{label}" for label in LABELS]


def table(rows: int, *, ids: bool, target: str, prefix: str = "k") -> pd.DataFrame:
    """Rows with a number and a target, perhaps with ids that are no positions."""
    frame = pd.DataFrame({"x": np.arange(rows) * 1.5, "y": [LABELS[i % 3] for i in range(rows)]})
    if target == "number":
        frame["y"] = np.arange(rows) ** 1.5
    if ids:
        frame.insert(0, "key", [f"{prefix}{rows - i}" for i in range(rows)])
    return frame


def problem_of(
    rows: int, *, ids: bool, apart: int = 0, target: str = "classes", metrics: tuple[str, ...] = ()
) -> tuple[Ingested, MemoryStore, Wanted]:
    """A task in a store; `apart` rows of a test file, or a test part that is split off."""
    store, frame = MemoryStore(), table(rows, ids=ids, target=target)
    test = table(apart, ids=ids, target=target, prefix="t") if apart else None
    kind = "tabular-classification" if target == "classes" else "tabular-regression"
    split = Split(folds=2) if apart else Split(test=0.3, folds=2)
    task = Task(kind=kind, data=frame, target="y", test=test, id="key" if ids else None, split=split, metrics=metrics)
    ingested = ingest(task, store, seed=0, folder=Path())
    return ingested, store, Wanted(classes=ingested.problem.labels, id=task.id, target="y")


def predictions_of(rows: int, seed: int, target: str = "classes") -> pd.DataFrame:
    """Of each row something else."""
    rng = np.random.default_rng(seed)
    if target == "number":
        return pd.DataFrame({"prediction": rng.normal(size=rows)})
    return pd.DataFrame(rng.dirichlet(np.ones(3), size=rows), columns=COLUMNS)


def written(frame: pd.DataFrame, folder: Path, form: str = "csv") -> Path:
    path = folder / f"predictions.{form}"
    if form == "parquet":
        frame.to_parquet(path, index=False)
    elif form == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_csv(path, index=False)
    return path


def kept(store: MemoryStore, found: Recorded) -> tuple[Any, Any]:
    return tuple(None if digest is None else get_array(store, digest) for digest in (found.oof, found.test))  # type: ignore[return-value]


def places(problem: Problem, store: MemoryStore, shift: int) -> tuple[np.ndarray, np.ndarray]:
    """Naively: where the rows of the parts are in the data, and then in a test file after it."""
    assert problem.test is not None
    return get_array(store, problem.train.ids), get_array(store, problem.test.ids) + shift


@settings(max_examples=60)
@given(
    rows=st.integers(12, 30),
    apart=st.integers(0, 9),
    ids=st.booleans(),
    named=st.booleans(),
    part=st.sampled_from(["both", "train", "test"]),
    form=st.sampled_from(["csv", "parquet", "jsonl"]),
    target=st.sampled_from(["classes", "number"]),
    seed=st.integers(0, 99),
)
def test_each_row_finds_its_place(
    rows: int, apart: int, ids: bool, named: bool, part: str, form: str, target: str, seed: int, tmp_path_factory: Any
) -> None:
    """Whether the test part is split off or a file, rows have ids or positions, and the file is whole or of a part."""
    ingested, store, wanted = problem_of(rows, ids=ids, apart=apart, target=target)
    train, test = places(ingested.problem, store, rows if apart else 0)
    frame = predictions_of(rows + apart, seed, target)
    values = frame.to_numpy()
    known = [f"k{rows - i}" for i in range(rows)] + [f"t{apart - i}" for i in range(apart)]
    name = "key" if ids else "id"
    if named:
        frame[name] = known if ids else np.arange(rows + apart)
    chosen = {"both": np.arange(rows + apart), "train": train, "test": test}[part]
    if part != "both" and not named:
        chosen = np.arange(rows) if part == "train" and apart else np.sort(test)
        part = part if apart else "test"
    frame = frame.iloc[chosen]
    if apart and not ids and named and part == "test":
        frame[name] = frame[name] - rows  # of a file of its own, alone, positions are its own
    if named:
        frame = frame.sample(frac=1, random_state=seed)
    file = written(frame, tmp_path_factory.mktemp("file"), form)
    oof, tested = kept(store, record(file, ingested, store, wanted=wanted, honest=True))
    assert (oof is not None, tested is not None) == (part != "test", part != "train")
    for found, rows_of in ((oof, train), (tested, test)):
        if found is not None:
            assert np.allclose(found, values[rows_of], rtol=0, atol=1e-9)


def test_of_a_model_that_has_seen_the_rows_the_training_part_is_not_kept(tmp_path: Path) -> None:
    """Nothing can read by mistake what is not there."""
    ingested, store, wanted = problem_of(20, ids=True)
    frame = predictions_of(20, 0).assign(key=[f"k{20 - i}" for i in range(20)])
    before = set(store)
    found = record(written(frame, tmp_path), ingested, store, wanted=wanted, honest=False)
    assert found.oof is None
    assert set(store) - before == {found.test}


WRONG = {
    "a row is missing": lambda good: good[good["key"] != "k7"],
    "an id twice": lambda good: pd.concat([good, good.iloc[:1]]),
    "an id of nobody": lambda good: pd.concat([good, good.iloc[:1].assign(key="k99")]),
    "no ids, too few": lambda good: good.drop(columns="key").iloc[:17],
    "a column is missing": lambda good: good.drop(columns="p_b"),
    "a column of no class": lambda good: good.rename(columns={"p_b": "p_z"}),
    "no distribution": lambda good: good.assign(p_a=0.9),
    "not a number": lambda good: good.assign(p_a=[np.nan, *good["p_a"][1:]]),
    "words": lambda good: good.assign(p_a="much"),
    "a wrong label": lambda good: good[["key"]].assign(prediction=["d", *["a"] * 19]),
    "nothing said": lambda good: good[["key"]],
}
"""Of a good file of twenty rows with ids, one that is not."""


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("a row is missing", r"1 of the \d+ ids of the (training|test) part are missing, first 'k7'"),
        ("an id twice", "1 ids come more than once, first 'k20'"),
        ("an id of nobody", "1 ids are of no row of the data, first 'k99'"),
        ("no ids, too few", "has 17 rows and no column 'id'; expected the 20 rows of the data, or the 6 of the test"),
        ("a column is missing", "column 'p_b' is missing"),
        ("a column of no class", "column 'p_z' is of no class"),
        ("no distribution", "do not sum to one"),
        ("not a number", "p_a is missing"),
        ("words", "p_a must hold numbers"),
        ("a wrong label", "1 predictions are no class, first 'd'"),
        ("nothing said", "a column 'prediction', or p_a, p_b, p_c was expected"),
    ],
)
def test_wrong_files(what: str, said: str, tmp_path: Path) -> None:
    """Each is told in one line, with the file's name."""
    ingested, store, wanted = problem_of(20, ids=True, metrics=("accuracy",))
    good = predictions_of(20, 0).assign(key=[f"k{20 - i}" for i in range(20)])
    with pytest.raises(DataError, match=said) as told:
        record(written(WRONG[what](good), tmp_path), ingested, store, wanted=wanted, honest=True)
    assert str(told.value).startswith("predictions.csv")
    assert "\n" not in str(told.value)


def test_rows_that_cannot_be_told_apart(tmp_path: Path) -> None:
    """As many rows as the data has, and the test file too: which of them is nobody's guess."""
    ingested, store, wanted = problem_of(12, ids=False, apart=12)
    with pytest.raises(DataError, match="12 rows, as the data has and the test file too"):
        record(written(predictions_of(12, 0), tmp_path), ingested, store, wanted=wanted, honest=True)
    with pytest.raises(DataError, match="expected the 12 of the data, the 12 of the test file, or both, 24"):
        record(written(predictions_of(13, 0), tmp_path), ingested, store, wanted=wanted, honest=True)


def test_labels_alone(tmp_path: Path) -> None:
    """Where labels rank they do, with a word; where probabilities rank they are refused, with the cure."""
    frame = pd.DataFrame({"prediction": ["a", "b"] * 10})
    ingested, store, wanted = problem_of(20, ids=False, metrics=("accuracy", "log_loss"))
    found = record(written(frame, tmp_path), ingested, store, wanted=wanted, honest=True)
    assert found.notes == ("predictions.csv has labels alone: metrics of probabilities take each for certain",)
    assert set(np.unique(get_array(store, found.test or ""))) == {0.0, 1.0}  # type: ignore[arg-type]
    ingested, store, wanted = problem_of(20, ids=False, metrics=("log_loss", "accuracy"))
    with pytest.raises(DataError, match="labels alone, and log_loss, which ranks, needs probabilities, in columns p_a"):
        record(written(frame, tmp_path), ingested, store, wanted=wanted, honest=True)


def test_labels_beside_probabilities(tmp_path: Path) -> None:
    """One array counts on the board: that of the probabilities, and it is said where a label is another."""
    p = predictions_of(20, 3)
    named = p.to_numpy().argmax(axis=1)
    named[:4] = (named[:4] + 1) % 3
    frame = p.assign(prediction=np.array(LABELS)[named])
    ingested, store, wanted = problem_of(20, ids=False)
    found = record(written(frame, tmp_path), ingested, store, wanted=wanted, honest=True)
    assert found.notes == ("predictions.csv: 4 of 20 labels are not the most probable class; the probabilities count",)
