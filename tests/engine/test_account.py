"""The accountant: the noise that a promise takes, against what is known of plain Gaussian noise."""

from __future__ import annotations

import math

import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from concours.cooperate.privacy import Privacy, noise_of
from concours.core.job import Job
from concours.core.optional import installed
from concours.engine.runners.account import account
from concours.stores.memory import MemoryStore

pytestmark = pytest.mark.skipif(not installed("opacus"), reason="opacus accounts for privacy")


def noise(epsilon: float, delta: float, rate: float, steps: int) -> tuple[float, float]:
    job = Job(
        runner="account",
        inputs={},
        params={"epsilon": epsilon, "delta": delta, "spent": [[rate, steps]]},
        label="account",
    )
    values = account(job, MemoryStore()).values
    return values["noise"][0], values["epsilon"][0]


def least(epsilon: float, delta: float, steps: int) -> float:
    """The least noise without sampling, exactly: Balle and Wang 2018, "Improving the Gaussian mechanism", theorem 8."""

    def over(sigma: float) -> float:
        one = math.sqrt(steps) / sigma
        return norm.cdf(one / 2 - epsilon / one) - math.exp(epsilon) * norm.cdf(-one / 2 - epsilon / one) - delta

    return float(brentq(over, 1e-2, 1e4))


@pytest.mark.parametrize(
    ("epsilon", "delta", "steps"), [(4.0, 1e-5, 1), (4.0, 1e-5, 20), (0.1, 1e-6, 5), (8.0, 1e-3, 3)]
)
def test_noise_is_enough_and_not_much_more(epsilon: float, delta: float, steps: int) -> None:
    """Never less than the least there is, which is known of noise without sampling; a quarter more at most."""
    found, reached = noise(epsilon, delta, 1.0, steps)
    assert least(epsilon, delta, steps) <= found <= 1.25 * least(epsilon, delta, steps)
    assert reached <= epsilon


def test_more_to_hide_takes_more_noise() -> None:
    """It grows with steps and with the rate of the sample, and falls with ε and with δ."""
    usual = noise(4.0, 1e-5, 0.1, 100)[0]
    assert noise(4.0, 1e-5, 0.1, 400)[0] > usual
    assert noise(4.0, 1e-5, 0.3, 100)[0] > usual
    assert noise(8.0, 1e-5, 0.1, 100)[0] < usual
    assert noise(4.0, 1e-3, 0.1, 100)[0] < usual


def test_a_promise_that_cannot_be_kept_is_one_line() -> None:
    """What was asked, and what to change."""
    with pytest.raises(ValueError, match=r"epsilon = 0.001 at delta = 1e-15 cannot be kept over 100000 steps.*fewer"):
        noise(1e-3, 1e-15, 1.0, 100_000)


def test_what_sites_go_through_is_counted() -> None:
    """Rows by batches and epochs of the rounds that their site takes part in; sites by the rounds of the busiest."""
    local = {"batch_size": 10, "epochs": 2}
    rows = Privacy(epsilon=4.0, delta=1e-5).spent([100, 25, 5], [3, 0, 1], local)
    assert rows == [(1 / 10, 60), (1 / 2, 4), (1.0, 2)]
    sites = Privacy(epsilon=4.0, delta=1e-5, where="server").spent([100, 25, 5], [3, 0, 1], local)
    assert sites == [(1.0, 3)] * 3
    job = Privacy(epsilon=4.0, delta=1e-5).account([*rows, rows[0]], "account")
    assert job.params["spent"] == [[0.1, 60], [0.5, 4], [1.0, 2]]
    assert noise_of([*rows, rows[0]], {"noise": [1.0, 2.0, 3.0]}) == [1.0, 2.0, 3.0, 1.0]
