"""Metrics of masks: overlaps of all pictures together, which rank, and of each picture alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from concours.kernels.scoring import masks
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.rows import Mean, Rows
from concours.tasks.metrics.statistics import Floats, Stats, Way


def mean_iou(classes: int) -> Metric:
    """mIoU: pixels of all pictures are counted together, as Pascal VOC ranks; what lies behind objects is a class."""
    return _of_masks("mean_iou", Rows(of=_overlaps(classes), value=masks.mean_iou, single=False))


def dice(classes: int) -> Metric:
    """The mean over classes of Dice's overlap, of all pictures together."""
    return _of_masks("dice", Rows(of=_overlaps(classes), value=masks.mean_dice, single=False))


def picture_iou(classes: int) -> Metric:
    """The mean over pictures of their own mIoU, of the classes that are there or are named there."""
    found = _overlaps(classes)
    return _of_masks("picture_iou", Mean(of=lambda y, p: masks.mean_iou(found(y, p))))


MEASURES: dict[str, Callable[[Any], Metric]] = {
    "mean_iou": lambda output: mean_iou(output.classes),
    "dice": lambda output: dice(output.classes),
    "picture_iou": lambda output: picture_iou(output.classes),
}


def _overlaps(classes: int) -> Stats:
    def found(y: Any, p: Floats) -> Floats:
        return masks.overlaps(y, p.argmax(axis=-1), classes)

    return found


def _of_masks(name: str, way: Way) -> Metric:
    return Metric(name=name, greater_is_better=True, target="masks", needs="values", way=way, low=0.0, high=1.0)
