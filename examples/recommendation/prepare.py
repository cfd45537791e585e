"""MovieLens 100K (Harper and Konstan 2015), from `CONCOURS_DATA`, as one table with the titles of the films.

    python examples/recommendation/prepare.py

`data/ratings.csv` gets the columns `userId`, `film` and `rating`: 100,000 ratings of 943 users. This copy of the set
has no times. Two films of one title are told apart by their number.
"""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

SOURCE = Path(os.environ.get("CONCOURS_DATA", "../shared/data")) / "movielens-100k"
OUT = Path(__file__).parent / "data" / "ratings.csv"


def main() -> None:
    ratings, films = (pd.read_csv(SOURCE / f"{name}.csv.gz") for name in ("ratings", "items"))
    again = films["title"].duplicated(keep=False)
    films["film"] = films["title"].where(~again, films["title"] + " #" + films["itemId"].astype(str))
    table = ratings.merge(films[["itemId", "film"]], on="itemId")[["userId", "film", "rating"]]
    OUT.parent.mkdir(exist_ok=True)
    table.to_csv(OUT, index=False)
    print(f"{len(table):,} ratings of {table['userId'].nunique():,} users are in {OUT}")  # noqa: T201


if __name__ == "__main__":
    main()
