"""A round of real sites, as far as it has come: in the open, or summed up unseen.

A round ends when everybody who was asked has answered or failed, and, where it is summed up unseen, so in each stage.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from concours.cooperate.deployed_jobs import Asking
from concours.core.digests import Digest
from concours.core.event import Done, Failed
from concours.core.job import Job
from concours.core.process import Memo
from concours.core.seeds import derive_seed
from concours.kernels.federating.masking import least, neighbours


@dataclass(frozen=True, kw_only=True)
class Round:
    """How far a round has come.

    Attributes:
        jobs: those at sites that can be named so far.
        over: whether these have all ended, and no other follows.
        sent: who has sent what the weights are made of.
        failed: who has not, and how that ended.
        ends: the job that makes the weights of it; none where there is nothing to make them of.
        lost: why what was sent came to nothing, where it did.
    """

    jobs: tuple[Job, ...]
    over: bool = False
    sent: tuple[str, ...] = ()
    failed: Mapping[str, Failed] = field(default_factory=dict)
    ends: Job | None = None
    lost: str = ""


Holding = Callable[[Asking, int, Digest, Digest | None, Sequence[str]], Round]
"""Holds a round, by its number, the weights and the server's state with which it begins, and who is asked."""


def open_round(asking: Asking, number: int, weights: Digest, server: Digest | None, asked: Sequence[str]) -> Round:
    """Each site sends its update."""
    held = _Held(asking.state)
    updates = held.yielded({site: asking.local(site, number, weights) for site in asked}, "update")
    if not updates:
        return held.round(over=updates is not None)
    return held.round(sent=updates, ends=asking.aggregate(number, weights, server, list(updates.values())))


def secure_round(asking: Asking, number: int, weights: Digest, server: Digest | None, asked: Sequence[str]) -> Round:
    """Sites send what is of use in a sum alone (SecAgg+, `kernels.federating.masking`), in four stages.

    Who leaves is missing from then on, and the round is lost where too few are left to take the masks off the sum.
    """
    held, unseen = _Held(asking.state), _Unseen(asking, number, weights, asked)
    there, stages = list(asked), (unseen.keys, unseen.sealed, unseen.masked, unseen.shares)
    for stage in stages:
        name = stage.__name__
        found = held.yielded({site: stage(site) for site in there}, name)
        if found is None:
            return held.round()
        unseen.yielded[name], there = found, list(found)
        if lost := unseen.too_few(there):
            return held.round(over=True, lost=lost)
    return held.round(sent=unseen.yielded["masked"], ends=unseen.ends(server))


class _Unseen:
    """The jobs of a round that is summed up unseen. Each stage is of those who were there in the one before.

    Attributes:
        yielded: what came of each stage, by its name and by site.
    """

    def __init__(self, asking: Asking, number: int, weights: Digest, asked: Sequence[str]) -> None:
        chance = random.Random(derive_seed(asking.state.seed, "federation", "circle", number))  # noqa: S311 (no secret)
        self._asking, self._number, self._weights, self._asked = asking, number, weights, asked
        self._places = {site: place for place, site in enumerate(asked)}
        self._near = dict(zip(asked, neighbours(len(asked), chance), strict=True))
        self.yielded: dict[str, dict[str, Digest]] = {}

    def keys(self, site: str) -> Job:
        """Its public keys."""
        return self._asking.keys(site, self._number)

    def sealed(self, site: str) -> Job:
        """Parts of its secrets, for each neighbour one."""
        return self._asking.shares(site, self._number, self._known(site, "keys", among="keys"), self._at(site))

    def masked(self, site: str) -> Job:
        """What it has trained, under masks."""
        keys = self._known(site, "keys", among="sealed")
        return self._asking.masked(site, self._number, self._weights, keys, self._at(site))

    def shares(self, site: str) -> Job:
        """What it knows of its neighbours' secrets, so that the masks can be taken off the sum."""
        inputs = {**self._known(site, "keys", among="sealed"), **self._known(site, "sealed", among="sealed")}
        present = [place for place in self._near[site] if self._asked[place] in self.yielded["masked"]]
        return self._asking.reveal(site, self._number, inputs, self._at(site), present)

    def ends(self, server: Digest | None) -> Job:
        """The weights after the round."""
        masking = self.yielded["sealed"]
        keys = {site: digest for site, digest in self.yielded["keys"].items() if site in masking}
        told = {"keys": keys, "masked": self.yielded["masked"], "shares": self.yielded["shares"]}
        inputs = {f"{what}{self._places[site]}": digest for what, each in told.items() for site, digest in each.items()}
        near = {str(self._places[site]): self._near[site] for site in masking}
        return self._asking.aggregate_masked(self._number, self._weights, server, inputs, near)

    def too_few(self, there: Collection[str]) -> str:
        """Why those who are there cannot go on; empty where they can: of nobody may too many neighbours be gone."""
        wanted = max([2, *(least(len(places)) for places in self._near.values())])
        left = [sum(self._asked[place] in there for place in places) for places in self._near.values()]
        if min([len(there), *left]) >= wanted:
            return ""
        return (
            f"the round is lost: {len(there)} of {len(self._asked)} sites were there to its end, and the sum of what "
            f"they sent is known from {wanted} on, and nothing else is"
        )

    def _at(self, site: str) -> dict[str, int]:
        return {"place": self._places[site], "near": len(self._near[site])}

    def _known(self, site: str, what: str, among: str) -> dict[str, Digest]:
        """What came of a stage of a site's neighbours, as far as these were there in another one."""
        near = [(place, self._asked[place]) for place in self._near[site]]
        return {f"{what}{place}": self.yielded[what][other] for place, other in near if other in self.yielded[among]}


class _Held:
    """The jobs of a round so far, and who failed in them."""

    def __init__(self, state: Memo) -> None:
        self._state = state
        self._jobs: list[Job] = []
        self._failed: dict[str, Failed] = {}

    def yielded(self, own: Mapping[str, Job], name: str) -> dict[str, Digest] | None:
        """What the jobs of sites have yielded, of those that ended well; nothing while one has not ended."""
        self._jobs += own.values()
        ended = {site: self._state.ended(job) for site, job in own.items()}
        if not all(ended.values()):
            return None
        self._failed |= {site: event for site, event in ended.items() if isinstance(event, Failed)}
        return {site: event.outputs[name] for site, event in ended.items() if isinstance(event, Done)}

    def round(
        self, *, over: bool = False, sent: Collection[str] = (), ends: Job | None = None, lost: str = ""
    ) -> Round:
        return Round(
            jobs=tuple(self._jobs),
            over=over or ends is not None,
            sent=tuple(sent),
            failed=dict(self._failed),
            ends=ends,
            lost=lost,
        )
