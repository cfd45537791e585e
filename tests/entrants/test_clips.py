"""What is learned of clips: with the order of frames, and without."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from concours.entrants.clips import _CELLS, FrameAverage, FrameMotion, _cells, _edges


def moving(rows: int = 48, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A bright spot that goes to the right, or to the left: the mean of the frames is alike."""
    rng = np.random.default_rng(seed)
    y = np.arange(rows) % 2
    x = rng.integers(0, 60, (rows, 8, 12, 16, 3)).astype(np.uint8)
    for clip, label in zip(x, y, strict=True):
        for frame, place in zip(clip, range(8) if label else range(7, -1, -1), strict=True):
            frame[4:8, 2 * place : 2 * place + 2] += 150
    return x, y


@given(st.integers(1, 30), st.integers(1, 30))
def test_cells_are_means_of_parts(height, width):
    """Protects the cells, beside a loop over them."""
    frames = np.random.default_rng(height).random((2, height, width, 1), dtype=np.float32) * 255
    found = _cells(frames)
    down, across = ([*_edges(side), side] for side in (height, width))
    assert found.shape[1:3] == (min(height, _CELLS), min(width, _CELLS))
    for i, j in np.ndindex(*found.shape[1:3]):
        part = frames[:, down[i] : down[i + 1], across[j] : across[j + 1]]
        np.testing.assert_allclose(found[:, i, j, 0], part.mean(axis=(1, 2, 3)) / 255, rtol=1e-4)


def test_the_mean_of_frames_has_no_order_and_motion_has():
    """Protects what tells a clip from the same backwards."""
    x, _ = moving(4)
    backwards = x[:, ::-1]
    np.testing.assert_allclose(FrameAverage().fit_transform(x), FrameAverage().fit_transform(backwards), atol=1e-5)
    assert not np.allclose(FrameMotion().fit_transform(x), FrameMotion().fit_transform(backwards), atol=1e-2)


@pytest.mark.parametrize("name", ["VolumeClassifier", "FrameLSTMClassifier"])
def test_networks_learn_the_order_of_frames(name):
    """Protects what they are for, and that a kept network says the same bytes."""
    from concours.entrants import clip_networks

    make = getattr(clip_networks, name)
    x, y = moving()
    fitted = make(width=4, epochs=10, random_state=0).fit(x, y)
    assert (fitted.predict(moving(16, seed=1)[0]) == moving(16, seed=1)[1]).mean() > 0.9
    again = make(width=4, epochs=10, random_state=0).set_tensors(fitted.get_tensors(), fitted.get_state())
    np.testing.assert_array_equal(again.predict_proba(x), fitted.predict_proba(x))
    with pytest.raises(ValueError, match="must be clips"):
        make().fit(x[:, 0], y)
