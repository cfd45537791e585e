"""Blood cells under a microscope, with a box around each.

    python examples/object-detection/prepare.py

unpacks the BCCD set (364 pictures of 640 × 480 pixels; MIT licence) from `CONCOURS_DATA` into
`examples/object-detection/data`, as Pascal VOC lays pictures and boxes.
"""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

ARCHIVE = Path(os.environ.get("CONCOURS_DATA", "../shared/data")) / "bccd" / "bccd.tar.gz"
OUT = Path(__file__).parent / "data"


def main() -> None:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(OUT, filter="data")
    print(f"{len(list(OUT.rglob('*.jpg'))):,} pictures are in {OUT}")  # noqa: T201


if __name__ == "__main__":
    main()
