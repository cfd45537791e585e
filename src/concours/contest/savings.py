"""Savings as a result tells them: what smaller models take, and what they keep, of those that they were made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from concours.contest.strategies import Strategy
from concours.cooperate.keeping import Keeping
from concours.core.entrant import Candidate, Entrant
from concours.core.joins import JOINS
from concours.core.lineage import row_s_of
from concours.core.process import Memo
from concours.core.standings import Standing


@dataclass(frozen=True, kw_only=True)
class Saving:
    """What a model that was made of others saves.

    Attributes:
        of: the names of those others.
        bytes, bytes_before: of all files that predicting reads, of the model and of the others together.
        row_seconds, row_seconds_before: to prepare and predict one row of many on one core; none where not measured.
        score, score_before: by the ranking metric, on the rows that judge; that before is the best of several.
        single, score_single: the best single entrant on the same rows; none where there is none.
    """

    of: tuple[str, ...]
    bytes: int
    bytes_before: int
    row_seconds: float | None
    row_seconds_before: float | None
    score: float
    score_before: float
    single: str | None
    score_single: float | None

    def kept(self, *, greater_is_better: bool) -> float | None:
        """The share that it keeps of what those before gain over the best single entrant; none if they gain nothing."""
        if self.score_single is None or self.single in self.of:
            return None
        sign = 1 if greater_is_better else -1
        gain = sign * (self.score_before - self.score_single)
        return sign * (self.score - self.score_single) / gain if gain > 0 else None

    def note(self, *, greater_is_better: bool) -> str:
        """In words, for the board."""
        of, parts = " and ".join(self.of), [f"{_share(self.bytes, self.bytes_before)} of its size"]
        if self.row_seconds is not None and self.row_seconds_before:
            parts.append(f"{_share(self.row_seconds, self.row_seconds_before)} of its time")
        kept = self.kept(greater_is_better=greater_is_better)
        gained = (
            ""
            if kept is None
            else f"; of what that gains over {self.single} it keeps {f'{kept:.0%}' if kept > 0 else 'nothing'}"
        )
        return f"{self.score:.4g} after {self.score_before:.4g} of {of}, at {' and '.join(parts)}{gained}"

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {**vars(self), "of": list(self.of)}


def keeping(strategies: Sequence[Strategy]) -> Keeping:
    """The process that finds how large models are that strategies made smaller."""
    return Keeping(before={one.name: one.of for one in strategies if JOINS[one.how].fewest == 1 and one.of})


def savings_of(
    process: Keeping, state: Memo, lines: Sequence[Standing], *, greater_is_better: bool
) -> dict[str, Saving]:
    """By the name of each model that was made of others, as far as all of them have scores."""
    known = {candidate.entrant.digest: candidate for candidate in state.candidates}
    by_name: Mapping[str, Candidate] = {one.entrant.name: one for one in state.candidates}
    scores = {line.entrant.name: line.score for line in lines if line.score is not None}
    best = max if greater_is_better else min
    singles = [
        one.entrant.name for one in state.candidates if one.entrant.role == "single" and one.entrant.name in scores
    ]
    single = best(singles, key=lambda name: scores[name]) if singles else None
    found = {}
    for name, (own, before) in process.bytes(state).items():
        of = tuple(process.before[name])
        if not scores.keys() >= {name, *of}:
            continue
        times = [row_s_of(by_name[other], known) for other in of]
        found[name] = Saving(
            of=of,
            bytes=own,
            bytes_before=before,
            row_seconds=row_s_of(by_name[name], known),
            row_seconds_before=None if None in times else sum(time or 0.0 for time in times),
            score=scores[name],
            score_before=best(scores[other] for other in of),
            single=single,
            score_single=None if single is None else scores[single],
        )
    return found


def traded(entrant: Entrant, metric: str) -> str:
    """What an alliance that asks members by the row saves, in words, for the board; nothing of others, and where it
    saves nothing.

    All is by cross-validation, as it was chosen.
    """
    kept = entrant.joint.artifacts if entrant.joint else {}
    if not kept.get("curve") or not kept.get("chosen"):
        return ""
    (part, cost, score), (_, most, last) = kept["chosen"], kept["curve"][-1]
    if cost == most:  # nothing is saved, which a line of its own says
        return ""
    at = f" at {_share(cost, most)} of the cost" if most else ""
    asks = f"asks its dearest member about {100 * part:.3g}% of the rows, for {metric} {score:.4g} by cross-validation"
    return f"{asks}{at} of asking that one about all, for {last:.4g}"


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.3g}%" if whole else "all"
