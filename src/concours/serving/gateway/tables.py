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
