"""Which sites look like liars, and why: those that stand out among all over the rounds, by what their updates show.

Honest sites differ too, the more so the less their rows are alike, and a site's difference is the same in each round.
So what counts is how far a site lies from the others beside how far these lie from one another, by medians, which a
minority of liars does not move. That bounds false alarms, and means that a lie no greater than the differences among
the honest is not seen: who is not named here is not thereby honest. `benchmarks/liars.py` prints how often either
happens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import theilslopes

from concours.kernels.federating.evidence import Evidence

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

FEWEST: Final = 4
"""Sites below which there is no majority that one could stand out from."""

LEVEL: Final = 0.05
"""How often, about, anybody is named among honest sites that differ as a normal distribution does."""

TWICE: Final = float(np.log(2))
"""An update is too long only if it is twice as long as it should be: nearly equal sites must not accuse one another."""

WHY: Final = ("long", "against", "unlike")
"""Signs of a liar, in the order of `Suspicion.beyond`."""

_MAD: Final = 1.4826
_DRAWS: Final = 2_000_000
_TINY: Final = 1e-12


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """A round: which sites sent an update, (k,) numbers from 0; of how many rows each; and what the updates show."""

    sites: Codes
    rows: Codes
    shown: Evidence


Reading = Callable[[Sighting], Floats]
"""A number of each site of a round, (k,)."""


@dataclass(frozen=True, kw_only=True)
class Suspicion:
    """What the rounds say of a site; medians over the rounds in which it sent an update.

    Attributes:
        site: its number.
        rounds: in how many it sent one.
        length: how many times as long its updates are as those of sites with as many rows.
        cosine: with the median of the others' updates.
        likeness: see `Evidence`.
        place: of its distance to its nearest half, among the sites of a round; 0 the nearest, 1 the farthest.
        why: "empty", "long", "against", "unlike"; none of one that does not look like a liar.
        beyond: for each of "long", "against", "unlike", how far it lies beyond the middle, where 1 is the farthest
            that is not named.
    """

    site: int
    rounds: int
    length: float
    cosine: float
    likeness: float
    place: float
    why: tuple[str, ...]
    beyond: tuple[float, float, float]


def suspicions(sightings: Sequence[Sighting]) -> list[Suspicion]:
    """Of each site that sent an update, in the order of their numbers.

    A site is named if its updates are all empty; if they are twice as long as they should be, and longer than those of
    honest sites are; if they point against the rest's median, and more so than those of honest sites do; or if they are
    less like a quarter of the others' than those of honest sites are.

    Laws: no round changes anything by the order in which it names sites; scaling all updates changes nothing. Raises
    ValueError where fewer than `FEWEST` sites sent updates.
    """
    sites = np.unique(np.concatenate([each.sites for each in sightings])) if sightings else np.zeros(0, np.int64)
    if len(sites) < FEWEST:
        raise ValueError(f"among fewer than {FEWEST} sites nobody stands out; got {len(sites)}")
    seen = {name: _by_site(sightings, sites, values) for name, values in _READINGS.items()}
    middle = {name: np.array([np.median(own) for own in each]) for name, each in seen.items()}
    length = _for_its_rows(middle["length"], np.log(np.maximum(middle["rows"], 1)))
    turned = -np.concatenate(seen["turn"]), -np.concatenate(seen["alone"])
    beyond = np.stack([
        _beyond(length),
        _beyond(-middle["turn"], turned[0]),
        _beyond(-middle["alone"], turned[1]),
    ])  # fmt: skip
    empty = np.array([max(own) == 0 for own in seen["norm"]])
    named = (beyond > 1) & np.stack([length > TWICE, middle["cosine"] < 0, np.ones(len(sites), np.bool_)]) & ~empty
    return [
        Suspicion(
            site=int(site),
            rounds=len(seen["norm"][i]),
            length=float(np.exp(length[i])),
            cosine=float(middle["cosine"][i]),
            likeness=float(middle["likeness"][i]),
            place=float(middle["place"][i]),
            why=("empty",) if empty[i] else tuple(w for w, n in zip(WHY, named[:, i], strict=True) if n),
            beyond=(float(beyond[0, i]), float(beyond[1, i]), float(beyond[2, i])),
        )
        for i, site in enumerate(sites)
    ]


def _centred(values: Floats) -> Floats:
    return np.asarray(values - np.median(values))


def _lengths(sighting: Sighting) -> Floats:
    norm = sighting.shown.norm
    scale = np.median(norm[norm > 0]) if (norm > 0).any() else 1.0
    return _centred(np.log(np.maximum(norm / scale, _TINY)))


def _places(sighting: Sighting) -> Floats:
    ranks = np.argsort(np.argsort(sighting.shown.distance, kind="stable"), kind="stable")
    return np.asarray(ranks / max(len(ranks) - 1, 1))


_READINGS: Final[dict[str, Reading]] = {
    "norm": lambda each: each.shown.norm,
    "rows": lambda each: each.rows.astype(np.float64),
    "length": _lengths,
    "turn": lambda each: _centred(each.shown.cosine),
    "alone": lambda each: _centred(each.shown.likeness),
    "cosine": lambda each: each.shown.cosine,
    "likeness": lambda each: each.shown.likeness,
    "place": _places,
}
"""Numbers of a round's sites; those that are compared over rounds are less the round's median."""


def _by_site(sightings: Sequence[Sighting], sites: Codes, reading: Reading) -> list[Floats]:
    who = np.concatenate([each.sites for each in sightings])
    values = np.concatenate([np.asarray(reading(each), dtype=np.float64) for each in sightings])
    return [values[who == site] for site in sites]


def _for_its_rows(lengths: Floats, rows: Floats) -> Floats:
    """Logarithms of lengths less what sites of as many rows come to: these make more steps, at most one for a row.

    By the median of all slopes between two sites (Theil 1950, Sen 1968), which a quarter of liars does not move.
    """
    if np.ptp(rows) == 0:
        return _centred(lengths)
    slope = float(np.clip(theilslopes(lengths, rows).slope, 0.0, 1.0))
    return _centred(lengths - slope * rows)


def _beyond(figures: Floats, single: Floats | None = None) -> Floats:
    """(sites,): how far above the middle each lies, where 1 is the farthest that `LEVEL` bears.

    Args:
        single: of all sites in all rounds; their spread counts if it is greater, as it is where sites were seen seldom.
    """
    spread = max(_spread(figures), 0.0 if single is None else _spread(single))
    return np.asarray(_centred(figures) / (_farthest(len(figures)) * max(spread, _TINY)))


@cache
def _farthest(sites: int) -> float:
    """How many spreads the farthest of honest sites lies above the middle, in one of so many federations as `LEVEL` and
    the number of signs make it: by drawing them, as of few sites the spread itself is far from sure.
    """
    drawn = np.random.default_rng(0).normal(size=(max(_DRAWS // sites, 2000), sites))
    drawn -= np.median(drawn, axis=1, keepdims=True)
    spreads = _MAD * np.median(np.abs(drawn), axis=1)
    return float(np.quantile(drawn.max(axis=1) / spreads, 1 - LEVEL / len(WHY)))


def _spread(values: Floats) -> float:
    return float(_MAD * np.median(np.abs(_centred(values))))
