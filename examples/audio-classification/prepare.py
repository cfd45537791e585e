"""Spoken digits as two folders: with the split of the set, and without.

    python examples/audio-classification/prepare.py

unpacks the Free Spoken Digit Dataset (Jackson et al. 2018, CC BY-SA 4.0; 1,800 recordings of 6 speakers) from
`CONCOURS_DATA` into `examples/audio-classification/data`: `digits/train` and `digits/test`, whose recordings are those
numbered 0 to 4 of each speaker and digit, as the authors of the set have it; and `speakers`, all in one folder.
"""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

ARCHIVE = Path(os.environ.get("CONCOURS_DATA", "../shared/data")) / "fsdd-subset" / "recordings-subset.tar.gz"
OUT = Path(__file__).parent / "data"


def main() -> None:
    count = 0
    with tarfile.open(ARCHIVE) as archive:
        for member in archive:
            if not member.isfile():
                continue
            name = Path(member.name).name
            part = "test" if int(Path(name).stem.rpartition("_")[2]) < 5 else "train"
            content = archive.extractfile(member).read()  # type: ignore[union-attr]
            for folder in (OUT / "digits" / part, OUT / "speakers"):
                folder.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)
            count += 1
    print(f"{count:,} recordings are in {OUT / 'digits'}, and in {OUT / 'speakers'}")  # noqa: T201


if __name__ == "__main__":
    main()
