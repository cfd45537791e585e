"""What the ledger asks of its tables: each statement checks and changes at once, and is made once.

Parameters begin with `of_` where they choose rows; `worst` is money; others are columns.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, bindparam, case, delete, func, insert, select, update

from concours.serving.gateway.tables import ALARMS, BUDGETS, CANARIES, REQUESTS

_AGAIN: Final = ("lost", "failed")
"""States of a request that may be asked again by its id: no answer is known to have come of it."""
_NO_LIMIT: Final = 8 * 10**18
"""What a key without a limit may spend: a request more still fits into 64 bits."""
_STATES: Final = {"under_way": "open", "failed": "failed", "kept": "kept", "lost": "lost"}
_WRITTEN: Final = tuple(column.name for column in REQUESTS.columns if column.name not in ("score", "tries"))
_BILLED: Final = ("state", "cost", "offer", "rows", "tokens_in", "tokens_out", "counting", "seconds", "said")

_worst = bindparam("worst", type_=BigInteger)
_key = BUDGETS.c.key == bindparam("of_key")
_mine = (REQUESTS.c.key == bindparam("of_key")) & (REQUESTS.c.id == bindparam("of_id"))
_open = REQUESTS.c.state == "open"
_gone = BUDGETS.c.spent + BUDGETS.c.reserved


def _of_mine(column: Any) -> Any:
    return select(column).where(_mine).scalar_subquery()


ALLOW: Final = update(BUDGETS).where(_key).values(most=bindparam("most"))
ALLOW_FIRST: Final = insert(BUDGETS).values(spent=0, reserved=0)
TAKE: Final = (
    update(BUDGETS)
    .where(_key & (_gone + _worst <= func.coalesce(BUDGETS.c.most, _NO_LIMIT)))
    .values(reserved=BUDGETS.c.reserved + _worst)
)
"""Reserves, if it fits: the one statement on which budgets rest."""
TAKE_UP: Final = update(REQUESTS).where(_mine & REQUESTS.c.state.in_(_AGAIN)).values(state="open")
GIVE_BACK: Final = update(BUDGETS).where(_key).values(spent=BUDGETS.c.spent - _of_mine(REQUESTS.c.cost))
WRITE_ANEW: Final = (
    update(REQUESTS).where(_mine).values({name: bindparam(name) for name in _WRITTEN} | {"tries": REQUESTS.c.tries + 1})
)
RESERVE_MORE: Final = update(REQUESTS).where(_mine & _open).values(reserved=REQUESTS.c.reserved + _worst)
BILL: Final = update(REQUESTS).where(_mine & _open).values({name: bindparam(name) for name in _BILLED})
SETTLE: Final = (
    update(BUDGETS)
    .where(_key)
    .values(
        reserved=BUDGETS.c.reserved - _of_mine(REQUESTS.c.reserved),
        spent=BUDGETS.c.spent + bindparam("paid", type_=BigInteger),
    )
)

_left_open = (
    select(func.coalesce(func.sum(REQUESTS.c.reserved), 0))
    .where(_open & (REQUESTS.c.key == BUDGETS.c.key))
    .scalar_subquery()
)
CHARGE_LOST: Final = update(BUDGETS).values(
    spent=BUDGETS.c.spent + _left_open, reserved=BUDGETS.c.reserved - _left_open
)
LOSE: Final = update(REQUESTS).where(_open).values(
    state="lost", cost=REQUESTS.c.reserved, offer=REQUESTS.c.chosen
)  # fmt: skip

LEFT: Final = select(BUDGETS.c.most - _gone).where(_key)
ALL_BUDGETS: Final = select(BUDGETS).order_by(BUDGETS.c.key)
REQUEST: Final = select(REQUESTS).where(_mine)
SCORE: Final = (
    update(REQUESTS)
    .where(_mine & (REQUESTS.c.state == "settled") & REQUESTS.c.score.is_(None))
    .values(score=bindparam("score"))
)
SCORES: Final = (
    select(REQUESTS.c.offer, func.count(), func.sum(REQUESTS.c.score))
    .where(REQUESTS.c.score.is_not(None))
    .group_by(REQUESTS.c.offer)
)
JUDGED: Final = (
    select(REQUESTS.c.chosen, REQUESTS.c.propensity, REQUESTS.c.considered, REQUESTS.c.score)
    .where(REQUESTS.c.score.is_not(None) & REQUESTS.c.considered.is_not(None))
    .order_by(REQUESTS.c.began.desc())
    .limit(100_000)
)
SECONDS: Final = (
    select(REQUESTS.c.seconds)
    .where((REQUESTS.c.offer == bindparam("of_offer")) & REQUESTS.c.seconds.is_not(None))
    .order_by(REQUESTS.c.began.desc())
    .limit(256)
)


def _ones(condition: Any) -> Any:
    return case((condition, 1), else_=0)


_by = REQUESTS.c.day, REQUESTS.c.key, REQUESTS.c.offer
_sums = {
    "requests": func.count(),
    **{name: func.sum(_ones(REQUESTS.c.state == state)) for name, state in _STATES.items()},
    **{name: func.sum(REQUESTS.c[name]) for name in ("rows", "tokens_in", "tokens_out")},
    **{word: func.sum(_ones(REQUESTS.c.counting == word)) for word in ("bound", "over")},
    "cost": func.sum(REQUESTS.c.cost),
    "charged_lost": func.sum(REQUESTS.c.cost * _ones(REQUESTS.c.state == "lost")),
}
USAGE: Final = (
    select(*_by, *(column.label(name) for name, column in _sums.items()))
    .group_by(*_by)
    .order_by(REQUESTS.c.day.desc(), REQUESTS.c.key, REQUESTS.c.offer)
)

_watched = CANARIES.c.offer == bindparam("of_offer")
_alarm = (ALARMS.c.offer == bindparam("of_offer")) & (ALARMS.c.told_by == bindparam("of_told_by"))
PROMISE: Final = select(CANARIES.c.promise).where(_watched)
FORGET: Final = (
    delete(CANARIES).where(_watched),
    delete(ALARMS).where(ALARMS.c.offer == bindparam("of_offer")),
)
WATCH: Final = insert(CANARIES).values(drawn=0)
WATCH_BY: Final = insert(ALARMS)
DRAW: Final = (
    update(CANARIES)
    .where(_watched)
    .values(drawn=CANARIES.c.drawn + bindparam("count"))
    .returning(CANARIES.c.seed, CANARIES.c.drawn)
)
"""Whoever draws at the same time gets other rows."""
ALARM: Final = select(ALARMS).where(_alarm).with_for_update()
HEAR: Final = update(ALARMS).where(_alarm)
WATCHED: Final = (
    select(ALARMS, CANARIES.c.drawn)
    .join(CANARIES, ALARMS.c.offer == CANARIES.c.offer)
    .order_by(ALARMS.c.offer, ALARMS.c.told_by)
)
