"""Whether what is public tells the targets of the test rows: as they are, under other names, hashed, or by an order."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Final

import numpy as np

from concours.core.written import number_in

_FEWEST: Final = 10
"""Rows below which nothing is said of a column: too many would tell by chance."""
_NEAR: Final = 0.98
_MOST_HASHED: Final = 2000
_TOKEN: Final = re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{32,128}(?![0-9a-fA-F])")
_DIGESTS: Final = {32: ("md5",), 40: ("sha1",), 56: ("sha224",), 64: ("sha256", "sha3_256"), 128: ("sha512", "blake2b")}
_BETWEEN: Final = ("", "_", "-", ",", ":", " ", "|", ";", "\t", "/")


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What must not be told.

    Attributes:
        ids: (rows,) of the test rows, as they are written.
        targets: (rows,) theirs.
        named: whether these ids are names of their own, and no positions.
    """

    ids: Sequence[str]
    targets: Sequence[str]
    named: bool


def told_by(columns: Mapping[str, Sequence[str]], truth: Truth) -> list[str]:
    """What the columns of a public table tell of the targets, a line each.

    A column tells where, on the test rows, it is the target, or nearly; where each of its values stands for one label;
    or where it orders the rows as their targets do. Rows are found by their ids, and where these are positions, a table
    of as many rows is taken to have them in their order.

    Args:
        columns: (rows,) texts each.
    """
    if len(set(truth.targets)) < 2:
        return []
    found = []
    for id, places in _rows_of(columns, truth):
        if len(places) < _FEWEST:
            continue
        targets = [truth.targets[row] for row, _ in places]
        for name, cells in columns.items():
            if name != id and (how := _tells([cells[place] for _, place in places], targets)):
                found.append(f"the column {name!r} {how}, for {len(places):,} of the {len(truth.ids):,} test rows")
    return list(dict.fromkeys(found))


def _rows_of(columns: Mapping[str, Sequence[str]], truth: Truth) -> Iterable[tuple[str | None, list[tuple[int, int]]]]:
    """Columns that name test rows, each with pairs of a test row and where it stands in the table."""
    rows = len(next(iter(columns.values()), ()))
    if not truth.named:
        if rows == len(truth.ids):
            yield None, [(row, row) for row in range(rows)]
        return
    known = {id: row for row, id in enumerate(truth.ids)}
    for name, cells in columns.items():
        places = {known[cell]: place for place, cell in enumerate(cells) if cell in known}
        if 2 * len(places) >= len(known):
            yield name, sorted(places.items())


def _tells(cells: Sequence[str], targets: Sequence[str]) -> str:
    """How a column tells the targets of some rows; empty where it does not."""
    same = sum(map(_equal, cells, targets)) / len(cells)
    usual = Counter(targets).most_common(1)[0][1] / len(targets)
    if same >= _NEAR and same > (1 + usual) / 2:
        return "holds the targets" if same == 1 else f"holds {same:.0%} of the targets"
    pairs = set(zip(cells, targets, strict=True))
    values, labels = {cell for cell, _ in pairs}, {target for _, target in pairs}
    if len(labels) > 1 and len(pairs) == len(values) == len(labels) and 3 * len(labels) <= len(cells):
        return "stands for the targets: each value goes with one of them"
    numbers = [[number_in(text) for text in texts] for texts in (cells, targets)]
    if len(labels) > _FEWEST and None not in numbers[0] and None not in numbers[1]:
        x, y = (np.asarray(one, dtype=float) for one in numbers)
        if np.isfinite(x).all() and np.isfinite(y).all() and len(set(x.tolist())) > len(labels) / 2:
            order = abs(np.corrcoef(_ranks(x), _ranks(y))[0, 1])
            return "orders the rows as their targets do" if order > 0.999 else ""
    return ""


def _equal(cell: str, target: str) -> bool:
    if cell.strip() == target:
        return True
    one, other = number_in(cell), number_in(target)
    return one is not None and other is not None and one == other


def _ranks(x: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    _, place = np.unique(x, return_inverse=True)
    return place.astype(float)


def ordered(targets: Sequence[str]) -> str:
    """What the order of the test rows tells of their targets (rows,) in it; empty where it tells nothing."""
    numbers = [number_in(target) for target in targets]
    known = [number for number in numbers if number is not None]
    runs = 1 + sum(one != other for one, other in pairwise(targets))
    labels = len(set(targets))
    if len(targets) < _FEWEST or labels < 2:
        return ""
    if runs == labels and 2 * labels <= len(targets):
        return "the test rows lie one target after the other: shuffle them"
    if len(known) == len(targets) and labels > len(targets) / 2 and (known in (sorted(known), sorted(known)[::-1])):
        return "the test rows lie in the order of their targets: shuffle them"
    return ""


def hashed(texts: Iterable[str], truth: Truth) -> str:
    """Whether texts hold digests of the targets, alone or beside the ids; which, and empty where they do not."""
    tokens: set[str] = set()
    for text in texts:
        tokens.update(token.lower() for token in _TOKEN.findall(text))
    algorithms = [name for length, names in _DIGESTS.items() if any(len(t) == length for t in tokens) for name in names]
    if not algorithms:
        return ""
    rows = list(zip(truth.ids, truth.targets, strict=True))[:_MOST_HASHED]
    for algorithm in algorithms:
        alone = {hashlib.new(algorithm, target.encode()).hexdigest() for target in set(truth.targets[:_MOST_HASHED])}
        if alone & tokens:
            return f"{algorithm} of the targets"
        for between, first in product(_BETWEEN, (True, False)):
            made = (f"{id}{between}{target}" if first else f"{target}{between}{id}" for id, target in rows)
            if sum(hashlib.new(algorithm, text.encode()).hexdigest() in tokens for text in made) > 2:
                return f"{algorithm} of the ids and targets"
    return ""
