"""Numbers for Prometheus: of this web process, and of the platform as its database has it."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Any, Final

from prometheus_client import CollectorRegistry, Histogram, Metric, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.utils import floatToGoString

import concours
from concours.server.platform import Platform
from concours.server.services.numbers import BOUNDS, Numbers, numbers
from concours.server.web.live import Feed

_KEPT_S: Final = 5.0
"""For how long numbers of the database are told again, however often they are asked for."""
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Meter:
    """What one web process measures.

    Args:
        feed: whose connections are counted.
    """

    def __init__(self, platform: Platform, feed: Feed) -> None:
        self._registry = CollectorRegistry()
        self._seconds = Histogram(
            "concours_request_seconds",
            "Time to answer a request, by the route that answered; of streams, how long they were open.",
            ("method", "route", "status"),
            buckets=_SECONDS,
            registry=self._registry,
        )
        ProcessCollector(registry=self._registry)
        self._registry.register(_OfPlatform(platform, feed))

    def answered(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """Counts a request. What has no route, or a method of nobody's, is one: whoever asks makes no new names."""
        self._seconds.labels(method if method in _METHODS else "other", route or "none", status).observe(seconds)

    def text(self) -> bytes:
        """All numbers, in the text format 0.0.4 of Prometheus. Raises SQLAlchemyError: the database is away."""
        return generate_latest(self._registry)


class _OfPlatform:
    """Reads numbers when they are asked for."""

    def __init__(self, platform: Platform, feed: Feed) -> None:
        self._platform, self._feed = platform, feed
        self._lock = threading.Lock()
        self._known: Numbers | None = None
        self._until = 0.0

    def describe(self) -> list[Metric]:
        """Nothing: names are ours alone, and to find them out would ask the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        platform, found = self._platform, self._numbers()
        store = "s3" if "://" in platform.settings.store else "files"
        what = (concours.__version__, platform.database.engine.dialect.name, store)
        yield _gauge("info", "What it is: 1.", {what: 1}, "version", "database", "store")
        yield _gauge("live_connections", "Pages that are told what changes, by this process.", {(): self._feed.many})
        yield _gauge("submissions", "Submissions that there are.", _by(found.submissions), "state")
        yield _scored(found)
        yield _gauge("signals_waiting", "What came in for boards and is in no journal yet.", {(): found.signals})
        yield _gauge("records_behind", "Records of journals that pages do not show yet.", {(): found.behind})
        jobs = _by({"leased": 0, "waiting": 0, **found.jobs})
        yield _gauge("jobs", "Jobs of workers: code of participants and hosts.", jobs, "state")
        yield _gauge("job_oldest_seconds", "For how long the job that waits longest does.", {(): found.oldest_s})
        workers = _by({"yes": found.workers.get(True, 0), "no": found.workers.get(False, 0)})
        yield _gauge("workers", "Workers that were seen within 90 s.", workers, "sandbox")
        yield _gauge("openings_waiting", "Competitions whose data is to be read.", {(): found.openings})
        yield _gauge("stored_bytes", "What is kept, as it was sent.", _by(found.stored), "of")
        disk = shutil.disk_usage(platform.settings.data)
        yield _gauge("disk_free_bytes", "Room on the disk of the platform's folder.", {(): disk.free})
        yield _gauge("competitions", "Competitions that there are.", _by(found.competitions), "state")
        yield _gauge("users", "Accounts that there are.", {(): found.users})

    def _numbers(self) -> Numbers:
        with self._lock:
            if self._known is None or time.monotonic() > self._until:
                with self._platform.database.reading() as db:
                    self._known = numbers(db)
                self._until = time.monotonic() + _KEPT_S
            return self._known


def _gauge(name: str, what: str, values: Mapping[tuple[str, ...], float], *labels: str) -> Metric:
    found = GaugeMetricFamily(f"concours_{name}", what, labels=labels)
    for of, value in values.items():
        found.add_metric(of, value)
    return found


def _scored(found: Numbers) -> Metric:
    """Prometheus counts what took at most so long, where `Numbers` has each once."""
    sums = accumulate(found.scored[bound] for bound in BOUNDS)
    buckets = [(floatToGoString(bound), many) for bound, many in zip(BOUNDS, sums, strict=True)]
    name, what = "concours_scored_seconds", "Time of a submission from accept to score, since the platform began."
    return HistogramMetricFamily(name, what, buckets=buckets, sum_value=found.scored_s)


def _by(values: Mapping[Any, int]) -> dict[tuple[str, ...], float]:
    return {(name,): many for name, many in sorted(values.items())}
