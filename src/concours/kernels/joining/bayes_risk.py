"""Minimum Bayes risk: of what members say, the texts that are expected to be most like what is right.

Each member has a list of candidates a row, with shares that sum to one. Joined, a candidate's probability is the sum of
members' shares by their weights, and its worth the mean of its likeness to all candidates of the row by these (Kumar
and Byrne 2004; Eikema and Aziz 2020). The likeness hangs on no weight, so it is computed once for many weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_DIGITS = 9


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """The different candidates of rows, one row behind the other, in an order that hangs on the candidates alone.

    Attributes:
        offsets: (rows + 1,) where those of each row begin.
        shares: (members, candidates) what each member gives each.
        likeness: (candidates, candidates) within rows: how good the first is where the second is right.
    """

    offsets: Ints
    shares: Floats
    likeness: sparse.csr_array


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Candidates that were chosen, of each row the best first.

    Attributes:
        places: among the candidates.
        offsets: (rows + 1,) where those of each row begin.
        shares: of them, which sum to one in each row.
    """

    places: Ints
    offsets: Ints
    shares: Floats


def least_risk(candidates: Candidates, weights: Floats, *, most: int) -> Chosen:
    """The candidates of least expected risk by the members' weights.

    Args:
        weights: (members,) or (members, rows), of at least 0.
        most: how many of a row are kept at most.

    Laws: permuting members with their weights changes nothing; a candidate that only members without a weight have is
    not chosen; of a member alone that is sure, its only candidate.

    Raises:
        ValueError: all weights of a row are zero.
    """
    rows = len(candidates.offsets) - 1
    of_row = np.repeat(np.arange(rows), np.diff(candidates.offsets))
    each = weights[:, of_row] if weights.ndim == 2 else weights[:, None]
    shares = np.einsum("mc,mc->c", np.broadcast_to(each, candidates.shares.shape), candidates.shares)
    total = np.bincount(of_row, weights=shares, minlength=rows)
    if rows and not total.min() > 0:
        raise ValueError("a row needs a member with a weight; all weights are zero")
    shares = shares / total[of_row]
    worth = np.asarray(candidates.likeness @ shares).round(_DIGITS)
    there = np.flatnonzero(shares > 0)
    order = there[np.lexsort((there, -shares[there].round(_DIGITS), -worth[there], of_row[there]))]
    counts = np.bincount(of_row[order], minlength=rows)
    begins = np.concatenate([[0], np.cumsum(counts)])
    order = order[np.arange(len(order)) - np.repeat(begins[:-1], counts) < most]
    counts = np.minimum(counts, most)
    kept = np.bincount(of_row[order], weights=shares[order], minlength=rows)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    return Chosen(places=order, offsets=offsets, shares=shares[order] / kept[of_row[order]])
