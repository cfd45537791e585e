"""Gaussian noise on a sum whose parts are bounded: what makes training differentially private.

Of rows, at a site, it is DP-SGD (Abadi et al. 2016, "Deep learning with differential privacy"); of sites, at a server,
DP-FedAvg (McMahan et al. 2018, "Learning differentially private recurrent language models"). The arithmetic is one:
clip each part to a bound, add up, add noise of as many times the bound as the accountant wants, and divide by how many
parts were to be expected, since how many there are would tell of one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from concours.kernels.privacy.chance import Chance

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Mechanism:
    """Gaussian noise for a sum of parts that are each no longer than `bound`.

    Attributes:
        bound: the greatest Euclidean norm of a part, above 0; what one part more or less can change of the sum.
        noise: the noise's deviation in units of the bound, 0 or more; by an accountant, for an ε.
        rate: the probability with which a part is in the sum, above 0 and at most 1.
    """

    bound: float
    noise: float
    rate: float = 1.0

    def __post_init__(self) -> None:
        if not self.bound > 0:
            raise ValueError(f"the bound of a part must be above 0; got {self.bound!r}")
        if not self.noise >= 0:
            raise ValueError(f"noise must be 0 or more; got {self.noise!r}")
        if not 0 < self.rate <= 1:
            raise ValueError(f"the rate of a sample must be above 0 and at most 1; got {self.rate!r}")

    def mean(self, parts: Iterable[Floats], size: int, *, of: int, chance: Chance) -> Floats:
        """The noisy mean (size,) of parts (size,), of which there are `of` to be drawn from.

        Laws: with an infinite bound on what is shorter, no noise and a rate of 1 it is the mean; without noise, one
        part more or less changes it by `bound / (rate * of)` at most, whatever the part.
        """
        total = np.zeros(size)
        for part in parts:
            if factor := clip_factor(float(np.linalg.norm(part)), self.bound):
                total += factor * part
        return np.asarray(self.noised(total, chance) / (self.rate * of))

    def noised(self, total: Floats, chance: Chance) -> Floats:
        """A sum (size,) of clipped parts with the noise added; it is the sum itself where there is none."""
        return total + self.noise * self.bound * chance.normals(total.size) if self.noise else total


def clip_factor(norm: float, bound: float) -> float:
    """By which a part of a norm is shortened to the bound; 1 for one that is short enough; 0 for one that is no number.

    Law: `norm * clip_factor(norm, bound)` is at most the bound, and a part that is short enough stays as it is.
    """
    if not np.isfinite(norm):
        return 0.0
    return 1.0 if norm <= bound else bound / norm
