"""One training divided among several processes: how, and whether this process is one of them, and which."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from concours.core.errors import nearest

_KEYS = ("workers", "every")


@dataclass(frozen=True, kw_only=True)
class Parallel:
    """How a training is divided. A value; it is part of what a model is, as threads are: sums are rounded otherwise.

    Attributes:
        workers: among how many processes.
        every: after how many steps they come together: each step by the gradient of all rows of a batch, by 1;
            otherwise by their own, until weights are averaged.
    """

    workers: int
    every: int = 1

    @classmethod
    def of(cls, value: Any) -> Parallel:
        """From a table as a contest file has it.

        Raises:
            ValueError: it is none.
        """
        if not isinstance(value, Mapping) or "workers" not in value:
            shown = dict(value) if isinstance(value, Mapping) else value
            raise ValueError(f"parallel must be like {{ workers = 2 }} or {{ workers = 2, every = 8 }}; got {shown!r}")
        for name, number in value.items():
            if name not in _KEYS:
                raise ValueError(f"parallel has no {name!r}; {nearest(name, _KEYS)}")
            if type(number) is not int or number < 1:
                raise ValueError(f"parallel: {name} must be a whole number of at least 1; got {number!r}")
        return cls(**value)

    @classmethod
    def of_params(cls, params: Mapping[str, Any]) -> Parallel | None:
        """What an entrant's parameters say, or those of its `training`; none where one process trains, or where that
        cannot be understood, of which whoever trains complains.
        """
        for named in (params, params.get("training")):
            if isinstance(named, Mapping) and isinstance(named.get("parallel"), Mapping):
                with suppress(ValueError):
                    found = cls.of(named["parallel"])
                    return found if found.workers > 1 else None
        return None


@dataclass(frozen=True, kw_only=True)
class Seat:
    """The place of a process among those that train together, over machines. A value.

    Attributes:
        rank: its number, from 0.
        size: how many they are.
        host, port: where the first one listens, and all meet.
        network: the interface by which this machine is reached there; empty where the system is to find it.
    """

    rank: int
    size: int
    host: str
    port: int
    network: str = ""

    def environment(self) -> dict[str, str]:
        """What a process on it finds in its environment, by the names that torch, and so `torchrun`, gives these."""
        told = (self.rank, self.size, self.host, self.port)
        names = ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME") if self.network else ()
        return dict(zip(_SEAT, map(str, told), strict=True)) | dict.fromkeys(names, self.network)


_SEAT = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def is_seated() -> bool:
    """Whether the environment of this process says that it has a `Seat`: an executor says so, or torchrun does."""
    return all(name in os.environ for name in _SEAT)


def unseated(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without a seat: for what is started by a process that has one, and does not share it."""
    return {name: value for name, value in environment.items() if name not in _SEAT}


_joined: ContextVar[bool] = ContextVar("concours_joined", default=False)


def is_joined() -> bool:
    """Whether this process is one of those that train together."""
    return _joined.get() or is_seated()


@contextmanager
def joined() -> Iterator[None]:
    """What trains inside, where torch's process group has been made, does so with the others of it."""
    token = _joined.set(True)
    try:
        yield
    finally:
        _joined.reset(token)
