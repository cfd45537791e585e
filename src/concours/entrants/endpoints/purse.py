"""A purse: how much may be spent, by all who ask, together."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from concours.core.errors import ContestError, SpentOut
from concours.entrants.endpoints.calls import Call
from concours.entrants.endpoints.database import Database
from concours.entrants.endpoints.price import Price, in_units, money

_TABLE = (
    "CREATE TABLE IF NOT EXISTS purse (id INTEGER PRIMARY KEY CHECK (id = 0), spent INTEGER NOT NULL, "
    "reserved INTEGER NOT NULL, requests INTEGER NOT NULL)"
)
_MESSAGE = 16
"""Tokens by which a template surrounds a message, at most, beside its role."""


class Purse:
    """What has been spent, in a file that threads and processes share, and the limits.

    What is under way is reserved at its worst before it is sent, and settled by what it took. What was reserved and is
    never settled, since its process was killed or its connection was lost, stays counted at its worst: the endpoint may
    have answered it. So after any end of any process neither the money nor the requests that endpoints have seen exceed
    the limits, as long as endpoints keep to the limit of tokens that a call names. A try again is a request of its own.

    Args:
        path: of the file; the one of the answers will do.
        most_cost: in the currency of the prices; None for no limit.
        most_requests: None for no limit.

    Raises:
        ContestError: a limit is no number, or negative. All else: as `Database`.
    """

    def __init__(
        self, path: Path | str, most_cost: Decimal | float | str | None = None, most_requests: int | None = None
    ) -> None:
        self.most_units = None if most_cost is None else in_units(most_cost, "max-cost")
        if most_requests is not None and (type(most_requests) is not int or most_requests < 0):
            raise ContestError(f"max-requests = {most_requests!r}: give a whole number, 0 or more")
        self.most_requests = most_requests
        self._file = Database(Path(path), _TABLE)
        self._file.changed("INSERT OR IGNORE INTO purse VALUES (0, 0, 0, 0)")

    def reserve(self, worst: int) -> bool:
        """Takes out a request of so much money at worst, in `price.UNIT`.

        Gives False, and takes nothing, if it does not fit.
        """
        sql, values = "UPDATE purse SET reserved = reserved + ?, requests = requests + 1 WHERE id = 0", [worst]
        if self.most_units is not None:
            sql += " AND spent + reserved + ? <= ?"
            values += [worst, self.most_units]
        if self.most_requests is not None:
            sql += " AND requests < ?"
            values.append(self.most_requests)
        return self._file.changed(sql, values) == 1

    def settle(self, reserved: int, spent: int, unsent: int = 0) -> None:
        """Puts back what was reserved and takes what was spent; `unsent` of the requests never left this machine."""
        self._file.changed(
            "UPDATE purse SET reserved = reserved - ?, spent = spent + ?, requests = requests - ? WHERE id = 0",
            (reserved, spent, unsent),
        )

    @property
    def spent(self) -> Decimal:
        """Money that answers took, exactly."""
        return money(self._state()[0])

    @property
    def reserved(self) -> Decimal:
        """Money that is under way, or whose answer was lost, at its worst."""
        return money(self._state()[1])

    @property
    def requests(self) -> int:
        """Requests that were sent, tries again among them."""
        return self._state()[2]

    def _state(self) -> tuple[int, int, int]:
        spent, reserved, requests = self._file.rows("SELECT spent, reserved, requests FROM purse")[0]
        return int(spent), int(reserved), int(requests)

    def refusal(self, worst: int) -> SpentOut:
        """Why a request of so much at worst is not sent, in one line."""
        spent, reserved, requests = self._state()
        if self.most_requests is not None and requests >= self.most_requests:
            return SpentOut(
                f"{requests} requests have been sent, and --max-requests is {self.most_requests}: all answers are "
                "kept; give a higher limit and run the same command again"
            )
        lost = (
            f", {amount(reserved)} more are counted at their worst for answers that have not come" if reserved else ""
        )
        return SpentOut(
            f"{amount(spent)} have been spent{lost}, the next request may take {amount(worst)}, and --max-cost is "
            f"{amount(self.most_units or 0)}: all answers are kept; give a higher limit and run the same command again"
        )

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Purse:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def amount(units: int) -> str:
    """Money for people: six decimals, no zeros at the end."""
    return f"{money(units):.6f}".rstrip("0").rstrip(".")


def worst_tokens(call: Call) -> tuple[int, int | None]:
    """The most tokens that a call can take: in, and out; None where it names no limit.

    A token is at least a byte of UTF-8 for every tokeniser of bytes or pieces. So the prompt has at most as many tokens
    as its JSON has bytes, and what the template puts around each message.
    """
    messages = call.body.get("messages")
    around = _MESSAGE * (1 + (len(messages) if isinstance(messages, list) else 0))
    limits = [call.body.get(name) for name in ("max_tokens", "max_completion_tokens")]
    given = [limit for limit in limits if type(limit) is int and limit >= 0]
    return len(call.sent) + around, max(given) if given else None


def worst_cost(call: Call, price: Price | None, *, bounded: bool) -> int:
    """The most that a call can cost, in `price.UNIT`; 0 where there is no price.

    Raises:
        ContestError: money is bounded, and the call has no price or names no limit of tokens.
    """
    model = call.body.get("model")
    if price is None:
        if bounded:
            raise ContestError(
                f"--max-cost is given, and {model!r} has no price: add price = {{ input = …, output = … }}, per "
                "million tokens"
            )
        return 0
    tokens_in, tokens_out = worst_tokens(call)
    if bounded and tokens_out is None:
        raise ContestError(
            f"--max-cost is given, and {model!r} may say as much as it likes: add max_tokens to its parameters"
        )
    return price.worst(tokens_in, tokens_out or 0)
