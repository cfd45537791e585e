"""The metrics of groups, each made for an output that knows which of its numbers are the row and which the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, Protocol

from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from concours.kernels.credit.coalitions import Scored, whole_scores
from concours.kernels.scoring.groups import Distances, agreements, distances, silhouettes
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.rows import Mean
from concours.tasks.metrics.statistics import Codes, Floats
from concours.tasks.metrics.wholes import Whole


class Grouped(Protocol):
    """What metrics ask of an output."""

    def points(self, y: Floats) -> Floats:
        """The rows as points (rows, dimensions)."""
        ...

    def truth(self, y: Floats) -> Codes:
        """The codes (rows,) of the true groups."""
        ...


@dataclass(frozen=True, kw_only=True)
class Beside(Mean):
    """The mean of one number a row, which hangs on the other rows: batches are scored as wholes."""

    path: ClassVar[Literal["whole"]] = "whole"  # type: ignore[assignment]

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


def _silhouette(output: Grouped) -> Metric:
    measured: list[tuple[Any, Distances]] = []  # of the rows that were asked about last: alliances ask again and again

    def of(y: NDArray[Any], p: Floats) -> Floats:
        if not measured or measured[0][0] is not y:
            measured[:] = [(y, distances(output.points(y)))]
        return silhouettes(measured[0][1], p)

    way = Beside(of=of)
    return Metric(
        name="silhouette", greater_is_better=True, target="clusters", needs="values", way=way, low=-1.0, high=1.0
    )


def _stability(output: Grouped) -> Metric:
    del output
    way = Mean(of=lambda y, p: agreements(p))
    return Metric(
        name="stability", greater_is_better=True, target="clusters", needs="values", way=way, low=0.0, high=1.0
    )


def _against_truth(name: str, of: Callable[[Codes, Codes], float], low: float) -> Callable[[Grouped], Metric]:
    def made(output: Grouped) -> Metric:
        def score(y: NDArray[Any], p: Floats, weights: Floats | None) -> float:
            del weights
            return float(of(output.truth(y), p.argmax(axis=1)))

        way = Whole(of=score, weighted=False)
        return Metric(name=name, greater_is_better=True, target="clusters", needs="values", way=way, low=low, high=1.0)

    return made


MEASURES: Final[Mapping[str, Callable[[Any], Metric]]] = {
    "silhouette": _silhouette,
    "stability": _stability,
    "ari": _against_truth("ari", adjusted_rand_score, -0.5),
    "nmi": _against_truth("nmi", normalized_mutual_info_score, 0.0),
}
"""`silhouette`, how much nearer rows are to their own group than to the next; `stability`, how likely two of the models
that were averaged, as those of the folds, put a row into the same group; `ari` and `nmi`, how far groups agree with the
truth.
"""
