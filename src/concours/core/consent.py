"""Consent: what may run in this process of all that is asked about (`core.asked`).

A program of the user's own may run whatever it names: there nothing is held back. A command holds everything back that
has not been agreed to, a contest all but what its own entrants name, and a worker, with the processes that it starts,
what was held back where it was started. It is the last word before an import: what no question was put about is
refused, not run.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from concours.core.asked import shown
from concours.core.errors import TrustError

_VARIABLE = "CONCOURS_AGREED"


class _Held:
    """What has been agreed to; none where nothing is held back."""

    agreed: frozenset[str] | None = frozenset(json.loads(os.environ[_VARIABLE])) if _VARIABLE in os.environ else None


def require(asked: Iterable[str]) -> None:
    """Refuses what may not run here.

    Raises:
        TrustError: something of it has not been agreed to.
    """
    if _Held.agreed is not None and (refused := frozenset(asked) - _Held.agreed):
        raise TrustError(f"{shown(refused)} would run, and nobody was asked about it")


@contextmanager
def only(asked: Iterable[str]) -> Iterator[None]:
    """Holds back all but this, which must have been agreed to where something is held back already.

    Raises:
        TrustError: it has not.
    """
    names = frozenset(asked)
    require(names)
    with granted(names):
        yield


@contextmanager
def granted(asked: Iterable[str]) -> Iterator[None]:
    """Holds back all but this; for who has asked."""
    before, _Held.agreed = _Held.agreed, frozenset(asked)
    try:
        yield
    finally:
        _Held.agreed = before


def environment() -> Mapping[str, str]:
    """What tells a process that is started here what to hold back."""
    return {} if _Held.agreed is None else {_VARIABLE: json.dumps(sorted(_Held.agreed))}


def hold_back(environment: Mapping[str, str]) -> None:
    """Holds back, from now on, what was held back where this environment comes from; for a process that was started
    before it was known.
    """
    if _VARIABLE in environment:
        _Held.agreed = frozenset(json.loads(environment[_VARIABLE]))
