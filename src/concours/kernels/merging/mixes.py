"""Mixes: with which weights the models of an alliance are merged, and the model that comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from concours.core.joint import Merging
from concours.kernels.merging.averages import Tensors, average
from concours.kernels.merging.ties import ties


@dataclass(frozen=True, kw_only=True)
class Mix:
    """How models are merged into one. A value.

    Attributes:
        weights: (models,), 0 or more, of sum 1; all 0 where nobody is there.
        layers: (groups, models), where groups of layers, from the inputs on, have weights of their own, of sum 1 each;
            `weights` are then their means.
        density: which share of what each model has learned is kept, of TIES; none where weights are averaged.
    """

    weights: tuple[float, ...]
    layers: tuple[tuple[float, ...], ...] = ()
    density: float | None = None

    @classmethod
    def even(cls, members: Sequence[int], models: int, *, density: float | None = None) -> Self:
        """Of some of the models, by their numbers, with the same weight each."""
        return cls(weights=tuple(float(i in members) / len(members) for i in range(models)), density=density)

    @classmethod
    def of(cls, weights: Sequence[float], kept: Mapping[str, Any] | None = None) -> Self:
        """The mix that a joint keeps."""
        layers = tuple(tuple(row) for row in (kept or {}).get("layers", ()))
        return cls(weights=tuple(weights), layers=layers, density=(kept or {}).get("density"))

    @property
    def kept(self) -> Merging:
        """All of it but the weights, as JSON. Law: `Mix.of(mix.weights, mix.kept) == mix`."""
        layers: Merging = {"layers": [list(row) for row in self.layers]} if self.layers else {}
        return layers if self.density is None else {**layers, "density": self.density}

    @property
    def members(self) -> tuple[int, ...]:
        """The numbers of the models that have a weight."""
        return tuple(i for i, weight in enumerate(self.weights) if weight)

    def among(self, present: Sequence[bool]) -> Self:
        """The same of those models alone that are present, their weights scaled to sum to one.

        Where none of them has a weight in a group of layers, those who have one in another weigh alike in it.
        """
        some = [i for i in self.members if present[i]]
        rows = [_scaled(row, some) for row in self.layers]
        means = np.mean(rows, axis=0).tolist() if rows else _scaled(self.weights, some)
        return replace(self, weights=tuple(means), layers=tuple(tuple(row) for row in rows))

    def only(self, places: Sequence[int]) -> Self:
        """The same, told of some of the models; the others have no weight."""
        layers = tuple(tuple(row[i] for i in places) for row in self.layers)
        return replace(self, weights=tuple(self.weights[i] for i in places), layers=layers)


def mixed(models: Sequence[Tensors], mix: Mix, first: Tensors | None = None) -> dict[str, NDArray[Any]]:
    """The model that a mix makes of others.

    Args:
        models: arrays by name, in the order of the layers; the same names, shapes and types in each.
        first: of TIES, what all have begun with, by name; what does not stand there is averaged.

    Laws: of a single model that has a weight it is that model, to the byte, but for TIES of a density below 1; with the
    same weights in all groups of layers it is the average; permuting models with their weights changes nothing but
    rounding. Raises ValueError where names, shapes or types differ, nobody has a weight, or TIES has no beginning.
    """
    some = mix.only(mix.members)
    parts = [models[i] for i in mix.members]
    if some.density is not None:
        return _elected(parts, some, some.density, first)
    if not some.layers:
        return average(parts, some.weights)
    groups = layers_of(list(parts[0]), len(some.layers))
    found = [
        average([{name: part[name] for name in names} for part in parts], row)
        for names, row in zip(groups, some.layers, strict=True)
    ]
    return {name: group[name] for group in found for name in group}


def layers_of(names: Sequence[str], groups: int) -> list[list[str]]:
    """Names of tensors in so many groups of layers, from the inputs on; the last are empty where there are too few.

    What has one name up to the last dot is one layer; groups have equally many layers, to one.
    """
    layers: dict[str, list[str]] = {}
    for name in names:
        layers.setdefault(name.rpartition(".")[0] or name, []).append(name)
    parts = np.array_split(np.arange(len(layers)), groups)
    listed = list(layers.values())
    return [[name for place in part.tolist() for name in listed[place]] for part in parts]


def _elected(models: Sequence[Tensors], mix: Mix, density: float, first: Tensors | None) -> dict[str, NDArray[Any]]:
    if first is None:
        raise ValueError("TIES asks for the weights that all have begun with, and they are not known")
    found = average(models, mix.weights)
    for name, began in first.items():
        tensors = [np.asarray(model[name], dtype=np.float64) for model in models]
        base = np.asarray(began, dtype=np.float64)
        merged = ties(tensors, weights=mix.weights, base=base, density=density)
        found[name] = np.asarray(merged).astype(found[name].dtype)
    return found


def _scaled(row: Sequence[float], some: Sequence[int]) -> list[float]:
    total = sum(row[i] for i in some)
    even = 1 / len(some) if some else 0.0
    return [(row[i] / total if total else even) if i in some else 0.0 for i in range(len(row))]
