"""Classes: one of several labels a row. Predictions are probabilities (rows, classes), targets codes (rows,)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import DataError, nearest
from concours.core.written import written
from concours.kernels.joining.blending import RULES, blend
from concours.kernels.joining.decisions import decide
from concours.tasks.extraction import spoken
from concours.tasks.labels import alike_said, by_number, class_list, codes_of, label_named, mapped
from concours.tasks.naming import reader_of
from concours.tasks.outputs.number import checked_numbers
from concours.tasks.outputs.output import Codes, Encoded, Errors, Heard, Join, OutputKind, Values, numbers, require_two
from concours.tasks.predicted import Given, labels_given
from concours.tasks.slices import Grouping, of_classes

if TYPE_CHECKING:
    from concours.tasks.task import Task

_LOT = 1e-6
_MOST_CLASSES = 1000
_SHOWN = 5
_ONE = 1e-3


@dataclass(frozen=True, kw_only=True)
class Classes(OutputKind):
    """One of several classes.

    Attributes:
        classes: how many there are.
        called: their labels in the order of the columns of every prediction; jobs do not know them.
    """

    name: ClassVar[str] = "classes"
    task = "a classification"
    estimator = "classifier"
    metrics = ("log_loss", "accuracy")
    joins: ClassVar[Mapping[str, Join]] = {rule: partial(blend, rule=rule) for rule in RULES}
    can: ClassVar[Mapping[str, str]] = {
        "sum": "",
        "vote": "vote",
        "cascade": "sure",
        "weigh": "pool",
        "boost": "",
        "teach": "",
        "calibrate": "",
        "explain": "",
        "complement": "",
        "diagnose": "concours.insights.diagnosis:of_classes",
        "attack": "",
        "trace": "gradients",
    }
    by_rows = "log_loss"
    verbatim = True
    classes: int = field(default=0, compare=False)
    called: tuple[Any, ...] = field(default=(), compare=False)

    @property
    def said(self) -> str:
        return f"{self.classes} classes"

    @property
    def labels(self) -> tuple[Any, ...]:
        return self.called

    @property
    def width(self) -> int:
        return self.classes

    @classmethod
    def checked(cls, y: Values, task: Task, name: str) -> Values:
        """Labels as texts, whole numbers or truth values, those that the task means otherwise as it means them."""
        found = _labels(y, name)
        return mapped(found, task.labels) if task.labels else found

    @classmethod
    def encode(cls, y: Values, task: Task, name: str, **meta: Any) -> Encoded:
        """The class list in its order, and codes into it."""
        del meta
        y = np.asarray(y)
        require_two(y, name)
        labels = _positive_last(class_list(y, task.classes, name), task, name)
        if len(labels) > _MOST_CLASSES or (len(labels) > 20 and len(labels) > len(y) / 2):
            raise DataError(
                f"{name}: the target has {len(labels)} different values in {len(y)} rows; is it a number "
                "(a regression) or an identifier rather than a class?"
            )
        codes = codes_of(y, labels, name)
        counts = np.bincount(codes)
        single = [written(label) for label, count in zip(labels, counts, strict=True) if count == 1]
        warnings = alike_said(y)
        if single:
            names = ", ".join(single[:5])
            warnings.append(
                f"{len(single)} of {len(labels)} classes have one row only ({names}); it is fitted on, never evaluated "
                "by"
            )
        return Encoded(output=cls(classes=len(labels), called=labels), values=codes, warnings=tuple(warnings))

    def encoded(self, y: Values, name: str) -> tuple[Values, tuple[str, ...]]:
        """Codes; a warning where labels write the number of a class in another way."""
        y = np.asarray(y)
        given = {written(label) for label in np.unique(y).tolist()}
        meant = by_number(sorted(given), map(written, self.called))
        told = ", ".join(f"{label} as {other}" for label, other in list(meant.items())[:5])
        said = (f"{name}: labels count by the number that they write: {told}",) if meant else ()
        return codes_of(y, self.called, name), said

    @property
    def codes(self) -> int | None:
        return self.classes

    def strata(self, values: Values) -> Codes | None:
        """The classes."""
        codes: Codes = values
        return codes

    def accepted(self, p: Values, rows: int) -> Values:
        """Probabilities (rows, classes) as float64, scaled to sums of 1."""
        p = numbers(p, (rows, self.classes))
        sums = p.sum(axis=1)
        bad = (p < 0).any(axis=1) | (np.abs(sums - 1) > _ONE)
        if bad.any():
            row = int(np.argmax(bad))
            raise DataError(f"probabilities must be at least 0 and add up to 1; those of row {row} do not: {p[row]}")
        return p / sums[:, None]

    @property
    def wish(self) -> str:
        return f"Answer with one of these alone: {', '.join(map(written, self.called))}"

    def heard(self, said: Sequence[Sequence[str]], x: Any) -> Heard:
        """The shares of the answers that name each class; one vote more is spread evenly over all.

        Where no answer names one the class is drawn by lot, the next one a row: else silence would be right as often as
        the first class is.
        """
        del x
        read = reader_of(map(written, self.called))
        codes = [[read(spoken(text)) for text in of] for of in said]
        votes = np.full((len(said), self.classes), 1.0 / self.classes)
        for row, of in enumerate(codes):
            for code in of:
                if code is not None:
                    votes[row, code] += 1.0
        silent = [row for row, of in enumerate(codes) if all(code is None for code in of)]
        votes[silent, np.asarray(silent, dtype=np.int64) % self.classes] += _LOT
        predictions = votes / votes.sum(axis=1, keepdims=True)
        return Heard(predictions=predictions, parsed=[code is not None for of in codes for code in of])

    def prior(self, y: Values, weights: NDArray[np.float64] | None) -> Values:
        """The frequencies of the classes."""
        total = len(y) if weights is None else weights.sum()
        return (np.bincount(y, weights=weights, minlength=self.classes) / total)[None]

    def spread(self, y: Values, test: Values | None) -> dict[str, Any]:
        """`counts` and `test`: rows of each class."""
        counts = [None if part is None else np.bincount(part, minlength=self.classes).tolist() for part in (y, test)]
        return {"counts": counts[0], "test": counts[1]}

    def answers(self, p: Values, weights: NDArray[np.float64] | None) -> Any:
        """Labels (rows,)."""
        return np.asarray(self.called)[self.named(p, weights)]

    def named(self, p: Values, weights: NDArray[np.float64] | None) -> Codes:
        """Which class is named, (rows,), by its place."""
        return decide(p, weights)

    def columns(self, p: Values, weights: NDArray[np.float64] | None, *, proba: bool) -> dict[str, pa.Array]:
        """`prediction`, the label; and `p_` and the class for each class."""
        labels = [written(label) for label in self.called]
        named = _typed([labels[code] for code in self.named(p, weights).tolist()], self.called)
        each = {f"p_{label}": pa.array(p[:, code]) for code, label in enumerate(labels)} if proba else {}
        return {"prediction": named, **each}

    def given(self, table: pa.Table, name: str) -> Given:
        """The columns `prediction`, `p_` and the class for each class, or both."""
        return labels_given(table, tuple(map(written, self.called)), name)

    def written(self, values: Values) -> list[str]:
        """The labels, of predictions those of the most probable classes."""
        codes = values if values.ndim == 1 else values.argmax(axis=1)
        return [written(self.called[code]) for code in codes.tolist()]

    def slices(self, y: Values) -> list[Grouping]:
        """By the true class."""
        return [of_classes(y, self.classes)]

    def errors(self, y: Values, told: Sequence[Values], best: int) -> Errors:
        """A class wrongly named."""
        del best
        wrong = np.stack([p.argmax(axis=1) != y for p in told])
        return Errors(sizes=wrong.astype(np.float64), wrong=wrong, right=~wrong)

    def residuals(self, y: Values, p: Values) -> NDArray[np.float64] | None:
        """The probability of the right class, less 1."""
        return np.asarray(p[np.arange(len(y)), y] / p.sum(axis=1) - 1)

    def shown(self, y: Values) -> list[int]:
        """The second of two classes, else the most frequent five."""
        if self.classes == 2:
            return [1]
        return sorted(np.argsort(-np.bincount(y, minlength=self.classes), kind="stable")[:_SHOWN].tolist())


def _typed(labels: list[str], classes: Sequence[Any]) -> pa.Array:
    """Labels as texts, or, where they came to be whole numbers or truth values, as these."""
    for kind, type_ in ((bool, pa.bool_()), (int, pa.int64())):
        if {type(label) for label in classes} == {kind} and all(abs(label) < 2**63 for label in classes):
            value = {str(label): label for label in classes}
            return pa.array([value[label] for label in labels], type_)
    return pa.array(labels, pa.string())


def _positive_last(classes: tuple[Any, ...], task: Task, name: str) -> tuple[Any, ...]:
    if task.positive is None:
        return classes
    found = label_named(task.positive, classes)
    if found is None:
        known = nearest(written(task.positive), map(written, classes))
        raise DataError(f"task.positive: no row of {name} has the label {written(task.positive)!r}; {known}")
    return (*(label for label in classes if label != found), found)


def _labels(y: Values, name: str) -> Values:
    """Labels as texts, whole numbers or truth values."""
    if y.dtype.kind == "O":
        kinds = {type(label) for label in set(y.tolist())}
        if kinds <= {str} or kinds == {int}:  # whole numbers beyond 64 bits
            return y
        return y.astype(bool) if kinds == {bool} else np.asarray([written(v) for v in y.tolist()], dtype=object)
    return checked_numbers(y, name) if y.dtype.kind == "f" else y
