"""What predictions of remaining lives show."""

from __future__ import annotations

from typing import Any

from concours.insights.diagnosis import Predicted, of_numbers
from concours.kernels.scoring.life import by_life
from concours.kernels.scoring.rounded import rounded


def of_lives(found: Predicted) -> dict[str, Any]:
    """What numbers show (`of_numbers`), and `lives`: how far they are off by how much life is left.

    Returns:
        lives: of each band `low`, `high` (none of the last), `rows`, `bias`, `rmse` (`kernels.scoring.life.by_life`).
    """
    bands = by_life(found.y, found.p, float(found.meta["cap"]))
    names = ("low", "high", "bias", "rmse")
    told = [{**{name: rounded(band[name]) for name in names}, "rows": band["rows"]} for band in bands]
    return {**of_numbers(found), "lives": told}
