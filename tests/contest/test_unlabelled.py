"""Rows without labels in a contest: teachers say what they are, and students learn it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from concours import Contest, Entrant, Split, Task
from concours.core.errors import ContestError
from concours.core.event import Done
from concours.engine.journal import read_journal
from concours.runs.predict import predict
from concours.runs.result import Result
from concours.runs.verify import verify
from concours.stores.values import get_values

MORE = 40


def table(rows: int, *, labels: bool) -> pd.DataFrame:
    """A number and a word, and which of two classes they make."""
    random = np.random.default_rng(rows)
    x, word = random.normal(size=rows), random.choice(["red", "blue"], rows)
    found = pd.DataFrame({"x": x, "word": word})
    return found.assign(y=np.where(x + (word == "red") > 0.5, "high", "low")) if labels else found


def texts(rows: int, *, labels: bool) -> pd.DataFrame:
    """Sentences, and whether they are kind."""
    random = np.random.default_rng(rows)
    kind = random.integers(2, size=rows).astype(bool)
    said = [f"{random.choice(['lovely', 'fine'] if k else ['awful', 'poor'])} number {i}" for i, k in enumerate(kind)]
    found = pd.DataFrame({"said": said})
    return found.assign(y=np.where(kind, "kind", "not")) if labels else found


FORMS: dict[str, tuple[Any, dict[str, Any], tuple[str, str]]] = {
    "table": (table, {"kind": "tabular-classification"}, ("logistic", "forest")),
    "texts": (texts, {"kind": "text-classification", "text": ("said",)}, ("logistic", "naive-bayes")),
}


def contest(folder: Path, form: str, file: str) -> Contest:
    """Two entrants, and a student of both that is taught by the rows of a file too."""
    made, task, names = FORMS[form]
    pupil = {"name": "pupil", "how": "distil", "of": list(names), "student": "logistic", "unlabelled": file}
    return Contest(
        task=Task(data=made(90, labels=True), target="y", split=Split(test=0.3, folds=3), **task),
        entrants=[Entrant(name, name) for name in names],
        lineup="none",
        engine="inline",
        out=folder / "run",
        cooperate=[pupil],
    )


@pytest.mark.parametrize("form", FORMS)
def test_teachers_are_asked_about_them(form: str, tmp_path: Path) -> None:
    """Each student hears of the rows of its fit and of all that were given; the student predicts, and all is kept."""
    file = tmp_path / "more.csv"
    FORMS[form][0](MORE, labels=False).to_csv(file, index=False)
    result: Result = contest(tmp_path, form, str(file)).run()
    assert any(text.endswith(f"{MORE} rows without labels for pupil") for text in result.setup.reading)
    records, _ = read_journal(result.folder.journal)
    done = [record.event.outputs for record in records if isinstance(record.event, Done)]
    soft = [get_values(result.folder.store, outputs["soft"]) for outputs in done if "soft" in outputs]
    train = result.setup.problem.train.rows
    assert [len(each) for each in soft] == [train * 2 // 3 + MORE] * 3
    assert all(np.allclose(each.sum(axis=1), 1.0) for each in soft)
    assert result.standings["pupil"].score is not None
    file.unlink()
    assert len(predict(result, FORMS[form][0](7, labels=False), model="pupil")) == 7
    assert verify(result.folder.path, engine="inline").holds


@pytest.mark.parametrize("wrong", ["not there", "another column"])
def test_a_file_that_does_not_suit_is_told_in_a_line(wrong: str, tmp_path: Path) -> None:
    """With the name of who asked for it."""
    file = tmp_path / "more.csv"
    if wrong == "another column":
        table(MORE, labels=False).drop(columns="word").to_csv(file, index=False)
    with pytest.raises(ContestError, match=r"^cooperate\.strategies: 'pupil'\.unlabelled: [^\n]+$"):
        contest(tmp_path, "table", str(file)).run()
