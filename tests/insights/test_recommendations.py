"""What recommended items show, on plain lists."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from concours.insights.diagnosis import Predicted
from concours.insights.recommendations import of_items
from concours.kernels.rows.ranked import Ranked
from concours.tasks.outputs.items import TARGETS, as_arrow


def test_mistakes_are_codes_of_items_the_worst_first() -> None:
    """The user who finds nothing, then the one who finds it late; nobody's list is another's, nor has gaps."""
    y = pa.array([[0], [1, 2], [3]], TARGETS)
    ranked = Ranked(
        items=np.array([[0, 1, -1], [0, 3, 2], [0, 1, 2]]), scores=np.array([[2.0, 1, 0], [3, 2, 1], [3, 2, 1]])
    )
    losses = np.array([-1.0, -0.3, 0.0])
    found = Predicted(
        y=y,
        p=as_arrow(ranked),
        told=None,
        losses=losses,
        written=lambda values: [str(value) for value in values],
        weights=None,
        rng=np.random.default_rng(0),
    )
    told = of_items(found)["mistakes"]
    assert told["rows"] == [2, 1, 0]
    assert told["true"] == [[3], [1, 2], [0]]
    assert told["named"] == [[0, 1, 2], [0, 3, 2], [0, 1]]
