"""Sums of what sites send, where no addend may be seen: whole numbers that masks are added to, and who masks with whom.

Numbers go as fixed point modulo 2⁶⁴: masks that cancel in the sum leave it exact, and with a mask that is not known a
word is as likely as any other. The protocol is SecAgg+ (Bell et al. 2020, "Secure single-server aggregation with
(poly)logarithmic overhead", after Bonawitz et al. 2017, "Practical secure aggregation"); keys are `engine.sealing`'s.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.kernels.federating.update import Floats, Tensors, Update

Words = NDArray[np.uint64]

STEP: Final = 2.0**-24
"""What one word more stands for, of a number times the rows of its site."""

_SIDE: Final = 10
"""How many neighbours a site has to either side, where there are more: with so many it is hidden, whoever drops out."""


def to_words(numbers: NDArray[Any], addends: int) -> Words:
    """Numbers (…,) as words (…,), of which so many can be added up.

    Raises:
        ValueError: a number is none, or the sum could come round to where it began.
    """
    steps = np.rint(np.asarray(numbers, dtype=np.float64) / STEP)
    if not np.all(np.abs(steps) < 2.0**63 / addends):
        raise ValueError(
            f"a number times its rows must be below {2.0**63 / addends * STEP:.3g} to be masked, and is not; lower the "
            "learning rate at the sites"
        )
    return steps.astype(np.int64).view(np.uint64)


def to_numbers(words: Words) -> Floats:
    """The inverse.

    Law: of a sum of words of `n` addends it is the sum of their numbers, to within `n * STEP / 2`.
    """
    return words.view(np.int64).astype(np.float64) * STEP


def weighted(update: Update) -> dict[str, Floats]:
    """An update as what is added up: all that it holds times its rows, under its names; `rows`; and `told`, the rows of
    which the loss is told, none where it may not leave.
    """
    loss = update.loss if np.isfinite(update.loss) else 0.0
    told = {name: np.asarray(tensor, dtype=np.float64) * update.rows for name, tensor in update.to_tensors().items()}
    single = {"rows": update.rows, "loss": loss * update.rows, "told": update.rows * np.isfinite(update.loss)}
    return told | {name: np.array([value], dtype=np.float64) for name, value in single.items()}


def mean(total: Mapping[str, Floats]) -> Update:
    """The one update that a sum of weighted ones comes to, of all their rows.

    Law: what a server makes of it is what it makes of them, by a rule that means them by their rows.

    Raises:
        ValueError: it is of no rows.
    """
    rows, told = round(float(total["rows"][0])), float(total["told"][0])
    if rows < 1:
        raise ValueError(f"what sites sent adds up to {rows} rows; expected 1 or more")
    means = {name: numbers / rows for name, numbers in total.items() if "/" in name}
    loss = float(total["loss"][0]) / told if told else float("nan")
    return Update.from_tensors({**means, "rows": np.array(rows), "loss": np.array(loss)})


def like(tensors: Tensors) -> dict[str, tuple[int, ...]]:
    """The shapes of what is masked, in the order in which a mask covers it."""
    return {name: tensors[name].shape for name in sorted(tensors)}


def added(each: Sequence[Mapping[str, Words]]) -> dict[str, Words]:
    """The sum of words by name, of one at least."""
    return reduce(lambda one, other: {name: words + other[name] for name, words in one.items()}, map(dict, each))


def least(near: int) -> int:
    """How many of so many that have a part in a secret find it out together: more than half, so that no two groups of
    them find out two secrets of which only one may be known.
    """
    return near // 2 + 1


def neighbours(count: int, chance: random.Random) -> list[list[int]]:
    """Of each of so many sites, in order, those that mask with it and have a part in its secrets; itself among them.

    Laws: whoever is a neighbour has one; all have as many; of few sites all are neighbours.
    """
    if count <= 2 * _SIDE + 1:
        return [list(range(count)) for _ in range(count)]
    circle = sorted(range(count), key=lambda _: chance.random())
    near = {
        site: sorted(circle[(place + step) % count] for step in range(-_SIDE, _SIDE + 1))
        for place, site in enumerate(circle)
    }
    return [near[site] for site in range(count)]
