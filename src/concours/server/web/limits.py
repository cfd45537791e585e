"""How often one may ask: token buckets in the memory of a process, a row of a table for each kind of request.

Who asks from the machine itself, with no proxy between, is not limited, but for logins: health checks, workers that the
platform started, and whoever tries it out.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from concours.server.refusals import TooMany


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A bucket: so many at once, and so many a second in the long run."""

    burst: float
    per_s: float


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What is allowed of one kind of request, to an address and to a user."""

    address: Limit
    user: Limit
    local: bool = False


KINDS: Final[Mapping[str, Kind]] = {
    "read": Kind(address=Limit(burst=300, per_s=30), user=Limit(burst=300, per_s=20)),
    "write": Kind(address=Limit(burst=120, per_s=4), user=Limit(burst=60, per_s=1)),
    "submit": Kind(address=Limit(burst=60, per_s=1), user=Limit(burst=20, per_s=0.2)),
    "login": Kind(address=Limit(burst=20, per_s=0.2), user=Limit(burst=20, per_s=0.2), local=True),
    "work": Kind(address=Limit(burst=1000, per_s=100), user=Limit(burst=1000, per_s=100)),
}
"""local: whether it holds for who asks from the machine itself, too."""

_MOST: Final = 50_000


class Limits:
    """The buckets of one process; threads may use it together.

    Args:
        kinds: the table.
        clock: seconds that never go back.
    """

    def __init__(self, kinds: Mapping[str, Kind] = KINDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._kinds, self._clock = kinds, clock
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}

    def of_address(self, kind: str, address: str, *, local: bool = False) -> None:
        """Counts a request of an address. Raises TooMany."""
        if not local or self._kinds[kind].local:
            self._take((kind, f"address {address}"), self._kinds[kind].address)

    def of_user(self, kind: str, user: int, *, local: bool = False) -> None:
        """Counts a request of a user. Raises TooMany."""
        if not local or self._kinds[kind].local:
            self._take((kind, f"user {user}"), self._kinds[kind].user)

    def _take(self, key: tuple[str, str], limit: Limit) -> None:
        with self._lock:
            now = self._clock()
            left, at = self._buckets.pop(key, (limit.burst, now))
            left = min(limit.burst, left + (now - at) * limit.per_s)
            self._buckets[key] = (left - 1 if left >= 1 else left, now)
            if len(self._buckets) > _MOST:  # the one that was longest not asked for, most likely full again
                del self._buckets[next(iter(self._buckets))]
        if left < 1:
            wait_s = (1 - left) / limit.per_s
            raise TooMany(f"too many requests; try again in {max(1, round(wait_s))} s", after_s=wait_s)


class Turns:
    """What somebody does at once, and no more of it; threads may use it together.

    Args:
        most: how many.
        why: what is said after that number.
    """

    def __init__(self, most: int, why: str) -> None:
        self._most, self._why = most, why
        self._lock = threading.Lock()
        self._taken: Counter[Hashable] = Counter()

    @contextmanager
    def taken(self, who: Hashable) -> Iterator[None]:
        """One more, until the context ends. Raises TooMany."""
        with self._lock:
            if self._taken[who] >= self._most:
                raise TooMany(f"{self._most} {self._why}")
            self._taken[who] += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken[who] -= 1
                if not self._taken[who]:
                    del self._taken[who]
