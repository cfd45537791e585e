"""How far generators' pictures are from real ones, and how well they pass with discriminators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core.seeds import derive_seed
from concours.kernels.ranking.ranks import placings
from concours.kernels.ranking.tiers import tiers
from concours.kernels.scoring.frechet import frechet_distance
from concours.kernels.scoring.rounded import rounded
from concours.kernels.scoring.scores import Means, replicate_means

Floats = NDArray[np.float64]

_FEATURES = 16
_ROUNDS = 100
_Z = 1.96


@dataclass(frozen=True, kw_only=True, eq=False)
class Components:
    """The 16 leading principal components of features.

    Attributes:
        mean: (features,) of those known.
        directions: (components, features).
    """

    mean: Floats
    directions: Floats

    @classmethod
    def of_known(cls, raw: Floats) -> Components:
        """By features (rows, features) that are known."""
        mean = raw.mean(axis=0)
        return cls(mean=mean, directions=np.linalg.svd(raw - mean, full_matrices=False)[2][:_FEATURES])

    def of(self, raw: Floats) -> Floats:
        """(rows, components) of features (rows, features)."""
        return np.asarray((raw - self.mean) @ self.directions.T)


def passing(drawn: Floats, real: Floats) -> Floats:
    """(drawn, real): 1 where a discriminator finds a drawn picture more real than a real one, a half if equally so.

    Args:
        drawn, real: how real it finds each.
    """
    said, of_real = drawn[:, None], real[None]
    return np.asarray((said > of_real) + 0.5 * (said == of_real), dtype=np.float64)


def generators(
    drawn: Sequence[Floats], real: Floats, known: Floats, passed: Sequence[Sequence[Floats]], *, seed: int
) -> dict[str, Any]:
    """The distances of generators and how well they pass, an estimate as [value, low, high] of 95% by the bootstrap.

    The distance is that of Fréchet. A picture passes with a discriminator as far as this finds it more real than real
    pictures: the mean share of these, a half if it cannot tell. The panel of a generator is all discriminators but the
    one that it trained against.

    Args:
        drawn, real, known: components (rows, components) of what each generator has drawn, of as many real pictures,
            and of as many that the components are known by.
        passed: of each generator and discriminator what `passing` tells; the d-th discriminator trained against the
            d-th generator.

    Returns:
        rows: how many real pictures, and pictures of each generator.
        distance, panel: a generator. distance_ranks, panel_ranks: [rank, best, worst]. tier: by distance. Where there
        is one discriminator, there is no panel.
        passing: a generator and discriminator, the mean share.
        real: the distance of the pictures that are known.
    """
    distance, panel = _bootstrapped(drawn, real, passed, seed)
    several = len(passed[0]) > 1
    return {
        "rows": len(real),
        "distance": _with_ends(distance),
        "panel": _with_ends(panel) if several else None,
        "distance_ranks": placings(distance, greater_is_better=False).tolist(),
        "panel_ranks": placings(panel, greater_is_better=True).tolist() if several else None,
        "tier": tiers(distance, greater_is_better=False).tolist(),
        "passing": rounded([[won.mean() for won in row] for row in passed]),
        "real": rounded(frechet_distance(known, real)),
    }


def _bootstrapped(
    drawn: Sequence[Floats], real: Floats, passing: Sequence[Sequence[Floats]], seed: int
) -> tuple[Means, Means]:
    """Distances and mean passing shares of the panels; both kinds of pictures are drawn anew, the real ones for all."""
    rng, count = np.random.default_rng(derive_seed(seed, "bootstrap")), len(real)
    panels = [[won for d, won in enumerate(row) if d != g] or list(row) for g, row in enumerate(passing)]
    panel_matrices = [np.mean(panel, axis=0) for panel in panels]
    distances, shares = [], []
    for _ in range(_ROUNDS):
        of_real = rng.integers(count, size=count)
        each = [rng.integers(count, size=count) for _ in drawn]
        distances.append([frechet_distance(some[rows], real[of_real]) for some, rows in zip(drawn, each, strict=True)])
        shares.append([m[rows][:, of_real].mean() for m, rows in zip(panel_matrices, each, strict=True)])
    seen = np.array([frechet_distance(some, real) for some in drawn])
    passed = np.array([matrix.mean() for matrix in panel_matrices])
    return replicate_means(seen, np.array(distances)), replicate_means(passed, np.array(shares))


def _with_ends(means: Means) -> list[list[float]]:
    halves = _Z * means.stderr
    return [rounded([m, max(m - half, 0.0), m + half]) for m, half in zip(means.means, halves, strict=True)]
