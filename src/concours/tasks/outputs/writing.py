"""Texts that are judged: targets are references, an Arrow array (rows,) of strings, all empty where there are none.

Predictions are a text a row with the grades that judges gave it (`tasks.written`). So whoever passes a text on, a route
or a consensus, passes on what was said of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.core.errors import ContestError, DataError, nearest
from concours.core.had import content_file
from concours.kernels.scoring.spread import spread
from concours.tasks.extraction import without_thinking
from concours.tasks.judges import judges_of, rubric_of
from concours.tasks.lengths import by_words, characters
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.texts import plain
from concours.tasks.metrics.writings import MEASURES
from concours.tasks.nbest import best_texts
from concours.tasks.outputs.output import Encoded, Heard, Join, OutputKind, Values
from concours.tasks.outputs.text import least_risky
from concours.tasks.places import RowError
from concours.tasks.predicted import Given, responses_given, texts_given
from concours.tasks.slices import Grouping
from concours.tasks.written import (
    GRADES,
    JUDGE_SCORE,
    LONGEST,
    LOWEST,
    WIN_RATE,
    WRITTEN,
    accepted,
    texts_written,
    writings,
)

if TYPE_CHECKING:
    from concours.tasks.task import Task


def _joined(members: Iterable[Values], weights: NDArray[np.float64]) -> Values:
    weighed = [(member, weight) for member, weight in zip(members, weights, strict=True) if np.any(weight)]
    if not weighed:
        raise ValueError("a consensus needs a member with a weight; all weights are zero")
    some, each = zip(*weighed, strict=True)
    return _consensus(some)(np.asarray(each, dtype=np.float64))


def _consensus(members: Sequence[Values]) -> Callable[[NDArray[np.float64]], Values]:
    """Of what members wrote the text that is most like the others (minimum Bayes risk by sentence chrF), as judged."""
    if len(members) == 1:
        return lambda weights: members[0]
    joined, rows = least_risky(members), len(members[0])
    everything = pa.concat_arrays(members)

    def found(weights: NDArray[np.float64]) -> Values:
        chosen = pa.array(best_texts(joined(weights)), pa.string())
        said = [pc.equal(texts_written(member), chosen).to_numpy(zero_copy_only=False) for member in members]
        return everything.take(pa.array(np.argmax(said, axis=0) * rows + np.arange(rows)))

    return found


@dataclass(frozen=True, kw_only=True)
class Writing(OutputKind):
    """A text of any length.

    Attributes:
        judges: who is asked about it, each with `name`, `recipe` and `params`.
        rubric: by what they judge; nothing for what is usual.
        asks: which of `GRADES` they are asked for.
        referenced: whether there is a reference for each row.
    """

    name: ClassVar[str] = "writing"
    task = "a task of writing"
    estimator = "predictor"
    metrics = (WIN_RATE,)
    joins: ClassVar[Mapping[str, Join]] = {"consensus": _joined}
    measures: ClassVar[Mapping[str, Callable[[Any], Metric]]] = MEASURES
    can: ClassVar[Mapping[str, str]] = {"judge": "judge"}
    packages = ("sacrebleu",)
    by_rows = "chrf_sentence"
    texts = True
    judges: tuple[Mapping[str, Any], ...] = ()
    rubric: str = ""
    asks: tuple[str, ...] = ()
    referenced: bool = True

    @property
    def said(self) -> str:
        return "a text"

    @property
    def _filed(self) -> bool:
        """Whether all verdicts are there already, on whatever texts were compared with."""
        return all(content_file(judge["recipe"]) for judge in self.judges)

    @property
    def usual(self) -> tuple[str, ...]:
        """What judges say, where there are any."""
        if not self.judges:
            return ("chrf",)
        return (WIN_RATE,) if self.referenced else (JUDGE_SCORE,)

    @classmethod
    def checked(cls, y: Values, task: Task, name: str) -> Values:
        """Texts (rows,): the first of each list."""
        del task
        y = plain(pc.list_element(y, 0))
        long = pc.greater(pc.utf8_length(y), LONGEST).to_numpy(zero_copy_only=False)
        if long.any():
            first = int(np.argmax(long)) + 1
            raise RowError(f"{name}: the reference of", first, f" has more than {LONGEST:,} characters")
        return y

    @classmethod
    def encode(cls, y: Values, task: Task, name: str, **meta: Any) -> Encoded:
        """As they are."""
        judges, rubric = judges_of(task.options.get("judge")), rubric_of(task.options.get("rubric"))
        referenced = bool(meta["referenced"])
        if not judges and not referenced:
            raise ContestError(
                f"{name}: nothing tells a good text from a bad one: name a judge by [[task.judge]], or the column of "
                "reference answers by task.answer"
            )
        output = cls(judges=judges, rubric=rubric, referenced=referenced)
        asks = tuple(grade for grade in GRADES if grade in (task.metrics or output.usual))
        return Encoded(output=cls(judges=judges, rubric=rubric, asks=asks, referenced=referenced), values=y)

    def encoded(self, y: Values, name: str) -> tuple[Values, tuple[str, ...]]:
        """As they are."""
        del name
        return y, ()

    def metric(self, name: str, labels: Sequence[Any] | None = None) -> Metric:
        """As of any output; what judges say needs judges, and what compares a reference."""
        if name in GRADES and not self.judges:
            raise ContestError(f"task.metrics: {name} is what judges say: name one by [[task.judge]]")
        compared = name in MEASURES and name != JUDGE_SCORE and not (name == WIN_RATE and self._filed)
        if compared and not self.referenced:
            raise ContestError(
                f"task.metrics: {name} compares with reference answers: name their column by task.answer, or let "
                f'judges grade without, by metrics = ["{JUDGE_SCORE}"]'
            )
        return super().metric(name, labels)

    def accepted(self, p: Values, rows: int) -> Values:
        """Texts (`tasks.written.accepted`); a missing one is empty."""
        return accepted(p, rows)

    def heard(self, said: Sequence[Sequence[str]], x: Any) -> Heard:
        """What is said, without thinking; of several answers the one that is most like the others."""
        del x
        texts = [[without_thinking(text).strip() for text in of] for of in said]
        times = max(map(len, texts), default=0)
        each = [pa.array([of[time] for of in texts], pa.string()) for time in range(times)]
        members = [self.accepted(one, len(texts)) for one in each]
        predictions = _consensus(members)(np.ones(times)) if times else self.accepted(pa.array([], pa.string()), 0)
        return Heard(predictions=predictions, parsed=[bool(text) for of in texts for text in of])

    def prior(self, y: Values, weights: NDArray[np.float64] | None) -> Values:
        """Nothing, which wins nothing."""
        del y, weights
        return writings(pa.array([""]), {WIN_RATE: np.zeros(1), JUDGE_SCORE: np.full(1, LOWEST)})

    def spread(self, y: Values, test: Values | None) -> dict[str, Any]:
        """Of how many characters references have; see `kernels.scoring.spread`."""
        if not self.referenced:
            return {}
        found = spread(characters(y), None if test is None else characters(test))
        return {**found, "of": "characters of the reference"}

    def answers(self, p: Values, weights: NDArray[np.float64] | None) -> Any:
        """Texts (rows,)."""
        del weights
        return np.asarray(best_texts(p), dtype=object)

    def columns(self, p: Values, weights: NDArray[np.float64] | None, *, proba: bool) -> dict[str, pa.Array]:
        """`prediction`, the text."""
        del weights, proba
        return {"prediction": texts_written(p)}

    def given(self, table: pa.Table, name: str) -> Given:
        """The column `prediction`; or `response`, what a model said, without thinking; a gap is an empty text."""
        responses, notes = responses_given(table, name)
        if responses is None:
            column, notes = texts_given(table, name)
            responses = column.to_pylist()
        texts = [without_thinking(text or "").strip() for text in responses]
        empty = texts.count("")
        told = (f"{name}: {empty:,} of {len(texts):,} texts are empty: they win nothing",) if empty else ()
        try:
            return Given(named=accepted(pa.array(texts, pa.string()), len(texts)), notes=(*notes, *told))
        except DataError as error:
            raise DataError(f"{name}: {error}") from None

    def written(self, values: Values) -> list[str]:
        """References, or texts."""
        texts = texts_written(values) if values.type == WRITTEN else values
        found: list[str] = texts.to_pylist()
        return found

    def joining(self, rule: str, members: Sequence[Values]) -> Callable[[NDArray[np.float64]], Values]:
        """What is written is compared once, whatever the weights."""
        if rule not in self.joins:
            raise ValueError(f"unknown rule {rule!r}; {nearest(rule, self.joins)}")
        return _consensus(members)

    def slices(self, y: Values) -> list[Grouping]:
        """By the length of the reference, in words."""
        if not self.referenced:
            return []
        return [by_words(y, "words of the reference")]
