"""Whether a model that was read from a file can be walked through: trees in compiled code follow numbers unasked.

A number that points outside of its array reads, or ends, what does not belong to it; two nodes that point at each other
have no end. The law for every tree: the children of a node are among its nodes, each node is the child of one other at
most, and the first is nobody's child. So a walk from the first ends, after as many steps as there are nodes at most.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from concours.core import flatbuffers
from concours.core.errors import ContentRefused

Ints = NDArray[np.int64]
_LEAF = -1
_CATBOOST_FEATURES = ((5, 3), (6, 1), (7, 1))
"""Fields of a model of CatBoost that hold features, and of each the field of what it is split at: numbers, categories
one by one, statistics of categories."""
_CATBOOST_BINS = 254
"""Borders that a byte tells apart."""
_CATBOOST_DEEPEST = 16


def require_sound(model: Any) -> None:
    """Looks at every tree and every sparse matrix in a model, wherever in it that lies.

    Raises:
        ContentRefused: one cannot be walked through, splits on a feature that there is not, or is deeper than it says.
    """
    for part, features in _parts(model):
        check = _CHECKS.get(type(part).__name__)
        if check and type(part).__module__.startswith(("sklearn.", "scipy.sparse.")):
            check(part, features)


def require_tree(left: ArrayLike, right: ArrayLike, inner: ArrayLike, features: ArrayLike, width: int | None) -> None:
    """The law of this module for one tree.

    Args:
        left, right: (nodes,) the places of the children, where `inner`; others say nothing.
        inner: (nodes,) whether a node has children.
        features: (nodes,) which feature a node splits on.
        width: how many features there are; None where that is not known.

    Raises:
        ContentRefused: it does not hold.
    """
    splits = np.asarray(inner, dtype=bool)
    children = np.concatenate([np.asarray(side, dtype=np.int64)[splits] for side in (left, right)])
    _require(len(splits) > 0, "a tree has no node")
    inside = bool(((children > 0) & (children < len(splits))).all())
    _require(inside, "a node of a tree has a child outside of it, or above")
    _require(len(np.unique(children)) == len(children), "a node of a tree is the child of two")
    used = np.asarray(features, dtype=np.int64)[splits]
    known = (used >= 0).all() and (width is None or (used < width).all())
    _require(bool(known), "a tree splits on a feature that there is not")


def require_lightgbm(text: str, width: int) -> None:
    """The law for the trees in a model of LightGBM, as it is written: leaves are counted from -1 downwards there."""
    for tree in text.split("\nTree=")[1:]:
        fields = dict(line.split("=", 1) for line in tree.splitlines()[1:] if "=" in line)
        leaves = int(fields["num_leaves"])
        if leaves < 2:
            continue
        left, right, used = (_ints(fields[name]) for name in ("left_child", "right_child", "split_feature"))
        _require(len(left) == len(right) == len(used) == leaves - 1, "a tree has other nodes than it says")
        both = np.stack([left, right])
        _require(bool((both >= -leaves).all()), "a node of a tree has a child outside of it, or above")
        size = leaves - 1 + leaves  # leaf i stands behind the nodes
        children = np.where(both < 0, leaves - 2 - both, both)
        pad = np.zeros(leaves, dtype=np.int64)
        left, right, used = (np.concatenate([side, pad]) for side in (*children, used))
        require_tree(left, right, np.arange(size) < leaves - 1, used, width)


def require_xgboost(model: bytes, width: int) -> None:
    """The law for the trees in a model of XGBoost, in its JSON."""
    booster = json.loads(model)["learner"]["gradient_booster"]
    for tree in booster.get("gbtree", booster)["model"].get("trees", []):
        left, right = (np.asarray(tree[f"{side}_children"], dtype=np.int64) for side in ("left", "right"))
        _require(len(left) == len(right) == len(tree["split_indices"]), "a tree has other nodes than it says")
        _require(bool(((left == _LEAF) == (right == _LEAF)).all()), "a node of a tree has one child")
        require_tree(left, right, left != _LEAF, tree["split_indices"], width)


def require_catboost(content: bytes) -> None:
    """The law for the trees in a model of CatBoost, as it is written: a table of flatbuffers, whose numbers are places.

    Trees lie one behind the other. Where all nodes of a level split alike, a tree of n splits has 2^n leaves; where
    not, each node says how far from it its children lie, 0 where it has none, and which leaf it is. The tables of
    statistics of categories, which follow behind, are in a form of their own and are not looked through.

    Raises:
        ContentRefused: it does not hold.
    """
    try:
        model = content[8:]
        _require(content[:4] == b"CBM1", "it is none of CatBoost's")
        trees = flatbuffers.inner(model, flatbuffers.root(model), 1)
        splits, sizes, starts = (flatbuffers.numbers(model, trees, place, "<i4") for place in (1, 2, 3))
        outputs = flatbuffers.number(model, trees, 0, "<i")
        leaves = flatbuffers.vector(model, trees, 8)[1]
        steps = flatbuffers.numbers(model, trees, 10, "<u2", items=2).reshape(-1, 2)
        leaf_of = flatbuffers.numbers(model, trees, 11, "<u4")
        bins = flatbuffers.numbers(model, trees, 17, "<u2", items=2).reshape(-1, 2)[:, 0]
        borders = np.asarray([n for place, of in _CATBOOST_FEATURES for n in _lengths(model, trees, place, of)] or [0])
    except struct.error as error:
        raise ContentRefused(f"the model is damaged: {error}") from None
    _require(len(sizes) == len(starts) and bool((sizes >= 0).all()), "a tree has other nodes than it says")
    _require(bool((starts == np.cumsum(sizes) - sizes).all()), "a tree lies elsewhere than behind the one before")
    _require(int(sizes.sum()) == len(splits) and len(bins) in (0, len(splits)), "a tree has other nodes than it says")
    known = ((splits >= 0) & (splits < borders.sum())).all() and (bins < np.ceil(borders / _CATBOOST_BINS).sum()).all()
    _require(bool(known), "a tree splits on a feature that there is not")
    _require(1 <= outputs <= max(leaves, 1), "a tree has other leaves than it says")
    if not len(steps):
        _require(bool((sizes <= _CATBOOST_DEEPEST).all()), "a tree is deeper than any is made")
        _require(leaves == outputs * int((1 << sizes).sum()), "a tree has other leaves than it says")
        return
    _require(len(steps) == len(leaf_of) == len(splits), "a tree has other nodes than it says")
    places = np.arange(len(steps))[:, None] + steps
    ends = np.repeat(starts + sizes, sizes)[:, None]
    _require(bool((places < ends).all()), "a node of a tree has a child outside of it, or above")
    ending = (steps == 0).any(axis=1)
    _require(bool((leaf_of[ending] + outputs <= leaves).all()), "a tree has other leaves than it says")


def _lengths(content: bytes, table: int, place: int, of: int) -> list[int]:
    """How many items a field has of each of the tables that another field holds."""
    begin, count = flatbuffers.vector(content, table, place)
    tables = (at + struct.unpack_from("<I", content, at)[0] for at in range(begin, begin + 4 * count, 4))
    return [flatbuffers.vector(content, inner, of)[1] for inner in tables]


def _sparse(matrix: Any, _: int | None) -> None:
    """A sparse matrix of SciPy, by its own look at it: places grow row by row, and lie within it."""
    try:
        if matrix.format in ("csr", "csc", "bsr"):
            matrix.check_format(full_check=True)
        elif matrix.format == "coo":
            places = zip(matrix.coords, matrix.shape, strict=True)
            inside = [not len(of) or bool(of.min() >= 0 and of.max() < size) for of, size in places]
            _require(all(inside), "a sparse matrix has values outside of it")
    except (ValueError, TypeError) as error:
        raise ContentRefused(f"the model is damaged: a sparse matrix: {error}") from None


def _tree(tree: Any, features: int | None) -> None:
    """A tree of scikit-learn; what finds the path of a row trusts the depth that it says."""
    nodes = tree.__getstate__()["nodes"]
    left, right = nodes["left_child"], nodes["right_child"]
    inner = left != _LEAF
    _require(bool((inner == (right != _LEAF)).all()), "a node of a tree has one child")
    require_tree(left, right, inner, nodes["feature"], tree.n_features)
    _require(features is None or tree.n_features == features, "a tree is of other features than its model")
    level, depth = np.zeros(1, dtype=np.int64), 0
    while len(level := level[inner[level]]):
        level, depth = np.concatenate([left[level], right[level]]), depth + 1
    _require(depth <= tree.max_depth, "a tree is deeper than it says")


def _boosted_tree(tree: Any, features: int | None) -> None:
    """A tree of scikit-learn's boosting by histograms."""
    nodes = tree.nodes
    inner = nodes["is_leaf"] == 0
    require_tree(nodes["left"], nodes["right"], inner, nodes["feature_idx"], features)
    sets = nodes["bitset_idx"][inner & (nodes["is_categorical"] != 0)]
    _require(bool((sets < len(tree.raw_left_cat_bitsets)).all()), "a tree splits on categories that it does not hold")


def _neighbours(tree: Any, _: int | None) -> None:
    """A tree of neighbours: node i has the children 2i + 1 and 2i + 2, and each the rows from one place to another."""
    data, order, nodes, bounds = tree.get_arrays()
    rows, count = len(data), len(nodes)
    first, last, leaf = nodes["idx_start"], nodes["idx_end"], nodes["is_leaf"] != 0
    _require(count > 0 and bounds.shape[1] == count, "a tree has other nodes than it says")
    _require(
        bool((leaf | (2 * np.arange(count) + 2 < count)).all()), "a node of a tree has a child outside of it, or above"
    )
    _require(len(order) == rows and bool(((order >= 0) & (order < rows)).all()), "a tree is of rows that there are not")
    _require(bool(((first >= 0) & (first <= last) & (last <= rows)).all()), "a tree is of rows that there are not")


_CHECKS: Mapping[str, Callable[[Any, int | None], None]] = {
    "Tree": _tree,
    "TreePredictor": _boosted_tree,
    "KDTree": _neighbours,
    "BallTree": _neighbours,
    **{f"{form}_{kind}": _sparse for form in ("csr", "csc", "bsr", "coo") for kind in ("matrix", "array")},
}


def _parts(model: Any) -> Iterator[tuple[Any, int | None]]:
    """Everything that a model is made of, each once, with how many features the estimator has that it is part of."""
    waiting: list[tuple[Any, int | None]] = [(model, None)]
    seen: dict[int, Any] = {}
    while waiting:
        part, features = waiting.pop()
        if id(part) in seen:
            continue
        seen[id(part)] = part
        yield part, features
        if isinstance(part, np.ndarray):
            inside = part.ravel().tolist() if part.dtype.hasobject else []
        elif isinstance(part, Mapping):
            inside = list(part.values())
        elif isinstance(part, (list, tuple, set, frozenset)):
            inside = list(part)
        else:
            inside = list(getattr(part, "__dict__", {}).values())
            features = getattr(part, "__dict__", {}).get("n_features_in_", features)
        waiting += [
            (thing, features) for thing in inside if not isinstance(thing, (str, bytes, int, float, type(None)))
        ]


def _ints(text: str) -> Ints:
    return np.asarray(text.split(), dtype=np.int64)


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise ContentRefused(f"the model is damaged: {what}")
