"""The tables that `quality.py` compares on, and the files that both systems read.

Cells are kept as they are written, but for blanks around them and what stands for a missing value (`?`, `NA`), which
is left empty: neither system needs to be told. Files without a header get one, with the names in their descriptions.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

TEST_SHARE = 0.3
MISSING = ["?", "NA"]
ABALONE = [
    "sex",
    "length",
    "diameter",
    "height",
    "whole weight",
    "shucked weight",
    "viscera weight",
    "shell weight",
    "rings",
]
WINE = [
    "fixed acidity",
    "volatile acidity",
    "citric acid",
    "residual sugar",
    "chlorides",
    "free sulfur dioxide",
    "total sulfur dioxide",
    "density",
    "pH",
    "sulphates",
    "alcohol",
    "quality",
]


@dataclass(frozen=True, kw_only=True)
class Set:
    """One table: where it lies in the data folder, and what is predicted.

    Attributes:
        columns: names, where the files have no header line.
        source: where there are several files, the column that says which one a row came from, and its values.
        test: a test part of its own; otherwise rows are drawn.
    """

    name: str
    files: tuple[str, ...]
    target: str
    kind: str = "tabular-classification"
    columns: tuple[str, ...] = ()
    source: tuple[str, tuple[str, ...]] | None = None
    test: str | None = None

    @property
    def classes(self) -> bool:
        """Whether classes are predicted, not numbers."""
        return self.kind == "tabular-classification"

    @property
    def metric(self) -> str:
        """What is compared; lower is better."""
        return "log_loss" if self.classes else "rmse"

    @property
    def seeds(self) -> tuple[int, ...]:
        """Splits; a set with a test part of its own has one."""
        return (0,) if self.test else (0, 1, 2)


def numbered(count: int) -> tuple[str, ...]:
    """Names for columns that have none; words, so that nobody takes the line for a row."""
    return tuple(f"column_{i}" for i in range(count))


SETS = {
    one.name: one
    for one in (
        Set(name="german-credit", files=("tab-german-credit/GermanCredit.csv",), target="credit_risk"),
        Set(name="titanic", files=("tab-titanic/titanic-train.csv",), target="Survived"),
        Set(
            name="horse-colic",
            files=("tab-horse-colic/horse-colic.csv",),
            target="column_23",
            columns=numbered(28),
        ),
        Set(name="soybean", files=("tab-soybean/Soybean.csv",), target="Class"),
        Set(
            name="abalone",
            files=("tab-abalone/abalone.csv",),
            target="rings",
            kind="tabular-regression",
            columns=tuple(ABALONE),
        ),
        Set(
            name="wine-quality",
            files=("tab-wine-quality/winequality-red.csv", "tab-wine-quality/winequality-white.csv"),
            target="quality",
            kind="tabular-regression",
            columns=tuple(WINE),
            source=("colour", ("red", "white")),
        ),
        Set(
            name="mammography",
            files=("tab-mammography/mammography.csv.gz",),
            target="column_6",
            columns=numbered(7),
        ),
        Set(name="bank-marketing", files=("tab-bank-marketing/bank_marketing_test.csv.gz",), target="y"),
        Set(name="spambase", files=("tab-spambase/spam.csv.gz",), target="type"),
        Set(name="letter", files=("tab-letter/LetterRecognition.csv.gz",), target="lettr"),
        Set(name="adult", files=("tab-adult/adult_train.csv.gz",), target="class"),
        Set(name="diamonds", files=("tab-diamonds/diamonds.csv.gz",), target="price", kind="tabular-regression"),
        Set(
            name="adult-own-test",
            files=("tab-adult/adult_train.csv.gz",),
            target="class",
            test="tab-adult/adult_test.csv.gz",
        ),
    )
}
"""Small ones first. `adult-own-test` is `adult` with its own test file, and is not counted among the twelve."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The files of one split: rows with the target, rows without it, and the truth (rows,) of the latter."""

    train: Path
    test: Path
    truth: Path

    @property
    def digest(self) -> str:
        """Covers the three files."""
        return hashlib.sha256(b"".join(file.read_bytes() for file in (self.train, self.test, self.truth))).hexdigest()

    def targets(self) -> NDArray[np.str_]:
        """The truth as it is written."""
        return np.asarray(self.truth.read_text(encoding="utf-8").splitlines())


def data_folder() -> Path:
    """Where the sets lie."""
    return Path(os.environ.get("CONCOURS_DATA", "../shared/data"))


def split(which: Set, seed: int, folder: Path) -> Parts:
    """The files of a split, written if they are not there yet."""
    parts = Parts(train=folder / "train.csv", test=folder / "test.csv", truth=folder / "truth.txt")
    if not parts.truth.exists():
        train, test = divided(which, seed)
        folder.mkdir(parents=True, exist_ok=True)
        train.to_csv(parts.train, index=False)
        test.drop(columns=which.target).to_csv(parts.test, index=False)
        aside = folder / "truth.part"
        aside.write_text("".join(f"{label}\n" for label in test[which.target]), encoding="utf-8")
        aside.rename(parts.truth)
    return parts


def divided(which: Set, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training and test rows, all cells as text; drawn by class where there are classes."""
    whole = table(which, which.files)
    if which.test:
        return whole, table(which, (which.test,), label=lambda text: text.removesuffix("."))
    train, test = train_test_split(
        whole, test_size=TEST_SHARE, random_state=seed, stratify=whole[which.target] if which.classes else None
    )
    return train, test


def table(which: Set, files: tuple[str, ...], *, label: Callable[[str], str] = str) -> pd.DataFrame:
    """The rows of the files, one after the other; `label` makes of a label in them the one that is meant."""
    frames = [_read(data_folder() / file, which.columns) for file in files]
    if which.source:
        name, values = which.source
        frames = [frame.assign(**{name: value}) for frame, value in zip(frames, values, strict=True)]
    whole = pd.concat(frames, ignore_index=True)
    return whole.assign(**{which.target: whole[which.target].str.strip("'").map(label)})


def _read(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    frame = pd.read_csv(
        path, dtype=str, keep_default_na=False, header=None if columns else 0, names=list(columns) or None
    )
    return frame.apply(lambda column: column.str.strip()).replace(dict.fromkeys(MISSING, ""))
