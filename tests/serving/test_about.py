"""What is said of a served model, and by it whether another can take its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from concours import Contest, Entrant, Result, Split, Task
from concours.serving.about import about, unlike
from concours.serving.model import Served

from .conftest import flowers

TREE = Entrant("tree", "sklearn.tree:DecisionTreeClassifier", {"max_depth": 3})


def said(
    folder: Path, data: pd.DataFrame, kind: str = "tabular-classification", target: str = "kind"
) -> dict[str, Any]:
    """What is said of a model of some rows."""
    task = Task(kind=kind, data=data, target=target, split=Split(test=0.3, folds=2))
    entrants = (TREE,) if kind.endswith("classification") else ()
    Contest(task=task, entrants=entrants, lineup="none", engine="inline", out=folder / "run", cooperate=()).run()
    return about(Served.of(Result.load(folder / "run")), together=True, continuous=False)


@pytest.fixture(scope="module")
def now(result: Result) -> dict[str, Any]:
    return about(Served.of(result, "tree"), together=True, continuous=False)


OTHERS = {
    "other rows": (lambda rows: rows[::-1][:75], ""),
    "the columns in another order": (lambda rows: rows[rows.columns[::-1]], ""),
    "fractions for whole numbers": (lambda rows: rows.assign(petals=rows.petals + 0.5), ""),
    "other words, and gaps": (lambda rows: rows.assign(colour=rows.colour.replace("red", "black").where(rows.index != 4)), ""),
    "a column less": (lambda rows: rows.drop(columns="wild"), "it has no column 'wild'"),
    "a column more": (lambda rows: rows.assign(weight=1.5 * rows.index), "it wants a column 'weight' more"),
    "another name": (lambda rows: rows.rename(columns={"wild": "tame"}), "it has no column 'wild'"),
    "words for numbers": (
        lambda rows: rows.assign(petals=np.where(rows.petals > 5, "many", "few")),
        "its column 'petals' is of type string, and not number",
    ),
    "numbers for truth values": (
        lambda rows: rows.assign(wild=rows.wild + 0.5),
        "its column 'wild' is of type number, and not boolean",
    ),
    "a class more": (
        lambda rows: rows.assign(kind=rows.kind.where(rows.index % 4 > 0, "tulip")),
        "its classes are iris, lily, rose, tulip, and not iris, lily, rose",
    ),
    "a class less": (lambda rows: rows[rows.kind != "lily"], "its classes are iris, rose, and not iris, lily, rose"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "why"), OTHERS.values(), ids=OTHERS)
def test_what_can_take_a_place(now: dict[str, Any], tmp_path: Path, change: Any, why: str) -> None:
    """Whoever can be asked what the last one was asked, and answers it by the same classes; else it is told what differs."""
    new = said(tmp_path, change(flowers()))
    assert unlike(now, new) == why
    assert bool(unlike(new, now)) == bool(why)


def test_another_kind_cannot(now: dict[str, Any], texts: Path, numbers: Path) -> None:
    """Nor pictures of another size, which are told by their tensors."""
    others = [about(Served.of(Result.load(each)), together=True, continuous=False) for each in (texts, numbers)]
    told = [unlike(now, each) for each in others]
    assert told == [
        f"its kind is {kind}, and not {now['kind']}" for kind in ("text-classification", "tabular-regression")
    ]
    small, large = [
        {**others[0], "inputs": [{"name": "rows", "datatype": "UINT8", "shape": [-1, size, size]}]} for size in (8, 28)
    ]
    assert unlike(small, small) == ""
    assert unlike(small, large) == "it takes rows UINT8 [-1, 28, 28], and not rows UINT8 [-1, 8, 8]"
    assert "files" in unlike(small, {**small, "inputs": []})
