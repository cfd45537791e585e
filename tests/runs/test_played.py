"""Sounds in a report: what the page holds is a file that is played, and short."""

from __future__ import annotations

import base64
import io

import numpy as np
from scipy.io import wavfile

from concours.runs.played import LONGEST_S, sound_address


def test_a_page_holds_the_beginning_of_a_sound():
    """Protects what a reader hears, and the size of the page."""
    samples = np.arange(80_000).astype(np.int16)
    head, _, content = sound_address(samples, 8000).partition(",")
    assert head == "data:audio/wav;base64"
    rate, heard = wavfile.read(io.BytesIO(base64.b64decode(content)))
    assert rate == 8000
    np.testing.assert_array_equal(heard, samples[: int(LONGEST_S * 8000)])
