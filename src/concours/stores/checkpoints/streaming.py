"""Weights merged: all tensors of a model, several at a time, in bounded memory, written while others are made."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.core.digests import Digest
from concours.core.space import no_space_named
from concours.stores.checkpoints.machines import Machine
from concours.stores.checkpoints.pieces import Files, Piece, make
from concours.stores.checkpoints.staging import Staging, shards_of, staging

MEMORY: Final = 256 << 20
"""Bytes that all stretches together may take."""

_FREED: Final = 31 << 20

Told = Callable[[Piece], None]
"""Is told each tensor that is made, from any thread."""


@dataclass(frozen=True)
class Written:
    """What came of it.

    Attributes:
        before: how many tensors an earlier run had made.
        infinite: tensors that have infinite numbers by their names, and the folders of the models that these are from.
    """

    before: int
    infinite: Mapping[str, Sequence[str]]


class _Stopped(Exception):
    """Another tensor has failed, or the person has had enough."""


def merge_into(
    out: Path,
    pieces: Sequence[Piece],
    *,
    plan: Digest,
    machine: Machine,
    workers: int,
    beside: Callable[[Path], None],
    told: Told = lambda piece: None,
) -> Written:
    """Makes all tensors of a model and writes them into a folder, which is there when all of it is on the disk.

    Args:
        plan: of all that decides what comes out: a run of the same plan goes on where another was interrupted.
        workers: tensors that are made at a time.
        beside: puts the model's other files into the folder that it is given.

    Raises:
        DataError: as `make` and `staging` do. NoSpace: the disk is full. Nothing has then the name of the folder.
    """
    with no_space_named(out.parent):
        with staging(out, shards_of(pieces), plan) as at:
            waiting = [piece for piece in pieces if piece.name not in at.done]
            made = _make_all(sorted(waiting, key=lambda piece: -piece.bytes), at, machine, workers, told)
            beside(at.folder)
        at.publish()
    infinite = {**at.done, **made}
    return Written(len(at.done), {piece.name: own for piece in pieces if (own := infinite[piece.name])})


def _make_all(
    pieces: Sequence[Piece], at: Staging, machine: Machine, workers: int, told: Told
) -> Mapping[str, Sequence[str]]:
    """Makes them, and says of each from which models it has infinite numbers."""
    files, stop = Files(), threading.Event()
    infinite: dict[str, Sequence[str]] = {}

    def one(piece: Piece) -> None:
        infinite[piece.name] = make(piece, files, machine, partial(_write, at, piece, stop), memory=MEMORY // workers)
        at.finished(piece, infinite[piece.name])
        told(piece)

    _keep_freed_memory()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="merge")
    try:
        _first_error([pool.submit(one, piece) for piece in pieces])
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
        files.close()
    return infinite


def _keep_freed_memory() -> None:
    """Has what stretches free be used again by the next ones.

    glibc gives blocks back to the system that are as large as an array of numbers, and then each new one costs a fault
    a page: half of the time of a merge. What it has seen freed once it keeps, up to this size.
    """
    np.empty(_FREED, dtype=np.uint8)


def _write(at: Staging, piece: Piece, stop: threading.Event, content: NDArray[Any], begin: int) -> None:
    if stop.is_set():
        raise _Stopped
    at.write(piece, content, begin)


def _first_error(made: Sequence[Future[None]]) -> None:
    done, _ = wait(made, return_when=FIRST_EXCEPTION)
    for future in done:
        future.result()


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
