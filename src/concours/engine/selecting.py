"""The answer of one member a row: that for which most speaks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from concours.core.values import take
from concours.engine.evidence import Heard
from concours.engine.sent import sent
from concours.kernels.joining.scorers import Scorer
from concours.tasks.outputs.output import Values

Codes = NDArray[np.int64]


def others_of(member: int, members: int) -> list[int]:
    """Whom a member's scorer hears, in their order."""
    return [other for other in range(members) if other != member]


def for_whom_most_speaks(scorers: Sequence[Scorer], heard: Heard) -> Codes:
    """(rows,) the member of whose answer most is expected, of those who were asked; the first of equal ones.

    Raises ValueError where nobody was.
    """
    there = [member for member, told in enumerate(heard.told) if told is not None]
    if not there:
        raise ValueError("a selection needs a member")
    expected = [scorers[member].expected(heard.of(member, others_of(member, len(scorers)))) for member in there]
    return np.asarray(there)[np.argmax(expected, axis=0)]


def selected(scorers: Sequence[Scorer], heard: Heard) -> Values:
    """Those answers, (rows, …)."""
    return sent(for_whom_most_speaks(scorers, heard), [partial(take, told) for told in heard.told])
