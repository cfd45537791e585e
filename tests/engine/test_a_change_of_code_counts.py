"""A change of code counts: what it touches is fitted again, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from concours import Contest, Entrant, Result, Split, Task
from concours.engine import identity

FOLDS = 2
FITS = FOLDS
"""Of one entrant: one a fold, and one on the whole training part."""

MODEL = """
from helpers import share


class Shares:
    def fit(self, X, y):
        self.shares_ = share(y)
        return self

    def predict_proba(self, X):
        return [self.shares_] * len(X)

    def predict(self, X):
        return [0] * len(X)
"""
HELPERS = """
def share(y):
    counts = [(y == label).sum() + {weight} * label for label in range(y.max() + 1)]
    return [count / sum(counts) for count in counts]
"""


@dataclass
class Site:
    """A folder with a contest, two library entrants and a user's file that imports another."""

    folder: Path
    blobs: tuple[np.ndarray, np.ndarray]
    listener: Callable[[], Any]
    entrants: tuple[Entrant, ...] = (
        Entrant("dummy", "dummy", prepare="none", role="baseline"),
        Entrant("tree", "sklearn.tree:DecisionTreeClassifier", {"max_depth": 2}, prepare="none"),
        Entrant("bayes", "sklearn.naive_bayes:GaussianNB", prepare="none"),
        Entrant("mine", "./mine.py:Shares"),
    )

    def write(self, *, comment: str = "", weight: int = 1) -> None:
        """The user's file with a comment, and the module it imports with a number in it."""
        (self.folder / "mine.py").write_text(MODEL + comment)
        (self.folder / "helpers.py").write_text(HELPERS.replace("{weight}", str(weight)))
        (self.folder / "unrelated.py").write_text(f"unrelated = {weight}\n")

    def run(self) -> tuple[Result, Any]:
        """The contest, run to its end or again, and what was heard."""
        x, y = self.blobs
        contest = Contest(
            task=Task(kind="tabular-classification", data=x, target=y, split=Split(test=0.3, folds=FOLDS)),
            entrants=self.entrants,
            cooperate=["greedy", "average"],
            engine="inline",
            out=self.folder / "run",
            folder=self.folder,
        )
        notices = self.listener()
        return contest.run(listener=notices), notices


@pytest.fixture
def site(tmp_path: Path, blobs: tuple[np.ndarray, np.ndarray], listener: Callable[[], Any]) -> Site:
    """A site whose contest has been run once."""
    site = Site(tmp_path, blobs, listener)
    site.write()
    _, notices = site.run()
    assert notices.ended("fit") == dict.fromkeys(["dummy", "tree", "bayes", "mine"], FITS)
    return site


def test_nothing_changed_nothing_is_done(site: Site) -> None:
    """The same files, and others beside them, are the same contest."""
    (site.folder / "unrelated.py").write_text("changed = True\n")
    _, notices = site.run()
    assert not notices.jobs("ended")


@pytest.mark.parametrize("change", [{"comment": "# a word\n"}, {"weight": 5}], ids=["the file", "a module it imports"])
def test_a_change_of_a_users_code_refits_that_entrant_alone(change: dict[str, Any], site: Site) -> None:
    """The file itself, or a local module that it imports: the entrant is fitted again, and the alliances are made anew."""
    before, _ = site.run()
    site.write(**change)
    after, notices = site.run()
    assert notices.ended("fit") == {"mine": FITS}
    assert notices.ended("check") == {"mine": 1}
    others = ("dummy", "tree", "bayes")
    assert [after.candidates[name] for name in others] == [before.candidates[name] for name in others]
    same = after.candidates["mine"].oof == before.candidates["mine"].oof
    assert same is ("comment" in change)
    assert (after.digest == before.digest) is same
    assert {"greedy", "average"} <= set(after.candidates)


def test_going_back_to_the_old_code_is_recalled(site: Site) -> None:
    """What the old code had done is still known."""
    before, _ = site.run()
    site.write(weight=5)
    site.run()
    site.write()
    after, notices = site.run()
    assert not notices.jobs("ended")
    assert after.digest == before.digest


def test_another_version_of_a_library_refits_what_comes_from_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its entrants are fitted again; a user's file is not, as long as the numeric stack is as it was."""
    known = identity._recipe_code

    def upgraded(recipe: str) -> object:
        return "another version" if recipe.startswith("sklearn.tree") else known(recipe)

    monkeypatch.setattr(identity, "_recipe_code", upgraded)
    _, notices = site.run()
    assert notices.ended("fit") == {"tree": FITS}
    assert notices.ended("check") == {"tree": 1}


def test_another_version_of_the_numeric_stack_refits_everything(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes may differ with it."""
    known = identity.version_of
    monkeypatch.setattr(identity, "version_of", lambda name: "0.0" if name == "numpy" else known(name))
    before, _ = site.run()
    _, notices = site.run()
    assert not notices.jobs("ended")
    monkeypatch.undo()
    after, notices = site.run()
    assert not notices.jobs("ended")
    assert after.digest == before.digest


def test_a_new_entrant_is_fitted_and_the_alliances_are_made_anew(site: Site) -> None:
    """Added to a finished contest: nobody else is fitted, all are evaluated together again."""
    before, _ = site.run()
    site.entrants = (*site.entrants, Entrant("near", "sklearn.neighbors:KNeighborsClassifier", prepare="none"))
    after, notices = site.run()
    assert notices.ended("fit") == {"near": FITS}
    assert len([job for job in notices.jobs("ended") if job.runner == "select"]) == FOLDS + 1
    assert notices.ended("evaluate") == {"evaluate": 1}
    assert set(after.candidates) == {*before.candidates, "near"}
    assert len(after.alliances["average"].weights) == 4
    for name in ("dummy", "tree", "bayes", "mine"):
        assert after.candidates[name] == before.candidates[name]


def test_a_name_is_not_part_of_what_is_fitted(site: Site) -> None:
    """An entrant that is called otherwise is the same entrant."""
    *others, mine = site.entrants
    site.entrants = (*others, Entrant("ours", mine.recipe))
    _, notices = site.run()
    assert not notices.ended("fit")
