"""As much of ramp-workflow as problems that are imported call, so that they run where it is not installed.

Predictions are arrays: of a regression (rows,) or (rows, targets), of classes probabilities (rows, classes).
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np


class Predictions:
    """Values or probabilities of rows; of classes also made of labels."""

    labels: tuple[Any, ...] = ()

    def __init__(self, y_pred: Any = None, y_true: Any = None) -> None:
        if y_true is not None and self.labels:
            places = {label: place for place, label in enumerate(self.labels)}
            self.y_pred = np.eye(len(places))[[places[label] for label in np.asarray(y_true).tolist()]]
        else:
            self.y_pred = np.asarray(y_true if y_pred is None else y_pred)

    @property
    def y_pred_label_index(self) -> Any:
        """(rows,) places of the most probable classes."""
        return np.argmax(self.y_pred, axis=1)

    @property
    def y_pred_label(self) -> Any:
        """(rows,) their labels."""
        return np.asarray(self.labels)[self.y_pred_label_index]

    @classmethod
    def combine(cls, several: Any) -> Predictions:
        """The mean of several."""
        return cls(y_pred=np.mean([one.y_pred for one in several], axis=0))


def make_regression(label_names: Any = ()) -> type[Predictions]:
    """The predictions of a regression."""
    del label_names
    return type("Regression", (Predictions,), {})


def make_multiclass(label_names: Any) -> type[Predictions]:
    """The predictions of classes."""
    return type("Multiclass", (Predictions,), {"labels": tuple(label_names)})


class Estimator:
    """A submission is `estimator.py`, with `get_estimator()`."""

    def __init__(self, workflow_element_names: Any = ("estimator.py",)) -> None:
        self.element_names = tuple(workflow_element_names)

    def train_submission(self, module_path: str, x: Any, y: Any, train_is: Any = None) -> Any:
        """The estimator, fitted on some of the rows."""
        spec = importlib.util.spec_from_file_location("submitted_estimator", Path(module_path) / "estimator.py")
        if spec is None or spec.loader is None:
            raise ImportError("there is no estimator.py")
        module = importlib.util.module_from_spec(spec)
        sys.path.insert(0, str(module_path))
        spec.loader.exec_module(module)
        rows = slice(None) if train_is is None else train_is
        return module.get_estimator().fit(taken(x, rows), taken(y, rows))

    def test_submission(self, fitted: Any, x: Any) -> Any:
        """Probabilities where it has some, else values."""
        from sklearn.base import is_classifier

        return fitted.predict_proba(x) if is_classifier(fitted) else fitted.predict(x)


def taken(x: Any, rows: Any) -> Any:
    """Some rows of a frame or an array."""
    return x.iloc[rows] if hasattr(x, "iloc") else x[rows]


class BaseScoreType:
    """A score of values."""

    is_lower_the_better = False
    name = "score"

    def __init__(self, name: str | None = None, precision: int = 2) -> None:
        self.name, self.precision = name or self.name, precision

    def score_function(self, ground_truths: Predictions, predictions: Predictions) -> float:
        return float(self(ground_truths.y_pred, predictions.y_pred))

    def __call__(self, y_true: Any, y_pred: Any) -> float:
        raise NotImplementedError


class ClassifierBaseScoreType(BaseScoreType):
    """A score of the most probable classes."""

    def score_function(self, ground_truths: Predictions, predictions: Predictions) -> float:
        return float(self(ground_truths.y_pred_label_index, predictions.y_pred_label_index))


class RMSE(BaseScoreType):
    is_lower_the_better = True
    name = "rmse"

    def __call__(self, y_true: Any, y_pred: Any) -> float:
        return float(np.sqrt(np.mean(np.square(np.asarray(y_true) - np.asarray(y_pred)))))


class Accuracy(ClassifierBaseScoreType):
    name = "accuracy"

    def __call__(self, y_true: Any, y_pred: Any) -> float:
        return float(np.mean(np.asarray(y_true) == np.asarray(y_pred)))


class ClassificationError(ClassifierBaseScoreType):
    is_lower_the_better = True
    name = "classification error"

    def __call__(self, y_true: Any, y_pred: Any) -> float:
        return float(np.mean(np.asarray(y_true) != np.asarray(y_pred)))


class NegativeLogLikelihood(BaseScoreType):
    is_lower_the_better = True
    name = "negative log likelihood"

    def __call__(self, y_true: Any, y_pred: Any) -> float:
        p = np.clip(y_pred, 10**-15, 1 - 10**-15)
        p = p / p.sum(axis=1, keepdims=True)
        return float(-np.mean(np.sum(np.asarray(y_true) * np.log(p), axis=1)))


class ROCAUC(BaseScoreType):
    name = "roc_auc"

    def score_function(self, ground_truths: Predictions, predictions: Predictions) -> float:
        from sklearn.metrics import roc_auc_score

        return float(roc_auc_score(ground_truths.y_pred_label_index, predictions.y_pred[:, 1]))


_PARTS: dict[str, dict[str, Any]] = {
    "prediction_types": {"make_regression": make_regression, "make_multiclass": make_multiclass},
    "workflows": {"Estimator": Estimator},
    "score_types": {
        one.__name__: one
        for one in (
            BaseScoreType,
            ClassifierBaseScoreType,
            RMSE,
            Accuracy,
            ClassificationError,
            NegativeLogLikelihood,
            ROCAUC,
        )
    },
    "score_types.base": {"BaseScoreType": BaseScoreType},
    "score_types.classifier_base": {"ClassifierBaseScoreType": ClassifierBaseScoreType},
}
if __name__ == "rampwf":
    __path__: list[str] = []
    for _name, _content in _PARTS.items():
        _module = ModuleType(f"rampwf.{_name}")
        vars(_module).update(_content, __path__=[])
        sys.modules[_module.__name__] = _module
        if "." not in _name:
            globals()[_name] = _module
