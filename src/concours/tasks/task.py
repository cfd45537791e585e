"""Tasks as they are declared: where the data lies and what is asked of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from concours.core.errors import ContestError
from concours.tasks.cells import declared


@dataclass(frozen=True, kw_only=True)
class Split:
    """How rows are divided.

    Attributes:
        test: the share that judges and nothing is fitted or chosen on; 0 for none. Not used with a test file.
        folds: of the training part, for out-of-fold predictions; by default eight for few rows, three for many, fewer
            where a budget is short.
        by: `stratified`, in every part the classes' shares of the whole; or `random`. By default what suits the target.
        group: a column whose equal values keep rows together: they are never on both sides of the test part or of a
            fold. It is not given to models. Or `duplicates`: rows with equal inputs keep together.
        time: a column of dates or numbers: the last rows judge, and folds are stretches of time. Models get it too.
        repeats: how often the training part is divided into folds anew, for small data.
        public: the share of the test part whose scores may be shown while a contest is open.
    """

    test: float = 0.2
    folds: int | None = None
    by: Literal["stratified", "random"] | None = None
    group: str | None = None
    time: str | None = None
    repeats: int = 1
    public: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.test < 1:
            raise ContestError(f"task.split.test must be a share from 0 up to 1, got {self.test!r}")
        if self.folds is not None and self.folds < 2:
            raise ContestError(f"task.split.folds must be at least 2, got {self.folds!r}")
        if self.by not in (None, "stratified", "random"):
            raise ContestError(f'task.split.by must be "stratified" or "random", got {self.by!r}')
        if self.repeats < 1:
            raise ContestError(f"task.split.repeats must be at least 1, got {self.repeats!r}")
        if self.public is not None and not 0 <= self.public < 1:
            raise ContestError(f"task.split.public must be a share from 0 up to 1, got {self.public!r}")
        for other in ("by", "group"):
            if self.time is not None and getattr(self, other) is not None:
                raise ContestError(f"task.split: time and {other} exclude each other; a split by time is in its order")
        if self.time is not None and self.repeats > 1:
            raise ContestError("task.split: time and repeats exclude each other; there is one order in time")


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is to be solved.

    Attributes:
        kind: e.g. `tabular-classification`; see `concours.tasks.kinds`.
        data: a file, a folder, an archive or `archive.zip:member.csv`, `sklearn:NAME`, `openml:ID`; several files that
            are one table; or, in Python, the inputs themselves: a frame, an Arrow table, an array, a list of texts.
        target: the column to predict, or a list of them, of kinds that predict several at once; or, with inputs given
            as an array or frame without it, the targets (rows,).
        test: what judges, in any form that data has, with the target in it; otherwise what the source itself sets
            apart, or else a share is split off.
        metrics: names; the first one ranks. By default the kind's.
        header: whether a CSV file has a line with the names of the columns, or which line that is, from 1, where titles
            stand before it; by default found out. Without one they are called 0, 1, ….
        drop: columns that are left out, e.g. identifiers.
        id: a column that names the rows, which no model gets; `concours score` finds rows by it.
        weight: the column that says how much each row counts, in fitting, metrics and intervals, or, in Python, the
            weights themselves, (rows,): a row of weight 2 as two rows would, one of 0 as none. No model gets it, and
            new rows need none.
        positive: the class that metrics of two classes look for; it is made the last. By default the last in order.
        classes: the labels in their order, for an ordinal target; by default sorted.
        labels: how labels that are written in several ways are meant, e.g. `{"<=50K.": "<=50K"}`.
        text: the columns that hold the text, joined by a blank line; by default found.
        source: a column to add to several files: the name of the file that a row came from.
        encoding: of text files; by default found out.
        on_bad_row: whether a broken picture, a row with another number of cells, or one without the target stops the
            reading (`fail`) or is left out with a warning (`skip`).
        columns: what columns hold, where it is found wrong: `number` (`number:,` with a decimal comma), `date` (or
            `date:%m/%d/%Y`), `time`, `truth`, or `word`, whose cells all stay as they are written.
        missing: cells that count as missing besides blank ones, as they are written; by default the usual words.
        options: what its kind alone asks, e.g. the `horizon` of a forecast.
        name: by default taken from the data.
    """

    kind: str
    data: Any
    target: Any = None
    test: Any = None
    metrics: tuple[str, ...] = ()
    split: Split = field(default_factory=Split)
    header: bool | int | None = None
    drop: tuple[str, ...] = ()
    id: str | None = None
    weight: Any = None
    positive: Any = None
    classes: tuple[Any, ...] = ()
    labels: Mapping[str, Any] = field(default_factory=dict)
    text: tuple[str, ...] = ()
    source: str | None = None
    encoding: str | None = None
    on_bad_row: Literal["fail", "skip"] = "fail"
    columns: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""

    def __post_init__(self) -> None:
        for column, text in self.columns.items():
            declared(text, f"task.columns.{column}")

    @property
    def target_column(self) -> str | None:
        """The name of the column to predict; none where the values themselves are given, or nothing is."""
        return str(self.target) if isinstance(self.target, (str, int)) else None


def several(task: Task) -> bool:
    """Whether a target is a list of columns, and not one of values: of a file, or of a frame that has them all."""
    target, data = task.target, task.data
    if not isinstance(target, (list, tuple)) or not all(isinstance(name, (str, int)) for name in target):
        return False
    known = getattr(data, "columns", getattr(data, "column_names", None))
    return isinstance(data, (str, Path)) or (known is not None and len(target) > 0 and set(target) <= set(known))


def one_at_a_time(targets: Sequence[Any]) -> str:
    """What to do with several targets: one line."""
    names = [str(name) for name in targets]
    lines = [f'target = "{name}", drop = [{", ".join(_quoted(names, name))}]' for name in names[:3]]
    more = f"; and so on for {len(names) - 3} more" if len(names) > 3 else ""
    return (
        f"task.target: several targets at once ({', '.join(names[:6])}) are not predicted by this kind of task; "
        'kind = "multi-output" does, or hold a contest for each that leaves the others out: '
        f"{'; then '.join(lines)}{more}"
    )


def _quoted(names: Sequence[str], but: str) -> list[str]:
    return [f'"{name}"' for name in names if name != but]
