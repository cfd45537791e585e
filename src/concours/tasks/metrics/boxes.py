"""Metrics of boxes: average precision, which keeps what each box hits, and the F1 of a picture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from concours.kernels.credit.coalitions import Scored
from concours.kernels.rows.boxes import Boxes
from concours.kernels.rows.weighing import effective
from concours.kernels.scoring.boxes import OVERLAPS, SURE, f1s, hits, mean_precisions
from concours.kernels.scoring.scores import Means, replicate_means, resampled
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.rows import Mean
from concours.tasks.metrics.statistics import Codes, Floats, Statistics, Way

_OVERLAP = 0.5


@dataclass(frozen=True, kw_only=True)
class Precisions(Way):
    """The mean average precision of boxes over classes and overlaps (`kernels.scoring.boxes`).

    Attributes:
        of: the overlaps from which a box finds a target.
        classes: how many there are.
    """

    of: tuple[float, ...]
    classes: int
    path: ClassVar[Literal["whole"]] = "whole"
    undefined: ClassVar[str] = "undefined: no picture here has a box"

    def keep(self, y: Any, p: Any) -> Any:
        """What each box hits (`Hits`), of targets and predictions as Arrow has them."""
        return hits(Boxes.of(y), Boxes.of(p), classes=self.classes, least=self.of)

    def scores(self, kept: Statistics) -> Floats:
        """Of all pictures together."""
        return np.array([mean_precisions(found, kept.each[None])[0] for found in kept.kept])

    def means(self, kept: Statistics, *, seed: int, rounds: int, empty: float) -> Means:
        """By the bootstrap of pictures, or of groups of them, paired: a picture drawn twice weighs twice."""
        del empty
        rng, rows = np.random.default_rng(seed), len(kept.y)
        drawn = [np.bincount(resampled(rows, kept.groups, rng), minlength=rows) for _ in range(rounds)]
        weights = np.asarray(drawn).reshape(-1, rows) * kept.each
        replicates = np.stack([mean_precisions(found, weights) for found in kept.kept], axis=1)
        known = replicates[np.isfinite(replicates).all(axis=1)]
        return replicate_means(self.scores(kept), known, units=effective(kept.each, kept.groups))

    def batched(self, predictions: Iterable[Any], y: Any, batch: Codes, batches: int, mass: Floats | None) -> Scored:
        """By weights of 0 for the pictures of each batch."""
        each = np.ones(len(y)) if mass is None else mass
        without = each * (batch != np.arange(batches)[:, None])
        sets = np.concatenate([each[None], without])
        table = np.asarray([mean_precisions(self.keep(y, p), sets) for p in predictions])
        return Scored(table[:, 0], table[:, 1:])


def mean_precision(classes: int) -> Metric:
    """mAP: the mean over overlaps from 0.5 to 0.95, as COCO ranks."""
    return _precision("map", OVERLAPS, classes)


def precision_at_half(classes: int) -> Metric:
    """AP50: a box finds a target that it overlaps by half."""
    return _precision("ap50", (_OVERLAP,), classes)


def f1(classes: int) -> Metric:
    """The mean over pictures of their F1, of boxes with a score of `SURE` or more and an overlap of half."""

    def of_rows(y: Any, p: Any) -> Floats:
        return f1s(Boxes.of(y), Boxes.of(p), classes=classes, least=_OVERLAP, sure=SURE)

    return _of_boxes("f1", Mean(of=of_rows))


def _precision(name: str, overlaps: tuple[float, ...], classes: int) -> Metric:
    return _of_boxes(name, Precisions(of=overlaps, classes=classes))


def _of_boxes(name: str, way: Way) -> Metric:
    return Metric(name=name, greater_is_better=True, target="boxes", needs="values", way=way, low=0.0, high=1.0)
