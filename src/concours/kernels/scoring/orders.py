"""How well scores put the documents of each query in order, with ties counted in expectation.

Targets are (rows, 2) float64: how relevant a document is, a whole number from 0, and the code of its query. Scores are
(rows, 1), of which only the order within a query counts. Rows of a query may lie anywhere. Where scores are equal, the
order among them is drawn, and the measure is what it is on average over all draws (McSherry and Najork 2008): nobody
gains by saying nothing.

A query whose documents are all equally relevant tells nothing of any order, and counts nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Ordered:
    """Documents in the order of their queries, and within these from the highest score down.

    Attributes:
        rows: (rows,) their numbers.
        place: (rows,) of the document within its query, from 0.
        first, last: (rows,) the first place of those with an equal score, and the place behind the last one.
        query: (rows,) from 0, that of each.
        tie: (rows,) codes from 0 of those of one query with equal scores.
    """

    rows: Codes
    place: Codes
    first: Codes
    last: Codes
    query: Codes
    tie: Codes


def ordered(query: Codes, scores: Floats) -> Ordered:
    """Documents (rows,) of queries, numbered from 0, by scores (rows,)."""
    rows = np.lexsort((-scores, query))
    of, told = query[rows], scores[rows]
    changed = np.concatenate([[True], of[1:] != of[:-1]])[: len(rows)]
    apart = changed | np.concatenate([[True], told[1:] != told[:-1]])[: len(rows)]
    start = np.maximum.accumulate(np.where(changed, np.arange(len(rows)), 0))
    place = np.arange(len(rows)) - start
    tie = np.cumsum(apart) - 1
    first = place[np.flatnonzero(apart)][tie]
    return Ordered(rows=rows, place=place, first=first, last=first + np.bincount(tie)[tie], query=of, tie=tie)


def queries(y: Floats) -> Codes:
    """(rows,) the query of each document, numbered from 0 without gaps."""
    return np.unique(y[:, 1], return_inverse=True)[1]


def ndcg(y: Floats, p: Floats, *, top: int) -> Floats:
    """Normalised discounted cumulative gain of the first `top` documents (Järvelin and Kekäläinen 2002), by query.

    A document gains `2 ** relevance - 1` (Burges et al. 2005), less the lower it stands: by the logarithm of base 2 of
    its place and one more; and the whole is a share of what the best order gains.

    Returns:
        (rows, 2): the share of its query that a row has, times the measure of that, and this share: the mean of the
        first by that of the second is the mean over queries (`kernels.scoring.forecasts.ratio`).
    """
    query = queries(y)
    gains = np.exp2(y[:, 0]) - 1.0
    ideal, found = (_gained(gains, ordered(query, by), top) for by in (y[:, 0], p[:, 0]))
    return _by_row(query, y, found / np.where(ideal > 0, ideal, 1.0))


def reciprocal_ranks(y: Floats, p: Floats) -> Floats:
    """One by the place of the first document that is relevant at all, by query; as `ndcg` returns it.

    Its mean over queries is MRR (Voorhees 1999).
    """
    query = queries(y)
    order = ordered(query, p[:, 0])
    relevant = y[order.rows, 0] > 0
    hit = np.bincount(order.tie, weights=relevant)
    leader = np.full(query.max(initial=-1) + 1, -1)
    places = np.flatnonzero(relevant)[::-1]
    leader[order.query[places]] = order.tie[places]  # the highest tie of each query that has a relevant one
    found = np.zeros(len(leader))
    begins = np.flatnonzero(np.concatenate([[True], order.tie[1:] != order.tie[:-1]])[: len(order.tie)])
    for one in np.flatnonzero(leader >= 0):
        at = begins[leader[one]]
        found[one] = _first_of(int(order.first[at]), int(order.last[at] - order.first[at]), int(hit[leader[one]]))
    return _by_row(query, y, found)


def misordered(y: Floats, p: Floats) -> Floats:
    """(rows,) of each document the share of those of another relevance in its query that it stands on the wrong side
    of, half of those of its own score; 0 where there is none.
    """
    query = queries(y)
    order = ordered(query, p[:, 0])
    start = np.flatnonzero(order.place == 0)[order.query]
    relevance, at = y[order.rows, 0], start + order.first
    behind, end = start + order.last, start + np.bincount(order.query)[order.query]
    wrong, others = np.zeros(len(y)), np.zeros(len(y))
    for level in np.unique(relevance):
        known = np.concatenate([[0], np.cumsum(relevance == level)])
        above, equal, all_of = known[at] - known[start], known[behind] - known[at], known[end] - known[start]
        wrong += np.where(relevance > level, above + equal / 2, 0.0)
        wrong += np.where(relevance < level, all_of - above - equal / 2, 0.0)
        others += np.where(relevance != level, all_of, 0)
    found = np.empty(len(y))
    found[order.rows] = wrong / np.maximum(others, 1)
    return found


def sizes(y: Floats) -> Codes:
    """(rows,) how many documents the query of each has."""
    query = queries(y)
    return np.bincount(query)[query]


def size_bins(y: Floats, *, most: int = 4) -> tuple[tuple[str, ...], Codes]:
    """Sizes of queries in a few ranges of about as many queries each, written as `4 to 7`; and that of each row,
    (rows,) by its place.
    """
    size = sizes(y)
    of_query = size[np.unique(queries(y), return_index=True)[1]]
    edges = np.unique(np.quantile(of_query, np.arange(1, most) / most, method="inverted_cdf"))
    edges = edges[edges < of_query.max()]
    low, high = [int(of_query.min()), *(edges + 1).astype(int)], [*edges.astype(int), int(of_query.max())]
    told = tuple(f"{a}" if a == b else f"{a} to {b}" for a, b in zip(low, high, strict=True))
    return told, np.asarray(np.searchsorted(edges, size, "left"), dtype=np.int64)


def telling(y: Floats) -> NDArray[np.bool_]:
    """(rows,) whether the query of each has documents that are more relevant than others."""
    query = queries(y)
    return _different(query, y[:, 0])[query]


def _gained(gains: Floats, order: Ordered, top: int) -> Floats:
    """(queries,) what the first documents gain on average over the orders of ties."""
    worth = np.concatenate([[0.0], np.cumsum(1.0 / np.log2(np.arange(top) + 2.0))])
    sums = np.bincount(order.tie, weights=gains[order.rows])
    sized = (order.last - order.first).astype(np.float64)
    share = (worth[np.minimum(order.last, top)] - worth[np.minimum(order.first, top)]) / sized
    return np.asarray(np.bincount(order.query, weights=sums[order.tie] / sized * share), dtype=np.float64)


def _by_row(query: Codes, y: Floats, of_query: Floats) -> Floats:
    share = np.where(_different(query, y[:, 0]), 1.0 / np.maximum(np.bincount(query), 1), 0.0)
    return np.stack([(share * of_query)[query], share[query]], axis=1)


def _different(query: Codes, relevance: Floats) -> NDArray[np.bool_]:
    """(queries,) whether documents differ in their relevance."""
    low, high = np.full((2, query.max(initial=-1) + 1), np.inf) * np.array([[1.0], [-1.0]])
    np.minimum.at(low, query, relevance)
    np.maximum.at(high, query, relevance)
    return np.asarray(high > low)


def _first_of(before: int, tied: int, relevant: int) -> float:
    """The mean of one by the place of the first relevant document, where so many stand before those of its score, and
    of these so many are relevant.
    """
    found, none_so_far = 0.0, 1.0
    for place in range(tied - relevant + 1):
        here = none_so_far * relevant / (tied - place)
        found += here / (before + place + 1)
        none_so_far -= here
    return found
