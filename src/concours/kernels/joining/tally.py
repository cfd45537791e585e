"""Votes for answers: what members say, with their shares, added up by which answers are the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Answers of all rows, those of a row one behind the other, the best first.

    Attributes:
        offsets: (rows + 1,) where each row begins.
        places: (answers,) for each answer a place in what was counted.
        shares: (answers,) of the votes of its row; they sum to 1.
    """

    offsets: Codes
    places: Codes
    shares: Floats


def tally(row: Codes, answer: Codes, text: Codes, votes: Floats, *, rows: int, most: int) -> Tally:
    """Adds up votes by answer, and ranks the answers of each row.

    An answer with more votes is before one with fewer; of equal ones the lower is first. It is told by the text with
    the most votes for it, of equal ones the lowest. What has no vote does not count; a row without votes has none.

    Law: the order in which votes are listed changes nothing, not a bit: they are added in the order of their size.

    Args:
        row, answer, text: (votes,) of each vote its row, its answer and how that is written, as codes.
        votes: (votes,) at least 0.
        most: answers that a row keeps.
    """
    counted = np.flatnonzero(votes > 0)
    order = counted[np.lexsort((votes[counted], text[counted], answer[counted], row[counted]))]
    row, answer, text, votes = row[order], answer[order], text[order], votes[order]
    texts = _starts(row, answer, text)
    by_text = np.add.reduceat(votes, texts) if len(texts) else votes
    row, answer, text, order = row[texts], answer[texts], text[texts], order[texts]
    best = np.lexsort((text, -by_text, answer, row))
    row, answer, order, by_text = row[best], answer[best], order[best], by_text[best]
    answers = _starts(row, answer)
    total = np.add.reduceat(by_text, answers) if len(answers) else by_text
    row, answer, order = row[answers], answer[answers], order[answers]
    ranked = np.lexsort((answer, -total, row))
    row, order, total = row[ranked], order[ranked], total[ranked]
    begin = np.searchsorted(row, np.arange(rows + 1))
    kept = np.arange(len(row)) - begin[row] < most
    row, order, total = row[kept], order[kept], total[kept]
    sums = np.bincount(row, weights=total, minlength=rows)
    offsets = np.searchsorted(row, np.arange(rows + 1))
    return Tally(offsets=offsets, places=order, shares=total / sums[row])


def _starts(*keys: Codes) -> Codes:
    """Where runs of equal keys begin."""
    if not len(keys[0]):
        return np.empty(0, dtype=np.int64)
    new = np.zeros(len(keys[0]), dtype=bool)
    for key in keys:
        new[1:] |= key[1:] != key[:-1]
    new[0] = True
    return np.flatnonzero(new)
