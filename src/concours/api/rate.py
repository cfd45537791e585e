"""Ratings of models from battles: a board that can be defended, with all that is to be known of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from concours.api.votes import Asked, checked, chosen, tallied
from concours.core.errors import ContestError, DataError, nearest
from concours.kernels import controlled, online
from concours.kernels.bradley_terry import Strengths
from concours.kernels.controlled import Featured
from concours.kernels.fit_check import check, circles
from concours.kernels.identifiability import FEW, standing
from concours.kernels.ranks import certainly_better, competition_ranks
from concours.kernels.ratings import (
    ELO,
    PRIOR,
    Rated,
    cell_draws,
    cluster_draws,
    replicates,
)
from concours.kernels.ratings import rate as rate_boards
from concours.kernels.sandwich import clustered_meat
from concours.kernels.scores import Means
from concours.kernels.tiers import tiers
from concours.kernels.ties import TIES, TieModel, Ties
from concours.kernels.votes import LEFT, RIGHT, TIE, Boards
from concours.tasks.battle_files import Battles
from concours.tasks.battles import Rows, Tally

Floats = NDArray[np.float64]
Online = Literal["elo", "trueskill"]

SCHEMA: Final = 1
LEVEL: Final = 0.95
MEAN: Final = 1000.0
_ROUNDS = 1000
_SHOWN = 30
_SURE = 10
"""So many clusters at least make a covariance that can be relied on."""


@dataclass(frozen=True, kw_only=True)
class Rating:
    """A line of a board.

    Attributes:
        rating, stderr, low, high: on the Elo scale; None for a model that met nobody.
        rank: by the rating; equal ones share the better.
        rank_best, rank_worst: the ranks that cannot be ruled out, all pairs of models together at 95%.
        overlap_best, overlap_worst: the same by the rule that two differ if their intervals do not overlap.
        tier: from 1; models of a tier cannot be told from its first.
        battles, wins, losses, ties: without those with itself.
        note: why the rating rests on a prior, if it does.
    """

    name: str
    rating: float | None
    stderr: float | None
    low: float | None
    high: float | None
    rank: int | None
    rank_best: int | None
    rank_worst: int | None
    overlap_best: int | None
    overlap_worst: int | None
    tier: int | None
    battles: int
    wins: int
    losses: int
    ties: int
    note: str

    def to_json(self) -> dict[str, Any]:
        """As in `--json`: `low` and `high` are one `ci`."""
        value = asdict(self)
        low, high = value.pop("low"), value.pop("high")
        name, rating, stderr = (value.pop(key) for key in ("name", "rating", "stderr"))
        ci = None if low is None else [low, high]
        return {"name": name, "rating": rating, "stderr": stderr, "ci": ci, **value}


@dataclass(frozen=True, kw_only=True)
class Ratings:
    """Boards from battles.

    Attributes:
        ratings: best first; those that cannot be rated come last.
        categories: a board of each category.
        fit: whether one number a model says how battles end; see `fit_check`.
        controls: what each control is worth: `points` on the Elo scale for one standard deviation of it.
        online: by name, what an online pass ends with.
        ties: the model of ties, with its parameter where it has one.
        matrix: seen and expected win shares of the first models.
        warnings: what to know before the board is trusted.
        intervals: how they were made.
    """

    ratings: tuple[Rating, ...]
    categories: Mapping[str, tuple[Rating, ...]]
    fit: Mapping[str, Any]
    controls: tuple[Mapping[str, Any], ...]
    online: Mapping[str, Any]
    ties: Mapping[str, Any]
    matrix: Mapping[str, Any]
    warnings: tuple[str, ...]
    intervals: str
    battles: int

    def to_json(self) -> dict[str, Any]:
        """A value for JSON, of schema 1."""
        return {
            "schema": SCHEMA,
            "ratings": [line.to_json() for line in self.ratings],
            "categories": {name: [line.to_json() for line in lines] for name, lines in self.categories.items()},
            "fit": dict(self.fit),
            "warnings": list(self.warnings),
            "battles": self.battles,
            "intervals": self.intervals,
            "ties": dict(self.ties),
            "controls": [dict(control) for control in self.controls],
            "online": dict(self.online),
            "matrix": dict(self.matrix),
        }

    def report(self, path: str | Path, *, title: str = "Ratings") -> Path:
        """Writes the page: one HTML file that needs nothing else."""
        from concours.report.ratings import write_ratings

        write_ratings(self.to_json(), Path(path), title=title)
        return Path(path)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How battles become ratings; see `rate`."""

    ties: TieModel = "half"
    anchor: tuple[str, float] | None = None
    bootstrap: int = 0
    online: Online | None = None
    by: bool = False
    seed: int = 0


def rate(
    battles: Battles,
    *,
    left: str | None = None,
    right: str | None = None,
    winner: str | None = None,
    weight: str | None = None,
    propensity: str | None = None,
    by: str | None = None,
    cluster: Sequence[str] = (),
    control: Sequence[str] = (),
    ties: TieModel = "half",
    anchor: tuple[str, float] | None = None,
    bootstrap: int = 0,
    online: Online | None = None,
    seed: int = 0,
    ignore_case: bool = False,
) -> Ratings:
    """Rates models from battles.

    Args:
        battles: a file (CSV, Parquet, JSON Lines; .gz too), a pandas or polars frame, an Arrow table; columns as of
            LMArena, evalica or openskill are recognised.
        left: the column of one model, where it is not recognised.
        right: that of the other.
        winner: that of who won.
        weight: a column of weights.
        propensity: a column of the probabilities with which pairs were chosen, as `pair` writes them: a battle weighs
            their inverse.
        by: a column of categories, each of which gets a board of its own.
        cluster: columns whose equal values mark battles that depend on one another, e.g. voter, prompt.
        control: columns of numbers that may sway a vote; the ratings are what remains beside them.
        ties: a tie is half a win, or has its own probability by Davidson's or Rao and Kupper's model.
        anchor: a model, and the rating that it has; by default the mean of the established models is 1000.
        bootstrap: rounds of a bootstrap for the intervals, 1000 or more; by default they come from the covariance.
        online: besides, what Elo or TrueSkill end with when they take the battles in the order given.
        seed: of the bootstrap.
        ignore_case: whether names that differ by blanks or case only are one model, called as the first of them is.

    Raises:
        DataError, ContestError: the battles or what was asked are wrong, in one line.
    """
    rules = Rules(ties=ties, anchor=anchor, bootstrap=bootstrap, online=online, by=by is not None, seed=seed)
    _check(rules, cluster, control)
    asked = Asked(
        left=left, right=right, winner=winner, weight=weight, propensity=propensity, by=by,
        clusters=cluster, controls=control, ignore_case=ignore_case,
    )  # fmt: skip
    return rated(tallied(battles, asked, keep=online is not None), rules)


def rated(tally: Tally, rules: Rules = Rules()) -> Ratings:
    """The boards of the battles read so far; more may be added, and rated again."""
    counts = tally.counts
    boards = checked(counts)
    names = counts.names
    if rules.anchor and rules.anchor[0] not in names:
        raise ContestError(f"anchor: no model is called {rules.anchor[0]!r}; {nearest(rules.anchor[0], names[:200])}")
    warnings = [*tally.warnings, *_self_battles(names, counts.selves)]
    if rules.by:
        boards = counts.boards(by_category=True)
    kinds = ("", *counts.categories) if rules.by else ("",)
    kept, dropped = _solvable(boards, kinds)
    warnings += dropped
    ties = TIES[rules.ties]
    if rules.ties != "half" and not boards.weight[0, :, TIE].sum():
        ties = TIES["half"]
        warnings.append(f"there are no ties: {rules.ties} is the plain Bradley-Terry model here")
    rows = tally.kept() if tally.columns.clusters or tally.columns.controls or rules.online else None
    solver = _Solver(boards=boards.block(kept), ties=ties, rules=rules, rows=rows, tally=tally)
    solved = solver.solve([kinds[place] for place in kept])
    warnings += _unanchored(rules, names, [kinds[place] for place in kept], solved.rated)
    lines = [
        _lines(names, solved.rated[place], solver.boards, place, rules, solved.bounds[place], solved.units[place])
        for place in range(len(kept))
    ]
    if rules.bootstrap and rules.bootstrap < _ROUNDS:
        warnings.append(
            f"{rules.bootstrap} bootstrap rounds leave the ends of intervals rough: use {_ROUNDS:,} or more, or none"
        )
    if solved.units[0] < _SURE:
        warnings.append(f"there are {int(solved.units[0])} clusters only: intervals from so few cannot be relied on")
    warnings += _unsettled(lines[0], solved.rated[0])
    if solved.rated[0].ties_lean:
        warnings.append(
            f"there are too few wins to tell how much ties are liked: one battle between equals, half a tie and half "
            f"decided, was added for the tie parameter of {rules.ties} alone"
        )
    first = solver.boards.block([0])
    return Ratings(
        ratings=lines[0],
        categories={kinds[place]: found for place, found in zip(kept[1:], lines[1:], strict=True)},
        fit=_fit(names, first, solved.rated[0], ties) if not tally.columns.controls else {},
        controls=solved.controls,
        online=_online(rules.online, rows, names),
        ties=_ties(rules.ties, solved.rated[0], ties),
        matrix=_matrix(names, first, solved.rated[0], ties, lines[0]),
        warnings=tuple(warnings),
        intervals=_how(rules, tally),
        battles=tally.rows,
    )


# What is asked


def _check(rules: Rules, clusters: Sequence[str], controls: Sequence[str]) -> None:
    if rules.ties not in TIES:
        raise ContestError(f"ties: {nearest(rules.ties, TIES)}; got {rules.ties!r}")
    if rules.online is not None and rules.online not in get_args(Online):
        raise ContestError(f"online: {nearest(rules.online, get_args(Online))}; got {rules.online!r}")
    if rules.bootstrap and rules.bootstrap < 2:
        raise ContestError(f"bootstrap: 2 rounds at least, better {_ROUNDS:,}; got {rules.bootstrap}")
    if rules.anchor and not np.isfinite(rules.anchor[1]):
        raise ContestError(f"anchor: a finite rating was expected, got {rules.anchor[1]}")
    if controls and rules.ties != "half":
        raise ContestError(f"controls go with ties 'half' only, not with {rules.ties!r}")
    if controls and rules.bootstrap:
        raise ContestError("a bootstrap does not go with controls; the intervals without it are robust already")
    if len(clusters) > 1 and rules.bootstrap:
        raise ContestError("a bootstrap takes one way of clustering at most; without it, several are joined")
    if len(clusters) > 3:
        raise ContestError(f"cluster: 3 ways at most, got {len(clusters)}")


def _self_battles(names: Sequence[str], selves: Floats) -> list[str]:
    own = np.flatnonzero(selves)
    if not len(own):
        return []
    most = own[np.argsort(-selves[own], kind="stable")]
    which = ", ".join(f"{names[code]} {int(selves[code]):,}" for code in most[:5]) + (", …" if len(own) > 5 else "")
    many = int(selves.sum())
    said = "1 battle of a model with itself is" if many == 1 else f"{many:,} battles of a model with itself are"
    return [f"{said} left out ({which})"]


def _solvable(boards: Boards, kinds: Sequence[str]) -> tuple[list[int], list[str]]:
    """The boards that say something, and why the others do not."""
    kept, told = [], []
    for place, kind in enumerate(kinds):
        weight = boards.weight[place]
        if place == 0 or weight[:, :TIE].sum() > 0:
            kept.append(place)
        else:
            why = "only ties" if weight.sum() else "no battle between two models"
            told.append(f"category {kind!r} has {why}: no board")
    return kept, told


def _unanchored(rules: Rules, names: Sequence[str], kinds: Sequence[str], rated: Sequence[Rated]) -> list[str]:
    """The boards on which the anchor has no rating."""
    if not rules.anchor:
        return []
    name, place = rules.anchor[0], names.index(rules.anchor[0])
    without = [kind for kind, board in zip(kinds, rated, strict=True) if not np.isfinite(board.theta[place])]
    if without[:1] == kinds[:1]:
        raise ContestError(f"anchor: {name!r} met nobody but itself, so it has no rating; choose another model")
    if not without:
        return []
    which = ", ".join(without[:5]) + (", …" if len(without) > 5 else "")
    return [f"{name} does not play in every category: the mean is {MEAN:g} in {which}"]


def _how(rules: Rules, tally: Tally) -> str:
    ways = " and ".join(tally.columns.clusters)
    if rules.bootstrap:
        return f"Bayesian bootstrap, {rules.bootstrap:,} rounds" + (f", by {ways}" if ways else "")
    return f"sandwich, clustered by {ways}" if ways else "sandwich"


# Solving


@dataclass(frozen=True, kw_only=True)
class _Solved:
    """One entry a board: `bounds` are (2, models) percentiles of a bootstrap, `units` how many clusters there are."""

    rated: list[Rated]
    bounds: list[Floats | None]
    controls: tuple[Mapping[str, Any], ...]
    units: list[float]


@dataclass(frozen=True, kw_only=True)
class _Solver:
    boards: Boards
    ties: Ties
    rules: Rules
    rows: Rows | None
    tally: Tally

    def solve(self, kinds: Sequence[str]) -> _Solved:
        columns = self.tally.columns
        if columns.controls:
            return self._controlled(kinds)
        if not columns.clusters and not self.rules.bootstrap:
            found = rate_boards(self.boards, self.ties)
            return _Solved(rated=found, bounds=[None] * len(found), controls=(), units=[np.inf] * len(found))
        rated, bounds = [], []
        for place, kind in enumerate(kinds):
            spread = _Spread(self, kind)
            rated += rate_boards(self.boards.block([place]), self.ties, spread=spread)
            bounds.append(spread.bounds)
        return _Solved(rated=rated, bounds=bounds, controls=(), units=[self.units(kind) for kind in kinds])

    def units(self, kind: str) -> float:
        """How many clusters a board has, of the way that has the fewest; unlimited without clusters."""
        if self.rows is None or not self.rows.clusters:
            return np.inf
        inside = self.inside(kind)
        return float(min(len(np.unique(way[inside])) for way in self.rows.clusters))

    def inside(self, kind: str) -> NDArray[np.bool_]:
        """(rows,) which battles a board has."""
        assert self.rows is not None  # noqa: S101 (for the type checker)
        votes = self.rows.votes
        inside = votes.left != votes.right
        if kind and votes.category is not None:
            inside &= votes.category == self.tally.counts.categories.index(kind)
        return inside

    def _controlled(self, kinds: Sequence[str]) -> _Solved:
        assert self.rows is not None  # noqa: S101
        names = self.tally.columns.controls
        spread = self.rows.controls.std(axis=0)
        if not spread.all():
            raise DataError(f"{names[int(np.argmin(spread))]!r} is the same in all battles; it cannot sway any")
        found = []
        for place, kind in enumerate(kinds):
            inside = self.inside(kind)
            votes, clusters = chosen(self.rows, inside)
            weight = np.ones(len(votes)) if votes.weight is None else votes.weight
            battles = Featured(
                models=self.boards.models,
                left=votes.left,
                right=votes.right,
                y=np.select([votes.outcome == LEFT, votes.outcome == RIGHT], [1.0, 0.0], 0.5),
                weight=weight,
                square=np.square(weight),
                features=self.rows.controls[inside] / spread,
            )
            found.append(controlled.rate(battles, standing(self.boards, place), clusters=clusters))
        units = [self.units(kind) for kind in kinds]
        z = float(student.isf((1 - LEVEL) / 2, max(units[0] - 1, 1)))
        first = found[0]
        controls = tuple(
            _control(names[place], ELO * first.coefficients[place], ELO * first.stderr[place], z, spread[place])
            for place in range(len(names))
        )
        return _Solved(rated=[each.rated for each in found], bounds=[None] * len(found), controls=controls, units=units)


def _control(name: str, points: float, error: float, z: float, unit: float) -> dict[str, Any]:
    ci = [float(points - z * error), float(points + z * error)]
    return {"name": name, "points": float(points), "stderr": float(error), "ci": ci, "unit": float(unit)}


class _Spread:
    """The covariance of one board: by clusters, or by a bootstrap, whose percentiles it keeps."""

    def __init__(self, solver: _Solver, kind: str) -> None:
        self._solver = solver
        self._kind = kind
        self.bounds: Floats | None = None

    def __call__(self, boards: Boards, found: Strengths, bread: Floats, established: NDArray[np.bool_]) -> Floats:
        solver = self._solver
        if solver.rules.bootstrap:
            return self._drawn(boards, found, established)
        assert solver.rows is not None  # noqa: S101
        known = established[0]
        votes = solver.rows.votes
        inside = solver.inside(self._kind) & known[votes.left] & known[votes.right]
        some, clusters = chosen(solver.rows, inside)
        meat = clustered_meat(boards, some, clusters, found.theta, found.eta, bread, solver.ties)
        return np.asarray(bread @ meat @ bread)

    def _drawn(self, boards: Boards, found: Strengths, established: NDArray[np.bool_]) -> Floats:
        solver, rules = self._solver, self._solver.rules
        rng = np.random.default_rng(rules.seed)
        draws = cell_draws(boards, rng)
        if solver.rows is not None and solver.rows.clusters:
            known, votes = established[0], solver.rows.votes
            inside = solver.inside(self._kind) & known[votes.left] & known[votes.right]
            some, (cluster,) = chosen(solver.rows, inside)
            draws = cluster_draws(boards, some, cluster, rng)
        solved = replicates(boards, found, established, solver.ties, draws=draws, rounds=rules.bootstrap)
        self.bounds = np.quantile(solved, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)[:, : boards.models]
        centred = solved - solved.mean(axis=0)
        return np.asarray(centred.T @ centred / (rules.bootstrap - 1))[None]


# Lines


def _lines(
    names: Sequence[str],
    rated: Rated,
    boards: Boards,
    board: int,
    rules: Rules,
    bounds: Floats | None,
    units: float,
) -> tuple[Rating, ...]:
    known = rated.standing
    order = np.flatnonzero(known.played > 0)
    order = order[np.argsort(-rated.theta[order], kind="stable")]
    theta, covariance = rated.theta[order], rated.covariance[np.ix_(order, order)]
    means = Means(theta, covariance, units=units)
    shift = MEAN
    if rules.anchor and np.isfinite(rated.theta[names.index(rules.anchor[0])]):
        shift = rules.anchor[1] - ELO * float(rated.theta[names.index(rules.anchor[0])])
    half = float(student.isf((1 - LEVEL) / 2, max(units - 1, 1))) * means.stderr
    low, high = theta - half, theta + half
    if bounds is not None:
        established = known.established[order]
        low = np.where(established, bounds[0, order], low)
        high = np.where(established, bounds[1, order], high)
    ranks = competition_ranks(theta, greater_is_better=True)
    better = certainly_better(means, greater_is_better=True)
    apart = low[:, None] > high[None, :]
    many = len(order)
    # Nothing can be told from a model that nobody knows: established ones head tiers.
    tier = tiers(means, greater_is_better=True, heads=known.established[order])
    ended = _ended(boards, board)
    notes = _notes(known)
    lines = [
        Rating(
            name=names[code],
            rating=ELO * float(theta[place]) + shift,
            stderr=ELO * float(means.stderr[place]),
            low=ELO * float(low[place]) + shift,
            high=ELO * float(high[place]) + shift,
            rank=int(ranks[place]),
            rank_best=1 + int(better[:, place].sum()),
            rank_worst=many - int(better[place].sum()),
            overlap_best=1 + int(apart[:, place].sum()),
            overlap_worst=many - int(apart[place].sum()),
            tier=int(tier[place]),
            battles=int(known.played[code]),
            wins=int(ended[code, 0]),
            losses=int(ended[code, 1]),
            ties=int(ended[code, 2]),
            note=notes[code],
        )
        for place, code in enumerate(order.tolist())
    ]
    if board == 0:
        blank = dict.fromkeys(("rating", "stderr", "low", "high", "rank", "rank_best", "rank_worst", "tier"))
        blank |= dict.fromkeys(("overlap_best", "overlap_worst"))
        lines += [
            Rating(name=names[code], battles=0, wins=0, losses=0, ties=0, note=notes[code], **blank)  # type: ignore[arg-type]
            for code in np.flatnonzero(known.played == 0).tolist()
        ]
    return tuple(lines)


def _ended(boards: Boards, board: int) -> Floats:
    """(models, 3): wins, losses, ties."""
    battles = boards.battles[board]
    turned = battles[:, [1, 0, 2]]
    sides = np.concatenate([boards.first, boards.second])
    both = np.concatenate([battles, turned])
    return np.stack([np.bincount(sides, column, boards.models) for column in both.T], axis=1)


def _notes(known: Any) -> list[str]:
    notes = []
    for code in range(len(known.played)):
        battles = int(known.played[code])
        if known.established[code]:
            why = ""
        elif not battles:
            why = "met nobody but itself, or by battles without weight: not rated"
        elif known.island[code] > 0:
            why = "never met the leading group, not even by way of others: placed by a prior"
        elif known.unbeaten[code]:
            why = "never lost: rated with a prior"
        elif known.winless[code]:
            why = "never won: rated with a prior"
        elif battles < FEW:
            why = f"{battles} battle{'s' * (battles > 1)} only: rated with a prior"
        else:
            why = "its group never lost to the others, or never won: rated with a prior"
        notes.append(why)
    return notes


def _unsettled(lines: Sequence[Rating], rated: Rated) -> list[str]:
    """What is to be said of models that are not established."""
    known = rated.standing
    told = []
    islands = int(known.island.max(initial=0)) + 1
    if islands > 1:
        told.append(f"the models fall into {islands} groups that never met: between groups only the prior decides")
    if not known.established.any():
        told.append("no two models have each beaten the other by a path of wins: all ratings rest on the prior")
    by_note: dict[str, list[str]] = {}
    for line in lines:
        if line.note and line.rating is not None and known.established.any():
            by_note.setdefault(line.note, []).append(line.name)
    for note, names in by_note.items():
        some = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        told.append(f"{note} (normal, standard deviation {PRIOR * ELO:.0f}): {some}")
    return told


# Beside the board


def _fit(names: Sequence[str], board: Boards, rated: Rated, ties: Ties) -> dict[str, Any]:
    theta = np.where(rated.standing.established, rated.theta, np.nan)
    found = check(board, theta, rated.eta, ties)
    worst = np.argsort(-np.abs(found.z), kind="stable")[:10]
    triples = circles(board)
    return {
        "pairs": len(found.pairs),
        "chi2": found.chi2,
        "freedom": found.freedom,
        "p": found.p,
        "worst": [
            {
                "left": names[board.first[pair]],
                "right": names[board.second[pair]],
                "battles": int(board.battles[0, pair].sum()),
                "seen": float(found.seen[place]),
                "expected": float(found.expected[place]),
                "z": float(found.z[place]),
            }
            for place, pair in ((place, int(found.pairs[place])) for place in worst.tolist())
        ],
        "intransitive": [{"models": [names[a], names[b], names[c]], "z": z} for a, b, c, z in triples[:20]],
        "intransitive_count": len(triples),
    }


def _ties(asked: TieModel, rated: Rated, ties: Ties) -> dict[str, Any]:
    if not ties.parameters:
        return {"model": "half"}
    meaning = "log odds of a tie between equals" if asked == "davidson" else "margin of a win, in log odds"
    stderr = rated.eta_stderr if np.isfinite(rated.eta_stderr) else None
    return {"model": asked, "parameter": rated.eta, "stderr": stderr, "meaning": meaning}


def _matrix(names: Sequence[str], board: Boards, rated: Rated, ties: Ties, lines: Sequence[Rating]) -> dict[str, Any]:
    """Win shares, a tie being half, of the row against the column, of the first models of the board."""
    shown = [names.index(line.name) for line in lines[:_SHOWN] if line.rating is not None]
    size = board.models
    battles = np.zeros((size, size))
    seen = np.full((size, size), np.nan)
    total = board.battles[0].sum(axis=1)
    share = np.divide(board.battles[0, :, 0] + board.battles[0, :, TIE] / 2, total,
                      out=np.full(len(total), np.nan), where=total > 0)  # fmt: skip
    for a, b, value in ((board.first, board.second, share), (board.second, board.first, 1 - share)):
        battles[a, b], seen[a, b] = total, value
    theta = rated.theta[shown]
    chances = ties.chances(theta[:, None] - theta[None, :], np.full(len(shown), rated.eta))
    expected = chances[..., 0] + chances[..., TIE] / 2
    picked = np.ix_(shown, shown)
    return {
        "names": [names[code] for code in shown],
        "battles": battles[picked].astype(int).tolist(),
        "seen": [[None if np.isnan(value) else value for value in row] for row in seen[picked].tolist()],
        "expected": [
            [None if a == b else value for b, value in enumerate(row)] for a, row in enumerate(expected.tolist())
        ],
    }


def _online(method: Online | None, rows: Rows | None, names: Sequence[str]) -> dict[str, Any]:
    if method is None or rows is None:
        return {}
    votes, _ = chosen(rows, rows.votes.left != rows.votes.right)
    if method == "elo":
        points = online.elo(votes, len(names))
        pairs = sorted(zip(names, points.tolist(), strict=True), key=lambda pair: -pair[1])
        return {"method": "elo", "ratings": [{"name": name, "rating": value} for name, value in pairs]}
    beliefs = online.trueskill(votes, len(names))
    found = sorted(zip(names, beliefs.mean.tolist(), beliefs.sigma.tolist(), strict=True), key=lambda each: -each[1])
    lines = [{"name": name, "rating": mean, "sigma": sigma} for name, mean, sigma in found]
    return {"method": "trueskill", "ratings": lines}
