"""The keys of a contest of groups for a table, where a person asks for that, and a little table for tests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from concours.core.errors import ConcoursError
from concours.tasks.columns import describe
from concours.tasks.readers.opened import Options
from concours.tasks.readers.source import open_source
from concours.tasks.roles import useless
from concours.tasks.task import Split, Task


def find(source: Path, options: Options) -> dict[str, tuple[Any, str]] | None:
    """The keys of `[task]`, each with a reason; none unless the kind is asked for: any table may be grouped."""
    if not options.asked:
        return None
    try:
        opened = open_source(source, Path(), replace(options, input="table"))
    except ConcoursError:
        return None  # who reads it as a table says what is wrong
    if not isinstance(opened.x, pa.Table):
        return None
    keys: dict[str, tuple[Any, str]] = {
        "data": (str(source), f"{len(opened.x):,} rows; entrants choose how many groups")
    }
    if options.names:
        keys["target"] = (options.names[0], "named by --target: the true groups, by which nothing is fitted")
    others = [column for column in describe(opened.x) if column.name not in options.names]
    if drop := [note for note in useless(tuple(others)) if len(others) > 1]:
        keys["drop"] = ([note.name for note in drop], "; ".join(f"{note.name}: {note.why}" for note in drop))
    keys["split"] = ({"test": 0.3}, "groups are found on the others, and new rows put into them")
    return keys


def sample(folder: Path, seed: int) -> Task:
    """Three sorts of customers, as a CSV file."""
    rng, rows = np.random.default_rng(seed), 150
    sort = np.arange(rows) % 3
    table = pa.table(
        {
            "visits": (np.array([2, 9, 5])[sort] + rng.normal(0, 0.7, rows)).round(2),
            "spent": (np.array([60, 20, 10])[sort] + rng.normal(0, 4, rows)).round(2),
            "pays": np.array(["card", "cash", "card"])[sort].tolist(),
            "sort": np.array(["rare", "often", "small"])[sort].tolist(),
        }
    )
    path = folder / "customers.csv"
    pa.csv.write_csv(table, path)
    return Task(kind="clustering", data=str(path), target="sort", split=Split(test=0.3, folds=3))
