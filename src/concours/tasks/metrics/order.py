"""Whether greater predictions belong to greater targets."""

from __future__ import annotations

from typing import Final

from concours.kernels.scoring.monotone import spearman
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.wholes import Whole

SPEARMAN: Final = Metric(
    name="spearman",
    greater_is_better=True,
    target="number",
    needs="values",
    way=Whole(of=spearman),
    low=-1.0,
    high=1.0,
)
"""The correlation of ranks; how sure it is, a bootstrap of rows says, as no row has a part of it of its own."""
