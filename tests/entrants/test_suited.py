"""An estimator of classes in a contest of numbers, and the reverse: told before anything is fitted."""

from __future__ import annotations

import importlib
import inspect
import re

import pytest
from sklearn.base import is_classifier, is_regressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import all_estimators

from concours.core.errors import RecipeError
from concours.entrants.making import require_suited

SORTS = [(sort, name, kind) for sort in ("classifier", "regressor") for name, kind in all_estimators(sort)]


def made(kind):
    """An estimator by its defaults, around a tree where it wants another."""
    tree = DecisionTreeClassifier() if is_of("classifier", kind) else DecisionTreeRegressor()
    wanted = {
        "estimator": tree,
        "estimators": [("tree", tree)],
        "param_grid": {"max_depth": [1, 2]},
        "param_distributions": {"max_depth": [1, 2]},
    }
    return kind(**{name: value for name, value in wanted.items() if name in inspect.signature(kind).parameters})


def is_of(sort, kind):
    return kind in {other for is_sort, _, other in SORTS if is_sort == sort}


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize(("sort", "name", "kind"), SORTS, ids=[f"{name}" for _, name, _ in SORTS])
def test_each_is_refused_for_the_other_target(sort, name, kind):
    """Every estimator of scikit-learn: right for its own target, refused for the other, and the sibling is one."""
    estimator = made(kind)
    module = kind.__module__.rpartition("._")[0] or kind.__module__
    own, other = (3, 0) if sort == "classifier" else (0, 3)
    require_suited(f"{module}:{name}", estimator, own)
    require_suited(f"{module}:{name}", estimator, None)
    with pytest.raises(RecipeError) as refused:
        require_suited(f"{module}:{name}", estimator, other)
    if told := re.search(r"; ([\w.]+):(\w+) is for that", str(refused.value)):
        sibling = getattr(importlib.import_module(told[1]), told[2])
        assert is_of("regressor" if sort == "classifier" else "classifier", sibling)


def test_a_pipeline_is_what_its_last_step_is():
    """The refusal looks through pipelines; what tells nothing may try."""
    pipe = make_pipeline(StandardScaler(), DecisionTreeClassifier())
    assert is_classifier(pipe)
    with pytest.raises(RecipeError, match="predicts classes, and the target is a number"):
        require_suited("sklearn.pipeline:Pipeline", pipe, 0)
    assert not is_regressor(pipe)

    class Own:
        def fit(self, x, y):
            return self

        def predict(self, x):
            return x

    require_suited("./mine.py:Own", Own(), 0)
    require_suited("./mine.py:Own", Own(), 2)
