"""Pictures as models from elsewhere take them: of one size, with so many colours, standardised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Pixels:
    """How a model takes pictures.

    Attributes:
        size: height and width in pixels; none where it takes any.
        mean, deviation: of each colour, or of all, between 0 and 1.
        colours: how many.
    """

    size: tuple[int, int] | None = None
    mean: tuple[float, ...] = (0.0,)
    deviation: tuple[float, ...] = (1.0,)
    colours: int = 3

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Pixels:
        """From JSON."""
        size = told.get("size")
        return cls(
            size=None if size is None else (int(size[0]), int(size[1])),
            mean=tuple(told["mean"]),
            deviation=tuple(told["deviation"]),
            colours=int(told["colours"]),
        )

    def taken(self, pictures: Array | Tensor, largest: float = 255.0) -> Tensor:
        """Pictures (n, height, width[, colours]) as (n, colours, height, width) float32.

        Grey becomes as many equal colours, colours become grey by their mean; sizes change by straight lines between
        pixels, over as many as fall into one (antialiased).

        Args:
            largest: the value that is 1 then.
        """
        x = torch.as_tensor(np.ascontiguousarray(pictures) if isinstance(pictures, np.ndarray) else pictures).float()
        x = (x[..., None] if x.ndim == 3 else x).movedim(3, 1) / largest
        if x.shape[1] != self.colours:
            x = x.mean(dim=1, keepdim=True).expand(-1, self.colours, -1, -1)
        if self.size is not None and tuple(x.shape[2:]) != self.size:
            x = functional.interpolate(x, size=self.size, mode="bilinear", antialias=True, align_corners=False)
        return (x - _by_colour(self.mean)) / _by_colour(self.deviation)


def _by_colour(values: Sequence[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float32).reshape(1, -1, 1, 1)
