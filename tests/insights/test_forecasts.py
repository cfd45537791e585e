"""What forecasts show: errors by step and by series, and bands, as plain loops find them."""

from __future__ import annotations

import numpy as np
import pytest

from concours.insights.diagnosis import Predicted
from concours.insights.forecasts import of_forecasts

ROWS, HORIZON, CONTEXT = 30, 5, 8
META = {
    "levels": [0.1, 0.5, 0.9],
    "horizon": HORIZON,
    "context": CONTEXT,
    "targets": 2,
    "channels": ["a", "b", "beside"],
    "scales": [1.0, 2.0],
}


def test_errors_by_step_and_series():
    """In units of each series; the worst series first; the share between the outer quantiles beside what they promise."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=(ROWS, 2 * HORIZON))
    steps = np.sort(rng.normal(size=(ROWS, 2 * HORIZON, 3)), axis=2)
    x = rng.normal(size=(ROWS, 3 * CONTEXT))
    found = of_forecasts(
        Predicted(
            y=y,
            p=steps.reshape(ROWS, -1),
            told=None,
            losses=rng.random(ROWS),
            written=lambda values: ["…"] * len(values),
            weights=None,
            rng=rng,
            meta=META,
            rows=lambda: x,
        )
    )
    errors = [
        np.mean([abs(steps[:, h, 1] - y[:, h]) / 1.0, abs(steps[:, HORIZON + h, 1] - y[:, HORIZON + h]) / 2.0])
        for h in range(HORIZON)
    ]
    assert found["horizon"]["ahead"] == [1, 2, 3, 4, 5]
    assert found["horizon"]["error"] == pytest.approx(errors, rel=1e-4)
    assert found["horizon"]["promised"] == pytest.approx(0.8)
    inside = [
        np.mean(
            (steps[:, [h, HORIZON + h], 0] <= y[:, [h, HORIZON + h]])
            & (y[:, [h, HORIZON + h]] <= steps[:, [h, HORIZON + h], 2])
        )
        for h in range(HORIZON)
    ]
    assert found["horizon"]["covered"] == pytest.approx(inside, rel=1e-4)
    by_series = {one["name"]: one["error"] for one in found["series"]}
    assert by_series["b"] == pytest.approx(np.mean(abs(steps[:, HORIZON:, 1] - y[:, HORIZON:]) / 2.0), rel=1e-4)
    assert list(by_series.values()) == sorted(by_series.values(), reverse=True)
    first, second = found["drawn"][:2]
    assert (first["row"], first["series"], second["series"]) == (0, "a", "b")
    assert first["before"] == pytest.approx(x[0, :CONTEXT], rel=1e-4)
    assert second["true"] == pytest.approx(y[second["row"], HORIZON:], rel=1e-4)
    assert len(found["mistakes"]["rows"]) == 12
