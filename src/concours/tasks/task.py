"""Tasks as they are declared: where the data lies and what is asked of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from concours.core.errors import ContestError


@dataclass(frozen=True, kw_only=True)
class Split:
    """How rows are divided.

    Attributes:
        test: the share that judges and nothing is fitted or chosen on; 0 for none. Not used with a test file.
        folds: of the training part, for out-of-fold predictions.
        by: `stratified`, in every part the classes' shares of the whole; or `random`. By default what suits the target.
    """

    test: float = 0.2
    folds: int = 5
    by: Literal["stratified", "random"] | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.test < 1:
            raise ContestError(f"task.split.test must be a share from 0 up to 1, got {self.test!r}")
        if self.folds < 2:
            raise ContestError(f"task.split.folds must be at least 2, got {self.folds!r}")
        if self.by not in (None, "stratified", "random"):
            raise ContestError(f'task.split.by must be "stratified" or "random", got {self.by!r}')


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is to be solved.

    Attributes:
        kind: e.g. `tabular-classification`; see `concours.tasks.kinds`.
        data: a CSV file, `sklearn:NAME`, or, in Python, the inputs themselves: a DataFrame, an Arrow table, an array.
        target: the column to predict; or, with inputs given as an array or frame without it, the targets (rows,).
        test: a CSV file (or frame with the target in it) that judges; otherwise a share is split off.
        metrics: names; the first one ranks. By default the kind's.
        header: whether a CSV file's first line has the names of the columns; by default found out. Without one they are
            called 0, 1, ….
        drop: columns that are left out, e.g. identifiers.
        name: by default taken from the data.
    """

    kind: str
    data: Any
    target: Any = None
    test: Any = None
    metrics: tuple[str, ...] = ()
    split: Split = field(default_factory=Split)
    header: bool | None = None
    drop: tuple[str, ...] = ()
    name: str = ""
