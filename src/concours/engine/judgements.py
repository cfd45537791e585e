"""What judges said of many, together: battles to rate by, how each judge takes places, and how judges agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import expit

from concours.core.errors import DataError
from concours.core.kind import REFERENCE
from concours.kernels.rating.estimating import Estimated, beside_controls, by_clusters, half_widths
from concours.kernels.rating.lines import checked, lines, unsettled, unsure
from concours.kernels.rating.ratings import ELO
from concours.kernels.rating.saying import one_text
from concours.kernels.rating.ties import TIES
from concours.kernels.scoring.verdicts import TIE, kappa, places
from concours.tasks.battle_columns import Columns
from concours.tasks.battles import Tally
from concours.tasks.written import WIN_RATE

Floats = NDArray[np.float64]

BATTLES: Final = pa.schema(
    [
        ("model_a", pa.string()),
        ("model_b", pa.string()),
        ("winner", pa.string()),
        ("question", pa.int64()),
        ("judge", pa.string()),
        ("length_a", pa.int64()),
        ("length_b", pa.int64()),
    ]
)
"""A battle a verdict on a pair: who stood first is `model_a`; `question` is the row, lengths are characters."""

_COLUMNS: Final = Columns(
    left="model_a", right="model_b", winner="winner", clusters=("question",), controls=("length",)
)


@dataclass(frozen=True, kw_only=True)
class Side:
    """What judges said of one model's texts against those of another, or of the reference.

    Attributes:
        name, other: of the two; no other where nobody says whom verdicts compare with, and where there are no texts.
        texts, others: (rows,) what they wrote.
        verdicts: on the texts of the first, as of `engine.judging.Judged`.
    """

    name: str
    other: str
    texts: Sequence[str]
    others: Sequence[str]
    verdicts: pa.Table


def battles_of(sides: Sequence[Side]) -> pa.Table:
    """The battles of all, as `BATTLES`; verdicts that could not be read are none."""
    return pa.Table.from_pylist([battle for side in sides if side.other for battle in _battles(side)], BATTLES)


def _battles(side: Side) -> list[dict[str, Any]]:
    read = [one for one in side.verdicts.to_pylist() if one["way"] == WIN_RATE and one["status"] == "read"]
    return [_battle(side, one) for one in read]


def _battle(side: Side, verdict: dict[str, Any]) -> dict[str, Any]:
    row, won = verdict["row"], verdict["verdict"]
    pair = [(side.name, len(side.texts[row]), won), (side.other, len(side.others[row]), 1 - won)]
    (left, left_length, won), (right, right_length, _) = reversed(pair) if verdict["place"] == "second" else pair
    return {
        "model_a": left,
        "model_b": right,
        "winner": "tie" if won == TIE else "model_a" if won > TIE else "model_b",
        "question": row,
        "judge": verdict["judge"],
        "length_a": left_length,
        "length_b": right_length,
    }


def summed_up(sides: Sequence[Side]) -> dict[str, Any]:
    """All that is to be told of judges and of what they judged, as JSON.

    `judges`, a line each: what asking took, and how it takes places (`kernels.scoring.verdicts.Places`); `agreement`,
    the kappa of each two; `ratings` from the battles, each question a cluster, with `controlled`, the same beside the
    lengths of texts, and `length`, what length is worth; `lengths`, the mean characters of each; `same`, who says one
    and the same thing to many rows; `warnings`.
    """
    names = list(dict.fromkeys(name for side in sides for name in side.verdicts["judge"].unique().to_pylist()))
    whole = _verdicts(sides)
    of_judges = {name: [one for one in whole if one["judge"] == name] for name in names}
    pairs = {name: _pairs(each) for name, each in of_judges.items()}
    return {
        "judges": [{"name": name, **taken(of_judges[name]), **_places(pairs[name])} for name in names],
        "agreement": [_agreement(one, other, pairs, of_judges) for one, other in combinations(names, 2)],
        **_rated(battles_of(sides)),
        "lengths": {
            name: float(np.mean([len(text) for text in texts]))
            for side in sides
            for name, texts in ((side.other, side.others), (side.name, side.texts))
            if name
        },
        "same": _same(sides),
    }


def _verdicts(sides: Sequence[Side]) -> list[dict[str, Any]]:
    """All verdicts, each with the number of its side."""
    return [{**one, "side": number} for number, side in enumerate(sides) for one in side.verdicts.to_pylist()]


def taken(verdicts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What asking took: requests, those that could not be read, tokens and money."""
    paid = [one["money"] for one in verdicts if one["money"] is not None]
    tokens = {name: sum(one[name] or 0 for one in verdicts) for name in ("tokens_in", "tokens_out")}
    unread = sum(one["status"] != "read" for one in verdicts)
    return {"requests": len(verdicts), "unread": unread, **tokens, "money": sum(paid) if paid else None}


Key = tuple[int, int]


def _pairs(verdicts: Sequence[dict[str, Any]]) -> dict[Key, dict[str, float]]:
    """What a judge said in either order of each side and row."""
    found: dict[Key, dict[str, float]] = {}
    for one in verdicts:
        if one["way"] == WIN_RATE and one["status"] == "read":
            found.setdefault((one["side"], one["row"]), {})[one["place"]] = one["verdict"]
    return found


def _places(pairs: dict[Key, dict[str, float]]) -> dict[str, Any]:
    if not any(place in each for each in pairs.values() for place in ("first", "second")):
        return {}
    first, second = (np.array([each.get(place, np.nan) for each in pairs.values()]) for place in ("first", "second"))
    return {"places": asdict(places(first, second))}


def _agreement(
    one: str, other: str, pairs: dict[str, dict[Key, dict[str, float]]], verdicts: dict[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    """The kappa of two judges: of whom they find better, or, where texts are graded alone, of the grades."""
    says = [_words(pairs[name], verdicts[name]) for name in (one, other)]
    keys = sorted(says[0].keys() & says[1].keys())
    of = kappa(*(np.array([each[key] for key in keys]) for each in says)) if keys else None
    return {"judges": [one, other], "rows": len(keys), "kappa": of}


def _words(pairs: dict[Key, dict[str, float]], verdicts: Sequence[dict[str, Any]]) -> dict[Key, float]:
    """A judge's word on each side and row: who is better by both orders, or else the grade."""
    if pairs:
        whole = ({"first", "second"}, {"either"})
        both = {key: sum(said.values()) / len(said) for key, said in pairs.items() if said.keys() in whole}
        return {key: float(np.sign(mean - TIE)) for key, mean in both.items()}
    return {(one["side"], one["row"]): one["verdict"] for one in verdicts if one["status"] == "read"}


def _rated(battles: pa.Table) -> dict[str, Any]:
    """Ratings from battles, with and without what lengths are worth; nothing where nobody can be rated."""
    if not len(battles):
        return {"warnings": []}
    tally = Tally(_COLUMNS, keep=True)
    tally.add(battles)
    try:
        boards = checked(tally.counts)
    except DataError as error:
        return {"warnings": [f"no ratings: {error}"]}
    rows, names = tally.kept(), tally.counts.names
    (plain,) = by_clusters(boards, TIES["half"], rows, [None])
    found = lines(names, plain, boards, 0, None)
    told = {"ratings": [line.to_json() for line in found], "warnings": [*unsure(plain), *unsettled(found, plain.rated)]}
    if not rows.controls.std(axis=0).all():
        return told
    (beside,), (length,) = beside_controls(boards, rows, [None])
    if not length.known:
        return told
    controlled = [line.to_json() for line in lines(names, beside, boards, 0, None)]
    worth = {"points": ELO * length.worth, "ci": [ELO * length.low, ELO * length.high], "unit": length.unit}
    return {**told, "controlled": controlled, "length": worth, "win_rates": _win_rates(names, beside)}


def _win_rates(names: Sequence[str], board: Estimated) -> dict[str, list[float]]:
    """How often each would win against the reference if both were as long: the share, and its interval of 95%.

    The chance that a logistic regression on models and length gives at equal length, after Dubois et al. (2024).
    """
    if REFERENCE not in names:
        return {}
    theta, covariance, place = board.rated.theta, board.rated.covariance, names.index(REFERENCE)
    found = {}
    for number, name in enumerate(names):
        lead = theta[number] - theta[place]
        variance = covariance[number, number] + covariance[place, place] - 2 * covariance[number, place]
        reach = float(half_widths(np.array(max(variance, 0.0) ** 0.5), board.units))
        if name != REFERENCE and np.isfinite(lead):
            found[name] = [float(expit(value)) for value in (lead, lead - reach, lead + reach)]
    return found


def _same(sides: Sequence[Side]) -> list[dict[str, Any]]:
    """Who says one and the same thing to many rows."""
    found = {side.name: one_text(side.texts) for side in sides}
    return [{"name": name, **asdict(one)} for name, one in found.items() if one]
