"""Anomalies: how strange a row is.

Targets are (rows, 2) float64: 1 where the row is an anomaly, else 0; and its place, a whole number. Rows that follow
one another in one series have places one apart, others lie further apart. Predictions are (rows, 1) float64, minus
log10 of the share of the rows that were fitted on that are at least as strange: 1 is as strange as the strangest tenth
of them, 2 as the strangest hundredth. So scores of any two detectors are on one scale, and a single new row can be
scored; a weighted mean of them is an average of ranks, by their logarithms, in which being among the very strangest
counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.core.written import number_in, written
from concours.kernels.joining.blending import blend
from concours.tasks.metrics.anomalies import MEASURES, called
from concours.tasks.metrics.metric import Metric
from concours.tasks.outputs.output import Codes, Encoded, Join, OutputKind, Values, numbers
from concours.tasks.places import RowError
from concours.tasks.predicted import Given, numbers_given
from concours.tasks.slices import Grouping

if TYPE_CHECKING:
    from concours.tasks.task import Task

_APART: Final = 2
"""How far places of rows lie apart that do not follow one another."""
_TRUTHS: Final = {"true": 1.0, "false": 0.0}
_WORDS: Final = ("normal", "anomaly")
_SURE: Final = 0.01
"""Of the rows that are fitted on, how many are called where none of them is an anomaly."""


@dataclass(frozen=True, kw_only=True)
class Anomaly(OutputKind):
    """A score of strangeness.

    Attributes:
        share: of the rows that are fitted on that are anomalies: so many are called.
        window: of a series, the values that a row holds before what it tells of its past; 0 of a table.
        time, watched, series: the columns of series that have these; none where there are no such.
    """

    name: ClassVar[str] = "anomaly"
    task = "a search for anomalies"
    by_rows = "misplaced"
    estimator = "predictor"
    metrics = ("average_precision", "roc_auc", "range_f1")
    joins: ClassVar[Mapping[str, Join]] = {"mean": blend}
    can: ClassVar[Mapping[str, str]] = {"sum": "", "diagnose": "concours.insights.anomalies:of_scores"}
    measures: ClassVar[Mapping[str, Callable[[Any], Metric]]] = MEASURES
    share: float = _SURE
    window: int = 0
    time: str | None = None
    watched: str | None = None
    series: str | None = None

    @property
    def said(self) -> str:
        return "how strange a row is"

    @property
    def telling(self) -> Mapping[str, Any]:
        return {"window": self.window}

    @classmethod
    def checked(cls, y: Values, task: Task, name: str) -> Values:
        """(rows,) 1 of anomalies, else 0: the labels as they are, or those of two that `task.positive` names."""
        return _flags(np.asarray(y), task.positive, name)

    @classmethod
    def encode(cls, y: Values, task: Task, name: str, **meta: Any) -> Encoded:
        """With places, where the reader gave none."""
        del task
        values = _placed(y)
        anomalies = int(values[:, 0].sum())
        if not anomalies or anomalies == len(values):
            which = "no row is" if not anomalies else f"all {len(values):,} rows are"
            raise DataError(f"{name}: {which} labelled an anomaly, so nothing can be judged; label both sorts")
        said = [f"{anomalies:,} of {len(values):,} rows are anomalies: are labels the wrong way round?"]
        return Encoded(output=cls(**meta), values=values, warnings=tuple(said if 2 * anomalies > len(values) else ()))

    def encoded(self, y: Values, name: str) -> tuple[Values, tuple[str, ...]]:
        """With places, where the reader gave none."""
        del name
        return _placed(y), ()

    def learned(
        self, x: Any, y: Values, rows: NDArray[np.int64], test: Values | None
    ) -> tuple[OutputKind, tuple[str, ...]]:
        """With the share of the rows that are fitted on that are anomalies."""
        del x
        share = float(y[rows, 0].mean())
        told = [f"{100 * share:.3g}% of the rows that are fitted on are anomalies: as many are called"]
        if not share:
            share = _SURE
            told = [f"none of the rows that are fitted on is an anomaly: {100 * share:g}% of such rows are called"]
        if test is not None and len(np.unique(test[:, 0])) < 2:
            which = "no row" if not test[:, 0].any() else "every row"
            told.append(f"{which} that judges is an anomaly: scores are undefined; choose another split")
        return replace(self, share=share), tuple(told)

    def strata(self, values: Values) -> Codes | None:
        """Anomalies, and the others."""
        codes: Codes = values[:, 0].astype(np.int64)
        return codes

    def accepted(self, p: Values, rows: int) -> Values:
        """Scores (rows, 1) as float64; (rows,) will do. Those of another scale are ranked as they are."""
        return numbers(p[:, None] if isinstance(p, np.ndarray) and p.ndim == 1 else p, (rows, 1))

    def prior(self, y: Values, weights: NDArray[np.float64] | None) -> Values:
        """As strange as any."""
        del y, weights
        return np.zeros((1, 1))

    def answers(self, p: Values, weights: NDArray[np.float64] | None) -> Any:
        """Scores (rows,)."""
        del weights
        return p[:, 0]

    def columns(self, p: Values, weights: NDArray[np.float64] | None, *, proba: bool) -> dict[str, pa.Array]:
        """`prediction`, the score, and `anomaly`, whether it is called one."""
        del weights, proba
        return {"prediction": pa.array(p[:, 0]), "anomaly": pa.array(called(p, self.share).astype(np.int64))}

    def given(self, table: pa.Table, name: str) -> Given:
        """The column `prediction`."""
        return numbers_given(table, name)

    def written(self, values: Values) -> list[str]:
        """Of targets a word, of predictions the score, and how rare that is."""
        if values.shape[1] == 2:
            return [_WORDS[int(flag)] for flag in values[:, 0]]
        return [f"{value:.3g}, as 1 of {10.0 ** min(value, 9.0):,.3g}" for value in values[:, 0].tolist()]

    def slices(self, y: Values) -> list[Grouping]:
        """None: how far a score is from its end says little of anomalies beside normal rows."""
        del y
        return []


def _placed(y: Values) -> Values:
    found = np.asarray(y, dtype=np.float64)
    return found if found.ndim > 1 else np.stack([found, _APART * np.arange(len(found), dtype=np.float64)], axis=1)


def _flags(y: NDArray[Any], positive: Any, name: str) -> Values:
    """Labels as 0 and 1."""
    texts = [written(value).strip() for value in y.tolist()]
    if positive is not None:
        wanted = written(positive).strip()
        if wanted not in texts:
            known = ", ".join(map(repr, sorted(set(texts))[:6]))
            raise DataError(f"task.positive: {name} has no label {wanted!r}; it has {known}")
        return np.array([float(text == wanted) for text in texts])
    found = [_TRUTHS.get(text.lower(), number_in(text)) for text in texts]
    wrong = next((row for row, value in enumerate(found) if value not in (0, 1)), None)
    if wrong is not None:
        raise RowError(
            f"{name}:",
            wrong + 1,
            f": the label is {texts[wrong]!r}, and 0 for a normal row or 1 for an anomaly was expected; name the label "
            "of anomalies by positive in [task]",
        )
    return np.array(found, dtype=np.float64)
