"""Trees as parts of a graph: their sum is one node."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from concours.serving.export.graph import Graph

LEAF: Final = "LEAF"
AT_MOST: Final = "BRANCH_LEQ"
BELOW: Final = "BRANCH_LT"
_EQUALS: Final = "BRANCH_EQ"


@dataclass(frozen=True, kw_only=True)
class Split:
    """A node that parts rows by a category: those of some codes go `there`, others elsewhere.

    Attributes:
        gaps: whether what is missing goes there.
    """

    node: int
    codes: Sequence[int]
    there: int
    elsewhere: int
    gaps: bool


@dataclass(frozen=True, kw_only=True)
class Tree:
    """A tree; node 0 is its root.

    Attributes:
        modes: of each node, as ONNX names them.
        features, values, yes, no: of each node, what is compared with what, and the node behind either answer.
        gaps: of each node, whether what is missing goes where `yes` goes.
        leaves: (nodes, outputs) what leaves say; of others zeros.
    """

    modes: NDArray[Any]
    features: NDArray[np.int64]
    values: NDArray[np.float32]
    yes: NDArray[np.int64]
    no: NDArray[np.int64]
    gaps: NDArray[np.int64]
    leaves: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        inner: NDArray[np.bool_],
        mode: str,
        features: NDArray[Any],
        values: NDArray[np.float32],
        yes: NDArray[Any],
        no: NDArray[Any],
        gaps: NDArray[Any],
        leaves: NDArray[np.float64],
        splits: Iterable[Split] = (),
    ) -> Self:
        """A tree whose inner nodes compare by one mode, but those that split by categories: each of these is a chain
        of nodes, one for each code.
        """
        parts: dict[str, Any] = {
            "modes": np.where(inner, mode, LEAF),
            "features": np.where(inner, features, 0).astype(np.int64),
            "values": np.where(inner, values, np.float32(0)),
            "yes": np.where(inner, yes, 0).astype(np.int64),
            "no": np.where(inner, no, 0).astype(np.int64),
            "gaps": np.where(inner, gaps, 0).astype(np.int64),
        }
        more: dict[str, list[Any]] = {name: [] for name in parts}
        for split in splits:
            begin, codes = len(inner) + len(more["yes"]), list(split.codes) or [-1]
            places = [split.node, *range(begin, begin + len(codes) - 1), split.elsewhere]
            for number, code in enumerate(codes):
                row = {"modes": _EQUALS, "features": parts["features"][split.node], "values": code, "yes": split.there}
                row |= {"no": places[number + 1], "gaps": number == 0 and split.gaps}
                for name, each in row.items():
                    if number == 0:
                        parts[name][split.node] = each
                    else:
                        more[name].append(each)
        if count := len(more["yes"]):
            parts = {name: np.append(each, np.array(more[name], dtype=each.dtype)) for name, each in parts.items()}
            leaves = np.concatenate([leaves, np.zeros((count, leaves.shape[1]))])
        return cls(**parts, leaves=leaves)


def at_most(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest numbers of float32 that are at most these."""
    most = np.finfo(np.float32).max
    near = np.clip(values, -most, most).astype(np.float32)
    return np.where(near > values, np.nextafter(near, np.float32(-np.inf)), near)


def summed(graph: Graph, trees: Sequence[Tree], x: str) -> str:
    """The sum of what trees say, float32 (rows, outputs), of a matrix of float32."""
    leaves = [np.nonzero((tree.modes == LEAF)[:, None] & (tree.leaves != 0)) for tree in trees]
    nothing = [np.flatnonzero((tree.modes == LEAF) & ~(tree.leaves != 0).any(axis=1)) for tree in trees]
    told = [
        (
            np.concatenate([some[0], none]),
            np.concatenate([some[1], np.zeros(len(none), dtype=np.int64)]),
            np.concatenate([tree.leaves[some], np.zeros(len(none))]),
        )
        for tree, some, none in zip(trees, leaves, nothing, strict=True)
    ]
    return graph.apart(
        "TreeEnsembleRegressor",
        x,
        domain="ai.onnx.ml",
        n_targets=trees[0].leaves.shape[1],
        post_transform="NONE",
        nodes_treeids=_numbered(len(tree.modes) for tree in trees),
        nodes_nodeids=np.concatenate([np.arange(len(tree.modes)) for tree in trees]),
        nodes_modes=np.concatenate([tree.modes for tree in trees]),
        nodes_featureids=np.concatenate([tree.features for tree in trees]),
        nodes_values=np.concatenate([tree.values for tree in trees]),
        nodes_truenodeids=np.concatenate([tree.yes for tree in trees]),
        nodes_falsenodeids=np.concatenate([tree.no for tree in trees]),
        nodes_missing_value_tracks_true=np.concatenate([tree.gaps for tree in trees]),
        target_treeids=_numbered(len(nodes) for nodes, _, _ in told),
        target_nodeids=np.concatenate([nodes for nodes, _, _ in told]),
        target_ids=np.concatenate([targets for _, targets, _ in told]),
        target_weights=np.concatenate([weights for _, _, weights in told]).astype(np.float32),
    )


def _numbered(counts: Iterable[int]) -> NDArray[np.int64]:
    every = list(counts)
    return np.repeat(np.arange(len(every)), every)
