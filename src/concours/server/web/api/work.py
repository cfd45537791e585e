"""How workers speak to the platform: they lease a job, read what it reads, tell how it goes, and return what it yields.

A worker has a token with the scope `work`, gets jobs within the reach of whose it is (`working.reach`), and reads
nothing but the inputs of the job that it has now.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import Query, Response
from pydantic import BaseModel, Field, FiniteFloat

import concours
from concours.core.digests import Digest
from concours.core.errors import ObjectDamaged, ObjectNotFound
from concours.core.event import Done, Failed, event_from_json, utc_now
from concours.server.refusals import Conflict, Unfit, Unknown
from concours.server.services.access import Rule
from concours.server.web.receiving import Received
from concours.server.web.routes import Asked, Asking, Routes
from concours.server.web.sending import sent
from concours.server.working import queue, statements
from concours.server.working.queue import Held
from concours.server.working.reach import reach_of

ROUTES: Final = Routes("/api/work")
_SEEN_S: Final = 10.0
"""How often is written down that a worker is there which has nothing to do."""
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
_Name = Annotated[str, Field(pattern=_NAME)]


class Worker(BaseModel):
    """Who asks for work.

    Attributes:
        sandbox: why it can make none; empty where it can.
    """

    name: _Name
    version: str = Field(max_length=40)
    sandbox: str = Field("", max_length=1000)


class Said(BaseModel):
    """What is said of a lease."""

    name: _Name
    token: int = Field(ge=1)


class Beat(Said):
    """How a job goes: what it has printed since, and numbers."""

    log: str = Field("", max_length=1 << 20)
    progress: dict[str, FiniteFloat] = Field(default_factory=dict, max_length=16)


class Result(Said):
    """What has come of a job, as the journal has it."""

    outcome: dict[str, Any]


@ROUTES.post("/lease", Rule.WORKER, writes=False)
def lease(asked: Asked, worker: Worker) -> Any:
    """The job that waits longest; nothing, with status 204, where none does."""
    name, database = _named(asked.actor.name, worker.name), asked.platform.database
    known: dict[str, Any] = {"name": name, "version": worker.version, "sandbox": worker.sandbox}
    with database.reading() as db:  # many ask often, and mostly for nothing
        reach = reach_of(db, asked.actor.user)
        if statements.seen_since(db, since=queue.moment(-_SEEN_S), **known) and queue.is_empty(db, reach):
            return Response(status_code=204)
    with database.writing() as db:
        statements.see(db, seen=utc_now(), **known)
    if worker.version != concours.__version__:
        raise Conflict(
            f"this worker is Concours {worker.version}, the platform {concours.__version__}: install that one there"
        )
    if worker.sandbox:
        raise Conflict(worker.sandbox)
    with database.writing() as db:
        found = queue.lease(db, name, reach)
    return Response(status_code=204) if found is None else found.to_json()


@ROUTES.get("/{work}/inputs/{digest}", Rule.WORKER)
def inputs(
    asked: Asked, work: int, digest: str, name: Annotated[str, Query(pattern=_NAME)], token: Annotated[int, Query(ge=1)]
) -> Response:
    """An object that the job reads."""
    job = queue.holding(asked.db, _held(asked, name, work, token))
    if digest not in job.inputs.values():
        raise Unknown(f"this job reads no object {digest}")
    try:
        return sent(asked.request, asked.platform.store, Digest(digest), "object")
    except (ObjectNotFound, ObjectDamaged) as error:
        raise Unknown(str(error)) from None


@ROUTES.post("/{work}/heartbeat", Rule.WORKER)
def heartbeat(asked: Asked, work: int, beat: Beat) -> dict[str, Any]:
    """Lengthens the lease; says whether the job was cancelled, and for how many seconds the lease lasts."""
    held = _held(asked, beat.name, work, beat.token)
    statements.see_again(asked.db, name=held.worker, seen=utc_now())
    stop = queue.heard(asked.db, held, log=beat.log, progress=beat.progress)
    return {"cancelled": stop, "until_s": queue.LEASE_S}


@ROUTES.put("/{work}/outputs", Rule.WORKER, uploads=True)
def outputs(
    asked: Received, work: int, name: Annotated[str, Query(pattern=_NAME)], token: Annotated[int, Query(ge=1)]
) -> dict[str, str]:
    """Takes in an object that the job yields, which is the body of the request; gives its digest."""
    with asked.writing() as by:
        queue.holding(by.db, _held(by, name, work, token))
    return {"digest": asked.platform.store.put(asked.content)}


@ROUTES.post("/{work}/result", Rule.WORKER)
def result(asked: Asked, work: int, told: Result) -> dict[str, str]:
    """Takes in what has come of the job."""
    held = _held(asked, told.name, work, told.token)
    try:
        outcome = event_from_json(told.outcome)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unfit(f"this is no outcome of a job: {error}") from None
    if not isinstance(outcome, (Done, Failed)):
        raise Unfit("a job ends as done or failed")
    if isinstance(outcome, Done):
        for digest in outcome.outputs.values():
            if digest not in asked.platform.store:
                raise Unfit(f"the object {digest} has not come; put it, and tell the result again")
    queue.ended(asked.db, held, outcome)
    return {"state": "ended"}


@ROUTES.post("/{work}/return", Rule.WORKER)
def give_back(asked: Asked, work: int, said: Said) -> dict[str, str]:
    """A worker that ends gives its job back, for others."""
    queue.given_back(asked.db, _held(asked, said.name, work, said.token))
    return {"state": "waiting"}


def _held(asked: Asking, name: str, work: int, token: int) -> Held:
    worker, reach = _named(asked.actor.name, name), reach_of(asked.db, asked.actor.user)
    return Held(worker=worker, id=work, token=token, reach=reach)


def _named(actor: str, name: str) -> str:
    """Whose worker it is, and which."""
    return f"{actor}/{name}"
