"""Privacy of a federation: what was promised, and what an accountant has to look into so that it is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from concours.core.job import Job
from concours.core.process import Memo

Where = Literal["site", "server"]
"""Who adds the noise: each site, while it trains, so that nobody else sees more of a row; or the server, which sees
what sites send and hides each of them in what it makes of it."""

Spent = tuple[float, int]
"""With what probability a row, or a site, is in a step; and how many steps there are."""


@dataclass(frozen=True, kw_only=True)
class Privacy:
    """A promise: ε at δ, for each row of a site, or for each site as a whole.

    Attributes:
        bound: the greatest length of what one row, or one site, adds to a step.
    """

    epsilon: float
    delta: float
    where: Where = "site"
    bound: float = 1.0

    @property
    def told(self) -> dict[str, float]:
        """What a site is told that keeps the promise itself."""
        return {"epsilon": self.epsilon, "delta": self.delta, "bound": self.bound}

    def spent(self, rows: Sequence[int], rounds: Sequence[int], local: Mapping[str, Any]) -> list[Spent]:
        """What each site's rows go through, or each site, by its rows and how many rounds it takes part in.

        Who takes part is known, so it hides nobody: a site is in each of its rounds for certain. Of a site that takes
        part in none it is what it is for one round.
        """
        if self.where == "server":
            return [(1.0, max(1, *rounds))] * len(rows)
        each = [of_round(own, local) for own in rows]
        return [(rate, steps * max(1, times)) for (rate, steps), times in zip(each, rounds, strict=True)]

    def account(self, spent: Sequence[Spent], label: str) -> Job:
        """The job that finds the noise for each of these."""
        return Job(
            runner="account",
            inputs={},
            params={
                "epsilon": self.epsilon,
                "delta": self.delta,
                "spent": [list(each) for each in sorted(set(spent))],
            },
            label=label,
        )


def of_round(rows: int, local: Mapping[str, Any]) -> Spent:
    """What each row of a site goes through in a round, by how many there are."""
    batches = max(1, rows // int(local["batch_size"]))
    return 1 / batches, int(local["epochs"]) * batches


def noise_of(spent: Sequence[Spent], values: Mapping[str, Any]) -> list[float]:
    """The noise of each, from what the job told, in the order of `account`."""
    known = dict(zip(sorted(set(spent)), values["noise"], strict=True))
    return [known[each] for each in spent]


@dataclass(frozen=True, kw_only=True)
class Promise:
    """A promise to the sites of a fold.

    Attributes:
        spent: what each of them goes through in all rounds.
        account: the job that finds the noise which that takes.
    """

    privacy: Privacy
    spent: tuple[Spent, ...]
    account: Job

    @classmethod
    def of(
        cls, privacy: Privacy, rows: Sequence[int], rounds: Sequence[int], local: Mapping[str, Any], label: str
    ) -> Promise:
        """The promise to sites, by their rows and in how many rounds each takes part."""
        spent = privacy.spent(rows, rounds, local)
        return cls(privacy=privacy, spent=tuple(spent), account=privacy.account(spent, label))

    def told(self, where: Where, state: Memo) -> dict[str, Any]:
        """What a job is told that keeps it: a `bound`, and the `noise` of each site in units of it, once it is known.

        Nothing where the noise is added elsewhere.
        """
        if self.privacy.where != where:
            return {}
        done = state.done(self.account)
        return {"bound": self.privacy.bound, "noise": noise_of(self.spent, done.values) if done else []}


def promised(promises: Sequence[Promise], state: Memo) -> dict[str, Any]:
    """What all of them come to: the greatest `epsilon` that was reached, at `delta`, and the range of the `noise`, in
    units of `bound`. Nothing where nothing is promised, or it has not been accounted for.
    """
    told = [done.values for promise in promises if (done := state.done(promise.account))]
    if not told:
        return {}
    privacy = promises[0].privacy
    noise = [value for values in told for value in values["noise"]]
    reached = max(value for values in told for value in values["epsilon"])
    return {**vars(privacy), "epsilon": reached, "asked": privacy.epsilon, "noise": [min(noise), max(noise)]}
