"""Connected digits, made of recordings of single ones: `digits/train` and `digits/test`, and `speakers`.

    python examples/speech-recognition/prepare.py

No connected digits were recorded. Each sound is one to five real recordings of the Free Spoken Digit Dataset (Jackson
et al. 2018, CC BY-SA 4.0; 1,800 recordings of single digits by 6 speakers), all of one speaker, one after the other,
with the speaker's own quiet between them: 0.1 to 0.4 s of the softest stretches of the recordings on either side, faded
into one another. Every recording is used once, in an order that is drawn by a fixed seed; so no two sounds share one.

It reads the set from `CONCOURS_DATA` and writes into `examples/speech-recognition/data`. In `digits` recordings 0 to 4
of each speaker and digit make the sounds that judge, as the authors of the set have it; in `speakers` all lie together.
Beside the sounds lie manifests, `train.jsonl`, `test.jsonl` and `all.jsonl`: path, text, speaker.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.io import wavfile

ARCHIVE = Path(os.environ.get("CONCOURS_DATA", "../shared/data")) / "fsdd-subset" / "recordings-subset.tar.gz"
OUT = Path(__file__).parent / "data"
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
RATE = 8000
STRETCH, FADE = 480, 160  # samples of a stretch of quiet, and of those in which two are faded into one another
JUDGING = 5


def main() -> None:
    recordings = read()
    parts = {"train": lambda number: number >= JUDGING, "test": lambda number: number < JUDGING}
    for name, chosen in parts.items():
        some = [one for one in recordings if chosen(one[2])]
        write(OUT / "digits", name, some, seed=len(name))
    write(OUT / "speakers", "all", recordings, seed=0)


def read() -> list[tuple[int, str, int, np.ndarray]]:
    """Digit, speaker, number and samples of each recording."""
    found = []
    with tarfile.open(ARCHIVE) as archive:
        for member in archive:
            if member.isfile():
                digit, speaker, number = Path(member.name).stem.split("_")
                content = archive.extractfile(member).read()  # type: ignore[union-attr]
                found.append((int(digit), speaker, int(number), wavfile.read(io.BytesIO(content))[1]))
    return sorted(found, key=lambda one: one[:3])


def write(folder: Path, name: str, recordings: list[tuple[int, str, int, np.ndarray]], *, seed: int) -> None:
    """Sounds of the recordings, each used once, in a folder of that name, and their manifest beside it."""
    rng, lines = np.random.default_rng(seed), []
    (folder / name).mkdir(parents=True, exist_ok=True)
    for speaker in sorted({one[1] for one in recordings}):
        own = [one for one in recordings if one[1] == speaker]
        order = rng.permutation(len(own)).tolist()
        while order:
            some = [own[order.pop()] for _ in range(min(len(order), int(rng.integers(1, 6))))]
            path = f"{name}/{speaker}_{len(lines):04}.wav"
            wavfile.write(folder / path, RATE, connected([one[3] for one in some], rng))
            text = " ".join(WORDS[one[0]] for one in some)
            lines.append(json.dumps({"path": path, "text": text, "speaker": speaker}))
    (folder / f"{name}.jsonl").write_text("".join(f"{line}\n" for line in lines))
    print(f"{len(lines):,} sounds of {len(recordings):,} recordings are in {folder / name}")  # noqa: T201


def connected(sounds: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """The sounds one after the other, with quiet between."""
    found = [sounds[0]]
    for before, after in pairwise(sounds):
        found += [quiet([softest(before), softest(after)], int(rng.uniform(0.1, 0.4) * RATE)), after]
    return np.concatenate(found)


def softest(sound: np.ndarray) -> np.ndarray:
    """Its softest stretch."""
    energy = np.cumsum(np.concatenate([[0.0], sound.astype(np.float64) ** 2]))
    length = min(STRETCH, len(sound))
    start = int(np.argmin(energy[length:] - energy[:-length]))
    return sound[start : start + length].astype(np.float64)


def quiet(stretches: list[np.ndarray], length: int) -> np.ndarray:
    """So many samples of stretches, over and over, each faded into the next."""
    found, turn = stretches[0], 0
    while len(found) < length:
        turn += 1
        other = stretches[turn % len(stretches)][:: -1 if turn % 4 > 1 else 1]
        fade = np.linspace(0, 1, min(FADE, len(other), len(found)))
        mixed = found[-len(fade) :] * np.sqrt(1 - fade) + other[: len(fade)] * np.sqrt(fade)
        found = np.concatenate([found[: -len(fade)], mixed, other[len(fade) :]])
    return np.rint(found[:length]).astype(np.int16)


if __name__ == "__main__":
    main()
