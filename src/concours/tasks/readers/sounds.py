"""Sounds from files to 16-bit samples of one channel and one rate."""

from __future__ import annotations

import io
import math
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile
from scipy.signal import resample_poly

from concours.core.errors import DataError
from concours.core.optional import install_command, installed
from concours.core.written import counted
from concours.tasks.readers.archives import Files
from concours.tasks.readers.damage import refuse_bomb

SOUNDS: Final = (".wav", ".flac", ".ogg")
"""Those that are read."""

UNREAD: Final = (".mp3", ".opus", ".m4a", ".aac", ".aif", ".aiff", ".wma")
"""Those that are known and not read."""

Samples = NDArray[np.int16]

_FULL = 32768
_WAVE = b"RIFF"


@dataclass(kw_only=True)
class Sounds:
    """Sounds that were read.

    Attributes:
        samples: (n,) of each, in the order of the names that were asked for.
        rate: samples a second, of all.
        kept: numbers of the names that could be read, where some could not.
    """

    samples: list[Samples]
    rate: int
    kept: list[int]
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def read_sounds(files: Files, names: Sequence[str], *, rate: int | None = None, skip: bool | None = None) -> Sounds:
    """Decodes the sounds of these names, one at a time: channels become their mean, and rates that of `rate`.

    Args:
        rate: samples a second that sounds are brought to; by default what most of them have.
        skip: whether a sound that cannot be read is left out, with a warning; else it is an error. None where nobody
            may choose, as of sounds to predict.

    Raises:
        DataError: a sound is broken or empty; or none is left; or a library is missing, and the message has the extra.
    """
    read: dict[str, tuple[Samples, int]] = {}
    broken: dict[str, str] = {}
    several: list[str] = []
    for name, content in files.contents(set(names)):
        try:
            samples, own = _decoded(name, content)
        except DataError:
            raise
        except Exception as error:  # noqa: BLE001 (decoders raise whatever a broken file makes them)
            broken[name] = "the file is empty" if not content else _words(error)
            if skip:
                continue
            choice = "" if skip is None else ', or leave such files out by on_bad_row = "skip" in [task]'
            raise DataError(f"{name} is no sound that can be read: {broken[name]}; mend or remove it{choice}") from None
        if samples.shape[1] > 1:
            several.append(name)
        read[name] = _one_channel(samples), own
    kept = [place for place, name in enumerate(names) if name in read]
    if not kept:
        raise DataError(f"{files.name}: none of the {len(names)} sounds can be read")
    counts = Counter(own for _, own in read.values())
    rate = rate or min(counts, key=lambda each: (-counts[each], each))
    others = [name for name in names if name in read and read[name][1] != rate]
    said = []
    if broken:
        name, why = next(iter(broken.items()))
        said.append(f"{files.name}: {counted(len(broken), 'sound')} left out as broken; first: {name} ({why})")
    if others:
        first = others[0]
        said.append(
            f"{files.name}: {len(others)} of {len(read)} sounds were resampled to {rate:,} samples a second; first: "
            f"{first} ({read[first][1]:,})"
        )
    if several:
        said.append(
            f"{files.name}: {len(several)} of {len(read)} sounds have several channels, whose mean is taken; first: "
            f"{several[0]}"
        )
    samples_of = {name: _resampled(samples, own, rate) for name, (samples, own) in read.items()}
    lengths = [len(samples_of[names[place]]) / rate for place in kept]
    note = f"{len(kept)} sounds of {min(lengths):.2f} to {max(lengths):.2f} s, {rate:,} samples a second"
    return Sounds(
        samples=[samples_of[names[place]] for place in kept], rate=rate, kept=kept, notes=[note], warnings=said
    )


def _decoded(name: str, content: bytes) -> tuple[NDArray[Any], int]:
    """Samples (n, channels) and how many a second. Raises DataError where a library is missing; decoders their own."""
    if name.lower().endswith(".wav"):
        if not content.startswith(_WAVE):
            raise ValueError("it does not begin as a WAV file does")
        with warnings.catch_warnings():
            warnings.simplefilter("error", wavfile.WavFileWarning)
            warnings.filterwarnings("ignore", message="Chunk", category=wavfile.WavFileWarning)
            rate, samples = wavfile.read(io.BytesIO(content))
        samples = samples[:, None] if samples.ndim == 1 else samples
    else:
        if not installed("soundfile"):
            raise DataError(
                f"{name}: this form of sound is read by soundfile; get it with: {install_command('soundfile')}"
            )
        import soundfile  # an extra

        with soundfile.SoundFile(io.BytesIO(content)) as file:
            refuse_bomb(name, file.frames * file.channels * 2, len(content))
            rate, samples = file.samplerate, file.read(dtype="int16", always_2d=True)
    if not samples.size:
        raise ValueError("it has no samples")
    if not np.isfinite(samples).all():
        raise ValueError("it has samples that are no numbers")
    if rate < 1:
        raise ValueError(f"it says that it has {rate} samples a second")
    return samples, int(rate)


def _one_channel(samples: NDArray[Any]) -> Samples:
    """The mean of channels (n, channels), in 16 bits."""
    kind = samples.dtype
    if kind == np.int16 and samples.shape[1] == 1:
        return samples[:, 0]
    values = samples.mean(axis=1, dtype=np.float64)
    if kind == np.uint8:
        values = (values - 128) * 256
    elif kind.kind == "i":
        values /= 2 ** (8 * kind.itemsize - 16)
    elif kind.kind == "f":
        values *= _FULL
    return _in_16_bits(values)


def _resampled(samples: Samples, own: int, rate: int) -> Samples:
    """By a filter with a finite answer, with nothing above half of the lower rate (`scipy.signal.resample_poly`)."""
    if own == rate:
        return samples
    common = math.gcd(own, rate)
    return _in_16_bits(resample_poly(samples.astype(np.float64), rate // common, own // common))


def _in_16_bits(values: NDArray[np.float64]) -> Samples:
    return np.clip(np.rint(values), -_FULL, _FULL - 1).astype(np.int16)


def _words(error: Exception) -> str:
    text = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
    return text.removeprefix("Error opening <_io.BytesIO object>: ")
