"""The tables of leased work: jobs that are done on other machines, or here by programs that see nothing else."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from concours.server.database.tables import METADATA

_NUMBER = BigInteger().with_variant(Integer, "sqlite")
_TIME = String(32)

WORK = Table(
    "work",
    METADATA,
    Column("id", _NUMBER, primary_key=True),
    Column("owner", String(200), nullable=False),
    Column("job", String(71), nullable=False),
    Column("spec", Text, nullable=False),
    Column("state", String(12), nullable=False),
    Column("asked", _TIME, nullable=False),
    Column("token", Integer, nullable=False, default=0),
    Column("worker", String(200), nullable=False, default=""),
    Column("leased_until", _TIME, nullable=False, default=""),
    Column("attempts", Integer, nullable=False, default=0),
    Column("progress", Text, nullable=False, default="{}"),
    Column("outcome", Text),
    Column("program", String(71), nullable=False, default="", index=True),
    UniqueConstraint("owner", "job"),
    Index("ix_work_state", "state", "asked"),
)
"""owner: who wants the job done, `competition 7`: a worker has those within its reach (`working.reach`). spec: the job
as JSON. state: `waiting`, `leased`, `ended` or `cancelled`. asked: when it was asked for last; the first asked is
the first leased. token: rises with each lease, so that what comes of an earlier one is known. attempts: leases that
were not given back. progress: numbers told last. program: the digest of what somebody submitted, where the job runs
that."""

WORK_LOG = Table(
    "work_log",
    METADATA,
    Column("work", _NUMBER, ForeignKey("work.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
)
"""What a job has printed in its last attempt, in pieces."""

WORKERS = Table(
    "workers",
    METADATA,
    Column("name", String(200), primary_key=True),
    Column("version", String(40), nullable=False),
    Column("sandbox", Text, nullable=False),
    Column("seen", _TIME, nullable=False),
)
"""name: of who it works for, a slash, and its own. sandbox: why it can make none; empty where it can. seen: when it
asked last, for work or to go on with some."""
