"""Checkpoints: what a fit on more rows can go on from. Networks can; others begin anew and have none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import safetensors.numpy
from numpy.typing import NDArray

_FILE = "tensors"


@dataclass(frozen=True)
class Checkpoint:
    """Weights by name."""

    tensors: Mapping[str, NDArray[Any]]

    def begin(self, done: float) -> Callable[[Any], Any]:
        """Tells an estimator to go on from here in its next fit, as if the share `done` of it had been; if it can."""

        def tell(estimator: Any) -> Any:
            return estimator.begin_from(self.tensors, done=done) if _can(estimator) else estimator

        return tell


def dump_checkpoint(estimator: Any) -> dict[str, bytes] | None:
    """The files of a fitted estimator's checkpoint; none where it could not go on from one."""
    if not _can(estimator):
        return None
    return {_FILE: safetensors.numpy.save(estimator.get_tensors())}


def load_checkpoint(files: Mapping[str, bytes]) -> Checkpoint | None:
    """The inverse of `dump_checkpoint`; none of files that hold no checkpoint."""
    return Checkpoint(safetensors.numpy.load(files[_FILE])) if _FILE in files else None


def _can(estimator: Any) -> bool:
    return bool(getattr(type(estimator), "goes_on", False))
