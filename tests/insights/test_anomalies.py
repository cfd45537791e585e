"""What scores of strangeness show: where they lie on the series, and what is furthest off in the strangest rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from concours.insights.anomalies import of_scores
from concours.insights.diagnosis import Predicted


def shown(y: np.ndarray, score: np.ndarray, **more: Any) -> dict[str, Any]:
    """What is told of scores (rows,)."""
    return of_scores(
        Predicted(
            y=y,
            p=score[:, None],
            told=score[:, None],
            losses=-score,
            written=lambda values: ["" for _ in values],
            weights=None,
            rng=np.random.default_rng(0),
            **more,
        )
    )


def test_series_are_drawn_with_their_windows_in_the_order_of_time() -> None:
    """Rows come shuffled; the series whose anomaly stands out comes first, one without an anomaly not at all."""
    rng, steps = np.random.default_rng(0), 100
    place = np.concatenate([np.arange(steps), 1000 + np.arange(steps), 2000 + np.arange(steps)]).astype(float)
    flags, score = np.zeros(3 * steps), rng.random(3 * steps)
    flags[40:50] = flags[120:130] = 1
    score[40:50] = 3.0
    value = np.sin(place)
    order = rng.permutation(3 * steps)
    names = np.repeat(["clear", "hidden", "calm"], steps)[order].tolist()
    found = shown(
        np.stack([flags, place], axis=1)[order],
        score[order],
        rows=lambda: np.stack([np.zeros(3 * steps), value], axis=1)[order],
        called={"series": names, "time": [str(int(each)) for each in place[order]]},
        meta={"share": 0.01, "window": 2},
    )
    assert found["threshold"] == 2.0
    assert [one["name"] for one in found["series"]] == ["clear", "hidden"]
    clear = found["series"][0]
    assert clear["order"] == 1.0
    assert (clear["from"], clear["to"]) == ("0", "99")
    np.testing.assert_allclose(clear["windows"], [[40 / 99, 49 / 99]], atol=1e-4)
    np.testing.assert_allclose(clear["value"], value[:steps], atol=1e-3)
    assert np.flatnonzero(np.asarray(clear["score"]) > 2).tolist() == list(range(40, 50))
    first = found["strangest"][0]
    assert (first["name"].split()[0], first["anomaly"]) == ("clear", True)
    assert sum(one["score"] == 3.0 for one in found["strangest"]) == 1  # one row of a range


def test_of_a_table_is_told_which_column_is_off() -> None:
    """By robust deviations from the middle, with signs; words are left aside."""
    frame = pd.DataFrame({"a": np.arange(21.0), "b": np.arange(21.0)[::-1], "word": ["x"] * 21})
    frame.loc[7, "b"] = -500.0
    score = np.zeros(21)
    score[7] = 2.5
    y = np.stack([np.arange(21) == 7, 2.0 * np.arange(21)], axis=1).astype(float)
    found = shown(y, score, rows=lambda: frame, meta={"share": 0.05, "window": 0})
    first = found["strangest"][0]
    assert (first["row"], first["anomaly"], found["series"]) == (7, True, [])
    assert first["why"][0][0] == "b"
    assert first["why"][0][1] < -20
