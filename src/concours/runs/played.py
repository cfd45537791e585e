"""Sounds that a report plays: short ones, as addresses with their content."""

from __future__ import annotations

import base64
import io
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile

LONGEST_S: Final = 6.0
"""Of a sound as much is played."""


def sound_address(samples: NDArray[Any], rate: int) -> str:
    """The beginning of a sound, samples (n,) int16, as an address with its content: a WAV file of one channel."""
    content = io.BytesIO()
    wavfile.write(content, rate, np.asarray(samples[: int(LONGEST_S * rate)], dtype=np.int16))
    return f"data:audio/wav;base64,{base64.b64encode(content.getvalue()).decode()}"
