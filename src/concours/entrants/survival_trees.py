"""Trees that lie one behind the other in arrays, and are walked without the library that grew them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.entrants.soundness import require_tree

Array = NDArray[Any]
Floats = NDArray[np.float64]

_LEAF = -1
_ROWS = 2000


@dataclass(frozen=True, kw_only=True)
class Trees:
    """Trees of scikit-learn's form: a row goes left where a feature, as float32, is at most the threshold.

    Attributes:
        roots: (trees,) where the nodes of each tree begin.
        left, right: (nodes,) int32 where the children lie, counted within the tree; -1 of leaves.
        feature: (nodes,) int32. threshold: (nodes,) float64.
        value: (nodes, outputs) float32 of leaves.
    """

    roots: Array
    left: Array
    right: Array
    feature: Array
    threshold: Array
    value: Array

    def sums(self, rows: Array) -> Floats:
        """The sum over all trees of the values of the leaves that rows (n, features) float32 come to, (n, outputs)."""
        return np.concatenate([self._sums(rows[i : i + _ROWS]) for i in range(0, max(len(rows), 1), _ROWS)])

    def _sums(self, rows: Array) -> Floats:
        found = np.zeros((len(rows), self.value.shape[1]))
        for root in self.roots.tolist():
            nodes, walking = np.full(len(rows), root, dtype=np.int64), np.arange(len(rows))
            while len(walking):
                inner = self.left[nodes[walking]] != _LEAF
                walking = walking[inner]
                at = nodes[walking]
                goes_left = rows[walking, self.feature[at]] <= self.threshold[at]
                nodes[walking] = root + np.where(goes_left, self.left[at], self.right[at])
            found += self.value[nodes]
        return found

    def tensors(self) -> dict[str, Array]:
        """The arrays, by name."""
        return {f"trees.{name}": array for name, array in vars(self).items()}


def grown(trees: Iterable[Any], valued: Callable[[Any], Array]) -> Trees:
    """Trees that scikit-learn has grown.

    Args:
        trees: fitted estimators of single trees.
        valued: the values (nodes, outputs) of such an estimator.
    """
    each = list(trees)
    inner = [one.tree_ for one in each]
    sizes = [tree.node_count for tree in inner]
    return Trees(
        roots=np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64),
        left=np.concatenate([tree.children_left for tree in inner]).astype(np.int32),
        right=np.concatenate([tree.children_right for tree in inner]).astype(np.int32),
        feature=np.concatenate([tree.feature for tree in inner]).astype(np.int32),
        threshold=np.concatenate([tree.threshold for tree in inner]).astype(np.float64),
        value=np.concatenate([valued(one) for one in each]).astype(np.float32),
    )


def read_trees(tensors: Mapping[str, Array], features: int) -> Trees:
    """The inverse of `Trees.tensors`.

    Raises:
        ContentRefused: a tree cannot be walked through, or splits on a feature that there is not.
    """
    found = Trees(
        **{name.removeprefix("trees."): np.asarray(tensors[name]) for name in tensors if name[:6] == "trees."}
    )
    ends = [*found.roots[1:].tolist(), len(found.left)]
    for root, end in zip(found.roots.tolist(), ends, strict=True):
        left, right = found.left[root:end], found.right[root:end]
        require_tree(left, right, left != _LEAF, found.feature[root:end], features)
    return found
