"""What tokens cost, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from concours.core.errors import ContestError
from concours.entrants.endpoints.replies import Reply

UNIT = Decimal("1e-12")
"""Money is counted in whole trillionths of the currency of the prices, so that sums are exact."""

_TO_A_TOKEN = Decimal(1_000_000)
"""From money per million tokens to `UNIT` a token."""

_MOST = Decimal(1_000_000)
_MOST_OF_A_PRICE = Decimal(100_000)


@dataclass(frozen=True)
class Price:
    """Money per million tokens: of the prompt, of the answer, and of what of the prompt came from the server's cache
    (None: as the rest of the prompt). At most six decimals.

    Raises:
        ContestError: a price is no number, negative, above a hundred thousand, or has more decimals.
    """

    input: Decimal | float | str
    output: Decimal | float | str
    cached: Decimal | float | str | None = None

    def __post_init__(self) -> None:
        _ = self._rates

    @cached_property
    def _rates(self) -> tuple[int, int, int]:
        """Of a token that is fresh, cached, out; in `UNIT`."""
        fresh = _rate("input", self.input)
        return fresh, fresh if self.cached is None else _rate("cached", self.cached), _rate("output", self.output)

    def units(self, tokens_in: int, tokens_cached: int, tokens_out: int) -> int:
        """What some tokens cost, in `UNIT`; cached ones are among those that went in.

        Law: 1000 in, 900 of them cached, and 50 out cost .001875 at 2.5, 1.25 (cached) and 10.
        """
        fresh, cached, out = self._rates
        return (tokens_in - tokens_cached) * fresh + tokens_cached * cached + tokens_out * out

    def of(self, reply: Reply) -> int | None:
        """What an answer cost, in `UNIT`; None where it does not say how many tokens it took."""
        if reply.tokens_in is None or reply.tokens_out is None:
            return None
        return self.units(reply.tokens_in, reply.tokens_cached or 0, reply.tokens_out)

    def worst(self, tokens_in: int, tokens_out: int) -> int:
        """The most that so many tokens can cost, in `UNIT`, cached or not."""
        return max(self.units(tokens_in, 0, tokens_out), self.units(tokens_in, tokens_in, tokens_out))


def money(units: int) -> Decimal:
    """An amount in `UNIT` in the currency of the prices, exactly."""
    return units * UNIT


def in_units(amount: Decimal | float | str, what: str) -> int:
    """An amount of money in `UNIT`, rounded down.

    Raises:
        ContestError: it is no number, negative, or above a million.
    """
    return int(_decimal(what, amount) / UNIT)


def _decimal(what: str, given: Decimal | float | str, most: Decimal = _MOST) -> Decimal:
    try:
        value = Decimal(str(given)) if not isinstance(given, bool) else Decimal("NaN")
    except ArithmeticError:
        value = Decimal("NaN")
    if not value.is_finite() or not 0 <= value <= most:
        raise ContestError(f"{what} = {given!r}: give a number from 0 to {most:,}")
    return value


def _rate(name: str, given: Decimal | float | str) -> int:
    """Of one token, in `UNIT`."""
    value = _decimal(f"price.{name}", given, _MOST_OF_A_PRICE) * _TO_A_TOKEN
    if value != int(value):
        raise ContestError(f"price.{name} = {given!r}: give money per million tokens with at most six decimals")
    return int(value)
