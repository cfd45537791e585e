"""Rows in words, as language models are asked about them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from concours.core.errors import ContestError, DataError
from concours.entrants.endpoints.params import Asking
from concours.entrants.endpoints.prompts import Prompt
from concours.kernels.scoring.likelihoods import MEASURES
from concours.tasks.choices import CHOICES, letter_of
from concours.tasks.outputs.output import OutputKind

Row = Mapping[str, str]
"""Words by the names of columns."""


def worded(x: Any) -> list[Row]:
    """Rows as words, by the names of columns: a list with a letter an item, what is missing as nothing.

    Raises:
        DataError: they are no words.
    """
    if isinstance(x, pd.DataFrame):
        names = [str(name) for name in x.columns]
        columns = [[_word(cell) for cell in x.iloc[:, place]] for place in range(len(names))]
        return [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)]
    if isinstance(x, np.ndarray) and x.ndim == 1:
        return [{"text": str(text)} for text in x]
    raise DataError("a language model is asked in words, and these rows are none; leave it out of this task")


def as_one_text(x: Any) -> list[str]:
    """All that each row says, in its order. Raises DataError where rows are no words."""
    return ["\n".join(part for part in row.values() if part) for row in worded(x)]


def lettered(items: Iterable[Any]) -> str:
    """A list as people are shown choices, `A. …` in a line each."""
    return "\n".join(f"{letter_of(place)}. {item}" for place, item in enumerate(items))


def _word(cell: Any) -> str:
    if isinstance(cell, (list, tuple, np.ndarray)):
        return "\n" + lettered(cell)
    return "" if cell is None or cell is pd.NA or (isinstance(cell, float) and np.isnan(cell)) else str(cell)


def prompt_of(how: Asking, rows: Sequence[Row], output: OutputKind) -> Prompt:
    """What is asked about such rows.

    Where nobody says: all columns, named where there are several, and in which form to answer. A prompt that names no
    column stands between these and that. Where the texts of choices are what is told, these are not shown, and the text
    ends so that one of them goes on with it.

    Raises:
        ContestError: it names a column that there is not.
    """
    if how.prompt is not None and names_columns(how.prompt):
        return Prompt(how.prompt, how.system)
    texts = how.by in MEASURES
    names = [name for name in (rows[0] if rows else ["text"]) if not (texts and name == CHOICES)]
    plain = {name for name in names if not re.search(r"[{}]", name)}
    if len(plain) < len(names):
        raise ContestError(
            f"the column {min(set(names) - plain)!r} has a brace in its name; rename it, or give a prompt"
        )
    shown = ["{" + name + "}" if len(names) == 1 else name + ": {" + name + "}" for name in names]
    if texts:
        first = "Question: " if len(names) == 1 else ""
        return Prompt(first + "\n".join([*shown, _doubled(_plain(how.prompt or "Answer:"))]), how.system)
    said = map(_doubled, (_plain(how.prompt or ""), output.wish))
    return Prompt("\n\n".join([*shown, *filter(None, said)]), how.system)


def _doubled(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def names_columns(prompt: str) -> bool:
    """Whether a prompt says itself where the row stands in it. Raises ContestError where a brace stands alone."""
    try:
        return bool(Prompt(prompt).columns)
    except ContestError:
        if re.search(r"(?<!\{)\{(?!\{)|(?<!\})\}(?!\})", prompt):
            raise
        return False


def _plain(prompt: str) -> str:
    return prompt.replace("{{", "{").replace("}}", "}")
