"""Ratings of models from battles: a board that can be defended, with all that is to be known of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args

import numpy as np
from numpy.typing import NDArray

from concours.core.errors import ContestError, DataError, nearest
from concours.kernels.rating.estimating import (
    Control,
    Estimated,
    OneByOne,
    beside_controls,
    by_bootstrap,
    by_clusters,
    by_counts,
)
from concours.kernels.rating.lines import MEAN, checked, lines, unsettled, unsure
from concours.kernels.rating.ratings import ELO, Rated
from concours.kernels.rating.ties import TIES, TieModel, Ties
from concours.kernels.rating.votes import TIE, Boards
from concours.tasks.battle_files import Battles
from concours.tasks.battles import Tally
from concours.votes.beside import Online, fit, in_order, matrix, tie_model
from concours.votes.ratings import Ratings
from concours.votes.reading import Asked, tallied

Floats = NDArray[np.float64]

_ROUNDS: Final = 1000


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
    kinds = ["", *counts.categories] if rules.by else [""]
    kept, dropped = _solvable(boards, kinds)
    warnings += dropped
    ties = TIES[rules.ties]
    if rules.ties != "half" and not boards.weight[0, :, TIE].sum():
        ties = TIES["half"]
        warnings.append(f"there are no ties: {rules.ties} is the plain Bradley-Terry model here")
    rows = tally.kept() if tally.columns.clusters or tally.columns.controls or rules.online else None
    boards, kinds = boards.block(kept), [kinds[place] for place in kept]
    categories = [counts.categories.index(kind) if kind else None for kind in kinds]
    found, controls = _estimated(boards, ties, rules, rows, categories, tally)
    first, board = found[0], boards.block([0])
    warnings += [
        f"control {name}: no battle tells what it is worth, and the ratings are as without it"
        for name, control in controls.items()
        if not control.known
    ]
    warnings += _unanchored(rules, names, kinds, [each.rated for each in found])
    drawn = [lines(names, each, boards, place, rules.anchor) for place, each in enumerate(found)]
    warnings += _rough(rules, first)
    warnings += unsettled(drawn[0], first.rated)
    if first.rated.ties_lean:
        warnings.append(
            f"there are too few wins to tell how much ties are liked: one battle between equals, half a tie and half "
            f"decided, was added for the tie parameter of {rules.ties} alone"
        )
    return Ratings(
        ratings=drawn[0],
        categories=dict(zip(kinds[1:], drawn[1:], strict=True)),
        fit=fit(names, board, first.rated, ties) if not tally.columns.controls else {},
        controls=tuple(_worth(name, control) for name, control in controls.items() if control.known),
        online=in_order(rules.online, rows, names),
        ties=tie_model(rules.ties, first.rated, ties),
        matrix=matrix(names, board, first.rated, ties, drawn[0]),
        warnings=tuple(warnings),
        intervals=_how(rules, tally),
        battles=tally.rows,
    )


def _estimated(
    boards: Boards, ties: Ties, rules: Rules, rows: OneByOne | None, categories: Sequence[int | None], tally: Tally
) -> tuple[list[Estimated], dict[str, Control]]:
    """Every board by the way that its battles and the rules ask for, and what each control is worth."""
    if rows is not None and tally.columns.controls:
        spread = rows.controls.std(axis=0)
        if not spread.all():
            still = tally.columns.controls[int(np.argmin(spread))]
            raise DataError(f"{still!r} is the same in all battles; it cannot sway any")
        found, worth = beside_controls(boards, rows, categories)
        return found, dict(zip(tally.columns.controls, worth, strict=True))
    if rules.bootstrap:
        drawn = by_bootstrap(boards, ties, rows, categories, rounds=rules.bootstrap, seed=rules.seed)
        return drawn, {}
    if rows is not None and rows.clusters:
        return by_clusters(boards, ties, rows, categories), {}
    return by_counts(boards, ties), {}


def _worth(name: str, control: Control) -> Mapping[str, Any]:
    """A control on the Elo scale."""
    ci = [ELO * control.low, ELO * control.high]
    return {
        "name": name, "points": ELO * control.worth, "stderr": ELO * control.stderr, "ci": ci, "unit": control.unit,
    }  # fmt: skip


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


def _rough(rules: Rules, first: Estimated) -> list[str]:
    """Why intervals of the first board are rough, or cannot be relied on."""
    told = []
    if rules.bootstrap and rules.bootstrap < _ROUNDS:
        told.append(
            f"{rules.bootstrap} bootstrap rounds leave the ends of intervals rough: use {_ROUNDS:,} or more, or none"
        )
    return told + unsure(first)


def _how(rules: Rules, tally: Tally) -> str:
    ways = " and ".join(tally.columns.clusters)
    if rules.bootstrap:
        return f"Bayesian bootstrap, {rules.bootstrap:,} rounds" + (f", by {ways}" if ways else "")
    return f"sandwich, clustered by {ways}" if ways else "sandwich"
