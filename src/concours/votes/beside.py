"""What is told beside a board: how well one number a model fits, ties, seen and expected shares, online passes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np

from concours.kernels.rating import online
from concours.kernels.rating.estimating import OneByOne
from concours.kernels.rating.fit_check import check, circles
from concours.kernels.rating.lines import Rating
from concours.kernels.rating.ratings import Rated
from concours.kernels.rating.ties import TieModel, Ties
from concours.kernels.rating.votes import TIE, Boards

Online = Literal["elo", "trueskill"]
_SHOWN: Final = 30


def fit(names: Sequence[str], board: Boards, rated: Rated, ties: Ties) -> dict[str, Any]:
    """Whether one number a model says how battles end (`fit_check`)."""
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


def tie_model(asked: TieModel, rated: Rated, ties: Ties) -> dict[str, Any]:
    """The model of ties, with its parameter where it has one."""
    if not ties.parameters:
        return {"model": "half"}
    meaning = "log odds of a tie between equals" if asked == "davidson" else "margin of a win, in log odds"
    stderr = rated.eta_stderr if np.isfinite(rated.eta_stderr) else None
    return {"model": asked, "parameter": rated.eta, "stderr": stderr, "meaning": meaning}


def matrix(names: Sequence[str], board: Boards, rated: Rated, ties: Ties, lines: Sequence[Rating]) -> dict[str, Any]:
    """Win shares, a tie being half, of the row against the column, of the first models of the board."""
    shown = [names.index(line.name) for line in lines[:_SHOWN] if line.rating is not None]
    battles, seen = (each[np.ix_(shown, shown)] for each in board.shares(0))
    theta = rated.theta[shown]
    chances = ties.chances(theta[:, None] - theta[None, :], np.full(len(shown), rated.eta))
    expected = chances[..., 0] + chances[..., TIE] / 2
    return {
        "names": [names[code] for code in shown],
        "battles": battles.astype(int).tolist(),
        "seen": [[None if np.isnan(value) else value for value in row] for row in seen.tolist()],
        "expected": [
            [None if a == b else value for b, value in enumerate(row)] for a, row in enumerate(expected.tolist())
        ],
    }


def in_order(method: Online | None, rows: OneByOne | None, names: Sequence[str]) -> dict[str, Any]:
    """What an online pass over the battles ends with; nothing where none is asked for."""
    if method is None or rows is None:
        return {}
    votes, _ = rows.among(rows.of(None))
    if method == "elo":
        points = online.elo(votes, len(names))
        pairs = sorted(zip(names, points.tolist(), strict=True), key=lambda pair: -pair[1])
        return {"method": "elo", "ratings": [{"name": name, "rating": value} for name, value in pairs]}
    beliefs = online.trueskill(votes, len(names))
    found = sorted(zip(names, beliefs.mean.tolist(), beliefs.sigma.tolist(), strict=True), key=lambda each: -each[1])
    lines = [{"name": name, "rating": mean, "sigma": sigma} for name, mean, sigma in found]
    return {"method": "trueskill", "ratings": lines}
