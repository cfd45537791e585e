"""Texts: targets are an Arrow array (rows,) of strings, predictions one of lists of texts with shares, the best first.

The share of a text is how probable its model finds it, of those that it says; those of a row sum to 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy import sparse

from concours.core.errors import DataError, nearest
from concours.kernels.joining.bayes_risk import Candidates, least_risk
from concours.kernels.scoring.ngrams import mutual_chrf
from concours.kernels.scoring.spread import spread
from concours.tasks.extraction import spoken
from concours.tasks.lengths import by_words, characters
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.texts import bleu_metric, characters_of, chrf_metric, plain, sentence_metric
from concours.tasks.nbest import LONGEST, accepted, best_texts, different, nbest
from concours.tasks.outputs.output import Encoded, Heard, Join, OutputKind, Values
from concours.tasks.places import RowError
from concours.tasks.predicted import Given, texts_given
from concours.tasks.slices import Grouping
from concours.tasks.texts import blank

if TYPE_CHECKING:
    from concours.tasks.task import Task

Likeness = Callable[[pa.Array, NDArray[np.int64]], sparse.csr_array]
"""From texts, one row behind the other, and where rows begin, to how good each is where another of its row is right."""

_KEPT = 4
"""Texts of a row that are kept where members are joined."""
_NOTHING = "…"
_TRIED = 200
"""Targets of which one is said for want of anything better."""


def by_characters(texts: pa.Array, offsets: NDArray[np.int64]) -> sparse.csr_array:
    """A `Likeness`: sentence chrF."""
    return mutual_chrf(characters_of(texts.to_pylist()), offsets)


def bayes_risk(likeness: Likeness) -> Join:
    """The join by minimum Bayes risk, as `least_risky`."""

    def joined(members: Iterable[Values], weights: NDArray[np.float64]) -> Values:
        weighed = [(member, weight) for member, weight in zip(members, weights, strict=True) if np.any(weight)]
        if not weighed:
            raise ValueError("a blend needs a member with a weight; all weights are zero")
        some, each = zip(*weighed, strict=True)
        return least_risky(some, likeness)(np.asarray(each, dtype=np.float64))

    return joined


def least_risky(
    members: Sequence[Values], likeness: Likeness = by_characters
) -> Callable[[NDArray[np.float64]], Values]:
    """Minimum Bayes risk (`kernels.joining.bayes_risk`) over what members say."""
    texts, offsets, shares = different(members)
    candidates = Candidates(offsets=offsets, shares=shares, likeness=likeness(texts, offsets))

    def joined(weights: NDArray[np.float64]) -> Values:
        chosen = least_risk(candidates, weights, most=_KEPT)
        return nbest(chosen.offsets, texts.take(pa.array(chosen.places)), chosen.shares)

    return joined


@dataclass(frozen=True, kw_only=True)
class Text(OutputKind):
    """A text."""

    name: ClassVar[str] = "text"
    task = "a task of texts"
    estimator = "predictor"
    metrics: ClassVar[tuple[str, ...]] = ("chrf", "bleu")
    joins: ClassVar[Mapping[str, Join]] = {"bayes-risk": bayes_risk(by_characters)}
    measures: ClassVar[Mapping[str, Callable[[Any], Metric]]] = {
        "chrf": chrf_metric,
        "bleu": bleu_metric,
        "chrf_sentence": sentence_metric,
    }
    can: ClassVar[Mapping[str, str]] = {"align": "aligned", "diagnose": "concours.insights.diagnosis:of_rows"}
    packages = ("sacrebleu",)
    by_rows = "chrf_sentence"
    texts = True
    likeness: ClassVar[Likeness] = staticmethod(by_characters)

    @property
    def said(self) -> str:
        return "a text"

    @property
    def width(self) -> int:
        return _KEPT

    @classmethod
    def checked(cls, y: Values, task: Task, name: str) -> Values:
        """Texts, none empty."""
        del task
        y = plain(y)
        if pa.types.is_list(y.type):
            raise DataError(f"{name}: the target is a list in every row; one text a row was expected")
        too_long = pc.greater(pc.utf8_length(y), LONGEST).to_numpy(zero_copy_only=False)
        for found, said in ((blank(y), "is empty"), (too_long, "is too long")):
            if found.any():
                first = int(np.argmax(found)) + 1
                raise RowError(f"{name}: the target {said} in {found.sum()} of {len(y)} rows, first in", first)
        return y

    @classmethod
    def encode(cls, y: Values, task: Task, name: str, **meta: Any) -> Encoded:
        """As they are."""
        del task, meta
        if pc.count_distinct(y).as_py() < 2:
            raise DataError(f"{name}: the target is {y[0].as_py()!r} in every row; there is nothing to learn")
        return Encoded(output=cls(), values=y)

    def encoded(self, y: Values, name: str) -> tuple[Values, tuple[str, ...]]:
        """As they are."""
        del name
        return plain(y), ()

    def accepted(self, p: Values, rows: int) -> Values:
        """Lists of texts with shares (`tasks.nbest.accepted`); a text a row will do."""
        return accepted(p, rows)

    def heard(self, said: Sequence[Sequence[str]], x: Any) -> Heard:
        """Each text that is said, with the share of the answers that are it; where nothing is, `…`."""
        del x
        said = [[spoken(text).strip() for text in of] for of in said]
        each = [Counter(filter(None, of)).most_common() or [(_NOTHING, 1)] for of in said]
        offsets = np.cumsum([0, *map(len, each)])
        shares = [count / sum(n for _, n in of) for of in each for _, count in of]
        texts = pa.array([text for of in each for text, _ in of], pa.string())
        parsed = [bool(text) for of in said for text in of]
        return Heard(predictions=nbest(offsets, texts, np.asarray(shares)), parsed=parsed)

    def prior(self, y: Values, weights: NDArray[np.float64] | None) -> Values:
        """Of some of the targets the one that is most like the others."""
        some = np.arange(len(y))[:: (len(y) - 1) // _TRIED + 1]
        texts = y.take(pa.array(some))
        each = np.ones(len(some)) if weights is None or not weights[some].any() else weights[some]
        shares = (each / each.sum())[None]
        offsets = np.array([0, len(some)])
        found = Candidates(offsets=offsets, shares=shares, likeness=type(self).likeness(texts, offsets))
        best = least_risk(found, np.ones(1), most=1)
        return nbest(best.offsets, texts.take(pa.array(best.places)), best.shares)

    def spread(self, y: Values, test: Values | None) -> dict[str, Any]:
        """Of how many characters targets have; see `kernels.scoring.spread`."""
        return {**spread(characters(y), None if test is None else characters(test)), "of": "characters of the target"}

    def answers(self, p: Values, weights: NDArray[np.float64] | None) -> Any:
        """Texts (rows,)."""
        del weights
        return np.asarray(best_texts(p), dtype=object)

    def columns(self, p: Values, weights: NDArray[np.float64] | None, *, proba: bool) -> dict[str, pa.Array]:
        """`prediction`, the best text."""
        del weights, proba
        return {"prediction": pa.array(best_texts(p), pa.string())}

    def given(self, table: pa.Table, name: str) -> Given:
        """The column `prediction`; where spreadsheets are guarded against formulas, the texts without that."""
        column, notes = texts_given(table, name)
        try:
            return Given(named=self.accepted(column, len(column)), notes=notes)
        except DataError as error:
            raise DataError(f"{name}: {error}") from None

    def written(self, values: Values) -> list[str]:
        """Targets, or the best texts."""
        return values.to_pylist() if pa.types.is_string(values.type) else best_texts(values)

    def slices(self, y: Values) -> list[Grouping]:
        """By the length of the target, in words."""
        return [by_words(y, "words of the target")]

    def joining(self, rule: str, members: Sequence[Values]) -> Callable[[NDArray[np.float64]], Values]:
        """What is said is compared once, whatever the weights."""
        if rule not in self.joins:
            raise ValueError(f"unknown rule {rule!r}; {nearest(rule, self.joins)}")
        return least_risky(members, type(self).likeness)
