"""Evidence: what tells whether a member's answer is right, before anybody knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from concours.tasks.outputs.output import OutputKind, Values

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What members said of the same rows.

    Attributes:
        output: of the task.
        told: a member, (rows, …); none of one that was not asked.
        texts: (rows,) the rows in words.
    """

    output: OutputKind
    told: Sequence[Values | None]
    texts: Sequence[str]
    _known: dict[tuple[int, int], Floats] = field(default_factory=dict)

    def of(self, member: int, others: Sequence[int]) -> Floats:
        """(rows, pieces) evidence for what a member said, with what some others said.

        How sure it is itself, how long the row is, what the answer is like (`OutputKind.traits`), and how much each of
        the others agrees; of two or more, the most too. NaN is what nobody was asked for.
        """
        agreeing = [self._agreement(member, other) for other in others]
        most = [np.fmax.reduce(agreeing)] if len(others) > 1 else []
        length = np.log1p([len(text) for text in self.texts])
        traits = self.output.traits(self.told[member], self.texts)
        return np.column_stack([self._agreement(member, member), length, traits, *agreeing, *most])

    def _agreement(self, member: int, other: int) -> Floats:
        if self.told[other] is None:
            return np.full(len(self.texts), np.nan)
        if (member, other) not in self._known:
            self._known[member, other] = self.output.agreement(self.told[member], self.told[other])
        return self._known[member, other]
