"""What it takes to go on with a text, of an output that can `continue`: rows to ask about, signs to draw, prompts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from concours.tasks.passages import last_of

_SIGNS = 256
"""The most frequent ones, that may be drawn."""
_PROMPT = 60
"""Characters before a passage that a model is given to go on with, at least: to the beginning of a line."""


def rows(before: Sequence[str], texts: Sequence[str]) -> pd.DataFrame:
    """Rows as entrants take them: texts behind as much of what stands before as they may read."""
    return pd.DataFrame({"before": [last_of(text) for text in before], "text": list(texts)}, dtype=object)


def told(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probability of each text, (rows,), by those of its bytes, (rows, most)."""
    return p.prod(axis=1)


def signs(x: Any) -> list[str]:
    """The characters of passages, the most frequent first."""
    counts = Counter[str]()
    for text in x["text"]:
        counts.update(text)
    return [sign for sign, _ in counts.most_common(_SIGNS)]


def prompts(x: Any, count: int) -> list[str]:
    """What stands before some passages, evenly spread: the last lines, to begin with."""
    whole = [text for text in x["before"] if len(text) >= _PROMPT] or list(x["text"])
    chosen = [whole[int(place)] for place in np.linspace(0, len(whole) - 1, count + 2)[1:-1]]
    return [_lines(text) for text in chosen]


def _lines(text: str) -> str:
    """The end of a text, from the beginning of a line or a word."""
    end = text[-2 * _PROMPT :]
    for mark in ("\n", " "):
        cut = end.find(mark, 0, _PROMPT) + 1
        if cut:
            return end[cut:].lstrip()
    return end[-_PROMPT:]
