"""Several processes that train one network: each takes its part of every batch, and all come to the same weights.

Synchronous training sums the gradients of all parts (θ ← θ − η Σ∇J), as `torch.nn.parallel.DistributedDataParallel`
does, so that it is training in one process with the whole batch but for rounding. The gradient is one vector here
(`optimisers.Flat`), and is summed in one message. Batch norms see the whole batch. With `every` above 1 each process
steps by its own part alone, and weights are averaged every so many steps: local SGD (Stich 2019), of which batch norms
see their part.

Who starts the processes makes torch's process group in each, and says so (`core.parallel.joined`); nobody here knows
jobs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist

from concours.core.parallel import Parallel, is_joined
from concours.core.seeds import derive_seed

_NORM = nn.modules.batchnorm._BatchNorm


class Group:
    """The processes that train one network, as one of them sees them.

    Args:
        seed: of what only differs between them, such as which numbers dropout draws.
    """

    def __init__(self, parallel: Parallel, *, seed: int) -> None:
        self.rank, self.size, self.every, self._seed = dist.get_rank(), dist.get_world_size(), parallel.every, seed

    def own(self, rows: int) -> slice:
        """This process's part of so many rows: as large as the others', or one row larger."""
        each, more = divmod(rows, self.size)
        start = self.rank * each + min(self.rank, more)
        return slice(start, start + each + (self.rank < more))

    def begin(self, epoch: int) -> None:
        """Has dropout draw other numbers in each process: those of this epoch, whatever was drawn before."""
        torch.default_generator.manual_seed(derive_seed(self._seed, "together", str(epoch), str(self.rank)))

    def sum(self, tensor: Tensor) -> None:
        """Becomes the sum over all, in place."""
        dist.all_reduce(tensor)

    def mean(self, *tensors: Tensor) -> None:
        """Become the means over all, in place."""
        for tensor in tensors:
            self.sum(tensor)
            tensor.div_(self.size)

    def any(self, flag: bool) -> bool:
        """Whether it is so in one of them."""
        found = torch.tensor([float(flag)])
        self.sum(found)
        return bool(found > 0)

    def gathered(self, own: Tensor, rows: int) -> Tensor:
        """What all say of their parts of so many rows, in order."""
        whole = own.new_zeros((rows, *own.shape[1:]))
        whole[self.own(rows)] = own
        self.sum(whole)
        return whole

    def even_out(self, network: nn.Module, *numbers: Tensor) -> None:
        """Ends an epoch alike: of local SGD by the mean of weights, of moments and of running statistics."""
        buffers = [buffer for buffer in network.buffers() if buffer.numel()]
        if self.every > 1:
            self.mean(*numbers, *(buffer for buffer in buffers if buffer.is_floating_point()))
        for buffer in buffers:
            dist.broadcast(buffer, src=0)

    @contextmanager
    def normed(self, network: nn.Module) -> Iterator[None]:
        """Inside, batch norms norm by the whole batch, but in local SGD."""
        norms = [part for part in network.modules() if isinstance(part, _NORM)] if self.every == 1 else []
        for norm in norms:
            norm.forward = partial(_norm, norm)  # type: ignore[method-assign]
        try:
            yield
        finally:
            for norm in norms:
                del norm.forward


def group_for(wanted: Parallel | None, seed: int) -> Group | None:
    """The group that a training of a seed is to be done in; none of one that is not divided.

    Raises:
        ValueError: it is to be divided, and there is nobody to divide it with.
    """
    if wanted is None or wanted.workers == 1:
        return None
    if not is_joined():
        raise ValueError(
            "parallel: other processes are started for the fits of a contest; leave it out where a network is fitted "
            "by itself"
        )
    return Group(wanted, seed=seed)


class _Sum(torch.autograd.Function):
    """The sum over all processes; its gradient is that of what all of them make of it."""

    @staticmethod
    def forward(ctx: Any, own: Tensor) -> Tensor:
        whole = own.clone()
        dist.all_reduce(whole)
        return whole

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        whole = gradients[0].clone(memory_format=torch.contiguous_format)
        dist.all_reduce(whole)
        return whole


def _norm(norm: Any, inputs: Tensor) -> Tensor:
    """What a batch norm gives for this process's part of a batch, by mean and variance of all of it."""
    if not norm.training:
        result: Tensor = type(norm).forward(norm, inputs)
        return result
    axes, shape = [0, *range(2, inputs.ndim)], [1, -1, *[1] * (inputs.ndim - 2)]
    count = inputs.new_tensor([inputs.numel() / inputs.shape[1]])
    told = _Sum.apply(torch.cat([inputs.sum(axes), count]))
    mean, count = told[:-1] / told[-1], told[-1].detach()
    apart = inputs - mean.view(shape)
    variance = _Sum.apply(apart.square().sum(axes)) / count
    if norm.running_mean is not None:
        if norm.num_batches_tracked is not None:
            norm.num_batches_tracked.add_(1)
        momentum = 1 / float(norm.num_batches_tracked) if norm.momentum is None else norm.momentum
        with torch.no_grad():
            norm.running_mean.lerp_(mean, momentum)
            norm.running_var.lerp_(variance * (count / (count - 1).clamp(min=1)), momentum)
    said = apart * torch.rsqrt(variance + norm.eps).view(shape)
    return said if norm.weight is None else said * norm.weight.view(shape) + norm.bias.view(shape)
