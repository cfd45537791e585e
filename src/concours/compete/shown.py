"""What a way to compete leaves for people, as types: `format` in `result.json`, which reports and boards draw."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from concours.core.digests import Digest

Ends = tuple[float, float, float]
"""A value, and the ends of its interval of 95%."""

Places = tuple[int, int, int]
"""A place, the best and the worst that the data cannot rule out."""


class OnRung(TypedDict):
    """A candidate on a rung; see `compete.rungs.Line`."""

    name: str
    score: float | None
    stderr: float | None
    worse: bool
    early: bool
    stays: bool | None


class FailedThere(TypedDict):
    """A candidate that could not be fitted, and why."""

    name: str
    reason: str


class ShownRung(TypedDict):
    """A rung; see `compete.rungs.Rung`."""

    share: float
    rows: int
    compared: bool
    lines: list[OnRung]
    failed: list[FailedThere]
    seconds: float


class Bracket(TypedDict):
    """A knockout; see `compete.rungs.Knockout.bracket`."""

    name: str
    eta: int
    finalists: int
    rows: int
    entrants: int
    folds: int
    telling: int
    metric: str
    rungs: list[ShownRung]
    through: list[str]
    spent: float
    most: float
    over: bool
    seconds: float


class Rated(TypedDict):
    """A player of an arena."""

    name: str
    rating: float
    stderr: float
    ci: tuple[float, float]
    rank: int
    rank_best: int
    rank_worst: int
    tier: int
    battles: int


class ShownArena(TypedDict):
    """An arena; see `compete.arena.Arena.shown`."""

    name: str
    by: str
    level: float
    battles: int
    most: int
    rounds: int
    settled: bool
    reason: str
    ratings: list[Rated]
    won: list[list[float | None]]


class ShownMatch(TypedDict):
    """A pairing; see `compete.tournament.Match`."""

    first: str
    second: str | None
    winner: str | None
    mean: float | None
    stderr: float | None
    rows: int
    over: bool


class Placed(TypedDict):
    """A player of a tournament."""

    name: str
    rank: int
    points: float
    lost: int
    met: int
    opponents: float


class ShownTournament(TypedDict):
    """A tournament; see `compete.tournament.Tournament.shown`."""

    name: str
    system: str
    rows: int
    level: float
    by: str
    duels: int
    rounds: list[list[ShownMatch]]
    ranking: list[Placed]


class Forfeits(TypedDict):
    """How many games an agent gave up, by why, and the first of them in words."""

    illegal: int
    late: int
    crashed: int
    first: str


class RatedAgent(TypedDict):
    """A line of ratings: Elo, as of `concours rate`, with games won, lost and drawn."""

    name: str
    rating: float | None
    ci: tuple[float, float] | None
    rank: int | None
    rank_best: int | None
    rank_worst: int | None
    wins: float
    losses: float
    ties: float
    note: str


class Replay(TypedDict):
    """A game: who began first, the opening's plies, and each ply in words with the position after it in lines."""

    names: list[str]
    opening: int
    boards: list[list[str]]
    plies: list[str]
    ended: str


class OfTeams(TypedDict):
    """Games of teams against the field, and who forfeited some of them."""

    games: int
    forfeits: dict[str, Forfeits]


class ShownMatches(TypedDict):
    """Matches; see `compete.matches.Matches.shown` and `compete.rated.Rating.shown`."""

    name: str
    games: int
    forfeits: dict[str, Forfeits]
    ratings: NotRequired[list[RatedAgent]]
    everybody: NotRequired[list[str]]
    field: NotRequired[list[str]]
    best: NotRequired[list[int]]
    points: NotRequired[list[list[float | None]]]
    openings: NotRequired[list[list[float | None]]]
    teams: NotRequired[OfTeams]
    replay: NotRequired[Replay]


class Interval(TypedDict):
    """What all members of a population did in an interval."""

    learning_rate: list[float]
    momentum: list[float]
    weight_decay: list[float]
    dropout: list[float]
    parents: list[int]
    scores: list[float | None]
    losses: list[float | None]


class Step(TypedDict):
    """A step of the schedule that emerged."""

    epochs: float
    learning_rate: float
    momentum: float
    weight_decay: float
    dropout: float


class BestMember(TypedDict):
    """Where the best score of a population was."""

    interval: int
    member: int
    score: float


class ShownPopulation(TypedDict):
    """A population; see `compete.population.Population.record`."""

    name: str
    metric: str
    greater_is_better: bool
    members: int
    epochs: int
    spent: int
    beta: float
    intervals: list[Interval]
    best: BestMember | None
    lineage: list[int]
    schedule: list[Step]
    failure: str


class ShownTrial(TypedDict):
    """A round of training against attacks; see `compete.robustness.Trial`."""

    round: int
    clean: float
    worst: float
    stderr: float
    against: str
    left: dict[str, float]


class ShownDefender(TypedDict):
    """A defender in an adversarial contest."""

    name: str
    role: str
    hardened: bool
    share: Ends
    rank: Places | None
    tier: int | None
    clean: Ends
    left: dict[str, Ends | None]
    curve: list[Ends]
    masked: bool
    settings: dict[str, dict[str, Any]]
    trials: list[ShownTrial]
    round: int
    ended: str


class ShownAttacker(TypedDict):
    """An attack in an adversarial contest."""

    name: str
    left: Ends
    rank: Places


class Attacked(TypedDict):
    """Pictures as a defender was shown them, and what it named."""

    digest: Digest
    true: list[int]
    places: list[int]
    named: list[list[int]]


class ShownAttacks(TypedDict):
    """Attackers against defenders; see `contest.adversaries.attacks`."""

    name: str
    game: Literal["attacks"]
    epsilon: float
    attacks: list[str]
    failed: dict[str, str]
    part: str
    rows: int
    epsilons: list[float]
    farthest: float
    defenders: list[ShownDefender]
    attackers: list[ShownAttacker]
    examples: dict[str, Attacked]


class AttacksSoFar(TypedDict):
    """The same without a verdict."""

    name: str
    game: Literal["attacks"]
    epsilon: float
    attacks: list[str]
    failed: dict[str, str]
    not_evaluated: NotRequired[str]


class ShownGenerator(TypedDict):
    """A generator, evaluated."""

    name: str
    place: int
    role: str
    distance: Ends
    tier: int
    rank: Places
    panel: Ends | None
    panel_rank: Places | None
    passing: dict[str, float]
    rounds: list[Ends]
    round: int | None


class Drawn(TypedDict):
    """Where the pictures lie that a generator drew."""

    digest: Digest


class ShownGenerators(TypedDict):
    """Generators against discriminators; see `contest.adversaries.generators`."""

    name: str
    game: Literal["generators"]
    epochs: int
    failed: dict[str, str]
    ended: str
    part: str
    rows: int
    real: float
    generators: list[ShownGenerator]
    examples: dict[str, Drawn]


class GeneratorsSoFar(TypedDict):
    """The same without a verdict."""

    name: str
    game: Literal["generators"]
    epochs: int
    failed: dict[str, str]
    ended: str
    not_evaluated: NotRequired[str]


ShownAdversaries = AttacksSoFar | GeneratorsSoFar | ShownAttacks | ShownGenerators


class ShownFederatedRound(TypedDict):
    """A round of a federation; see `cooperate.federated_sites.shown_rounds`."""

    score: float | None
    loss: float | None
    down: float | None
    up: float | None
    asked: float | None
    dropped: float | None
    late: float | None


class ShownSites(TypedDict):
    """How well each site's own rows are predicted, by each of `kinds`; see `cooperate.federated_sites.SiteScores`."""

    kinds: list[str]
    scores: list[list[float | None]]
    intervals: list[list[tuple[float, float] | None]]
    rows: list[int]


class ShownPrivacy(TypedDict):
    """What is promised; see `cooperate.federation.Federating.promised`."""

    epsilon: float
    delta: float
    where: str
    bound: float
    asked: float
    noise: tuple[float, float]


class NotTold(TypedDict):
    """Why something is not told."""

    reason: str


class ShownSiteCredit(TypedDict):
    """What sites added; see `kernels.credit.rounds.SiteCredit`."""

    first: float
    last: float
    gain_stderr: float
    shapley: list[float]
    stderr: list[float]
    lost: list[float]
    lost_stderr: list[float]
    looked: int
    passed: int
    rows: int


class ShownSuspicion(TypedDict):
    """What rounds say of a site; see `kernels.federating.suspects.Suspicion`."""

    site: int
    rounds: int
    length: float
    cosine: float
    likeness: float
    place: float
    why: list[str]
    beyond: list[float]


class ShownSuspects(TypedDict):
    """Who looks like a liar."""

    sites: list[ShownSuspicion]
    looked: int


class ShownAttack(TypedDict):
    """How well an attack tells members; see `kernels.privacy.membership.Attack`."""

    members: int
    others: int
    area: float
    area_interval: tuple[float, float]
    found: float
    found_interval: tuple[float, float]
    alarms: float
    alarms_interval: tuple[float, float]


class ShownMembership(TypedDict):
    """Attacks on models in turn, each by the `loss` and by `shadows`, of which there were so many."""

    attacks: list[dict[str, ShownAttack]]
    shadows: int


class ShownTrust(TypedDict):
    """What makes a federation trustworthy; see `cooperate.trust.Trust`."""

    credit: NotRequired[ShownSiteCredit | NotTold]
    suspects: NotRequired[ShownSuspects | NotTold]
    attack: NotRequired[ShownMembership | NotTold]
    models: NotRequired[list[str]]
    privacy: NotRequired[ShownPrivacy]


class ShownFederation(TypedDict):
    """A federation; see `contest.federations`."""

    name: str
    of: str
    strategy: str
    found: str
    sites: list[str]
    rows: list[int]
    wanted: int
    sample: float
    local: dict[str, Any]
    liars: list[str]
    times: float
    rounds: list[ShownFederatedRound]
    parts: list[float | None]
    norms: list[float | None]
    sums: int
    by_site: NotRequired[ShownSites]
    trust: NotRequired[ShownTrust]


class DeployedRound(TypedDict):
    """A round of real sites: who sent an update and with how many rows, its part and its length; who did not, and why.

    `bytes` are what each of them sent. Where it was summed up unseen, `rows` is one number, of all together, and parts
    and lengths are not known; `lost` says why nothing came of it.
    """

    sites: list[str]
    away: dict[str, str]
    rows: NotRequired[list[int]]
    weights: NotRequired[list[float]]
    norms: NotRequired[list[float | None]]
    bytes: NotRequired[list[int]]
    moved: NotRequired[float]
    loss: NotRequired[float | None]
    lost: NotRequired[str]


class ShownDeployed(TypedDict):
    """A federation of real sites; see `contest.deployed`."""

    name: str
    of: str
    strategy: str
    sites: list[str]
    wanted: int
    sample: float
    local: dict[str, Any]
    secure: NotRequired[bool]
    rounds: list[DeployedRound]
    failed: dict[str, str]
    privacy: NotRequired[ShownPrivacy]


class ShownPairs(TypedDict):
    """What judges said of pairs; see `compete.pairs.Pairs.shown`.

    `sides` are the names of two, and the table of verdicts on the texts of the first. `judgements` is what these come
    to (`engine.judgements.summed_up`), nothing where that failed, for a `reason`.
    """

    name: str
    sides: list[tuple[str, str, Digest]]
    judgements: dict[str, Any]
    reason: str
