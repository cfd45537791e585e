"""Connectionist temporal classification (Graves et al. 2006): its loss, and the texts that scores over time tell.

A path has a symbol for each moment; 0 is nothing new. What it says is the path without repetitions and then without 0.
How probable a text is is the sum over all paths that say it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, inf, log, log1p
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from concours.entrants.listening import SURE

Said = list[tuple[tuple[int, ...], float]]
"""Symbols, and the logarithm of how probable they are; best first."""

_UNLIKELY = 1e-4


def surprise(scores: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
    """The mean surprise by a symbol, a `Loss`; what cannot be said in so few moments counts nothing.

    Args:
        scores: (n, moments, symbols), of which those that begin with `SURE` lie behind the end.
        targets: (n, longest) symbols, filled up by 0.
        weights: (n,).
    """
    moments, lengths = (scores[:, :, 0] != SURE).sum(dim=1), (targets != 0).sum(dim=1)
    logs = scores.log_softmax(dim=2).transpose(0, 1)
    lost = functional.ctc_loss(logs, targets.long(), moments, lengths, reduction="none", zero_infinity=True)
    return (lost if weights is None else weights * lost).sum() / lengths.sum()


def greedy(logs: NDArray[Any]) -> Said:
    """What the most probable path says, with the logarithm of that path's probability. `logs`: (moments, symbols)."""
    path = logs.argmax(axis=1)
    kept = path[np.concatenate([[True], path[1:] != path[:-1]])]
    return [(tuple(kept[kept != 0].tolist()), float(logs.max(axis=1).sum()))]


def beam_search(logs: NDArray[Any], *, width: int, least: float = _UNLIKELY) -> Said:
    """At most `width` texts, by prefixes of which as many are kept at each moment (Hannun et al. 2014).

    Args:
        logs: (moments, symbols) logarithms of probabilities.
        least: symbols that are less probable at a moment are not looked at.

    Law: with a width above the number of texts, and no `least`, the sums over all paths.
    """
    beams: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, -inf)}
    least_log = log(least) if least else -inf
    for moment in logs:
        likely = np.flatnonzero(moment >= min(least_log, moment.max())).tolist()
        found: dict[tuple[int, ...], tuple[float, float]] = {}
        for text, (quiet, sounding) in beams.items():
            both = _sum(quiet, sounding)
            for symbol in likely:
                value = float(moment[symbol])
                if symbol == 0:
                    _add(found, text, both + value, -inf)
                elif text and symbol == text[-1]:
                    _add(found, text, -inf, sounding + value)
                    _add(found, (*text, symbol), -inf, quiet + value)
                else:
                    _add(found, (*text, symbol), -inf, both + value)
        ordered = sorted(found.items(), key=lambda item: -_sum(*item[1]))
        beams = dict(ordered[:width])
    return [(text, _sum(*ends)) for text, ends in beams.items()]


def _add(found: dict[tuple[int, ...], tuple[float, float]], text: tuple[int, ...], quiet: float, other: float) -> None:
    if quiet == other == -inf:
        return
    before = found.get(text, (-inf, -inf))
    found[text] = _sum(before[0], quiet), _sum(before[1], other)


def _sum(one: float, other: float) -> float:
    """The logarithm of the sum of two numbers that are given as logarithms."""
    low, high = (one, other) if one < other else (other, one)
    return high if low == -inf else high + log1p(exp(low - high))


def logs_of(scores: Tensor) -> list[NDArray[np.float64]]:
    """Logarithms of probabilities of each sound, (moments, symbols), up to its end."""
    moments: Sequence[int] = (scores[:, :, 0] != SURE).sum(dim=1).tolist()
    logs = scores.double().log_softmax(dim=2).cpu().numpy()
    return [one[:count] for one, count in zip(logs, moments, strict=True)]
