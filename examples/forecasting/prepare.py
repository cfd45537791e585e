"""ETT-h1 made ready in data/: the months that are learned from, and those that judge with the context before them.

    python examples/forecasting/prepare.py

The customary split of the first 14,400 hours: 8,640 to fit on, 2,880 to choose by, 2,880 that judge. What is chosen
here is chosen by cross-validation in the first part: of the second only the context of the third is used.

    CONCOURS_DATA   the folder that has `ett-h1/ETTh1.csv.gz`; by default ../shared/data beside the repository
"""

from __future__ import annotations

import csv
import gzip
import os
from pathlib import Path

FITTED, CHOOSING, JUDGING = 8640, 2880, 2880
CONTEXT = 504


def main() -> None:
    """Writes data/train.csv and data/test.csv."""
    here = Path(__file__).resolve().parent
    folder = Path(os.environ.get("CONCOURS_DATA", here.parents[2] / "shared" / "data"))
    with gzip.open(folder / "ett-h1" / "ETTh1.csv.gz", "rt", encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    judging = FITTED + CHOOSING
    parts = {"train": rows[:FITTED], "test": rows[judging - CONTEXT : judging + JUDGING]}
    (here / "data").mkdir(exist_ok=True)
    for name, part in parts.items():
        with (here / "data" / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([head, *part])


if __name__ == "__main__":
    main()
