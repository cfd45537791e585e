"""Questions of other programs as a task: rows with an answer each, and the keys of a contest about them."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from concours.api.imports.imported import Cell, Notes, Row
from concours.contest.contest_text import Setting
from concours.core.errors import DataError
from concours.core.written import written
from concours.kernels.scoring.answers import number_written
from concours.tasks.choices import letter_of
from concours.tasks.question_columns import QUESTIONS, TELL, folded, usual

FILE: Final = "questions.jsonl"
_FEW: Final = 30
"""Rows of which two folds are made: of more a fold would hold too few."""
_SHOWN: Final = 5
_ANSWERS: Final = ("answer", "target", "right_answer")
"""What the column of the answers is called: the first that there is not."""


@dataclass(frozen=True, kw_only=True)
class Questions:
    """Questions with their right answers.

    Attributes:
        rows: what a row has besides, by the names of columns.
        question: the column of what is asked.
        answers: the right ones of each row, as texts; letters where there are choices.
        choices: of each row; none where there are none.
        drop: columns that no prompt may name, since they give the answer away.
        id: the column that names rows; empty where they go by their place.
        why: reasons for keys of the task, by key.
        rule: how an answer is found in what a model says; by default as the answers look.
    """

    rows: Sequence[Row]
    question: str
    answers: Sequence[Sequence[str]]
    choices: Sequence[Sequence[str]] | None = None
    drop: Sequence[str] = ()
    id: str = ""
    why: Mapping[str, str] = field(default_factory=dict)
    rule: str = ""

    def table(self) -> tuple[list[Row], str, str]:
        """All rows, and the columns of the answer and of the choices, which are new ones."""
        names = {name for row in self.rows for name in row}
        answer = next((name for name in _ANSWERS if name not in names), "") or free("answer", names)
        choices = free("choices", names) if self.choices else ""
        several = any(len(some) > 1 for some in self.answers)
        rows: list[Row] = []
        for place, row in enumerate(self.rows):
            right: Cell = list(self.answers[place]) if several else self.answers[place][0]
            more: Row = {choices: list(self.choices[place])} if self.choices else {}
            rows.append({**row, **more, answer: right})
        return rows, answer, choices

    @property
    def numbers(self) -> bool:
        """Whether all answers are numbers."""
        return all(number_written(text) is not None for some in self.answers for text in some)


def task(asked: Questions, data: str) -> tuple[list[Setting], list[Row]]:
    """The keys of `[task]` for some questions, and the rows of their file, which lies at `data` beside the contest."""
    rows, answer, choices = asked.table()
    kind = "multiple-choice" if choices else "question-answering"
    rule, why_rule = _rule(asked)
    found: dict[str, tuple[Any, str]] = {
        "kind": (kind, "questions with choices" if choices else "questions with short answers"),
        "data": (data, f"{len(rows):,} questions"),
        "question": (asked.question, ""),
        **({"choices": (choices, "")} if choices else {}),
        "answer": (answer, "numbers" if asked.numbers and not choices else ""),
        "extract": (asked.rule or rule, why_rule),
        **({"id": (asked.id, "it names the questions, and no model gets it")} if asked.id else {}),
        **({"drop": (list(asked.drop), "they give the answer away: no prompt may name them")} if asked.drop else {}),
        "metrics": (_metrics(asked), "the first one ranks"),
        "split": _split(len(rows)),
    }
    return [Setting("task", key, value, asked.why.get(key, why)) for key, (value, why) in found.items()], rows


def _rule(asked: Questions) -> tuple[str, str]:
    why = "how an answer is found in what a model says"
    if asked.choices:
        return "letter", f"{why}: the letter of a choice"
    if asked.numbers:
        return "last-number", f'{why}; or "boxed", "after:MARKER", "json:FIELD", …'
    return "whole", f'{why}: all of it; or "after:MARKER", "json:FIELD", "regex:PATTERN", …'


def _metrics(asked: Questions) -> list[str]:
    if asked.choices:
        return ["choice_accuracy", "choice_log_loss"]
    return ["numeric_match", "exact_match"] if asked.numbers else ["exact_match", "f1_tokens"]


def _split(rows: int) -> tuple[dict[str, Any], str]:
    share = 0.3 if rows < 1000 else 0.2
    folds = {"folds": 2} if rows < _FEW else {}
    few = "; few questions tell little: see the intervals" if folds else ""
    return {"test": share, **folds}, f"{share:.0%} of the questions judge{few}"


def fault(question: Cell, rights: Sequence[str], why: str = "no answer") -> str:
    """What a row lacks; nothing where it has a question and a right answer."""
    if not str(question).strip():
        return "no question"
    return "" if rights else why


def kept(rows: Sequence[Any], faults: Sequence[str], notes: Notes, what: str) -> list[int]:
    """The places of rows without a fault; the others are noted.

    Raises:
        DataError: there are fewer than four left, of which no contest can be made.
    """
    wrong: dict[str, list[int]] = {}
    for place, why in enumerate(faults):
        if why:
            wrong.setdefault(why, []).append(place + 1)
    for why, places in wrong.items():
        shown = ", ".join(map(str, places[:_SHOWN])) + (", …" if len(places) > _SHOWN else "")
        notes.leave(f"{len(places):,} of {len(faults):,} {what}, {why}", f"of {what} from 1: {shown}")
    left = [place for place, why in enumerate(faults) if not why]
    if len(left) < 4:
        first = f" ({next(iter(wrong))})" if wrong else ""
        raise DataError(
            f"{len(left)} of {len(rows):,} {what} have a question and an answer{first}; 4 at least are needed"
        )
    return left


def texts(rows: Sequence[Mapping[str, Any]], notes: Notes, what: str = "columns") -> list[Row]:
    """Rows of texts: those columns whose cells are texts, numbers, truth values or lists of these; others are noted."""
    names = dict.fromkeys(name for row in rows for name in row)
    plain = [name for name in names if all(_is_cell(row.get(name)) for row in rows)]
    if objects := [name for name in names if name not in plain]:
        notes.leave(f"{what} of objects: {', '.join(objects)}", "cells are texts, numbers, or lists of these")
    return [{name: _cell(row.get(name)) for name in plain} for row in rows]


def telling(names: Iterable[str], read: Container[str]) -> list[str]:
    """Of the names of columns those that give the answer away: it is read from them, or they are called so."""
    return [name for name in names if name in read or folded(name) in TELL]


def question_in(rows: Sequence[Row], names: Sequence[str]) -> str:
    """Of some columns the one that holds the question: of a usual name, else the one with the longest texts."""
    found = usual(QUESTIONS, names)
    return found or max(names, key=lambda name: np.mean([len(str(row[name])) for row in rows]))


def free(name: str, taken: set[str]) -> str:
    """A name that no column has."""
    while name in taken:
        name = f"{name}_"
    return name


def letters(places: Sequence[int]) -> list[str]:
    """What choices at some places are called."""
    return [letter_of(place) for place in places]


def _is_cell(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(each is None or isinstance(each, (str, int, float)) for each in value)
    return value is None or isinstance(value, (str, int, float))


def _cell(value: Any) -> Cell:
    if isinstance(value, (list, tuple)):
        return ["" if each is None else written(each) for each in value]
    return "" if value is None else written(value)
