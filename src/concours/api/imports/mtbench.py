"""Folders of MT-Bench (FastChat): questions of several turns, answers of models, and verdicts of judges on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NotRequired, TypedDict

from concours.api.imports.files import lines_of, picked
from concours.api.imports.imported import Imported, Notes, Row
from concours.api.imports.questions import FILE
from concours.api.imports.recorded import BATTLES, VERDICTS, called, recorded
from concours.contest.contest_text import Setting
from concours.core.errors import DataError
from concours.tasks.written import HIGHEST, LOWEST

_OF_PAIR: Final = ("question", "model_a", "model_b", "winner")
_WINNERS: Final = {"model_1": ("model_a", "model_b"), "model_2": ("model_b", "model_a"), "tie": ("tie", "tie")}
"""How a verdict is written where the first model stands left, and where it stands right."""


class _Question(TypedDict):
    question_id: int | str
    turns: list[str]
    category: NotRequired[str]
    reference: NotRequired[list[str] | None]


class _Choice(TypedDict):
    turns: list[str]


class _Answer(TypedDict):
    question_id: int | str
    choices: list[Any]


class _Verdict(TypedDict):
    question_id: int | str
    judge: list[str] | str
    turn: NotRequired[int]
    model: NotRequired[str]
    score: NotRequired[float | int]
    model_1: NotRequired[str]
    model_2: NotRequired[str]
    g1_winner: NotRequired[str]
    g2_winner: NotRequired[str]


def read(path: Path, into: str) -> Imported:
    """A folder with `question.jsonl`, and `model_answer`, `reference_answer` and `model_judgment` where there are any.

    Pairwise verdicts become battles, one for each order in which a judge saw two answers.

    Args:
        into: the folder of the contest's files, as seen from the contest.

    Raises:
        DataError: it is no such folder, or a file in it is damaged.
    """
    if not path.is_dir():
        raise DataError(f"{path} is no folder; one with question.jsonl, model_answer and model_judgment was expected")
    notes = Notes()
    questions = {str(one["question_id"]): one for one in _read(_Question, path / "question.jsonl")}
    if any(len(one["turns"]) > 1 for one in questions.values()):
        notes.leave("turns beyond the first", "a question is one turn; battles about the second have turn = 2")
    if empty := [key for key, one in questions.items() if not one["turns"] or not one["turns"][0].strip()]:
        raise DataError(f"question.jsonl: question {empty[0]} has no first turn")
    references = _answers(path / "reference_answer", questions, notes)
    answers = _answers(path / "model_answer", questions, notes)
    for name in list(references)[1:]:
        notes.leave(f"reference answers of {name}", "one is compared with")
    rows = _rows(questions, next(iter(references.values()), {}), notes)
    whole: dict[str, Sequence[Row]] = {
        name: [{"id": key, "response": said[key]} for key in questions]
        for name, said in answers.items()
        if _is_whole(name, said, questions, notes)
    }
    tables, answered = recorded(whole, into)
    battles, grades = _verdicts(path / "model_judgment", notes)
    first = [{key: battle[key] for key in _OF_PAIR} for battle in battles if battle["turn"] == "1"]
    verdicts = first or grades
    judged = {f"{into}/{BATTLES}": battles, f"{into}/{VERDICTS}": verdicts}
    return Imported(
        settings=[
            *_settings(f"{into}/{FILE}", len(rows), all(row.get("answer") for row in rows)),
            *(_judge(f"{into}/{VERDICTS}", "win_rate" if first else "judge_score") if verdicts else []),
        ],
        files={f"{into}/{FILE}": rows, **answered, **{name: of for name, of in judged.items() if of}},
        recorded=tables,
        left=notes.left,
        after=[f"concours rate {into}/{BATTLES} --cluster question"] if battles else [],
    )


def _read(form: type[Any], path: Path) -> list[Any]:
    return [picked(form, line, f"{path.name}, line {number}") for number, line in enumerate(lines_of(path), 1)]


def _rows(questions: Mapping[str, _Question], reference: Mapping[str, str], notes: Notes) -> list[Row]:
    """The first turns, with the reference answer of each where all have one."""
    known = {key: reference.get(key) or next(iter(one.get("reference") or ()), "") for key, one in questions.items()}
    having = sum(map(bool, known.values()))
    if 0 < having < len(questions):
        notes.leave("reference answers", f"{having:,} of {len(questions):,} questions have one, and all are needed")
    rows: list[Row] = []
    for key, one in questions.items():
        category = {"category": one["category"]} if one.get("category") else {}
        answer = {"answer": known[key]} if having == len(questions) else {}
        rows.append({"id": key, "question": one["turns"][0], **category, **answer})
    return rows


def _answers(folder: Path, questions: dict[str, _Question], notes: Notes) -> dict[str, dict[str, str]]:
    """The first turn of what each model of a folder answered, by question."""
    found: dict[str, dict[str, str]] = {}
    for file in sorted(folder.glob("*.jsonl")) if folder.is_dir() else []:
        said = found.setdefault(called(file.stem), {})
        for number, answer in enumerate(_read(_Answer, file), 1):
            where = f"{file.name}, line {number}"
            if len(answer["choices"]) > 1:
                notes.leave("further choices", "the first answer to each question is taken")
            choices = [picked(_Choice, one, f"{where}: choices") for one in answer["choices"][:1]]
            key = str(answer["question_id"])
            if key not in questions:
                raise DataError(f"{where}: question {key!r} is not in question.jsonl")
            said[key] = choices[0]["turns"][0] if choices and choices[0]["turns"] else ""
    return found


def _is_whole(name: str, said: dict[str, str], questions: dict[str, _Question], notes: Notes) -> bool:
    missing = len(questions.keys() - said.keys())
    if missing:
        notes.leave(f"answers of {name}", f"{missing:,} of {len(questions):,} questions have none, and all are needed")
    return not missing


def _verdicts(folder: Path, notes: Notes) -> tuple[list[Row], list[Row]]:
    """Battles, one for each order in which a judge saw two answers; and grades of first turns, one of an answer."""
    battles: list[Row] = []
    grades: dict[tuple[str, str], Row] = {}
    for file in sorted(folder.glob("*.jsonl")) if folder.is_dir() else []:
        for number, verdict in enumerate(_read(_Verdict, file), 1):
            where = f"{file.name}, line {number}"
            if "model" in verdict and "score" in verdict:
                _grade(verdict, grades, notes)
                continue
            battles += _pair(verdict, where, notes)
    if battles and grades:
        notes.leave("scores on a scale", "the verdicts on pairs judge; delete them to be judged by the scores")
    return battles, list(grades.values())


def _grade(verdict: _Verdict, grades: dict[tuple[str, str], Row], notes: Notes) -> None:
    """Takes in a score of a first turn, of which there is one for each answer."""
    key = (str(verdict["question_id"]), called(verdict["model"]))
    if verdict.get("turn", 1) != 1:
        notes.leave("scores of turns beyond the first", "a question is one turn")
    elif not LOWEST <= verdict["score"] <= HIGHEST:
        notes.leave(f"scores of {verdict['score']}", f"a grade is from {LOWEST:g} to {HIGHEST:g}")
    elif key in grades:
        notes.leave("further scores of one answer", "the first judge is taken")
    else:
        grades[key] = {"question": key[0], "model": key[1], "grade": str(verdict["score"])}


def _pair(verdict: _Verdict, where: str, notes: Notes) -> list[Row]:
    if not {"model_1", "model_2", "g1_winner", "g2_winner"} <= verdict.keys():
        raise DataError(f"{where}: neither a score of a model, nor a verdict on model_1 and model_2")
    one, other = called(verdict["model_1"]), called(verdict["model_2"])
    judge = verdict["judge"] if isinstance(verdict["judge"], str) else ", ".join(verdict["judge"])
    more: Row = {"judge": judge, "question": str(verdict["question_id"]), "turn": str(verdict.get("turn", 1))}
    found: list[Row] = []
    for place, (left, right) in enumerate(((one, other), (other, one))):
        winner = verdict["g1_winner"] if not place else verdict["g2_winner"]
        if winner not in _WINNERS:
            notes.leave(f"verdicts {winner!r}", "they name no winner")
        else:
            found.append({"model_a": left, "model_b": right, "winner": _WINNERS[winner][place], **more})
    return found


def _judge(file: str, metric: str) -> list[Setting]:
    """Who judges: the verdicts that are there."""
    against = "how often each wins against the others" if metric == "win_rate" else "grades from 1 to 10"
    return [
        Setting("task", "metrics", [metric], against),
        Setting("task", "judge", {"name": "recorded", "recipe": f"recorded:{file}"}, "the verdicts on first turns"),
    ]


def _settings(data: str, rows: int, answers: bool) -> Sequence[Setting]:
    found: dict[str, tuple[Any, str]] = {
        "kind": ("text-generation", "texts that a judge, or a metric against a reference, tells apart"),
        "data": (data, f"{rows:,} questions, the first turn of each"),
        "question": ("question", ""),
        **({"answer": ("answer", "a reference answer")} if answers else {}),
        "id": ("id", "it names the questions, and no model gets it"),
        "split": ({"test": 0.3}, "30% of the questions judge"),
    }
    return [Setting("task", key, value, why) for key, (value, why) in found.items()]
