"""The keys of a task that predicts several columns, which a person names; and a few such rows for tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv

from concours.core.errors import DataError
from concours.tasks.discovery import discover
from concours.tasks.kinds import kind_named
from concours.tasks.readers.header import absent
from concours.tasks.readers.opened import Options
from concours.tasks.reading import read
from concours.tasks.sources import find_source
from concours.tasks.task import Split, Task

_KIND: Final = "multi-output"
_SMALL: Final = 1000


def find(source: Path, options: Options) -> dict[str, tuple[Any, str]] | None:
    """The keys of a task that predicts the columns that a person names, each with a reason; none where it is one.

    Raises:
        DataError: a column is not there or cannot be predicted, or, where a person says that it is of this kind, less
            than two are named.
    """
    names = tuple(dict.fromkeys(options.names))
    if len(names) < 2:
        if options.asked:
            raise DataError(f"--target: a task of kind {_KIND} predicts two columns or more; name each by a --target")
        return None
    found = find_source(str(source), replace(options, input="table"))
    table = found.opened.x
    if not isinstance(table, pa.Table):
        raise DataError(f"--target: {found.opened.name} is no table, of which several columns could be predicted")
    if lost := [name for name in names if name not in table.column_names]:
        raise DataError(
            f"--target: {found.opened.name} has no column {lost[0]!r}; {absent(lost[0], table.column_names)}"
        )
    task = Task(kind=_KIND, data=found.data, target=names, on_bad_row=options.on_bad_row, header=options.header)
    data, test = read(task, kind_named(_KIND), Path())
    what = [f"{name} {_said(data.y[name])}" for name in names]
    alone = replace(found.opened, x=table.drop_columns(list(names[1:])))
    about = discover(alone, target=names[0], skip=options.on_bad_row == "skip")
    keys: dict[str, tuple[Any, str]] = {
        "data": (found.data, f"{len(data):,} rows"),
        "target": (list(names), f'{"; ".join(what)}; else say so by columns = {{ NAME = "number" }}, or "word"'),
    }
    if test is not None and found.test:
        keys["test"] = (found.test, f"{len(test):,} rows judge")
    if about.id:
        keys["id"] = (about.id.name, f"{about.id.why}: it names the rows, and no model gets it")
    if drop := [note for note in about.drop if note.name not in names]:
        keys["drop"] = ([note.name for note in drop], "; ".join(f"{note.name}: {note.why}" for note in drop[:4]))
    return {**keys, "split": _split(len(data), apart=test is not None, group=about.group.name if about.group else None)}


def _split(rows: int, *, apart: bool, group: str | None) -> tuple[dict[str, Any], str]:
    test = {"folds": 5} if apart else {"test": 0.3 if rows < _SMALL else 0.2}
    if group is None:
        return test, "rows of the test part judge" if apart else f"{test['test']:.0%} of the rows judge"
    return {**test, "group": group}, f"rows of one {group} keep together"


def _said(column: pa.ChunkedArray) -> str:
    if not pa.types.is_string(column.type):
        return "is a number"
    labels = column.unique().to_pylist()
    return f"has {len(labels)} labels ({_some(labels)})"


def _some(labels: Sequence[str]) -> str:
    return ", ".join(sorted(labels)[:4]) + (", …" if len(labels) > 4 else "")


def sample(folder: Path, seed: int) -> Task:
    """A table whose numbers tell a label of three, one of two that hangs on it, and a number."""
    rng = np.random.default_rng(seed)
    codes = np.arange(90) % 3
    x = np.stack([codes + 0.4 * rng.normal(size=90), rng.normal(size=90), rng.normal(size=90)], axis=1)
    table = {
        **{f"x{place}": column for place, column in enumerate(x.T)},
        "colour": np.array(["red", "green", "blue"])[codes],
        "warm": np.where((codes == 0) ^ (rng.random(90) < 0.05), "yes", "no"),
        "weight": 2.0 * x[:, 0] - x[:, 1] + 0.2 * rng.normal(size=90),
    }
    pa.csv.write_csv(pa.table(table), folder / "things.csv")
    return Task(
        kind=_KIND,
        data=str(folder / "things.csv"),
        target=("colour", "warm", "weight"),
        split=Split(test=0.3, folds=2),
    )
