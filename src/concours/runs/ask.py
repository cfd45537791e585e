"""Asking: one question in words to a model of a result, with what the answer cost."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa

from concours.core.calls import Calls
from concours.core.errors import DataError, nearest
from concours.engine.words import overheard, who
from concours.runs.predict import deciding, kept_rows, predicted
from concours.runs.result import Result
from concours.runs.trust import Trust
from concours.stores.blobs import texts_in
from concours.tasks.outputs.output import OutputKind
from concours.tasks.outputs.table import output_valued


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a model answers to one question.

    Attributes:
        text: the answer.
        model: whose it is, a name on the board.
        asked: what asking took, by the name of the language model; of an alliance those alone that were asked.
    """

    text: str
    model: str
    asked: Mapping[str, Calls]

    @property
    def money(self) -> float | None:
        """What it cost; none where nobody who was asked has a price."""
        known = [calls.money for calls in self.asked.values() if calls.money is not None]
        return sum(known) if known else None

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        asked = {name: vars(calls) for name, calls in self.asked.items()}
        return {"answer": self.text, "model": self.model, "money": self.money, "asked": asked}


def ask(
    result: Result, question: str | Mapping[str, Any], *, model: str | None = None, trust: Trust | None = None
) -> Answer:
    """The answer of a model to one question.

    Args:
        question: the question alone, or all columns of the row by name; those that are not given are empty.
        model: a name on the board; the default by default.
        trust: as of `runs.predict.predict`.

    Raises:
        DataError: a column is not known, or what the task takes is no question in words.
        Whatever `predict` raises.
    """
    candidate, output = result.candidate(model), output_valued(result.setup.problem.output)
    rows = row_of(kept_rows(result.folder.store, result.setup.problem.train.x), output, question)
    with overheard() as heard:
        p = predicted(result, rows, model=model, trust=trust)
    text = output.answers(p, deciding(result, model))[0]
    entrants = [one.entrant for one in (*result.candidates.values(), candidate) if one.calls]
    names = {who(entrant.recipe, entrant.params): entrant.name for entrant in entrants}  # of twins the one meant
    asked = {names[digest]: calls for digest, calls in heard.items()}
    return Answer(text="" if text is None else str(text), model=candidate.entrant.name, asked=asked)


def columns_in(question: str) -> str | Mapping[str, Any]:
    """All columns of a row, where a question is an object of them in JSON; else the question."""
    if not question.lstrip().startswith("{"):
        return question
    try:
        row = json.loads(question)
    except ValueError:  # a question may begin with a brace
        return question
    return row if isinstance(row, dict) else question


def row_of(like: Any, output: OutputKind, question: str | Mapping[str, Any]) -> Any:
    """One row, as a source of the task's data.

    Args:
        like: the rows that models were fitted on (`runs.predict.kept_rows`).
        question: as of `ask`.

    Raises:
        DataError: a column is not known, or what the task takes is no question in words.
    """
    if not isinstance(like, pa.Table):
        raise DataError("a row of this task is no question in words: use concours predict, or POST /predict")
    names = like.column_names if texts_in(like) is None else ["text"]
    given = {names[0]: question} if isinstance(question, str) else dict(question)
    if unknown := [name for name in given if name not in names]:
        raise DataError(f"a row has no column {unknown[0]!r}; {nearest(unknown[0], names)}")
    if texts_in(like) is None and any(name not in given for name in _needed(like)):
        listed = ", ".join(f"{json.dumps(name, ensure_ascii=False)}: …" for name in _needed(like))
        raise DataError(f"the question alone is not enough: give {{{listed}}}")
    if texts_in(like) is not None:
        return [given["text"]]
    row = {name: given.get(name, "") for name in names}
    return pd.DataFrame([row | _as_read(row, output.meta.get("choices", ()))])


def _needed(like: pa.Table) -> list[str]:
    """The columns without which nothing can be asked: a text may be empty, a number or a choice not."""
    texts = [pa.types.is_string(kind) or pa.types.is_large_string(kind) for kind in like.schema.types]
    first = like.column_names[0]
    return [name for name, text in zip(like.column_names, texts, strict=True) if name in (first, "choices") or not text]


def _as_read(row: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    """Choices in the columns that a source of the task has them in."""
    if not columns:
        return {}
    return {columns[0]: row["choices"]} if len(columns) == 1 else dict(zip(columns, row["choices"], strict=False))
