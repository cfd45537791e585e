"""Ways to ask a language model about rows: which questions each row takes, and what the answers come to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from concours.core.errors import ContestError
from concours.engine.worded import Row, prompt_of, worded
from concours.entrants.endpoints.params import Asking
from concours.entrants.endpoints.prompts import Prompt
from concours.entrants.endpoints.replies import Failed, Reply
from concours.entrants.endpoints.speaker import Behind, Letters, Question, Said, Speaker, shares_of_letters
from concours.kernels.scoring.likelihoods import MEASURES, distribution, turned_back
from concours.tasks.choices import letter_of
from concours.tasks.outputs.output import Heard, OutputKind

Floats = NDArray[np.float64]
Shown = Sequence[tuple[Row, str]]
"""Examples before a question, with what is to be said of them."""


class Way(Protocol):
    """A way to ask about some rows.

    Attributes:
        prompt: what is asked of a row.
        ends: whether it tells anything where an answer ends.
    """

    prompt: Prompt
    ends: bool

    def __init__(self, how: Asking, x: Any, output: OutputKind) -> None: ...

    def questions(self, row: int, shown: Shown) -> Iterator[Question]:
        """What is asked about a row, after some examples."""

    def heard(self, found: Sequence[Sequence[Reply | Failed]], speaker: Speaker) -> Heard:
        """What came of the questions of each row."""

    def answer(self, x: Any, targets: Any) -> list[str]:
        """What is to be said of rows whose targets are known."""


class Spoken:
    """The model says something, in which the task's rule finds the answer."""

    ends = True

    def __init__(self, how: Asking, x: Any, output: OutputKind) -> None:
        self._how, self._x, self._output = how, x, output
        self._rows = worded(x)
        self.prompt = prompt_of(how, self._rows, output)

    def questions(self, row: int, shown: Shown) -> Iterator[Question]:
        messages = self.prompt.messages(self._rows[row], shown)
        return (Said(messages, sample) for sample in range(self._how.samples))

    def heard(self, found: Sequence[Sequence[Reply | Failed]], speaker: Speaker) -> Heard:
        del speaker
        return self._output.heard([list(map(_text, of)) for of in found], self._x)

    def answer(self, x: Any, targets: Any) -> list[str]:
        del x
        return self._output.written(targets)


class _Turned:
    """Choices are shown in every rotation."""

    ends = True

    def __init__(self, how: Asking, x: Any, output: OutputKind) -> None:
        self._how, self._x, self._output = how, x, output
        self._counts = [len(row) for row in output.offered(x)]
        self._rotated = [output.rotated(x, by) for by in range(max(self._counts, default=0))]
        self._rows = [worded(rows) for rows in self._rotated]
        self.prompt = prompt_of(how, worded(x), output)

    def questions(self, row: int, shown: Shown) -> Iterator[Question]:
        for by in range(self._counts[row]):
            yield from self._of(self.prompt.messages(self._rows[by][row], shown), self._counts[row])

    def _of(self, messages: Any, choices: int) -> Iterator[Question]:
        """What is asked of one rotation."""
        raise NotImplementedError

    def answer(self, x: Any, targets: Any) -> list[str]:
        del x
        return self._output.written(targets)

    def _back(self, shares: Sequence[Floats]) -> Floats:
        """Predictions (rows, most) of the shares (choices, choices) of each row."""
        return _filled([turned_back(each) for each in shares], self._output)


class SpokenTurned(_Turned):
    """The letter is read in what the model says to each rotation."""

    def _of(self, messages: Any, choices: int) -> Iterator[Question]:
        del choices
        return (Said(messages, sample) for sample in range(self._how.samples))

    def heard(self, found: Sequence[Sequence[Reply | Failed]], speaker: Speaker) -> Heard:
        del speaker
        size, shares, parsed = self._how.samples, list[Floats](), list[bool]()
        for of, choices in zip(found, self._counts, strict=True):
            each = [list(map(_text, of[start : start + size])) for start in range(0, len(of), size)]
            told = self._output.heard(each, None)
            shares.append(np.asarray(told.predictions)[:, :choices])
            parsed += told.parsed
        return Heard(predictions=self._back(shares), parsed=parsed)


class ByLetter(_Turned):
    """The model tells how probable it holds each letter, of each rotation."""

    ends = False

    def _of(self, messages: Any, choices: int) -> Iterator[Question]:
        yield Letters(messages, tuple(map(letter_of, range(choices))))

    def heard(self, found: Sequence[Sequence[Reply | Failed]], speaker: Speaker) -> Heard:
        del speaker
        rows = zip(found, self._counts, strict=True)
        shares = [np.array([_shares(each, choices) for each in of]) for of, choices in rows]
        return Heard(predictions=self._back(shares), parsed=[bool(row.any()) for of in shares for row in of])


class ByText:
    """The model tells how probable it holds the text of each choice behind the question."""

    ends = False

    def __init__(self, how: Asking, x: Any, output: OutputKind) -> None:
        self._how, self._output = how, output
        self._choices, self._rows = output.offered(x), worded(x)
        self._asked: dict[int, list[Behind]] = {}
        self.prompt = prompt_of(how, self._rows, output)
        self._measure, self._alone = MEASURES[how.by], how.by == "pmi"
        if self._alone and not self.prompt.ending:
            raise ContestError(
                'by = "pmi" compares with what is probable without a question, so the prompt has to end in words, like '
                "{question} Answer:"
            )

    def questions(self, row: int, shown: Shown) -> Iterator[Question]:
        texts = [self.prompt.text(self._rows[row], shown), *([self.prompt.ending] if self._alone else [])]
        self._asked[row] = [Behind(text, _behind(text, choice)) for text in texts for choice in self._choices[row]]
        return iter(self._asked[row])

    def heard(self, found: Sequence[Sequence[Reply | Failed]], speaker: Speaker) -> Heard:
        each = []
        for row, (of, choices) in enumerate(zip(found, self._choices, strict=True)):
            told = np.array(
                [
                    -np.inf if isinstance(reply, Failed) else speaker.likelihood(question, reply)
                    for question, reply in zip(self._asked[row], of, strict=True)
                ]
            )
            told, alone = told[: len(choices)], told[len(choices) :]
            scores = self._measure(told, choices, alone)
            each.append(distribution(scores) if np.isfinite(scores).all() else np.zeros(len(choices)))
        return Heard(predictions=_filled(each, self._output), parsed=[True for of in found for _ in of])

    def answer(self, x: Any, targets: Any) -> list[str]:
        return [row[place] for row, place in zip(self._output.offered(x), targets.argmax(axis=1).tolist(), strict=True)]


def _text(reply: Reply | Failed) -> str:
    return "" if isinstance(reply, Failed) else reply.text


def _shares(reply: Reply | Failed, choices: int) -> list[float]:
    letters = tuple(map(letter_of, range(choices)))
    return [0.0] * choices if isinstance(reply, Failed) else shares_of_letters(letters, reply)


def _behind(text: str, choice: str) -> str:
    """A choice as it stands behind a text: a blank is between, if there is none yet."""
    return choice if text[-1:].isspace() else f" {choice}"


def _filled(rows: Sequence[Floats], output: OutputKind) -> Floats:
    """Rows of one width, with zeros behind."""
    found = np.zeros((len(rows), max([output.width, *map(len, rows)])))
    for place, row in enumerate(rows):
        found[place, : len(row)] = row
    return found


_BY: Final[Mapping[str, type[Way]]] = {"said": Spoken, "letter": ByLetter, **dict.fromkeys(MEASURES, ByText)}


def way_of(how: Asking) -> type[Way]:
    """The way that parameters name."""
    return SpokenTurned if how.by == "said" and how.rotate else _BY[how.by]
