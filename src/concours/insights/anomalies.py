"""What scores of strangeness show."""

from __future__ import annotations

from typing import Any

from concours.insights.diagnosis import Predicted, of_rows


def of_scores(found: Predicted) -> dict[str, Any]:
    """What scores (rows, 1) show."""
    return of_rows(found)
