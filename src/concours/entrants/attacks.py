"""Attacks: changes of inputs, small by the greatest change of any number (L-infinity), that make a classifier err.

FGSM (Goodfellow et al. 2015) and PGD (Madry et al. 2018) follow the gradient of a network. The square attack
(Andriushchenko et al. 2020) asks for predictions alone, so it works against any model, and tells a network whose
gradients are hidden from one that is robust (Athalye et al. 2018).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.nn import functional

Scores = Callable[[Tensor], Tensor]
"""From inputs (n, *shape) to a score a class (n, classes), the greatest of which is named: logits, or probabilities."""

_PART = 512
"""Rows that are attacked at a time."""

_DROPS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)
"""Of 10,000 queries: after which of them the squares become half as large (Andriushchenko et al. 2020)."""


@dataclass(frozen=True)
class Box:
    """Rows, and how far each of their numbers may be moved: float32 tensors of one shape (n, *shape).

    Law: low <= rows <= high.

    Attributes:
        reach: by how much a number may change before it meets the end of its range; broadcast to the rows.
    """

    rows: Tensor
    low: Tensor
    high: Tensor
    reach: Tensor

    def __len__(self) -> int:
        return len(self.rows)

    def taken(self, rows: Tensor | slice) -> Box:
        """Some of the rows."""
        return Box(self.rows[rows], self.low[rows], self.high[rows], self.reach)


def box(rows: NDArray[Any], epsilon: float, low: ArrayLike, high: ArrayLike) -> Box:
    """The box of changes by at most `epsilon` times the range of the inputs, within that range.

    A number that is beyond the range already may stay where it is.

    Args:
        rows: (n, *shape).
        epsilon: from 0 to 1.
        low, high: the range, broadcast to a row: one for all pixels of pictures, one a column of tables.

    Raises:
        ValueError: epsilon is not in [0, 1].
    """
    if not 0 <= epsilon <= 1:
        raise ValueError(f"epsilon must be a share of the inputs' range, from 0 to 1; got {epsilon!r}")
    x = torch.from_numpy(np.array(rows, dtype=np.float32))
    least, most = (torch.from_numpy(np.array(end, dtype=np.float32)) for end in (low, high))
    reach = epsilon * (most - least)
    return Box(
        x, torch.maximum(x - reach, torch.minimum(x, least)), torch.minimum(x + reach, torch.maximum(x, most)), reach
    )


def margins(scores: Tensor, y: Tensor) -> Tensor:
    """(n,) by how much the score of the true class exceeds that of every other; the row is named wrongly below 0."""
    true = scores.gather(1, y[:, None])[:, 0]
    others = scores.scatter(1, y[:, None], -torch.inf)
    return true - others.amax(dim=1)


def right(scores: Tensor, y: Tensor) -> Tensor:
    """(n,) bool: whether the class named, of equal scores the first, is the true one."""
    return scores.argmax(dim=1) == y


def _surprise(logits: Tensor, y: Tensor) -> Tensor:
    return functional.cross_entropy(logits, y, reduction="sum")


def _shortfall(logits: Tensor, y: Tensor) -> Tensor:
    return -margins(logits, y).sum()


LOSSES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {"cross_entropy": _surprise, "margin": _shortfall}
"""What an attack makes greater. The margin keeps its gradient where a network is so sure that the cross-entropy, in
float32, has lost its own (Carlini and Wagner 2017)."""


def slope(network: Scores, rows: Tensor, y: Tensor, loss: str) -> Tensor:
    """The gradient of the loss in each input, (n, *shape)."""
    moved = rows.detach().clone().requires_grad_()
    with torch.enable_grad():
        total = LOSSES[loss](network(moved), y)
    (found,) = torch.autograd.grad(total, moved)
    return found


def fgsm(network: Scores, box: Box, y: Tensor, *, loss: str = "cross_entropy") -> Tensor:
    """Every number as far as it may go against its gradient's sign, in one step (Goodfellow et al. 2015).

    Law: against two classes and a linear network no other change within the box is stronger.
    """
    gradient = slope(network, box.rows, y, loss)
    return torch.where(gradient > 0, box.high, torch.where(gradient < 0, box.low, box.rows))


def pgd(
    network: Scores,
    box: Box,
    y: Tensor,
    *,
    steps: int = 10,
    step: float = 0.25,
    restarts: int = 1,
    loss: str = "cross_entropy",
    generator: torch.Generator,
) -> Tensor:
    """Several steps along the gradient's sign from random points of the box, and back into it (Madry et al. 2018).

    Of the ends of several `restarts`, and of the rows as they were, each row keeps what has the least margin.

    Args:
        step: of one step, as a share of the box's reach.
    """
    best, least = box.rows, _margins_of(network, box.rows, y)
    for _ in range(restarts):
        moved = box.low + (box.high - box.low) * torch.rand(box.rows.shape, generator=generator)
        for _ in range(steps):
            ahead = moved + step * box.reach * slope(network, moved, y, loss).sign()
            moved = ahead.clamp(box.low, box.high)
        margin = _margins_of(network, moved, y)
        best, least = _better(best, least, moved, margin)
    return best


def square(
    scores: Scores, box: Box, y: Tensor, *, queries: int = 100, share: float = 0.3, generator: torch.Generator
) -> Tensor:
    """Random squares of a picture, or sets of columns of a table, go to the ends of the box, and stay where that helps.

    Asks for scores of the rows that are still named rightly, once a query (Andriushchenko et al. 2020).

    Args:
        share: of a row's numbers that change at once at first; it becomes less as queries are spent.
    """
    best = _stripes(box, generator)
    least = _margins_of(scores, box.rows, y)
    best, least = _better(box.rows, least, best, _margins_of(scores, best, y))
    for query in range(1, queries):
        open_ = torch.nonzero(least >= 0)[:, 0]
        if not len(open_):
            break
        part = box.taken(open_)
        moved = _with_patch(best[open_], part, _left(share, query, queries), generator)
        best[open_], least[open_] = _better(best[open_], least[open_], moved, _margins_of(scores, moved, y[open_]))
    return best


ATTACKS: Mapping[str, Callable[..., Tensor]] = {"fgsm": fgsm, "pgd": pgd, "square": square}
"""Attacks by name; `fgsm` and `pgd` want a network that gradients go through."""


def attack(
    name: str, scores: Scores, box: Box, y: Tensor, settings: Mapping[str, Any], *, generator: torch.Generator
) -> Tensor:
    """The rows as the attack of this name leaves them, (n, *shape); some hundred at a time, each within its box.

    Law: a function of its arguments and the state of the generator.
    """
    chance = {} if name == "fgsm" else {"generator": generator}
    parts = torch.arange(len(box)).split(_PART)
    return torch.cat([ATTACKS[name](scores, box.taken(part), y[part], **settings, **chance) for part in parts])


def _margins_of(scores: Scores, rows: Tensor, y: Tensor) -> Tensor:
    with torch.no_grad():
        return margins(scores(rows), y)


def _better(best: Tensor, least: Tensor, moved: Tensor, margin: Tensor) -> tuple[Tensor, Tensor]:
    """Of each row that of two which has the lesser margin."""
    nearer = margin < least
    return torch.where(nearer.view(-1, *[1] * (best.ndim - 1)), moved, best), torch.where(nearer, margin, least)


def _stripes(box: Box, generator: torch.Generator) -> Tensor:
    """Where the square attack begins: whole columns of each picture at one end; of a table each number."""
    n, *shape = box.rows.shape
    size = (n, 1, *shape[1:]) if len(shape) == 3 else (n, *shape)
    return torch.where(torch.rand(size, generator=generator) < 0.5, box.low, box.high)


def _left(share: float, query: int, queries: int) -> float:
    """The share of the numbers that change at once in a query."""
    done = 10_000 * query / queries
    return share / 2 ** sum(done > drop for drop in _DROPS)


def _with_patch(rows: Tensor, box: Box, share: float, generator: torch.Generator) -> Tensor:
    """The rows (n, *shape) with some of their numbers at an end of the box: a square in each picture, else any."""
    n, *shape = rows.shape
    if len(shape) != 3:
        count = max(1, round(share * prod(shape)))
        order = torch.rand((n, prod(shape)), generator=generator).argsort(dim=1)
        inside = (order < count).view(n, *shape)
        high = torch.rand((n, *shape), generator=generator) < 0.5
    else:
        height, width, colours = shape
        side = int(np.clip(round((share * height * width) ** 0.5), 1, min(height, width)))
        top, left = (torch.randint(size - side + 1, (n, 1), generator=generator) for size in (height, width))
        down, across = torch.arange(height), torch.arange(width)
        in_rows, in_columns = (down >= top) & (down < top + side), (across >= left) & (across < left + side)
        inside = (in_rows[:, :, None] & in_columns[:, None, :])[..., None]
        high = torch.rand((n, 1, 1, colours), generator=generator) < 0.5
    return torch.where(inside, torch.where(high, box.high, box.low), rows)
