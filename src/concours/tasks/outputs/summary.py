"""Summaries: targets are an Arrow array (rows,) of lists of strings, the references of a text, of which any is right.

Predictions are lists of texts with shares, the best first, as those of texts are (`tasks.nbest`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy import sparse

from concours.kernels.scoring.ngrams import Sequences, mutual_scores
from concours.tasks.choices import lists_of
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.summaries import MEASURES, wordless
from concours.tasks.nbest import LONGEST
from concours.tasks.outputs.output import Encoded, Join, Values
from concours.tasks.outputs.text import Likeness, Text, bayes_risk
from concours.tasks.places import RowError
from concours.tasks.slices import Grouping

if TYPE_CHECKING:
    from concours.tasks.task import Task

REFERENCES: Final = pa.list_(pa.string())
_WORD = re.compile(r"\w+")


def by_words(texts: pa.Array, offsets: NDArray[np.int64]) -> sparse.csr_array:
    """A `Likeness`: the F-score of words, which ROUGE-1 is but for its stems."""
    numbers = dict[str, int]()
    words = [_WORD.findall(text.lower()) for text in texts.to_pylist()]
    codes = [numbers.setdefault(word, len(numbers)) for each in words for word in each]
    found = Sequences(codes=np.asarray(codes, dtype=np.int64), offsets=np.cumsum([0, *map(len, words)]))
    return mutual_scores(found, offsets, longest=1, beta=1.0)


@dataclass(frozen=True, kw_only=True)
class Summary(Text):
    """A text that says of a longer one what matters."""

    name: ClassVar[str] = "summary"
    task = "a task of summaries"
    metrics: ClassVar[tuple[str, ...]] = ("rouge1", "rouge2", "rougeL")
    joins: ClassVar[Mapping[str, Join]] = {"bayes-risk": bayes_risk(by_words)}
    measures: ClassVar[Mapping[str, Callable[[Any], Metric]]] = MEASURES
    packages = ("rouge-score",)
    by_rows = "rouge1"
    likeness: ClassVar[Likeness] = staticmethod(by_words)

    @property
    def said(self) -> str:
        return "a summary"

    @classmethod
    def checked(cls, y: Values, task: Task, name: str) -> Values:
        """Lists of texts, none empty, none too long."""
        del task
        rows = lists_of(y if isinstance(y, pa.ChunkedArray) else pa.chunked_array([y]))
        faults = ["is empty" if not row else "is too long" if max(map(len, row)) > LONGEST else "" for row in rows]
        if bad := [place for place, fault in enumerate(faults) if fault]:
            first = bad[0]
            raise RowError(f"{name}: the target {faults[first]} in {len(bad)} of {len(y)} rows, first in", first + 1)
        return pa.array(rows, REFERENCES)

    @classmethod
    def encode(cls, y: Values, task: Task, name: str, **meta: Any) -> Encoded:
        """As they are."""
        super().encode(_first(y), task, name, **meta)
        none = wordless(y.to_pylist())
        told = f"{name}: {none:,} of {len(y):,} summaries have no word of the letters a to z: ROUGE counts no others"
        return Encoded(output=cls(), values=y, warnings=(told,) if none else ())

    def encoded(self, y: Values, name: str) -> tuple[Values, tuple[str, ...]]:
        """As they are."""
        del name
        return y, ()

    def prior(self, y: Values, weights: NDArray[np.float64] | None) -> Values:
        """Of some of the first references the one that is most like the others."""
        return super().prior(_first(y), weights)

    def spread(self, y: Values, test: Values | None) -> dict[str, Any]:
        """Of how many characters first references have; see `kernels.scoring.spread`."""
        return super().spread(_first(y), None if test is None else _first(test))

    def written(self, values: Values) -> list[str]:
        """References, or the best texts."""
        if values.type == REFERENCES:
            return [" | ".join(references) for references in values.to_pylist()]
        return super().written(values)

    def slices(self, y: Values) -> list[Grouping]:
        """By the length of the first reference, in words."""
        return super().slices(_first(y))


def _first(y: Values) -> pa.Array:
    return pc.list_element(y, 0)
