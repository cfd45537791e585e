"""What a site sends after a round of training, and what the server keeps between rounds: values, and their arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Tensors = Mapping[str, NDArray[Any]]
"""Arrays by name, in the types of the network that they are of."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Update:
    """All that leaves a site after a round: no row, no label, no text.

    Attributes:
        delta: how far each learned tensor moved from the weights that the round began with, by name.
        statistics: running statistics as they are at the site now, by name: means and variances of batch norms.
        rows: how many rows the site trained on.
        loss: the mean training loss of its last epoch, in the unit of the loss; NaN where it may not leave.
        control: how far its control variate moved (`scaffold`), by the names of `delta`; empty for the others.
    """

    delta: Tensors
    rows: int
    loss: float
    statistics: Tensors = field(default_factory=dict)
    control: Tensors = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """How many bytes of tensors leave the site."""
        return sum(tensor.nbytes for told in (self.delta, self.statistics, self.control) for tensor in told.values())

    def to_tensors(self) -> dict[str, NDArray[Any]]:
        """The update as one mapping, to be kept or sent; `from_tensors` is the inverse."""
        told = {"delta": self.delta, "statistics": self.statistics, "control": self.control}
        named = {f"{part}/{name}": tensor for part, tensors in told.items() for name, tensor in tensors.items()}
        return {**named, "rows": np.array(self.rows, dtype=np.int64), "loss": np.array(self.loss, dtype=np.float64)}

    @classmethod
    def from_tensors(cls, tensors: Tensors) -> Update:
        """The update of such a mapping. Raises KeyError for what is none."""
        parts: dict[str, dict[str, NDArray[Any]]] = {"delta": {}, "statistics": {}, "control": {}}
        for name, tensor in tensors.items():
            if name not in ("rows", "loss"):
                part, _, own = name.partition("/")
                parts[part][own] = tensor
        return cls(rows=int(tensors["rows"]), loss=float(tensors["loss"]), **parts)


@dataclass(frozen=True, kw_only=True)
class ServerState:
    """What the server keeps from round to round beside the weights.

    Attributes:
        round: how many rounds there were.
        first, second: moments of the server's optimiser, float64, by the names of the learned tensors.
        control: the server's control variate (`scaffold`), which goes to the sites with the weights.
    """

    round: int = 0
    first: Tensors = field(default_factory=dict)
    second: Tensors = field(default_factory=dict)
    control: Tensors = field(default_factory=dict)

    def to_tensors(self) -> dict[str, NDArray[Any]]:
        """The state as one mapping, to be kept; `from_tensors` is the inverse."""
        told = {"first": self.first, "second": self.second, "control": self.control}
        named = {f"{part}/{name}": tensor for part, tensors in told.items() for name, tensor in tensors.items()}
        return {**named, "round": np.array(self.round, dtype=np.int64)}

    @classmethod
    def from_tensors(cls, tensors: Tensors) -> ServerState:
        """The state of such a mapping. Raises KeyError for what is none."""
        parts: dict[str, dict[str, NDArray[Any]]] = {"first": {}, "second": {}, "control": {}}
        for name, tensor in tensors.items():
            if name != "round":
                part, _, own = name.partition("/")
                parts[part][own] = tensor
        return cls(round=int(tensors["round"]), **parts)


def flat(tensors: Sequence[Tensors], names: Sequence[str]) -> Floats:
    """The named tensors of each of them in a row, (len(tensors), size) float64."""
    rows = np.empty((len(tensors), sum(tensors[0][name].size for name in names) if tensors else 0))
    for row, each in zip(rows, tensors, strict=True):
        np.concatenate([np.zeros(0), *(each[name].ravel() for name in names)], out=row)
    return rows


def named(row: Floats, like: Tensors, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """The inverse of `flat` for one row: float64 tensors of the shapes of `like`."""
    ends = np.cumsum([like[name].size for name in names], dtype=np.int64)[:-1]
    return {name: part.reshape(like[name].shape) for name, part in zip(names, np.split(row, ends), strict=False)}
