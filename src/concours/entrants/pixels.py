"""Pictures as models from elsewhere take them: of one size, with so many colours, standardised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Pixels:
    """How a model takes pictures.

    Attributes:
        size: height and width in pixels; none where it takes any, or keeps the shape of a picture.
        edges: where it keeps that, its shorter side, unless the longer one would be more than the second number then.
        mean, deviation: of each colour, or of all, between 0 and 1.
        colours: how many.
    """

    size: tuple[int, int] | None = None
    edges: tuple[int, int] | None = None
    mean: tuple[float, ...] = (0.0,)
    deviation: tuple[float, ...] = (1.0,)
    colours: int = 3

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Pixels:
        """From JSON."""
        size, edges = told.get("size"), told.get("edges")
        return cls(
            size=None if size is None else (int(size[0]), int(size[1])),
            edges=None if edges is None else (int(edges[0]), int(edges[1])),
            mean=tuple(told["mean"]),
            deviation=tuple(told["deviation"]),
            colours=int(told["colours"]),
        )

    def sized(self, height: int, width: int) -> tuple[int, int]:
        """The size that a picture of that one is brought to."""
        if self.edges is None:
            return self.size or (height, width)
        shorter, longer = self.edges
        scale = min(shorter / min(height, width), longer / max(height, width))
        return max(1, round(height * scale)), max(1, round(width * scale))

    def taken(self, pictures: NDArray[Any], largest: float) -> Floats:
        """Pictures (n, height, width[, colours]) as (n, colours, height, width).

        Grey becomes as many equal colours, colours become grey by their mean; sizes change by straight lines between
        pixels, over as many as fall into one.

        Args:
            largest: the value that is 1 then.
        """
        x = np.asarray(pictures, dtype=np.float32) / np.float32(largest)
        x = x[:, None] if x.ndim == 3 else np.moveaxis(x, 3, 1)
        if x.shape[1] != self.colours:
            x = x.mean(axis=1, keepdims=True)
        if x.shape[2:] != (size := self.sized(*x.shape[2:])):
            x = np.stack([np.stack([_sized(plane, size) for plane in picture]) for picture in x])
        x = np.broadcast_to(x, (len(x), self.colours, *x.shape[2:]))
        found: Floats = (x - by_colour(self.mean)) / by_colour(self.deviation)
        return found


def by_colour(values: tuple[float, ...]) -> Floats:
    """Numbers for each colour, or one for all, beside pictures (n, colours, height, width)."""
    return np.array(values, dtype=np.float32).reshape(1, -1, 1, 1)


def _sized(plane: Floats, size: tuple[int, int]) -> Floats:
    image = Image.fromarray(np.ascontiguousarray(plane))
    return np.asarray(image.resize(size[::-1], Image.Resampling.BILINEAR))
