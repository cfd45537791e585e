"""Training in which no single row tells much: gradients of rows one by one, each clipped, and noise on their sum.

DP-SGD (Abadi et al. 2016, "Deep learning with differential privacy"). Each step draws its rows anew, each row by
itself, as accountants of its noise assume; on average as many as a batch has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel

from concours.entrants.losses import Loss
from concours.entrants.optimisers import Flat
from concours.kernels.privacy.chance import Chance
from concours.kernels.privacy.clipping import Mechanism

_TOGETHER: Final = 1 << 24
"""Numbers of the gradients of rows that are worked on at a time."""

_TINY: Final = 2.0**-54


@dataclass(frozen=True, kw_only=True)
class Private:
    """How a training keeps its rows private.

    Attributes:
        bound: the greatest length of a row's gradient.
        noise: the deviation of the noise in units of the bound, for an ε that an accountant tells.
        chance: where noise, and which rows are in a step, come from; none for the seed of the training, which is right
            where nothing has to be protected, as in simulation.
    """

    bound: float
    noise: float
    chance: Chance | None = None

    def begin(self, network: nn.Module, batches: int, generator: torch.Generator) -> PrivateSteps:
        """The steps of a training, of `batches` to an epoch.

        Raises:
            ValueError: the network has a batch norm, through which rows enter the gradients of others.
        """
        require_rows_apart(network)
        mechanism = Mechanism(bound=self.bound, noise=self.noise, rate=1 / batches)
        return PrivateSteps(network, mechanism, self.chance or _of(generator), batches)


def require_rows_apart(network: nn.Module) -> None:
    """Refuses a network in which a row changes what is said of others.

    Raises:
        ValueError: names its batch norm.
    """
    for name, part in network.named_modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            raise ValueError(  # noqa: TRY004 (its type is right, its use is not)
                f"{name!r} is a batch norm, by which each row changes what others say, so that no bound on a row's "
                'gradient protects it; take a network without: DenseClassifier with norm = "layer" or "none", or '
                "VisionTransformer"
            )


@dataclass(frozen=True)
class PrivateSteps:
    """A training that has begun; see `Private`."""

    network: nn.Module
    mechanism: Mechanism
    chance: Chance
    batches: int

    def chosen(self, rows: int) -> Iterator[Tensor]:
        """Which rows are in each step of an epoch; it may be none."""
        return (torch.from_numpy(self.chance.chosen(rows, self.mechanism.rate)) for _ in range(self.batches))

    def gradient(self, loss: Loss, batch: Sequence[Tensor], flat: Flat, rows: int) -> Tensor:
        """Sets the gradient of a step on some of so many rows; their mean loss, 0 of none, which is not private.

        Law: with no noise, a rate of 1 and a bound beyond all gradients it is the gradient of the mean loss.
        """
        total = torch.zeros((), device=flat.weights.device)
        size = max(1, _TOGETHER // len(flat.weights))
        for part in zip(*(each.split(size) for each in batch), strict=True):
            if len(part[0]):
                total += add_clipped(self.network, loss, part, self.mechanism.bound).sum()
        noised = self.mechanism.noised(flat.gradient.cpu().double().numpy(), self.chance)
        flat.gradient.copy_(torch.from_numpy(noised / (self.mechanism.rate * rows)))
        return total / max(len(batch[0]), 1)


def add_clipped(network: nn.Module, loss: Loss, batch: Sequence[Tensor], bound: float) -> Tensor:
    """Adds the clipped gradient of each row to `grad` of the parameters; losses (rows,).

    A gradient that is not finite counts as none.

    Args:
        batch: inputs and targets, aligned along their first axis.

    Raises:
        ValueError: the network is of parts whose gradients cannot be had row by row.
    """
    learned = {name: parameter.detach() for name, parameter in network.named_parameters()}
    known = dict(network.named_buffers())

    def of_row(weights: dict[str, Tensor], row: Tensor, *told: Tensor) -> Tensor:
        said = functional_call(network, (weights, known), (row[None],))
        return loss(said, *(each[None] for each in told))

    each_row = vmap(grad_and_value(of_row), in_dims=(None, *(0 for _ in batch)), randomness="different")
    try:
        with sdpa_kernel(SDPBackend.MATH):  # the quick kernels of attention are of no use row by row
            gradients, losses = each_row(learned, *batch)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(f"the gradients of this network cannot be had row by row: {reason}") from None
    squares = sum(gradient.flatten(1).double().square().sum(1) for gradient in gradients.values())
    norms = torch.as_tensor(squares).sqrt()
    factors = torch.where(norms.isfinite(), (bound / norms).clamp(max=1.0), 0.0).to(losses.dtype)
    for name, parameter in network.named_parameters():
        gradient = gradients[name].nan_to_num(0.0, 0.0, 0.0)
        clipped = torch.tensordot(factors, gradient, dims=1)
        parameter.grad = clipped if parameter.grad is None else parameter.grad.add_(clipped)
    return losses.detach()


def _of(generator: torch.Generator) -> Chance:
    """Chance of a training's own generator, which goes on where a training was interrupted."""

    def uniform(count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return torch.rand(count, generator=generator, dtype=torch.float64).clamp_(min=_TINY).numpy()

    return Chance(uniform, replayable=True)
