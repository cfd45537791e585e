"""Who is asked in words, wherever that is, and what can be asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp
from typing import NamedTuple, Protocol

from concours.core.errors import EndpointRefused
from concours.entrants.endpoints.purse import Purse
from concours.entrants.endpoints.replies import Failed, Reply

ANSWERS = "answers.sqlite"
"""Where answers are kept for all contests of a person: none is paid for twice."""

Messages = Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class Said:
    """What do you say to these messages? `sample`: which of several answers to it is meant, from 0."""

    messages: Messages
    sample: int = 0

    @property
    def size(self) -> int:
        """Letters that are sent."""
        return sum(len(message["content"]) for message in self.messages)


@dataclass(frozen=True)
class Letters:
    """How probable is each of these letters as the beginning of what you say to these messages?"""

    messages: Messages
    letters: tuple[str, ...]

    @property
    def size(self) -> int:
        """Letters that are sent."""
        return sum(len(message["content"]) for message in self.messages)


@dataclass(frozen=True)
class Behind:
    """How probable is it that this text goes on with `more`? No template of a chat is put around it."""

    text: str
    more: str

    @property
    def size(self) -> int:
        """Letters that are sent."""
        return len(self.text) + len(self.more)


Question = Said | Letters | Behind


class Heard(NamedTuple):
    """What became of some questions, in their order, and how many of these had been answered before."""

    replies: list[Reply | Failed]
    kept: int


class Speaker(Protocol):
    """A language model that can be asked.

    Law: what is answered is kept before it is given, under a digest of the question, the model, and all that the answer
    hangs on; so nothing is asked twice.
    """

    def ask(self, questions: Iterable[Question], purse: Purse | None) -> Heard:
        """What it says, or why not.

        Args:
            purse: what may be spent; none where nobody bounds it.

        Raises:
            EndpointRefused: nothing can be asked there, or not this.
            SpentOut: no more may be spent.
        """

    def likelihood(self, question: Behind, reply: Reply) -> float:
        """The natural log-probability of what the text was to go on with.

        Raises:
            EndpointRefused: the answer does not tell it.
        """


def shares_of_letters(letters: Sequence[str], reply: Reply) -> list[float]:
    """The probability of each letter, as far as the answer tells it: of the tokens that are that letter and no more.

    Raises:
        EndpointRefused: the answer has no probabilities of tokens.
    """
    if not reply.logprobs or not reply.logprobs[0].top:
        raise EndpointRefused(
            'it gives no probabilities of what it might say (top_logprobs), so by = "letter" cannot be asked of it: '
            'take by = "said" with rotate = true'
        )
    told = dict.fromkeys(letters, 0.0)
    for text, logprob in reply.logprobs[0].top:
        letter = text.strip(" \n().:*")
        if letter in told:
            told[letter] += exp(logprob)
    return list(told.values())
