"""Competitions of mle-bench: `config.yaml`, and `grade.py` with `grade(submission, answers)`."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from concours.api.imports.files import text_of
from concours.api.imports.yaml_files import mapping_of
from concours.core.errors import ConcoursError, DataError
from concours.core.written import number_in
from concours.server.hosting.imports.imported import (
    Imported,
    Reading,
    arguments_of,
    competition_of,
    functions_of,
    parsed,
)
from concours.server.hosting.imports.kaggle import COMMAND, SCORE
from concours.server.hosting.imports.programs import program
from concours.server.hosting.texts import slug_of

_ERRORS: Final = '''"""What graders raise of a submission that is none."""


class InvalidSubmissionError(Exception):
    """Its text is for who submitted."""
'''
_MEDALS: Final = (("gold", 0.10), ("silver", 0.20), ("bronze", 0.40))


def is_grader(folder: Path) -> bool:
    """Whether a folder is such a competition."""
    if not (folder / "config.yaml").is_file() or not (folder / "grade.py").is_file():
        return False
    try:
        function = functions_of(parsed(text_of(folder / "grade.py"), "grade.py")).get("grade")
    except ConcoursError:
        return False
    return function is not None and arguments_of(function)[:2] == ["submission", "answers"]


def read(folder: Path, now: datetime, aside: Path) -> Imported:
    """A competition whose scorer is its grader.

    Raises:
        DataError: its answers are not there: they are prepared by mle-bench, from data of Kaggle.
    """
    del aside
    config, reading = mapping_of(folder / "config.yaml"), Reading(folder, now)
    title = str(config.get("name") or config.get("id") or folder.name).strip()[:200]
    dataset = config.get("dataset") if isinstance(config.get("dataset"), dict) else {}
    answers = _found(folder, str((dataset or {}).get("answers") or "answers.csv"), ("prepared/private", "private", "."))
    if answers is None:
        raise DataError(
            f"{folder.name}: its answers are not there: prepare it with mle-bench, and copy `prepared/` into the folder"
        )
    reading.files["truth/all/answers" + answers.suffix] = answers
    for name in ("prepared/public", "public"):
        if (folder / name).is_dir():
            reading.files["data/public"] = folder / name
    if "data/public" not in reading.files:
        reading.leave("public data", "there is no prepared/public: put what everybody may have into data/")
    reading.files["scorer/program/grade.py"] = (folder / "grade.py").read_bytes()
    reading.files["scorer/program/score_table.py"] = program("score_table")
    reading.files["scorer/program/mlebench/__init__.py"] = b""
    reading.files["scorer/program/mlebench/grade_helpers.py"] = _ERRORS.encode()
    setup = {"module": "grade", "function": "grade", "id": "", "drop": [], "visible": ["InvalidSubmissionError"]}
    reading.files["scorer/program/setup.json"] = json.dumps(setup).encode()
    text = text_of(folder / "grade.py")
    for name in ("mlebench.utils", "mlebench.competitions"):
        if name in text:
            reading.leave(f"grade.py imports {name}", "put what it needs of it into scorer/program")
    greater = _direction(folder, reading)
    said = reading.text("description.md", "description.md") if (folder / "description.md").is_file() else ""
    reading.leave("dates", "it begins now, and ends in 30 days")
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
                "truth": "truth/all",
                "limits": {"per_day": 5},
            }
        ],
        "scorer": {
            "program": "scorer/program",
            "command": COMMAND,
            "measures": [{"name": SCORE, "greater_is_better": greater}],
        },
        "alliance": {"shown": False},
    }
    competition = competition_of(value)
    return Imported(
        format="a competition of mle-bench", competition=competition, files=reading.files, left=tuple(reading.left)
    )


def _found(folder: Path, named: str, places: tuple[str, ...]) -> Path | None:
    name = Path(named).name
    found = (folder / place / name for place in places)
    return next((path for path in found if path.is_file() and not path.is_symlink()), None)


def _direction(folder: Path, reading: Reading) -> bool:
    """Whether a greater score is better, which the order of its leaderboard tells."""
    path = folder / "leaderboard.csv"
    rows = list(csv.DictReader(io.StringIO(text_of(path), newline=""))) if path.is_file() else []
    scores = [number for row in rows if (number := number_in(row.get("score"))) is not None]
    if len(scores) < 2 or scores[0] == scores[-1]:
        reading.leave("which way is better", "there is no leaderboard.csv that tells: the greater is taken as better")
        return True
    lines = ", ".join(f"{name} {scores[min(int(share * len(scores)), len(scores) - 1)]:g}" for name, share in _MEDALS)
    reading.leave("medals", f"there are none here; of its leaderboard of {len(scores):,} they were about: {lines}")
    return scores[0] > scores[-1]
