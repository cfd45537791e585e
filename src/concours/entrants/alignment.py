"""Which words of a text and of its translation belong together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Words = Sequence[Sequence[int]]

_ROUNDS = 6
_DIAGONAL = 4.0
"""How strongly words in like places belong together: the usual beginning of Dyer et al. (2013)."""
_NOWHERE = 0.08
"""The chance that a word comes from none, as there."""
_BESIDE = ((-1, 0), (0, -1), (1, 0), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))


def aligned(sources: Words, targets: Words) -> list[set[tuple[int, int]]]:
    """For each pair the places, in source and in target, of words that belong together.

    Each direction finds for a word the likeliest one of the other side (`_best`); both are grown together: where they
    agree, and from there to neighbours that one of them has (grow-diag, Koehn, Och and Marcu 2003).
    """
    forth = _best(sources, targets)
    back = _best(targets, sources)
    found = []
    for here, there in zip(forth, back, strict=True):
        one = {(i, j) for j, i in enumerate(here.tolist()) if i >= 0}
        other = {(i, j) for i, j in enumerate(there.tolist()) if j >= 0}
        found.append(_grown(one & other, one | other))
    return found


def _best(sources: Words, targets: Words) -> list[Ints]:
    """For each word of each target the place of the likeliest source word, -1 for none.

    IBM model 1 (Brown et al. 1993), whose chances of places fall with the distance from the diagonal, by expectation
    maximisation over all pairs of words at once.
    """
    cells = _Cells(sources, targets)
    chance = cells.fitted()
    offsets = np.concatenate([[0], np.cumsum(cells.sizes)])
    best = []
    for number, (source, target) in enumerate(zip(sources, targets, strict=True)):
        table = chance[offsets[number] : offsets[number + 1]].reshape(len(target), len(source) + 1)
        best.append(table.argmax(axis=1) - 1)
    return best


class _Cells:
    """All words of each source, and none, beside all words of its target: one cell each, pair by pair."""

    def __init__(self, sources: Words, targets: Words) -> None:
        heights = np.array([len(target) for target in targets])
        widths = np.array([len(source) + 1 for source in sources])
        self.sizes = heights * widths
        total = int(self.sizes.sum())
        width = np.repeat(widths, self.sizes)
        height = np.repeat(heights, self.sizes)
        within = np.arange(total) - np.repeat(np.cumsum(self.sizes) - self.sizes, self.sizes)
        row, column = within // width, within % width
        source_words = np.concatenate([[0, *(word + 1 for word in source)] for source in sources]).astype(np.int64)
        target_words = np.concatenate([np.asarray(target, dtype=np.int64) for target in targets])
        source_at = np.repeat(np.cumsum(widths) - widths, self.sizes) + column
        self.target_at = np.repeat(np.cumsum(heights) - heights, self.sizes) + row
        self.words = len(target_words)
        source, target = source_words[source_at], target_words[self.target_at]
        kinds = int(target_words.max()) + 1
        keys, self.key = np.unique(source * kinds + target, return_inverse=True)
        self.of_source = keys // kinds
        distance = np.abs((column - 0.5) / np.maximum(width - 1, 1) - (row + 0.5) / height)
        near = np.where(column > 0, np.exp(-_DIAGONAL * distance), 0.0)
        sums = np.bincount(self.target_at, weights=near, minlength=self.words)[self.target_at]
        self.prior = np.where(column > 0, (1 - _NOWHERE) * near / np.maximum(sums, 1e-300), _NOWHERE)

    def fitted(self) -> Floats:
        """(cells,) the chance that the target word of each comes from its source word."""
        table = np.ones(len(self.of_source))
        chance = self._chance(table)
        for _ in range(_ROUNDS):
            counts = np.bincount(self.key, weights=chance, minlength=len(table)) + 1e-3
            table = counts / np.bincount(self.of_source, weights=counts)[self.of_source]
            chance = self._chance(table)
        return chance

    def _chance(self, table: Floats) -> Floats:
        joint = self.prior * table[self.key]
        return np.asarray(joint / np.bincount(self.target_at, weights=joint, minlength=self.words)[self.target_at])


def _grown(agreed: set[tuple[int, int]], either: set[tuple[int, int]]) -> set[tuple[int, int]]:
    found = set(agreed)
    rows, columns = {i for i, _ in found}, {j for _, j in found}
    waiting = sorted(found)
    while waiting:
        i, j = waiting.pop()
        for down, right in _BESIDE:
            place = (i + down, j + right)
            if place in either and place not in found and (place[0] not in rows or place[1] not in columns):
                found.add(place)
                rows.add(place[0])
                columns.add(place[1])
                waiting.append(place)
    return found


def phrases(source: int, target: int, links: set[tuple[int, int]], longest: int) -> list[tuple[int, int, int, int]]:
    """Stretches of a source and of its target that belong together: where either begins, and where it ends.

    No word of one is linked to a word outside the other (Koehn, Och and Marcu 2003); words of the target that have no
    link may stand at either end.

    Args:
        source, target: how many words there are.
        longest: words of a stretch of either side at most.
    """
    of_target: dict[int, list[int]] = {}
    of_source: dict[int, list[int]] = {}
    for i, j in links:
        of_target.setdefault(j, []).append(i)
        of_source.setdefault(i, []).append(j)
    found = []
    for begin in range(source):
        low, high = target, -1
        for end in range(begin, min(begin + longest, source)):
            for j in of_source.get(end, ()):
                low, high = min(low, j), max(high, j)
            if high < 0 or high - low >= longest:
                continue
            if any(not begin <= i <= end for j in range(low, high + 1) for i in of_target.get(j, ())):
                continue
            firsts = _free(range(low, high - longest, -1), of_target, target)
            lasts = _free(range(high, low + longest), of_target, target)
            found += [(begin, end + 1, j, k + 1) for j in firsts for k in lasts if k - j < longest]
    return found


def _free(places: range, linked: Mapping[int, object], words: int) -> list[int]:
    """The first place, and those behind it that are words without a link."""
    found = list(places[:1])
    for place in places[1:]:
        if place in linked or not 0 <= place < words:
            break
        found.append(place)
    return found


def numbered(rows: Sequence[Sequence[str]]) -> tuple[list[list[int]], dict[str, int]]:
    """Words as numbers, and the number of each."""
    known: dict[str, int] = {}
    return [[known.setdefault(word, len(known)) for word in row] for row in rows], known
