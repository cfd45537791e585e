"""What an offer or a key can take now: requests within a minute, those under way, and how quick it was of late."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

import numpy as np

_WINDOW_S: Final = 60.0
_LATELY: Final = 256
_ENOUGH: Final = 20
_LONGEST_REST_S: Final = 60.0

Clock = Callable[[], float]


class Pace:
    """At most so many within any 60 seconds.

    Args:
        most: None for no limit.
    """

    def __init__(self, most: int | None, clock: Clock = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._taken: deque[float] = deque()

    @property
    def wait_s(self) -> float:
        """Seconds until one more may be taken; 0 if it may be now."""
        if self._most is None or len(self._taken) < self._most:
            return 0.0
        return max(0.0, self._taken[-self._most] + _WINDOW_S - self._clock())

    def take(self) -> None:
        """Counts one that is taken now."""
        if self._most is not None:
            self._taken.append(self._clock())
            while len(self._taken) > self._most:
                self._taken.popleft()


class Load:
    """How an offer does: what is under way, what failed, and how long answers took to begin.

    Args:
        requests, concurrent: its limits.
        expected_s: how long an answer takes mostly, until that has been seen.
        seconds: of answers that were seen before, the oldest first.
    """

    def __init__(
        self,
        *,
        requests: int | None = None,
        concurrent: int | None = None,
        expected_s: float | None = None,
        seconds: Iterable[float] = (),
        clock: Clock = time.monotonic,
    ) -> None:
        self._pace, self._concurrent, self._clock = Pace(requests, clock), concurrent, clock
        self._expected, self._seconds = expected_s, deque(seconds, maxlen=_LATELY)
        self._under_way, self._failures, self._rests_until = 0, 0, 0.0

    @property
    def wait_s(self) -> float:
        """Seconds until it can take one more, as far as is known; 0 if it can now."""
        if self._concurrent is not None and self._under_way >= self._concurrent:
            return max(1.0, self._pace.wait_s)
        return self._pace.wait_s

    @property
    def rests(self) -> bool:
        """Whether it failed of late, and is asked only where nobody else is there."""
        return self._clock() < self._rests_until

    @property
    def usual_s(self) -> float:
        """The median until an answer begins; without any, what was expected, or beyond all."""
        if self._seconds:
            return float(np.median(self._seconds))
        return float("inf") if self._expected is None else self._expected

    @property
    def slow_s(self) -> float | None:
        """The 95th percentile until an answer begins, of the last 256; None of fewer than twenty."""
        return float(np.quantile(self._seconds, 0.95)) if len(self._seconds) >= _ENOUGH else None

    def begin(self) -> None:
        self._pace.take()
        self._under_way += 1

    def end(self) -> None:
        self._under_way -= 1

    def answered(self, seconds: float) -> None:
        self._seconds.append(seconds)
        self._failures = 0

    def failed(self, rest_s: float | None = None) -> None:
        """It rests for as long as it says; else a second, and twice as long each time in a row, a minute at most."""
        self._failures += 1
        own = min(2.0 ** min(self._failures - 1, 6), _LONGEST_REST_S)
        self._rests_until = self._clock() + (own if rest_s is None else rest_s)
