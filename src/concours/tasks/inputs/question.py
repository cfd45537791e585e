"""Questions that have a right answer, in words of their own, or among choices."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from concours.tasks.inputs.input import InputKind

QUESTION: Final = InputKind(
    name="question",
    what="questions with answers",
    can=("words",),
    reader="concours.tasks.questions:read",
    renewer="concours.tasks.questions:renew",
    keys=("question", "answer", "extract"),
    lacks=("positive", "classes", "labels", "text", "columns", "missing"),
    sees_groups=True,
)
CHOSEN: Final = replace(
    QUESTION,
    what="questions with choices",
    keys=("question", "choices", "answer", "extract"),
)
