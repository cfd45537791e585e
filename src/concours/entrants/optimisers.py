"""Optimisers on one flat vector of parameters, and schedules of their rates.

While a network trains, its parameters lie in one flat vector, so that an optimiser is a few operations on vectors. That
does without ``torch.optim``, whose first use imports torch's compiler in every worker. The tests hold each optimiser to
the one of the same name in ``torch.optim``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn


class Wanted(Protocol):
    """What an optimiser is told beside its rate: `momentum` and `nesterov` of sgd, and how weights decay."""

    @property
    def momentum(self) -> float: ...
    @property
    def nesterov(self) -> bool: ...
    @property
    def weight_decay(self) -> float: ...


# Schedules: from the share of steps done, in (0, 1), and the share of warm-up to a factor of the peak rate.


def _constant(_done: float, _warm_up: float) -> float:
    return 1.0


def _step(done: float, _warm_up: float) -> float:
    """A tenth after half of the steps, a hundredth after three quarters (He et al. 2016)."""
    return 0.1 ** ((done >= 0.5) + (done >= 0.75))


def _cosine(done: float, warm_up: float) -> float:
    """A straight line up, then half a cosine down to zero (Loshchilov & Hutter 2017, one period)."""
    if done < warm_up:
        return done / warm_up
    return 0.5 + 0.5 * math.cos(math.pi * (done - warm_up) / (1 - warm_up))


def _one_cycle(done: float, warm_up: float) -> float:
    """Half a cosine up from a 25th, then half a cosine down to zero (Smith & Topin 2018; momentum stays)."""
    if done < warm_up:
        return 0.52 - 0.48 * math.cos(math.pi * done / warm_up)
    return _cosine(done, warm_up)


SCHEDULES: dict[str, Callable[[float, float], float]] = {
    "constant": _constant,
    "cosine": _cosine,
    "step": _step,
    "one_cycle": _one_cycle,
}


@dataclass(kw_only=True)
class Flat:
    """The parameters of a network as one vector, gradient and optimiser state beside it; float32, shape (size,).

    Law: parameters and their gradients are views of `weights` and `gradient` from `flatten` to
    `release`. `decayed` is 1 where weight decay acts and 0 elsewhere; `steps` counts from 1 in an optimiser.
    """

    weights: Tensor
    gradient: Tensor
    decayed: Tensor
    first: Tensor
    second: Tensor
    steps: int = 0


def flatten(network: nn.Module) -> Flat:
    """Move the parameters of `network` into one vector, whose views they are until `release`."""
    parameters = list(network.parameters())
    weights = in_row(p.detach() for p in parameters)
    decayed = torch.cat([torch.full((p.numel(),), float(p.ndim > 1), device=p.device) for p in parameters])
    gradient, first, second = (torch.zeros_like(weights) for _ in range(3))
    start = 0
    for p in parameters:
        part, shape = slice(start, start + p.numel()), _memory_order(p.detach()).shape
        p.data = _usual_order(weights[part].view(shape))
        p.grad = _usual_order(gradient[part].view(shape))
        start = part.stop
    return Flat(weights=weights, gradient=gradient, decayed=decayed, first=first, second=second)


def in_row(tensors: Iterable[Tensor]) -> Tensor:
    """Tensors in one vector, as the parameters of a network lie in `Flat.weights`."""
    return torch.cat([_memory_order(tensor).reshape(-1) for tensor in tensors])


def _memory_order(weight: Tensor) -> Tensor:
    """Kernels of convolutions lie in memory with channels last: that nearly halves the time of a step on a CPU."""
    return weight.permute(0, 2, 3, 1) if weight.ndim == 4 else weight


def _usual_order(weight: Tensor) -> Tensor:
    return weight.permute(0, 3, 1, 2) if weight.ndim == 4 else weight


def release(network: nn.Module) -> None:
    """Give every parameter memory of its own again and drop its gradient."""
    for p in network.parameters():
        p.data = p.data.clone(memory_format=torch.contiguous_format)
        p.grad = None


# Optimisers: one step of a flat vector at a rate; torch.optim's defaults where nothing else is wanted.


def _sgd(flat: Flat, settings: Wanted, rate: float) -> None:
    """Stochastic gradient descent with (Nesterov) momentum (Sutskever et al. 2013)."""
    if settings.weight_decay:
        _add_decay(flat, settings)
    if not settings.momentum:
        flat.weights.add_(flat.gradient, alpha=-rate)
        return
    flat.first.mul_(settings.momentum).add_(flat.gradient)
    move = flat.gradient.add(flat.first, alpha=settings.momentum) if settings.nesterov else flat.first
    flat.weights.add_(move, alpha=-rate)


def _rmsprop(flat: Flat, settings: Wanted, rate: float) -> None:
    """Divide by a running root mean square of the gradient (Tieleman & Hinton 2012)."""
    _add_decay(flat, settings)
    flat.second.mul_(0.99).addcmul_(flat.gradient, flat.gradient, value=0.01)
    flat.weights.addcdiv_(flat.gradient, flat.second.sqrt().add_(1e-8), value=-rate)


def _adam(flat: Flat, settings: Wanted, rate: float) -> None:
    """Adam (Kingma & Ba 2015); weight decay is part of the gradient."""
    _add_decay(flat, settings)
    _adaptive_step(flat, rate)


def _adamw(flat: Flat, settings: Wanted, rate: float) -> None:
    """Adam with weight decay apart from the gradient (Loshchilov & Hutter 2019)."""
    flat.weights.addcmul_(flat.weights, flat.decayed, value=-rate * settings.weight_decay)
    _adaptive_step(flat, rate)


def _add_decay(flat: Flat, settings: Wanted) -> None:
    flat.gradient.addcmul_(flat.weights, flat.decayed, value=settings.weight_decay)


def _adaptive_step(flat: Flat, rate: float) -> None:
    flat.first.lerp_(flat.gradient, 0.1)
    flat.second.mul_(0.999).addcmul_(flat.gradient, flat.gradient, value=0.001)
    scale = (flat.second / (1 - 0.999**flat.steps)).sqrt_().add_(1e-8)
    flat.weights.addcdiv_(flat.first, scale, value=-rate / (1 - 0.9**flat.steps))


OPTIMISERS: dict[str, Callable[[Flat, Wanted, float], None]] = {
    "sgd": _sgd,
    "rmsprop": _rmsprop,
    "adam": _adam,
    "adamw": _adamw,
}
