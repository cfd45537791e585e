"""`host new` divides the data that a person has; what it changes, or doubts, it says."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from concours.core.errors import DataError
from concours.server.hosting.new import new

from .conftest import NOW


def test_parts_that_pictures_have_are_kept(tmp_path: Path) -> None:
    """Those under test judge, without labels where everybody sees them; no picture is in both parts."""
    for part, label, number in ((p, c, n) for p in ("train", "test") for c in ("dark", "light") for n in range(12)):
        value = 20 * number + (("train", "test").index(part) * 2 + ("dark", "light").index(label))
        (tmp_path / "all" / part / label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4), value % 256, np.uint8)).save(tmp_path / "all" / part / label / f"{number}.png")
    new(tmp_path / "made", source=str(tmp_path / "all"), now=NOW)
    for path, part, labelled in (
        ("data/train.zip", "train", True),
        ("truth/test.zip", "test", True),
        ("data/test.zip", "test", False),
    ):
        theirs = {file.read_bytes(): file.parent.name for file in (tmp_path / "all" / part).rglob("*.png")}
        with zipfile.ZipFile(tmp_path / "made" / path) as archive:
            found = {archive.read(name): name.rpartition("/")[0] for name in archive.namelist()}
        assert found == (theirs if labelled else dict.fromkeys(theirs, "")), path


def test_decimal_commas_become_points_and_that_is_said(tmp_path: Path) -> None:
    """Else a column of numbers would be one of texts to whoever reads the file by the usual means."""
    lines = [f"{n / 8:.3f};{n % 3};{'rot' if n % 2 else 'weiss'}".replace(".", ",") for n in range(60)]
    (tmp_path / "masse.csv").write_text("Masse;Zahl;Sorte\n" + "\n".join(lines))
    made = new(tmp_path / "made", source=str(tmp_path / "masse.csv"), target="Sorte", now=NOW)
    assert "the source has decimal commas" in dict(made.left)["numbers in 'Masse', 'Zahl'"]
    with (tmp_path / "made/data/train.csv").open(newline="") as file:
        found = {float(row["Masse"]) for row in csv.DictReader(file)}
    with (tmp_path / "made/truth/test.csv").open(newline="") as file:
        found |= {float(row["Masse"]) for row in csv.DictReader(file)}
    assert found == {round(n / 8, 3) for n in range(60)}


def test_rows_with_times_that_were_divided_by_chance_are_said_to_be(tmp_path: Path) -> None:
    """Of a series the days around each day of the test would be known."""
    rng = np.random.default_rng(0)
    lines = [f"2024-0{1 + n // 28}-{1 + n % 28:02},{value:.2f}" for n, value in enumerate(rng.normal(size=112))]
    (tmp_path / "sales.csv").write_text("day,sales\n" + "\n".join(lines))
    made = new(tmp_path / "made", source=str(tmp_path / "sales.csv"), target="sales", now=NOW)
    assert [what for what, why in made.left if "divided by chance" in why] == ["the column 'day'"]
    with pytest.raises(DataError, match="divided by hand"):
        new(tmp_path / "other", source=str(tmp_path / "sales.csv"), now=NOW)


def test_a_test_part_of_a_table_is_not_dropped_in_silence(tmp_path: Path) -> None:
    """It is not divided, and that is said."""
    (tmp_path / "both").mkdir()
    for part, rows in (("train", 60), ("test", 20)):
        lines = [f"{n * 0.5 + (n % 2) * 9},{'ab'[n % 2]}" for n in range(rows)]
        (tmp_path / "both" / f"{part}.csv").write_text("x,y\n" + "\n".join(lines))
    made = new(tmp_path / "made", source=str(tmp_path / "both"), target="y", now=NOW)
    assert "the test part" in dict(made.left)


def test_rows_that_belong_together_are_divided_by_who_knows_them(tmp_path: Path) -> None:
    """Documents of one query on both sides would flatter whoever learns queries by heart."""
    lines = "\n".join(f"{row // 4},{row % 7},{row % 3}" for row in range(80))
    (tmp_path / "d.csv").write_text(f"query,x,relevance\n{lines}\n")
    with pytest.raises(DataError, match="kind ranking is divided by who knows it"):
        new(tmp_path / "made", source=str(tmp_path / "d.csv"), now=NOW)
