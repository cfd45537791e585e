"""What is found in data: target, kind, and what columns are for; where signs are weak, a person is asked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from concours.core.errors import DataError
from concours.tasks.columns import describe
from concours.tasks.discovery import discover
from concours.tasks.forms import settle
from concours.tasks.readers.opened import Opened
from concours.tasks.relations import agreeing, leaks
from concours.tasks.sources import find_source

RNG = np.random.default_rng(0)
ROWS = 200
F = {name: RNG.normal(size=ROWS) for name in "abcd"}
WHOLE = RNG.integers(0, 50, ROWS)
CODED = RNG.integers(0, 2, ROWS)
LABELS = RNG.choice(["red", "green", "blue"], ROWS)
OTHERS = RNG.choice(["u", "v", "w"], ROWS)


def found(columns: dict, target: str | None = None, test: dict | None = None):
    return discover(
        Opened(x=pa.table(columns), name="t.csv"),
        None if test is None else Opened(x=pa.table(test), name="test.csv"),
        target=target,
    )


@pytest.mark.parametrize(
    ("columns", "target"),
    [
        ({"Target": LABELS, **F, "z": LABELS}, "Target"),
        ({"a": F["a"], "class": LABELS, "b": CODED}, "class"),
        ({"a": F["a"], "b": F["b"], "y": CODED}, "y"),
        ({"x": F["a"], "y": F["b"]}, "y"),
        ({"x": F["a"], "y": F["b"], "z": F["c"], "alive": CODED}, "alive"),
        ({**F, "churn_label": LABELS, "city": OTHERS}, "churn_label"),
        ({**F, "colour": LABELS}, "colour"),
        ({"colour": LABELS, **F}, "colour"),
        ({"colour": LABELS, **F, "alive": CODED}, None),
        ({"row_id": range(ROWS), "alive": CODED, **F, "colour": OTHERS, "town": LABELS}, "alive"),
        ({**F, "level": WHOLE}, "level"),
        ({**F, "house_value": WHOLE, "place": LABELS}, None),
        ({"colour": LABELS, **F, "town": OTHERS, "weight": F["a"], "Price": F["b"]}, "Price"),
        ({"colour": LABELS, **F, "town": OTHERS, "fine": np.where(CODED, "ja", "nein")}, "fine"),
        ({"colour": LABELS, **F, "sex": np.where(CODED, "f", "m"), "fine": np.where(CODED, "ja", "nein")}, None),
        ({**F, "colour": LABELS, "town": OTHERS}, None),
        (F, None),
        ({"x": F["a"], "y": F["b"], "z": F["c"]}, None),
    ],
)
def test_target(columns, target):
    """A name that says so, or the one column at an edge that is of another sort; else the question names --target."""
    if target is None:
        with pytest.raises(DataError, match="--target COLUMN"):
            found(columns)
    else:
        assert found(columns).target.name == target


@pytest.mark.parametrize(
    ("values", "form"),
    [
        (LABELS, "classes"),
        (CODED, "classes"),
        (CODED.astype(bool), "classes"),
        (RNG.normal(size=ROWS), "number"),
        (RNG.integers(0, 1000, ROWS), "number"),
        (np.arange(ROWS) % 10, "classes"),
        (np.arange(ROWS) % 5 * 1.0, "classes"),
        (np.repeat([1, 2, 3], [120, 60, 20]), "classes"),
        (np.repeat(np.arange(3, 10), [2, 10, 60, 80, 40, 6, 2]), "number"),
        (np.repeat(np.arange(7), [100, 30, 5, 20, 5, 30, 10]), "classes"),
        (np.repeat(np.arange(8), [90, 50, 30, 15, 8, 4, 2, 1]), "number"),
    ],
)
def test_form(values, form):
    """Labels and few numbers are classes; fractions, many numbers, and levels counted like ratings are numbers."""
    assert found({**F, "t": values}, "t").form.target == form


def test_doubt():
    """Where levels could be either, the doubt is told, so that the contest file can say how to change it."""
    assert "order" in found({**F, "t": np.repeat([1, 2, 3], [120, 60, 20])}, "t").form.doubt
    assert "classes" in found({**F, "t": np.repeat(np.arange(3, 10), [2, 10, 60, 80, 40, 6, 2])}, "t").form.doubt
    assert found({**F, "t": LABELS}, "t").form.doubt is None


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.arange(ROWS), "identifier"),
        ([f"k{i}" for i in range(ROWS)], "identifier or free text"),
        ([1] * ROWS, "nothing to learn"),
        ([None, *range(1, ROWS)], "missing in 1 of 200 rows"),
    ],
)
def test_no_target(values, words):
    """What cannot be predicted is refused with the fact that forbids it."""
    with pytest.raises(DataError, match=words):
        found({**F, "t": values}, "t")


def test_named_target_is_checked():
    """A target that is not there is told with the nearest name."""
    with pytest.raises(DataError, match="did you mean 'price'"):
        found({**F, "price": WHOLE}, "prise")


def typed(columns):
    """Columns as a file of typed words brings them."""
    return settle(pa.table(columns), "data", written=False).table


def test_roles():
    """Numbers of rows, codes and constants are set apart; numbers that only differ are inputs."""
    columns = describe(
        typed(
            {
                "Unnamed: 0": range(5, ROWS + 5),
                "code": [f"AB-{i:05d}" for i in range(ROWS)],
                "customerId": RNG.permutation(ROWS),
                "amount": RNG.permutation(10 * ROWS)[:ROWS],
                "weight": F["a"],
                "same": ["x"] * ROWS,
                "empty": pa.array([None] * ROWS, pa.float64()),
                "when": [f"2026-01-{1 + i % 28:02d}" for i in range(ROWS)],
                "said": [f"this is what person number {i} said of it" for i in range(ROWS)],
                "colour": LABELS,
            }
        )
    )
    assert {column.name: column.role for column in columns} == {
        "Unnamed: 0": "identifier", "code": "identifier", "customerId": "identifier", "amount": "input",
        "weight": "input", "same": "constant", "empty": "constant", "when": "moment", "said": "text", "colour": "input",
    }  # fmt: skip


def test_identifiers_and_constants():
    """The first identifier names the rows, unless the test part lacks it; the others and constants are dropped."""
    columns = {"id": range(ROWS), "code": [f"c{i}" for i in range(ROWS)], "one": [1] * ROWS, **F, "class": LABELS}
    got = found(columns)
    assert got.id.name == "id"
    assert [note.name for note in got.drop] == ["code", "one"]
    assert got.inputs == 4
    again = found(columns, test={**columns, "id": [7] * ROWS})
    assert (again.id.name, again.test_rows) == ("code", ROWS)


def test_groups():
    """Rows of one person are a group by the name of the column; by another name they may be."""
    patients = RNG.permutation(np.repeat(np.arange(40), 5))
    assert found({"patient_id": patients, **F, "class": LABELS}).group.name == "patient_id"
    got = found({"order_id": patients, **F, "class": LABELS})
    assert got.group is None
    assert [note.name for note in got.maybe_groups] == ["order_id"]
    assert not found({"amount": patients, **F, "class": LABELS}).maybe_groups
    once = [*range(1000, 1000 + ROWS - 3), 1000, 1001, 1002]
    few = found({"patient_id": once, **F, "class": LABELS})
    assert (few.group.name, few.group.why) == ("patient_id", "197 different values in 200 rows")


def test_agreeing():
    """Columns in which rows of one value agree are a sign of a group; what is mostly equal anyway is none."""
    of = RNG.integers(0, 60, 600)
    table = pa.table(
        {
            "ticket": of,
            "price": RNG.normal(size=60)[of],
            "town": [f"t{i % 9}" for i in of],
            "noise": RNG.normal(size=600),
            "mostly": np.where(RNG.random(600) < 0.97, 0, 1),
        }
    )
    assert agreeing(table, "ticket") == ["price", "town"]
    assert agreeing(table, "noise") == []


def test_times():
    """A date whose name says so splits; another one is only proposed, and a group goes before."""
    days = pd.date_range("2020-01-01", periods=ROWS)
    assert found({"date": days, **F, "class": LABELS}).time.name == "date"
    got = found({"built": days, **F, "class": LABELS})
    assert (got.time, got.maybe_times[0].name) == (None, "built")
    both = found({"date": days, "user_id": np.arange(ROWS) % 40, **F, "class": LABELS})
    assert (both.group.name, both.time, both.maybe_times[0].name) == ("user_id", None, "date")


@pytest.mark.parametrize(
    ("name", "values", "asked"),
    [
        ("sample_weight", np.abs(F["a"]), True),
        ("fnlwgt", WHOLE, True),
        ("Weight", WHOLE, True),
        ("weight", F["a"], False),
        ("weight_class", WHOLE, False),
        ("weights", np.ones(ROWS), False),
        ("weight", OTHERS, False),
    ],
)
def test_weights_are_only_asked_about(name, values, asked):
    """A column that may say how much a row counts stays an input, and the contest says how to have it count."""
    got = found({name: values, **F, "class": LABELS})
    assert [note.name for note in got.maybe_weights] == ([name] if asked else [])


def test_leaks():
    """A column that tells the target is found, whether a number, a code or a text; honest ones are not."""
    y = RNG.integers(0, 3, 500)
    inputs = pa.table(
        {
            "text": [f"class {i}" for i in y],
            "number": y + 0.1 * RNG.random(500),
            "half": np.where(RNG.random(500) < 0.8, y, 0),
            "code": [f"k{i}" for i in range(500)],
            "gaps": pa.array([None if i == 2 else float(i) for i in y]),
        }
    )
    assert set(leaks(inputs, y, numbers=False)) == {"text", "number", "gaps"}
    z = RNG.normal(size=500)
    assert set(leaks(pa.table({"log": np.exp(z), "near": z + RNG.normal(size=500)}), z, numbers=True)) == {"log"}


def test_texts():
    """Labels beside sentences are a task on texts; beside other columns too, one on a table."""
    said = [f"words that come in row {i} of this" for i in range(ROWS)]
    got = found({"0": CODED, "1": said, "2": said})
    assert (got.kind.name, got.target.name, got.text) == ("text-classification", "0", ("1", "2"))
    assert found({"label": LABELS, "said": said, "age": WHOLE}).kind.name == "tabular-classification"
    assert found({"label": F["a"], "said": said}).kind.name == "tabular-regression"


def test_duplicates_and_classes():
    """Rows of equal inputs are counted without the target; words of a scale keep their order."""
    half = {"a": np.arange(ROWS) // 2 * 0.5, "class": ["low", "high", "medium", "low"] * (ROWS // 4)}
    got = found(half)
    assert got.duplicates == ROWS // 2
    assert got.ordered
    assert list(got.classes.items()) == [("low", 100), ("medium", 50), ("high", 50)]


def test_test_part():
    """Labels written otherwise are mapped, unknown ones named, and a part without the target cannot judge."""
    columns = {**F, "class": np.where(CODED, "yes", "no")}
    assert found(columns, test={**F, "class": np.where(CODED, "Yes.", "no")}).labels == {"Yes.": "yes"}
    assert found(columns, test={**F, "class": LABELS}).unknown == ("blue", "green", "red")
    assert found(columns, test=F).test_unlabelled
    assert found(columns, test=columns).overlap == ROWS
    fewer = found(columns, test={"a": F["a"], "class": columns["class"]})
    assert fewer.test_rows == 0
    assert "column 'b' is missing" in fewer.warnings[0]


def write(folder, **files):
    for name, columns in files.items():
        pd.DataFrame(columns).to_csv(folder / f"{name}.csv", index=False)
    (folder / "README.md").write_text("about")


def test_sources(tmp_path):
    """Parts by their names, files of one form as one table; what does not belong together is asked for."""
    for name in ("one", "parts", "alike", "mixed", "empty"):
        (tmp_path / name).mkdir()
    write(tmp_path / "one", my_test={**F, "class": LABELS})
    got = find_source(str(tmp_path / "one"))
    assert (got.data, got.test) == (str(tmp_path / "one/my_test.csv"), None)
    write(tmp_path / "parts", train={**F, "class": LABELS}, test=F, sample_submission={"id": [1]})
    got = find_source(str(tmp_path / "parts"))
    assert (got.data, got.test) == (str(tmp_path / "parts/train.csv"), None)
    assert (got.rows, got.sample) == (str(tmp_path / "parts/test.csv"), str(tmp_path / "parts/sample_submission.csv"))
    write(tmp_path / "alike", red={**F, "source": CODED}, white={**F, "source": CODED})
    got = find_source(str(tmp_path / "alike"))
    assert (len(got.data), got.source, len(got.opened.x)) == (2, "file", 2 * ROWS)
    write(tmp_path / "mixed", films={"a": [1]}, users={"b": [1]})
    with pytest.raises(DataError, match=r"2 tables of different columns; name one: .*films.csv \(1 rows of 1\)"):
        find_source(str(tmp_path / "mixed"))
    with pytest.raises(DataError, match="holds no table, text or picture"):
        find_source(str(tmp_path / "empty"))
