"""The members of an alliance, divided among processes, so that they are asked at the same time."""

from __future__ import annotations

import atexit
import contextlib
import gc
import multiprocessing
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol, cast

import numpy as np

from concours.core import consent
from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.errors import ConcoursError
from concours.engine.deterministic import deterministic
from concours.engine.prediction import Predictor
from concours.engine.rows import take_rows
from concours.runs.result import Result
from concours.serving.model import Served
from concours.serving.voices import Voices, elsewhere
from concours.tasks.outputs.output import Values

_TRIALS: Final = 5
_TRYING: Final = 0.5
"""Seconds after which no further trial of the same is made."""
_WORTH: Final = 0.9
"""Members are divided where that takes less than this share of the time."""


class Said(NamedTuple):
    """What a process says of rows.

    Attributes:
        number: of these rows.
        member: whose prediction it is.
        p: none where the member has none, and whoever asks it again is told why.
    """

    number: int
    member: Digest
    p: Values | None


class Beside(Protocol):
    """Who asks members of an alliance at the same time."""

    def tell(
        self, predictor: Predictor, members: Mapping[Digest, Candidate], x: Any, left: Callable[[], float]
    ) -> None:
        """Asks all members about rows, and lets a predictor of these rows know what they say.

        Args:
            members: candidates by the digest of their entrant.
            left: seconds that are left; who has said nothing by then is not waited for, but one of them in any case.
        """
        ...

    def stop(self) -> None:
        """Ends what stands ready for that."""
        ...


class Crew:
    """Processes beside this one, each with some members; this one has the first share.

    Args:
        served: the alliance.
        shares: members by process, the quickest of each first.
    """

    def __init__(self, served: Served, shares: Sequence[Sequence[Digest]]) -> None:
        self._own, self._numbers = shares[0], count()
        self._hands = dict[Connection, Sequence[Digest]]()
        spawn = multiprocessing.get_context("spawn")  # a fork of a process with threads may stand still
        for share in shares[1:]:
            ours, theirs = spawn.Pipe()
            place = served.result.folder.path
            spawn.Process(target=_hand, args=(theirs, place, served.name, served.agreed, share), daemon=True).start()
            theirs.close()
            self._hands[ours] = share
        atexit.register(self.stop)  # before this process waits for those beside to end

    def tell(
        self, predictor: Predictor, members: Mapping[Digest, Candidate], x: Any, left: Callable[[], float]
    ) -> None:
        """See `Beside`; the quickest of the first share is heard in any case.

        Raises:
            SystemExit: a process beside is gone, so that this one ends too: the pool has others started, and asks them.
        """
        try:
            self._tell(predictor, members, x, left)
        except (EOFError, OSError):
            raise SystemExit("a process with members of an alliance is gone") from None

    def _tell(
        self, predictor: Predictor, members: Mapping[Digest, Candidate], x: Any, left: Callable[[], float]
    ) -> None:
        number = next(self._numbers)
        for hand in self._hands:
            hand.send((number, x))
        for place, digest in enumerate(self._own):
            if not place or left() > 0:
                predictor.know(digest, predictor.predict(members[digest]))
        missing = {digest for share in self._hands.values() for digest in share}
        while missing and (ready := wait(list(self._hands), max(0.0, left()))):
            for one in ready:
                said: Said = cast("Connection", one).recv()
                if said.number == number:  # others are of rows that nobody waits for any more
                    missing.discard(said.member)
                    if said.p is not None:
                        predictor.know(said.member, said.p)

    def stop(self) -> None:
        """Ends the processes beside: they go when nobody is there to ask."""
        for hand in self._hands:
            hand.close()
        self._hands.clear()


def _hand(connection: Connection, run: Path, name: str, agreed: frozenset[str], share: Sequence[Digest]) -> None:
    """A process beside: predicts rows by its members, one after the other, until nobody is there to ask."""
    for each in (signal.SIGINT, signal.SIGTERM):  # who asks decides when it ends: by going
        signal.signal(each, signal.SIG_IGN)
    served = Served.of(Result.load(run), name, agreed)
    with deterministic(threads=1, seed=0):
        some = served.predictor(take_rows(served.held(), np.arange(1)))
        for digest in share:
            _predicted(some, served, digest)
    gc.freeze()  # as of `serving.worker`
    with deterministic(threads=1, seed=0, alone=True), contextlib.suppress(EOFError, OSError):
        while True:
            number, x = connection.recv()
            predictor = served.predictor(x)
            for digest in share:
                connection.send(Said(number, digest, _predicted(predictor, served, digest)))


def _predicted(predictor: Predictor, served: Served, digest: Digest) -> Values | None:
    try:
        with consent.granted(served.agreed):
            return predictor.predict(served.candidates[digest])
    except ConcoursError:
        return None


@dataclass(frozen=True, kw_only=True)
class Crewed(Served):
    """An alliance whose members are asked at the same time. Law: it answers as the same alliance does by itself, to the
    last bit.
    """

    crew: Beside

    def predict(self, x: Any) -> Values:
        """Predictions (rows, …), the same as `predict` gives of these rows, to the last bit."""
        predictor = self.predictor(x)
        with consent.granted(self.agreed):
            self.crew.tell(predictor, self.candidates, x, lambda: _FOR_EVER)
            return predictor.predict(self.result.candidate(self.name))

    def heard_until(self, predictor: Predictor, x: Any, until: float) -> None:
        """Lets a predictor know what members say by then, on `time.monotonic`."""
        self.crew.tell(predictor, self.candidates, x, lambda: until - time.monotonic())


_FOR_EVER: Final = 1e6


def crewed(served: Served, processes: int) -> tuple[Served, str]:
    """An alliance whose members are asked at the same time, and what is to be said of that.

    Models that others run are waited for together; others are divided among so many processes. It is left as it is, and
    nothing said, where it asks fewer than two members about every row, where some are language models that run here, or
    where dividing them gains nothing.
    """
    joint = served.result.candidate(served.name).entrant.joint
    if joint is None or joint.join.own:
        return served, ""
    members = [digest for digest in joint.needs.parents if digest not in joint.needs.sometimes]
    if len(members) > 1 and all(elsewhere(served.candidates[digest]) for digest in members):
        found = Crewed(served.result, served.name, served.agreed, crew=Voices(members))
        return found, f"{served.name}: its {len(members)} members are asked at the same time"
    if len(members) < 2 or served.calls or processes < 2:
        return served, ""
    x = take_rows(served.held(), np.arange(1))
    trial = replace(served)  # whose models go with it
    seconds = {digest: _seconds(partial(_alone, trial, digest, x)) for digest in members}
    shares, whole = dealt(seconds, processes), sum(seconds.values())
    if max(sum(seconds[digest] for digest in share) for share in shares) > _WORTH * whole:
        return served, ""
    crew = Crew(served, shares)
    found = Crewed(served.result, served.name, served.agreed, crew=crew)
    before, after = _seconds(lambda: trial.predict(x)), _seconds(lambda: found.predict(x))
    if after > _WORTH * before:
        crew.stop()
        return served, ""
    divided = f"{served.name}: its {len(members)} members are asked in {len(shares)} processes"
    return found, f"{divided}, a row in {after * 1e3:.1f} ms instead of {before * 1e3:.1f}"


def _alone(served: Served, digest: Digest, x: Any) -> Values:
    with consent.granted(served.agreed):
        return served.predictor(x).predict(served.candidates[digest])


def _seconds(work: Callable[[], Any]) -> float:
    """The median of what it takes, once it is warm."""
    work()
    took, began = list[float](), time.perf_counter()
    with deterministic(threads=1, seed=0, alone=True):  # as where it is to be done
        while len(took) < _TRIALS and (not took or time.perf_counter() - began < _TRYING):
            before = time.perf_counter()
            work()
            took.append(time.perf_counter() - before)
    return float(np.median(took))


def dealt(seconds: Mapping[Digest, float], processes: int) -> list[list[Digest]]:
    """Members by process, the quickest of each first: each goes to who has the least so far, the slowest first (Graham
    1969), so that the longest share is at most 4/3 of the best that there could be.
    """
    shares = [list[Digest]() for _ in range(min(processes, len(seconds)))]
    for digest in sorted(seconds, key=lambda each: -seconds[each]):
        min(shares, key=lambda share: sum(seconds[each] for each in share)).insert(0, digest)
    return shares
