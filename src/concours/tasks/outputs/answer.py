"""Short answers: targets are an Arrow array (rows,) of lists of strings, the right answers of a question.

Predictions are lists of texts with shares, the best first, as those of texts are (`tasks.nbest`); but a list may be
empty: no answer, which is never right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.kernels.joining.tally import tally
from concours.kernels.scoring.answers import same_answer
from concours.tasks.extraction import checked_rule, extracted, stands_in, wish_of
from concours.tasks.lengths import by_words
from concours.tasks.metrics.answers import MEASURES
from concours.tasks.metrics.metric import Metric
from concours.tasks.nbest import LONGEST, accepted, first_texts, flat, nbest
from concours.tasks.outputs.output import Encoded, Heard, Join, OutputKind, Values
from concours.tasks.places import RowError
from concours.tasks.predicted import Given, responses_given, texts_given, unanswered
from concours.tasks.slices import Grouping

if TYPE_CHECKING:
    from concours.tasks.task import Task

RIGHT: Final = pa.list_(pa.string())
_KEPT: Final = 16
"""Answers of a row that are kept where members are joined."""


def _vote(members: Iterable[Values], weights: NDArray[np.float64]) -> Values:
    """Shares times weights, added up by which answers are the same (`kernels.scoring.answers.same_answer`).

    So equal weights make it a majority, and others a weighted one (self-consistency, Wang et al. 2023). Ties go to the
    answer that is first in the order of texts, so that the order of members does not matter; of several ways to write
    an answer the one with the most votes is kept, of equal ones the shortest.
    """
    some = [(flat(member), weight) for member, weight in zip(members, weights, strict=True) if np.any(weight)]
    if not some:
        raise ValueError("a vote needs a member with a weight; all weights are zero")
    rows = len(some[0][0][1]) - 1
    row = np.concatenate([np.repeat(np.arange(rows), np.diff(offsets)) for (_, offsets, _), _ in some])
    texts = pa.concat_arrays([texts for (texts, _, _), _ in some])
    each = [np.broadcast_to(np.asarray(weight, dtype=np.float64), rows) for _, weight in some]
    votes = [shares * np.repeat(w, np.diff(offsets)) for ((_, offsets, shares), _), w in zip(some, each, strict=True)]
    coded = pc.dictionary_encode(texts)
    words = coded.dictionary.to_pylist()
    at = coded.indices.to_numpy()
    text, answer = _ranks([(len(word), word) for word in words])[at], _ranks(list(map(same_answer, words)))[at]
    found = tally(row, answer, text, np.concatenate(votes), rows=rows, most=_KEPT)
    return nbest(found.offsets, texts.take(pa.array(found.places)), found.shares)


def _ranks(keys: Sequence[Any]) -> NDArray[np.int64]:
    """The place of each key in the order of all different ones."""
    place = {key: rank for rank, key in enumerate(sorted(set(keys)))}
    return np.asarray([place[key] for key in keys], dtype=np.int64)


@dataclass(frozen=True, kw_only=True)
class Answer(OutputKind):
    """A short answer.

    Attributes:
        extract: the rule by which an answer is found in what a model says (`tasks.extraction`).
    """

    name: ClassVar[str] = "answer"
    task = "a task of short answers"
    estimator = "predictor"
    metrics = ("exact_match", "f1_tokens")
    joins: ClassVar[Mapping[str, Join]] = {"vote": _vote}
    measures: ClassVar[Mapping[str, Callable[[Any], Metric]]] = MEASURES
    can: ClassVar[Mapping[str, str]] = {
        "majority": "vote",
        "cascade": "scored",
        "select": "",
        "answers": "",
        "diagnose": "concours.insights.diagnosis:of_rows",
    }
    by_rows = "exact_match"
    texts = True
    extract: str = "whole"

    @property
    def said(self) -> str:
        return "a short answer"

    @classmethod
    def checked(cls, y: Values, task: Task, name: str) -> Values:
        """Lists of texts, none empty."""
        del task
        y = y.combine_chunks() if isinstance(y, pa.ChunkedArray) else y
        bare = pc.fill_null(pc.equal(pc.list_value_length(y), 0), True).to_numpy(zero_copy_only=False)
        long = pc.greater(pc.utf8_length(y.flatten()), LONGEST).to_numpy(zero_copy_only=False)
        if bare.any():
            raise RowError(f"{name}:", int(np.argmax(bare)) + 1, f" has no answer; {bare.sum()} such rows of {len(y)}")
        if long.any():
            raise DataError(f"{name}: {long.sum()} answers have more than {LONGEST:,} characters")
        return y.cast(RIGHT)

    @classmethod
    def encode(cls, y: Values, task: Task, name: str, **meta: Any) -> Encoded:
        """As they are."""
        del task
        if len(y) and len({same_answer(right) for right in y.flatten().to_pylist()}) < 2:
            raise DataError(f"{name}: the answer is {y[0].as_py()[0]!r} in every row; there is nothing to ask")
        return Encoded(output=cls(extract=checked_rule(meta["extract"])), values=y)

    def encoded(self, y: Values, name: str) -> tuple[Values, tuple[str, ...]]:
        """As they are."""
        del name
        return y, ()

    def accepted(self, p: Values, rows: int) -> Values:
        """Lists of texts with shares (`tasks.nbest.accepted`), or a text a row; empty and missing are no answer."""
        return accepted(p, rows, least=0)

    def answer_of(self, response: str) -> str | None:
        """The answer in what a model said, by the rule of the task; none where there is none."""
        return extracted(self.extract, response)

    def answered(self, responses: Sequence[str | None]) -> Values:
        """Predictions (rows,) of who said one thing a row, or nothing."""
        found = [None if response is None else self.answer_of(response) for response in responses]
        return self.accepted(pa.array(found, pa.string()), len(found))

    @property
    def wish(self) -> str:
        return wish_of(self.extract)

    def heard(self, said: Sequence[Sequence[str]], x: Any) -> Heard:
        """What is found in each; of several, shares of those that are the same (self-consistency, Wang et al. 2023)."""
        del x
        found = [[self.answer_of(text) for text in of] for of in said]
        times = max(map(len, found), default=0)
        members = [
            self.accepted(pa.array([of[time] for of in found], pa.string()), len(found)) for time in range(times)
        ]
        predictions = _vote(members, np.ones(times)) if times else self.accepted(pa.array([], pa.string()), 0)
        return Heard(predictions=predictions, parsed=[answer is not None for of in found for answer in of])

    def prior(self, y: Values, weights: NDArray[np.float64] | None) -> Values:
        """The most frequent right answer."""
        lengths = pc.list_value_length(y).to_numpy(zero_copy_only=False)
        each = np.ones(len(y)) if weights is None or not weights.any() else weights
        shares = np.repeat(each / lengths, lengths)
        one = nbest(np.array([0, len(shares)]), y.flatten(), shares / shares.sum())
        return nbest(np.array([0, 1]), flat(_vote([one], np.ones(1)))[0].slice(0, 1), np.ones(1))

    def agreement(self, said: Values, other: Values) -> NDArray[np.float64]:
        """By which answers are the same (`kernels.scoring.answers.same_answer`)."""
        best = [None if text is None else same_answer(text) for text in first_texts(said)]
        texts, offsets, shares = flat(other)
        row = np.repeat(np.arange(len(best)), np.diff(offsets))
        same = [same_answer(text) == best[at] for text, at in zip(texts.to_pylist(), row.tolist(), strict=True)]
        return np.bincount(row, weights=shares * np.asarray(same, dtype=np.float64), minlength=len(best)).astype(
            np.float64
        )

    def traits(self, said: Values, rows: Sequence[str]) -> NDArray[np.float64]:
        """How long it is, as a logarithm of its characters, and whether it stands in the row."""
        pairs = [(text or "", row) for text, row in zip(first_texts(said), rows, strict=True)]
        return np.array([[np.log1p(len(text)), stands_in(text, row)] for text, row in pairs]).reshape(-1, 2)

    def answers(self, p: Values, weights: NDArray[np.float64] | None) -> Any:
        """Texts (rows,), none where there is no answer."""
        del weights
        return np.asarray(first_texts(p), dtype=object)

    def columns(self, p: Values, weights: NDArray[np.float64] | None, *, proba: bool) -> dict[str, pa.Array]:
        """`prediction`, the answer; a gap where there is none."""
        del weights, proba
        return {"prediction": pa.array(first_texts(p), pa.string())}

    def given(self, table: pa.Table, name: str) -> Given:
        """The column `prediction`, the answer; or `response`, what a model said, in which it is found by the rule."""
        responses, said = responses_given(table, name)
        if responses is not None:
            named = self.answered(responses)
            return Given(named=named, notes=(*said, *unanswered(name, self.extract, np.diff(flat(named)[1]) == 0)))
        column, notes = texts_given(table, name)
        try:
            return Given(named=self.accepted(column, len(column)), notes=notes)
        except DataError as error:
            raise DataError(f"{name}: {error}") from None

    def written(self, values: Values) -> list[str]:
        """The right answers, or the best one said."""
        if values.type == RIGHT:
            return [" or ".join(rights) for rights in values.to_pylist()]
        return ["no answer" if text is None else text for text in first_texts(values)]

    def alike(self, p: Values) -> list[str | None]:
        """The number that an answer is, or else its text, normalised."""
        return [None if text is None else same_answer(text) for text in first_texts(p)]

    def slices(self, y: Values) -> list[Grouping]:
        """By the length of the first right answer, in words."""
        return [by_words(pc.list_element(y, 0), "words of the answer")]
