"""Kits of RAMP: `problem.py`, data, and submissions that are estimators."""

from __future__ import annotations

import ast
import csv
import io
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from concours.api.imports.files import MOST, text_of
from concours.core.errors import ConcoursError, DataError
from concours.server.hosting.folder import files_of
from concours.server.hosting.imports.imported import Imported, Reading, competition_of, functions_of, parsed
from concours.server.hosting.imports.programs import program
from concours.server.hosting.imports.programs.rampwf import (
    RMSE,
    ROCAUC,
    Accuracy,
    BaseScoreType,
    ClassificationError,
    NegativeLogLikelihood,
)
from concours.server.hosting.texts import slug_of

_NEEDED: Final = ("get_train_data", "get_test_data", "get_cv")
_KNOWN: Final[Mapping[str, type[BaseScoreType]]] = {
    one.__name__: one for one in (RMSE, Accuracy, ClassificationError, NegativeLogLikelihood, ROCAUC)
}
_FIT: Final = "python3 /app/program/run_ramp.py fit /app/program /app/input_data /app/ingested_program /app/output"
_SCORE: Final = "python3 /app/program/run_ramp.py score /app/program /app/input/ref /app/input/res /app/output"


def is_kit(folder: Path) -> bool:
    """Whether a folder is such a kit."""
    try:
        module = parsed(text_of(folder / "problem.py"), "problem.py") if (folder / "problem.py").is_file() else None
    except ConcoursError:
        return False
    return module is not None and {"problem_title", "workflow", "score_types"} <= set(_assigned(module))


def read(folder: Path, now: datetime, aside: Path) -> Imported:
    """A kit whose submissions are fitted where the targets of the test rows are not, and scored where they are.

    Raises:
        DataError: its workflow, its first score or its data is not one that can be carried over.
    """
    del aside
    reading = Reading(folder, now)
    module = parsed(text_of(folder / "problem.py"), "problem.py")
    given = _assigned(module)
    if lacking := [name for name in _NEEDED if name not in functions_of(module)]:
        raise DataError(f"problem.py has no function {lacking[0]}, which a kit of RAMP has")
    _require_workflow(given["workflow"])
    measures = _measures(module, given["score_types"], reading)
    target = _text(given.get("_target_column_name"))
    _keep_data(folder, target, reading)
    for path in ("scorer/program", "scorer/ingestion"):
        reading.files[f"{path}/problem.py"] = (folder / "problem.py").read_bytes()
        for name in ("run_ramp", "rampwf"):
            reading.files[f"{path}/{name}.py"] = program(name)
    reading.leave("ramp-workflow", "what problem.py calls of it is stood in for by scorer/program/rampwf.py")
    reading.leave("dates", "it begins now, and ends in 30 days")
    reading.leave("data", "that of a kit is public: put the secret rows into truth/kit/data, of the same form")
    title = (_text(given["problem_title"]) or folder.name)[:200]
    said = reading.text("README.md", "README.md") if (folder / "README.md").is_file() else ""
    value: dict[str, Any] = {
        "title": title,
        "slug": slug_of(title),
        "pages": [reading.page("overview", "Overview", said or f"# {title}")],
        "phases": [
            {
                "key": "main",
                "title": "Competition",
                "begins": now.isoformat(),
                "ends": (now + timedelta(days=30)).isoformat(),
                "truth": "truth/kit",
                "inputs": "data/kit",
                "takes": ["code"],
                "limits": {"per_day": 5},
            }
        ],
        "scorer": {
            "program": "scorer/program",
            "command": _SCORE,
            "ingestion": "scorer/ingestion",
            "ingestion_command": _FIT,
            "measures": measures,
        },
        "baselines": _submissions(folder, reading),
        "alliance": {"shown": False},
    }
    competition = competition_of(value)
    return Imported(format="a kit of RAMP", competition=competition, files=reading.files, left=tuple(reading.left))


def _assigned(module: ast.Module) -> dict[str, ast.expr]:
    """What is assigned to names at the top of a module, by the last assignment of each."""
    return {
        name.id: node.value
        for node in module.body
        if isinstance(node, ast.Assign)
        for name in node.targets
        if isinstance(name, ast.Name)
    }


def _text(node: ast.expr | None) -> str:
    return node.value.strip() if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _require_workflow(node: ast.expr) -> None:
    called = _called(node)
    if called != "Estimator":
        raise DataError(
            f"problem.py: its workflow is {called or 'made by code'}; Estimator alone can be carried over, whose "
            "submissions are an estimator.py"
        )


def _called(node: ast.expr) -> str:
    """The last name of what a call calls; empty where it is none."""
    function = node.func if isinstance(node, ast.Call) else None
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def _measures(module: ast.Module, node: ast.expr, reading: Reading) -> list[dict[str, Any]]:
    """What each score type gives. Raises DataError where the first is none that is known."""
    own = {one.name: one for one in module.body if isinstance(one, ast.ClassDef)}
    found = []
    for place, item in enumerate(node.elts if isinstance(node, (ast.List, ast.Tuple)) else []):
        kind = _called(item)
        named = {word.arg: _text(word.value) for word in item.keywords} if isinstance(item, ast.Call) else {}
        if kind in _KNOWN:
            name, lower = named.get("name") or _KNOWN[kind].name, _KNOWN[kind].is_lower_the_better
        elif kind in own and named.get("name"):
            name, lower = named["name"], _is_lower(own[kind])
        else:
            raise DataError(
                f"problem.py: score {place + 1} is {kind or 'made by code'}; known are {', '.join(_KNOWN)}, and "
                "classes of problem.py that are made with a name"
            )
        found.append({"name": name, "greater_is_better": not lower})
    if not found:
        raise DataError("problem.py: score_types is no list of scores")
    if len(found) > 1:
        reading.leave("score_types", f"{found[0]['name']!r} ranks, as the first")
    return found


def _is_lower(node: ast.ClassDef) -> bool:
    given = {
        name.id: one.value
        for one in node.body
        if isinstance(one, ast.Assign)
        for name in one.targets
        if isinstance(name, ast.Name)
    }
    value = given.get("is_lower_the_better")
    return isinstance(value, ast.Constant) and value.value is True


def _keep_data(folder: Path, target: str, reading: Reading) -> None:
    """The test files, secret; and all files as submissions see them, with one target throughout in those of tests.

    Raises:
        DataError: nobody can tell from problem.py where the targets of the test rows stand.
    """
    files = files_of(folder, "data") if (folder / "data").is_dir() else {}
    tests = [path for path in files if "test" in Path(path).name.lower() and path.lower().endswith(".csv")]
    if not target or not tests:
        raise DataError(
            "the targets of the kit's test rows cannot be told from the rest: a text _target_column_name in "
            "problem.py, and data/test.csv with that column, were expected"
        )
    reading.files["truth/kit/README.md"] = (
        b"The test rows with their targets: `problem.py` reads them below this folder.\n"
    )
    for path, place in files.items():
        reading.files[f"data/kit/{path}"] = _masked(place, target) if path in tests else place
        if path in tests:
            reading.files[f"truth/kit/{path}"] = place


def _masked(path: Path, target: str) -> bytes:
    """A table in which every row has the target of the first."""
    rows = list(csv.reader(io.StringIO(text_of(path, MOST), newline=""), strict=False))
    if not rows or target not in rows[0] or len(rows) < 2:
        raise DataError(f"{path.name} has no column {target!r}, or no rows")
    place = rows[0].index(target)
    first = rows[1][place]
    file = io.StringIO(newline="")
    for row in rows[1:]:
        if len(row) > place:
            row[place] = first
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue().encode()


def _submissions(folder: Path, reading: Reading) -> list[dict[str, str]]:
    found = []
    for place in sorted((folder / "submissions").glob("*")) if (folder / "submissions").is_dir() else []:
        if (place / "estimator.py").is_file() and not place.is_symlink():
            path = f"baselines/{slug_of(place.name)}"
            reading.files[path] = place
            found.append({"name": place.name[:200], "code": path})
    return found
