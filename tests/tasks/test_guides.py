"""Rows without the target, and a sample submission, tell what is asked."""

from __future__ import annotations

import shlex
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from concours.api.new import draft
from concours.core.errors import DataError

RNG = np.random.default_rng(0)
ROWS = 90
ZONES = [("u", "v", "w")[i % 3] for i in range(ROWS)]


def table(rows: int, start: int = 0, **more) -> pd.DataFrame:
    columns = {"Key": np.arange(start, start + rows) * 7, "area": RNG.normal(size=rows), "zone": ZONES[:rows]}
    return pd.DataFrame({**columns, **more})


def laid(folder: Path, **tables: pd.DataFrame) -> str:
    (folder / "set").mkdir()
    for name, frame in tables.items():
        frame.to_csv(folder / "set" / f"{name}.csv", index=False)
    return str(folder / "set")


AMOUNT = RNG.normal(size=ROWS)
OTHER = RNG.normal(size=ROWS)
SAMPLE = pd.DataFrame({"Key": np.arange(1000, 1040) * 7, "amount": 0})


@pytest.mark.parametrize("sample", ["sample_submission", "sampleSubmission", "gender_submission", "submission_format"])
@pytest.mark.parametrize("order", [0, 1])
def test_a_sample(sample, order, tmp_path):
    """What `test` lacks and the sample has is the target, whatever else it lacks; the first column of the sample is the id."""
    more = {"other": OTHER, "amount": AMOUNT} if order else {"amount": AMOUNT, "other": OTHER}
    source = laid(tmp_path, train=table(ROWS, **more), test=table(40, 1000), **{sample: SAMPLE})
    made = draft(source, out=tmp_path / "c.toml")
    task = tomllib.loads(made.text)["task"]
    assert (task["target"], task["id"], task["drop"]) == ("amount", "Key", ["other"])
    assert "test" not in task
    command = shlex.split(made.after[0])
    assert command[:4] == ["concours", "predict", "runs/c", f"{source}/test.csv"]
    assert f"{source}/{sample}.csv" in command
    assert "test.csv has not the target; after the run:" in made.text


def test_classes_as_columns(tmp_path):
    """A sample with a column for each class names its target by their names."""
    kinds = ["cat", "dog", "owl"] * (ROWS // 3)
    sample = pd.DataFrame({"Key": [1, 2], "cat": 0.3, "dog": 0.3, "owl": 0.4})
    train = table(ROWS, kind=kinds, other=ZONES[::-1])
    source = laid(tmp_path, train=train, test=table(40, 1000), sample_submission=sample)
    assert draft(source).findings.target.name == "kind"


def test_without_a_sample(tmp_path):
    """The one column that `test` lacks is the target, and said; of several, one whose name says so, else it is asked."""
    (tmp_path / "one").mkdir()
    found = draft(laid(tmp_path / "one", train=table(ROWS, amount=AMOUNT), test=table(40))).findings
    assert (found.target.name, found.target.why) == ("amount", "the one column that test.csv has not")
    (tmp_path / "two").mkdir()
    source = laid(tmp_path / "two", train=table(ROWS, amount=AMOUNT, other=OTHER), test=table(40))
    with pytest.raises(DataError, match="--target"):
        draft(source)
    assert draft(source, target="other").findings.target.name == "other"


def test_several_targets(tmp_path):
    """A sample that asks for several numbers is answered with what to write."""
    sample = pd.DataFrame({"Key": [1], "amount": [0.0], "other": [0.0]})
    source = laid(tmp_path, train=table(ROWS, amount=AMOUNT, other=OTHER), test=table(40), sample_submission=sample)
    with pytest.raises(DataError, match="asks for 2 columns, amount, other; Concours predicts one at a time"):
        draft(source)


def test_valid_judges(tmp_path):
    """Where the test part has no target, a validation part that has it judges."""
    train, valid = table(ROWS, amount=AMOUNT), table(30, 500, amount=AMOUNT[:30])
    made = draft(laid(tmp_path, train=train, dev=valid, test=table(40, 1000)), out=tmp_path / "c.toml")
    task = tomllib.loads(made.text)["task"]
    assert (task["target"], task["test"]) == ("amount", "set/dev.csv")
    assert made.findings.test_rows == 30


@pytest.mark.parametrize(
    ("name", "columns", "target"),
    [("churn_2024", ("age", "churn_", "town"), None), ("income", ("age", "income", "height"), "income")],
)
def test_the_name_of_the_file(name, columns, target, tmp_path):
    """A column that is called as the file is, is the target, and said."""
    frame = pd.DataFrame({column: RNG.integers(0, 60, 80) for column in columns})
    frame.to_csv(tmp_path / f"{name}.csv", index=False)
    expected = target or columns[1]
    found = draft(str(tmp_path / f"{name}.csv")).findings
    assert (found.target.name, "is called so" in found.target.why) == (expected, True)
