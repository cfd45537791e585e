"""Rows that an estimator sets apart for itself while it is fitted, kept together where they belong together.

Three ways lead to that. Estimators of our own are told which rows are kin (`SetsApart`). scikit-learn's boosting takes
the rows that it is to stop by. What crosses folds for itself (`cv`) takes the folds. What does none of these and still
sets rows apart one by one is named (`one_by_one`), so that it can be said.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from concours.entrants.wishes import weighing
from concours.kernels.rows.kin import Kin, crossed

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_FOLDS = 5
_MANY = 10_000
"""Rows above which scikit-learn's boosting stops early of its own accord."""

_STOPPING = 0.1
"""The share of rows that scikit-learn holds out to know when to stop."""


class SetsApart:
    """What estimators share that set rows apart for themselves."""

    _kin: Kin | None = None

    def keep_together(self, kin: Kin) -> Self:
        """The next fit sets rows apart by groups, or the last ones in time. `kin` is of the rows that it is given."""
        self._kin = kin
        return self

    def _told_kin(self) -> Kin | None:
        """What was told for this fit; no further one is told."""
        kin: Kin | None = self.__dict__.pop("_kin", None)
        return kin


def learn(estimator: Any, x: Any, y: NDArray[Any], *, kin: Kin | None, weights: Floats | None, classes: int) -> Any:
    """The estimator, fitted to rows and targets (rows,), by weights (rows,) where its fit takes them.

    Args:
        kin: how rows belong together; none where each stands alone.
        classes: 0 where targets are numbers.
    """
    last = _last(estimator)
    if kin is None:
        return estimator.fit(x, y, **weighing(estimator, weights))
    strata = y if classes else None
    if hasattr(last, "keep_together"):
        last.keep_together(kin)
    elif _watching(estimator, len(y)):
        held = kin.held_out(_share(estimator, len(y)), seed=_seed(estimator), strata=strata)
        if held.any():
            return _fit_watching(estimator, x, y, weights, held)
    with _crossing(last, kin, strata):
        return estimator.fit(x, y, **weighing(estimator, weights))


def unstopped(estimator: Any, labels: Codes) -> Any:
    """The estimator, told not to stop early where it would hold rows of each class out, and there are too few.

    Args:
        labels: of the rows, (rows,), from 0; each is there.
    """
    counts = np.bincount(labels)
    few = counts.min() < 2 or len(counts) > _STOPPING * len(labels)
    if few and getattr(estimator, "early_stopping", None) is True:
        estimator.set_params(early_stopping=False)
    return estimator


def one_by_one(estimator: Any) -> list[str]:
    """Names of the parameters by which an estimator sets rows apart one by one, whatever belongs together."""
    params, last = estimator.get_params(deep=True) if hasattr(estimator, "get_params") else {}, _last(estimator)
    own = f"{estimator.steps[-1][0]}__" if isinstance(estimator, Pipeline) else ""
    found = []
    for name, value in params.items():
        owner, _, short = name.rpartition("__")
        prefix = f"{owner}__" if owner else ""
        stops = short == "early_stopping" and value is True
        stops |= short == "n_iter_no_change" and value is not None and f"{prefix}early_stopping" not in params
        whose = params.get(owner, estimator)
        crosses = short == "cv" and (value is None or isinstance(value, int)) and prefix != own and _known(whose)
        if crosses or (stops and not (not owner and has_fit_parameter(last, "X_val"))):
            found.append(name)
    return found


def _known(estimator: Any) -> bool:
    """Whether it is scikit-learn's, so that its `cv` is what that always is there."""
    return type(estimator).__module__.startswith("sklearn.")


def _last(estimator: Any) -> Any:
    return estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator


def _watching(estimator: Any, rows: int) -> bool:
    """Whether it stops by rows that it can be given, and holds out some to stop by."""
    wish = getattr(estimator, "early_stopping", False)
    stops = wish is True or (wish == "auto" and rows > _MANY)
    return bool(stops and has_fit_parameter(estimator, "X_val") and estimator.validation_fraction)


def _share(estimator: Any, rows: int) -> float:
    fraction = estimator.validation_fraction
    return float(fraction if isinstance(fraction, float) else fraction / rows)


def _seed(estimator: Any) -> int:
    seed = getattr(estimator, "random_state", None)
    return int(seed) if isinstance(seed, int | np.integer) else 0


def _fit_watching(estimator: Any, x: Any, y: NDArray[Any], weights: Floats | None, held: NDArray[np.bool_]) -> Any:
    fitted, unseen = (
        {"X": _rows(x, rows), "y": y[rows], "sample_weight": None if weights is None else weights[rows]}
        for rows in (np.flatnonzero(~held), np.flatnonzero(held))
    )
    watched = {"X_val": unseen["X"], "y_val": unseen["y"], "sample_weight_val": unseen["sample_weight"]}
    return estimator.fit(**fitted, **watched)


def _rows(x: Any, rows: Codes) -> Any:
    return x.iloc[rows] if hasattr(x, "iloc") else x[rows]


@contextmanager
def _crossing(estimator: Any, kin: Kin, strata: Codes | None) -> Iterator[None]:
    """Has the folds that an estimator crosses for itself be whole groups, while it is fitted."""
    params = estimator.get_params(deep=False) if hasattr(estimator, "get_params") else {}
    wish = params.get("cv", "")
    counted = wish is None or (isinstance(wish, int) and wish > 1)
    if not counted or not _known(estimator) or params.get("store_cv_results"):
        yield
        return
    folds = crossed(kin.folds(wish or _FOLDS, seed=0, strata=strata))
    if folds:
        estimator.set_params(cv=folds)
    try:
        yield
    finally:
        estimator.set_params(cv=wish)
