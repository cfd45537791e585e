"""Several processes that train one network: each takes its part of every batch, and all come to the same weights.

Synchronous training sums the gradients of all parts (θ ← θ − η Σ∇J), as `torch.nn.parallel.DistributedDataParallel`
does, so that it is training in one process with the whole batch but for rounding. The gradient is one vector here
(`optimisers.Flat`), and is summed in one message. Batch norms see the whole batch. With `every` above 1 each process
steps by its own part alone, and weights are averaged every so many steps: local SGD (Stich 2019), of which batch norms
see their part.

Who starts the processes makes torch's process group in each (`meet`) and says so (`core.parallel.joined`), or gives
each a seat in its environment, as torchrun does: then it is made here. Nobody here knows jobs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch import distributed as dist

from concours.core.errors import PartnerLost
from concours.core.parallel import Parallel, is_joined
from concours.core.seeds import derive_seed

_NORM = nn.modules.batchnorm._BatchNorm

PATIENCE = timedelta(minutes=10)
"""How long one waits for another, at the beginning and in a step."""


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
        _sum(tensor)

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

    def firsts(self, own: bytes | None) -> bytes | None:
        """What the first has, whatever this one has."""
        size = torch.tensor([-1 if own is None else len(own)])
        _as_the_first(size)
        if size < 0:
            return None
        content = torch.zeros(int(size), dtype=torch.uint8)
        if self.rank == 0 and own:
            content = torch.from_numpy(np.frombuffer(own, dtype=np.uint8).copy())
        _as_the_first(content)
        return content.numpy().tobytes()

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
            _as_the_first(buffer)

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
        ValueError: it is to be divided, and there is nobody to divide it with, or more or fewer than it says.
        PartnerLost: not all of them came.
    """
    if wanted is None or wanted.workers == 1:
        return None
    if not is_joined():
        raise ValueError(
            "parallel: other processes are started for the fits of a contest; where a network is fitted by itself, "
            f"start the program with `torchrun --nproc-per-node {wanted.workers}`, or leave it out"
        )
    if not dist.is_initialized():
        meet()
    if (started := dist.get_world_size()) != wanted.workers:
        raise ValueError(f"parallel: workers = {wanted.workers}, and {started} were started; make them the same")
    return Group(wanted, seed=seed)


def meet(place: str = "env://", *, rank: int = -1, size: int = -1) -> None:
    """Makes torch's process group: NCCL where there is a GPU for each process of this machine, otherwise Gloo.

    Args:
        place: where all meet, as torch calls it (`init_method`); by default what the environment says.

    Raises:
        PartnerLost: not all of them came.
    """
    beside = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    apart = torch.cuda.is_available() and torch.cuda.device_count() >= beside
    if apart:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    backend = f"cpu:gloo,cuda:{'nccl' if apart else 'gloo'}" if torch.cuda.is_available() else "gloo"
    with _reached():
        dist.init_process_group(backend, init_method=place, rank=rank, world_size=size, timeout=PATIENCE)


@contextmanager
def _reached() -> Iterator[None]:
    """What torch raises where another process is gone, as what it means."""
    try:
        yield
    except RuntimeError as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise PartnerLost(f"parallel: another worker of this fit was not reached: {first}") from None


def _sum(tensor: Tensor) -> None:
    with _reached():
        dist.all_reduce(tensor)


def _as_the_first(tensor: Tensor) -> None:
    with _reached():
        dist.broadcast(tensor, src=0)


class _Normed(torch.autograd.Function):
    """A batch norm of this process's rows by given moments of all rows, whose gradient is that of what all make of it.

    With x̂ = (x − μ) / √(σ² + ε): ∂x = γ / √(σ² + ε) · (g − Σg / n − x̂ Σ(g x̂) / n), sums over the rows of all processes
    (Ioffe and Szegedy 2015).
    """

    @staticmethod
    def forward(ctx: Any, *given: Any) -> Tensor:
        inputs, weight, bias, mean, variance, count, eps = given
        ctx.save_for_backward(inputs, weight, mean, variance, count)
        ctx.eps = eps
        return nn.functional.batch_norm(inputs, mean, variance, weight, bias, training=False, eps=eps)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        inputs, weight, mean, variance, count = ctx.saved_tensors
        channels, shape, scale = len(mean), _along(inputs), torch.rsqrt(variance + ctx.eps)
        by_moments, of_weight, of_bias = torch.ops.aten.native_batch_norm_backward(
            gradients[0], inputs, weight, mean, variance, None, None, False, ctx.eps, [True, True, True]
        )
        whole = torch.cat([of_weight, of_bias])
        _sum(whole)
        factor = scale / count if weight is None else scale * weight / count
        slope = factor * scale * whole[:channels]
        level = factor * whole[channels:] - slope * mean
        own = by_moments.sub_(level.view(shape)).addcmul_(inputs, slope.view(shape), value=-1)
        return own, None if weight is None else of_weight, None if weight is None else of_bias, None, None, None, None


def _along(inputs: Tensor) -> list[int]:
    """The shape in which numbers of channels stand against inputs (rows, channels, …)."""
    return [1, -1, *[1] * (inputs.ndim - 2)]


def _moments(inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean and variance of each channel over the rows of all processes, and how many numbers each has (Chan, Golub and
    LeVeque 1983).
    """
    variance, mean = torch.var_mean(inputs, [0, *range(2, inputs.ndim)], correction=0)
    told = inputs.new_zeros((dist.get_world_size(), 2 * len(mean) + 1))
    told[dist.get_rank()] = torch.cat([mean, variance, mean.new_tensor([inputs.numel() / len(mean)])])
    _sum(told)
    means, variances, counts = told.split([len(mean), len(mean), 1], dim=1)
    count = counts.sum()
    whole = (means * counts).sum(0) / count
    return whole, ((variances + (means - whole).square()) * counts).sum(0) / count, count


def _norm(norm: Any, inputs: Tensor) -> Tensor:
    """What a batch norm gives for this process's part of a batch, by mean and variance of all of it."""
    if not norm.training:
        result: Tensor = type(norm).forward(norm, inputs)
        return result
    with torch.no_grad():
        mean, variance, count = _moments(inputs)
        if norm.running_mean is not None:
            if norm.num_batches_tracked is not None:
                norm.num_batches_tracked.add_(1)
            momentum = 1 / float(norm.num_batches_tracked) if norm.momentum is None else norm.momentum
            norm.running_mean.lerp_(mean, momentum)
            norm.running_var.lerp_(variance * (count / (count - 1).clamp(min=1)), momentum)
    said: Tensor = _Normed.apply(inputs, norm.weight, norm.bias, mean, variance, count, norm.eps)
    return said
