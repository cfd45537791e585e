"""How a served model stands: drift of what comes in and goes out, and its metrics by feedback, sure at every look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, Final

import numpy as np

from concours.kernels.watching.drift import Drift, drift
from concours.kernels.watching.means import Sums, interval
from concours.serving.watch.reference import Reference
from concours.serving.watch.tally import Tallies, Tally
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.rows import Mean
from concours.tasks.outputs.table import output_valued

ALPHA: Final = 0.05
"""What all intervals of a page may be wrong together, at whatever look."""
_SIZES: Final = ((0.25, "large"), (0.1, "moderate"), (0.0, "slight"))
"""The usual words for a population stability index above so much, of what is certain."""


@dataclass(frozen=True, kw_only=True)
class Moved:
    """Something that is counted, and how far it is from training.

    Attributes:
        whole: over all rows; `recent`: over the last block or two, where there were more.
        bins: what each bin holds, with its rows in training and of the stream.
    """

    side: str
    name: str
    whole: Drift
    recent: Drift | None
    bins: tuple[tuple[str, int, int], ...]

    @property
    def drift(self) -> str:
        """How large the drift is that is certain, in a word; empty where none is."""
        low = max(self.whole.low, self.recent.low if self.recent else 0.0)
        return next((word for least, word in _SIZES if low > least), "")


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A metric by feedback, with an interval that holds at every look.

    Attributes:
        expected: on the board.
        value, low, high: over all rows of which the truth came; `recent` the same of the last block or two.
        worse: whether that is certainly worse than on the board, taken as it is there.
    """

    name: str
    greater_is_better: bool
    expected: float | None
    rows: int
    value: float
    low: float
    high: float
    recent: tuple[int, float, float, float] | None = None

    @property
    def worse(self) -> bool:
        """Whether the interval, or the recent one, lies on the wrong side of what was expected."""
        ends = [(self.low, self.high), *([self.recent[2:]] if self.recent else [])]
        if self.expected is None:
            return False
        return any(high < self.expected if self.greater_is_better else low > self.expected for low, high in ends)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How a served model stands.

    Attributes:
        model: its name; `trained` rows that it was fitted on.
        rows, told: that were predicted, and of how many the truth came.
        kept: rows that the log still has; `dropped` ones made room, `lost` ones were never written down.
        trouble: why nothing can be written down at the moment; empty where it can.
    """

    model: str
    trained: int
    rows: int
    told: int
    kept: int
    dropped: int
    lost: int
    moved: tuple[Moved, ...]
    measured: tuple[Measured, ...]
    trouble: str = ""

    def to_json(self) -> dict[str, Any]:
        """As JSON: numbers that are none, or infinite, are null."""
        found: dict[str, Any] = _plain(asdict(self))
        for value, each in zip(found["moved"], self.moved, strict=True):
            value["drift"] = each.drift
        for value, one in zip(found["measured"], self.measured, strict=True):
            value["worse"] = one.worse
        return found


def standing(reference: Reference, tallies: Tallies, *, kept: int, dropped: int, trouble: str = "") -> Standing:
    """How a model stands by what was counted.

    With a probability of 95% all intervals hold, of all that is watched and at all looks: half of what may go wrong is
    for those over everything, half for recent ones, of which those that begin with block b have a share of
    1 / b (b + 1).
    """
    each = ALPHA / max(len(reference.inputs) + len(reference.outputs) + len(reference.metrics), 1) / 2
    block = tallies.block - 1  # what is recent began with it; block 0 began with everything
    again = each / (block * (block + 1)) if block > 0 else 0.0
    sides = (("input", reference.inputs), ("output", reference.outputs))
    whole, recent = tallies.whole, tallies.older
    moved = []
    for side, columns in sides:
        for column in columns:
            key, trained = f"{side}: {column.name}", column.trained
            seen = np.asarray(whole.counts.get(key, np.zeros_like(trained)))
            late = np.asarray(recent.counts.get(key, np.zeros_like(trained)))
            found = drift(trained, seen, alpha=each)
            newly = drift(trained, late, alpha=again) if again else None
            bins = tuple(zip(column.bins, trained.tolist(), seen.tolist(), strict=True))
            moved.append(Moved(side=side, name=column.name, whole=found, recent=newly, bins=bins))
    metrics = metrics_of(reference)
    return Standing(
        model=reference.model,
        trained=reference.rows,
        rows=whole.rows,
        told=whole.told,
        kept=kept,
        dropped=dropped,
        lost=tallies.lost,
        moved=tuple(moved),
        measured=tuple(
            _measured(reference, metric, whole, recent if again else None, each, again) for metric in metrics.values()
        ),
        trouble=trouble,
    )


def metrics_of(reference: Reference) -> dict[str, Metric]:
    """What is measured by feedback, by name."""
    output = output_valued(reference.output)
    return {name: output.metric(name, reference.output.labels or None) for name in reference.metrics}


def bounds(metric: Metric) -> tuple[float, float]:
    """Of the score of a row: those of the metric where it is their mean, else none."""
    return (metric.low, metric.high) if isinstance(metric.way, Mean) else (-np.inf, np.inf)


def guesses(metrics: Mapping[str, Metric]) -> dict[str, float]:
    """What the score of a row is about before the first: the middle of its bounds."""
    middles = {name: sum(bounds(metric)) / 2 for name, metric in metrics.items()}
    return {name: middle if isfinite(middle) else 0.0 for name, middle in middles.items()}


def _measured(
    reference: Reference, metric: Metric, whole: Tally, recent: Tally | None, alpha: float, again: float
) -> Measured:
    rows, value, low, high = _valued(metric, whole.sums.get(metric.name, Sums()), alpha)
    late = recent.sums.get(metric.name) if recent else None
    return Measured(
        name=metric.name,
        greater_is_better=metric.greater_is_better,
        expected=reference.metrics[metric.name],
        rows=rows,
        value=value,
        low=low,
        high=high,
        recent=_valued(metric, late, again) if late and late.rows else None,
    )


def _valued(metric: Metric, sums: Sums, alpha: float) -> tuple[int, float, float, float]:
    low, high = bounds(metric)
    ends = np.asarray([sums.mean, *interval(sums, low=low, high=high, alpha=alpha)])
    with np.errstate(invalid="ignore"):
        value, least, most = (float(each) for each in metric.of_means(ends))
    return sums.rows, value, least, most


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not isfinite(value) else value
