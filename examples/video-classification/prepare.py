"""Handwritten digits that move over photographs, as folders of frames; the class is the movement.

    python examples/video-classification/prepare.py

Pictures are real, movements are made here: 160 photographs of CIFAR-10 (Krizhevsky 2009, from `CONCOURS_DATA`), and
digits as people wrote them (Alpaydin and Kaynak 1998, bundled with scikit-learn). Over each photograph three digits
move, a clip each: to the left, to the right, up, down, around in a circle, or they shake. Where, at which pace and in
which colour is drawn by chance; digits are slightly transparent, and each frame has noise of its own. A single frame
does not tell the class; the mean of all tells a line from a circle, and not to the left from to the right.

`data/<movement>/<photograph>_<number>/` gets 10 frames of 32 × 32 pixels; there are 480 clips, 80 of each movement.
"""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

ARCHIVE = Path(os.environ.get("CONCOURS_DATA", "../shared/data")) / "cifar10-subset" / "cifar10-subset.tar.gz"
OUT = Path(__file__).parent / "data"
PHOTOGRAPHS, EACH, FRAMES, SIDE, DIGIT = 160, 3, 10, 32, 12
MOVEMENTS = ("left", "right", "up", "down", "circle", "shake")


def photographs(rng: np.random.Generator) -> list[tuple[str, np.ndarray]]:
    """Names and pixels (32, 32, 3) of some photographs."""
    with tarfile.open(ARCHIVE) as archive:
        members = sorted(archive.getnames())
        names = [name for name in members if name.startswith("train/") and name.endswith(".jpg")]
        found = []
        for name in sorted(rng.choice(names, PHOTOGRAPHS, replace=False).tolist()):
            content = archive.extractfile(name).read()  # type: ignore[union-attr]
            picture = Image.open(io.BytesIO(content)).convert("RGB")
            found.append(("-".join(Path(name).with_suffix("").parts[1:]), np.asarray(picture, dtype=np.float64)))
    return found


def path(movement: str, rng: np.random.Generator) -> np.ndarray:
    """Where the digit's corner is in each frame, down and across, (frames, 2), all of it within the picture."""
    time, pace = np.arange(FRAMES), rng.uniform(0.8, 1.8)
    still = np.zeros(FRAMES)
    angle = time * rng.choice([-1, 1]) * 2 * np.pi / FRAMES + rng.uniform(0, 2 * np.pi)
    steps = {
        "left": (still, -pace * time),
        "right": (still, pace * time),
        "up": (-pace * time, still),
        "down": (pace * time, still),
        "circle": (2 * pace * np.sin(angle), 2 * pace * np.cos(angle)),
        "shake": tuple(rng.uniform(-1.5 * pace, 1.5 * pace, (2, FRAMES))),
    }[movement]
    found = np.stack(steps, axis=1) + rng.normal(scale=0.2, size=(FRAMES, 2))
    low, high = -found.min(axis=0), SIDE - DIGIT - found.max(axis=0)
    return found + rng.uniform(low, np.maximum(low, high))


def clip(photograph: np.ndarray, digit: np.ndarray, movement: str, rng: np.random.Generator) -> np.ndarray:
    """Frames uint8 (frames, side, side, 3)."""
    ink = np.asarray(Image.fromarray((digit * 15.9).astype(np.uint8)).resize((DIGIT, DIGIT), Image.Resampling.BICUBIC))
    cover, colour = 0.85 * (ink / 255)[..., None], rng.integers(0, 256, 3)
    frames = []
    for corner in path(movement, rng):
        frame = photograph.copy()
        down, across = np.clip(np.rint(corner).astype(int), 0, SIDE - DIGIT)
        where = (slice(down, down + DIGIT), slice(across, across + DIGIT))
        frame[where] = (1 - cover) * frame[where] + cover * colour
        frames.append(frame + rng.normal(scale=4, size=frame.shape))
    return np.clip(np.rint(frames), 0, 255).astype(np.uint8)


def main() -> None:
    rng = np.random.default_rng(0)
    digits = iter(rng.permutation(load_digits().images))
    movements = iter(rng.permutation(np.repeat(MOVEMENTS, PHOTOGRAPHS * EACH // len(MOVEMENTS))).tolist())
    for name, photograph in photographs(rng):
        for number in range(EACH):
            movement = next(movements)
            folder = OUT / movement / f"{name}_{number}"
            folder.mkdir(parents=True, exist_ok=True)
            for place, frame in enumerate(clip(photograph, next(digits), movement, rng)):
                Image.fromarray(frame).save(folder / f"{place:02}.png")
    print(f"{PHOTOGRAPHS * EACH} clips are in {OUT}")  # noqa: T201


if __name__ == "__main__":
    main()
