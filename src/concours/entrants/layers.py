"""Layers of a network: which of them stay as they are while it trains, and how fast each of the others learns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from concours.core.errors import nearest


def depths(network: nn.Module) -> dict[str, int]:
    """The layer of each parameter by its name, from 0, the one nearest to the inputs.

    Layers are the members of the largest `ModuleList`, which are the blocks of a transformer, or, where there is none,
    of the largest `Sequential`. A member that has nothing but vectors, such as a norm, belongs to the one before. What
    is defined before the first member is a layer, and so is what comes after the last, such as an output layer.
    """
    named, members = dict(network.named_parameters()), _members(network)
    found, layer, last = dict[str, int](), 0, ""
    for name in named:
        own = next((member for member in members if is_in(name, member)), "after" if last in members else last)
        if found and own != last and (own == "after" or _weighty(named, own)):
            layer += 1
        found[name], last = layer, own
    return found


def output_layer(network: nn.Module) -> frozenset[str]:
    """The names of the parameters of the last part that has a matrix."""
    named = dict(network.named_parameters())
    last = next((name for name in reversed(named) if named[name].ndim > 1), "")
    part = last.rpartition(".")[0]
    return frozenset(name for name in named if name.rpartition(".")[0] == part)


def frozen_of(network: nn.Module, prefixes: Sequence[str]) -> frozenset[str]:
    """The names of the parameters that stay as they are: those whose names begin so, part by part.

    Raises:
        ValueError: a prefix is of no parameter, or nothing is left to be trained.
    """
    names = [name for name, _ in network.named_parameters()]
    for prefix in prefixes:
        if not any(is_in(name, prefix) for name in names):
            there = dict.fromkeys(name.rpartition(".")[0] for name in names)
            raise ValueError(f"freeze: no layer is called {prefix!r}; {nearest(prefix, list(there))}")
    frozen = frozenset(name for name in names if any(is_in(name, prefix) for prefix in prefixes))
    if frozen == set(names):
        raise ValueError("freeze: that is the whole network, and nothing is left to be trained")
    return frozen


def shares_of(network: nn.Module, frozen: frozenset[str], decay: float) -> dict[str, float]:
    """The share of the rate at which each parameter learns, by name: 1 of the last layer, `decay` times as much of each
    before as of the one after it (Howard & Ruder 2018), none of what is frozen.
    """
    layers = depths(network)
    last = max(layers.values())
    return {name: 0.0 if name in frozen else decay ** (last - layer) for name, layer in layers.items()}


@contextmanager
def held(network: nn.Module, frozen: frozenset[str]) -> Iterator[None]:
    """No gradient reaches frozen parameters inside; afterwards they are as all others are."""
    parameters = [p for name, p in network.named_parameters() if name in frozen and p.requires_grad]
    for each in parameters:
        each.requires_grad_(False)
    try:
        yield
    finally:
        for each in parameters:
            each.requires_grad_(True)


def rest(network: nn.Module, frozen: frozenset[str]) -> None:
    """Has batch norms whose parameters are frozen keep their running statistics in training too."""
    for name, part in network.named_modules() if frozen else ():
        own = [f"{name}.{each}" for each, _ in part.named_parameters(recurse=False)]
        if isinstance(part, nn.modules.batchnorm._BatchNorm) and own and frozen.issuperset(own):
            part.eval()


def vector_of(network: nn.Module, shares: Mapping[str, float]) -> Tensor | None:
    """Shares as a vector beside the flat one of all parameters (`optimisers.flatten`); none where all are 1."""
    if all(share == 1.0 for share in shares.values()):
        return None
    named = network.named_parameters()
    return torch.cat([torch.full((p.numel(),), shares[name], device=p.device) for name, p in named])


def is_in(name: str, prefix: str) -> bool:
    """Whether a dotted name is that of a part, or of something in it."""
    return name == prefix or name.startswith(f"{prefix}.")


def _weighty(named: Mapping[str, nn.Parameter], member: str) -> bool:
    """Whether a member has a matrix."""
    return any(p.ndim > 1 for name, p in named.items() if is_in(name, member))


def _members(network: nn.Module) -> list[str]:
    """The names of the members of what holds the layers; none of a network that is one layer."""
    for kind in (nn.ModuleList, nn.Sequential):
        found = [(name, part) for name, part in network.named_modules() if isinstance(part, kind) and len(part) > 1]
        if found:
            name, holder = max(found, key=lambda pair: sum(p.numel() for p in pair[1].parameters()))
            return [f"{name}.{number}" if name else str(number) for number in range(len(holder))]
    return []
