"""Small photographs of ten things, a folder a class.

    python examples/image-classification/prepare.py

unpacks the first 300 training and 100 test pictures of each class of a subset of CIFAR-10 (Krizhevsky 2009; for
research) from `CONCOURS_DATA` into `examples/image-classification/data`.
"""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

ARCHIVE = Path(os.environ.get("CONCOURS_DATA", "../shared/data")) / "cifar10-subset" / "cifar10-subset.tar.gz"
OUT = Path(__file__).parent / "data"
KEPT = {"train": 300, "test": 100}


def main() -> None:
    taken: dict[str, int] = {}
    with tarfile.open(ARCHIVE) as archive:
        for member in sorted(archive.getmembers(), key=lambda one: one.name):
            folder = str(Path(member.name).parent)
            if member.isfile() and taken.get(folder, 0) < KEPT[Path(folder).parts[-2]]:
                taken[folder] = taken.get(folder, 0) + 1
                archive.extract(member, OUT, filter="data")
    print(f"{sum(taken.values()):,} pictures of {len(taken) // 2} classes are in {OUT}")  # noqa: T201


if __name__ == "__main__":
    main()
