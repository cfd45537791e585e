"""Which columns of a table hold questions, their choices and their right answers: those named, or the usual."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from concours.core.errors import ContestError, DataError
from concours.tasks.extraction import checked_rule
from concours.tasks.readers.header import absent

QUESTIONS: Final = ("question", "prompt", "input", "instruction", "query", "problem")
CHOICES: Final = ("choices", "options", "endings", "choices.text", "options.text", "answer_choices")
SHORT: Final = (
    "final",
    "final_answer",
    "short_answer",
    "answer",
    "answers",
    "answers.text",
    "target",
    "gold",
    "label",
)
"""Usual names of the right answer, in the order in which they are looked for: a worked solution may stand beside it."""
CHOSEN: Final = (
    "answer",
    "answer_key",
    "answerkey",
    "correct_answer",
    "correct",
    "gold",
    "target",
    "label",
    "answer_index",
    "answer_idx",
    "label_index",
    "correct_index",
    "final",
)
"""The same of questions with choices."""
REFERENCES: Final = ("reference", "reference_answer", "reference_output", "ideal", "answer", "response", "output")
"""Usual names of what a good answer to a request is."""
TELL: Final = {
    *SHORT,
    *CHOSEN,
    "solution",
    "solutions",
    "worked",
    "explanation",
    "rationale",
    "reasoning",
    "cot",
    "chain_of_thought",
    "correct_numeric",
    "options_raw",
    "answers.answer_start",
    "evidence",
}
"""Names of columns that give the right answer away."""
_SHOWN = 12


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Where a table has what is asked.

    Attributes:
        question: the column of the questions.
        choices: the column of lists of choices, or several columns, one a choice; none where none are asked for.
        answer: the column of the right answers; nothing where there need be none, and none is named.
        extract: the rule by which an answer is found in what a model says; none where the task names none.
    """

    question: str
    choices: tuple[str, ...]
    answer: str
    extract: str | None

    @property
    def columns(self) -> tuple[str, ...]:
        """All that it names."""
        return tuple(column for column in (self.question, *self.choices, self.answer) if column)


def asked_of(options: Mapping[str, Any], columns: Sequence[str], name: str, *, keys: Collection[str]) -> Asked:
    """The columns that a task names, or the usual ones.

    Args:
        options: of the task (`Task.options`).
        columns: of its table.
        name: of the data, for messages.
        keys: of such tasks: with `choices` it is asked to choose; with `judge` answers are references, and may be none.

    Raises:
        ContestError, DataError: a key is unknown or wrong, or there is no such column; the message has those there are.
    """
    for key in options:
        if key not in keys:
            raise ContestError(f"task.{key}: unknown key; known: {', '.join(keys)}")
    chosen, judged = "choices" in keys, "judge" in keys
    choices = _choices(options.get("choices"), columns, name) if chosen else ()
    question = _column("question", options.get("question"), QUESTIONS, columns, name, "the questions")
    left = [column for column in columns if column not in (question, *choices)]
    usually, given = (REFERENCES if judged else CHOSEN if chosen else SHORT), options.get("answer")
    nowhere = judged and given is None and usual(usually, left) is None
    answer = "" if nowhere else _column("answer", given, usually, left, name, "the right answers")
    rule = options.get("extract")
    return Asked(
        question=question, choices=choices, answer=answer, extract=None if rule is None else checked_rule(rule)
    )


def folded(name: str) -> str:
    """A name as the lists here have it."""
    return name.strip(" ?:#").lower().replace(" ", "_").replace("-", "_")


def usual(names: Sequence[str], columns: Sequence[str]) -> str | None:
    """The first of some usual names that a column has; none of them: none."""
    by_name = {folded(column): column for column in reversed(columns)}
    return next((by_name[name] for name in names if name in by_name), None)


def _column(key: str, given: Any, names: Sequence[str], columns: Sequence[str], source: str, what: str) -> str:
    if given is None:
        found = usual(names, columns)
        if found is None:
            listed = ", ".join(columns[:_SHOWN])
            raise DataError(f"task.{key} is missing: name the column of {what}; {source} has: {listed}")
        return found
    if not isinstance(given, str):
        raise ContestError(f"task.{key} must be the name of a column, got {given!r}")
    if given not in columns:
        raise DataError(f"task.{key}: {source} has no column {given!r} for {what}; {absent(given, columns)}")
    return given


def _choices(given: Any, columns: Sequence[str], source: str) -> tuple[str, ...]:
    if given is None:
        found = usual(CHOICES, columns)
        if found is None:
            listed = ", ".join(columns[:_SHOWN])
            raise DataError(
                f"task.choices is missing: name the column of lists of choices, or several columns as a list; {source} "
                f"has: {listed}"
            )
        return (found,)
    several = tuple(given) if isinstance(given, (list, tuple)) else (given,)
    if not several or not all(isinstance(column, str) for column in several) or len(set(several)) < len(several):
        raise ContestError(f"task.choices must be the name of a column, or several different ones, got {given!r}")
    for column in several:
        if column not in columns:
            raise DataError(f"task.choices: {source} has no column {column!r}; {absent(column, columns)}")
    return several
