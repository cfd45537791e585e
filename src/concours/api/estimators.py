"""Contests as scikit-learn estimators: `fit` holds a contest, `predict` uses the model that came out best."""

from __future__ import annotations

import shutil
import tempfile
import warnings
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import FitFailedWarning
from sklearn.utils import assert_all_finite, check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_array,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from concours.api.contest import Contest
from concours.compete.jobs import Final
from concours.contest.alliance import Alliance
from concours.contest.credit import Credit
from concours.contest.lineups import entrants_of
from concours.core.errors import ContestError, DataError, DataWarning, NothingFitted, RecipeError
from concours.core.standings import Standings
from concours.engine.prediction import Models, Predictor
from concours.engine.rows import as_rows
from concours.kernels.joining.decisions import decide
from concours.runs.packing import packed, unpacked
from concours.runs.report import write_report
from concours.runs.result import Result
from concours.runs.session import EngineName
from concours.tasks.conforming import conform
from concours.tasks.given import given_table
from concours.tasks.outputs.table import output_valued
from concours.tasks.readers.objects import as_table
from concours.tasks.readers.opened import Opened
from concours.tasks.task import Split, Task

_LINEUPS = ("fast", "full")
_EXECUTORS = ("inline", "processes")
_FEWEST = 4
"""Rows: two a fold."""


class _ContestEstimator(BaseEstimator):
    """What the two share: parameters, tables, the contest and its folder, and how it is pickled."""

    _kind: ClassVar[str]

    def __init__(
        self,
        lineup: str | Sequence[Any] = "fast",
        *,
        seconds: float | None = None,
        metrics: str | Sequence[str] | None = None,
        folds: int | None = None,
        final: Final = "bag",
        cooperate: Sequence[str] | None = None,
        executor: EngineName = "inline",
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = 0,
    ) -> None:
        self.lineup = lineup
        self.seconds = seconds
        self.metrics = metrics
        self.folds = folds
        self.final = final
        self.cooperate = cooperate
        self.executor = executor
        self.n_jobs = n_jobs
        self.random_state = random_state

    @property
    def standings_(self) -> Standings:
        """The board: `concours.core.standings.Standings`."""
        return self._fitted.standings

    @property
    def default_(self) -> str:
        """The name on the board of the model that predicts."""
        return self._fitted.default or ""

    @property
    def alliance_(self) -> Alliance | None:
        """The alliance that predicts, with the weights of its members by name; none where a single entrant does."""
        return self._fitted.alliances.get(self.default_)

    @property
    def credit_(self) -> Mapping[str, Credit]:
        """What each member is worth to an alliance, by the alliance's name."""
        return self._fitted.credit

    def report(self, path: Path | str | None = None) -> Path:
        """Looks into the contest and writes its HTML report; by default into its folder, which lasts as `result_` does.

        One that comes from a pickle has the board only: there are no rows to look at.

        Returns:
            Where it was written.
        """
        return write_report(self._fitted, path, engine=self.executor)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "result_" in state:
            state["result_"] = packed(state["result_"])
            del state["_models"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "result_" in state:
            result = unpacked(state["result_"])
            state = {**state, "result_": result, "_models": Models(result.folder.store)}
        super().__setstate__(state)

    @property
    def _fitted(self) -> Result:
        check_is_fitted(self, "result_")
        result: Result = self.result_
        return result

    def _compete(
        self, table: pa.Table, y: NDArray[Any], classes: Sequence[Any] = (), *, weights: NDArray[np.float64] | None
    ) -> None:
        """Holds the contest in a folder of its own, which is removed together with the result."""
        folder = Path(tempfile.mkdtemp(prefix="concours-"))
        try:
            with _as_value_errors():
                result = self._contest(table, y, classes, weights, folder / "run").run(lasting=False)
            _check_fitted(result)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        weakref.finalize(result, shutil.rmtree, folder, ignore_errors=True)
        self._like = table.schema.empty_table()  # a slice would bring the rows along where it is pickled
        self._models = Models(result.folder.store)
        self.result_ = result

    def _contest(
        self,
        table: pa.Table,
        y: NDArray[Any],
        classes: Sequence[Any],
        weights: NDArray[np.float64] | None,
        out: Path,
    ) -> Contest:
        named = not isinstance(self.lineup, str)
        if not named and self.lineup not in _LINEUPS:
            raise ContestError(f'lineup must be a list of entrants, or one of "fast", "full"; got {self.lineup!r}')
        if self.executor not in _EXECUTORS:
            raise ContestError(f'executor must be one of "inline", "processes"; got {self.executor!r}')
        if self.executor == "inline" and self.n_jobs not in (None, 1):
            raise ContestError(f'n_jobs = {self.n_jobs!r} needs executor="processes"; the executor is "inline"')
        return Contest(
            task=Task(
                kind=self._kind,
                data=table,
                target=y,
                weight=weights,
                metrics=(self.metrics,) if isinstance(self.metrics, str) else tuple(self.metrics or ()),
                split=Split(test=0, folds=self.folds),
                classes=tuple(classes),
            ),
            entrants=entrants_of(self.lineup) if named else (),
            lineup="none" if named else self.lineup,  # type: ignore[arg-type]
            final=self.final,
            cooperate=self.cooperate,
            seconds=self.seconds,
            seed=_seed(self.random_state),
            engine=self.executor,
            workers=None if self.n_jobs is None or self.n_jobs < 1 else self.n_jobs,
            out=out,
        )

    def _table(self, X: Any, *, reset: bool) -> pa.Table:
        """The inputs as a table, its columns called as in `feature_names_in_`, or else x0, x1, …

        Columns count by their place, as scikit-learn has it, which refuses names in another order. Whole numbers
        become floating ones, so that later rows may hold others.
        """
        if hasattr(X, "columns"):
            validate_data(self, X, reset=reset, skip_check_array=True)
        else:
            X = validate_data(self, X, reset=reset, dtype=None, ensure_all_finite="allow-nan")
            X = pd.DataFrame(X).infer_objects() if X.dtype.hasobject or X.dtype.kind in "US" else X
        told = list(getattr(X, "column_names", getattr(X, "columns", ())))
        if len(set(told)) < len(told):
            raise ValueError("X has two columns of one name")
        with _as_value_errors():
            given = given_table(X, "X") if reset else Opened(x=as_table(X), name="X")
        table: Any = given.x
        _warn(given.warnings)
        if not table.num_columns:
            raise ValueError(f"Found array with 0 feature(s) (shape={X.shape}) while a minimum of 1 is required.")
        names = getattr(self, "feature_names_in_", [f"x{i}" for i in range(table.num_columns)])
        table = table.rename_columns([str(name) for name in names])
        whole = [i for i, field in enumerate(table.schema) if pa.types.is_integer(field.type)]
        for i in whole:
            table = table.set_column(i, table.field(i).name, pc.cast(table[i], pa.float64(), safe=False))
        return table

    def _predictions(self, X: Any) -> NDArray[np.float64]:
        """(rows, outputs)."""
        result = self._fitted
        table = self._table(X, reset=False)
        with _as_value_errors():
            said: list[str] = []
            rows = as_rows(conform(table, self._like, "X", told=said.append))
        _warn(said)
        candidates = {c.entrant.digest: c for c in result.candidates.values()}
        predictor = Predictor(
            result.folder.store, output_valued(result.setup.problem.output), candidates, rows, models=self._models
        )
        return predictor.predict(result.candidates[self.default_])


class ContestClassifier(ClassifierMixin, _ContestEstimator):
    """A classifier that holds a contest: many models compete on the training rows, and join into one.

    All choices are made by out-of-fold predictions on the rows given to `fit`. There is no test part, so the board is
    by these same scores: a little too good for the best of many. For an honest estimate hold rows out, e.g. by
    `cross_val_score`.

    Rows are tables: arrays of numbers or objects, pandas or polars frames, Arrow tables; with texts, categories, dates
    and missing values. Sparse matrices and several targets are not supported.

    Args:
        lineup: `"fast"` or `"full"`, the zoo's own; or a sequence of entrants: names of the zoo (`"logistic"`), recipes
            (`"sklearn.svm:SVC"`, `"./mine.py:Model"`), `Entrant`, scikit-learn estimators or their classes, or pairs of
            a name and one of these. A baseline always takes part.
        seconds: the budget of the contest; by default none.
        metrics: one or several by name; the first one ranks. By default log loss and accuracy.
        folds: of the out-of-fold predictions; by default what suits the number of rows.
        final: the model of an entrant is a `"bag"` of those of the folds, or one `"refit"` on all rows.
        cooperate: names of strategies; by default all usual ones, `()` for none.
        executor: `"inline"`, in this process, without limits; or `"processes"`, in worker processes.
        n_jobs: how many processes; None and -1 mean all cores. The result does not depend on it.
        random_state: an int for the same result every time; a generator or None draws one.

    Attributes:
        classes_: (classes,) labels, sorted.
        n_features_in_, feature_names_in_: the columns; the names where they are all texts.
        result_: the `concours.Result`. Its folder is temporary and is removed with it.
        default_: the name of the model that predicts.
        standings_: the board.
        alliance_: the alliance that predicts, with its weights, if one does.
        credit_: what each member is worth to each alliance.

    A fitted one can be pickled: the pickle holds what the model that predicts needs, not the other models and not the
    training rows, but for models that no format of files can hold, which are fitted again.

    Raises:
        ValueError: X, y, or a parameter is wrong.
        NothingFitted: no entrant of the line-up could be fitted. Single ones that fail are told by a FitFailedWarning.
    """

    _kind = "tabular-classification"

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Holds the contest. X: (rows, columns); y: (rows,) labels.

        Args:
            sample_weight: (rows,) how many rows each counts as, in fits that take weights, scores and intervals.
        """
        table = self._table(X, reset=True)
        labels = _column(self, table, y)
        check_classification_targets(labels)
        self.classes_ = np.unique(labels)
        if len(self.classes_) < 2:
            raise ValueError(f"y must have at least two classes; got one class, {self.classes_[0]!r}")
        moments = labels.dtype.kind == "M"  # which JSON has not
        names, classes = (labels.astype(str), self.classes_.astype(str)) if moments else (labels, self.classes_)
        self._compete(table, names, classes.tolist(), weights=_weights(sample_weight, table))
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """The labels (rows,) that the model names: the most probable, or what suits the first metric best."""
        p = self._predictions(X)
        decision = self.result_.candidates[self.default_].decision
        weights = np.asarray(decision["weights"]) if decision else np.ones(len(self.classes_))
        return self.classes_[decide(p, weights)]

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities (rows, classes), in the order of `classes_`."""
        return self._predictions(X)


class ContestRegressor(RegressorMixin, _ContestEstimator):
    """A regressor that holds a contest: many models compete on the training rows, and join into one.

    As `ContestClassifier`, which has the parameters and attributes; by default the metrics are `rmse` and `r2`.
    """

    _kind = "tabular-regression"

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Holds the contest. X: (rows, columns); y: (rows,) numbers; `sample_weight` as in `ContestClassifier`."""
        table = self._table(X, reset=True)
        numbers = check_array(_column(self, table, y), ensure_2d=False, dtype=np.float64, input_name="y")
        self._compete(table, numbers, weights=_weights(sample_weight, table))
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Numbers (rows,)."""
        return self._predictions(X)[:, 0]


def _column(estimator: Any, table: pa.Table, y: Any) -> NDArray[Any]:
    """The targets (rows,), one a row and none missing."""
    if y is None:
        raise ValueError(f"{type(estimator).__name__} requires y to be passed, but the target y is None")
    y = column_or_1d(y, warn=True)
    if y.dtype.hasobject and pd.isna(y).any():
        raise ValueError("Input y contains NaN.")
    assert_all_finite(y, input_name="y")
    check_consistent_length(np.empty(len(table)), y)
    if len(y) < _FEWEST:
        raise ValueError(f"n_samples={len(y)} is too few for a contest; it takes {_FEWEST} rows at least")
    return y


def _weights(given: Any, table: pa.Table) -> NDArray[np.float64] | None:
    """(rows,), or none where all are alike."""
    if given is None:
        return None
    weights = _check_sample_weight(given, np.empty((len(table), 1)), dtype=np.float64, ensure_non_negative=True)
    if not weights.any():
        raise ValueError("sample_weight is 0 in every row")
    return weights if np.ptp(weights) else None


def _warn(said: Sequence[str]) -> None:
    for text in said:
        warnings.warn(text, DataWarning, stacklevel=4)


def _check_fitted(result: Result) -> None:
    """Warns of entrants that failed.

    Raises:
        NothingFitted: all did, but the baseline.
    """
    reasons = [f"{line.entrant.name}: {line.reason}" for line in result.standings if line.status == "failed"]
    if not any(line.cv_score and line.entrant.role == "single" for line in result.standings):
        others = [f"{line.entrant.name}: {line.reason}" for line in result.standings if line.reason]
        raise NothingFitted("no entrant of the line-up could be fitted; " + "; ".join(others))
    if reasons:
        warnings.warn(f"not fitted: {'; '.join(reasons)}", FitFailedWarning, stacklevel=4)


@contextmanager
def _as_value_errors() -> Iterator[None]:
    """What is wrong with the data or the parameters is a ValueError in scikit-learn."""
    try:
        yield
    except (ContestError, DataError, RecipeError) as error:
        raise ValueError(str(error)) from error


def _seed(random_state: Any) -> int:
    if isinstance(random_state, (int, np.integer)):
        return int(random_state)
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
