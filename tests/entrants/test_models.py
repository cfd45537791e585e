"""Models as files: round trips, and files that would run something."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import safetensors.numpy
import skops.io
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

from concours.core.errors import TrustError
from concours.entrants.fitting import Fitted, fit
from concours.entrants.models import _tensors, dump_model, load_model, load_object

X, Y = load_iris(return_X_y=True)


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(max_iter=500),
        RandomForestClassifier(5, random_state=0),
        HistGradientBoostingClassifier(max_iter=5, random_state=0),
        KNeighborsClassifier(),
        SVC(),
    ],
    ids=lambda e: type(e).__name__,
)
def test_round_trip(estimator):
    """A model that was written and read predicts the same bytes."""
    fitted = fit(estimator, X, Y, 3, calibrate=True)
    format, files, why = dump_model(fitted)
    assert (format, why) == ("skops", "")
    assert load_model(format, files).predict(X).tobytes() == fitted.predict(X).tobytes()
    again = fit(clone(estimator), X, Y, 3, calibrate=True)
    assert dump_model(again)[1] == files, "the same fit gives the same bytes"


def test_one_class_round_trip():
    """What is left to predict when there was one class only needs no format."""
    fitted = fit(SVC(), X[:5], np.ones(5, dtype=int), 3, calibrate=True)
    format, files, _ = dump_model(fitted)
    assert load_model(format, files).predict(X[:1]).tolist() == [[1 / 8, 6 / 8, 1 / 8]]


class Own:
    """A type that no list knows."""

    def predict(self, x):
        return np.zeros(len(x))


def test_unknown_types_are_not_kept():
    """What would have to be unpickled is not written at all."""
    format, files, why = dump_model(Fitted(Own(), np.arange(3), 3, 60))
    assert format == "refit"
    assert "model.skops" not in files
    assert why


def test_a_file_that_would_run_something():
    """A model from others that holds a function of Python's own is refused before it is built."""
    poisoned = make_pipeline(FunctionTransformer(eval), LogisticRegression())
    content = skops.io.dumps(poisoned)
    with pytest.raises(TrustError, match="not trusted"):
        load_object(content)


def test_a_network_of_elsewhere():
    """A safetensors model names one of the zoo's classes, or is refused."""
    files = {
        "fitted.json": b'{"codes": [0], "classes": 1}',
        "state.json": b'{"class": "os:system", "params": {}}',
        "tensors": b"",
    }
    with pytest.raises(TrustError, match="os:system"):
        load_model("safetensors", files)


def test_tensors_that_lie_in_another_order_are_kept_as_they_read():
    """Protects a transposed array, whose memory is in another order than its values are read in; one number stays one."""
    tensors = {"turned": np.arange(6.0).reshape(2, 3).T, "strided": np.arange(9.0)[::2], "one": np.array(3.0)}
    kept = safetensors.numpy.load(_tensors(SimpleNamespace(get_tensors=lambda: tensors)))
    assert {name: kept[name].tolist() for name in kept} == {name: tensors[name].tolist() for name in tensors}
