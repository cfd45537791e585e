"""Rows that are linked, directly or through others: the connected components of what they share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Ints = NDArray[np.int64]


def linked(*keys: NDArray[np.generic]) -> Ints:
    """The component of each row, (rows,), numbered in the order in which they first come.

    Rows with an equal key are linked, whichever of the arrays (rows,) either has it in, and so are all that can be
    reached from one another. Laws: rows that share a key are in one component; a row that shares none with any other is
    alone.
    """
    rows = len(keys[0])
    _, codes = np.unique(np.concatenate(keys), return_inverse=True)
    ends = codes.reshape(len(keys), rows) + rows
    edges = (np.tile(np.arange(rows), len(keys)), ends.ravel())
    size = rows + int(codes.max(initial=-1)) + 1
    graph = coo_array((np.ones(len(edges[0]), dtype=np.int8), edges), shape=(size, size))
    found = connected_components(graph, directed=False)[1][:rows]
    _, first, places = np.unique(found, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[places], dtype=np.int64)
