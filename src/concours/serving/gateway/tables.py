"""The tables of a gateway: budgets, and a row for each request."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Integer, MetaData, String, Table, Text

METADATA = MetaData()

BUDGETS = Table(
    "budgets",
    METADATA,
    Column("key", String(200), primary_key=True),
    Column("most", BigInteger),
    Column("spent", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False),
)
"""Money in `UNIT` (`entrants.endpoints.price`): what a key may spend in all (none: no limit), has spent, and has
reserved for what is under way."""

REQUESTS = Table(
    "requests",
    METADATA,
    Column("key", String(200), primary_key=True),
    Column("id", String(200), primary_key=True),
    Column("day", String(10), nullable=False, index=True),
    Column("asked", String(200), nullable=False),
    Column("state", String(10), nullable=False, index=True),
    Column("reserved", BigInteger, nullable=False),
    Column("cost", BigInteger, nullable=False),
    Column("chosen", String(200)),
    Column("propensity", Float),
    Column("considered", Text),
    Column("offer", String(200), index=True),
    Column("rows", BigInteger, nullable=False),
    Column("tokens_in", BigInteger, nullable=False),
    Column("tokens_out", BigInteger, nullable=False),
    Column("counting", String(10), nullable=False),
    Column("seconds", Float),
    Column("said", String(64)),
    Column("score", Float),
    Column("began", Float, nullable=False),
    Column("tries", Integer, nullable=False),
)
"""A row a request.

asked: the word that it asked for.
state: `open` while it is under way, then `settled`, `failed` (nobody answered; costs nothing), `kept` (an answer that
    was there already; costs nothing) or `lost` (the gateway ended under it; costs what was reserved).
chosen, propensity: who was to answer, and with which probability it was chosen.
considered: the probabilities of all who could have been chosen, as JSON.
offer: who answered.
counting: whose count of tokens was paid: `told` by the endpoint, `bound` by bytes as it told none, `over` where it told
    more than the bytes allow and was paid the bound, `none` where no token has a price.
seconds: until the answer began.
said: the digest of the answer where it is one word or text, for feedback by the truth.
score: from feedback, in units of the offer's metric.
"""

CANARIES = Table(
    "canaries",
    METADATA,
    Column("offer", String(200), primary_key=True),
    Column("promise", String(80), nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("drawn", BigInteger, nullable=False),
)
"""A row an offer that is watched.

promise: the digest of who the offer is to be, and by which rows that is seen; with another one all begins anew.
seed: of the order of the rows.
drawn: how many were sent so far.
"""

ALARMS = Table(
    "alarms",
    METADATA,
    Column("offer", String(200), primary_key=True),
    Column("told_by", String(20), primary_key=True),
    Column("promised", Float, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("sums", Text, nullable=False),
    Column("greatest", Float, nullable=False),
    Column("lately", Text, nullable=False),
    Column("raised", Float),
    Column("raised_rows", BigInteger),
    Column("raised_lately", Text),
)
"""How strongly canaries speak against what was promised: `accuracy` and `disagreement` of each offer.

promised, rows, failed, sums, greatest: of `kernels.watching.alarms.Alarm`; sums as JSON.
lately: of the last canaries, 1 for each that failed and 0 for each other, the last at the end.
raised, raised_rows, raised_lately: when there was an alarm, and what was known then; none where there was none.
"""
