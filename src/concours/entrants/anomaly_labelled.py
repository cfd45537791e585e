"""Detectors that learn from the labels of the rows that they are fitted on, where there are such."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from concours.entrants.anomaly_scores import Detector, Floats


class LabelledLogistic(Detector):
    """A logistic regression from how surprising a step is to its label. It uses labels; without an anomaly among the
    rows that it is fitted on, it adds the surprises up.

    Fitted: `coef_` (features,).
    """

    def __init__(self, *, C: float = 1.0, window: int | None = None) -> None:
        self.C = C
        self.window = window

    def _learn(self, rows: Floats, y: NDArray[Any]) -> None:
        surprises, labels = self._surprises(rows), y[:, 0].astype(np.int64)
        self.coef_ = np.ones(surprises.shape[1])
        if np.ptp(labels):
            self.coef_ = np.asarray(LogisticRegression(C=self.C).fit(surprises, labels).coef_).reshape(-1)

    def _strange(self, rows: Floats) -> Floats:
        return np.asarray(self._surprises(rows) @ self.coef_)


class LabelledBoosting(Detector):
    """Boosted trees from rows to labels: a classifier whose probabilities are ranked. It uses labels; without an
    anomaly among the rows that it is fitted on, all rows are alike to it.
    """

    def __init__(
        self,
        *,
        max_iter: int = 100,
        learning_rate: float = 0.1,
        max_leaf_nodes: int = 15,
        window: int | None = None,
        random_state: int | None = None,
    ) -> None:
        self.max_iter = max_iter
        self.learning_rate = learning_rate
        self.max_leaf_nodes = max_leaf_nodes
        self.window = window
        self.random_state = random_state

    def _learn(self, rows: Floats, y: NDArray[Any]) -> None:
        labels = y[:, 0].astype(np.int64)
        self.trees_ = None
        if np.ptp(labels):
            self.trees_ = HistGradientBoostingClassifier(
                max_iter=self.max_iter,
                learning_rate=self.learning_rate,
                max_leaf_nodes=self.max_leaf_nodes,
                early_stopping=False,
                random_state=self.random_state,
            ).fit(rows, labels)

    def _strange(self, rows: Floats) -> Floats:
        if self.trees_ is None:
            return np.zeros(len(rows))
        return np.asarray(self.trees_.decision_function(rows))
