"""The program that calls a host's scorer, in a box: `python -m concours.engine.submitted.scoring JOB`.

It writes the numbers to `scores.json`, or, where the scorer refuses what was sent by an error that is for participants,
its text to `refused.txt`. Whoever reads these believes none of it.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import sys
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

_FOR_PARTICIPANTS: Final = ("ParticipantVisibleError", "InvalidSubmissionError")
_TABLES: Final = {".csv": "read_csv", ".tsv": "read_table", ".parquet": "read_parquet", ".jsonl": "read_json"}


def _score(scorer: Any, truth: Path, sent: Path, _: Mapping[str, Any]) -> Any:
    """Ours: `score(truth, predictions)`."""
    tables = [table_in(one) for one in (truth, sent)]
    return scorer.score(*(tables if all(table is not None for table in tables) else (truth, sent)))


def _kaggle(scorer: Any, truth: Path, sent: Path, told: Mapping[str, Any]) -> Any:
    """Kaggle's: `score(solution, submission, row_id_column_name)`, with the rows in one order."""
    solution, submission = _table(truth), _table(sent)
    solution = solution.drop(columns=[name for name in ("Usage",) if name in solution])
    id = told.get("id") or solution.columns[0]
    refuse = _refusing(scorer)
    if id not in submission:
        raise refuse(f"there is no column {id!r}")
    if sorted(map(str, submission[id])) != sorted(map(str, solution[id])):
        raise refuse(f"the values of {id!r} are not those that were asked for, each once")
    place = {str(value): number for number, value in enumerate(submission[id])}
    submission = submission.iloc[[place[str(value)] for value in solution[id]]].reset_index(drop=True)
    return scorer.score(solution, submission, id)


def _mle_bench(scorer: Any, truth: Path, sent: Path, _: Mapping[str, Any]) -> Any:
    """mle-bench's: `grade(submission, answers)`."""
    return scorer.grade(_table(sent), _table(truth))


def _evalai(scorer: Any, truth: Path, sent: Path, told: Mapping[str, Any]) -> Any:
    """EvalAI's: `evaluate(test_annotation_file, user_submission_file, phase_codename, **kwargs)`; of several splits the
    one that is asked for, else the first.
    """
    said = scorer.evaluate(str(truth), str(sent), told.get("phase", ""), submission_metadata={})
    splits = {name: values for each in said["result"] for name, values in each.items()}
    return splits[told["split"]] if told.get("split") else next(iter(splits.values()))


Calls = Callable[[Any, Path, Path, Mapping[str, Any]], Any]

FORMS: Final[tuple[tuple[str, str, Calls], ...]] = (
    ("score", "row_id_column_name", _kaggle),
    ("score", "", _score),
    ("evaluate", "", _evalai),
    ("grade", "", _mle_bench),
)
"""Scorers by the function that they have, and by a parameter that it has; the first that suits is called."""


def main(job: Path) -> None:
    """Scores what lies in `/file` by the truth in `/truth`."""
    told = json.loads(job.read_text())
    scorer = _imported(Path(told["scorer"]))
    called = next((form for form in FORMS if _suits(scorer, form[0], form[1])), None)
    if called is None:
        sys.exit(f"{told['scorer']} has no {', '.join(dict.fromkeys(f'{name}()' for name, _, _ in FORMS))}")
    try:
        value = called[2](scorer, _one_in(Path("/truth")), _one_in(Path("/file")), told)
    except Exception as error:
        if not any(type_.__name__ in _FOR_PARTICIPANTS for type_ in type(error).__mro__):
            raise
        Path("refused.txt").write_text(str(error) or "the scorer refuses this file")
        return
    values = value if isinstance(value, Mapping) else {"score": value}
    Path("scores.json").write_text(json.dumps({str(name): _plain(number) for name, number in values.items()}))


def table_in(path: Path) -> Any:
    """The table in a file, if it is called as one is."""
    import pandas as pd

    read = _TABLES.get(path.suffix.lower())
    lines = {"lines": True} if read == "read_json" else {}
    return getattr(pd, read)(path, **lines) if read and path.is_file() else None


def _table(path: Path) -> Any:
    if (table := table_in(path)) is None:
        sys.exit(f"{path.name} is no table: expected one of {', '.join(_TABLES)}")
    return table


def _suits(scorer: Any, name: str, parameter: str) -> bool:
    function = getattr(scorer, name, None)
    return callable(function) and (not parameter or parameter in inspect.signature(function).parameters)


def _imported(file: Path) -> Any:
    """The file as a module; what graders of mle-bench import for their errors is there."""
    if importlib.util.find_spec("mlebench") is None:
        helpers = types.ModuleType("mlebench.grade_helpers")
        helpers.InvalidSubmissionError = type("InvalidSubmissionError", (Exception,), {})  # type: ignore[attr-defined]
        sys.modules |= {"mlebench": types.ModuleType("mlebench"), "mlebench.grade_helpers": helpers}
    sys.path.insert(0, str(file.parent))
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        sys.exit(f"{file} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    return module


def _refusing(scorer: Any) -> Any:
    return getattr(scorer, _FOR_PARTICIPANTS[0], None) or type(_FOR_PARTICIPANTS[0], (Exception,), {})


def _one_in(folder: Path) -> Path:
    """The one file in a folder, or the folder where there are more."""
    found = sorted(folder.iterdir())
    return found[0] if len(found) == 1 else folder


def _plain(number: Any) -> Any:
    """A number of numpy's as one of Python's."""
    return number.item() if hasattr(number, "item") else number


if __name__ == "__main__":
    main(Path(sys.argv[1]))
