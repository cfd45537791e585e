"""Scores a table by a function of Kaggle or mle-bench: python3 score_table.py PROGRAM INPUT OUTPUT"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd

READERS: dict[str, Any] = {
    ".csv": pd.read_csv,
    ".parquet": pd.read_parquet,
    ".jsonl": lambda path: pd.read_json(path, lines=True),
}


def only(folder: Path, what: str) -> Path:
    """The only file of a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if len(files) != 1:
        sys.exit(f"one file was expected as {what}, got {len(files)}")
    return files[0]


def table(path: Path) -> Any:
    """A table."""
    read = READERS.get(path.suffix.lower())
    if read is None:
        sys.exit(f"{path.name}: a table was expected, {', '.join(READERS)}")
    return read(path)


def aligned(submission: Any, solution: Any, id: str) -> Any:
    """The rows of a submission in the order of the solution, which may have some of them alone."""
    if id not in submission.columns:
        sys.exit(f"the submission has no column {id!r}")
    rows = submission.drop_duplicates(id).set_index(id)
    missing = solution.loc[~solution[id].isin(rows.index), id]
    if submission[id].duplicated().any() or len(missing):
        said = "comes twice" if not len(missing) else "is missing"
        first = missing.iloc[0] if len(missing) else submission.loc[submission[id].duplicated(), id].iloc[0]
        sys.exit(f"the submission: the row {id} = {first} {said}")
    return rows.loc[solution[id]].reset_index()


def main(program: Path, given: Path, output: Path) -> None:
    """Scores, and writes the score."""
    setup = json.loads((program / "setup.json").read_text())
    sys.path.insert(0, str(program))
    solution = table(only(given / "ref", "the solution")).drop(columns=setup["drop"], errors="ignore")
    submission = table(only(given / "res", "the submission"))
    function = getattr(importlib.import_module(setup["module"]), setup["function"])
    try:
        if setup["id"]:
            value = function(solution, aligned(submission, solution, setup["id"]), setup["id"])
        else:
            value = function(submission, solution)
    except Exception as error:
        if type(error).__name__ in setup["visible"]:
            sys.exit(str(error))
        raise
    (output / "scores.json").write_text(json.dumps({"score": float(value)}))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
