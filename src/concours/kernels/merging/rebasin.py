"""Git Re-Basin: the units of a network put into the order of another's, so that the weights of both may be averaged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Tensors = Mapping[str, NDArray[Any]]
Codes = NDArray[np.int64]
Floats = NDArray[np.float64]
Permutations = Mapping[str, Codes]
Axis = str | Sequence[str] | None
"""What an axis of a tensor follows: nothing, one permutation, or several, part by part.

Parts are of equal length. Where an axis, or its part, is longer than the permutation, neighbours move together, as the
pixels of a channel after flattening do.
"""

_SWEEPS = 100
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class Symmetries:
    """Which orders of a network's units are the same function: permutations by name, and what moves with them.

    Permutations are found in the order in which they are first named here: best from the inputs on.

    Attributes:
        tensors: of each tensor that something moves, by name, what its axes follow; axes left out at the end stay.
        heads: permutations that move whole blocks, such as queries and values of the heads of an attention: by any
            name how many heads there are, and which permutations keep to their order. Within a head each is free.
        statistics: tensors that move along and do not say who is who, as what a batch norm has seen.
    """

    tensors: Mapping[str, Sequence[Axis]]
    heads: Mapping[str, tuple[int, Sequence[str]]] = field(default_factory=dict)
    statistics: frozenset[str] = frozenset()


def permuted(model: Tensors, symmetries: Symmetries, permutations: Permutations) -> dict[str, NDArray[Any]]:
    """The network with its units in another order: place `i` of a permutation has what was at `permutations[…][i]`.

    Law: it computes the same function. Permutations that are not given leave all as it is. Raises ValueError where a
    tensor is missing, or an axis does not suit.
    """
    sizes = places(model, symmetries)
    every = {name: permutations.get(name, np.arange(size)) for name, size in sizes.items()}
    return {name: _moved(tensor, symmetries.tensors.get(name, ()), every) for name, tensor in model.items()}


def drawn(model: Tensors, symmetries: Symmetries, rng: np.random.Generator) -> dict[str, Codes]:
    """Permutations drawn by chance, of those that change no function: heads are moved whole."""
    sizes = places(model, symmetries)
    found = {name: rng.permutation(size) for name, size in sizes.items()}
    for heads, names in symmetries.heads.values():
        order = rng.permutation(heads)
        for name in names:
            each = sizes[name] // heads
            found[name] = np.concatenate([head * each + rng.permutation(each) for head in order.tolist()])
    return found


def matched(fixed: Tensors, moved: Tensors, symmetries: Symmetries) -> dict[str, Codes]:
    """The permutations that bring `moved` near to `fixed`: weight matching, by the sum of products of all weights.

    Of one permutation after the other the best is found while the others stay, a linear assignment; of heads, one
    within each pair of them and then one of heads. At first only weights count between units whose order is known, from
    the inputs on; then all do, until nothing becomes better.

    Laws: `permuted(moved, symmetries, …)` with these is never further from `fixed`, in squares, than after the first
    round; a permuted copy of `fixed` whose units differ in what they see is brought back to the byte. Deterministic.
    Source: Ainsworth, Hayase and Srinivasa 2023, "Git Re-Basin", section 3.2.
    """
    match = _Match(fixed, moved, symmetries)
    known: set[str] = set()
    for unit in match.units:
        match.improve(unit, known)
        known.update(unit.names)
    for _ in range(_SWEEPS):
        better = [match.improve(unit) for unit in match.units]
        if not any(better):
            break
    return match.permutations


@dataclass(frozen=True)
class _Unit:
    """Permutations that are found together, and how many blocks they move."""

    names: tuple[str, ...]
    heads: int


@dataclass(frozen=True)
class _Use:
    """Where a permutation is used: the part of an axis of a tensor."""

    tensor: str
    axis: int
    part: int


class _Match:
    """A search for permutations, with those that were found so far."""

    def __init__(self, fixed: Tensors, moved: Tensors, symmetries: Symmetries) -> None:
        self._fixed, self._moved, self._symmetries = fixed, moved, symmetries
        self.permutations: dict[str, Codes] = {n: np.arange(size) for n, size in places(fixed, symmetries).items()}
        self._uses: dict[str, list[_Use]] = {name: [] for name in self.permutations}
        for tensor, axis, part, name in _named(symmetries):
            if tensor not in symmetries.statistics:
                self._uses[name].append(_Use(tensor, axis, part))

    @property
    def units(self) -> list[_Unit]:
        """In the order in which their first permutations are named."""
        tied = {name: _Unit(tuple(names), heads) for heads, names in self._symmetries.heads.values() for name in names}
        return list(dict.fromkeys(tied.get(name, _Unit((name,), 1)) for name in self.permutations))

    def improve(self, unit: _Unit, known: set[str] | None = None) -> bool:
        """Finds the best permutations of a unit while others stay; whether they are better than those before.

        Args:
            known: permutations whose order counts; none for all.
        """
        alike = [self._alike(name, known) for name in unit.names]
        found = _assigned(alike, unit.heads)
        own = [self.permutations[name] for name in unit.names]
        before, after = (
            sum(float(a[np.arange(len(p)), p].sum()) for a, p in zip(alike, each, strict=True)) for each in (own, found)
        )
        if after <= before + _ROUNDING * max(1.0, abs(before)):
            return False
        self.permutations.update(zip(unit.names, found, strict=True))
        return True

    def _alike(self, name: str, known: set[str] | None) -> Floats:
        """(places, places): how much of a place of the fixed network is in each of the moved one's."""
        size = len(self.permutations[name])
        alike = np.zeros((size, size))
        for use in self._uses[name]:
            axes = self._symmetries.tensors[use.tensor]
            others = [axis for number, axis in enumerate(axes) if number != use.axis]
            if known is not None and any(other not in known for axis in others for other in _parts(axis)):
                continue
            still = [None if number == use.axis else axis for number, axis in enumerate(axes)]
            moved = _moved(self._moved[use.tensor], still, self.permutations)
            parts = len(_parts(axes[use.axis]))
            one, two = (_rows(each, use, parts, size) for each in (self._fixed[use.tensor], moved))
            alike += one @ two.T
        return alike


def _assigned(alike: Sequence[Floats], heads: int) -> list[Codes]:
    """Of each permutation of a unit the best, with blocks in one order."""
    if heads == 1:
        return [linear_sum_assignment(each, maximize=True)[1] for each in alike]
    blocks = [each.reshape(heads, len(each) // heads, heads, -1) for each in alike]
    within = [[[_assigned([b[i, :, j]], 1)[0] for j in range(heads)] for i in range(heads)] for b in blocks]
    worth = np.zeros((heads, heads))
    for i, j in np.ndindex(heads, heads):
        worth[i, j] = sum(
            block[i, np.arange(len(w[i][j])), j, w[i][j]].sum() for block, w in zip(blocks, within, strict=True)
        )
    order = _assigned([worth], 1)[0].tolist()
    return [
        np.concatenate([w[i][j] + j * (len(each) // heads) for i, j in enumerate(order)])
        for each, w in zip(alike, within, strict=True)
    ]


def _parts(axis: Axis) -> Sequence[str]:
    return () if axis is None else (axis,) if isinstance(axis, str) else axis


def _named(symmetries: Symmetries) -> Iterator[tuple[str, int, int, str]]:
    """Each use of a permutation: tensor, axis, part, name."""
    for tensor, axes in symmetries.tensors.items():
        for number, axis in enumerate(axes):
            for part, name in enumerate(_parts(axis)):
                yield tensor, number, part, name


def places(model: Tensors, symmetries: Symmetries) -> dict[str, int]:
    """How many places each permutation has: the length of the shortest part that follows it.

    Raises:
        ValueError: a tensor is missing, or an axis does not suit.
    """
    sizes: dict[str, int] = {}
    for tensor, axis, _, name in _named(symmetries):
        if tensor not in model or axis >= model[tensor].ndim:
            there = f"shape {model[tensor].shape}" if tensor in model else "no such tensor"
            raise ValueError(f"permutations name axis {axis} of tensor {tensor!r}; the network has {there}")
        length, parts = model[tensor].shape[axis], len(_parts(symmetries.tensors[tensor][axis]))
        if length % parts:
            raise ValueError(f"axis {axis} of tensor {tensor!r}, of {length} places, cannot be in {parts} equal parts")
        sizes[name] = min(sizes.get(name, length), length // parts)
    for tensor, axis, _, name in _named(symmetries):
        part = model[tensor].shape[axis] // len(_parts(symmetries.tensors[tensor][axis]))
        if part % sizes[name]:
            raise ValueError(
                f"permutation {name!r} has {sizes[name]} places, which do not divide the {part} of axis {axis} of "
                f"tensor {tensor!r}"
            )
    for count, names in symmetries.heads.values():
        if wrong := [name for name in names if sizes.get(name, 1) % count]:
            raise ValueError(f"permutation {wrong[0]!r} cannot be divided among {count} heads")
    return sizes


def _moved(tensor: NDArray[Any], axes: Sequence[Axis], permutations: Permutations) -> NDArray[Any]:
    for number, axis in enumerate(axes):
        if axis is None:
            continue
        parts = _parts(axis)
        length = tensor.shape[number] // len(parts)
        index = [start + _spread(permutations[name], length) for start, name in _starts(parts, length)]
        tensor = tensor.take(np.concatenate(index), axis=number)
    return tensor


def _starts(parts: Sequence[str], length: int) -> Iterator[tuple[int, str]]:
    """Where each part of an axis begins."""
    return ((place * length, name) for place, name in enumerate(parts))


def _spread(order: Codes, length: int) -> Codes:
    """A permutation of places as one of so many numbers, of which neighbours belong to one place."""
    each = length // len(order)
    return np.asarray(order[:, None] * each + np.arange(each)).reshape(-1)


def _rows(tensor: NDArray[Any], use: _Use, parts: int, size: int) -> Floats:
    """What each place of a part of an axis has, (places, numbers)."""
    length = tensor.shape[use.axis] // parts
    part = np.moveaxis(tensor, use.axis, 0)[use.part * length : (use.part + 1) * length]
    return np.ascontiguousarray(part, dtype=np.float64).reshape(size, -1)
