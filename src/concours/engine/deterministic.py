"""Deterministic numeric work: so many threads, and global random numbers from a seed. Both are put back."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache

import numpy as np
from threadpoolctl import ThreadpoolController


class _Drawn:
    """Whether anybody draws outside of `deterministic`, so that it has to put back what it finds."""

    outside = True


@contextmanager
def deterministic(*, threads: int, seed: int, alone: bool = False) -> Iterator[None]:
    """What runs inside depends on neither the machine's cores nor what ran before.

    Enter it after the numeric libraries have been imported: a library that is loaded later is not limited.

    Args:
        alone: in this process nothing draws but within one of these, so that those inside put nothing back: a model of
            one row takes no longer than that.
    """
    with ExitStack() as stack:
        stack.enter_context(_limited(threads))
        if _Drawn.outside:
            stack.enter_context(_put_back())
        if alone:
            stack.callback(setattr, _Drawn, "outside", _Drawn.outside)
            _Drawn.outside = False
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 (for estimators that use the global generator)
        if torch := sys.modules.get("torch"):
            torch.manual_seed(seed)
        yield


@contextmanager
def _put_back() -> Iterator[None]:
    """All global random numbers go on afterwards as they would have before."""
    with ExitStack() as stack:
        if torch := sys.modules.get("torch"):
            stack.enter_context(torch.random.fork_rng())
        stack.callback(random.setstate, random.getstate())
        stack.callback(np.random.set_state, np.random.get_state())  # noqa: NPY002
        yield


@lru_cache(maxsize=1)
def _pools(modules: int) -> ThreadpoolController:  # noqa: ARG001 (what is kept depends on it)
    """The thread pools of the libraries that are loaded. To look for them takes milliseconds, so this is done anew only
    when modules have been imported since: there were `modules`.
    """
    return ThreadpoolController()


class _Limited:
    """To how many threads all libraries are limited that were loaded when there were so many modules."""

    now: tuple[int, int] | None = None


@contextmanager
def _limited(threads: int) -> Iterator[None]:
    """All pools have so many threads. To set them takes longer than a small model takes to predict, so within itself
    this does nothing, unless modules have been imported since.
    """
    wanted, before = (threads, len(sys.modules)), _Limited.now
    if before == wanted:
        yield
        return
    torch = sys.modules.get("torch")
    with _pools(len(sys.modules)).limit(limits=threads):
        count = torch.get_num_threads() if torch else 0
        if torch:
            torch.set_num_threads(threads)
        _Limited.now = wanted
        try:
            yield
        finally:
            _Limited.now = before
            if torch:
                torch.set_num_threads(count)
