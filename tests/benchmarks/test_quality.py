"""The comparison with AutoGluon: what both read, which cells are run, what the table says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

HEIGHTS = "height,weight,size\n" + "".join(
    f"{150 + i},{'?' if i % 7 == 0 else 50 + i},{'tall' if i > 25 else 'small'}\n" for i in range(60)
)


@pytest.fixture
def heights(tmp_path, monkeypatch):
    """A set whose file lies in the data folder, with a test file that writes its labels another way."""
    from quality_sets import Set

    (tmp_path / "heights.csv").write_text(HEIGHTS)
    (tmp_path / "own.csv").write_text(HEIGHTS.replace("tall", " tall.").replace("small", "small."))
    monkeypatch.setenv("CONCOURS_DATA", str(tmp_path))
    return Set(name="heights", files=("heights.csv",), target="size")


def test_parts_have_all_rows_once(heights, tmp_path):
    """Nothing is lost or on both sides, classes keep their shares, gaps are empty, the target is told once."""
    from quality_sets import split

    parts = split(heights, 0, tmp_path / "split")
    train, test = pd.read_csv(parts.train), pd.read_csv(parts.test)
    assert sorted([*train["height"], *test["height"]]) == list(range(150, 210))
    assert list(test.columns) == ["height", "weight"]
    assert train["weight"].isna().sum() + test["weight"].isna().sum() == 9
    whole = dict(zip(range(150, 210), ["small"] * 26 + ["tall"] * 34, strict=True))
    assert parts.targets().tolist() == [whole[height] for height in test["height"]]
    assert (parts.targets() == "small").sum() == 8


def test_a_split_is_made_once(heights, tmp_path):
    """Both systems and every later run read the same bytes; another seed draws other rows."""
    from quality_sets import split

    first = split(heights, 0, tmp_path / "a")
    assert split(heights, 0, tmp_path / "a").digest == first.digest == split(heights, 0, tmp_path / "b").digest
    assert split(heights, 1, tmp_path / "c").digest != first.digest


def test_an_own_test_file_has_the_known_labels(heights, tmp_path):
    """Labels that end in a full stop are those without it."""
    from quality_sets import Set, divided

    own = Set(name="own", files=heights.files, target="size", test="own.csv")
    train, test = divided(own, 0)
    assert set(train["size"]) == set(test["size"]) == {"small", "tall"}
    assert own.seeds == (0,)


def cell(folder: Path, system: str, seed: int, errors: tuple[float, float], *, error: str = "") -> None:
    """Writes a cell of a regression whose default and single model are so far off, in the mean."""
    from quality_cells import source_digest

    random = np.random.default_rng(seed)
    truth = random.normal(size=200)
    base = folder / "cells-60" / f"{system}-abalone-{seed}"
    base.parent.mkdir(exist_ok=True)
    predictions = {
        model: truth + size * np.random.default_rng([seed, 1]).normal(size=200)
        for model, size in zip(("default", "single"), errors, strict=True)
    }
    np.savez(base.with_suffix(".npz"), y=truth.astype(str), classes=np.array([], dtype=str), **predictions)
    about = {"system": system, "set": "abalone", "seed": seed, "error": error, "source": source_digest(system)}
    times = {"wall_s": 100.0 + seed, "cpu_s": 90.0, "load_at_start": 0.1, "load_at_end": 1.2}
    told = {"fitted": {"forest": 1.0}, "versions": {"numpy": "2"}}
    base.with_suffix(".json").write_text(json.dumps({**about, **times, **told}))


def place(folder: Path):
    from quality_cells import Place

    return Place(folder=folder, python={})


def test_table(tmp_path):
    """Scores are means over the splits that all came to an end on, each peer is compared; what failed is told."""
    from quality_sets import SETS
    from quality_table import table

    for seed in (0, 1):
        cell(tmp_path, "concours", seed, (1.0, 1.1))
        cell(tmp_path, "autogluon-medium", seed, (2.0, 2.1))
        cell(tmp_path, "autogluon-high", seed, (0.5, 0.6))
    cell(tmp_path, "concours", 2, (9.0, 9.0))
    cell(tmp_path, "autogluon-medium", 2, (2.0, 2.0), error="killed after 240 s")
    page = table(place(tmp_path), list(SETS.values()))
    line = next(line for line in page.splitlines() if line.startswith("| abalone"))
    assert "| 2 of 3 |" in line
    assert [cell for cell in line.split(" | ") if "better" in cell or "worse" in cell] == ["better", "worse |"]
    against = "On 1 sets, the default model against AutoGluon"
    assert f"{against} medium: 1 better, 0 equal, 0 worse by interval" in page
    assert f"{against} high: 0 better, 0 equal, 1 worse by interval" in page
    ranks = "Concours 2.00, its best single 3.00, AutoGluon medium 4.00, AutoGluon high 1.00"
    assert f"Mean rank over 1 sets: {ranks}" in page
    assert "| autogluon-medium | 3 | 1 | 100 | 101 | 2 | 90 | 1.2 | 1 |" in page
    assert "Failed: autogluon-medium on abalone, seed 2: killed after 240 s" in page


def test_table_of_one_system(tmp_path):
    """A table can be read before the other system has run."""
    from quality_sets import SETS
    from quality_table import table

    cell(tmp_path, "autogluon-high", 0, (2.0, 2.1))
    page = table(place(tmp_path), list(SETS.values()))
    assert "| abalone | rmse | 1 of 3 |" in page
    assert "against" not in page


def test_cells_are_run_once(tmp_path, monkeypatch):
    """A cell that is there is left alone, unless it is stale and that was asked for."""
    import quality
    from quality_sets import SETS

    cell(tmp_path, "concours", 0, (1.0, 1.0))
    cell(tmp_path, "concours", 1, (1.0, 1.0), error="killed")
    ran: list[int] = []
    monkeypatch.setattr(quality, "run_cell", lambda _place, _system, _which, seed: ran.append(seed) or {"started": ""})
    monkeypatch.setattr(quality, "_line", str)
    chosen = [("concours", SETS["abalone"], seed) for seed in (0, 1, 2)]
    quality.run(place(tmp_path), chosen, rerun_stale=False)
    assert ran == [2]
    quality.run(place(tmp_path), chosen, rerun_stale=True)
    assert ran == [2, 1, 2]


def test_a_system_that_breaks_leaves_a_cell(heights, tmp_path):
    """The reason is kept, and nothing is left over of the run."""
    import sys

    from quality_cells import Place, run_cell

    folder = tmp_path / "out"
    folder.mkdir()
    told = run_cell(Place(folder=folder, python={"autogluon-high": sys.executable}), "autogluon-high", heights, 0)
    assert told["error"].startswith("exit status 1")
    assert "No module named 'autogluon'" in told["error"]
    assert not list(folder.glob("scratch-*"))
    assert json.loads((folder / "cells-60/autogluon-high-heights-0.json").read_text())["error"] == told["error"]
