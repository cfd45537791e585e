"""Weights of classes by label, however deep in an estimator: what is fitted on codes is what scikit-learn fits on labels."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from concours.core.entrant import Entrant
from concours.core.errors import RecipeError
from concours.core.written import written
from concours.entrants.fitting import fit
from concours.entrants.recipes import build
from concours.entrants.wishes import Wishes

LABELS = [(1, 2, 3), ("007", "1.0", "TRUE"), (-1, 5, 10), ("a", "b", "c")]


def by(weights):
    return LogisticRegression(class_weight=weights)


FORMS = {
    "pipeline": lambda w: make_pipeline(StandardScaler(), by(w)),
    "chosen": lambda w: make_pipeline(SelectFromModel(by(w), threshold="0.5*mean"), by(w)),
    "calibrated": lambda w: CalibratedClassifierCV(make_pipeline(StandardScaler(), by(w)), cv=3),
    "grid": lambda w: GridSearchCV(make_pipeline(StandardScaler(), by(w)), {"logisticregression__C": [0.1, 1.0]}, cv=3),
    "choices": lambda w: GridSearchCV(DecisionTreeClassifier(max_depth=2, random_state=0), {"class_weight": [w]}, cv=3),
    "either": lambda w: GridSearchCV(by(None), [{"class_weight": [w]}, {"C": [1e-3], "class_weight": [w]}], cv=3),
}


def drawn(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(150, 3))
    return x, np.digitize(x @ [1.0, 0.5, -1.0] + rng.normal(size=150), [-0.5, 0.8])


def named(estimator, labels, codes=(0, 1, 2)):
    return Wishes(labels=tuple(map(written, labels))).named(estimator, np.asarray(codes))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("labels", LABELS, ids=lambda labels: type(labels[0]).__name__ + str(labels[0]))
@pytest.mark.parametrize("among", [(1,), (0, 2), (0, 1, 2)])
def test_parts_weigh_classes_by_label(form, labels, among):
    """Whole numbers that are labels are never taken for places; without the weights the model would be another."""
    x, codes = drawn(len(among))
    weights = {labels[code]: 2.0 + 3 * code for code in among}
    letters = {"abc"[code]: 2.0 + 3 * code for code in among}  # scikit-learn itself takes "007" for 7
    theirs = clone(FORMS[form](letters)).fit(x, np.asarray(list("abc"))[codes]).predict_proba(x)
    wishes = Wishes(labels=tuple(map(written, labels)))
    ours = fit(FORMS[form](weights), x, codes, 3, calibrate=True, wishes=wishes).predict(x)
    plain = fit(FORMS[form](None), x, codes, 3, calibrate=True).predict(x)
    assert np.allclose(ours, theirs, atol=1e-8)
    assert not np.allclose(ours, plain, atol=1e-3)


def test_a_class_that_a_fold_lacks():
    """Its weight is left out, and the places of the others close up."""
    pipeline = named(FORMS["pipeline"]({"a": 2.0, "b": 3.0, "c": 4.0}), "abc", (0, 2))
    assert pipeline.get_params()["logisticregression__class_weight"] == {0: 2.0, 1: 4.0}


def test_codes_are_codes_where_no_label_is_called_so():
    """A file that weighs classes by the whole numbers that its classes get does so still."""
    assert named(by({0: 2.0, 2: 4.0}), "abc").class_weight == {0: 2.0, 2: 4.0}
    assert named(by({0: 2.0, 2: 4.0}), "abc", (1, 2)).class_weight == {1: 4.0}


@pytest.mark.parametrize(
    "make", [lambda part: VotingClassifier([("one", part)]), lambda part: BaggingClassifier(part)], ids=["vote", "bag"]
)
def test_parts_that_see_codes_in_scikit_learn_too(make):
    """What turns labels to codes itself shows its parts codes: they mean the same here as there."""
    params = named(make(by({2: 5.0})), (1, 2, 3)).get_params()
    assert [value for name, value in params.items() if name.endswith("class_weight")] == [{2: 5.0}]


def test_estimators_of_ones_own_are_left_alone():
    """They are told that classes come as codes."""

    class Own(LogisticRegression):
        pass

    assert named(make_pipeline(Own(class_weight={2: 5.0})), (1, 2, 3)).get_params()["own__class_weight"] == {2: 5.0}
    assert named(GaussianNB(), (1, 2, 3)).get_params() == GaussianNB().get_params()


def test_estimators_that_predict_once_they_are_fitted(tmp_path):
    """A stack without a final estimator has no `predict` before its fit; what transforms alone never has one."""
    x, codes = drawn(0)
    stack = Entrant("layers", StackingClassifier([("one", make_pipeline(StandardScaler(), by(None)))], cv=3))
    made = build(stack.recipe, stack.params, {}, tmp_path)
    assert fit(made, x, codes, 3, calibrate=True).predict(x).shape == (150, 3)
    for wrong in (make_pipeline(StandardScaler()), StandardScaler()):
        entrant = Entrant("wrong", wrong)
        with pytest.raises(RecipeError, match="has no method 'predict'"):
            build(entrant.recipe, entrant.params, {}, tmp_path)


def test_no_such_class():
    """It is said before anything is fitted, and the object is not touched."""
    pipeline = FORMS["pipeline"]({"yse": 2.0, "no": 1.0})
    with pytest.raises(RecipeError, match="no class is called 'yse'.*yes"):
        Wishes(labels=("no", "yes")).require(pipeline, "a pipeline")
    assert pipeline.get_params()["logisticregression__class_weight"] == {"yse": 2.0, "no": 1.0}
