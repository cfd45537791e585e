"""Labels: order, codes, and forms that mean the same."""

from __future__ import annotations

import tomllib
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from concours.api.contest import Contest
from concours.api.new import draft
from concours.api.score import rows_to_predict, score_predictions
from concours.core.errors import DataError
from concours.engine.ingest import ingest
from concours.stores.blobs import get_table
from concours.stores.memory import MemoryStore
from concours.tasks.labels import by_number, class_list, codes_of, mapped, same_but_for_form
from concours.tasks.task import Task


def labels(*values):
    return np.asarray(values, dtype=object)


def test_order():
    """Declared order, else number order where all are numbers, else the order of texts."""
    assert class_list(labels("10", "9", "1"), (), "d") == ("1", "9", "10")
    assert class_list(np.asarray([10, 9, 1]), (), "d") == (1, 9, 10)
    assert class_list(labels("b", "a", "10"), (), "d") == ("10", "a", "b")
    assert class_list(labels("mid", "low", "high"), ("low", "mid", "high"), "d") == ("low", "mid", "high")
    assert class_list(np.asarray([1, 2]), ("2", "1"), "d") == (2, 1)
    with pytest.raises(DataError, match="the label 'mid', which task.classes has not"):
        class_list(labels("mid", "low"), ("low", "high"), "d")
    with pytest.raises(DataError, match="no row of d has the label 'high'"):
        class_list(labels("low"), ("low", "high"), "d")


@given(st.lists(st.text(max_size=3) | st.sampled_from(["1", "2", "10"]), min_size=1))
def test_codes_are_places_in_the_list(values):
    """Law: classes[codes] == labels, and classes are distinct."""
    y = labels(*values)
    classes = class_list(y, (), "d")
    assert len(set(classes)) == len(classes)
    assert [classes[code] for code in codes_of(y, classes, "d")] == values


def test_the_mapping_to_write_is_told():
    """Labels that differ in case, blanks or punctuation only: the error has the line that mends it."""
    with pytest.raises(DataError) as caught:
        codes_of(labels("<=50K.", ">50K."), ("<=50K", ">50K"), "test.csv")
    assert str(caught.value).endswith('write in [task]: labels = { "<=50K." = "<=50K", ">50K." = ">50K" }')
    with pytest.raises(DataError) as caught:
        codes_of(labels("Yes ", "maybe"), ("yes", "no"), "test.csv")
    assert "labels = " not in str(caught.value)
    assert same_but_for_form("Very Good!", ["good", "very_good"]) == "very_good"


def test_mapped():
    """What a mapping does not name stays; numbers may become texts, and then all do."""
    assert mapped(labels("a", "b", "A"), {"A": "a"}).tolist() == ["a", "b", "a"]
    assert mapped(np.asarray([1, 2, 3]), {"3": 2}).tolist() == [1, 2, 2]
    assert mapped(np.asarray([1, 2]), {"1": "one"}).tolist() == ["one", "2"]


FORMS = {
    "codes": ["007", "012", "100"],
    "numbers": ["1.0", "2.0", "10.0"],
    "truths": ["FALSE", "TRUE"],
    "small truths": ["false", "true"],
    "long": ["9007199254740993", "9007199254740992", "12345678901234567890123"],
    "signs": ["+1", "-1"],
    "powers": ["1e3", "2e3"],
    "dates": ["2024-01-02", "2024-01-03"],
    "money": ["1,5", "2,5"],
    "words": ["yes", "no"],
    "mixed": ["1", "true", "2024-01-02"],
}


def written_file(path: Path, forms: list[str], rows: int = 60, delimiter: str = ",", blank: str = "") -> Path:
    """A table whose label is told by a number, with ids of twenty digits."""
    lines = [
        [f"{10**19 + row}", f"{row % len(forms) + row / 1000:.3f}", f'{blank}"{forms[row % len(forms)]}"{blank}']
        for row in range(rows)
    ]
    path.write_text("\n".join(delimiter.join(cells) for cells in [["key", "x", "label"], *lines]) + "\n")
    return path


def task_of(data: object, **more: object) -> Task:
    return Task(kind="tabular-classification", data=data, target="label", id="key", **more)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("form", FORMS)
def test_labels_and_ids_are_as_the_file_writes_them(tmp_path, form, delimiter):
    """Whatever a label looks like, the classes are the cells, in their order; so are ids beyond 64 bits."""
    file = written_file(tmp_path / "t.csv", FORMS[form], delimiter=delimiter)
    found = ingest(task_of(str(file)), MemoryStore(), seed=0, folder=tmp_path)
    assert set(found.problem.output.labels) == set(FORMS[form])
    assert found.problem.labels == found.problem.output.labels
    assert set(found.test_ids.to_pylist()) <= {f"{10**19 + row}" for row in range(60)}


@pytest.mark.parametrize("form", FORMS)
def test_a_label_is_named_as_it_is_written(tmp_path, form):
    """`positive`, `classes` and `labels` take the form of the file, all of it and nothing else."""
    file, forms = written_file(tmp_path / "t.csv", FORMS[form]), FORMS[form]
    for label in forms:
        task = task_of(str(file), positive=label, labels={forms[0]: forms[0]})
        assert ingest(task, MemoryStore(), seed=0, folder=tmp_path).problem.output.labels[-1] == label
    declared = tuple(sorted(forms, reverse=True))
    assert (
        ingest(task_of(str(file), classes=declared), MemoryStore(), seed=0, folder=tmp_path).problem.output.labels
        == declared
    )
    gone = ingest(
        task_of(str(file), labels={forms[0]: "gone"}), MemoryStore(), seed=0, folder=tmp_path
    ).problem.output.labels
    assert "gone" in gone
    assert forms[0] not in gone


def test_a_contest_file_may_write_a_number_or_a_truth_value(tmp_path):
    """TOML has its own way to write these; they name the label that is the same."""
    for forms, named, meant in (
        (["FALSE", "TRUE"], True, "TRUE"),
        (["007", "012"], 7, "007"),
        (["1.0", "2.0"], 2, "2.0"),
    ):
        file = written_file(tmp_path / "t.csv", forms)
        task = task_of(str(file), positive=named)
        assert ingest(task, MemoryStore(), seed=0, folder=tmp_path).problem.output.labels[-1] == meant
    with pytest.raises(DataError, match="no row of t.csv has the label '2'"):
        ingest(task_of(str(file), positive="2"), MemoryStore(), seed=0, folder=tmp_path)


@pytest.mark.parametrize(
    ("y", "labels"),
    [
        (np.array([7, 12, 7]), ("7", "12")),
        (np.array([True, False]), ("False", "True")),
        (np.array([1.0, 2.0]), ("1", "2")),
        (np.array([0.5, 1.0]), ("0.5", "1")),
        (np.array([2**63 - 1, 2**63 - 2]), ("9223372036854775806", "9223372036854775807")),
        (np.array([2**70, 2**70 + 1], dtype=object), (str(2**70), str(2**70 + 1))),
        (np.array([True, False], dtype=object), ("False", "True")),
        (np.array([" a", "a"]), (" a", "a")),
    ],
)
def test_labels_of_python_stay_what_they_are(y, labels):
    """Python gets back the labels that it gave, by value and type; files have them as a person sees them there."""
    rows = np.tile(y, 20)
    task = Task(kind="tabular-classification", data=pd.DataFrame({"x": np.arange(len(rows)) % 7}), target=rows)
    problem = ingest(task, MemoryStore(), seed=0, folder=Path()).problem
    assert problem.labels == labels
    assert set(problem.output.labels) == set(y.tolist())
    assert {type(label) for label in problem.output.labels} == {type(label) for label in y.tolist()}


def test_other_forms_of_a_number_are_told(tmp_path):
    """A test file that writes 1.0 for 1 judges, with a word; in one file the two are told with the line to write."""
    train = written_file(tmp_path / "train.csv", ["1", "2"])
    test = written_file(tmp_path / "test.csv", ["1.0", "2.0"])
    found = ingest(task_of(str(train), test=str(test)), MemoryStore(), seed=0, folder=tmp_path)
    assert found.problem.output.labels == ("1", "2")
    assert "test.csv: labels count by the number that they write: 1.0 as 1, 2.0 as 2" in found.warnings
    mixed = written_file(tmp_path / "mixed.csv", ["1", "2", "1.0", "1"])
    found = ingest(task_of(str(mixed)), MemoryStore(), seed=0, folder=tmp_path)
    assert any(text.endswith('labels = { "1.0" = "1" }') for text in found.warnings)
    assert by_number(["1.0", "7", "x"], ["1", "01", "007", "x"]) == {"7": "007"}


def test_labels_that_differ_by_blanks_or_case(tmp_path):
    """Blanks around are cut; labels that differ by case are told with the line to write, which makes them one."""
    forms = ["high", "low", "HIGH", " high", "low ", "Low"]
    file = written_file(tmp_path / "t.csv", forms)
    found = ingest(task_of(str(file)), MemoryStore(), seed=0, folder=tmp_path)
    assert found.problem.output.labels == ("HIGH", "Low", "high", "low")
    (told,) = [text for text in found.warnings if "labels = " in text]
    assert told.endswith('labels = { "HIGH" = "high", "Low" = "low" }')
    assert "'HIGH' (10 rows)" in told
    merged = tomllib.loads(told[told.index("labels = ") :])["labels"]
    found = ingest(task_of(str(file), labels=merged), MemoryStore(), seed=0, folder=tmp_path)
    assert found.problem.output.labels == ("high", "low")
    assert not [text for text in found.warnings if "labels = " in text]


@pytest.mark.parametrize("form", [form for form in FORMS if form != "money"])  # which is the target of a regression
def test_new_contests_have_the_same_labels(tmp_path, form):
    """What `concours new` finds and writes are the labels that the contest then has."""
    forms = FORMS[form]
    file = written_file(tmp_path / "t.csv", [*forms, forms[0]])
    made = draft(str(file), target="label", out=tmp_path / "contest.toml")
    assert set(made.findings.classes) == set(forms)
    task = tomllib.loads(made.text)["task"]
    if len(forms) == 2:
        assert task["positive"] == forms[1]
    (tmp_path / "contest.toml").write_text(made.text)
    task = Contest.from_file(tmp_path / "contest.toml").task
    assert set(ingest(task, MemoryStore(), seed=0, folder=tmp_path).problem.output.labels) == set(forms)


N = 40
CODES = {
    "decimals": pa.array([Decimal(10**20 + row % 2) for row in range(N)], pa.decimal128(30, 0)),
    "unsigned": pa.array([2**64 - 1 - row % 2 for row in range(N)], pa.uint64()),
    "long": pa.array([2**62 + row % 2 for row in range(N)]),
    "floats": pa.array([float(row % 2) for row in range(N)]),
    "truths": pa.array([bool(row % 2) for row in range(N)]),
    "days": pa.array([datetime(2024, 1, 1 + row % 2) for row in range(N)], pa.timestamp("us")),
    "moments": pa.array([datetime(2024, 1, 1, 8, row % 2) for row in range(N)], pa.timestamp("us")),
    "words": pa.array([(" 007", "012 ")[row % 2] for row in range(N)]),
    "dictionary": pa.array([("007", "012")[row % 2] for row in range(N)]).dictionary_encode(),
}
SEEN = {
    "decimals": (str(10**20), str(10**20 + 1)), "unsigned": (str(2**64 - 2), str(2**64 - 1)),
    "long": (str(2**62), str(2**62 + 1)), "floats": ("0", "1"), "truths": ("False", "True"),
    "days": ("2024-01-01", "2024-01-02"), "moments": ("2024-01-01 08:00:00", "2024-01-01 08:01:00"),
    "words": ("007", "012"), "dictionary": ("007", "012"),
}  # fmt: skip


@pytest.mark.parametrize("ending", ["parquet", "feather"])
@pytest.mark.parametrize("form", CODES)
def test_typed_files_have_labels_as_a_person_sees_them(tmp_path, form, ending):
    """No digit is lost, a whole number has no fraction, a day no time, and blanks around are cut; of ids too."""
    keys = pa.array([Decimal(10**25 + row) for row in range(N)], pa.decimal128(30, 0))
    table = pa.table({" key": keys, "x": np.arange(N) % 7 + 0.5, "label ": CODES[form]})
    file = tmp_path / f"t.{ending}"
    if ending == "parquet":
        pa.parquet.write_table(table, file)
    else:
        pa.feather.write_feather(table, file)
    found = ingest(task_of(str(file)), MemoryStore(), seed=0, folder=tmp_path)
    assert found.problem.labels == SEEN[form]
    assert set(found.test_ids.to_pylist()) < {str(10**25 + row) for row in range(N)}


@pytest.mark.parametrize("many", [10**18, 10**20])
def test_whole_numbers_of_json_keep_their_digits(tmp_path, many):
    """Also those that 64 bits do not hold, for labels and ids."""
    lines = [f'{{"key": {many + row}, "x": {row % 7}.5, "label": {many + row % 2}}}' for row in range(N)]
    (tmp_path / "t.jsonl").write_text("\n".join(lines))
    found = ingest(task_of(str(tmp_path / "t.jsonl")), MemoryStore(), seed=0, folder=tmp_path)
    assert found.problem.labels == (str(many), str(many + 1))
    assert {str(key) for key in found.test_ids.to_pylist()} < {str(many + row) for row in range(N)}


def test_ids_of_texts(tmp_path):
    """A table of texts has ids too, and they are never taken for the texts, however long."""
    frame = pd.DataFrame({"key": [f"{row:0120}" for row in range(N)], "note": ["a fine day", "a bad day"] * (N // 2)})
    frame.assign(label=["good", "bad"] * (N // 2)).to_csv(tmp_path / "t.csv", index=False)
    task = Task(kind="text-classification", data=str(tmp_path / "t.csv"), target="label", id="key")
    store = MemoryStore()
    found = ingest(task, store, seed=0, folder=tmp_path)
    assert set(found.test_ids.to_pylist()) < set(frame["key"])
    assert set(get_table(store, found.problem.train.x)["text"].to_pylist()) == {"a fine day", "a bad day"}


def test_columns_that_differ_by_blanks_or_case(tmp_path):
    """They are told, by `run` and `new`, with the line that leaves one out; blanks around names are cut."""
    file = tmp_path / "t.csv"
    lines = [f"k{row:03},{row * 7 % 11}.5,{'yes' if row % 3 else 'no'},{row * 5 % 13}" for row in range(60)]
    file.write_text("\n".join(["key, x ,label,X", *lines]))
    found = ingest(task_of(str(file)), MemoryStore(), seed=0, folder=tmp_path)
    (told,) = [text for text in found.warnings if text.startswith("columns ")]
    assert told.startswith("columns 'x' and 'X' differ in name by blanks or case only")
    assert told.endswith('drop = ["x"] in [task]')
    assert told in draft(str(file), target="label").warnings
    found = ingest(task_of(str(file), drop=("x",)), MemoryStore(), seed=0, folder=tmp_path)
    assert not [text for text in found.warnings if text.startswith("columns ")]


@pytest.mark.parametrize("word", ["None", "NA", "n/a", "null", "-", "NaN"])
def test_a_class_may_be_called_by_a_word_for_missing(tmp_path, word):
    """The error says how often it comes and the line to write, for `run` and `new`; with that line it is a class."""
    file = written_file(tmp_path / "t.csv", ["high", word, "low"])
    line = 'columns = { label = "word" }'
    with pytest.raises(DataError) as caught:
        ingest(task_of(str(file)), MemoryStore(), seed=0, folder=tmp_path)
    assert f"{word!r} (20 rows) counts as missing there" in str(caught.value)
    assert f"if it is a class, write {line} in [task]; leave such rows out by on_bad_row" in str(caught.value)
    with pytest.raises(DataError, match=r'columns = \{ label = "word" \}'):
        draft(str(file), target="label")
    task = task_of(str(file), **tomllib.loads(line), positive=word)
    found = ingest(task, MemoryStore(), seed=0, folder=tmp_path).problem
    assert set(found.output.labels) == {"high", word, "low"}
    assert found.output.labels[-1] == word


def test_a_class_called_none_is_scored(tmp_path):
    """Predictions of that class are read as the class, not as missing ones."""
    file = written_file(tmp_path / "t.csv", ["high", "None", "low"])
    (tmp_path / "c.toml").write_text(
        'task = { kind = "tabular-classification", data = "t.csv", target = "label", id = "key", '
        'metrics = ["accuracy"], columns = { label = "word" } }'
    )
    contest = Contest.from_file(tmp_path / "c.toml")
    assert score_predictions(contest, file).scores[0].score == 1
    assert rows_to_predict(contest).column_names == ["key"]
