"""Objects as recipes: what was made in the same way is written alike, and can be made again; the rest is refused."""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import HistGradientBoostingClassifier, VotingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectKBest, mutual_info_classif
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder, QuantileTransformer, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from concours import Entrant
from concours.core.digests import digest_json
from concours.core.errors import RecipeError
from concours.core.objects import recipe_of
from concours.entrants.making import reads_raw
from concours.entrants.recipes import build, resolve
from concours.tasks.kinds import kind_named

numbers = st.floats(0.01, 10, allow_nan=False)
scalers = st.one_of(
    st.builds(StandardScaler, with_mean=st.booleans()),
    st.builds(MinMaxScaler, feature_range=st.sampled_from([(0, 1), (-1.0, 1.0)])),
    st.builds(QuantileTransformer, n_quantiles=st.integers(5, 9)),
    st.builds(FunctionTransformer, func=st.sampled_from([np.log1p, special.expit, None])),
    st.builds(SimpleImputer, missing_values=st.sampled_from([np.nan, -1])),
)
ends = st.one_of(
    st.builds(LogisticRegression, C=numbers, class_weight=st.sampled_from([None, "balanced", {0: 1.0, 1: 2.5}])),
    st.builds(SVC, C=numbers.map(np.float64), gamma=st.sampled_from(["scale", 0.5])),
    st.builds(DecisionTreeClassifier, max_depth=st.one_of(st.none(), st.integers(1, 5).map(np.int64))),
)
selectors = st.one_of(
    st.lists(st.sampled_from(["a", "b"]), min_size=1, unique=True),
    st.just(slice(0, 2)),
    st.builds(make_column_selector, dtype_include=st.sampled_from([np.number, object, None])),
)
heads = st.one_of(
    scalers,
    st.builds(
        lambda scaler, columns: ColumnTransformer([("s", scaler, columns), ("r", "passthrough", ["c"])]),
        scalers,
        selectors,
    ),
    st.builds(lambda one, other: FeatureUnion([("one", one), ("other", other)]), scalers, scalers),
)
pipelines = st.builds(lambda head, scaler, end: make_pipeline(head, scaler, end), heads, scalers, ends)


def again(thing, tmp_path=None):
    recipe, params = recipe_of(thing)
    return build(recipe, json.loads(json.dumps(params)), {}, tmp_path)


@settings(max_examples=60)
@given(pipelines)
def test_what_is_made_again_is_written_alike(pipeline):
    """Writing, keeping as JSON, making and writing again gives the same; so does a clone, and the digest is the same."""
    first = Entrant("pipe", pipeline)
    made = build(first.recipe, json.loads(json.dumps(dict(first.params))), {}, None, seed=0)
    made.set_params(
        **{k: None for k, v in made.get_params().items() if k.endswith("random_state") and v == 0}
    )  # the seed that it was given
    for other in (made, clone(pipeline)):
        assert Entrant("pipe", other).digest == first.digest
    changed = clone(pipeline).set_params(**{f"{pipeline.steps[-1][0]}__random_state": 5})
    assert Entrant("pipe", changed).digest != first.digest


@pytest.mark.parametrize(
    ("estimator", "recipe", "params"),
    [
        (LogisticRegression(), "sklearn.linear_model:LogisticRegression", {}),
        (LogisticRegression(C=0.5), "sklearn.linear_model:LogisticRegression", {"C": 0.5}),
        (DecisionTreeClassifier(max_depth=np.int64(3)), "sklearn.tree:DecisionTreeClassifier", {"max_depth": 3}),
        (SVC, "sklearn.svm:SVC", {}),
        (
            HistGradientBoostingClassifier(max_iter=5),
            "sklearn.ensemble._hist_gradient_boosting.gradient_boosting:HistGradientBoostingClassifier",
            {"max_iter": 5},
        ),
    ],
)
def test_single_estimators_keep_their_digests(estimator, recipe, params):
    """Seeds follow from digests: a single estimator is written as ever, its recipe and what differs from defaults."""
    plain = digest_json({"recipe": recipe, "params": params, "prepare": None, "parents": []})
    assert Entrant("x", estimator).digest == Entrant("x", recipe, params).digest == plain


def test_forms_of_parameters():
    """Tuples, numbers that JSON lacks, keys that are no texts, functions, classes and kernels come back as they were."""
    assert again(make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), SVC())).steps[0][1].ngram_range == (1, 2)
    made = again(make_pipeline(OneHotEncoder(dtype=np.float32, categories=[np.array(["x", "y"])]), SVC()))
    assert made.steps[0][1].dtype is np.float32
    assert made.steps[0][1].categories == [["x", "y"]]
    chosen = again(make_pipeline(SelectKBest(functools.partial(mutual_info_classif, random_state=0), k=2), SVC()))
    assert chosen.steps[0][1].score_func.keywords == {"random_state": 0}
    assert again(make_pipeline(FunctionTransformer(np.log1p), SVC())).steps[0][1].func is np.log1p
    assert again(LogisticRegression(class_weight={0: 1.0, 1: 9.0})).class_weight == {0: 1.0, 1: 9.0}
    assert np.isnan(again(make_pipeline(SimpleImputer(fill_value=np.nan), SVC())).steps[0][1].fill_value)
    process = GaussianProcessClassifier(1.5 * RBF(length_scale_bounds=(0.1, 9.0)) + WhiteKernel(0.5))
    assert again(process).kernel == process.kernel
    assert again(VotingClassifier([("a", SVC(C=2.0))], weights=np.array([2.0]))).estimators[0][1].C == 2.0


def test_later_parameters_reach_the_parts():
    """Parameters beside an object are set on it, those of its parts too; what is unknown is refused."""
    entrant = Entrant("p", make_pipeline(StandardScaler(), SVC()), {"svc__C": 7.0})
    assert build(entrant.recipe, entrant.params, {}, None).steps[1][1].C == 7.0
    with pytest.raises(RecipeError, match="svc__D|'D'"):
        build(entrant.recipe, {**entrant.params, "svc__D": 1}, {}, None)


class Here(ClassifierMixin, BaseEstimator):
    """A class of this module."""

    def fit(self, X, y):
        return self

    def predict(self, X):
        return np.zeros(len(X))


class Silent(Here):
    """An estimator that does not tell its parameters."""

    get_params = None


def refusals():
    class Inner(Here):
        pass

    lonely = type("Lonely", (Here,), {"__module__": "__main__"})
    yield "class inside a function", Inner(), "cannot be imported by its name.*that_file.py"
    yield "class of a notebook", lonely(), r'put it in a file.*"./that_file.py:Lonely"'
    yield "lambda", make_pipeline(FunctionTransformer(lambda x: x), SVC()), "lambda.*that_file.py:model"
    yield "random state", SVC(random_state=np.random.RandomState(0)), "random_state is a RandomState.*whole number"
    partial = make_pipeline(SelectKBest(functools.partial(mutual_info_classif, None)), SVC())
    yield "partial by place", partial, "positional"
    yield "no estimator", 3, "an entrant is"
    yield "no parameters", make_pipeline(FunctionTransformer(kw_args={"x": object()}), SVC()), "cannot be written down"


@pytest.mark.parametrize(("thing", "words"), [item[1:] for item in refusals()], ids=[item[0] for item in refusals()])
def test_what_cannot_be_written_is_refused(thing, words):
    """One line that names the entrant, what is wrong, and what to write instead; nothing is pickled."""
    with pytest.raises(RecipeError, match=words) as error:
        Entrant("mine", thing)
    assert str(error.value).startswith("entrant mine: ")
    assert "\n" not in str(error.value)


def test_classes_of_own_files_bring_their_code(tmp_path, monkeypatch):
    """An object of a class in a file of the user's counts by that file's text, from any folder, in a package too."""
    digests = set()
    for folder in ("one", "two"):
        place = tmp_path / folder
        (place / "kit").mkdir(parents=True)
        (place / "kit" / "__init__.py").write_text("")
        (place / "kit" / "base.py").write_text("STEP = 2\n")
        (place / "kit" / "shift.py").write_text(
            "from sklearn.base import BaseEstimator, TransformerMixin\nfrom .base import STEP\n"
            "class Shift(TransformerMixin, BaseEstimator):\n"
            "    def __init__(self, by=1):\n        self.by = by\n"
            "    def fit(self, X, y=None):\n        return self\n"
            "    def transform(self, X):\n        return X + STEP * self.by\n"
        )
        for name in [name for name in sys.modules if name.partition(".")[0] == "kit"]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.syspath_prepend(str(place))
        from kit.shift import Shift

        entrant = Entrant("p", make_pipeline(Shift(by=3), SVC()))
        digests.add(entrant.digest)
        found = resolve(entrant, form=kind_named("tabular-classification").form, folder=tmp_path)
        assert set(found.source) == {"kit/__init__.py", "kit/base.py", "kit/shift.py"}
        assert found.entrant.prepare == "none"
        assert found.entrant.digest != entrant.digest or found.entrant.prepare == entrant.prepare
        made = build(found.entrant.recipe, found.entrant.params, found.source, tmp_path / "code")
        assert made.steps[0][1].transform(np.zeros(2)).tolist() == [6, 6]
        assert str(tmp_path) not in json.dumps(dict(found.entrant.params))
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("pipeline", "raw"),
    [
        (make_pipeline(StandardScaler(), SVC()), False),
        (make_pipeline(SimpleImputer(), SVC()), False),
        (VotingClassifier([("a", SVC()), ("b", DecisionTreeClassifier())]), False),
        (make_pipeline(ColumnTransformer([("a", StandardScaler(), ["a"])]), SVC()), True),
        (make_pipeline(make_pipeline(TfidfVectorizer(), StandardScaler()), SVC()), True),
        (make_pipeline(FeatureUnion([("a", OneHotEncoder())]), SVC()), True),
        (make_pipeline(FunctionTransformer(np.log1p), SVC()), True),
        (VotingClassifier([("a", SVC()), ("b", make_pipeline(OneHotEncoder(), SVC()))]), True),
    ],
)
def test_what_wants_rows_as_they_were_read(pipeline, raw):
    """A pipeline that begins with what chooses columns, encodes words or reads texts gets the rows as they were read."""
    entrant = Entrant("p", pipeline)
    assert reads_raw(entrant.recipe, entrant.params) == raw
    found = resolve(entrant, form=kind_named("tabular-classification").form, folder=None)
    assert found.entrant.prepare == ("none" if raw else "matrix")


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"steps": [["a", {"$recipe": "subprocess:Popen", "params": {"args": "true"}}]]}, "standard library"),
        ({"steps": [["a", {"$recipe": "numpy:load"}]]}, "no class"),
        ({"steps": [["a", {"$recipe": "pandas:DataFrame"}]]}, "no class of an estimator"),
        ({"steps": [["a", {"$function": "os:system"}]]}, "standard library"),
        ({"steps": [["a", {"$class": "builtins:type"}]]}, "standard library"),
    ],
)
def test_parts_that_are_none(params, words):
    """What a folder of others names as a part is made only if it is a class of an estimator or the like."""
    with pytest.raises(RecipeError, match=words):
        build("sklearn.pipeline:Pipeline", params, {}, None)


@pytest.mark.parametrize(
    ("params", "prepare"),
    [
        ({}, "matrix"),
        ({"categorical_features": "from_dtype"}, "matrix"),
        ({"categorical_features": [0, 2]}, "matrix"),
        ({"monotonic_cst": [1, 0]}, "matrix"),
        ({"monotonic_cst": {"age": 1}}, "columns"),
        ({"categorical_features": ["town"]}, "columns"),
        ({"categorical_features": ["town"], "monotonic_cst": {"age": 1}}, "columns"),
    ],
)
def test_what_names_columns_gets_them_by_name(params, prepare):
    """A matrix has no names: an estimator whose parameters name columns is given a frame."""
    entrant = Entrant("trees", HistGradientBoostingClassifier(**params))
    found = resolve(entrant, form=kind_named("tabular-classification").form, folder=Path())
    assert found.entrant.prepare == prepare
