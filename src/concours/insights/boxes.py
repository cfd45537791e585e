"""What predicted boxes show: pictures that went wrong, and which objects are found, by their size."""

from __future__ import annotations

from typing import Any

from concours.insights.diagnosis import Predicted, of_rows
from concours.insights.masks import by_size
from concours.kernels.rows.boxes import Boxes, areas
from concours.kernels.scoring.boxes import SURE, best_overlaps


def of_boxes(found: Predicted) -> dict[str, Any]:
    """What boxes show.

    Returns:
        mistakes: the 12 pictures of the least F1, as `insights.diagnosis.of_rows` has them.
        objects: by the share of their picture that they take: `low` and `high` of each bin, `count`, `found`, the mean
            greatest overlap with a sure box of their label, and `missed`, the share of those that none overlaps by
            half.
        objects_are: `boxes`.
    """
    truth, said = Boxes.of(found.y), Boxes.of(found.p)
    shares = best_overlaps(truth, said.some(said.scores >= SURE))
    return {**of_rows(found), "objects": by_size(areas(truth.corners), shares), "objects_are": "boxes"}
