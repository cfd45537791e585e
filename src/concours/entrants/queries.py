"""What networks say that look at a picture with a set of queries: of each a class, and where in the picture it is.

Carion et al. 2020, "End-to-end object detection with transformers".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from concours.kernels.rows.boxes import MOST, Boxes, suppressed_each

Picture = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]
"""Labels (boxes,), scores and corners (boxes, 4)."""

_LEAST = 0.01
_ALL = 1.0
"""No box takes another one away: queries are fitted so that each object has one."""


def boxes_of(said: Sequence[tuple[Tensor, Tensor]], labels: int, columns: Sequence[int]) -> Boxes:
    """The boxes of pictures, of scores from 0.01, at most 100 a picture.

    Args:
        said: of each picture its logits (queries, outputs) and boxes (queries, 4): the centre from the left and from
            above, width and height, in shares of the picture's.
        labels: how many classes the network has. With one output more than these, the last says that there is nothing,
            and each query tells one class of all (softmax); else of each class whether it is there (sigmoid).
        columns: where the network has each class of the task.
    """
    return suppressed_each([_of_picture(*each, labels, columns) for each in said], overlap=_ALL)


def _of_picture(logits: Tensor, boxes: Tensor, labels: int, columns: Sequence[int]) -> Picture:
    logits, boxes = logits.double().cpu(), boxes.double().cpu()
    each = logits.softmax(dim=-1) if logits.shape[-1] > labels else logits.sigmoid()
    scores = each[:, list(columns)]
    queries, codes = torch.nonzero(scores >= _LEAST, as_tuple=True)
    found = scores[queries, codes]
    best = torch.argsort(found, descending=True, stable=True)[:MOST]
    queries, codes, found = queries[best], codes[best], found[best]
    centre, half = boxes[queries, :2], boxes[queries, 2:] / 2
    corners = torch.cat([centre - half, centre + half], dim=1)
    return codes.numpy(), found.numpy(), corners.numpy()
