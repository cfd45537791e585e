"""What predictions of remaining lives show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from concours.insights.diagnosis import Predicted, of_numbers
from concours.kernels.scoring.life import by_life
from concours.kernels.scoring.rounded import rounded


def of_lives(found: Predicted) -> dict[str, Any]:
    """What numbers show (`of_numbers`), lives above the cap counting as the cap; and `lives`, by how much is left.

    Returns:
        lives: of each band `low`, `high` (none of the last), `rows`, `bias`, `rmse` (`kernels.scoring.life.by_life`).
    """
    cap = float(found.meta["cap"])
    names = ("low", "high", "bias", "rmse")
    bands = by_life(found.y, found.p, cap)
    told = [{**{name: rounded(band[name]) for name in names}, "rows": band["rows"]} for band in bands]
    capped = replace(found, y=np.minimum(found.y, cap), p=np.minimum(found.p, cap))
    return {**of_numbers(capped), "lives": told}
