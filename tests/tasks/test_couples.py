"""Reading pairs of texts: which keep together, what is refused, and what tells a source of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from concours.core.errors import ConcoursError, DataError
from concours.engine.ingest import ingest
from concours.stores.blobs import get_array
from concours.stores.memory import MemoryStore
from concours.tasks.couples import couple_of, read, renew
from concours.tasks.couples_found import find_classes, find_number
from concours.tasks.kinds import kind_named
from concours.tasks.readers.opened import Options
from concours.tasks.task import Split, Task


def pairs(folder, rows=24, name="p.csv", **more):
    """Every three pairs share their first text."""
    columns = {
        "premise": [f"a man walks by sea {row // 3}" for row in range(rows)],
        "hypothesis": [f"somebody is out there {row}" for row in range(rows)],
        "label": [("yes", "no")[row % 2] for row in range(rows)],
        **more,
    }
    pa.csv.write_csv(pa.table(columns), folder / name)
    return Task(kind="text-pairs", data=str(folder / name), target="label", split=Split(test=0.25, folds=2))


KIND = kind_named("text-pairs")


def test_pairs_that_share_a_text_are_on_one_side(tmp_path):
    """No text of the test part is fitted on, and a note says how many groups there are."""
    task = pairs(tmp_path)
    found = ingest(task, MemoryStore(), seed=0, folder=tmp_path)
    assert "share a text keep together: 8 groups, the largest of 3" in found.reading[0]
    store = MemoryStore()
    problem = ingest(task, store, seed=0, folder=tmp_path).problem
    train, test = (get_array(store, part.ids) // 3 for part in (problem.train, problem.test))
    assert not set(train.tolist()) & set(test.tolist())
    folds = get_array(store, problem.folds)
    assert all(len(set(folds[train == group].tolist())) == 1 for group in set(train.tolist()))


def test_texts_that_all_hang_together_fall_back_to_one_side(tmp_path):
    """Where links through either text would make one group of all, the first text alone tells, and a person is told."""
    task = pairs(tmp_path, hypothesis=["the same"] * 24)
    data, _ = read(task, KIND, tmp_path)
    assert data.kin is not None
    assert data.kin.max() + 1 == 8
    assert "pairs that share 'premise' keep together" in data.notes[-1]
    data, _ = read(pairs(tmp_path, premise=["one"] * 24, hypothesis=["the same"] * 24), KIND, tmp_path)
    assert data.kin is None
    assert "most pairs hang together" in data.warnings[-1]


def test_a_group_of_the_task_goes_before(tmp_path):
    """It is kept beside the texts until rows are divided, and no model gets it."""
    task = pairs(tmp_path, story=[row // 6 for row in range(24)])
    task = replace(task, split=Split(test=0.25, folds=2, group="story"))
    data, _ = read(task, KIND, tmp_path)
    assert data.kin is None
    assert data.x.column_names == ["premise", "hypothesis", "story"]
    assert ingest(task, MemoryStore(), seed=0, folder=tmp_path).problem.train.groups is not None


def test_texts_of_the_test_file_that_are_known_are_told(tmp_path):
    """A test part of its own may have texts that are fitted on."""
    task = pairs(tmp_path)
    pairs(tmp_path, rows=6, name="t.csv", hypothesis=[f"new {row}" for row in range(6)])
    _, test = read(replace(task, test=str(tmp_path / "t.csv")), KIND, tmp_path)
    assert "6 of 6 pairs that judge have a text that is fitted on" in test.warnings[-1]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"text": ("premise",)}, "two columns of texts were expected, got premise"),
        ({"text": ("premise", "nothing")}, "no column 'nothing'"),
        ({"target": None}, "task.target is missing"),
        ({"columns": {"premise": "word"}}, "task.columns"),
    ],
)
def test_keys_that_do_not_suit(change, words, tmp_path):
    """Each is named, with what was expected."""
    with pytest.raises(ConcoursError, match=words):
        read(replace(pairs(tmp_path), **change), KIND, tmp_path)


def test_columns_without_usual_names_are_asked_for(tmp_path):
    """A person names them; the message has what there is."""
    pa.csv.write_csv(pa.table({"u": ["a b"], "v": ["c d"], "label": ["x"]}), tmp_path / "u.csv")
    with pytest.raises(DataError, match="name the two columns of texts.*it has|name the two columns of texts"):
        read(Task(kind="text-pairs", data=str(tmp_path / "u.csv"), target="label"), KIND, tmp_path)


def test_an_empty_text_is_named_or_left_out(tmp_path):
    """With file, row and column; skipped and counted only where the contest says so; new rows have all."""
    texts = [f"somebody {row}" if row != 4 else "" for row in range(24)]
    task = pairs(tmp_path, hypothesis=texts)
    with pytest.raises(DataError, match="p.csv: row 5: 'hypothesis' is empty; 1 such rows of 24.*on_bad_row"):
        read(task, KIND, tmp_path)
    data, _ = read(replace(task, on_bad_row="skip"), KIND, tmp_path)
    assert len(data) == 23
    assert data.left_out == 1
    assert "1 pairs without one of the texts were left out; first in row 5" in data.warnings[0]
    with pytest.raises(DataError, match="row 5: 'hypothesis' is empty"):
        renew(str(tmp_path / "p.csv"), data.x)


def test_names_of_pairs():
    """The usual ones, and two that differ by their ending alone."""
    assert couple_of(["id", "Sentence1", "sentence2", "score"]) == ("Sentence1", "sentence2")
    assert couple_of(["caption_a", "caption_b"]) == ("caption_a", "caption_b")
    assert couple_of(["id", "Question 1", "Question 2"]) == ("Question 1", "Question 2")
    assert couple_of(["title", "text", "label"]) is None


def test_what_holds_pairs_is_found(tmp_path):
    """Classes make text-pairs, numbers text-similarity; other tables are something else."""
    pairs(tmp_path, rows=60)
    keys = find_classes(tmp_path / "p.csv", Options())
    assert keys is not None
    assert keys["text"][0] == ["premise", "hypothesis"]
    assert keys["target"][0] == "label"
    assert find_number(tmp_path / "p.csv", Options()) is None
    pairs(tmp_path, rows=60, name="n.csv", label=np.random.default_rng(0).random(60))
    assert find_classes(tmp_path / "n.csv", Options()) is None
    assert find_number(tmp_path / "n.csv", Options()) is not None
    (tmp_path / "q.csv").write_text(
        "Question 1,Question 2,is duplicate?\n" + "Is it so,It is so,yes\nWhy so,When so,no\n" * 9
    )
    assert find_classes(tmp_path / "q.csv", Options())["target"][0] == "is duplicate?"
    (tmp_path / "o.csv").write_text("title,text,label\nA day,It was long,x\n")
    assert find_classes(tmp_path / "o.csv", Options()) is None
