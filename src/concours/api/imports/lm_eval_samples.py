"""What runs of lm-evaluation-harness have logged: `samples_TASK_TIME.jsonl`, in a folder for each model."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from concours.api.imports.files import lines_of, picked
from concours.api.imports.imported import Imported, Notes, Row
from concours.api.imports.questions import FILE, Questions, fault, kept, task, texts
from concours.api.imports.recorded import recorded
from concours.core.errors import DataError
from concours.core.written import written
from concours.tasks.choices import letter_of
from concours.tasks.question_columns import QUESTIONS, usual

_FILE = re.compile(r"samples_(.+?)(?:_\d{4}-\d\d-\d\dT[\d.:-]+)?\.jsonl")


class _Sample(TypedDict):
    """A line, as far as it is read."""

    doc_id: int
    doc: dict[str, Any]
    target: Any
    resps: list[Any]
    arguments: NotRequired[Any]
    filter: NotRequired[str]


def read(path: Path, into: str) -> Imported:
    """The samples of one task: a file, or a folder with those of several models, each in a folder called as the model.

    Raises:
        DataError: there are none, those of several tasks, or models were asked different questions.
    """
    files = _files(path)
    notes = Notes()
    runs = {name: _run(file, notes) for name, file in files.items()}
    first = next(iter(runs.values()))
    for name, samples in runs.items():
        if [_known(each) for each in samples] != [_known(each) for each in first]:
            raise DataError(f"{files[name].name}: {name} was asked other rows than {next(iter(runs))}; import it alone")
    chosen = _pairs(first[0]) is not None
    asked, places = _questions(first, chosen, notes)
    answers = {name: [_answer(samples[place], chosen) for place in places] for name, samples in runs.items()}
    tables, answered = recorded(answers, into)
    settings, rows = task(asked, f"{into}/{FILE}")
    return Imported(settings=settings, files={f"{into}/{FILE}": rows, **answered}, recorded=tables, left=notes.left)


def _files(path: Path) -> dict[str, Path]:
    """The file of each model, by its name."""
    files = sorted(path.rglob("samples_*.jsonl")) if path.is_dir() else [path]
    tasks = {found[1] for file in files if (found := _FILE.fullmatch(file.name))}
    if not files:
        raise DataError(f"{path} has no samples_….jsonl: run lm_eval with --log_samples")
    if len(tasks) > 1:
        raise DataError(f"{path} has samples of {len(tasks)} tasks ({', '.join(sorted(tasks)[:5])}): name a file")
    named: dict[str, Path] = {}
    for file in files:
        here = "" if file.parent in (path, Path()) else file.parent.name.replace("__", "/")
        named[here or (file.stem if len(files) > 1 else "model")] = file  # of several times the last
    return named


def _run(file: Path, notes: Notes) -> list[_Sample]:
    """The samples of a file, each row once: a row has a line for each filter."""
    found: dict[int, _Sample] = {}
    for number, line in enumerate(lines_of(file), 1):
        sample = picked(_Sample, line, f"{file.name}, line {number}")
        if sample["doc_id"] in found:
            notes.leave("lines of further filters", "a response is kept as it was, and the rule of the task reads it")
        if not sample["resps"]:
            raise DataError(f"{file.name}, line {number}: resps is empty")
        found.setdefault(sample["doc_id"], sample)
    if not found:
        raise DataError(f"{file.name} has no rows")
    if any(len(_responses(each)) > 1 for each in found.values()) and _pairs(next(iter(found.values()))) is None:
        notes.leave("repeats", "the first response of each row is taken")
    return [found[key] for key in sorted(found)]


def _known(sample: _Sample) -> tuple[int, str]:
    return sample["doc_id"], str(sample["target"])


def _questions(samples: Sequence[_Sample], chosen: bool, notes: Notes) -> tuple[Questions, list[int]]:
    """The questions, without the other columns of a row: nothing says which of them give the answer away."""
    known = texts([each["doc"] for each in samples], notes)
    named = usual(QUESTIONS, [name for name in known[0] if all(isinstance(row[name], str) for row in known)])
    if others := [name for name in known[0] if name != named]:
        notes.leave(f"columns {', '.join(others)}", "some may give the answer away; put into the file what does not")
    rows: list[Row] = [
        {"id": str(each["doc_id"]), "question": row[named] if named else _context(each)}
        for each, row in zip(samples, known, strict=True)
    ]
    choices = [[text for text, _ in _pairs(each) or []] for each in samples] if chosen else None
    rights = [_rights(each, choices[place] if choices else ()) for place, each in enumerate(samples)]
    faults = [fault(row["question"], some) for row, some in zip(rows, rights, strict=True)]
    places = kept(samples, faults, notes, "rows")
    final = not chosen and all("####" in text for place in places for text in rights[place])
    if final:
        rights = [[text.rpartition("####")[2].strip() for text in some] for some in rights]
    asked = Questions(
        rows=[rows[place] for place in places],
        question="question",
        answers=[rights[place] for place in places],
        choices=[choices[place] for place in places] if choices else None,
        id="id",
        why={"answer": "target: what stands behind the last ####" if final else "target"},
    )
    return asked, places


def _rights(sample: _Sample, choices: Sequence[str]) -> list[str]:
    target = sample["target"]
    several = target if isinstance(target, list) else [target]
    found = [written(each).strip() for each in several if isinstance(each, (str, int, float))]
    if not choices:
        return [text for text in found if text]
    places = [int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else
              choices.index(text) if text in choices else len(choices) for text in found]  # fmt: skip
    return [letter_of(place) for place in places if place < len(choices)]


def _answer(sample: _Sample, chosen: bool) -> Row:
    """What a model said to a row; of choices the most probable, and how probable each is among them."""
    key = {"id": str(sample["doc_id"])}
    pairs = _pairs(sample)
    if not chosen or pairs is None:
        said = _responses(sample)[0]
        return {**key, "response": said if isinstance(said, str) else ""}
    logs = [log for _, log in pairs]
    top = max(logs)
    shares = [math.exp(log - top) for log in logs]
    each = {f"p_{letter_of(place)}": repr(share / sum(shares)) for place, share in enumerate(shares)}
    return {**key, "prediction": letter_of(logs.index(top)), **each}


def _responses(sample: _Sample) -> list[Any]:
    first = sample["resps"][0]
    return first if isinstance(first, list) and first else [first]


def _calls(sample: _Sample) -> list[list[Any]]:
    """The arguments of each request: a list of lists, or objects with `arg_0`, `arg_1`, …"""
    given: Any = sample.get("arguments", [])
    each = list(given.values()) if isinstance(given, dict) else given
    return [list(one.values()) if isinstance(one, dict) else one for one in each] if isinstance(each, list) else []


def _context(sample: _Sample) -> str:
    calls = _calls(sample)
    return str(calls[0][0]) if calls and isinstance(calls[0], list) and calls[0] else ""


def _pairs(sample: _Sample) -> list[tuple[str, float]] | None:
    """Choices with their log-likelihoods; none where a model spoke."""
    found = []
    for call, response in zip(_calls(sample), sample["resps"], strict=False):
        pair = response[0] if isinstance(response, list) and response and isinstance(response[0], list) else response
        log = pair[0] if isinstance(pair, list) and pair else None
        if isinstance(log, str):  # as some versions write what is no text
            log = _number(log)
        if not isinstance(log, (int, float)) or isinstance(log, bool) or not isinstance(call, list) or len(call) < 2:
            return None
        found.append((str(call[1]).strip(), float(log) if math.isfinite(log) else -1e9))
    return found if len(found) > 1 else None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
