"""What a federation is of: who trains together and how, a round, and how far the rounds of a fold have come. Values."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from concours.cooperate.privacy import Privacy
from concours.core.digests import Digest
from concours.core.frozen import frozen
from concours.core.job import Job
from concours.core.process import Memo
from concours.core.typed import typed

GROUP_ROWS = 4096
"""Sites are trained in one job until they have so many rows together, times epochs."""


@dataclass(frozen=True, kw_only=True)
class Federation:
    """Who trains together, and how. A value.

    Attributes:
        of: the name of the entrant that is trained.
        names: of the sites; a site is its number among them.
        sites: the site of each row of the training part, (rows,) int64.
        test_sites: the same of the test part, where there is one.
        rows: how many rows of the training part each site has.
        found: how rows came to sites, in words.
        strategy: a name of `kernels.federating.strategies.STRATEGIES`.
        rounds: how many.
        controls: whether sites have control variates, which the strategy asks for.
        sample: the share of the sites that is asked in a round, drawn anew each time.
        local: how sites train, as JSON of `entrants.federated.Local`.
        server: what else the server does, as JSON of `kernels.federating.strategies.Aggregation`.
        dropouts: the share of those asked that never answer.
        stragglers: the share of those asked whose answer comes a round late.
        liars: the numbers of sites that lie, for study, and `times`, by what they multiply what they send.
        privacy: what is promised of each row, or of each site; none where nothing is.
    """

    of: str
    names: tuple[str, ...]
    sites: Digest
    test_sites: Digest | None = None
    rows: tuple[int, ...] = ()
    found: str = ""
    strategy: str = "fedavg"
    controls: bool = False
    rounds: int = 20
    sample: float = 1.0
    local: Mapping[str, Any] = field(default_factory=dict)
    server: Mapping[str, Any] = field(default_factory=dict)
    dropouts: float = 0.0
    stragglers: float = 0.0
    liars: tuple[int, ...] = ()
    times: float = -10.0
    privacy: Privacy | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "local", frozen(self.local))
        object.__setattr__(self, "server", frozen(self.server))

    @property
    def epochs(self) -> int:
        """Passes of a site over its rows in a round."""
        return int(self.local.get("epochs", 1))

    def to_json(self) -> dict[str, Any]:
        """The federation as JSON."""
        plain = {**vars(self), "local": dict(self.local), "server": dict(self.server)}
        lists = {name: list(plain[name]) for name in ("names", "rows", "liars")}
        return {**plain, **lists, "privacy": vars(self.privacy) if self.privacy else None}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Federation:
        """The inverse of `to_json`. Raises ContentRefused where it is none."""
        return typed(cls, value)

    def amiss(self) -> str:
        """What is wrong between its values, which types do not tell."""
        return "" if len(self.names) == len(self.rows) > 0 else "names: expected as many as rows"


@dataclass(frozen=True, kw_only=True)
class Round:
    """A round of a fold.

    Attributes:
        asked: the numbers of the sites that were drawn.
        dropped, late: those of them that never answer, and whose answer is of the next round.
        jobs: which train the others, and which train those that are late.
        aggregate: the job that ends it, once it can be named.
    """

    number: int
    asked: tuple[int, ...]
    dropped: tuple[int, ...]
    late: tuple[int, ...]
    jobs: tuple[Job, ...]
    late_jobs: tuple[Job, ...]
    aggregate: Job | None = None


@dataclass(frozen=True, kw_only=True)
class Course:
    """How far the rounds of a fold have come.

    Attributes:
        number: of the round that is under way.
        weights, state: with which it begins.
        late: what came too late for the round before, digests of updates.
        controls: of each site that has trained, where its control variate lies.
    """

    number: int = 0
    weights: Digest | None = None
    state: Digest | None = None
    late: tuple[Digest, ...] = ()
    controls: Mapping[int, Digest] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "controls", frozen(self.controls))


@dataclass(frozen=True, kw_only=True)
class Federated(Memo):
    """The state of a federation: how its jobs ended, and, as follows from that, the course of each fold.

    `over` once its time is spent.
    """

    courses: tuple[Course, ...] = ()
    over: bool = False


def course_of(state: Memo, place: int) -> Course:
    """The course of a fold, by its place; of a state that is no federation's yet, one that has not begun."""
    return state.courses[place] if isinstance(state, Federated) else Course()


def drawn(among: Sequence[int], count: int, chance: random.Random) -> list[int]:
    """So many different ones, in the order drawn; `random()` alone is the same in every version of Python."""
    left, found = list(among), list[int]()
    for _ in range(min(count, len(left))):
        place = int(len(left) * chance.random())
        left[place], left[-1] = left[-1], left[place]
        found.append(left.pop())
    return found


def grouped(sites: Sequence[int], rows: Sequence[int], epochs: int) -> Iterator[list[int]]:
    """Sites that are trained in one job, in order: so many that they are worth one."""
    group, load = list[int](), 0
    for site in sites:
        group.append(site)
        load += rows[site] * epochs
        if load >= GROUP_ROWS:
            yield group
            group, load = [], 0
    if group:
        yield group
