"""What the queue asks of its tables: each statement checks and changes at once."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Boolean, and_, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.engine import Connection

from concours.server.database.work_tables import WORK, WORK_LOG, WORKERS

MOST_ATTEMPTS: Final = 3
"""How many workers may vanish with a job."""

_now: Final[Any] = bindparam("of_now")
_mine = and_(WORK.c.owner == bindparam("of_owner"), WORK.c.job == bindparam("of_job"))
_lapsed = and_(WORK.c.state == "leased", WORK.c.leased_until < _now)
_within = or_(bindparam("of_all", type_=Boolean), WORK.c.owner.in_(bindparam("of_owners", expanding=True)))
_lease = and_(
    WORK.c.id == bindparam("of_id"),
    WORK.c.token == bindparam("of_token"),
    WORK.c.worker == bindparam("of_worker"),
    _within,
)
_first = (
    select(WORK.c.id)
    .where(or_(WORK.c.state == "waiting", _lapsed), WORK.c.attempts < MOST_ATTEMPTS, _within)
    .order_by(WORK.c.asked, WORK.c.id)
    .limit(1)
    .with_for_update(skip_locked=True)
)
"""SQLite, which has one writer at a time, leaves the lock out."""

ANY: Final = select(WORK.c.id).where(or_(WORK.c.state == "waiting", _lapsed), _within).limit(1)
KNOWN: Final = select(WORK.c.id, WORK.c.state, WORK.c.outcome).where(_mine).with_for_update()
ADD: Final = insert(WORK).values(state="waiting")
WAIT: Final = (
    update(WORK)
    .where(WORK.c.id == bindparam("of_id"))
    .values(state="waiting", asked=bindparam("asked"), attempts=0, outcome=None, worker="", leased_until="")
)
CANCEL: Final = update(WORK).where(_mine, WORK.c.state.in_(("waiting", "leased"))).values(state="cancelled")
TAKE: Final = (
    update(WORK)
    .where(WORK.c.id == _first.scalar_subquery())
    .values(
        state="leased",
        token=WORK.c.token + 1,
        attempts=WORK.c.attempts + 1,
        worker=bindparam("worker"),
        leased_until=bindparam("until"),
        progress="{}",
    )
    .returning(WORK.c.id, WORK.c.token, WORK.c.spec)
)
LEASE: Final = select(WORK.c.id, WORK.c.state, WORK.c.job, WORK.c.spec, WORK.c.outcome).where(_lease)
EXTEND: Final = (
    update(WORK)
    .where(_lease, WORK.c.state == "leased")
    .values(leased_until=bindparam("until"), progress=func.coalesce(bindparam("told"), WORK.c.progress))
)
END: Final = update(WORK).where(_lease, WORK.c.state == "leased").values(state="ended", outcome=bindparam("outcome"))
GIVE_BACK: Final = (
    update(WORK)
    .where(_lease, WORK.c.state == "leased")
    .values(state="waiting", attempts=WORK.c.attempts - 1, worker="", leased_until="")
)
LOST: Final = (
    select(WORK.c.id, WORK.c.job, WORK.c.worker)
    .where(_lapsed, WORK.c.attempts >= MOST_ATTEMPTS)
    .with_for_update(skip_locked=True)
)
ANY_LOST: Final = select(WORK.c.id).where(_lapsed, WORK.c.attempts >= MOST_ATTEMPTS).limit(1)
BURY: Final = update(WORK).where(WORK.c.id == bindparam("of_id")).values(state="ended", outcome=bindparam("outcome"))
ENDED: Final = select(WORK.c.job, WORK.c.outcome).where(
    WORK.c.owner == bindparam("of_owner"),
    WORK.c.state == "ended",
    WORK.c.job.in_(bindparam("of_jobs", expanding=True)),
)

CLEAR_LOG: Final = delete(WORK_LOG).where(WORK_LOG.c.work == bindparam("of_id"))
LOGGED: Final = select(func.max(WORK_LOG.c.number), func.coalesce(func.sum(func.length(WORK_LOG.c.text)), 0)).where(
    WORK_LOG.c.work == bindparam("of_id")
)
ADD_LOG: Final = insert(WORK_LOG)
LOG: Final = (
    select(WORK_LOG.c.number, WORK_LOG.c.text)
    .join(WORK, WORK.c.id == WORK_LOG.c.work)
    .where(_mine, WORK_LOG.c.number > bindparam("of_after"))
    .order_by(WORK_LOG.c.number)
)
STATE: Final = select(WORK.c.state, WORK.c.progress, WORK.c.worker, WORK.c.asked).where(_mine)

_see = update(WORKERS).where(WORKERS.c.name == bindparam("of_name"))


def seen_since(db: Connection, *, name: str, since: str, version: str, sandbox: str) -> bool:
    """Whether a worker has been noted since then, as it is."""
    wanted = (
        WORKERS.c.name == name,
        WORKERS.c.seen > since,
        WORKERS.c.version == version,
        WORKERS.c.sandbox == sandbox,
    )
    return db.execute(select(WORKERS.c.name).where(*wanted)).first() is not None


def see(db: Connection, *, name: str, seen: str, version: str, sandbox: str) -> None:
    """Notes that a worker is there."""
    told: dict[str, Any] = {"version": version, "sandbox": sandbox, "seen": seen}
    if not db.execute(_see.values(**told), {"of_name": name}).rowcount:
        db.execute(insert(WORKERS).values(name=name, **told))


def see_again(db: Connection, *, name: str, seen: str) -> None:
    """Notes that a worker is still there."""
    db.execute(_see.values(seen=seen), {"of_name": name})
