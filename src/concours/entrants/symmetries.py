"""Which orders of a network's units are the same function, read off its layers, for `kernels.merging.rebasin`.

A rule for each kind of layer says what the layer's tensors follow. Units keep one order where they are added to one
another: along a residual stream, and in the heads of an attention.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from concours.entrants import networks
from concours.entrants.embeddings import Columns
from concours.kernels.merging.rebasin import Axis, Symmetries


class Unknown(ValueError):
    """A layer whose symmetries nobody has written down."""


def symmetries(network: nn.Module) -> Symmetries | None:
    """Those of a network of known layers, one after the other; none of another.

    A network that says itself what may be permuted, by a method `permutations()`, is believed: a `Symmetries`, or of
    each tensor what its axes follow.
    """
    own: Any = network
    if hasattr(own, "permutations"):
        told = own.permutations()
        return told if isinstance(told, Symmetries) else Symmetries(tensors=told)
    walk = _Walk()
    try:
        last = walk.through(network, "", None)
    except Unknown:
        return None
    return walk.found(last)


@dataclass
class _Walk:
    """What was found on the way from the inputs to the outputs of a network.

    Attributes:
        tied: of what is added to something else, what it keeps the order of; none where that stays as it is.
        sizes: how many units there are.
        spread: those that are channels, with pixels or steps behind them.
        flat: those that were, and now are channels with their pixels in one row.
    """

    axes: dict[str, list[Any]] = field(default_factory=dict)
    heads: dict[str, tuple[int, tuple[str, ...]]] = field(default_factory=dict)
    statistics: set[str] = field(default_factory=set)
    tied: dict[str, str | None] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    spread: set[str] = field(default_factory=set)
    flat: set[str] = field(default_factory=set)

    def through(self, layer: nn.Module, path: str, units: Axis) -> Axis:
        """What the outputs of a layer follow whose inputs follow `units`, on the last axis or that of channels.

        Raises:
            Unknown: it has weights, and no rule, or its inputs do not suit the rule.
        """
        rule = next((rule for kind, rule in _RULES.items() if isinstance(layer, kind)), None)
        if rule is not None:
            return rule(self, layer, path, units)
        if isinstance(layer, _UNMOVED):
            return units
        raise Unknown(type(layer).__name__)

    def one_by_one(self, layers: Sequence[tuple[str, nn.Module]], path: str, units: Axis) -> Axis:
        for name, layer in layers:
            units = self.through(layer, f"{path}{name}.", units)
        return units

    def follows(self, path: str, **tensors: Sequence[Axis]) -> None:
        """Says what tensors of a layer follow."""
        for name, axes in tensors.items():
            self.axes[f"{path}{name}"] = list(axes)

    def tie(self, one: Axis, other: Axis) -> None:
        """Two that are added to one another keep one order; where one stays as it is, so does the other."""
        a, b = self._root(one), self._root(other)
        if a == b:
            return
        if isinstance(a, str) and isinstance(b, str):
            self.tied[a] = b
        else:
            self.tied |= dict.fromkeys([*_named(a), *_named(b)], None)

    def require(self, suits: bool, layer: nn.Module) -> None:
        if not suits:
            raise Unknown(f"{type(layer).__name__} on what comes into it")

    def size(self, units: Axis) -> int | None:
        """How many there are; none of what stays as it is, or is told of part by part."""
        return self.sizes.get(units) if isinstance(units, str) else None

    def found(self, last: Axis) -> Symmetries:
        """All of it, where outputs stay as they are."""
        self.tie(last, None)
        tensors = {name: tuple(map(self._root, axes)) for name, axes in self.axes.items()}
        return Symmetries(
            tensors={name: axes for name, axes in tensors.items() if any(axis is not None for axis in axes)},
            heads=self.heads,
            statistics=frozenset(self.statistics),
        )

    def _root(self, axis: Axis) -> Axis:
        if axis is None:
            return None
        if not isinstance(axis, str):
            parts = [self._root(part) for part in axis]
            return None if None in parts else tuple(part for part in parts if isinstance(part, str))
        return self._root(self.tied[axis]) if axis in self.tied else axis


def _named(axis: Axis) -> Sequence[str]:
    return () if axis is None else (axis,) if isinstance(axis, str) else axis


def _network(walk: _Walk, network: Any, path: str, units: Axis) -> Axis:
    return walk.through(network.body, f"{path}body.", walk.through(network.scaling, f"{path}scaling.", units))


def _sequence(walk: _Walk, layers: Any, path: str, units: Axis) -> Axis:
    return walk.one_by_one(list(layers.named_children()), path, units)


def _linear(walk: _Walk, layer: Any, path: str, units: Axis) -> Axis:
    walk.require(units not in walk.spread and _fits(walk, units, layer.in_features), layer)
    return _weighed(walk, layer, path, units, layer.out_features)


def _convolution(walk: _Walk, layer: Any, path: str, units: Axis) -> Axis:
    walk.require(layer.groups == 1 and (units is None or units in walk.spread), layer)
    walk.spread.add(path)
    return _weighed(walk, layer, path, units, layer.out_channels)


def _weighed(walk: _Walk, layer: Any, path: str, units: Axis, outputs: int) -> Axis:
    walk.sizes[path] = outputs
    walk.follows(path, weight=[path, units], **({} if layer.bias is None else {"bias": [path]}))
    return path


def _fits(walk: _Walk, units: Axis, features: int) -> bool:
    """Whether so many features are those units, or what was channels with their pixels, one after the other."""
    size = walk.size(units)
    return size is None or size == features or (units in walk.flat and features % size == 0)


def _flatten(walk: _Walk, layer: Any, path: str, units: Axis) -> Axis:  # noqa: ARG001
    """Channels come first, so that the pixels of one are neighbours afterwards."""
    walk.require(layer.start_dim == 1, layer)
    if isinstance(units, str) and units in walk.spread:
        walk.spread.discard(units)
        walk.flat.add(units)
    return units


def _pool(walk: _Walk, layer: Any, path: str, units: Axis) -> Axis:  # noqa: ARG001
    walk.require(units is None or units in walk.spread, layer)
    return units


def _batch_norm(walk: _Walk, layer: Any, path: str, units: Axis) -> Axis:
    walk.require(_fits(walk, units, layer.num_features), layer)
    seen = [name for name in ("running_mean", "running_var") if getattr(layer, name) is not None]
    weights = ["weight", "bias"] if layer.affine else []
    walk.follows(path, **{name: [units] for name in (*weights, *seen)})
    walk.statistics.update(f"{path}{name}" for name in seen)
    return units


def _layer_norm(walk: _Walk, layer: Any, path: str, units: Axis) -> Axis:
    suits = len(layer.normalized_shape) == 1 and units not in walk.spread
    walk.require(suits and _fits(walk, units, layer.normalized_shape[0]), layer)
    own = [name for name in ("weight", "bias") if getattr(layer, name) is not None]
    walk.follows(path, **{name: [units] for name in own})
    return units


def _embedding(walk: _Walk, layer: Any, path: str, units: Axis) -> Axis:  # noqa: ARG001 (numbers of words)
    walk.sizes[path] = layer.embedding_dim
    walk.follows(path, weight=[None, path])
    return path


def _residual(walk: _Walk, layer: Any, path: str, units: Axis) -> Axis:
    walk.tie(walk.through(layer.body, f"{path}body.", units), units)
    return units


def _encoder(walk: _Walk, layer: Any, path: str, units: Axis) -> Axis:
    for name in ("attend", "think"):
        walk.tie(walk.through(getattr(layer, name), f"{path}{name}.", units), units)
    return units


def _attention(walk: _Walk, layer: Any, path: str, units: Axis) -> Axis:
    """Queries and keys of a head meet in a product, so they keep one order, values another; heads are moved whole."""
    match, value = f"{path}match", f"{path}value"
    walk.heads[path] = (layer.heads, (match, value))
    inward: Axis = (match, match, value)
    walk.follows(path, **{"inward.weight": [inward, units], "inward.bias": [inward]})
    walk.sizes[path] = layer.outward.out_features
    walk.follows(path, **{"outward.weight": [path, value], "outward.bias": [path]})
    return path


def _patches(walk: _Walk, layer: Any, path: str, units: Axis) -> Axis:
    stream = walk.through(layer.embed, f"{path}embed.", units)
    walk.follows(path, positions=[None, stream])
    walk.spread.discard(f"{path}embed.")  # they are tokens now, a row each
    return stream


def _words(walk: _Walk, layer: Any, path: str, units: Axis) -> Axis:
    stream = walk.through(layer.embed, f"{path}embed.", units)
    walk.follows(path, positions=[None, stream])
    stream = walk.one_by_one(list(layer.blocks.named_children()), f"{path}blocks.", stream)
    return walk.through(layer.norm, f"{path}norm.", stream)


def _columns(walk: _Walk, layer: Any, path: str, units: Axis) -> Axis:  # noqa: ARG001 (columns stay)
    walk.sizes[path] = layer.table.shape[1]
    vectors = ("direct", "bias", "absent", "table")
    walk.follows(path, **{name: [None, path] for name in vectors}, bends=[None, None, path])
    return path


def _mix_tokens(walk: _Walk, layer: Any, path: str, units: Axis) -> Axis:  # noqa: ARG001
    """Tokens have no order: all that comes after does the same with each, and takes their mean."""
    walk.follows(path, weights=[path])
    return units


def _members(walk: _Walk, layer: Any, path: str, units: Axis) -> Axis:
    """Members are averaged, so that they have no order; columns follow one another, each with its whole vector."""
    member = f"{path}member"
    size = walk.size(units)
    width = (units,) * (layer.factors.shape[1] // size) if isinstance(units, str) and size else None
    walk.follows(path, factors=[member, width])
    hidden = walk.through(layer.shared, f"{path}shared.", width)
    walk.follows(path, heads=[member, hidden], biases=[member])
    return None


_Rule = Callable[[_Walk, Any, str, Axis], Axis]
_RULES: dict[type[nn.Module], _Rule] = {
    networks.Network: _network,
    nn.Sequential: _sequence,
    nn.Linear: _linear,
    nn.Conv1d: _convolution,
    nn.Conv2d: _convolution,
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    nn.LayerNorm: _layer_norm,
    nn.Flatten: _flatten,
    nn.MaxPool1d: _pool,
    nn.MaxPool2d: _pool,
    nn.AvgPool1d: _pool,
    nn.AvgPool2d: _pool,
    nn.AdaptiveAvgPool1d: _pool,
    nn.AdaptiveAvgPool2d: _pool,
    nn.AdaptiveMaxPool1d: _pool,
    nn.AdaptiveMaxPool2d: _pool,
    nn.Embedding: _embedding,
    nn.EmbeddingBag: _embedding,
    networks.Residual: _residual,
    networks.Encoder: _encoder,
    networks.Attention: _attention,
    networks.Patches: _patches,
    networks.Words: _words,
    networks.MixTokens: _mix_tokens,
    networks.Members: _members,
    Columns: _columns,
}
_UNMOVED = (
    networks.Standardise,
    networks.ChannelsFirst,
    networks.MeanToken,
    networks.Mean,
    nn.Identity,
    nn.Dropout,
    nn.Dropout2d,
    nn.ReLU,
    nn.LeakyReLU,
    nn.GELU,
    nn.SiLU,
    nn.ELU,
    nn.Tanh,
    nn.Sigmoid,
    nn.Softmax,
    nn.LogSoftmax,
)
"""Layers that do the same with each unit, or with all together."""
