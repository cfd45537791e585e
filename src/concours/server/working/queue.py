"""The queue of leased work, in the platform's database.

A job waits, is leased to a worker for a while, and ends. A worker that is not heard of loses its lease, and the job is
leased again, at no cost to anybody. Each lease has a number, higher than all before it (a fencing token): what comes of
an earlier one is refused. A job that several workers have vanished with has failed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy.engine import Connection

from concours.core.digests import Digest
from concours.core.event import Done, Failed, Outcome, event_from_json, event_to_json, utc_now
from concours.core.job import Job
from concours.core.needs import Needs
from concours.server.database.opened import Database
from concours.server.database.texts import json_of, text_of
from concours.server.refusals import Conflict, Unfit
from concours.server.working import statements
from concours.server.working.reach import EVERYTHING, Reach

LEASE_S: Final = 30.0
"""How long a worker may say nothing."""

_LOOK_S: Final = (0.1, 0.5)
_MOST_LOG: Final = 4 << 20
"""Characters of a job's log that are kept."""
_CUT: Final = "\n… the log is too long: the rest is not kept\n"


@dataclass(frozen=True, kw_only=True)
class Lease:
    """A job that a worker has.

    Attributes:
        id, token: of the lease; what the worker says carries both.
        until_s: how many seconds it lasts from now, if nothing is heard.
    """

    id: int
    token: int
    job: Job
    until_s: float = LEASE_S

    def to_json(self) -> dict[str, Any]:
        return {"id": self.id, "token": self.token, "until_s": self.until_s, "job": _written(self.job)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Lease:
        """Raises KeyError, TypeError, ValueError: it is none."""
        return cls(id=int(value["id"]), token=int(value["token"]), until_s=value["until_s"], job=_read(value["job"]))


@dataclass(frozen=True, kw_only=True)
class Held:
    """A lease as a worker names it: what is asked of one that it does not have now is refused."""

    worker: str
    id: int
    token: int
    reach: Reach = EVERYTHING

    @property
    def named(self) -> dict[str, Any]:
        return {"of_id": self.id, "of_token": self.token, "of_worker": self.worker, **self.reach.named}


class SqlQueue:
    """The jobs of one owner (`engine.leased.Queue`). Those that are leased go on when it is closed, and what comes of
    them waits for the next queue of the same owner.
    """

    def __init__(self, database: Database, owner: str) -> None:
        self._database, self._owner = database, owner
        self._wanted: set[Digest] = set()
        self._given: set[Digest] = set()

    def put(self, job: Job) -> None:
        """Asks for a job; one that waits goes to the end, one that has begun goes on, and one that ended well is as it
        is, unless its outcome was given by this queue before.
        """
        with self._database.writing() as db:
            _put(db, self._owner, job, anew=job.digest in self._given)
        self._given.discard(job.digest)
        self._wanted.add(job.digest)

    def outcomes(self, timeout_s: float | None) -> Sequence[Outcome]:
        """Those that have ended since the last call; waits for the first up to so many seconds (None: for ever)."""
        until, pause = None if timeout_s is None else time.monotonic() + timeout_s, _LOOK_S[0]
        while self._wanted:
            if found := self._ended():
                return found
            left = pause if until is None else until - time.monotonic()
            if left <= 0:
                break
            time.sleep(min(pause, left))
            pause = min(pause * 1.2, _LOOK_S[1])
        return ()

    def cancel(self, job: Job) -> None:
        self._wanted.discard(job.digest)
        with self._database.writing() as db:
            db.execute(statements.CANCEL, {"of_owner": self._owner, "of_job": job.digest})

    def close(self) -> None:
        self._wanted.clear()

    def _ended(self) -> list[Outcome]:
        with self._database.reading() as db:
            lost = db.execute(statements.ANY_LOST, {"of_now": utc_now()}).first()
        if lost:
            with self._database.writing() as db:
                bury(db)
        with self._database.reading() as db:
            rows = db.execute(statements.ENDED, {"of_owner": self._owner, "of_jobs": sorted(self._wanted)}).all()
        found = [_outcome(row.outcome) for row in rows]
        ended = {outcome.job for outcome in found}
        self._wanted -= ended
        self._given |= ended
        return found


def is_empty(db: Connection, reach: Reach = EVERYTHING) -> bool:
    """Whether there is nothing to lease, as far as a look tells that writes nothing."""
    return db.execute(statements.ANY, {"of_now": utc_now(), **reach.named}).first() is None


def lease(db: Connection, worker: str, reach: Reach = EVERYTHING) -> Lease | None:
    """The job within reach that waits longest, if one does; leased to a worker, who is heard of from now on."""
    bury(db)
    named = {"of_now": utc_now(), "worker": worker, "until": moment(LEASE_S), **reach.named}
    row = db.execute(statements.TAKE, named).one_or_none()
    if row is None:
        return None
    db.execute(statements.CLEAR_LOG, {"of_id": row.id})
    return Lease(id=row.id, token=row.token, job=_read(json_of(row.spec)))


def holding(db: Connection, held: Held) -> Job:
    """The job of a lease. Raises Conflict: the worker does not have it now."""
    row = db.execute(statements.LEASE, held.named).one_or_none()
    if row is None or row.state != "leased":
        raise _gone(held)
    return _read(json_of(row.spec))


def heard(db: Connection, held: Held, *, log: str = "", progress: Mapping[str, float] | None = None) -> bool:
    """Takes in what a worker says of its job, and lengthens the lease; whether it is to stop, as nobody wants it now.

    Raises:
        Conflict: the worker does not have it now.
    """
    told = text_of(dict(progress)) if progress else None
    done = db.execute(statements.EXTEND, {**held.named, "until": moment(LEASE_S), "told": told})
    if not done.rowcount:
        row = db.execute(statements.LEASE, held.named).one_or_none()
        if row is not None and row.state == "cancelled":
            return True
        raise _gone(held)
    if log:
        _log(db, held.id, log)
    return False


def ended(db: Connection, held: Held, outcome: Outcome) -> None:
    """Takes in what has come of a job; told twice, it counts once.

    Raises:
        Conflict: the worker does not have it now.
        Unfit: it is of another job, or does not yield what that yields.
    """
    row = db.execute(statements.LEASE, held.named).one_or_none()
    if row is None:
        raise _gone(held)
    outputs = _read(json_of(row.spec)).outputs
    if outcome.job != row.job or (isinstance(outcome, Done) and sorted(outcome.outputs) != sorted(outputs)):
        raise Unfit(f"this is no outcome of job {row.job}: it yields {', '.join(outputs) or 'no objects'}")
    text = text_of(event_to_json(outcome))
    if not db.execute(statements.END, {**held.named, "outcome": text}).rowcount and row.outcome != text:
        raise _gone(held)


def given_back(db: Connection, held: Held) -> None:
    """A worker that ends gives its job back: it waits again, in its old place. Nothing happens where it is not its."""
    db.execute(statements.GIVE_BACK, held.named)


def bury(db: Connection) -> None:
    """Ends the jobs that workers have vanished with too often."""
    for row in db.execute(statements.LOST, {"of_now": utc_now()}).all():
        times = statements.MOST_ATTEMPTS
        reason = f"{times} workers vanished with it, the last of them {row.worker!r}; look into why, and send it again"
        outcome = event_to_json(Failed(job=Digest(row.job), cause="crash", reason=reason))
        db.execute(statements.BURY, {"of_id": row.id, "outcome": text_of(outcome)})


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How a job stands, for people: its state, the numbers that it told last, and its log after a piece of it."""

    state: str
    progress: Mapping[str, float] = field(default_factory=dict)
    worker: str = ""
    log: str = ""
    number: int = -1


def standing(db: Connection, owner: str, job: Digest, *, after: int = -1) -> Standing | None:
    """How a job stands; none where nobody has asked for it.

    Args:
        after: the `number` of what was told before.
    """
    named = {"of_owner": owner, "of_job": job}
    row = db.execute(statements.STATE, named).one_or_none()
    if row is None:
        return None
    pieces = db.execute(statements.LOG, {**named, "of_after": after}).all()
    return Standing(
        state=row.state,
        progress=json_of(row.progress),
        worker=row.worker,
        log="".join(piece.text for piece in pieces),
        number=pieces[-1].number if pieces else after,
    )


def _put(db: Connection, owner: str, job: Job, *, anew: bool) -> None:
    known = db.execute(statements.KNOWN, {"of_owner": owner, "of_job": job.digest}).one_or_none()
    if known is None:
        spec = text_of(_written(job))
        program = job.inputs.get("program", "")
        values = {"owner": owner, "job": job.digest, "spec": spec, "asked": utc_now(), "program": program}
        db.execute(statements.ADD, values)
    elif known.state in ("waiting", "cancelled") or (
        known.state == "ended" and (anew or isinstance(_outcome(known.outcome), Failed))
    ):
        db.execute(statements.WAIT, {"of_id": known.id, "asked": utc_now()})


def _log(db: Connection, work: int, text: str) -> None:
    last, so_far = db.execute(statements.LOGGED, {"of_id": work}).one()
    if so_far >= _MOST_LOG:
        return
    kept = text.replace("\0", "\ufffd")  # which PostgreSQL keeps in no text
    kept = kept if so_far + len(kept) < _MOST_LOG else kept[: _MOST_LOG - so_far] + _CUT
    db.execute(statements.ADD_LOG, {"work": work, "number": 0 if last is None else last + 1, "text": kept})


def _gone(held: Held) -> Conflict:
    return Conflict(f"{held.worker} does not have this job any more: another has it, it has ended, or nobody wants it")


def moment(seconds: float) -> str:
    """So many seconds from now, as times are kept."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="microseconds")


def _written(job: Job) -> dict[str, Any]:
    needs = asdict(job.needs)
    return {**job.to_json(), "needs": {name: value for name, value in needs.items() if value}}


def _read(value: Mapping[str, Any]) -> Job:
    needs = Needs(**value["needs"])
    return replace(Job.from_json({name: item for name, item in value.items() if name != "needs"}), needs=needs)


def _outcome(text: str) -> Outcome:
    event = event_from_json(json_of(text))
    if not isinstance(event, (Done, Failed)):
        raise TypeError(f"a job ends as done or failed, got {type(event).__name__}")
    return event
