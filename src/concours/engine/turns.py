"""Members that are asked one after the other: who is asked about which rows, how sure it is, and what is answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core.values import take
from concours.engine.evidence import Heard
from concours.engine.sent import Ask, Codes
from concours.kernels.joining.cascading import ask_in_turn
from concours.kernels.joining.scorers import Scorer
from concours.stores.values import concat
from concours.tasks.outputs.output import OutputKind, Values

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Confidence:
    """How sure those are of their answers who are asked one after the other.

    Attributes:
        output: of the task.
        scorers: of each, in the order of asking, which hear those before it; empty where each says itself how sure it
            is, and hears nobody.
    """

    output: OutputKind
    scorers: Sequence[Scorer] = ()

    @classmethod
    def of_some(cls, output: OutputKind, scorers: Sequence[Any], some: Iterable[int]) -> Confidence:
        """Of some members, by scorers of all, as they are written; none where there are no scorers."""
        return cls(output=output, scorers=[Scorer.from_json(scorers[i]) for i in some] if scorers else [])

    def of(self, place: int, told: Sequence[Values | None], texts: Sequence[str]) -> Floats:
        """(rows,) from 0 to 1, of the member in this place, by what it and those before it said; none is who is absent.

        Args:
            texts: the rows in words, where there are scorers.
        """
        if not self.scorers:
            return self.output.agreement(told[place], told[place])
        return sure_by(self.scorers[place], Heard(output=self.output, told=told, texts=texts).of(place, range(place)))


def sure_by(scorer: Scorer, evidence: Floats) -> Floats:
    """(rows,) what is expected, from 0 to 1."""
    return np.clip(scorer.expected(evidence), 0.0, 1.0)


def in_turn(
    members: Sequence[Ask | None],
    thresholds: Sequence[float],
    rows: int,
    confidence: Confidence,
    texts: Sequence[str] = (),
) -> tuple[Values, NDArray[np.bool_]]:
    """What a cascade answers, (rows, …), and who was asked about which rows, (members, rows).

    Args:
        members: in the order of asking; none is one who is absent, whom nobody asks, and whom the others do not hear.
        texts: (rows,) in words, where there are scorers.

    Law: the same, whether members tell all rows at once or some, if what they tell of a row hangs on no other. Raises
    ValueError where there is no row, or nobody to ask.
    """
    there = [(place, member) for place, member in enumerate(members) if member is not None]
    if not rows:
        raise ValueError("a cascade needs a row")
    told: list[Values | None] = [None] * len(members)
    before, parts = np.arange(rows), list[tuple[Codes, Values]]()

    def sure(turn: int, waiting: Codes) -> Floats:
        nonlocal before
        place, ask = there[turn]
        kept = np.searchsorted(before, waiting)
        told[:] = [each if each is None or len(kept) == len(before) else take(each, kept) for each in told]
        told[place], before = ask(waiting), waiting
        parts.append((waiting, told[place]))
        if turn == len(there) - 1:
            return np.ones(len(waiting))
        return confidence.of(place, told, [texts[row] for row in waiting] if confidence.scorers else ())

    turns = ask_in_turn(sure, [thresholds[place] for place, _ in there], rows)
    asked = np.zeros((len(members), rows), dtype=np.bool_)
    asked[[place for place, _ in there]] = turns >= np.arange(len(there))[:, None]
    mine = [np.flatnonzero(turns[waiting] == turn) for turn, (waiting, _) in enumerate(parts)]
    rowed = np.concatenate([waiting[some] for (waiting, _), some in zip(parts, mine, strict=True)])
    said = concat([take(each, some) for (_, each), some in zip(parts, mine, strict=True)])
    return take(said, np.argsort(rowed)), asked
