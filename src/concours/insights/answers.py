"""Answers to questions side by side: where models disagree, what the best gets wrong, and who is right where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core.slices import Grouping
from concours.kernels.ranking.differences import differences
from concours.kernels.ranking.mcnemar import mcnemar
from concours.kernels.scoring.crossing import taught
from concours.kernels.scoring.rounded import rounded
from concours.kernels.scoring.scores import row_means

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

SHOWN = 10
"""Questions of either sort that are shown."""

FEWEST = 10
"""Questions of a category."""
_CATEGORIES = 40


@dataclass(frozen=True, kw_only=True, eq=False)
class Answered:
    """What models answered to the same questions.

    Attributes:
        keys: (models, rows) what answers that count as one have in common, none where nothing is answered.
        scores: (models, rows) from 0 to 1, where 1 is right.
        single: (models,) whether it speaks for itself: no alliance, and no baseline.
        best: the number of the model that is looked into.
    """

    keys: Sequence[Sequence[str | None]]
    scores: Floats
    single: Sequence[bool]
    best: int

    @property
    def right(self) -> NDArray[np.bool_]:
        """(models, rows)."""
        return self.scores >= 1.0


def disagreement(keys: Sequence[Sequence[str | None]], rows: int) -> Floats:
    """(rows,) how probable it is that two models, each drawn from all, say something else; no answer is one of its own.

    Laws: 0 where all say the same; the order of models does not matter.
    """
    found = np.zeros(rows)
    for row in range(rows if keys else 0):
        counts = np.array(list(Counter(of[row] for of in keys).values()))
        found[row] = 1 - float(np.square(counts / counts.sum()).sum())
    return found


def chosen(found: Answered) -> dict[str, list[int]]:
    """Which rows are worth to be shown, at most ten of each.

    Returns:
        apart: where single models disagree most; of equal ones first those where about half of them are right.
        wrong: what the best gets wrong; first what most of the others get right.
    """
    rows, alone = found.scores.shape[1], [place for place, single in enumerate(found.single) if single]
    spread = disagreement([found.keys[place] for place in alone], rows)
    uneven = np.abs(2 * found.right[alone].sum(axis=0) - len(alone))
    order = np.lexsort((np.arange(rows), uneven, -spread))
    wrong = np.flatnonzero(~found.right[found.best])
    others = [place for place in alone if place != found.best]
    easy = found.right[others].sum(axis=0)
    return {
        "apart": [int(row) for row in order if spread[row] > 0][:SHOWN],
        "wrong": wrong[np.argsort(-easy[wrong], kind="stable")][:SHOWN].tolist(),
    }


def shares(found: Answered) -> dict[str, Any]:
    """On how many rows single models all say the same, and somebody, or nobody, of them is right."""
    alone = [place for place, single in enumerate(found.single) if single]
    rows, right = found.scores.shape[1], found.right[alone]
    same = sum(len({found.keys[place][row] for place in alone}) == 1 for row in range(rows)) if alone else 0
    return {"rows": rows, "models": len(alone), "same": same, "somebody": int(right.any(axis=0).sum())}


def against_best(
    found: Answered, groups: Codes | None, weights: Floats | None, *, out_of_fold: bool, sought: float = 0.0
) -> list[dict[str, Any]]:
    """The best against each other one, in their order, row by row.

    Args:
        groups: (rows,) which rows belong together, if any do; codes from 0, each of which occurs.
        weights: (rows,) above 0, if they have any.
        out_of_fold: whether the rows also taught, in folds (`kernels.scoring.crossing`).
        sought: as of `kernels.scoring.scores.Means`; where it is not 0, there is no `exact`, which is of one look.

    Returns:
        difference, low, high: of the mean scores, the best's less the other's, with a paired interval of 95%.
        certain: whether they differ by more than chance allows, all these pairs together (Holm 1979).
        ahead, behind: rows where the best alone of the two is right, and where the other alone is.
        exact: how probable so uneven a split of these is if both are right equally often (McNemar 1947).
    """
    others = [place for place in range(len(found.scores)) if place != found.best]
    if not others or found.scores.shape[1] < 2:
        return []
    means = replace(row_means(found.scores.T, groups=groups, weights=weights), sought=sought)
    told = differences(taught(means) if out_of_fold else means, [(found.best, other) for other in others])
    right = found.right
    lines = []
    for place, other in enumerate(others):
        ahead = int((right[found.best] & ~right[other]).sum())
        behind = int((right[other] & ~right[found.best]).sum())
        lines.append(
            {
                "model": other,
                "difference": rounded(told.value[place]),
                "low": rounded(told.low[place]),
                "high": rounded(told.high[place]),
                "certain": bool(told.certain[place]),
                "ahead": ahead,
                "behind": behind,
                "exact": None if sought else rounded(mcnemar(ahead, behind)),
            }
        )
    return lines


def by_category(scores: Floats, ways: Sequence[Grouping]) -> dict[str, Any]:
    """The mean score of each model on parts of the rows that have a name.

    Returns:
        whole: of all rows, (models,).
        parts: `column`, `value`, `rows` and `scores` (models,) of each, at most forty.
        more: how many others there are.
    """
    parts = [
        {
            "column": way.column,
            "value": value,
            "rows": int(inside.sum()),
            "scores": rounded(scores[:, inside].mean(axis=1), 4),
        }
        for way in ways
        if len(np.unique(way.codes[way.codes >= 0])) > 1
        for code, value in enumerate(way.values)
        if (inside := way.codes == code).sum() >= FEWEST
    ]
    return {"whole": rounded(scores.mean(axis=1), 4), "parts": parts[:_CATEGORIES], "more": len(parts[_CATEGORIES:])}
