"""Credit of sites for a federated model, from the updates of its rounds, without training anything again.

What a coalition of a round's sites would have made of the model is put together from the updates that were kept, and
evaluated on rows that no site trained on. GTG-Shapley (Liu et al. 2022, "GTG-Shapley: efficient and accurate
participant contribution evaluation in federated learning"): rounds that gained next to nothing are not looked into,
orders in which sites join are cut where nothing more is to be gained, and each site leads as many orders as any other.
Here what is cut is shared out equally among those it would have come to, so that credit adds up to the gain whatever
was cut.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from concours.kernels.credit.shares import every_coalition, jackknife_stderr, shapley

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

MOST_COUNTED: Final = 5
"""Sites of a round up to which all coalitions are looked at."""

Value = Callable[[int, tuple[int, ...]], Floats]
"""Of the model that some sites, by their numbers in order, make in a round: (1 + batches,) what it is worth, more being
better, and what it would be worth without each batch of the rows that judge. Of no sites, the model as the round found
it; of all of them, as the next one does."""


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How closely credit is looked into.

    Attributes:
        tolerance: gains below it, in units of the metric, are shared out equally and not looked into.
        passes: how often at most each site leads an order, two at least; fewer where all standard errors of a round,
            as far as they come of the orders drawn, are below the tolerance.
        seed: of the orders.
    """

    tolerance: float
    passes: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        if self.tolerance < 0 or self.passes < 2:
            raise ValueError(
                f"credit wants a tolerance of 0 or more and two passes at least; got {self.tolerance}, {self.passes}"
            )


@dataclass(frozen=True, kw_only=True)
class SiteCredit:
    """What sites added to a federated model over its rounds; a site adds nothing in a round it sat out.

    Attributes:
        first, last: what the model was worth before the first round and after the last.
        gain_stderr: the standard error of their difference, from the rows that judge.
        shapley: (sites,), adding up to that difference.
        stderr: (sites,) of them: from the rows, and from the orders drawn.
        lost, lost_stderr: (sites,) what the rounds gained less what each would have without the site (leave-one-out),
            added up over the rounds.
        looked: models that were put together and evaluated.
        passed: rounds that were not looked into.
    """

    first: float
    last: float
    gain_stderr: float
    shapley: Floats
    stderr: Floats
    lost: Floats
    lost_stderr: Floats
    looked: int
    passed: int


def site_credit(rounds: Sequence[Sequence[int]], sites: int, value: Value, effort: Effort) -> SiteCredit:
    """Credit of `sites` sites, from 0, for rounds in each of which those named sent an update that counted.

    Laws: the shares add up to the gain; with tolerance 0 and few sites a round they are the sums of the rounds' Shapley
    values; a site that changes no model gets nothing in rounds that are looked into.
    """
    games = [_Game(number, tuple(sorted(members)), value) for number, members in enumerate(rounds) if members]
    if not games:
        raise ValueError("credit wants a round in which a site sent an update")
    first, last = games[0].none, games[-1].all
    told, lost = np.zeros((sites, len(first))), np.zeros((sites, len(first)))
    drawn, passed = np.zeros(sites), 0
    for game in games:
        who = list(game.members)
        lost[who] += game.all - np.stack(
            [game.worth(game.members[:i] + game.members[i + 1 :]) for i in range(len(who))]
        )
        if abs(float((game.all - game.none)[0])) <= effort.tolerance:
            passed += 1
            told[who] += (game.all - game.none) / len(who)
        elif len(who) <= MOST_COUNTED:
            told[who] += _counted(game)
        else:
            shares, variance = _guided(game, effort)
            told[who] += shares
            drawn[who] += variance
    return SiteCredit(
        first=float(first[0]),
        last=float(last[0]),
        gain_stderr=float(jackknife_stderr((last - first)[1:])),
        shapley=told[:, 0],
        stderr=np.sqrt(drawn + jackknife_stderr(told[:, 1:]) ** 2),
        lost=lost[:, 0],
        lost_stderr=jackknife_stderr(lost[:, 1:]),
        looked=sum(len(game.known) for game in games),
        passed=passed,
    )


@dataclass
class _Game:
    """A round's sites, and what coalitions of them are worth, each found once."""

    number: int
    members: tuple[int, ...]
    value: Value
    known: dict[tuple[int, ...], Floats] = field(default_factory=dict)

    def worth(self, coalition: tuple[int, ...]) -> Floats:
        if coalition not in self.known:
            self.known[coalition] = np.asarray(self.value(self.number, coalition), dtype=np.float64)
        return self.known[coalition]

    @property
    def none(self) -> Floats:
        return self.worth(())

    @property
    def all(self) -> Floats:
        return self.worth(self.members)


def _counted(game: _Game) -> Floats:
    """(members, 1 + batches) by all coalitions."""
    who = np.array(game.members)
    return shapley(np.stack([game.worth(tuple(who[inside].tolist())) for inside in every_coalition(len(who))]))


def _guided(game: _Game, effort: Effort) -> tuple[Floats, Floats]:
    """(members, 1 + batches) by orders drawn, and (members,) the variance that comes of drawing them."""
    members = len(game.members)
    rng = np.random.default_rng([effort.seed, game.number])
    passes: list[Floats] = []
    while len(passes) < effort.passes:
        orders = [_led(rng, leader, members) for leader in range(members)]
        passes.append(np.mean([_added(game, order, effort.tolerance) for order in orders], axis=0))
        if len(passes) > 1 and float(np.sqrt(_variance(passes).max())) <= effort.tolerance:
            break
    return np.mean(passes, axis=0), _variance(passes)


def _variance(passes: Sequence[Floats]) -> Floats:
    return np.asarray(np.stack(passes)[:, :, 0].var(axis=0, ddof=1) / len(passes))


def _led(rng: np.random.Generator, leader: int, members: int) -> Codes:
    """An order of the members whose first is told."""
    return np.concatenate([[leader], rng.permutation(np.delete(np.arange(members), leader))])


def _added(game: _Game, order: Codes, tolerance: float) -> Floats:
    """(members, 1 + batches): what each adds when it joins; once all is gained, those left share the rest equally."""
    added = np.zeros((len(order), len(game.none)))
    before = game.none
    for place, member in enumerate(order):
        if abs(float((game.all - before)[0])) <= tolerance:
            added[order[place:]] = (game.all - before) / (len(order) - place)
            break
        joined = tuple(sorted(game.members[i] for i in order[: place + 1]))
        after = game.worth(joined)
        added[member] = after - before
        before = after
    return added
