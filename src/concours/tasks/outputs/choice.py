"""Choices: targets are (rows, most) int8, 1 for each right choice of a question.

Predictions are (rows, most) float64: a distribution over the choices of each row, zero behind them; or all zero, which
is no answer, and never right. New rows with more choices than there were before have as many columns as they need.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.kernels.joining.blending import blend
from concours.tasks.choices import letter_of, lists_in, place_of, rotated
from concours.tasks.extraction import checked_rule, extracted, wish_of
from concours.tasks.faults import refuse_rows
from concours.tasks.metrics.choices import MEASURES
from concours.tasks.metrics.metric import Metric
from concours.tasks.outputs.output import Encoded, Heard, Join, OutputKind, Values, numbers
from concours.tasks.places import RowError
from concours.tasks.predicted import Given, numbers_of, responses_given, texts_given, unanswered
from concours.tasks.slices import Grouping

if TYPE_CHECKING:
    from concours.tasks.task import Task

_SUM = 0.01  # how far a row may be from one: a hundred probabilities, written with four digits
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class Choice(OutputKind):
    """One of the choices of a question.

    Attributes:
        most: choices that a row of the data has at most.
        choices: the columns where new rows have them.
        extract: the rule by which the letter of a choice is found in what a model says (`tasks.extraction`).
    """

    name: ClassVar[str] = "choices"
    task = "a multiple choice"
    estimator = "predictor"
    metrics = ("choice_accuracy", "choice_log_loss")
    joins: ClassVar[Mapping[str, Join]] = {"mean": blend}
    measures: ClassVar[Mapping[str, Callable[[Any], Metric]]] = MEASURES
    can: ClassVar[Mapping[str, str]] = {
        "sum": "",
        "cascade": "scored",
        "select": "",
        "answers": "",
        "diagnose": "concours.insights.diagnosis:of_rows",
    }
    by_rows = "choice_accuracy"
    texts = True
    most: int
    choices: tuple[str, ...] = ()
    extract: str = "letter"

    def __post_init__(self) -> None:
        object.__setattr__(self, "choices", tuple(self.choices))

    @property
    def said(self) -> str:
        return f"one of up to {self.most} choices"

    @property
    def width(self) -> int:
        return self.most

    @classmethod
    def checked(cls, y: Values, task: Task, name: str) -> Values:
        """Lists of the places of right choices, none empty."""
        del task
        if (bare := pc.equal(pc.list_value_length(y), 0).to_numpy(zero_copy_only=False)).any():
            raise RowError(f"{name}:", int(np.argmax(bare)) + 1, " has no right choice")
        return y

    @classmethod
    def encode(cls, y: Values, task: Task, name: str, **meta: Any) -> Encoded:
        """1 for each right choice."""
        del task
        checked_rule(meta["extract"])
        output = cls(**meta)
        return Encoded(output=output, values=output.encoded(y, name)[0])

    def encoded(self, y: Values, name: str) -> tuple[Values, tuple[str, ...]]:
        """1 for each right choice."""
        del name
        right = np.zeros((len(y), self.most), dtype=np.int8)
        lengths = pc.list_value_length(y).to_numpy(zero_copy_only=False)
        right[np.repeat(np.arange(len(y)), lengths), y.flatten().to_numpy()] = 1
        return right, ()

    def accepted(self, p: Values, rows: int) -> Values:
        """Distributions (rows, choices), filled up with zeros to `most`; rows of zeros are no answer."""
        choices = p.shape[1] if isinstance(p, np.ndarray) and p.ndim == 2 else self.most
        found = numbers(p, (rows, choices))
        sums = found.sum(axis=1)
        bad = (found < 0).any(axis=1) | ((np.abs(sums - 1) > _SUM) & (sums != 0))
        if bad.any():
            row = int(np.argmax(bad))
            given = found[row].tolist()[:6]
            raise DataError(
                f"predictions must be at least 0 and add up to 1 in each row, or to 0; row {row} has {given}"
            )
        off = (np.abs(sums - 1) > _ROUNDING) & (sums > 0)
        found = np.where(off[:, None], found / np.where(off, sums, 1.0)[:, None], found)
        return np.pad(found, ((0, 0), (0, max(self.most - choices, 0))))

    def residuals(self, y: Values, p: Values) -> NDArray[np.float64] | None:
        """What right choices have, less 1."""
        return np.asarray((p * y).sum(axis=1) - 1)

    def answer_of(self, response: str) -> str | None:
        """The answer in what a model said, by the rule of the task, a letter mostly; none where there is none."""
        return extracted(self.extract, response)

    def answered(self, responses: Sequence[str | None]) -> Values:
        """Predictions (rows, most) of who said one thing a row, or nothing: certain of the choice of that letter."""
        return self._certain([None if text is None else self.answer_of(text) for text in responses])

    def _certain(self, letters: Sequence[str | None]) -> Values:
        p = np.zeros((len(letters), self.most))
        for row, letter in enumerate(letters):
            place = None if letter is None else place_of(letter.strip(" ().:"))
            if place is not None and place < self.most:
                p[row, place] = 1.0
        return p

    @property
    def wish(self) -> str:
        return wish_of(self.extract)

    def heard(self, said: Sequence[Sequence[str]], x: Any) -> Heard:
        """The shares of the answers that name each choice, of those that name one."""
        del x
        each = [self.answered(of) for of in said]
        named = np.array([p.sum(axis=0) for p in each]).reshape(len(each), self.most)
        sums = named.sum(axis=1, keepdims=True)
        predictions = named / np.where(sums > 0, sums, 1.0)
        return Heard(predictions=predictions, parsed=[bool(row.any()) for p in each for row in p])

    def offered(self, x: Any) -> list[list[str]]:
        """The choices of each row."""
        return lists_in(x)

    def rotated(self, x: Any, by: int) -> Any:
        """Rows with their choices in another order: that at the place `by` first, and so on around."""
        return rotated(x, by)

    def prior(self, y: Values, weights: NDArray[np.float64] | None) -> Values:
        """How often each place is right."""
        each = y / y.sum(axis=1, keepdims=True)
        return np.average(each, axis=0, weights=weights).reshape(1, -1)

    def answers(self, p: Values, weights: NDArray[np.float64] | None) -> Any:
        """Letters (rows,), none where there is no answer."""
        del weights
        return np.asarray(_letters(p), dtype=object)

    def columns(self, p: Values, weights: NDArray[np.float64] | None, *, proba: bool) -> dict[str, pa.Array]:
        """`prediction`, the letter of the most probable choice, a gap where there is none; and `p_A` and so on."""
        del weights, proba
        each = {f"p_{letter_of(place)}": pa.array(p[:, place]) for place in range(p.shape[1])}
        return {"prediction": pa.array(_letters(p), pa.string()), **each}

    def given(self, table: pa.Table, name: str) -> Given:
        """The columns that `columns` writes; or `prediction` alone, letters, for certain; or `response`, what a model
        said, in which the letter is found by the rule.
        """
        known = {f"p_{letter_of(place)}": place for place in range(self.most)}
        found = [column for column in table.column_names if column in known]
        try:
            if found:
                p = np.zeros((len(table), self.most))
                for column in found:
                    p[:, known[column]] = numbers_of(table, column, name)
                return Given(named=self.accepted(p, len(table)))
            responses, said = responses_given(table, name)
            if responses is not None:
                p = self.answered(responses)
                return Given(named=p, notes=(*said, *unanswered(name, self.extract, ~p.any(axis=1))))
            letters, said = texts_given(table, name)
            p = self._certain(letters.to_pylist())
            self._require_letters(table, letters.to_pylist(), p, name)
            return Given(named=p, notes=said)
        except DataError as error:
            raise error if str(error).startswith(name) else DataError(f"{name}: {error}") from None

    def _require_letters(self, table: pa.Table, letters: Sequence[str | None], p: Values, name: str) -> None:
        wrong = [row for row, text in enumerate(letters) if text and text.strip() and not p[row].any()]
        if wrong:
            said = f"{name}: {len(wrong)} predictions are the letter of no choice"
            cure = f"A to {letter_of(self.most - 1)} expected; what models said goes into 'response'"
            refuse_rows(table, wrong, said, lambda row: repr(letters[row]), cure)

    def written(self, values: Values) -> list[str]:
        """The letter of the first right choice, or of the most probable one."""
        return ["no answer" if letter is None else letter for letter in _letters(values)]

    def retold(self, values: Values, x: Any) -> list[str]:
        """The text of the most probable choice: for who is shown them in another order its letter is another."""
        places = zip(self.offered(x), values.argmax(axis=1).tolist(), (values > 0).any(axis=1).tolist(), strict=True)
        return [choices[place] if some else "no answer" for choices, place, some in places]

    def alike(self, p: Values) -> list[str | None]:
        """Letters."""
        return _letters(p)

    def slices(self, y: Values) -> list[Grouping]:
        """By the place of the first right choice: models may like some letters."""
        codes = y.argmax(axis=1)
        names = tuple(letter_of(place) for place in range(self.most))
        return [Grouping(column="the right choice", values=names, codes=codes.astype(np.int32))]


def _letters(p: Values) -> list[str | None]:
    best, any_ = p.argmax(axis=1).tolist(), (p > 0).any(axis=1).tolist()
    return [letter_of(place) if some else None for place, some in zip(best, any_, strict=True)]
