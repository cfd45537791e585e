"""Handwritten digits laid upon photographs, with masks that are exact.

    python examples/segmentation/prepare.py

Both halves are real, and their meeting is made here: 200 photographs of CIFAR-10 (Krizhevsky 2009, from
`CONCOURS_DATA`), and digits as people wrote them (Alpaydin and Kaynak 1998, bundled with scikit-learn). Each photograph
is taken twice; one or two digits lie upon it, each once, of 8 to 18 pixels, in a colour of their own and slightly
transparent. A pixel belongs to a digit where there is more ink than paper. So the masks are true by construction, which
masks drawn by people are not.

`data/images` and `data/masks` get 400 pictures of 32 × 32 pixels; names are `<photograph>_<number>.png`, and masks hold
0 for the photograph and 1 for a digit.
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
PHOTOGRAPHS, EACH, SIDE = 200, 2, 32
SMALLEST, LARGEST = 8, 18


def photographs(rng: np.random.Generator) -> list[tuple[str, np.ndarray]]:
    """Names and pixels (32, 32, 3) of some photographs."""
    with tarfile.open(ARCHIVE) as archive:
        members = sorted(archive.getnames())
        names = [name for name in members if name.startswith("train/") and name.endswith(".jpg")]
        chosen = sorted(rng.choice(names, PHOTOGRAPHS, replace=False).tolist())
        found = []
        for name in chosen:
            content = archive.extractfile(name).read()  # type: ignore[union-attr]
            picture = Image.open(io.BytesIO(content)).convert("RGB")
            found.append(("-".join(Path(name).with_suffix("").parts[1:]), np.asarray(picture, dtype=np.float64)))
    return found


def lay(picture: np.ndarray, mask: np.ndarray, digit: np.ndarray, rng: np.random.Generator) -> None:
    """Lays a digit (8, 8) of 0 to 16 upon a picture, and upon its mask."""
    side = int(rng.integers(SMALLEST, LARGEST + 1))
    ink = np.asarray(Image.fromarray((digit * 15.9).astype(np.uint8)).resize((side, side), Image.Resampling.BICUBIC))
    down, across = rng.integers(0, SIDE - side + 1, 2)
    place = (slice(down, down + side), slice(across, across + side))
    cover = 0.85 * (ink / 255)[..., None]
    picture[place] = (1 - cover) * picture[place] + cover * rng.integers(0, 256, 3)
    mask[place][ink > 127] = 1


def main() -> None:
    rng = np.random.default_rng(0)
    digits = iter(rng.permutation(load_digits().images))
    for folder in ("images", "masks"):
        (OUT / folder).mkdir(parents=True, exist_ok=True)
    for name, photograph in photographs(rng):
        for number in range(EACH):
            picture, mask = photograph.copy(), np.zeros((SIDE, SIDE), dtype=np.uint8)
            for _ in range(rng.integers(1, 3)):
                lay(picture, mask, next(digits), rng)
            Image.fromarray(picture.round().astype(np.uint8)).save(OUT / "images" / f"{name}_{number}.png")
            Image.fromarray(mask).save(OUT / "masks" / f"{name}_{number}.png")
    print(f"{PHOTOGRAPHS * EACH} pictures with masks are in {OUT}")  # noqa: T201


if __name__ == "__main__":
    main()
