"""Logs of Inspect: what a model was asked, what is right, and what it said; `.json`, `.eval`, or a folder of these."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, NotRequired, TypedDict

from concours.api.imports.files import MOST, Archive, json_of, picked, text_of
from concours.api.imports.imported import Imported, Notes, Row
from concours.api.imports.questions import FILE, Questions, fault, kept, task
from concours.api.imports.recorded import recorded
from concours.core.errors import DataError
from concours.core.written import written

_ENDINGS: Final = (".json", ".eval")
_MARKER: Final = "ANSWER:"
"""What Inspect's own prompts ask models to write before an answer."""
_ATTACHED: Final = "attachment://"


class _Eval(TypedDict):
    task: str
    model: str
    dataset: NotRequired[Any]


class _Sample(TypedDict):
    """A sample, as far as it is read."""

    id: int | str
    epoch: NotRequired[int]
    input: str | list[Any]
    choices: NotRequired[list[str] | None]
    target: str | list[str]
    output: NotRequired[Any]
    error: NotRequired[Any]
    attachments: NotRequired[Any]


class _Log:
    """A log: its task, its model, the names of its solvers and scorers, and its samples, of the first epoch."""

    def __init__(self, path: Path, notes: Notes) -> None:
        self.name = path.name
        with ExitStack() as opened:
            header, samples = _opened(path, opened)
            evaluation = picked(_Eval, header.get("eval"), f"{path.name}: eval")
            self.task, self.model = evaluation["task"], evaluation["model"]
            self.samples: dict[str, _Sample] = {}
            for sample in samples:
                if sample.get("epoch", 1) != 1:
                    notes.leave("further epochs", "the first answer to each question is taken")
                elif str(sample["id"]) in self.samples:
                    raise DataError(f"{path.name}: sample {sample['id']!r} comes twice")
                else:
                    self.samples[str(sample["id"])] = sample
        if not self.samples:
            raise DataError(f"{path.name} has no samples: it was written without them, or the run did not come so far")
        _leave(header, notes)


def read(path: Path, into: str) -> Imported:
    """One log, or those of a folder, which are of one task, each of another model.

    Args:
        into: the folder of the contest's files, as seen from the contest.

    Raises:
        DataError: one is damaged or no log, or they are of different tasks or questions.
    """
    files = sorted(one for one in path.iterdir() if one.suffix in _ENDINGS) if path.is_dir() else [path]
    if not files:
        raise DataError(f"{path} has no logs, {' or '.join(_ENDINGS)}")
    notes = Notes()
    logs = [_Log(file, notes) for file in files]
    first, ids = logs[0], list(logs[0].samples)
    for log in logs[1:]:
        _require_alike(first, log)
    asked, places = _questions([first.samples[key] for key in ids], logs, notes)
    answers: dict[str, Sequence[Row]] = {}
    for log in logs:
        name = log.model if log.model not in answers else f"{log.model} ({log.name})"
        answers[name] = [_answer(log.samples[ids[place]], log, notes) for place in places]
    tables, answered = recorded(answers, into)
    settings, rows = task(asked, f"{into}/{FILE}")
    return Imported(settings=settings, files={f"{into}/{FILE}": rows, **answered}, recorded=tables, left=notes.left)


def _opened(path: Path, stack: ExitStack) -> tuple[Mapping[str, Any], Iterator[_Sample]]:
    """What stands at the head of a log, and its samples one by one."""
    if path.suffix == ".eval":
        archive = stack.enter_context(Archive(path))
        header = archive.json("header.json")
        found: Iterator[tuple[str, Any]] = ((name, archive.json(name)) for name in archive.names("samples/"))
    else:
        header = json_of(text_of(path, MOST), path.name)
        listed = header.get("samples") if isinstance(header, dict) else None
        found = ((f"samples[{place}]", one) for place, one in enumerate(listed if isinstance(listed, list) else []))
    if not isinstance(header, dict) or "eval" not in header:
        raise DataError(f"{path.name} is no log of Inspect: it has no eval")
    return header, (picked(_Sample, one, f"{path.name}: {where}") for where, one in found)


def _leave(header: Mapping[str, Any], notes: Notes) -> None:
    """Notes how questions were asked and answers scored."""
    plan, results = header.get("plan"), header.get("results")
    steps = plan.get("steps") if isinstance(plan, dict) else None
    for step in steps if isinstance(steps, list) else []:
        if isinstance(step, dict) and step.get("solver") != "generate":
            notes.leave(
                f"solver {step.get('solver')}", "the answers are those that it led to; it is code, and asks nobody anew"
            )
    scores = results.get("scores") if isinstance(results, dict) else None
    for score in scores if isinstance(scores, list) else []:
        if isinstance(score, dict):
            notes.leave(
                f"scorer {score.get('scorer', score.get('name'))}",
                "answers are compared anew, by the metrics of the contest",
            )


def _require_alike(first: _Log, other: _Log) -> None:
    if other.task != first.task:
        raise DataError(
            f"{first.name} is of the task {first.task!r}, {other.name} of {other.task!r}: import them apart"
        )
    if other.samples.keys() != first.samples.keys() or any(
        (one["input"], one["target"]) != (other.samples[key]["input"], other.samples[key]["target"])
        for key, one in first.samples.items()
    ):
        raise DataError(f"{first.name} and {other.name} have not the same questions: import them apart")


def _questions(samples: Sequence[_Sample], logs: Sequence[_Log], notes: Notes) -> tuple[Questions, list[int]]:
    rows: list[Row] = [{"id": str(one["id"]), "question": _asked(one)} for one in samples]
    choices = [one.get("choices") or [] for one in samples]
    chosen = all(len(row) > 1 for row in choices)
    rights = [[text for each in _list(one["target"]) if (text := written(each).strip())] for one in samples]
    faults = [fault(row["question"], some, "no target") for row, some in zip(rows, rights, strict=True)]
    places = kept(samples, faults, notes, "samples")
    said = [_said(log.samples[str(one["id"])]) for log in logs for one in samples]
    marked = not chosen and all(_MARKER in text.upper() for text in said if text.strip())
    asked = Questions(
        rows=[rows[place] for place in places],
        question="question",
        answers=[rights[place] for place in places],
        choices=[choices[place] for place in places] if chosen else None,
        id="id",
        rule=f"after:{_MARKER}" if marked else "",
        why={"answer": "target", **({"extract": f"all answers have {_MARKER}"} if marked else {})},
    )
    return asked, places


def _answer(sample: _Sample, log: _Log, notes: Notes) -> Row:
    if sample.get("error"):
        notes.leave(
            f"answers of {log.model} to samples that ended in an error", "they are empty, and count as no answer"
        )
    return {"id": str(sample["id"]), "response": _said(sample)}


def _asked(sample: _Sample) -> str:
    """What was asked: a text, or the texts of messages, with who said them where there are several."""
    given = sample["input"]
    if isinstance(given, str):
        return _attached(given, sample)
    messages = [
        (str(one.get("role", "user")), _text(one.get("content"), sample)) for one in given if isinstance(one, dict)
    ]
    told = [(role, text) for role, text in messages if role != "system" and text]
    return told[0][1] if len(told) == 1 else "\n\n".join(f"{role}: {text}" for role, text in told)


def _said(sample: _Sample) -> str:
    """The text of the first choice of what a model put out."""
    output = sample.get("output")
    choices = output.get("choices") if isinstance(output, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    return _text(message.get("content"), sample) if isinstance(message, dict) else ""


def _text(content: Any, sample: _Sample) -> str:
    if isinstance(content, str):
        return _attached(content, sample)
    parts = content if isinstance(content, list) else []
    texts = (part.get("text") for part in parts if isinstance(part, dict) and part.get("type") == "text")
    return "\n".join(_attached(text, sample) for text in texts if isinstance(text, str))


def _attached(text: str, sample: _Sample) -> str:
    """A text, or the one that it stands for, which lies elsewhere in the sample."""
    attached = sample.get("attachments")
    found = (
        attached.get(text.removeprefix(_ATTACHED))
        if text.startswith(_ATTACHED) and isinstance(attached, dict)
        else None
    )
    return found if isinstance(found, str) else text


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
