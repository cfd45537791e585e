"""The metrics of survival curves, each made for an output that knows the times of its curves and who was censored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from concours.kernels.credit.coalitions import Scored, whole_scores
from concours.kernels.scoring.scores import Means
from concours.kernels.scoring.survival import Steps, brier_terms, concordance, concordance_means, rounded_lifetimes
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.rows import Mean
from concours.tasks.metrics.statistics import Codes, Floats, Statistics, Way


class Curves(Protocol):
    """What metrics ask of an output.

    Attributes:
        times: of the curves, rising, (times,).
        known: how probable it is that more is known of a row than each time.
    """

    @property
    def times(self) -> tuple[float, ...]: ...

    @property
    def known(self) -> Steps: ...


@dataclass(frozen=True, kw_only=True)
class Concordance(Way):
    """The share of pairs in the right order.

    Attributes:
        of: curves (rows, times) to lifetimes (rows,), which are kept.
    """

    of: Callable[[Floats], Floats]
    path: ClassVar[Literal["whole"]] = "whole"
    undefined: ClassVar[str] = "undefined: no pair of these rows is comparable"

    def keep(self, y: NDArray[Any], p: Floats) -> Floats:
        """The lifetimes."""
        del y
        return self.of(p)

    def scores(self, kept: Statistics) -> Floats:
        """The share of each model."""
        return np.array([concordance(kept.y, life, kept.weights) for life in kept.kept])

    def means(self, kept: Statistics, *, seed: int, rounds: int, empty: float) -> Means:
        """By the jackknife."""
        del seed, rounds, empty
        return concordance_means(kept.y, kept.kept, groups=kept.groups, weights=kept.weights)

    def batched(
        self,
        predictions: Iterable[Floats],
        y: NDArray[Any],
        batch: Codes,
        batches: int,
        mass: Floats | None,
    ) -> Scored:
        """By the rows of each batch, or of all others."""
        return whole_scores(predictions, y, self.score, batch, batches, mass)


def _concordance(output: Curves) -> Metric:
    return Metric(
        name="concordance",
        greater_is_better=True,
        target="survival",
        needs="values",
        way=Concordance(of=partial(rounded_lifetimes, times=np.asarray(output.times))),
        low=0.0,
        high=1.0,
    )


def _integrated_brier(output: Curves) -> Metric:
    terms = partial(brier_terms, times=np.asarray(output.times), known=output.known)
    return Metric(
        name="integrated_brier",
        greater_is_better=False,
        target="survival",
        needs="values",
        way=Mean(of=terms),
        low=0.0,
    )


MEASURES: Final[Mapping[str, Callable[[Any], Metric]]] = {
    "concordance": _concordance,
    "integrated_brier": _integrated_brier,
}
"""`concordance`, Harrell's: the share of comparable pairs in the right order; `integrated_brier`, the squared error of
the curves over the time of the grid, weighed for who was censored.
"""
