"""What predictions of remaining lives show."""

from __future__ import annotations

import numpy as np

from concours.insights.diagnosis import Predicted
from concours.insights.life import of_lives


def test_lives_above_the_cap_are_no_mistakes() -> None:
    y = np.array([10.0, 300.0, 60.0, 20.0])
    p = np.array([[40.0], [100.0], [55.0], [20.0]])
    found = of_lives(
        Predicted(
            y=y,
            p=p,
            told=p,
            losses=np.zeros(4),
            written=lambda values: [],
            weights=None,
            rng=np.random.default_rng(0),
            meta={"cap": 100},
        )
    )
    assert found["mistakes"]["rows"][:2] == [0, 2]
    assert found["mistakes"]["loss"][:2] == [30, 5]
    assert [(band["low"], band["high"], band["rows"]) for band in found["lives"]] == [
        (0, 20, 2),
        (40, 60, 1),
        (100, None, 1),
    ]
    assert found["lives"][0]["bias"] == 15
    assert found["lives"][2]["rmse"] == 0
