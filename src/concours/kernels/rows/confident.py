"""Confident learning: which labels are likely wrong, by predictions of models that have not seen the row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Doubted:
    """Labels that are likely wrong.

    Attributes:
        rows: positions of the rows, the likeliest first.
        instead: (len(rows),) the class that each is likely of.
        joint: (classes, classes) shares of all rows by given and by likely true class.
    """

    rows: Codes
    instead: Codes
    joint: Floats

    @property
    def share(self) -> float:
        """Of rows whose label is likely wrong, about."""
        return float(self.joint.sum() - np.trace(self.joint))


def doubted(p: Floats, y: Codes) -> Doubted:
    """The labels that are confidently disagreed with (Northcutt, Jiang and Chuang 2021, "Confident learning").

    A row counts as of the class of greatest probability among those whose probability is at least what rows that are
    labelled so have on average. Counts by given class are scaled to how many rows each class has. Rows are doubted
    where that class is not the given one, and in the order of how much more likely it is.

    Args:
        p: (rows, classes) probabilities, out of fold.
        y: (rows,) codes of the given classes; each has a row at least.

    Law: who is right of every row, and sure of it, doubts none.
    """
    classes = p.shape[1]
    there = np.bincount(y, minlength=classes)
    bars = np.array([p[y == code, code].mean() if there[code] else np.inf for code in range(classes)])
    confident = p >= bars
    counted = confident.any(axis=1)
    likely = np.where(confident, p, -1.0).argmax(axis=1)
    counts = np.zeros((classes, classes))
    np.add.at(counts, (y[counted], likely[counted]), 1)
    sums = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, sums, out=np.eye(classes), where=sums > 0)
    joint = shares * there[:, None] / len(y)
    wrong = np.flatnonzero(counted & (likely != y))
    surer = p[wrong, likely[wrong]] - p[wrong, y[wrong]]
    order = np.argsort(-surer, kind="stable")
    return Doubted(rows=wrong[order], instead=likely[wrong[order]], joint=joint)
