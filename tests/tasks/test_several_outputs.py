"""Several targets: labels and numbers, found or declared, read, kept, written to files and read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from concours.api.new import draft
from concours.core.errors import ContestError, DataError
from concours.engine.ingest import ingest
from concours.entrants.several import BOOSTERS, MODELS, EachBoosted, EachTarget
from concours.entrants.several_networks import DenseSeveral
from concours.stores.memory import MemoryStore
from concours.stores.values import get_values
from concours.tasks.outputs.several import Several
from concours.tasks.outputs.table import output_valued
from concours.tasks.several_found import sample
from concours.tasks.task import Split, Task

OUTPUT = Several(targets=("colour", "weight"), called=(("blue", "red"), ()), scales=(1.0, 1.0))
P = np.array([[0.25, 0.75, 1.5], [0.9, 0.1, -2.0]])


def _frame(rows: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    x = rng.normal(size=rows)
    return pd.DataFrame({"x": x, "level": np.digitize(x, [-0.5, 0.5]), "size": x + rng.normal(size=rows)})


def _ingested(task: Task, folder: Path = Path()):
    store = MemoryStore()
    problem = ingest(task, store, seed=0, folder=folder).problem
    return output_valued(problem.output), get_values(store, problem.train.y), problem


def test_labels_and_numbers_are_found(tmp_path):
    """By what is in a column; `columns` says otherwise. Metrics follow from what there is."""
    output, y, problem = _ingested(sample(tmp_path, 0))
    assert output.widths == (3, 2, 0)
    assert y.shape == (problem.train.rows, 3)
    assert [goal.name for goal in problem.metrics] == ["relative_loss", "mean_log_loss", "scaled_rmse"]
    task = Task(kind="multi-output", data=_frame(), target=("level", "size"), split=Split(folds=2))
    assert _ingested(task)[0].widths == (3, 0)
    numbers = Task(**{**vars(task), "columns": {"level": "number"}})
    output, _, problem = _ingested(numbers)
    assert output.widths == (0, 0)
    assert [goal.name for goal in problem.metrics] == ["scaled_rmse", "scaled_mae"]
    with pytest.raises(ContestError, match="mean_log_loss is of labels, and all targets are numbers"):
        output.metric("mean_log_loss")


@pytest.mark.parametrize("as_frame", [True, False])
def test_targets_may_be_given(as_frame):
    """Beside inputs, a frame or an array, with a column a target."""
    frame = _frame()
    given = frame[["level", "size"]]
    x, target = frame[["x"]], given if as_frame else given.to_numpy()
    task = Task(kind="multi-output", data=x, target=target, split=Split(folds=2))
    output = _ingested(task)[0]
    assert output.widths == (3, 0)
    assert output.targets == (("level", "size") if as_frame else ("target 0", "target 1"))
    gap = given.copy()
    gap.loc[1, "size"] = np.nan
    with pytest.raises(DataError, match="missing in 1 of 60 rows, first in row 2"):
        _ingested(Task(**{**vars(task), "target": gap}))
    with pytest.raises(DataError, match="two values a row or more"):
        _ingested(Task(**{**vars(task), "target": given.to_numpy()[:, :1]}))


def test_leaks_are_told_of_each_target():
    """A column that alone predicts one of them is named with it."""
    frame = _frame(200)
    frame["copy"] = frame["size"] * 2 + 1
    task = Task(kind="multi-output", data=frame, target=("level", "size"), split=Split(folds=2))
    told = ingest(task, MemoryStore(), seed=0, folder=Path()).warnings
    assert any("'copy' alone predicts the target 'size' almost perfectly" in text for text in told)
    assert any("'x' alone predicts the target 'level' almost perfectly" in text for text in told)


def test_scales_are_of_the_rows_that_are_fitted_on(tmp_path):
    """What a constant loses is learned without the rows that judge."""
    output, y, _ = _ingested(sample(tmp_path, 0))
    assert output.scales[2] == pytest.approx(y[:, 2].var())


def test_what_is_drawn_of_predictions_has_a_name():
    """Probabilities of labels, of one unit; the first number where there are no labels."""
    assert OUTPUT.shown_as(OUTPUT.shown(np.zeros((1, 2)))) == ["colour is red"]
    numbers = Several(targets=("a", "b"), called=((), ()), scales=(1.0, 1.0))
    assert numbers.shown_as(numbers.shown(np.zeros((1, 2)))) == ["a"]


def test_files_of_predictions_are_read_back():
    """All columns as a list; without it the targets' own columns, whose labels are certain."""
    columns = OUTPUT.columns(P, None, proba=True)
    assert columns["colour"].to_pylist() == ["red", "blue"]
    table = pa.table(columns)
    assert OUTPUT.given(table, "p.csv").named == pytest.approx(P)
    found = OUTPUT.given(table.drop_columns(["prediction"]), "p.csv")
    assert found.named.tolist() == [[0.0, 1.0, 1.5], [1.0, 0.0, -2.0]]
    assert "certain" in found.notes[0]
    assert OUTPUT.written(P) == ["colour red, weight 1.5", "colour blue, weight -2"]
    assert OUTPUT.written(np.array([[1.0, 3.0]])) == ["colour red, weight 3"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"prediction": ["[0.5, 0.5]", "[0.5, 0.5, 1]"]}, "prediction of row 1 must be a list of 3 numbers"),
        ({"prediction": ["[0.5, 0.5, 1]", "[0.5, 0.9, 1]"]}, "probabilities of 'colour'.*row 1 do not"),
        ({"colour": ["red", "blue"]}, "a column 'weight' was expected"),
        ({"colour": ["red", "blue"], "weight": ["1", "much"]}, "weight of row 2 must be a number, got 'much'"),
        ({"colour": ["red", "green"], "weight": [1, 2]}, "green"),
    ],
)
def test_wrong_files_are_named(table, said):
    with pytest.raises(DataError, match=said):
        OUTPUT.given(pa.table(table), "p.csv")


def test_new_takes_several_targets(tmp_path):
    """Each by an option of its own; what each is stands beside it; one alone is asked for another."""
    _frame().to_csv(tmp_path / "t.csv", index=False)
    made = draft(str(tmp_path / "t.csv"), target=["level", "size"], out=tmp_path / "c.toml")
    assert 'target = ["level", "size"]' in made.text
    assert "level has 3 labels (0, 1, 2); size is a number" in made.text
    with pytest.raises(DataError, match="two columns or more; name each by a --target"):
        draft(str(tmp_path / "t.csv"), kind="multi-output", target="size", out=tmp_path / "c.toml")
    with pytest.raises(DataError, match="no column 'sise'"):
        draft(str(tmp_path / "t.csv"), target=["level", "sise"], out=tmp_path / "c.toml")


def _rows(seed: int):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(150, 3))
    label = (x[:, 0] > 0).astype(float) + (x[:, 0] > 1)
    return x, np.stack([label, x[:, 1] + label], axis=1)


@pytest.mark.parametrize("chained", [False, True])
@pytest.mark.parametrize("model", ["linear", "extra-trees", "lightgbm"])
def test_estimators_of_several(model, chained):
    """Each target by an estimator of its own; a label that was not seen keeps a little; what was kept is the same."""
    make = EachBoosted if model in BOOSTERS else EachTarget
    x, y = _rows(0)
    made = make(model=model, chained=chained, outputs=[4, 0], random_state=0).fit(x, y)
    p = made.predict(x)
    assert p.shape == (150, 5)
    assert p[:, :4].sum(axis=1) == pytest.approx(np.ones(150))
    assert (p[:, 3] > 0).all()
    assert (p[:, :4].argmax(axis=1) == y[:, 0]).mean() > 0.9
    assert np.corrcoef(p[:, 4], y[:, 1])[0, 1] > 0.9
    if make is EachBoosted:
        again = make(model=model, chained=chained, outputs=[4, 0], random_state=0)
        assert np.array_equal(again.set_files(made.get_files(), made.get_state()).predict(x), p)


def test_a_target_that_is_always_the_same():
    """It is predicted so."""
    x, y = _rows(0)
    y = np.stack([np.full(150, 1.0), np.full(150, 2.5), y[:, 1]], axis=1)
    p = EachTarget(outputs=[2, 0, 0]).fit(x, y).predict(x)
    assert (p[:, 1] > 0.99).all()
    assert (p[:, 2] == 2.5).all()


@pytest.mark.parametrize("chained", [False, True])
@pytest.mark.parametrize("model", sorted({*MODELS, *BOOSTERS} - {"prior"}))
def test_a_label_of_one_row(model, chained):
    """Whatever stops early by rows of each label that it holds out, is fitted without where a label has one row."""
    x, y = _rows(0)
    y[7, 0] = 3.0
    make = EachBoosted if model in BOOSTERS else EachTarget
    p = make(model=model, chained=chained, outputs=[4, 0], random_state=0).fit(x[:40], y[:40]).predict(x)
    assert np.isfinite(p).all()


def test_a_network_with_heads():
    """It learns labels and numbers at once, and is kept as tensors."""
    x, y = _rows(0)
    made = DenseSeveral(outputs=[3, 0], epochs=30, random_state=0).fit(x, y)
    p = made.predict(x)
    assert p[:, :3].sum(axis=1) == pytest.approx(np.ones(150))
    assert (p[:, :3].argmax(axis=1) == y[:, 0]).mean() > 0.85
    assert np.corrcoef(p[:, 3], y[:, 1])[0, 1] > 0.85
    again = DenseSeveral(outputs=[3, 0], epochs=30, random_state=0)
    assert np.array_equal(again.set_tensors(made.get_tensors(), made.get_state()).predict(x), p)
