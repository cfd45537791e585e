"""Recipes of libraries: what they leave alone, and what is said of names that lead nowhere."""

from __future__ import annotations

import pytest

from concours.core.entrant import Entrant
from concours.core.errors import RecipeError
from concours.entrants.recipes import build, resolve
from concours.tasks.kinds import kind_named


def resolved(recipe, folder):
    return resolve(Entrant("a", recipe), form=kind_named("tabular-classification").form, folder=folder)


def test_catboost_writes_nothing_beside_the_contest(tmp_path):
    """Its protocol goes into the working folder by default; a recipe writes none, unless that was asked for and agreed to."""
    pytest.importorskip("catboost")
    assert build("catboost:CatBoostClassifier", {"depth": 2}, {}, tmp_path).get_params()["allow_writing_files"] is False
    told = build("catboost:CatBoostClassifier", {"allow_writing_files": True}, {}, tmp_path)
    assert told.get_params()["allow_writing_files"] is True


def test_a_file_beside_the_contest_is_no_package(tmp_path):
    """Nobody is sent to install a stranger's package of the name that a file of his has."""
    (tmp_path / "qqmodel.py").write_text("class Model: ...\n")
    assert resolved("qqmodel:Model", tmp_path).skipped == (
        "qqmodel is not installed; for the file beside the contest write ./qqmodel.py:Model"
    )
    assert resolved("qqmodel:Model", tmp_path / "other").skipped == (
        "qqmodel is not installed; get it with: pip install qqmodel"
    )


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ("sklearn.tre:DecisionTreeClassifier", "there is no module sklearn.tre"),
        ("sklearn.tree:DecisionTree", "sklearn.tree has no class DecisionTree; .*DecisionTreeClassifier"),
        ("json.tool:main", "the standard library has no estimators"),
        ("sklearn/tree:X", "is not of the form module:name"),
    ],
)
def test_names_that_lead_nowhere(tmp_path, recipe, words):
    """What is nowhere is told as such when the contest is read, not asked about."""
    with pytest.raises(RecipeError, match=words):
        resolved(recipe, tmp_path)
