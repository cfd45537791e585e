"""The accountant: how much noise keeps a promise of privacy."""

from __future__ import annotations

from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.accounting import epsilon_of, least_noise
from concours.engine.work import JobResult


def account(job: Job, store: Store) -> JobResult:  # noqa: ARG001 (nothing is read)
    """The least noise, in units of the bound, with which Gaussian noise on sampled sums keeps ε at δ.

    Params: `epsilon`, `delta`, and `spent`, pairs of the rate of a sample and of how many steps there are. Values, of
    each pair in turn: `noise`, and `epsilon`, which it comes to.

    Raises:
        ContestError: opacus is not installed. ValueError: no noise keeps the promise.
    """
    epsilon, delta, spent = job.params["epsilon"], job.params["delta"], job.params["spent"]
    noise = [least_noise(epsilon, delta, rate, steps) for rate, steps in spent]
    reached = [epsilon_of([(own, *each)], delta) for own, each in zip(noise, spent, strict=True)]
    return JobResult(values={"noise": noise, "epsilon": reached})
