"""Accounting of privacy: what noise keeps a promise, and what has been promised so far.

By Rényi divergences (Mironov 2017; of Poisson samples Mironov, Talwar and Zhang 2019), as opacus adds them up: an upper
bound of ε, so that a promise holds, with some percent more noise than the least.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final

from concours.core.errors import ContestError
from concours.core.optional import install_command, installed

Spent = tuple[float, float, int]
"""Noise in units of the bound, the rate of a sample, and how many steps there were of both."""

_ORDERS: Final = (64, 128, 256)
"""Of Rényi divergences beyond opacus' own, for promises of a small ε."""


@lru_cache
def least_noise(epsilon: float, delta: float, rate: float, steps: int) -> float:
    """The least noise, in units of the bound, with which so many steps on sampled sums keep ε at δ.

    Raises:
        ValueError: none does.
    """
    with _opacus() as orders:
        from opacus.accountants.utils import get_noise_multiplier

        how = {"sample_rate": rate, "steps": steps, "accountant": "rdp", "alphas": orders}
        try:
            return float(
                get_noise_multiplier(target_epsilon=epsilon, target_delta=delta, epsilon_tolerance=epsilon / 50, **how)
            )
        except ValueError:
            raise ValueError(
                f"epsilon = {epsilon:g} at delta = {delta:g} cannot be kept over {steps} steps by any noise; take a "
                "greater epsilon or fewer rounds"
            ) from None


def noise_at(private: Mapping[str, Any], spent: tuple[float, int]) -> float:
    """The noise with which a site keeps a promise itself, by what a row goes through in one of its `rounds`."""
    rate, steps = spent
    return least_noise(private["epsilon"], private["delta"], rate, steps * private["rounds"])


def epsilon_of(spent: Sequence[Spent], delta: float) -> float:
    """The ε at δ that all of them come to together; 0 of none. Law: it grows with each more."""
    if not spent:
        return 0.0
    with _opacus() as orders:
        from opacus.accountants import RDPAccountant

        accountant = RDPAccountant()
        accountant.history = list(spent)
        return float(accountant.get_epsilon(delta, alphas=orders))


def require_accountant() -> None:
    """Raises ContestError where opacus is not installed."""
    if not installed("opacus"):
        raise ContestError(f"privacy needs opacus, which accounts for it; get it with: {install_command('opacus')}")


@contextmanager
def _opacus() -> Iterator[list[float]]:
    """The orders that are looked at; they are wide, and where none is best the bound holds anyway."""
    require_accountant()
    from opacus.accountants import RDPAccountant

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Optimal order is the")
        yield [*RDPAccountant.DEFAULT_ALPHAS, *_ORDERS]
