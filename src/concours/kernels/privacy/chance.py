"""Where the noise of a private computation comes from: a seed, for study; the system, where it has to protect.

Noise protects nobody from who can draw it again and take it off. Whoever knows a contest's seed can: so a federation in
one process, which must come to the same on every machine, says what privacy costs and what an attack would find, and
protects no one. Where data does not leave its site, the site draws from the system, keeps nothing of what it drew, and
two runs differ.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]

_DRAWS: Final = 4
_MANTISSA: Final = 53


@dataclass(frozen=True)
class Chance:
    """Random numbers of one source.

    Attributes:
        uniform: from a count to so many numbers (count,) above 0 and below 1.
        replayable: whether they can be drawn again by who knows what made it.
    """

    uniform: Callable[[int], Floats]
    replayable: bool

    def normals(self, count: int) -> Floats:
        """(count,) of a standard normal distribution.

        Each is half the sum of four: a float that came of a single draw can tell by its last bits what it was added to
        (Mironov 2012); of the sum of four that cannot be computed any more (Holohan and Braghin 2021, "Secure random
        sampling in differential privacy").
        """
        drawn = ndtri(self.uniform(count * _DRAWS)).reshape(_DRAWS, count)
        return np.asarray(drawn.sum(axis=0) / np.sqrt(_DRAWS))

    def chosen(self, count: int, rate: float) -> NDArray[np.int64]:
        """Which of `count` are in a sample that each is in by itself with probability `rate` (Poisson sampling).

        This is what accountants of subsampled noise assume; rows dealt out in shuffled batches are another thing, of
        which their ε does not hold.
        """
        return np.flatnonzero(self.uniform(count) < rate)


def seeded(seed: int) -> Chance:
    """The same for the same seed: for simulation and tests."""
    generator = np.random.default_rng(seed)
    return Chance(lambda count: _inside(generator.integers(2**_MANTISSA, size=count, dtype=np.uint64)), replayable=True)


def of_system() -> Chance:
    """Drawn from the operating system, which nobody can draw again: for a site whose data must not leave it."""
    return Chance(
        lambda count: _inside(np.frombuffer(os.urandom(8 * count), np.uint64) >> np.uint64(11)), replayable=False
    )


def _inside(whole: NDArray[np.uint64]) -> Floats:
    return np.asarray((whole.astype(np.float64) + 0.5) * 0.5**_MANTISSA)
