"""Spoken digits as sequences: twelve numbers every 10 ms, the shape of the mouth, of each of 1,800 recordings.

    python examples/sequence-classification/prepare.py

From `CONCOURS_DATA` (the Free Spoken Digit Dataset, Jackson et al. 2018). The numbers are cepstral coefficients of
log-mel spectra (Davis and Mermelstein 1980) without the first, which is loudness. `data/digits.csv` gets a row a frame:
`recording`, `frame`, `c1` to `c12`, `speaker`, `digit`.
"""

from __future__ import annotations

import csv
import io
import os
import tarfile
import wave
from pathlib import Path

import numpy as np
from scipy.fft import dct

from concours.entrants.sounds import log_mel

ARCHIVE = Path(os.environ.get("CONCOURS_DATA", "../shared/data")) / "fsdd-subset" / "recordings-subset.tar.gz"
OUT = Path(__file__).parent / "data" / "digits.csv"
CEPSTRA = 12


def coefficients(content: bytes) -> np.ndarray:
    """(frames, 12) of a recording."""
    with wave.open(io.BytesIO(content)) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), dtype=np.int16)
        return dct(log_mel(samples, sound.getframerate()), axis=1, norm="ortho")[:, 1 : CEPSTRA + 1]


def main() -> None:
    OUT.parent.mkdir(exist_ok=True)
    with tarfile.open(ARCHIVE) as archive, OUT.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["recording", "frame", *(f"c{i}" for i in range(1, CEPSTRA + 1)), "speaker", "digit"])
        for member in sorted(archive.getmembers(), key=lambda one: one.name):
            if not member.name.endswith(".wav"):
                continue
            name = Path(member.name).stem
            digit, speaker, _ = name.split("_")
            for frame, row in enumerate(coefficients(archive.extractfile(member).read())):  # type: ignore[union-attr]
                lines.writerow([name, frame, *(f"{value:.3f}" for value in row), speaker, digit])
    print(f"the recordings are in {OUT}")  # noqa: T201


if __name__ == "__main__":
    main()
