"""Models that read what others say: a mixture, where one sums up, and a debate, where each may change its mind.

What they read stands behind the question, as a part of the row. So a model is asked as it always is, about other rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from concours.core.values import take
from concours.engine.rows import take_rows
from concours.kernels.scoring.answers import same_answer
from concours.stores.values import concat
from concours.tasks.outputs.output import OutputKind, Values

Codes = NDArray[np.int64]
Rows = NDArray[np.bool_]

Says = Callable[[Codes, Any], Values]
"""What a model predicts, (some rows, …), of rows of these numbers, in the words given."""

_MIXTURE: Final = """

Others were asked this too. What they answered, each in its own brackets:

{}

Some of it may be wrong. Weigh it, and then answer yourself, in the form that was asked for."""
_DEBATE: Final = """

You answered this before, and so did others. Your answer was:

{}

The others’ answers, each in its own brackets:

{}

Some may be wrong, yours among them. Think again, and then give your answer, in the form that was asked for."""


@dataclass(frozen=True, kw_only=True)
class Talk:
    """What is talked about.

    Attributes:
        x: rows that can be put into words.
        said: what each member predicts before anybody has read anything, (rows, …).
        says: how each is asked again; none of those that cannot be.
        output: of the task.
    """

    x: Any
    said: Sequence[Values]
    says: Sequence[Says | None]
    output: OutputKind

    def texts(self, said: Sequence[Values]) -> list[list[str]]:
        """What each member says of each row, in words, (members, rows)."""
        return [self.output.retold(values, self.x) for values in said]

    def unsettled(self, said: Sequence[Values]) -> Codes:
        """The rows on which members do not all say the same."""
        rows = zip(*(self.output.written(values) for values in said), strict=True)
        return np.flatnonzero([len({same_answer(text) for text in of}) > 1 for of in rows])


class Rounds(Protocol):
    """A way to talk: from what is talked about, and the member that has the last word on each row, to predictions."""

    def __call__(self, talk: Talk, last: Codes, rounds: int) -> Values: ...


def mixture(talk: Talk, last: Codes, rounds: int) -> Values:
    """A member reads what all said, and has the last word (mixture of agents, Wang et al. 2024).

    Where all say the same nobody is asked again.

    Args:
        last: (rows,) numbers of the members that have the last word.
        rounds: of reading; in all but the last every member that can be asked reads, and answers anew.
    """
    said = list(talk.said)
    for _ in range(rounds - 1):
        said = _each_again(talk, said, _MIXTURE, own=False, among=np.full(len(last), True))
    texts = talk.texts(said)
    answer, open_ = _of_each(said, last), talk.unsettled(said)
    for member in np.unique(last[open_]).tolist():
        rows = open_[last[open_] == member]
        answer = _put(answer, rows, _asked(talk, member, rows, [_MIXTURE.format(_listed(texts, row)) for row in rows]))
    return answer


def debate(talk: Talk, last: Codes, rounds: int) -> Values:
    """All read what the others said and may change it, until they agree, or nobody changes anything; then they vote.

    Members that cannot be asked stay with what they said (multi-agent debate, Du et al. 2023).

    Args:
        rounds: of reading, at most.
    """
    del last
    said, moved = list(talk.said), np.full(len(talk.said[0]), True)
    for _ in range(rounds):
        before, said = said, _each_again(talk, said, _DEBATE, own=True, among=moved)
        moved = _changed(talk.texts(before), talk.texts(said))
    output = talk.output
    return output.join(output.can.get("majority", next(iter(output.joins))), said, np.full(len(said), 1 / len(said)))


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way to talk.

    Attributes:
        rounds: what comes of it.
        most: how many requests about a row it takes at most, of so many members that can be asked, in so many rounds.
    """

    rounds: Rounds
    most: Callable[[int, int], int]


TALKS: Final[Mapping[str, Way]] = {
    "mixture": Way(rounds=mixture, most=lambda members, rounds: members * (rounds - 1) + 1),
    "debate": Way(rounds=debate, most=lambda members, rounds: members * rounds),
}
"""By way to join."""


def _each_again(talk: Talk, said: Sequence[Values], words: str, *, own: bool, among: Rows) -> list[Values]:
    """What each says once it has read the others, on those rows where they differ."""
    texts, rows = talk.texts(said), talk.unsettled(said)
    rows = rows[among[rows]]
    if not len(rows):
        return list(said)
    heard = list[Values]()
    for member, values in enumerate(said):
        if talk.says[member] is None:
            heard.append(values)
            continue
        others = [text for place, text in enumerate(texts) if place != member] if own else texts
        told = [[texts[member][row]] * own + [_listed(others, row)] for row in rows]
        heard.append(_put(values, rows, _asked(talk, member, rows, [words.format(*each) for each in told])))
    return heard


def _changed(before: Sequence[Sequence[str]], after: Sequence[Sequence[str]]) -> Rows:
    """(rows,) whether somebody says something else: who reads the same again says the same again."""
    pairs = zip(zip(*before, strict=True), zip(*after, strict=True), strict=True)
    return np.array([one != other for one, other in pairs])


def _asked(talk: Talk, member: int, rows: Codes, behind: Sequence[str]) -> Values:
    says = talk.says[member]
    if says is None:
        return take(talk.said[member], rows)
    return says(rows, spoken_of(take_rows(talk.x, rows), behind))


def spoken_of(x: Any, behind: Sequence[str]) -> Any:
    """Rows with a text behind each question: their first column, or themselves."""
    if isinstance(x, pd.DataFrame):
        first = x.columns[0]
        return x.assign(**{first: [f"{text}{more}" for text, more in zip(x[first], behind, strict=True)]})
    return np.array([f"{text}{more}" for text, more in zip(x, behind, strict=True)], dtype=object)


def _listed(texts: Sequence[Sequence[str]], row: int) -> str:
    return "\n\n".join(f"[answer {place}]\n{of[row]}\n[end of answer {place}]" for place, of in enumerate(texts, 1))


def _of_each(said: Sequence[Values], whom: Codes) -> Values:
    """Of each row what one member says."""
    rows = len(whom)
    return take(concat(list(said)), whom * rows + np.arange(rows))


def _put(values: Values, rows: Codes, new: Values) -> Values:
    """Values with others in some rows."""
    places = np.arange(len(values))
    places[rows] = len(values) + np.arange(len(rows))
    return take(concat([values, new]), places)
