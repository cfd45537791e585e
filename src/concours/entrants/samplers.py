"""Samplers of pictures that follow from counts and moments: independent pixels, normal distributions, mixtures of them.

Pictures are uint8 (rows, height, width, channels); `X` is what is asked for of each, texts (rows,): labels,
descriptions, or the same in all rows. A sampler learns one distribution for each group of texts: a label is a group;
descriptions come in groups that are alike. A text is drawn from the distribution of its group.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from concours.kernels.rows.conditions import Conditions

Array = NDArray[Any]
Floats = NDArray[np.float64]

_GROUPS = 8
_FEWEST = 10
"""Pictures of a group at least; a smaller one draws as all do."""


def texts_of(X: ArrayLike) -> list[str]:
    """What is asked for, (rows,)."""
    texts = np.asarray(X, dtype=object)
    if texts.ndim != 1:
        raise ValueError(f"X must be texts (rows,), what is to be drawn; got shape {texts.shape}")
    return [str(text) for text in texts]


def pictures_of(y: Any) -> NDArray[np.uint8]:
    """Pictures (rows, height, width, channels) of uint8."""
    pictures = np.asarray(y)
    if pictures.ndim != 4 or pictures.dtype != np.uint8:
        raise ValueError(
            f"y must be pictures, uint8 (rows, height, width, channels); got {pictures.dtype} of shape {pictures.shape}"
        )
    return pictures


class Groups:
    """Texts in groups.

    Args:
        conditions: what texts tell.
        centres: (groups, numbers) of descriptions; of labels none.
        known: (groups,) whether a distribution was learned of it; all others draw from the last, that of all rows.
    """

    def __init__(self, conditions: Conditions, centres: Floats, known: NDArray[np.bool_]) -> None:
        self.conditions, self.centres, self.known = conditions, centres, known

    @classmethod
    def among(cls, texts: list[str], *, conditioned: bool, seed: int) -> Groups:
        """Of texts that are learned from; one group where nobody looks at them."""
        conditions = Conditions.among(texts if conditioned else [""] * len(texts))
        numbers = conditions.of(texts)
        if conditions.whole or len(texts) < _GROUPS * _FEWEST:
            centres = np.zeros((0, conditions.numbers))
        else:
            most = min(_GROUPS, len(np.unique(numbers.round(9), axis=0)))
            found = KMeans(most, n_init=1, random_state=seed % 2**32).fit(numbers)
            centres = np.asarray(found.cluster_centers_, dtype=np.float64)
        groups = cls(conditions, centres, np.ones(conditions.numbers if conditions.whole else len(centres), np.bool_))
        counts = np.bincount(groups.of(texts), minlength=len(groups.known) + 1)
        return cls(conditions, centres, counts[: len(groups.known)] >= _FEWEST)

    def of(self, texts: list[str]) -> NDArray[np.int64]:
        """(rows,) groups; the number of all groups where it is none of them."""
        numbers, none = self.conditions.of(texts), len(self.known)
        if not none:
            return np.zeros(len(texts), dtype=np.int64)
        if self.conditions.whole:
            found = np.where(numbers.any(axis=1), numbers.argmax(axis=1), none)
        else:
            found = np.square(numbers[:, None] - self.centres).sum(axis=2).argmin(axis=1)
        there = np.append(self.known, True)[found]
        return np.where(there, found, none)

    def tensors(self) -> dict[str, Array]:
        return {"turn": self.conditions.turn, "centres": self.centres, "known": self.known.astype(np.uint8)}

    @classmethod
    def of_tensors(cls, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Groups:
        conditions = Conditions.from_json(state, np.asarray(tensors["turn"], dtype=np.float64))
        return cls(conditions, np.asarray(tensors["centres"], dtype=np.float64), tensors["known"].astype(np.bool_))


class GroupSampler(BaseEstimator):
    """What samplers share that learn a distribution a group.

    Fitted: `groups_`, `shape_`, and `parts_`, of each group and at last of all rows the arrays of its distribution.
    """

    conditioned: bool
    random_state: Any

    def fit(self, X: ArrayLike, y: Any) -> Self:
        texts, pictures = texts_of(X), pictures_of(y)
        rng = check_random_state(self.random_state)
        seed = int(rng.randint(2**31 - 1))
        self.shape_ = tuple(pictures.shape[1:])
        flat = pictures.reshape(len(pictures), -1)
        self.groups_ = Groups.among(texts, conditioned=self.conditioned, seed=seed)
        whose = self.groups_.of(texts)
        rows = [np.flatnonzero(whose == group) for group in range(len(self.groups_.known))]
        everything = np.arange(len(flat))
        self.parts_ = [
            self._learned(flat[some if there else everything[:0]], seed) if there else {}
            for some, there in zip(rows, self.groups_.known, strict=True)
        ]
        self.parts_.append(self._learned(flat, seed))
        self.seed_ = seed
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.uint8]:
        """A picture for each text; the same texts get the same pictures."""
        check_is_fitted(self, "parts_")
        texts = texts_of(X)
        whose, rng = self.groups_.of(texts), np.random.default_rng(self.seed_)
        drawn = np.empty((len(texts), int(np.prod(self.shape_))))
        for group, part in enumerate(self.parts_):
            if len(rows := np.flatnonzero(whose == group)):
                drawn[rows] = self._drawn(part, len(rows), rng)
        return np.clip(np.rint(drawn), 0, 255).astype(np.uint8).reshape(-1, *self.shape_)

    def _learned(self, flat: Array, seed: int) -> dict[str, Array]:
        """The distribution of pictures (rows, values), of 0 to 255."""
        raise NotImplementedError

    def _drawn(self, part: Mapping[str, Array], count: int, rng: np.random.Generator) -> Floats:
        """(count, values) samples of it."""
        raise NotImplementedError

    def get_state(self) -> dict[str, Any]:
        check_is_fitted(self, "parts_")
        return {
            **self.groups_.conditions.to_json(),
            "shape": list(self.shape_),
            "seed": self.seed_,
            "parts": len(self.parts_),
        }

    def get_tensors(self) -> dict[str, Array]:
        check_is_fitted(self, "parts_")
        named = {f"{number}.{name}": array for number, part in enumerate(self.parts_) for name, array in part.items()}
        return {name: np.ascontiguousarray(array) for name, array in {**self.groups_.tensors(), **named}.items()}

    def set_tensors(self, tensors: Mapping[str, Array], state: Mapping[str, Any]) -> Self:
        self.groups_ = Groups.of_tensors(tensors, state)
        self.shape_, self.seed_ = tuple(state["shape"]), int(state["seed"])
        self.parts_ = [
            {name.partition(".")[2]: array for name, array in tensors.items() if name.startswith(f"{number}.")}
            for number in range(state["parts"])
        ]
        return self


class IndependentPixels(GroupSampler):
    """Each value of a picture by itself, as often as it was there: p(x) = ∏ p(xᵢ), the histogram of each pixel.

    `conditioned`: whether for each group of texts; by default what is asked for does not count.
    """

    def __init__(self, *, conditioned: bool = False, random_state: int | np.random.RandomState | None = None) -> None:
        self.conditioned = conditioned
        self.random_state = random_state

    def _learned(self, flat: Array, seed: int) -> dict[str, Array]:
        """256 quantiles of each value."""
        del seed
        levels = np.quantile(flat, (np.arange(256) + 0.5) / 256, axis=0, method="inverted_cdf")
        return {"levels": levels.astype(np.uint8)}

    def _drawn(self, part: Mapping[str, Array], count: int, rng: np.random.Generator) -> Floats:
        levels = part["levels"]
        chosen = rng.integers(len(levels), size=(count, levels.shape[1]))
        return levels[chosen, np.arange(levels.shape[1])].astype(np.float64)


class GaussianSampler(GroupSampler):
    """Normal distributions in the space of principal components, one or a mixture of several (McLachlan and Peel 2000).

    `components`: at most so many principal components, that keep `kept` of the variance. `parts`: normal distributions
    a group, fewer where it has few pictures: each takes `rows_each`. `conditioned`: whether for each group of texts.
    """

    def __init__(
        self,
        *,
        parts: int = 1,
        components: int = 64,
        kept: float = 0.98,
        rows_each: int = 12,
        conditioned: bool = True,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.parts = parts
        self.components = components
        self.kept = kept
        self.rows_each = rows_each
        self.conditioned = conditioned
        self.random_state = random_state

    def _learned(self, flat: Array, seed: int) -> dict[str, Array]:
        rows = flat.astype(np.float64)
        mean = rows.mean(axis=0)
        _, lengths, directions = np.linalg.svd(rows - mean, full_matrices=False)
        shares = np.cumsum(np.square(lengths)) / max(float(np.square(lengths).sum()), 1e-12)
        most = min(self.components, int(np.searchsorted(shares, self.kept)) + 1, max(len(rows) - 1, 1))
        directions = directions[:most]
        points = (rows - mean) @ directions.T
        parts = max(1, min(self.parts, len(rows) // self.rows_each))
        floor = 1e-3 * float(points.var(axis=0).mean()) + 1e-6
        if parts == 1:
            covariances = [np.cov(points, rowvar=False).reshape(most, most) + floor * np.eye(most)]
            weights, centres = np.ones(1), points.mean(axis=0)[None]
        else:
            found = GaussianMixture(parts, covariance_type="full", reg_covar=floor * 10, random_state=seed).fit(points)
            weights, centres, covariances = found.weights_, found.means_, found.covariances_
        roots = np.stack([np.linalg.cholesky(one) for one in covariances])
        found_here = {"mean": mean, "directions": directions, "weights": weights, "centres": centres, "roots": roots}
        return {name: np.ascontiguousarray(array, dtype=np.float32) for name, array in found_here.items()}

    def _drawn(self, part: Mapping[str, Array], count: int, rng: np.random.Generator) -> Floats:
        weights = part["weights"].astype(np.float64)
        whose = rng.choice(len(weights), size=count, p=weights / weights.sum())
        noise = rng.standard_normal((count, part["centres"].shape[1]))
        points = part["centres"][whose] + np.einsum("rij,rj->ri", part["roots"][whose], noise)
        return np.asarray(part["mean"] + points @ part["directions"], dtype=np.float64)
