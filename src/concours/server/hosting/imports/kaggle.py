"""Metrics of Kaggle: a file of Python with `score(solution, submission, row_id_column_name)`, and tables beside it."""

from __future__ import annotations

import ast
import csv
import io
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from concours.api.imports.files import MOST, text_of
from concours.core.errors import ConcoursError, DataError
from concours.server.hosting.imports.imported import (
    Imported,
    Reading,
    arguments_of,
    competition_of,
    functions_of,
    parsed,
)
from concours.server.hosting.imports.programs import program
from concours.server.hosting.texts import slug_of

COMMAND: Final = "python3 /app/program/score_table.py /app/program /app/input /app/output"
SCORE: Final = "score"
_FIRST: Final = ["solution", "submission", "row_id_column_name"]
_PUBLIC: Final = ("train.csv", "test.csv", "sample_submission.csv")
_USAGE: Final = "Usage"


def metric_in(folder: Path) -> Path | None:
    """The file with a metric."""
    for path in sorted(folder.glob("*.py")):
        try:
            function = functions_of(parsed(text_of(path), path.name)).get("score")
        except ConcoursError:
            continue
        if function is not None and arguments_of(function)[:3] == _FIRST:
            return path
    return None


def is_metric(folder: Path) -> bool:
    """Whether a folder has such a metric."""
    return metric_in(folder) is not None


def read(folder: Path, now: datetime, aside: Path) -> Imported:
    """A metric as the scorer of a competition; of a solution with `Usage`, public rows are scored while it is open, and
    private ones in the end.

    Raises:
        DataError: there is no solution beside it.
    """
    del aside
    path = metric_in(folder)
    assert path is not None  # noqa: S101 (for the type checker; the folder was recognised by it)
    reading = Reading(folder, now)
    text = text_of(path)
    solution = next((folder / name for name in ("solution.csv", "answers.csv") if (folder / name).is_file()), None)
    if solution is None:
        raise DataError(
            f"{path.name} is a metric of Kaggle, and there is no solution.csv beside it: put the metric, solution.csv "
            "and what is public (train.csv, test.csv, sample_submission.csv) into one folder, and name that"
        )
    rows = list(csv.reader(io.StringIO(text_of(solution, MOST), newline="")))
    if len(rows) < 2 or len(rows[0]) < 2:
        raise DataError(f"{solution.name}: a column of ids and one of targets were expected, and rows")
    head, body = rows[0], rows[1:]
    reading.files["scorer/program/metric.py"] = text.encode()
    reading.files["scorer/program/score_table.py"] = program("score_table")
    setup = {
        "module": "metric",
        "function": "score",
        "id": head[0],
        "drop": [_USAGE],
        "visible": ["ParticipantVisibleError"],
    }
    reading.files["scorer/program/setup.json"] = json.dumps(setup).encode()
    for name in _PUBLIC:
        if (folder / name).is_file():
            reading.files[f"data/{name}"] = folder / name
    reading.leave("which way is better", "the metric does not say: the greater is taken as the better")
    title = _title(ast.get_docstring(parsed(text, path.name)), folder)
    value = {
        "title": title,
        "slug": slug_of(title),
        "pages": [reading.page("overview", "Overview", _about(text, path))],
        "phases": _phases(reading, head, body),
        "scorer": {"program": "scorer/program", "command": COMMAND, "measures": [{"name": SCORE}]},
        "alliance": {"shown": False},
    }
    competition = competition_of(value)
    return Imported(format="a metric of Kaggle", competition=competition, files=reading.files, left=tuple(reading.left))


def _phases(reading: Reading, head: list[str], body: list[list[str]]) -> list[dict[str, Any]]:
    begins, ends = reading.now, reading.now + timedelta(days=30)
    main = {
        "key": "main",
        "title": "Competition",
        "begins": begins.isoformat(),
        "ends": ends.isoformat(),
        "limits": {"per_day": 5},
    }
    reading.leave("dates", "it begins now, and ends in 30 days")
    if _USAGE not in head:
        reading.files["truth/all/solution.csv"] = _table(head, body)
        return [{**main, "truth": "truth/all"}]
    place = head.index(_USAGE)
    parts = {
        part: [row for row in body if len(row) == len(head) and row[place].strip().lower() == part]
        for part in ("public", "private")
    }
    if over := len(body) - sum(map(len, parts.values())):
        reading.leave("solution.csv", f"{over:,} rows are neither Public nor Private, and are not scored")
    for part, rows in parts.items():
        if not rows:
            raise DataError(f"solution.csv: no row is {part.capitalize()} in the column {_USAGE}")
        reading.files[f"truth/{part}/solution.csv"] = _table(head, rows)
    return [{**main, "truth": "truth/public", "rest": "truth/private"}]


def _table(head: list[str], rows: list[list[str]]) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\n").writerows([head, *rows])
    return file.getvalue().encode()


def _title(said: str | None, folder: Path) -> str:
    first = (said or "").strip().partition("\n")[0].strip().rstrip(".")
    return (first or folder.name.replace("-", " ").replace("_", " ").capitalize() or "Competition")[:100]


def _about(text: str, path: Path) -> str:
    function = functions_of(parsed(text, path.name))["score"]
    said = ast.get_docstring(function) or ast.get_docstring(parsed(text, path.name)) or ""
    return f"# Evaluation\n\n```text\n{said}\n```\n" if said else "# Evaluation\n\nSay here how entries are scored.\n"
