"""Questions that have a right answer, in words of their own, or among choices."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from concours.tasks.inputs.input import InputKind

_ASKED = "the column of the questions; by default found by its name"
_FOUND = "how an answer is found in what a model says: see [questions](questions.md#where-the-answer-stands)"

QUESTION: Final = InputKind(
    name="question",
    what="questions with answers",
    can=("words",),
    reader="concours.tasks.questions:read",
    renewer="concours.tasks.questions:renew",
    keys={
        "question": _ASKED,
        "answer": "the column of the right answer, or of a list of several right ones; by default found by its name",
        "extract": _FOUND,
    },
    lacks=("positive", "classes", "labels", "text", "columns", "missing"),
    sees_groups=True,
)
REQUEST: Final = replace(
    QUESTION,
    what="requests for a text",
    keys={
        "question": "the column of the requests; by default found by its name",
        "answer": "the column of reference answers, where there are some; by default found by its name",
        "judge": "tables, each a language model that judges: see [texts that are judged](judges.md)",
        "rubric": "by what is judged, in words",
    },
    tables=("judge",),
)
CHOSEN: Final = replace(
    QUESTION,
    what="questions with choices",
    keys={
        "question": _ASKED,
        "choices": "the column of lists of choices, or several columns, one a choice; by default found by its name",
        "answer": "the column of the right choice: its text, its letter, or its position from 0; by default found",
        "extract": _FOUND,
    },
)
