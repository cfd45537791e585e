"""Outputs: what can be predicted, and all that depends on what it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import ContestError, DataError, nearest
from concours.core.kind import Estimator, Output
from concours.core.written import written
from concours.kernels.joining.pooling import WEIGHING
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.named import metric_named
from concours.tasks.predicted import Given
from concours.tasks.slices import Grouping

if TYPE_CHECKING:
    from concours.tasks.task import Task

Values = Any
"""A dense array (rows, …), or an Arrow array (rows)."""
Codes = NDArray[np.int64]
Join = Callable[[Iterable[Values], NDArray[np.float64]], Values]
"""Predictions of members, one after the other, and their weights, (members,) or (members, rows), to predictions."""


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """Targets as they are kept.

    Attributes:
        output: as it is for this data: with its labels, or whatever else belongs to it.
        values: (rows, …).
        warnings: what a person should know of them.
    """

    output: OutputKind
    values: Values
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Errors:
    """What models do wrong, (models, rows) each.

    Attributes:
        sizes: of the errors, with signs where they have some.
        wrong, right: what counts as such; a row may be neither.
    """

    sizes: NDArray[np.float64]
    wrong: NDArray[np.bool_]
    right: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What a language model said about rows, as predictions.

    Attributes:
        predictions: (rows, …).
        parsed: of each answer, row by row, whether something could be read of it.
    """

    predictions: Values
    parsed: Sequence[bool]


@dataclass(frozen=True, kw_only=True)
class OutputKind(ABC):
    """One sort of output; an instance of it belongs to some data, as far as its fields say.

    Attributes:
        estimator, can: as of `core.kind.Output`.
        metrics: what is measured unless the task says otherwise; the first one ranks.
        measures: metrics of its own by name, each made for the output as it is; those of classes and numbers stand in
            `tasks.metrics`.
        joins: how predictions are joined, by the name of the rule; the first makes bags.
        task: what it makes of a task, in words: "a regression".
        packages: distributions whose version counts for what is computed of it.
        by_rows: the metric by which rows are told apart where the ranking one has no number a row.
        verbatim: whether targets that lie in a column stay as the file writes them.
        separate: whether each prediction can be a file of its own.
        several: whether a task may name several columns as its target.
        texts: whether predictions are texts, which files of them write as they are (`tasks.predicted.Wanted`).
    """

    name: ClassVar[str]
    estimator: ClassVar[Estimator]
    metrics: ClassVar[tuple[str, ...]]
    joins: ClassVar[Mapping[str, Join]]
    measures: ClassVar[Mapping[str, Callable[[Any], Metric]]] = {}
    can: ClassVar[Mapping[str, str]] = {}
    task: ClassVar[str]
    by_rows: ClassVar[str]
    packages: ClassVar[tuple[str, ...]] = ()
    verbatim: ClassVar[bool] = False
    texts: ClassVar[bool] = False
    separate: ClassVar[bool] = False
    several: ClassVar[bool] = False

    @property
    @abstractmethod
    def said(self) -> str:
        """What is predicted, in words: "3 classes"."""

    @property
    def labels(self) -> tuple[Any, ...]:
        """Of its classes, where it has some and knows what they are called."""
        return ()

    @property
    def width(self) -> int:
        """How many numbers a prediction of a row is, about."""
        return 1

    @property
    def codes(self) -> int | None:
        """How many classes an estimator is fitted on: 0 of a number; none where it gets targets as they are."""
        return None

    @property
    def usual(self) -> tuple[str, ...]:
        """What is measured unless the task or its kind says otherwise."""
        return self.metrics

    @property
    def meta(self) -> Mapping[str, Any]:
        """What of the data belongs to it besides labels, as JSON: its fields."""
        values = {each.name: getattr(self, each.name) for each in fields(self) if each.compare}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    @property
    def telling(self) -> Mapping[str, Any]:
        """What estimators that have parameters of these names, and were given none, are told of the data."""
        return {}

    @property
    def value(self) -> Output:
        """It as a value for processes."""
        return Output(
            name=self.name,
            estimator=self.estimator,
            joins=tuple(self.joins),
            can=self.can,
            width=self.width,
            labels=self.labels,
            meta=self.meta,
        )

    @classmethod
    @abstractmethod
    def checked(cls, y: Values, task: Task, name: str) -> Values:
        """Targets as they were read, or an error that says what is wrong with them. Raises DataError."""

    @classmethod
    @abstractmethod
    def encode(cls, y: Values, task: Task, name: str, **meta: Any) -> Encoded:
        """Targets as they are kept, of the data that is fitted on. Raises ContestError, DataError.

        Args:
            meta: what the reader knows that belongs to the output (`tasks.reading.Data`).
        """

    @abstractmethod
    def encoded(self, y: Values, name: str) -> tuple[Values, tuple[str, ...]]:
        """The same of other rows, with warnings. Raises DataError where they do not suit."""

    def learned(
        self, x: Any, y: Values, rows: NDArray[np.int64], test: Values | None
    ) -> tuple[OutputKind, tuple[str, ...]]:
        """It with what it learns of the rows that are fitted on, and what is to be said of that; by default nothing.

        Args:
            x, y: inputs and targets of all rows as they were read, and `rows` the numbers of those that are fitted on.
            test: targets that judge, where there are any: what is learned does not hang on them, what is said may.
        """
        del x, y, rows, test
        return self, ()

    def taught(self, y: Values) -> Values:
        """Targets (rows, …) as estimators are fitted on them; by default as they are.

        Law: what is taught is taught as it is: taught(taught(y)) == taught(y).
        """
        return y

    def metric(self, name: str, labels: Sequence[Any] | None = None) -> Metric:
        """The metric of that name, for such an output (`tasks.metrics.named`).

        Args:
            labels: of the classes, as a user's own function gets them.

        Raises:
            ContestError: there is none, or it does not suit.
        """
        if name in self.measures:
            return self.measures[name](self)
        return metric_named(name, self.name, self.width, said=self.said, others=tuple(self.measures), labels=labels)

    def strata(self, values: Values) -> Codes | None:
        """(rows,) codes of what each part of a split should have its share of; none where there is nothing such."""
        del values
        return None

    def each_target(self, values: Values) -> list[tuple[str, NDArray[Any], bool]]:
        """What a column may tell all of: in words, (rows,) codes or numbers, and whether they are numbers."""
        strata = self.strata(values)
        sought = values if strata is None else strata
        return [("the target", sought, strata is None)] if sought.ndim == 1 else []

    @abstractmethod
    def accepted(self, p: Values, rows: int) -> Values:
        """Predictions that came from elsewhere, or from an estimator that says them as they are, in their own form.

        Raises:
            DataError: they are of another form, with the first row that is.
        """

    @property
    def wish(self) -> str:
        """In which form a language model is asked to answer; nothing where any will do."""
        return ""

    def heard(self, said: Sequence[Sequence[str]], x: Any) -> Heard:
        """Predictions of what a language model said about each row, in an answer or several; an empty one is none.

        Args:
            x: the rows.

        Raises:
            DataError: such an output is not said in words.
        """
        raise DataError(f"a language model cannot be asked for {self.said}; leave it out of this task")

    def offered(self, x: Any) -> list[list[str]]:
        """The choices of each row. Raises ContestError where there are none."""
        raise ContestError(f"by and rotate say how one of several choices is made, and not {self.said}; leave them out")

    def rotated(self, x: Any, by: int) -> Any:
        """Rows with their choices in another order: that at the place `by` first, and so on around."""
        raise TypeError(f"{self.said} has no choices")

    def prior(self, y: Values, weights: NDArray[np.float64] | None) -> Values:
        """The prediction (1, …) of who knows but targets (rows, …) and what they weigh; of numbers their mean."""
        return np.average(y, axis=0, weights=weights).reshape(1, -1)

    def compared(self, known: Values, y: Values) -> dict[str, Any]:
        """By what predictions are compared with targets (rows, …), as JSON, of an output that can `draw`.

        Args:
            known: targets that were fitted on.
        """
        raise TypeError(f"{self.said} are not drawn")

    def files(self, p: Values) -> list[tuple[str, bytes]]:
        """A file for each prediction (rows, …), each with its ending, of an output that is `separate`."""
        raise TypeError(f"{self.said} is no file of its own")

    def spread(self, y: Values, test: Values | None) -> dict[str, Any]:
        """How targets are spread, and those of the test part, as JSON for the report; nothing where nobody knows."""
        del y, test
        return {}

    @abstractmethod
    def answers(self, p: Values, weights: NDArray[np.float64] | None) -> Any:
        """What people get of predictions (rows, …) in Python.

        Args:
            weights: of the classes, (classes,), by which one is named, where there are such.
        """

    @abstractmethod
    def columns(self, p: Values, weights: NDArray[np.float64] | None, *, proba: bool) -> dict[str, pa.Array]:
        """The columns of a file of predictions, `prediction` among them; probabilities too, where they are asked for.

        Law: `given` understands them.
        """

    def lines(self, p: Values, weights: NDArray[np.float64] | None, *, proba: bool) -> dict[str, pa.Array]:
        """The same for people, a line each thing that is predicted, of which a row may hold several."""
        return self.columns(p, weights, proba=proba)

    @abstractmethod
    def given(self, table: pa.Table, name: str) -> Given:
        """What a file of predictions says of each of its rows (`tasks.predicted.read_file`). Raises DataError.

        Args:
            name: of the file.
        """

    @abstractmethod
    def written(self, values: Values) -> list[str]:
        """Targets or predictions (rows, …) as texts to show."""

    def retold(self, values: Values, x: Any) -> list[str]:
        """Predictions (rows, …) of some rows, as texts that whoever reads these rows understands."""
        del x
        return self.written(values)

    drawing: ClassVar[str] = ""
    """How to read what `drawn` draws, in a sentence or two."""

    def drawn(self, x: Any, y: Values, p: Values | None) -> NDArray[np.float64] | None:
        """Pictures (rows, height, width, 3) in [0, 1] that show targets, and predictions if there are, upon rows
        (rows, …); none where these are texts or numbers, which are written beside rows.
        """
        del x, y, p
        return None

    def slices(self, y: Values) -> list[Grouping]:
        """Ways to group rows by their targets, in which a score may be worse than elsewhere."""
        del y
        return []

    def errors(self, y: Values, told: Sequence[Values], best: int) -> Errors:
        """The errors of several models, of an output that can `complement`; `best` is the place of the best one."""
        raise TypeError(f"nothing is right or wrong of {self.said}")

    def residuals(self, y: Values, p: Values) -> NDArray[np.float64] | None:
        """(rows,) what is predicted less what is true, by which copies are told; none where no number says it."""
        del y, p
        return None

    def answered(self, responses: Sequence[str | None]) -> Values:
        """Predictions (rows, …) of who said one thing a row, or nothing; of an output that can `answers`."""
        raise TypeError(f"{self.said} is no answer to a question")

    def alike(self, p: Values) -> list[str | None]:
        """What answers (rows,) that count as one have in common, none where nothing is; of `answers`."""
        raise TypeError(f"{self.said} is no answer to a question")

    def shown(self, y: Values) -> list[int]:
        """The columns of predictions to draw where a model is explained, of an output that can `explain`."""
        raise TypeError(f"no number tells {self.said}")

    def shown_as(self, shown: Sequence[int]) -> list[str]:
        """What these columns of predictions are called, where they are no classes of one target; else nothing."""
        del shown
        return []

    def agreement(self, said: Values, other: Values) -> NDArray[np.float64]:
        """(rows,) the share of what another says of a row that is the best of what is said; of itself, how sure it is.

        0 where nothing is said. It is of an output that can `cascade` or `select`.
        """
        best = np.take_along_axis(other, said.argmax(axis=1)[:, None], axis=1)[:, 0]
        return np.where(said.any(axis=1), best, 0.0)

    def traits(self, said: Values, rows: Sequence[str]) -> NDArray[np.float64]:
        """(rows, traits) numbers that may tell whether the best of what is said is right, whoever says so.

        Args:
            rows: in words.
        """
        del rows
        return np.empty((len(said), 0))

    def weighed(
        self, rule: str, members: Sequence[Values], y: Values, of_rows: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        """(members,) the weights with which members lose least by a rule, of an output that can `weigh`."""
        return WEIGHING[rule](members, y, of_rows)

    def join(self, rule: str, members: Iterable[Values], weights: NDArray[np.float64]) -> Values:
        """Joined predictions (rows, …).

        Raises:
            ValueError: there is no such rule, or no member has a weight.
        """
        if rule not in self.joins:
            raise ValueError(f"unknown rule {rule!r}; {nearest(rule, self.joins)}")
        return self.joins[rule](members, weights)

    def scoring(
        self, rule: str, members: Sequence[Values], y: Values, metric: Metric, of_rows: NDArray[np.float64] | None
    ) -> Callable[[NDArray[np.float64]], float]:
        """What such joins are worth by a metric, for many weights."""
        joined = self.joining(rule, members)
        return lambda weights: metric.score(y, joined(weights), of_rows)

    def joining(self, rule: str, members: Sequence[Values]) -> Callable[[NDArray[np.float64]], Values]:
        """`join` for the same members and many weights; what does not hang on the weights may be done once."""
        return lambda weights: self.join(rule, members, weights)


def require_two(y: Values, name: str) -> None:
    """Refuses targets that are the same in every row. Raises DataError."""
    if (y == y[0]).all():
        raise DataError(f"{name}: the target is {written(y[0])!r} in every row; there is nothing to learn")


def form_of(p: Any) -> str:
    """What something is that predictions should be, in words."""
    if isinstance(p, np.ndarray):
        return f"{p.dtype} of shape {p.shape}"
    arrow = isinstance(p, (pa.Array, pa.ChunkedArray))
    return f"{len(p)} values of {p.type}" if arrow else f"a {type(p).__name__}, where an array was expected"


def numbers(p: Values, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Numbers of a shape, as float64. Raises DataError where they are something else, or not finite."""
    if not isinstance(p, np.ndarray) or p.dtype.kind not in "fiu" or p.shape != shape:
        raise DataError(f"predictions must be numbers of shape {shape}, got {form_of(p)}")
    found = np.asarray(p, dtype=np.float64)
    if not np.isfinite(found).all():
        finite = np.isfinite(found.reshape(len(found), -1)).all(axis=1)
        raise DataError(f"predictions must be finite; row {int(np.argmin(finite))} is not")
    return found
