"""Dense networks of one shape, trained as one: a batched step for many members, each with hyperparameters of its own.

A network is a row of numbers; a stack is a matrix of such rows, with the moments of its optimiser beside it. Each step
is a few batched matrix products and a few operations on the matrix, forward and backward written out, as neither needs
a graph. Members go in blocks: one of all on a GPU; on a CPU blocks that stay in its cache, each trained to the end
before the next. Blocks are shared among threads.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import cache, partial
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from concours.entrants.bookmarks import Bookmark
from concours.entrants.passes import Drop, Form, Passes, forward, views

_SECOND = 0.999
_TINY = 1e-8
_DROPOUT = 1 << 32
"""Added to a member's seed for its dropout, so that it is apart from the order of rows."""


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """How a member learns: AdamW (Loshchilov & Hutter 2019) at a constant rate.

    `momentum` is the decay of the first moment. `weight_decay` acts on weights, not on biases, times the rate.
    `dropout` is kept to a 256th. Raises ValueError for what is out of range.
    """

    learning_rate: float
    momentum: float = 0.9
    weight_decay: float = 0.01
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate must be above 0; got {self.learning_rate!r}")
        for name in ("momentum", "weight_decay", "dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 0 and below 1; got {getattr(self, name)!r}")


T = TypeVar("T")

HYPERPARAMETERS = tuple(field.name for field in fields(Hyperparameters))


@dataclass(kw_only=True)
class Stack:
    """Members of one form: `weights` and the moments `first` and `second`, (members, size) float32; steps so far."""

    form: Form
    weights: Tensor
    first: Tensor
    second: Tensor
    steps: int = 0

    @classmethod
    def begin(cls, form: Form, seeds: Sequence[int]) -> Stack:
        """Untrained members: uniform within 1/√inputs, as `torch.nn.Linear` begins, each from its own seed."""
        weights = torch.empty(len(seeds), form.size)
        for member, seed in zip(weights, seeds, strict=True):
            generator = torch.Generator().manual_seed(seed)
            for before, *parts in zip((before for before, _ in form.layers), *views(form, member[None]), strict=True):
                for part in parts:
                    part.uniform_(-1 / math.sqrt(before), 1 / math.sqrt(before), generator=generator)
        return cls(form=form, weights=weights, first=torch.zeros_like(weights), second=torch.zeros_like(weights))

    def migrate(self, towards: Sequence[int], share: float) -> None:
        """Each member θ becomes θ + share · (θ_s − θ), with its moments; s is `towards` at its place.

        At 1 the copy is exact, and so it is for one whose numbers are no longer finite. One that stays itself names
        itself. Raises ValueError for a share outside (0, 1].
        """
        if not 0 < share <= 1:
            raise ValueError(f"the share of a migration must be above 0 and at most 1; got {share!r}")
        moving = [member for member, source in enumerate(towards) if source != member]
        sources = [towards[member] for member in moving]
        whole = (~self.weights[moving].isfinite().all(1, keepdim=True)) | (share == 1)
        for numbers in (self.weights, self.first, self.second):
            there = numbers[sources]
            numbers[moving] = torch.where(whole, there, numbers[moving].lerp(there, share))

    def outputs(self, rows: Tensor) -> Tensor:
        """What each member says of each row, (members, rows, outputs), by as many rows at a time as memory bears."""
        parts = views(self.form, self.weights)
        return torch.cat([forward(parts, part.expand(len(self.weights), -1, -1)) for part in rows.split(1024)], dim=1)

    def copy_to(self, member: int, network: nn.Module) -> None:
        """Gives a member's numbers to the linear layers of a network, in their order."""
        layers = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
        weights, biases = views(self.form, self.weights[member : member + 1])
        with torch.no_grad():
            for layer, weight, bias in zip(layers, weights, biases, strict=True):
                layer.weight.copy_(weight[0].T)
                layer.bias.copy_(bias[0, 0])

    def to(self, device: torch.device) -> Stack:
        """The stack on a device."""
        numbers = {name: getattr(self, name).to(device) for name in ("weights", "first", "second")}
        return Stack(form=self.form, steps=self.steps, **numbers)


def train(
    stack: Stack,
    rows: Tensor,
    targets: Tensor,
    hyperparameters: Sequence[Hyperparameters],
    seeds: Sequence[int],
    *,
    epochs: int,
    batch_size: int,
    weights: Tensor | None = None,
    threads: int = 1,
    block: int | None = None,
) -> NDArray[np.float64]:
    """Trains all members in place; gives the mean loss of each in each epoch, (members, epochs).

    Law: a member's weights are, to float tolerance, what they are if it is trained alone with its hyperparameters and
    seed, on any number of threads and in blocks of any size.

    Args:
        rows: (rows, inputs) float32, scaled; on the device of the stack.
        targets: integer codes of classes (cross-entropy), or float32 values (squared error), (rows,).
        seeds: of each member's order of rows and dropout.
        weights: of the rows, (rows,) float32, 1 on average; none where all weigh alike.
        batch_size: or a little more, as all rows are gone through.
        block: members a block; by default as many as suit the cache.
    """
    members = len(stack.weights)
    if not members == len(hyperparameters) == len(seeds):
        raise ValueError(
            f"{members} members want as many hyperparameters and seeds; got {len(hyperparameters)} and {len(seeds)}"
        )
    if rows.shape[1] != stack.form.inputs:
        raise ValueError(f"rows must have {stack.form.inputs} inputs, as the members have; got {rows.shape[1]}")
    parts = stack.form.blocks(members, batch_size, threads, stack.weights.device)
    if block:
        parts = [slice(start, start + block) for start in range(0, members, block)]
    blocks = [_Block(stack, part, rows, targets, weights, hyperparameters[part], seeds[part]) for part in parts]
    bookmarks = [block.bookmark(f"{epochs} {batch_size} {seeds} {hyperparameters}") for block in blocks]
    runs = [partial(block.run, epochs, batch_size, mark) for block, mark in zip(blocks, bookmarks, strict=True)]
    losses = on_threads(runs, threads)
    stack.steps += epochs * _batches(len(rows), batch_size)
    return torch.cat(losses).cpu().numpy().astype(np.float64)


def _batches(rows: int, batch_size: int) -> int:
    return max(1, rows // batch_size)


def on_threads(tasks: Sequence[Callable[[], T]], threads: int) -> list[T]:
    """Torch gives up Python's lock in its operations: two threads of small ones do nearly twice as much, which torch's
    own threads within an operation do not.
    """
    if threads == 1 or len(tasks) == 1:
        return [task() for task in tasks]
    with undivided():
        futures = [_pool(threads).submit(task) for task in tasks]
        wait(futures)
        return [future.result() for future in futures]


@contextmanager
def undivided() -> Iterator[None]:
    """No operation of torch is divided among threads: those that waited for the next part of one would keep a core from
    whoever works on another task.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Kept, as every new thread has to find room for matrix products first: a tenth of a round of a federation."""
    return ThreadPoolExecutor(threads)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a fork has no threads


class _Block:
    """Some members in training: their numbers as views, and room for all that a step needs."""

    def __init__(
        self,
        stack: Stack,
        part: slice,
        rows: Tensor,
        targets: Tensor,
        weights: Tensor | None,
        hyperparameters: Sequence[Hyperparameters],
        seeds: Sequence[int],
    ) -> None:
        self.form, self.steps, self.rows, self.targets = stack.form, stack.steps, rows, targets
        self.weights = weights
        self.numbers, self.first, self.second = stack.weights[part], stack.first[part], stack.second[part]
        self.gradient = torch.empty_like(self.numbers)
        device = rows.device
        self.rate, self.momentum, self.decay, self.dropout = (
            torch.tensor(
                [[getattr(hyperparameter, name)] for hyperparameter in hyperparameters],
                dtype=torch.float64,
                device=device,
            )
            for name in ("learning_rate", "momentum", "weight_decay", "dropout")
        )
        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.masks = [torch.Generator(device).manual_seed(seed + _DROPOUT) for seed in seeds]
        self.shrink = (1 - self.rate * self.decay).float()
        self.fresh = (1 - self.momentum).float()
        dropped = (self.dropout * 256).round()[:, :, None]
        self.dropped, self.scale = dropped.to(torch.uint8), (256 / (256 - dropped)).float()
        drop = Drop(self._drop, self.scale) if bool(dropped.any()) else None
        self.passes = Passes(self.form, self.numbers, self.gradient, drop)

    def bookmark(self, how: str) -> Bookmark:
        """Where its training stood; `how` says what else decides what it comes to."""
        told = [each for each in (self.rows, self.targets, self.weights) if each is not None]
        return Bookmark(
            lambda: {"numbers": self.numbers, "first": self.first, "second": self.second},
            [*self.generators, *self.masks],
            given=told,
            how=f"{self.form} {self.steps} {how}",
        )

    def run(self, epochs: int, batch_size: int, bookmark: Bookmark) -> Tensor:
        """Goes through the rows so many times; the mean loss of each member in each epoch, (members, epochs)."""
        losses: list[Tensor] = []
        if page := bookmark.find():
            self.steps = page.notes["steps"]
            losses += page.aside["losses"].to(self.rows.device).unbind(1)
        while len(losses) < epochs:
            losses.append(self._epoch(batch_size))
            bookmark.keep({"steps": self.steps}, {"losses": torch.stack(losses, dim=1)})
        return torch.stack(losses, dim=1)

    def _epoch(self, batch_size: int) -> Tensor:
        rows, device = len(self.rows), self.rows.device
        order = torch.stack([torch.randperm(rows, generator=g) for g in self.generators]).to(device)
        total = torch.zeros(len(order), device=device)
        batches = order.tensor_split(_batches(rows, batch_size), dim=1)
        for chosen, rate in zip(batches, self._rates(len(batches)), strict=True):
            total += self._step(chosen, rate)
        return total / rows

    def _rates(self, steps: int) -> Tensor:
        """The rates of the next steps with both of Adam's corrections in them, (steps, members, 1), negative."""
        number = torch.arange(self.steps + 1, self.steps + steps + 1, dtype=torch.float64, device=self.rate.device)
        number = number[:, None, None]
        return (-self.rate * (1 - _SECOND**number).sqrt() / (1 - self.momentum**number)).float()

    def _step(self, chosen: Tensor, rate: Tensor) -> Tensor:
        """One step on the chosen rows, (members, batch); the sum of each member's losses on them."""
        flat = chosen.reshape(-1)
        each = None if self.weights is None else self.weights.index_select(0, flat).view(*chosen.shape, 1)
        losses = self.passes.losses(
            self.rows.index_select(0, flat).view(*chosen.shape, -1),
            self.targets.index_select(0, flat).view(chosen.shape),
            each,
        )
        self._learn(rate)
        return losses

    def _drop(self, values: Tensor) -> Tensor:
        """A random byte a value, from the member's own generator; it falls if that is below 256 times the dropout."""
        count = values[0].numel()
        chance = torch.empty(len(values), math.ceil(count / 8), dtype=torch.int64, device=values.device)
        for member, generator in zip(chance, self.masks, strict=True):
            member.random_(-(1 << 63), None, generator=generator)
        kept = chance.view(torch.uint8)[:, :count].view(values.shape) >= self.dropped
        return values.mul_(kept).mul_(self.scale)

    def _learn(self, rate: Tensor) -> None:
        self.steps += 1
        self.first.lerp_(self.gradient, self.fresh)
        self.second.mul_(_SECOND).addcmul_(self.gradient, self.gradient, value=1 - _SECOND)
        move = torch.sqrt(self.second, out=self.gradient).add_(_TINY * math.sqrt(1 - _SECOND**self.steps))
        torch.div(self.first, move, out=move)
        self.numbers[:, : self.form.weights].mul_(self.shrink)
        self.numbers.addcmul_(move, rate)


def hyperparameters_from(values: dict[str, Any]) -> Hyperparameters:
    """Hyperparameters from JSON. Raises ValueError for a name that is none."""
    if unknown := sorted(values.keys() - set(HYPERPARAMETERS)):
        raise ValueError(f"hyperparameters are {', '.join(HYPERPARAMETERS)}; got {unknown[0]!r}")
    return Hyperparameters(**values)
