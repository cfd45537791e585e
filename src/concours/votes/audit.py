"""What could be wrong with battles: voters, sides, near-clones, and how few votes carry the first place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.kernels.ranking.ranks import holm
from concours.kernels.rating import controlled
from concours.kernels.rating.clones import clones
from concours.kernels.rating.controlled import Featured
from concours.kernels.rating.fit_check import circles
from concours.kernels.rating.flips import fewest
from concours.kernels.rating.identifiability import standing
from concours.kernels.rating.lines import checked
from concours.kernels.rating.ratings import ELO, Rated
from concours.kernels.rating.ratings import rate as rate_boards
from concours.kernels.rating.ties import TIES
from concours.kernels.rating.voters import Sides, crowd, evidence, needed, sides
from concours.kernels.rating.votes import LEFT, TIE, Boards, Counts
from concours.kernels.scoring.intervals import LEVEL
from concours.tasks.battle_files import Battles, Source
from concours.tasks.battles import Tally
from concours.votes.reading import Asked, tallied
from concours.votes.saying import same

Floats = NDArray[np.float64]

SCHEMA: Final = 1
MARGIN: Final = 20.0
"""Elo points within which two models count as playing alike."""

_VOTERS = ("voter", "judge", "user", "annotator", "rater", "user_id", "judge_id", "voter_id")
_ONE_SIDED = 10
_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What was found; each part is a value for JSON.

    Attributes:
        battles, models: how many.
        voters: None where no column names them; else how many there are, and those who stand out.
        position: what being shown on the left is worth; None where the winner is always the left one, or no models
            are established.
        clones: pairs of models that cannot differ by more than the margin.
        first_place: the fewest votes found whose removal puts another model first; None where nothing does.
        circles: triples in which each beats the next.
        same: who says one and the same thing to everything; none where nobody has given what they said.
        findings: one sentence each, what a person should look at first; empty where nothing stands out.
    """

    battles: int
    models: int
    voters: dict[str, Any] | None
    position: dict[str, Any] | None
    clones: tuple[dict[str, Any], ...]
    first_place: dict[str, Any] | None
    circles: tuple[dict[str, Any], ...]
    same: tuple[dict[str, Any], ...]
    findings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """A value for JSON, of schema 1."""
        parts = {key: list(value) if isinstance(value, tuple) else value for key, value in vars(self).items()}
        return {"schema": SCHEMA, **parts}


def audit(
    battles: Battles,
    *,
    left: str | None = None,
    right: str | None = None,
    winner: str | None = None,
    weight: str | None = None,
    voter: str | None = None,
    margin: float = MARGIN,
    ignore_case: bool = False,
    texts: Any = None,
) -> Audit:
    """Looks for what could be wrong with battles.

    Args:
        battles: as of `rate`; so are the columns.
        left: a column.
        right: a column.
        winner: a column.
        weight: a column.
        voter: the column that says who voted; by default one called voter, judge, user or annotator, if there is one.
        margin: Elo points within which two models count as alike.
        ignore_case: as of `rate`.
        texts: what models said, as `votes.saying.same` takes it.

    Raises:
        DataError: the battles, or the texts, are wrong, in one line.
    """
    if voter is None:
        voter = next((name for name in _VOTERS if name in Source(battles).names), None)
    clusters = [voter] if voter else []
    asked = Asked(
        left=left, right=right, winner=winner, weight=weight, clusters=clusters, ignore_case=ignore_case
    )  # fmt: skip
    tally = tallied(battles, asked)
    board = checked(tally.counts)
    (rated,) = rate_boards(board, TIES["half"])
    names = tally.counts.names
    found_voters = _voters(tally, board) if voter else None
    position = _position(tally.counts, board) if tally.columns.winner else None
    alike = _clones(names, board, rated, margin)
    first = _first_place(names, board, rated)
    said = () if texts is None else tuple(same(texts))
    triples = tuple({"models": [names[a], names[b], names[c]], "z": z} for a, b, c, z in circles(board)[:_SHOWN])
    return Audit(
        battles=tally.rows,
        models=len(names),
        voters=found_voters,
        position=position,
        clones=alike,
        first_place=first,
        circles=triples,
        same=said,
        findings=(*tally.warnings, *_alike(said), *_findings(found_voters, position, alike, first, triples, margin)),
    )


def _voters(tally: Tally, board: Boards) -> dict[str, Any]:
    rows = tally.kept()
    votes, (voter,) = rows.among(rows.of(None))
    who = rows.voters[0]
    found = evidence(votes, voter, crowd(board), len(who))
    bound = needed(len(who), LEVEL)
    greatest = np.maximum(found.random, found.against)
    against = [code for code in np.argsort(-greatest, kind="stable").tolist() if greatest[code] >= bound]
    return {
        "column": tally.columns.clusters[0],
        "count": len(who),
        "unlike_the_crowd": [
            {
                "voter": who[code],
                "votes": int(found.votes[code]),
                "as_if": "at random" if found.random[code] >= found.against[code] else "against the crowd",
                "log10_evidence": float(greatest[code] / log(10)),
                "agreement": None if np.isnan(found.agreed[code]) else float(found.agreed[code]),
            }
            for code in against
        ],
        "evidence_needed": float(bound / log(10)),
        "one_sided": _one_sided(sides(votes, voter, len(who)), who) if tally.columns.winner else [],
        "agreement": float(np.nanmean(found.agreed)) if np.isfinite(found.agreed).any() else None,
    }


def _one_sided(leaning: Sides, who: Sequence[str]) -> list[dict[str, Any]]:
    """Voters whose share of the left differs from that of all, tested together, and those who only ever chose one."""
    share = np.divide(leaning.left, np.maximum(leaning.decisive, 1))
    always = (leaning.decisive >= _ONE_SIDED) & ((share == 0) | (share == 1))
    chosen = np.flatnonzero(holm(leaning.p, 1 - LEVEL) | always)
    return [
        {
            "voter": who[code],
            "decisive": int(leaning.decisive[code]),
            "left_share": float(share[code]),
            "p": float(leaning.p[code]),
            "always": bool(always[code]),
        }
        for code in chosen[np.argsort(leaning.p[chosen], kind="stable")].tolist()
    ]


def _position(counts: Counts, board: Boards) -> dict[str, Any] | None:
    """What the left side is worth, the strengths of the models taken into account; None where none are established."""
    known = standing(board, 0)
    if not known.established.any():
        return None
    met = counts.left != counts.right
    cells = [
        (counts.left[met], counts.right[met], y, counts.weight[met, outcome], counts.square[met, outcome])
        for outcome, y in ((LEFT, 1.0), (1, 0.0), (TIE, 0.5))
    ]
    left, right, y, weight, square = (
        np.concatenate([np.broadcast_to(cell[at], cells[0][0].shape) for cell in cells]) for at in range(5)
    )
    some = weight > 0
    rows = Featured(
        models=board.models,
        left=left[some].astype(np.int32),
        right=right[some].astype(np.int32),
        y=np.asarray(y[some], dtype=np.float64),
        weight=weight[some],
        square=square[some],
        features=np.ones((int(some.sum()), 1)),
    )
    found = controlled.rate(rows, known, ridge=1e-6)
    log_odds, error = float(found.coefficients[0]), float(found.stderr[0])
    z = log_odds / error if error > 0 else 0.0
    decisive = float(weight[y != 0.5].sum())
    return {
        "points": log_odds * ELO,
        "stderr": error * ELO,
        "ci": [(log_odds - 1.96 * error) * ELO, (log_odds + 1.96 * error) * ELO],
        "even_match": float(1 / (1 + np.exp(-log_odds))),
        "left_share": float(weight[y == 1].sum() / decisive) if decisive else None,
        "z": z,
    }


def _clones(names: Sequence[str], board: Boards, rated: Rated, margin: float) -> tuple[dict[str, Any], ...]:
    established = np.flatnonzero(rated.standing.established)
    found = clones(board, rated.theta, rated.covariance, established, margin=margin)
    return tuple(
        {
            "models": [names[each.first], names[each.second]],
            "difference": [each.low, each.high],
            "common_opponents": each.common,
            "profile_p": each.p,
            "battles": each.battles,
            "ties": each.ties,
        }
        for each in found
    )


def _first_place(names: Sequence[str], board: Boards, rated: Rated) -> dict[str, Any] | None:
    found = fewest(board, rated)
    if found is None:
        return None
    words = ("wins", "losses", "ties")
    sorts = [
        (float(found.removed[pair, outcome]), int(pair), int(outcome)) for pair, outcome in np.argwhere(found.removed)
    ]
    removed = []
    for votes, pair, outcome in sorted(sorts, reverse=True)[:_SHOWN]:
        a, b = board.first[pair], board.second[pair]
        if found.leader == b or (found.leader != a and outcome == 1):
            a, b = b, a
            outcome = {0: 1, 1: 0, TIE: TIE}[outcome]
        removed.append({"votes": int(votes), "what": f"{words[outcome]} of {names[a]} against {names[b]}"
                        if outcome != TIE else f"ties of {names[a]} and {names[b]}"})  # fmt: skip
    return {
        "leader": names[found.leader],
        "challenger": names[found.challenger],
        "votes": found.votes,
        "share": found.share,
        "removed": removed,
    }


def _alike(said: Sequence[dict[str, Any]]) -> list[str]:
    return [
        f"{one['name']} says one and the same thing to {one['share']:.0%} of what it is asked, whatever it wins by that"
        for one in said
    ]


def _findings(
    voters: dict[str, Any] | None,
    position: dict[str, Any] | None,
    alike: Sequence[dict[str, Any]],
    first: dict[str, Any] | None,
    triples: Sequence[dict[str, Any]],
    margin: float,
) -> list[str]:
    told = []
    if voters and voters["unlike_the_crowd"]:
        some = [each["voter"] for each in voters["unlike_the_crowd"]]
        told.append(f"not as the crowd vote {len(some):,} of {_counted(voters['count'], 'voter')}: {_listed(some)}")
    if voters and voters["one_sided"]:
        some = [each["voter"] for each in voters["one_sided"]]
        told.append(f"to one side lean {len(some):,} of {_counted(voters['count'], 'voter')}: {_listed(some)}")
    if position and abs(position["z"]) > 2.58:
        side = "left" if position["points"] > 0 else "right"
        told.append(
            f"the {side} side is worth {abs(position['points']):.0f} Elo points: between equals it gets "
            f"{100 * max(position['even_match'], 1 - position['even_match']):.1f}% of the points, a tie being half"
        )
    if alike:
        some = [" = ".join(each["models"]) for each in alike]
        told.append(
            f"by no more than {margin:g} points differ {_counted(len(alike), 'pair')} of models: {_listed(some)}"
        )
    if first and first["share"] < 0.01:
        told.append(
            f"leaving out {_counted(first['votes'], 'vote')} ({100 * first['share']:.2g}%) puts {first['challenger']} "
            f"before {first['leader']}"
        )
    if triples:
        a, b, c = triples[0]["models"]
        told.append(f"{_counted(len(triples), 'circle')} of three, e.g. {a} beats {b} beats {c} beats {a}")
    return told


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
