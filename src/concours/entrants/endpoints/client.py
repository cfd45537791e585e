"""Asking an endpoint for many calls: a plain function outside, an event loop in a thread inside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from concours.core.errors import ContestError
from concours.entrants.endpoints.calls import Call
from concours.entrants.endpoints.endpoint import Endpoint
from concours.entrants.endpoints.kept import Answers
from concours.entrants.endpoints.purse import Purse
from concours.entrants.endpoints.replies import Failed, Reply
from concours.entrants.endpoints.session import Batch, Session

_PORTION = 64
"""Calls that are looked up at once."""


@dataclass(frozen=True, slots=True)
class Told:
    """How far it is.

    Attributes:
        done: calls that have an outcome, those given up among them.
        recalled: those of them that had been answered before, or are asked twice, or were asked by somebody else.
        failed: those of them that were given up.
        requests: that were sent, tries again among them.
        cost: what the answers took, in `price.UNIT`.
        at_once: requests that the address is asked at once by now; 0 before it is asked.
    """

    done: int = 0
    recalled: int = 0
    failed: int = 0
    requests: int = 0
    cost: int = 0
    at_once: int = 0


def ask_all(
    calls: Iterable[Call],
    endpoint: Endpoint,
    answers: Answers,
    purse: Purse | None = None,
    *,
    told: Callable[[Told], None] | None = None,
) -> list[Reply | Failed]:
    """What became of each call, in the order of the calls. As `ask_each`, at once."""
    return list(ask_each(calls, endpoint, answers, purse, told=told))


def ask_each(
    calls: Iterable[Call],
    endpoint: Endpoint,
    answers: Answers,
    purse: Purse | None = None,
    *,
    told: Callable[[Told], None] | None = None,
) -> Iterator[Reply | Failed]:
    """What became of each call, in the order of the calls, as it comes; memory does not grow with their number.

    A call whose answer is kept is not asked again, and equal calls are asked once, by whichever thread or process is
    first. A request that comes to nothing is tried again; a call given up after all its tries is `Failed`. Answers are
    kept before they are given, so neither an interrupt nor a kill loses one. The key is read when something has to be
    asked.

    Raises:
        EndpointRefused: no call can be answered: key, model, certificate or address are wrong, or it is down.
        SpentOut: the next request might exceed a limit of the purse, and nothing is under way that may come cheaper.
        ContestError: a call does not go to the endpoint, has no JSON form, or has no bound while money is bounded.
        MissingPackage: httptools is not installed.
    """
    desk = _Desk(endpoint, answers, purse, told)
    try:
        yield from desk.answered(iter(calls))
    finally:
        desk.close()


class _Desk:
    """Gives calls out and puts what comes back into their order."""

    def __init__(
        self, endpoint: Endpoint, answers: Answers, purse: Purse | None, told: Callable[[Told], None] | None
    ) -> None:
        self._endpoint, self._answers, self._purse, self._told = endpoint, answers, purse, told
        self._session: Session | None = None
        self._places: dict[str, list[int]] = {}
        self._ready: dict[int, Reply | Failed] = {}
        # So many calls are given out at once as keep the session busy: to look all up would hold up the first requests.
        # With each batch that comes follows one more portion, for those that rest between tries.
        self._enough, self._most = 2 * endpoint.at_once, 8 * endpoint.at_once + _PORTION
        self._so_far = Told()
        self._taken = 0

    def answered(self, calls: Iterator[Call]) -> Iterator[Reply | Failed]:
        given, more = 0, True
        while True:
            fed = 0
            while more and len(self._places) < (self._enough if fed else self._most):
                portion = list(islice(calls, _PORTION))
                more = bool(portion)
                self._give_out(portion)
                fed += 1
                while given in self._ready:
                    yield self._ready.pop(given)
                    given += 1
            if self._session is None or not self._places:
                return
            batch = self._session.came.get()
            if isinstance(batch, BaseException):
                raise batch
            self._put_in(batch)
            while given in self._ready:
                yield self._ready.pop(given)
                given += 1

    def _give_out(self, portion: list[Call]) -> None:
        """Looks calls up, and asks for those that are not kept."""
        keys = [self._key(call) for call in portion]
        kept = self._answers.get(list(dict.fromkeys(key for key in keys if key not in self._places)))
        fresh: dict[str, Call] = {}
        recalled = 0
        for key, call in zip(keys, portion, strict=True):
            place, self._taken = self._taken, self._taken + 1
            if key in kept:
                self._ready[place] = kept[key]
                recalled += 1
            elif key in self._places:
                self._places[key].append(place)
            else:
                self._places[key] = [place]
                fresh[key] = call
        if fresh:
            if self._session is None:
                self._session = Session(self._endpoint, self._answers, self._purse)
            self._session.ask(fresh)
        if recalled:
            self._tell(
                replace(self._so_far, done=self._so_far.done + recalled, recalled=self._so_far.recalled + recalled)
            )

    def _key(self, call: Call) -> str:
        if not call.url.startswith(self._endpoint.base_url + "/"):
            raise ContestError(f"a call to {call.url} does not go to {self._endpoint.base_url}: give it that address")
        return call.key

    def _put_in(self, batch: Batch) -> None:
        done = failed = 0
        for key, outcome in batch.outcomes.items():
            places = self._places.pop(key)
            done += len(places)
            failed += len(places) * isinstance(outcome, Failed)
            self._ready.update(dict.fromkeys(places, outcome))
        before = self._so_far
        again = done - len(batch.outcomes) if batch.requests else done
        self._tell(
            Told(
                before.done + done,
                before.recalled + again,
                before.failed + failed,
                before.requests + batch.requests,
                before.cost + batch.cost,
                batch.at_once or before.at_once,
            )
        )

    def _tell(self, so_far: Told) -> None:
        self._so_far = so_far
        if self._told is not None:
            self._told(so_far)

    def close(self) -> None:
        if self._session is not None:
            self._session.stop()
