"""The reference network, in whose features sets of pictures are compared: one of patches (Coates, Ng and Lee 2011).

Filters are patches of the pictures that are fitted on; what they answer is rectified and pooled by quarters; two sets
of directions through that are its features: those that tell the conditions of pictures apart, by ridge regression, and
the principal components. All of it follows from pictures and conditions in closed form, so that the same pictures
give the same network on any machine, and its numbers are few: it travels as a text, whose digest names it.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, fields
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from concours.core.digests import digest_bytes

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Pictures = NDArray[np.uint8]

_FILTERS, _SIDE, _QUARTERS = 32, 3, 2
_LONGEST: Final = 16
"""Pixels of a side that the network looks at; larger pictures are averaged down to that."""
_TOLD, _SPREAD = 10, 10
"""Features at most of either set."""
_RIDGE: Final = 1e-2
_TRIED: Final = 40
_AT_ONCE: Final = 512


@dataclass(frozen=True, kw_only=True, eq=False)
class Reference:
    """A reference network.

    Attributes:
        filters: (filters, 3 × 3 × channels), of length 1 and mean 0.
        threshold: (1,), above which a filter answers: what it answers on average, regardless of sign.
        mean: (hidden,) of what is pooled, of pictures that it was fitted on.
        directions: (hidden, features); real pictures have a variance of 1 on average along each set of them.
    """

    filters: NDArray[np.float16]
    threshold: NDArray[np.float16]
    mean: NDArray[np.float16]
    directions: NDArray[np.float16]

    @property
    def features(self) -> int:
        """How many features there are."""
        return int(self.directions.shape[1])

    @property
    def digest(self) -> str:
        """Of its text."""
        return str(digest_bytes(self.text.encode()))

    @property
    def text(self) -> str:
        """It as a text: how many filters there are, of how many numbers, and features; then all numbers as base 85."""
        numbers = np.concatenate([getattr(self, each.name).ravel() for each in fields(self)]).astype("<f2")
        count, patch = self.filters.shape
        return f"{count} {patch} {self.features} {base64.b85encode(numbers.tobytes()).decode()}"

    @classmethod
    @cache
    def of_text(cls, text: str) -> Reference:
        """The inverse of `text`. Raises ValueError where it is no such text."""
        *sizes, content = text.split(" ", 3)
        count, patch, features = map(int, sizes)
        numbers = np.frombuffer(base64.b85decode(content), dtype="<f2").astype(np.float16)
        hidden, over = divmod(len(numbers) - count * patch - 1, 1 + features)
        if over or hidden < 1 or min(count, patch, features) < 1:
            raise ValueError("this is no reference network: it has too few numbers, or too many")
        filters, threshold, mean, directions = np.split(numbers, np.cumsum([count * patch, 1, hidden]))
        return cls(
            filters=filters.reshape(count, patch),
            threshold=threshold,
            mean=mean,
            directions=directions.reshape(hidden, features),
        )

    @classmethod
    def fitted(cls, pictures: Pictures, conditions: Floats, *, seed: int = 0) -> Reference:
        """Of pictures (rows, height, width, channels) and what is known of each, (rows, columns), perhaps none.

        Laws: a function of its arguments; the order of the rows counts only for which patches become filters.
        """
        small = _small(pictures)
        filters = _filters(small, np.random.default_rng(seed))
        patches = _patches(small[:_AT_ONCE]) @ filters.T
        begun = cls(
            filters=filters.astype(np.float16),
            threshold=np.array([np.abs(patches).mean()], dtype=np.float16),
            mean=np.zeros(0, dtype=np.float16),
            directions=np.zeros((0, 0), dtype=np.float16),
        )
        hidden = begun._hidden(pictures)
        mean = hidden.mean(axis=0)
        away = hidden - mean
        sets = [_telling(away, conditions)] if conditions.shape[1] > 1 else []
        sets.append(_leading(away, _SPREAD))
        scaled = [each / max(float(np.sqrt((away @ each).var(axis=0).mean())), 1e-9) for each in sets]
        return cls(
            filters=begun.filters,
            threshold=begun.threshold,
            mean=mean.astype(np.float16),
            directions=np.concatenate(scaled, axis=1).astype(np.float16),
        )

    def of(self, pictures: Pictures) -> Floats:
        """Features (rows, features) of pictures (rows, height, width, channels)."""
        return (self._hidden(pictures) - self.mean.astype(np.float64)) @ self.directions.astype(np.float64)

    def _hidden(self, pictures: Pictures) -> Floats:
        """What filters answer, and the pictures themselves, pooled by quarters, (rows, hidden)."""
        parts = [_small(pictures[start : start + _AT_ONCE]) for start in range(0, len(pictures), _AT_ONCE)]
        return np.concatenate([self._pooled(part) for part in parts])

    def _pooled(self, small: Singles) -> Floats:
        answers = _patches(small) @ self.filters.astype(np.float32).T
        answers -= np.float32(self.threshold[0])
        np.maximum(answers, 0, out=answers)
        return np.concatenate([_quarters(answers), _quarters(small)], axis=1).astype(np.float64)


def _filters(small: Singles, rng: np.random.Generator) -> Floats:
    """Patches (filters, …) at places drawn by chance, those that are not even ones, of length 1."""
    rows = rng.permutation(len(small))[: _FILTERS * _TRIED]
    patches = _patches(small[rows]).reshape(-1, _SIDE**2 * small.shape[-1])
    tried = patches[rng.permutation(len(patches))[: _FILTERS * _TRIED]]
    lengths = np.sqrt(np.square(tried).sum(axis=1))
    chosen = tried[lengths >= max(float(np.quantile(lengths, 0.5)), 1e-6)][:_FILTERS]
    if not len(chosen):
        return np.zeros((1, patches.shape[1]))
    return np.asarray(chosen / np.sqrt(np.square(chosen).sum(axis=1, keepdims=True)))


def _telling(away: Floats, conditions: Floats) -> Floats:
    """(hidden, features) directions that tell conditions apart."""
    gram = away.T @ away
    pull = _RIDGE * np.trace(gram) / len(gram)
    found = np.linalg.solve(gram + pull * np.eye(len(gram)), away.T @ (conditions - conditions.mean(axis=0)))
    return np.asarray(found @ _leading(away @ found, _TOLD))


def _leading(points: Floats, most: int) -> Floats:
    """(columns, features) principal directions of centred points, each with its largest number positive."""
    values, vectors = np.linalg.eigh(points.T @ points)
    order = np.argsort(-values, kind="stable")[:most]
    vectors = vectors[:, order[values[order] > 1e-9 * max(float(values.max()), 1e-300)]]
    signs = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])])
    return np.asarray(vectors * signs)


def _small(pictures: Pictures) -> Singles:
    """Pictures in [0, 1], of at most 16 pixels a side, by means."""
    found = pictures.astype(np.float32) / np.float32(255)
    for axis in (1, 2):
        size = found.shape[axis]
        if size > _LONGEST:
            starts = np.arange(_LONGEST) * size // _LONGEST
            lengths = np.diff(np.append(starts, size)).reshape([-1 if one == axis else 1 for one in range(found.ndim)])
            found = np.add.reduceat(found, starts, axis=axis) / lengths.astype(np.float32)
    return found


def _patches(small: Singles) -> Singles:
    """(rows, height, width, 3 × 3 × channels), each less its mean; beyond the edges is what lies at them."""
    wide = np.pad(small, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    found = np.lib.stride_tricks.sliding_window_view(wide, (_SIDE, _SIDE), axis=(1, 2))
    flat = found.reshape(*small.shape[:3], -1)
    return np.asarray(flat - flat.mean(axis=-1, keepdims=True))


def _quarters(maps: Singles) -> Singles:
    """Means of maps (rows, height, width, channels) over quarters, (rows, 4 × channels)."""
    cuts = [np.array_split(np.arange(size), min(_QUARTERS, size)) for size in maps.shape[1:3]]
    means = [maps[:, down[0] : down[-1] + 1, across[0] : across[-1] + 1].mean(axis=(1, 2))
             for down in cuts[0] for across in cuts[1]]  # fmt: skip
    return np.concatenate(means, axis=1)
