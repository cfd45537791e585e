"""Sites of a federation trained side by side: as one stack where the network allows it, else in turn.

A stack is what a population is trained as (`entrants.passes`); only here each member has rows of its own, as many as it
has, and all begin from the same weights. What moves them is `entrants.optimisers`, as for one network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from concours.entrants import networks
from concours.entrants.federated import Controls, Local, control_moved, drift_of, load, local
from concours.entrants.losses import squared_error, surprise
from concours.entrants.optimisers import OPTIMISERS, Flat
from concours.entrants.passes import Form, Passes, views
from concours.entrants.private import Private
from concours.entrants.stack import on_threads, undivided
from concours.kernels.federating.update import Tensors, Update


@dataclass(frozen=True, kw_only=True)
class Site:
    """A site in a round: rows as the network takes them, targets, a seed; for `scaffold`, its controls; and how its
    rows are kept private, if they are.
    """

    x: Any
    y: NDArray[Any]
    seed: int
    controls: Controls | None = None
    private: Private | None = None


def train_sites(
    network: Any, tensors: Tensors, sites: Sequence[Site], settings: Local, *, threads: int = 1
) -> list[Update]:
    """What each site sends after training from the common weights.

    Law: to float tolerance, what `local` gives for each of them alone, on any number of threads.

    Raises:
        ValueError: as of `local`.
    """
    stacked = Stackable.of(network, settings)
    if stacked is None or len(sites) == 1 or not stacked.suits(sites):
        return [
            local(network, tensors, s.x, s.y, settings, seed=s.seed, controls=s.controls, private=s.private)
            for s in sites
        ]
    blocks = stacked.form.blocks(len(sites), settings.batch_size, threads, stacked.device)
    with undivided():
        load(network, tensors)
        return list(chain(*on_threads([partial(stacked.train, sites[block]) for block in blocks], threads)))


@dataclass(frozen=True)
class Stackable:
    """A dense network of linear layers and ReLU alone, whose sites are trained as a stack."""

    network: Any
    form: Form
    settings: Local

    @classmethod
    def of(cls, network: Any, settings: Local) -> Stackable | None:
        """None where the network, or how it is to be trained, is another."""
        module = network.network_
        plain = isinstance(module, networks.Network) and isinstance(module.scaling, networks.Standardise)
        if not plain or network.augmented or network.loss not in (surprise, squared_error):
            return None
        linear = [part for part in module.body if isinstance(part, nn.Linear)]
        expected: list[type[nn.Module]] = [nn.Flatten]
        expected += [nn.Linear, nn.Identity, nn.ReLU, nn.Dropout] * (len(linear) - 1) + [nn.Linear]
        dropped = any(part.p for part in module.body if isinstance(part, nn.Dropout))
        if [type(part) for part in module.body] != expected or dropped:
            return None
        widths = [layer.out_features for layer in linear]
        form = Form(inputs=linear[0].in_features, hidden=tuple(widths[:-1]), outputs=widths[-1])
        return cls(network, form, settings)

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        device: torch.device = next(self.network.network_.parameters()).device
        return device

    def suits(self, sites: Sequence[Site]) -> bool:
        """Steps count for some optimisers, so that all sites must be in the same one at a time. Private sites go alone:
        each step has as many rows as chance would have it.
        """
        if any(site.private for site in sites):
            return False
        batches = {_batches(len(site.y), self.settings.batch_size) for site in sites}
        return self.settings.optimiser == "sgd" or self.settings.epochs == 1 or len(batches) == 1

    def train(self, sites: Sequence[Site]) -> list[Update]:
        """Trains them from the weights that the network has; updates in their order."""
        order = sorted(range(len(sites)), key=lambda i: -_batches(len(sites[i].y), self.settings.batch_size))
        run = _Run(self, [sites[i] for i in order])
        for _ in range(self.settings.epochs):
            losses = run.epoch()
        deltas = (run.flat.weights - run.start).cpu().numpy()
        found = {
            i: self._update(sites[i], delta, float(loss)) for i, delta, loss in zip(order, deltas, losses, strict=True)
        }
        return [found[i] for i in range(len(sites))]

    def _update(self, site: Site, moved: NDArray[np.float32], loss: float) -> Update:
        if not np.isfinite(loss):
            rate = self.settings.learning_rate
            raise ValueError(f"the loss must stay finite; got {loss}; lower learning_rate={rate!r}")
        delta, rows = self.named(moved), len(site.y)
        control = {} if site.controls is None else control_moved(delta, site.controls, self.settings, rows)
        return Update(delta=delta, rows=rows, loss=loss, control=control)

    @cached_property
    def names(self) -> list[tuple[str, str]]:
        """The names of weight and bias of each layer."""
        layers = [name for name, part in self.network.network_.named_modules() if isinstance(part, nn.Linear)]
        return [(f"{name}.weight", f"{name}.bias") for name in layers]

    @property
    def learned(self) -> Tensor:
        """1 for the numbers of the last layer, and 0 for all others, (size,)."""
        found = torch.zeros(1, self.form.size)
        for parts in views(self.form, found):
            parts[-1].fill_(1.0)
        return found[0]

    def row(self, tensors: Tensors) -> Tensor:
        """Named tensors as a row of a stack, (size,)."""
        weights = [np.asarray(tensors[name]).T.ravel() for name, _ in self.names]
        biases = [np.asarray(tensors[name]).ravel() for _, name in self.names]
        return torch.from_numpy(np.concatenate([*weights, *biases]).astype(np.float32))

    def named(self, row: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
        """The inverse of `row`."""
        weights, biases = views(self.form, torch.from_numpy(row)[None])
        found = {}
        for (weight, bias), values, offsets in zip(self.names, weights, biases, strict=True):
            found[weight] = np.ascontiguousarray(values[0].T.numpy())
            found[bias] = np.array(offsets[0, 0].numpy())
        return found


class _Run:
    """Some sites in training, those with most batches first."""

    def __init__(self, stacked: Stackable, sites: Sequence[Site]) -> None:
        network, self.settings, self.form = stacked.network, stacked.settings, stacked.form
        device = stacked.device
        learned = {name: tensor.detach().cpu().numpy() for name, tensor in network.network_.named_parameters()}
        self.start = stacked.row(learned).to(device)
        self.learned = stacked.learned.to(device) if self.settings.last_only else None
        decayed = torch.zeros(self.form.size, device=device)
        decayed[: self.form.weights] = 1.0
        if self.learned is not None:
            decayed.mul_(self.learned)
        numbers = self.start.repeat(len(sites), 1)
        gradient, first, second = (torch.zeros_like(numbers) for _ in range(3))
        self.flat = Flat(weights=numbers, gradient=gradient, decayed=decayed, first=first, second=second)
        self.drift = _drifts(stacked, sites, device)
        self.scaling = network.network_.scaling
        told = [[torch.from_numpy(part).to(device) for part in network.told(site.x, site.y)] for site in sites]
        self.rows, self.targets = zip(*told, strict=True)
        self.counts = [len(part) for part in self.rows]
        self.chances = [torch.Generator().manual_seed(site.seed) for site in sites]
        self.batches = [_batches(count, self.settings.batch_size) for count in self.counts]
        self._some: dict[int, tuple[Flat, Passes]] = {}

    def epoch(self) -> Tensor:
        """Each site goes through its rows once; the mean loss of each, (sites,)."""
        orders = [torch.randperm(n, generator=chance) for n, chance in zip(self.counts, self.chances, strict=True)]
        parts = [order.tensor_split(batches) for order, batches in zip(orders, self.batches, strict=True)]
        total = torch.zeros(len(parts), device=self.start.device)
        for step in range(self.batches[0]):
            chosen = [each[step] for each in parts if step < len(each)]
            total[: len(chosen)] += self._step(chosen)
        return total / torch.tensor(self.counts, device=total.device)

    def _step(self, chosen: Sequence[Tensor]) -> Tensor:
        """One step of those sites that have a batch; the sum of each one's losses on it."""
        sites, sizes, device = len(chosen), [len(rows) for rows in chosen], self.start.device
        flat, passes = self._of(sites)
        longest, weights = max(sizes), None
        if min(sizes) < longest:
            weights = torch.stack([_weights(size, longest) for size in sizes])[:, :, None].to(device)
            chosen = [torch.cat([rows, rows[:1].expand(longest - len(rows))]) for rows in chosen]
        chosen = [rows.to(device) for rows in chosen]
        rows, targets = (
            torch.stack([own.index_select(0, some) for own, some in zip(part, chosen, strict=False)])
            for part in (self.rows, self.targets)
        )
        with torch.no_grad():
            rows = self.scaling(rows).flatten(2)
        losses = passes.losses(rows, targets, weights)
        self._move(flat, sites)
        return losses if weights is None else losses * torch.tensor(sizes, device=losses.device) / longest

    def _move(self, flat: Flat, sites: int) -> None:
        settings = self.settings
        if settings.proximal:
            flat.gradient.add_(flat.weights - self.start, alpha=settings.proximal)
        if self.drift is not None:
            flat.gradient.add_(self.drift[:sites])
        if self.learned is not None:
            flat.gradient.mul_(self.learned)
        if settings.clip_norm is not None:
            flat.gradient.mul_((settings.clip_norm / (flat.gradient.norm(dim=1, keepdim=True) + 1e-6)).clamp(max=1.0))
        self.flat.steps += 1
        flat.steps = self.flat.steps
        OPTIMISERS[settings.optimiser](flat, settings, settings.learning_rate)

    def _of(self, sites: int) -> tuple[Flat, Passes]:
        """Views of the first so many sites."""
        if sites not in self._some:
            whole = self.flat
            numbers = (whole.weights, whole.gradient, whole.first, whole.second)
            weights, gradient, first, second = (each[:sites] for each in numbers)
            flat = Flat(weights=weights, gradient=gradient, decayed=whole.decayed, first=first, second=second)
            self._some[sites] = flat, Passes(self.form, weights, gradient)
        return self._some[sites]


def _batches(rows: int, batch_size: int) -> int:
    return max(1, rows // batch_size)


def _weights(rows: int, longest: int) -> Tensor:
    """Of a batch that is filled up: what is added weighs nothing, and the mean is over its own rows."""
    weights = torch.zeros(longest)
    weights[:rows] = longest / rows
    return weights


def _drifts(stacked: Stackable, sites: Sequence[Site], device: torch.device) -> Tensor | None:
    if sites[0].controls is None:
        return None
    like = {name: np.zeros(tensor.shape) for name, tensor in stacked.network.network_.named_parameters()}
    each = [drift_of(site.controls, stacked.settings, like) for site in sites if site.controls is not None]
    return torch.stack([stacked.row(drift) for drift in each]).to(device)
