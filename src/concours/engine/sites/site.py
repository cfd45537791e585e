"""What a site does with what it is sent: a job that is on its list, on its own rows, of which nothing leaves."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from io import BytesIO
from typing import Any

from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from concours.core.archive import unzipped
from concours.core.consent import granted
from concours.core.digests import Digest
from concours.core.errors import ConcoursError, ContentRefused
from concours.core.event import Cause, Failed
from concours.core.job import Job
from concours.engine.rows import shape_of
from concours.engine.runners import RUNNERS
from concours.engine.sites.deeds import DEEDS, OWN, Tensors, numbers, require, require_leaving
from concours.engine.sites.ledger import Ledger
from concours.engine.sites.node import Node
from concours.engine.sites.reaching import Unwanted
from concours.engine.sites.rows import Gone, Unsuited
from concours.engine.sites.wire import Answer, Asked
from concours.engine.work import execute
from concours.stores.disk import DiskStore
from concours.stores.values import get_values

Told = Callable[[str], None]
Own = Callable[[Job, DiskStore], Mapping[str, Digest]]
"""Inputs of a job that are the site's own, by name. Raises Unsuited or Gone."""

_KEPT = 64
_PAUSE_S, _LONGEST_S = 0.1, 2.0


class Site:
    """Answers what it is asked.

    What it has answered it keeps for a while: a server that was killed asks again for what it had not got.

    Args:
        own: what gives each input that is the site's own (`deeds.OWN`).
        ledger: counts what training tells of rows.
        told: is given what the data owner should see, a line each.
    """

    def __init__(self, store: DiskStore, own: Mapping[str, Own], ledger: Ledger, told: Told) -> None:
        self._store, self._own, self._ledger, self._told = store, own, ledger, told
        self._answered: OrderedDict[Digest, Answer] = OrderedDict()

    def answer(self, asked: Asked) -> Answer:
        """What came of a job; of one that failed, why, as far as others may know."""
        job = asked.job
        if known := self._answered.get(job.digest):
            return known
        began = time.monotonic()
        try:
            answer = self._done(asked)
        except (Unsuited, ContentRefused) as error:
            answer = Answer(cause="exception", reason=str(error))
        except Gone as error:
            answer = Answer(cause="absent", reason=str(error))
        except ConcoursError as error:
            answer = self._withheld(str(error), "exception")
        seconds = time.monotonic() - began
        self._told(f"{job.label or job.runner}: {answer.reason or f'done in {seconds:.1f} s'}")
        if not (job.runner in DEEDS and DEEDS[job.runner].anew):
            self._answered[job.digest] = answer
        while len(self._answered) > _KEPT:
            self._answered.popitem(last=False)
        return answer

    def _done(self, asked: Asked) -> Answer:
        job, deed = asked.job, require(asked.job)
        came = {digest: self._store.put(BytesIO(data)) for digest, data in asked.objects.items()}
        try:
            if lacking := sorted(name for name, digest in job.inputs.items() if name not in OWN and digest not in came):
                raise ContentRefused(f"what {', '.join(lacking)} stands for did not come with the job")
            own = {name: self._own[name](job, self._store)[name] for name in sorted(OWN & job.inputs.keys())}
            rows = len(get_values(self._store, own["y"])) if "y" in own else 0
            self._ledger.require(job, deed, rows)
            with granted(()):
                event = execute(replace(job, inputs={**job.inputs, **own}), self._store, RUNNERS)
            if isinstance(event, Failed):
                return self._withheld(event.reason, event.cause)
            outputs = {name: self._taken(digest) for name, digest in event.outputs.items()}
            columns = shape_of(self._store, own["x"])[-1] if "x" in own else 0
            require_leaving(deed, outputs, _tensors(asked), columns)
            if spent := self._ledger.spend(job, rows):
                self._told(spent)
            return Answer(outputs=outputs, values=numbers(event.values, deed))
        finally:
            for digest in came:
                self._store.delete(digest)

    def _withheld(self, reason: str, cause: Cause) -> Answer:
        """Why a job failed may hold something of a row: others are told of which sort it is, and no more."""
        self._told(reason)
        return Answer(cause=cause, reason=f"the job failed ({cause}); the site has been told why")

    def _taken(self, digest: Digest) -> Tensors:
        """What a job yielded, out of the store."""
        with self._store.open(digest) as file:
            data = file.read()
        self._store.delete(digest)
        return load(data)


def _tensors(asked: Asked) -> Tensors:
    """The tensors that came with a job."""
    found: dict[str, NDArray[Any]] = {}
    for data in asked.objects.values():
        with suppress(ContentRefused):
            for file in unzipped(data).values():
                with suppress(SafetensorError):
                    found |= load(file)
    return found


def serve(node: Node, site: Site, told: Told, *, until: Callable[[], bool] = lambda: False) -> None:
    """Answers all that comes, until it is time.

    Raises:
        NotThere: the SuperLink is gone.
        Unwanted: the site is no longer wanted there.
    """
    pause = _PAUSE_S
    while not until():
        message = node.receive()
        if message is None:
            time.sleep(pause)
            pause = min(pause * 1.1, _LONGEST_S)
            continue
        pause = _PAUSE_S
        try:
            answer = site.answer(Asked.of(message.content))
        except ContentRefused as error:
            answer = Answer(cause="exception", reason=str(error))
        try:
            node.answer(message, answer.content())
        except Unwanted:
            told("nobody waits for the answer any longer; it is kept, in case it is asked for again")
