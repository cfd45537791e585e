"""Clips as pictures: frames side by side, in as many lines as it takes."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from concours.runs.gallery import picture_address


@pytest.mark.parametrize(("frames", "size"), [(3, (3 * 6, 5)), (10, (5 * 6, 2 * 5)), (16, (8 * 6, 2 * 5))])
def test_frames_lie_side_by_side(frames, size):
    """Protects that all frames are shown, in their order."""
    clip = np.ones((frames, 4, 5, 3)) * np.linspace(0, 0.9, frames)[:, None, None, None]
    content = base64.b64decode(picture_address(clip).partition(",")[2])
    picture = Image.open(io.BytesIO(content))
    assert picture.size == size
    pixels = np.asarray(picture)
    across = size[0] // 6
    for number in range(frames):
        down, place = divmod(number, across)
        assert abs(int(pixels[5 * down, 6 * place, 0]) - 255 * 0.9 * number / (frames - 1)) < 1
