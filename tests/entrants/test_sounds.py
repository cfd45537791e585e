"""Sounds as numbers: log-mels against a naive twin, and the laws of what is made of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.entrants.models import dump_object, load_object
from concours.entrants.sounds import MelPictures, MelStatistics, log_mel
from concours.testing import check_entrant


def naive(samples: np.ndarray, rate: int, bands: int) -> np.ndarray:
    """The same by the definition: a sum for each frame, frequency and band."""
    length, step = round(0.025 * rate), round(0.010 * rate)
    wave = list(samples) + [0] * max(0, length - len(samples))
    window = [0.5 - 0.5 * np.cos(2 * np.pi * n / length) for n in range(length)]
    size = 1
    while size < length:
        size *= 2
    mel = lambda hertz: 2595 * np.log10(1 + hertz / 700)  # noqa: E731
    low, high = mel(min(50, rate / 8)), mel(rate / 2)
    corners = [700 * (10 ** ((low + (high - low) * n / (bands + 1)) / 2595) - 1) for n in range(bands + 2)]
    rows = []
    for start in range(0, len(wave) - length + 1, step):
        frame = np.array(
            [w * x / 32768 / sum(window) for w, x in zip(window, wave[start : start + length], strict=True)]
        )
        turns = np.exp(-2j * np.pi * np.outer(np.arange(size // 2 + 1), np.arange(length)) / size)
        power = np.abs(turns @ frame) ** 2
        row = []
        for below, centre, above in zip(corners, corners[1:], corners[2:], strict=False):
            total = 0.0
            for k, each in enumerate(power):
                pitch = k * rate / size
                if below < pitch < above:
                    total += each * (
                        (pitch - below) / (centre - below) if pitch <= centre else (above - pitch) / (above - centre)
                    )
            row.append(10 * np.log10(total + 1e-10))
        rows.append(row)
    return np.array(rows)


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1), st.sampled_from([4000, 8000, 11025]), st.integers(1, 700), st.sampled_from([5, 13]))
def test_log_mels_are_what_they_are_said_to_be(seed, rate, count, bands):
    """Protects frames, window, spectrum and triangles, of sounds shorter than a frame too."""
    rng = np.random.default_rng(seed)
    samples = (rng.normal(size=count) * rng.choice([10, 3000])).clip(-32768, 32767).astype(np.int16)
    assert np.allclose(log_mel(samples, rate, bands), naive(samples, rate, bands), atol=1e-6)


def test_a_tone_lies_in_its_band_and_silence_is_the_floor():
    """Pitch goes up with bands; nothing is -100 dB."""
    tones = [(3000 * np.sin(2 * np.pi * pitch * np.arange(4000) / 8000)).astype(np.int16) for pitch in (300, 900, 2700)]
    places = [int(log_mel(tone, 8000).mean(axis=0).argmax()) for tone in tones]
    assert places == sorted(set(places))
    assert np.allclose(log_mel(np.zeros(1, np.int16), 8000), -100)


def frame(rows: list[np.ndarray]) -> pd.DataFrame:
    return pd.DataFrame({"sound": rows, "rate": 8000})


def noises(count: int, least: int = 1) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [(rng.normal(size=int(rng.integers(least, 3000))) * 1000).astype(np.int16) for _ in range(count)]


def test_loudness_does_not_count():
    """A sound twice as loud has the same statistics and nearly the same picture."""
    some = noises(12, 400)
    loud = [(2 * one.astype(int)).astype(np.int16) for one in some]
    statistics, pictures = MelStatistics().fit(frame(some)), MelPictures().fit(frame(some))
    assert np.allclose(statistics.transform(frame(some)), statistics.transform(frame(loud)), atol=1e-3)
    differ = pictures.transform(frame(some)).astype(int) - pictures.transform(frame(loud))
    assert np.abs(differ).max() <= 1


def test_rows_do_not_depend_on_each_other():
    """Each row alone has the numbers that it has among others, whatever its length; all are finite."""
    some = noises(9)
    for made in (MelStatistics(), MelPictures()):
        whole = made.fit(frame(some)).transform(frame(some))
        alone = np.concatenate([made.transform(frame([one])) for one in some])
        assert np.array_equal(whole, alone)
        assert np.isfinite(whole).all()
    assert whole.shape == (9, 40, 64)
    assert whole.dtype == np.uint8


@pytest.mark.parametrize("made", [MelStatistics(), MelPictures()], ids=lambda made: type(made).__name__)
def test_what_is_kept_makes_the_same(made):
    """A preparation is written to a file and read without trusting it."""
    made.fit(frame(noises(5)))
    again = load_object(dump_object(made))
    assert np.array_equal(again.transform(frame(noises(5))), made.transform(frame(noises(5))))


@pytest.mark.parametrize("name", ["logistic", "svm", "forest", "boosting"])
def test_entrants_of_sounds_keep_the_laws(name):
    """Each can be fitted, kept and loaded on what is made of sounds."""
    check_entrant(name, kind="audio-classification")
