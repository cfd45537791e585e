"""A little data of interactions, for tests: users who like one of a few sorts of things."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from concours.tasks.task import Split, Task

_SORTS, _EACH = 3, 8


def taken(folder: Path, seed: int) -> Task:
    """Users who take mostly things of the sort that they like, the last of which are to be told."""
    path = _written(folder, seed, users=60, each=9)
    return Task(
        kind="recommendation",
        data=str(path),
        id="user",
        target="item",
        split=Split(test=0.3, folds=3),
        options={"time": "day", "best": 12},
    )


def rated(folder: Path, seed: int) -> Task:
    """Ratings of things, better ones of the sort that a user likes."""
    path = _written(folder, seed, users=40, each=9)
    return Task(
        kind="rating",
        data=str(path),
        target="stars",
        drop=("day",),
        split=Split(test=0.25, folds=3),
        options={"user": "user", "item": "item"},
    )


def _written(folder: Path, seed: int, *, users: int, each: int) -> Path:
    """A CSV file of users, items, stars and days."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        liked = user % _SORTS
        shares = np.where(np.arange(_SORTS * _EACH) % _SORTS == liked, 6.0, 1.0) / (1 + np.arange(_SORTS * _EACH) // 6)
        for place, item in enumerate(rng.choice(_SORTS * _EACH, each, replace=False, p=shares / shares.sum())):
            stars = np.clip(round(2 + 2 * (item % _SORTS == liked) + rng.normal(scale=0.7)), 1, 5)
            rows.append((f"u{user}", f"thing {item}", int(stars), f"2026-03-{place + 1:02}"))
    path = folder / "taken.csv"
    columns = list(zip(*rows, strict=True))
    pa.csv.write_csv(pa.table(dict(zip(("user", "item", "stars", "day"), map(list, columns), strict=True))), path)
    return path
