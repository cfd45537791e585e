"""Small results to watch, of four sorts of rows."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from concours import Contest, Entrant, Split, Task
from concours.runs.result import Result

_SPLIT = Split(test=0.25, folds=2)


def _flats(rows: int = 240, seed: int = 0, dearer: float = 0.0) -> pd.DataFrame:
    """A table with numbers, gaps, words, dates and an identifier; whether a flat is sold hangs on its price."""
    rng = np.random.default_rng(seed)
    price = rng.normal(10, 2, rows) + dearer
    frame = pd.DataFrame(
        {
            "id": [f"f{seed}-{row}" for row in range(rows)],
            "price": np.where(rng.random(rows) < 0.1, np.nan, price),
            "rooms": rng.integers(1, 6, rows),
            "town": rng.choice(["Lille", "Nice", "Lyon"], rows),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, rows), unit="D"),
        }
    )
    frame["sold"] = np.where(price + rng.normal(0, 1, rows) > 10 + dearer, "yes", "no")
    return frame


def _of_flats() -> Task:
    return Task(kind="tabular-classification", data=_flats(), target="sold", id="id", split=_SPLIT)


def _of_prices() -> Task:
    frame = _flats().dropna().drop(columns=["id", "sold"])
    return Task(kind="tabular-regression", data=frame, target="price", metrics=("rmse", "r2"), split=_SPLIT)


def _of_texts() -> Task:
    rng = np.random.default_rng(0)
    words = {"good": ["bright", "kind", "warm"], "bad": ["dull", "rude", "cold"]}
    moods = rng.choice(["good", "bad"], 240)
    texts = [f"day {day} was {' and '.join(rng.choice(words[mood], 3))}" for day, mood in enumerate(moods)]
    return Task(kind="text-classification", data=texts, target=moods, split=_SPLIT)


def _of_pictures() -> Task:
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 200, (240, 8, 8)).astype(np.uint8)
    left = rng.integers(0, 2, 240)
    pictures[left == 1, :, :4] += 50
    return Task(kind="image-classification", data=pictures, target=left, split=_SPLIT)


_TASKS: dict[str, tuple[Callable[[], Task], str]] = {
    "flats": (_of_flats, "logistic"),
    "prices": (_of_prices, "ridge"),
    "texts": (_of_texts, "naive-bayes"),
    "pictures": (_of_pictures, "logistic"),
}


@pytest.fixture(scope="session")
def flats() -> Callable[..., pd.DataFrame]:
    """Makes flats: so many rows, of a seed, and how much dearer."""
    return _flats


@pytest.fixture(scope="session")
def result_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Result]:
    """The result of a task by its name, made once."""

    @cache
    def made(name: str) -> Result:
        task, entrant = _TASKS[name]
        folder: Path = tmp_path_factory.mktemp("watched") / name
        contest: Any = Contest(
            task=task(), entrants=[Entrant(entrant, entrant)], cooperate=[], engine="inline", lineup="none", out=folder
        )
        return contest.run()

    return made
