"""The engines of C-MAPSS FD001, unpacked as NASA gave them out.

    python examples/remaining-useful-life/prepare.py

From `CONCOURS_DATA` (Saxena, Goebel, Simon and Eklund 2008): 100 simulated engines that run to failure, and 100 that
stop before, with the cycles that were left. `data/` gets `train_FD001.txt`, `test_FD001.txt` and `RUL_FD001.txt`.
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path

SOURCE = Path(os.environ.get("CONCOURS_DATA", "../shared/data")) / "cmapss-fd001"
OUT = Path(__file__).parent / "data"


def main() -> None:
    OUT.mkdir(exist_ok=True)
    for part in ("train", "test", "RUL"):
        content = gzip.decompress((SOURCE / f"{part}_FD001.txt.gz").read_bytes())
        (OUT / f"{part}_FD001.txt").write_bytes(content)
    print(f"the engines of FD001 are in {OUT}")  # noqa: T201


if __name__ == "__main__":
    main()
