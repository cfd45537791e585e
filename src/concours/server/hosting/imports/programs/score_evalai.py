"""Scores a file by the evaluation script of an EvalAI challenge: python3 score_evalai.py PROGRAM INPUT OUTPUT"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any


def evaluate_of(program: Path) -> Any:
    """The function, of the package or of its `main`."""
    sys.path[:0] = [str(program), str(program / "evaluation_script")]
    for name in ("evaluation_script", "main", "evaluation_script.main"):
        try:
            found = getattr(importlib.import_module(name), "evaluate", None)
        except ModuleNotFoundError as error:
            if error.name not in (name, name.partition(".")[0]):
                raise
            continue
        if found is not None:
            return found
    sys.exit("the evaluation script has no function evaluate")


def main(program: Path, given: Path, output: Path) -> None:
    """Scores, and writes every number of every split: by its label, or by split and label where there are several."""
    setup = json.loads((given / "ref" / "phase.json").read_text())
    files = sorted(path for path in (given / "res").rglob("*") if path.is_file())
    if len(files) != 1:
        sys.exit(f"one file was expected as the submission, got {len(files)}")
    annotation = given / "ref" / setup["annotation"]
    result = evaluate_of(program)(str(annotation), str(files[0]), setup["codename"], submission_metadata={})
    splits = {name: numbers for one in result["result"] for name, numbers in one.items()}
    names = setup["names"]
    scores = {
        names[split][label]: float(value)
        for split, numbers in splits.items()
        for label, value in numbers.items()
        if label in names.get(split, {})
    }
    (output / "scores.json").write_text(json.dumps(scores))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
