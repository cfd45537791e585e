"""The accountant: how much noise keeps a promise of privacy."""

from __future__ import annotations

import warnings
from typing import Final

from concours.core.job import Job
from concours.core.optional import install_command, installed
from concours.core.ports import Store
from concours.engine.work import JobResult

_ORDERS: Final = (64, 128, 256)
"""Of Rényi divergences beyond opacus' own, for promises of a small ε."""


def account(job: Job, store: Store) -> JobResult:  # noqa: ARG001 (nothing is read)
    """The least noise, in units of the bound, with which Gaussian noise on sampled sums keeps ε at δ.

    By Rényi divergences (Mironov 2017; of Poisson samples Mironov, Talwar and Zhang 2019), as opacus adds them up: an
    upper bound of ε, so that the promise holds, with some percent more noise than the least.

    Params: `epsilon`, `delta`, and `spent`, pairs of the rate of a sample and of how many steps there are. Values, of
    each pair in turn: `noise`, and `epsilon`, which it comes to.

    Raises:
        ValueError: opacus is not installed, or no noise keeps the promise.
    """
    if not installed("opacus"):
        raise ValueError(f"privacy needs opacus, which accounts for it; get it with: {install_command('opacus')}")
    from opacus.accountants import RDPAccountant
    from opacus.accountants.utils import get_noise_multiplier

    epsilon, delta, orders = job.params["epsilon"], job.params["delta"], [*RDPAccountant.DEFAULT_ALPHAS, *_ORDERS]
    noise, reached = [], []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Optimal order is the")  # orders are wide; the bound holds anyway
        for rate, steps in job.params["spent"]:
            how = {"sample_rate": rate, "steps": steps, "accountant": "rdp", "alphas": orders}
            try:
                found = get_noise_multiplier(
                    target_epsilon=epsilon, target_delta=delta, epsilon_tolerance=epsilon / 50, **how
                )
            except ValueError:
                raise ValueError(
                    f"epsilon = {epsilon:g} at delta = {delta:g} cannot be kept over {steps} steps by any noise; take "
                    "a greater epsilon or fewer rounds"
                ) from None
            accountant = RDPAccountant()
            accountant.history = [(found, rate, steps)]
            noise.append(float(found))
            reached.append(float(accountant.get_epsilon(delta, alphas=orders)))
    return JobResult(values={"noise": noise, "epsilon": reached})
