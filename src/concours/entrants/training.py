"""One small training loop for every network of the zoo: mini-batches of tensors that are already in memory."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from concours.core import progress
from concours.entrants.bookmarks import Bookmark, Page, all_chances, moving_of
from concours.entrants.layers import frozen_of, held, rest, shares_of, vector_of
from concours.entrants.losses import Loss
from concours.entrants.optimisers import OPTIMISERS, SCHEDULES, Flat, flatten, release, stepped
from concours.entrants.private import Private
from concours.entrants.settings import Settings as Settings
from concours.entrants.together import Group, group_for
from concours.kernels.rows.kin import Kin

Augmentation = Callable[[Tensor, torch.Generator], Tensor]
"""From a batch of inputs to as many changed ones; its chance comes from the generator, a CPU one."""

Rows = tuple[Tensor, ...]
"""Inputs, targets and, where rows have some, weights, aligned along their first axis, on the device of the network."""

Correction = Callable[[Flat], None]
"""What is added to a gradient before it is followed: it changes `Flat.gradient`, of the weights as they are then."""

Stopped = Literal["epochs", "patience", "seconds"]

EVALUATION_ROWS = 512


@dataclass(frozen=True, kw_only=True)
class History:
    """What happened in training, epoch by epoch; losses are means over rows, in the unit of the loss.

    `train_loss` is measured while the weights still move. `validation_loss` is empty where nothing was held out.
    `learning_rate` is that of an epoch's last step. `best_epoch` counts from 1; its weights are the network's.
    """

    train_loss: tuple[float, ...]
    validation_loss: tuple[float, ...]
    learning_rate: tuple[float, ...]
    best_epoch: int
    stopped: Stopped


def train(
    network: nn.Module,
    loss: Loss,
    rows: Rows,
    settings: Settings,
    *,
    generator: torch.Generator,
    held_out: Rows | None = None,
    validation_loss: Loss | None = None,
    augment: Augmentation | None = None,
    correct: Correction | None = None,
    private: Private | None = None,
) -> History:
    """Train `network` in place and leave it in evaluation mode, with the weights of its best epoch.

    The best epoch is the one of the lowest `validation_loss` (default: `loss`) on `held_out`, or the last one where
    nothing is held out. The order of rows comes from `generator`, a CPU one; dropout from torch's own, see
    `seeded`. `correct` changes each gradient before it is bounded and followed. With `private` no single row tells much
    by the weights; the losses of the history still tell. Raises ValueError when a loss is not finite.

    Law: where there is scratch (`core.scratch`), a training that was interrupted goes on from its last epoch that was
    kept, and ends with the bytes of one that was not, unless time ends it.
    """
    run = _Run(network, loss, rows, settings, generator, augment, correct, private)
    best = _Best(network, validation_loss or loss, held_out, run.group)
    bookmark = _bookmark(run, held_out)
    stopped = _go_on(run, best, page) if (page := bookmark.find()) else None
    while stopped is None:
        with run.ready():
            run.train_losses.append(run.epoch())
        run.rates.append(run.rate)
        latest = best.look(run.train_losses[-1])
        _check_finite(latest, best.looks, settings)
        bookmark.keep({**run.notes(), **best.notes()}, best.tensors)
        progress.report(epoch=best.looks, epochs=settings.epochs, loss=latest)
        stopped = _reason_to_stop(run, best)
    best.restore()
    release(network)
    return History(
        train_loss=tuple(run.train_losses),
        validation_loss=tuple(best.losses),
        learning_rate=tuple(run.rates),
        best_epoch=best.epoch,
        stopped=stopped,
    )


def _bookmark(run: _Run, held_out: Rows | None) -> Bookmark:
    return Bookmark(
        lambda: moving_of(run.network, run.flat),
        [run.generator, *all_chances(run.flat.weights.device)],
        given=(*run.rows, *(held_out or ())),
        how=repr(run.settings),
        modules=[run.network],
        **({} if run.group is None else {"agreed": run.group.firsts}),
    )


def _go_on(run: _Run, best: _Best, page: Page) -> Stopped | None:
    """Takes up what was noted after an epoch; whether the training ended with it."""
    run.take_up(page.notes)
    best.take_up(page)
    return _reason_to_stop(run, best)


def hold_out(targets: NDArray[Any], share: float, seed: int, *, kin: Kin | None = None) -> NDArray[np.bool_]:
    """Which rows to hold out for validation; True where held out, shape (n,).

    Rows are drawn at equal steps through the sorted targets, ties in random order, so that both parts have nearly the
    same distribution. Of integer targets, which are classes, none is held out entirely. Where rows belong together,
    whole groups are, or the last ones in time (`kernels.rows.kin`).
    """
    if kin is not None:
        return kin.held_out(share, seed=seed, strata=targets if targets.dtype.kind in "iu" else None)
    random = np.random.default_rng(seed)
    order = np.lexsort((random.random(len(targets)), targets))
    steps = np.floor(np.arange(len(targets) + 1) * share + random.random())
    held = np.empty(len(targets), dtype=np.bool_)
    held[order] = np.diff(steps) > 0
    if targets.dtype.kind in "iu":
        held &= np.isin(targets, targets[~held])
    return held


class _Run:
    """The moving part of a training: weights, step count, clock, and the losses and rates of its epochs."""

    def __init__(
        self,
        network: nn.Module,
        loss: Loss,
        rows: Rows,
        settings: Settings,
        generator: torch.Generator,
        augment: Augmentation | None,
        correct: Correction | None,
        private: Private | None,
    ) -> None:
        self.network, self.loss, self.rows, self.settings = network, loss, rows, settings
        self.generator, self.augment, self.correct = generator, augment, correct
        self.frozen = frozen_of(network, settings.freeze) if settings.freeze else frozenset[str]()
        self.flat = flatten(network)
        self.flat.shares = vector_of(network, shares_of(network, self.frozen, settings.layer_decay))
        self.batches = max(1, len(rows[0]) // settings.batch_size)
        self.group = group_for(settings.divided, generator.initial_seed())
        _require_parts(self.group, len(rows[0]) // self.batches)
        self.private = private.begin(network, self.batches, generator) if private else None
        self.started_s = time.monotonic()
        self.rate = 0.0
        self.train_losses: list[float] = []
        self.rates: list[float] = []

    def notes(self) -> dict[str, Any]:
        """What tensors do not say of it, as JSON."""
        spent_s = time.monotonic() - self.started_s
        return {"steps": self.flat.steps, "losses": self.train_losses, "rates": self.rates, "spent_s": spent_s}

    def take_up(self, notes: Mapping[str, Any]) -> None:
        """Becomes what it was when these were its notes."""
        self.flat.steps, self.train_losses, self.rates = notes["steps"], list(notes["losses"]), list(notes["rates"])
        self.started_s -= notes["spent_s"]

    @property
    def out_of_time(self) -> bool:
        limit = self.settings.seconds
        if limit is None:
            return False
        late = time.monotonic() - self.started_s >= limit
        return late if self.group is None else self.group.any(late)

    @contextmanager
    def ready(self) -> Iterator[None]:
        """The network as it is in an epoch: in training mode, but for what is frozen; and in step with others."""
        self.network.train()
        rest(self.network, self.frozen)
        with held(self.network, self.frozen):
            if self.group is None:
                yield
                return
            self.group.begin(len(self.train_losses))
            with self.group.normed(self.network):
                yield
            self.group.even_out(self.network, self.flat.weights, self.flat.first, self.flat.second)

    def epoch(self) -> float:
        """Go through the rows once, or until time is up; returns the mean loss of the rows gone through."""
        total, seen = torch.zeros(()), 0
        for chosen in self._chosen():
            total = total + self._step(chosen)
            seen += len(chosen)
            if self.out_of_time:
                break
        if self.group is not None:
            self.group.sum(total)
        return float(total) / max(seen, 1)

    def _chosen(self) -> Iterable[Tensor]:
        """The rows of each step."""
        if self.private is not None:
            return self.private.chosen(len(self.rows[0]))
        return torch.randperm(len(self.rows[0]), generator=self.generator).tensor_split(self.batches)

    def _step(self, chosen: Tensor) -> Tensor:
        """One step; returns the sum of the losses of the rows that this process has gone through."""
        inputs, *told = self.rows
        chosen = chosen.to(inputs.device)
        batch = inputs[chosen]
        if self.augment is not None:
            batch = self.augment(batch, self.generator)
        own = slice(None) if self.group is None else self.group.own(len(chosen))
        mine = chosen[own]
        wanted = [each[mine] for each in told]
        if self.private is not None:
            loss = self.private.gradient(self.loss, (batch, *wanted), self.flat, len(inputs))
        else:
            loss = self._followed(batch[own], wanted, len(mine) / len(chosen))
        if self.correct is not None:
            self.correct(self.flat)
        self._move()
        if self.group is not None and self.group.every > 1 and self.flat.steps % self.group.every == 0:
            self.group.mean(self.flat.weights)
        return len(mine) * loss.detach()

    def _followed(self, batch: Tensor, wanted: Sequence[Tensor], part: float) -> Tensor:
        """The mean loss of a batch, or of a part of it that is this process's; its gradient, over all of the batch."""
        loss = self.loss(self.network(batch), *wanted)
        if self.group is not None and self.group.every == 1:
            (loss * part).backward()
            self.group.sum(self.flat.gradient)
        else:
            loss.backward()
        return loss

    def _move(self) -> None:
        flat, settings = self.flat, self.settings
        if settings.clip_norm is not None:
            flat.gradient.mul_((settings.clip_norm / (flat.gradient.norm() + 1e-6)).clamp(max=1.0))
        done = (flat.steps + 0.5) / (settings.epochs * self.batches)
        self.rate = settings.learning_rate * SCHEDULES[settings.schedule](done, settings.warm_up)
        flat.steps += 1
        stepped(flat, OPTIMISERS[settings.optimiser], settings, self.rate)
        flat.gradient.zero_()


class _Best:
    """The weights of the best epoch: the one with the lowest loss on the rows held out, else the latest."""

    def __init__(self, network: nn.Module, loss: Loss, held_out: Rows | None, group: Group | None) -> None:
        self.network, self.loss, self.held_out, self.group = network, loss, held_out, group
        self.looks = self.epoch = 0
        self.losses: list[float] = []
        self.tensors: dict[str, Tensor] = {}

    def notes(self) -> dict[str, Any]:
        """What tensors do not say of it, as JSON."""
        return {"looks": self.looks, "best": self.epoch, "validation": self.losses}

    def take_up(self, page: Page) -> None:
        """Becomes what it was when the page was written."""
        self.looks, self.epoch, self.losses = (page.notes[name] for name in ("looks", "best", "validation"))
        self.tensors = dict(page.aside)
        self.network.eval()

    def look(self, train_loss: float) -> float:
        """Take note of an epoch; returns the loss by which it is evaluated."""
        self.looks += 1
        self.network.eval()
        if self.held_out is None:
            self.epoch = self.looks
            return train_loss
        self.losses.append(evaluate(self.network, self.loss, self.held_out, self.group))
        if self.losses[-1] <= min(self.losses):
            self.epoch = self.looks
            self.tensors = {name: tensor.clone() for name, tensor in self.network.state_dict().items()}
        return self.losses[-1]

    def restore(self) -> None:
        for name, tensor in self.network.state_dict().items():
            tensor.copy_(self.tensors.get(name, tensor))


def _require_parts(group: Group | None, rows: int) -> None:
    if group is not None and rows < group.size:
        raise ValueError(
            f"parallel: {group.size} workers cannot divide batches of {rows} rows: fewer workers, or larger batches"
        )


def _check_finite(loss: float, epoch: int, settings: Settings) -> None:
    if not math.isfinite(loss):
        rate = settings.learning_rate
        raise ValueError(f"the loss must stay finite; got {loss} in epoch {epoch}; lower learning_rate={rate!r}")


def _reason_to_stop(run: _Run, best: _Best) -> Stopped | None:
    if run.out_of_time:
        return "seconds"
    if best.looks >= run.settings.epochs:
        return "epochs"
    if run.settings.patience is not None and best.looks - best.epoch >= run.settings.patience:
        return "patience"
    return None


def evaluate(network: nn.Module, loss: Loss, rows: Rows, group: Group | None = None) -> float:
    """The mean loss over rows, in a few passes of bounded memory; the network must be in evaluation mode."""
    inputs, *told = rows
    if group is None:
        return float(loss(outputs(network, inputs), *told))
    own = inputs[group.own(len(inputs))]
    said = outputs(network, own if len(own) else inputs[:1])[: len(own)]
    return float(loss(group.gathered(said, len(inputs)), *told))


def outputs(network: nn.Module, inputs: Tensor) -> Tensor:
    """What the network says for each row, computed for 512 rows at a time, without a graph."""
    with torch.inference_mode():
        return torch.cat([network(part) for part in inputs.split(EVALUATION_ROWS)])


def renew_statistics(network: nn.Module, inputs: Tensor) -> None:
    """Finds the running statistics of batch norms anew: the mean over parts of the inputs, each normed by itself.

    Everything else stays in evaluation mode. A part has 512 rows or a little more; a single row says nothing of how
    activations vary, and changes nothing. Source: Izmailov et al. 2018, "Averaging weights leads to wider optima".
    """
    norms = [part for part in network.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    kept = [norm.momentum for norm in norms]
    if not norms or len(inputs) < 2:
        return
    network.eval()
    device = next(network.parameters()).device
    try:
        for number, part in enumerate(inputs.tensor_split(max(1, len(inputs) // EVALUATION_ROWS)), 1):
            for norm in norms:
                norm.train()
                norm.momentum = 1 / number
            with torch.no_grad():
                network(part.to(device))
    finally:
        for norm, momentum in zip(norms, kept, strict=True):
            norm.momentum = momentum
        network.eval()


def find_device(name: str) -> torch.device:
    """The device of this name; for "auto", the first there is of cuda, mps and cpu."""
    if name != "auto":
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[torch.Generator]:
    """Make what happens inside a function of `seed` alone, and leave torch's global state as it was.

    Torch's global generators are seeded for the time being (initial weights and dropout draw from them), and given
    back; cuDNN is held to its deterministic kernels. Yields a CPU generator of the same seed.
    """
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices=[]))
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            stack.enter_context(torch.random.fork_rng(devices=[torch.cuda.current_device()]))
            stack.enter_context(torch.backends.cudnn.flags(deterministic=True))
            torch.cuda.manual_seed(seed)
        if device.type == "mps":
            stack.callback(torch.mps.set_rng_state, torch.mps.get_rng_state())
            torch.mps.manual_seed(seed)
        yield torch.Generator().manual_seed(seed)
