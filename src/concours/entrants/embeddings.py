"""Columns of a table as tokens: every column becomes a vector of the same width, numbers and categories alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

Array = NDArray[Any]


class Columns(nn.Module):
    """From rows (n, numbers + categories) float32 to tokens (n, numbers + categories, width).

    The first `numbers` columns hold numbers, the others codes 0, 1, … below their entry of `cardinalities`; NaN is
    missing. A number becomes a linear function of itself, scaled robustly and bent towards ±3 (Holzmüller et al. 2024),
    plus a piecewise-linear one with up to `bins` pieces between quantiles (Gorishniy et al. 2022), which is zero at
    first. A category, and what is missing, becomes a learned vector.
    """

    def __init__(self, numbers: int, cardinalities: Sequence[int], bins: int, width: int) -> None:
        super().__init__()
        self.numbers = numbers
        for name, shape in {"middle": (numbers,), "factor": (numbers,), "low": (numbers, bins)}.items():
            self.register_buffer(name, torch.zeros(shape))
        self.register_buffer("slope", torch.zeros(numbers, bins))
        self.middle: Tensor
        self.factor: Tensor
        self.low: Tensor
        self.slope: Tensor
        self.direct = _uniform(numbers, width)
        self.bias = _uniform(numbers, width)
        self.bends = nn.Parameter(torch.zeros(numbers, bins, width))
        self.absent = nn.Parameter(torch.zeros(numbers, width))
        starts = np.cumsum([0, *(size + 1 for size in cardinalities)])
        self.table = _uniform(int(starts[-1]), width)
        self.register_buffer("starts", torch.tensor(starts[:-1] + 1), persistent=False)
        self.starts: Tensor

    def forward(self, inputs: Tensor) -> Tensor:
        numbers = inputs[:, : self.numbers]
        codes = inputs[:, self.numbers :].nan_to_num(-1.0).long() + self.starts
        return torch.cat([self._embed(numbers), functional.embedding(codes, self.table)], dim=1)

    def _embed(self, numbers: Tensor) -> Tensor:
        z = ((numbers - self.middle) * self.factor).clamp(-1e3, 1e3).nan_to_num(0.0)
        z = z * torch.rsqrt(1 + (z / 3).square())
        pieces = ((numbers.t()[:, :, None] - self.low[:, None]) * self.slope[:, None]).clamp(0, 1).nan_to_num(0.0)
        absent = numbers.isnan().float()
        straight = z[:, :, None] * self.direct + self.bias + absent[:, :, None] * self.absent
        return straight + torch.bmm(pieces, self.bends).transpose(0, 1)


def _uniform(rows: int, width: int) -> nn.Parameter:
    bound = 1 / math.sqrt(width)
    return nn.Parameter(torch.empty(rows, width).uniform_(-bound, bound))


def learn_columns(columns: Columns, rows: Array) -> None:
    """Set scales and bins of numbers from training rows, shape (n, numbers + categories); constants get none."""
    bins = columns.low.shape[1]
    for i in range(columns.numbers):
        values = rows[:, i][~np.isnan(rows[:, i])].astype(np.float64)
        if len(values) == 0 or values.min() == values.max():
            continue
        low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
        spread = high - low if high > low else (values.max() - values.min()) / 2
        edges = _edges(values, bins)
        columns.middle[i] = float(middle)
        columns.factor[i] = float(1 / spread)
        columns.low[i, : len(edges) - 1] = torch.from_numpy(edges[:-1])
        columns.slope[i, : len(edges) - 1] = torch.from_numpy(1 / np.diff(edges))


def _edges(values: Array, bins: int) -> Array:
    """Up to `bins` + 1 quantiles, or all values where they are few.

    Where many rows share a value, quantiles coincide; those of the distinct values then take the places left.
    """
    distinct = np.unique(values)
    if len(distinct) <= bins + 1:
        return distinct
    edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)))
    further = np.quantile(distinct, np.linspace(0, 1, bins + 3 - len(edges))[1:-1])
    return np.union1d(edges, further)
