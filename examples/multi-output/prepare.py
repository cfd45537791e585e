"""What is in a shell: abalone, measured from outside, and all that is known only of those that were opened.

    python examples/multi-output/prepare.py

4,177 abalone (Nash et al. 1994, UCI, from `CONCOURS_DATA`). Length, diameter, height and whole weight are measured
without harm. Whoever opens the shell learns the sex, the weights of meat, viscera and shell, and, by counting rings
under a microscope, the age: one label and four numbers, which hang on one another. Two shells of no height, a slip in
the set, stay as they are.

`data/abalone.csv` gets the rows with names of columns.
"""

from __future__ import annotations

import os
from pathlib import Path

SOURCE = Path(os.environ.get("CONCOURS_DATA", "../shared/data")) / "tab-abalone" / "abalone.csv"
OUT = Path(__file__).parent / "data"
NAMES = (
    "sex",
    "length",
    "diameter",
    "height",
    "whole_weight",
    "meat_weight",
    "viscera_weight",
    "shell_weight",
    "rings",
)


def main() -> None:
    """Writes `data/abalone.csv`."""
    OUT.mkdir(exist_ok=True)
    (OUT / "abalone.csv").write_text(f"{','.join(NAMES)}\n{SOURCE.read_text()}")


if __name__ == "__main__":
    main()
