"""A language model behind an address, as it is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain, islice
from typing import Any

from concours.core.errors import EndpointRefused
from concours.core.state import state_file
from concours.entrants.endpoints.calls import Call, chat, completion
from concours.entrants.endpoints.client import Told, ask_all
from concours.entrants.endpoints.endpoint import Endpoint
from concours.entrants.endpoints.kept import Answers
from concours.entrants.endpoints.params import Address
from concours.entrants.endpoints.prompts import SEPARATOR, as_text
from concours.entrants.endpoints.purse import Purse
from concours.entrants.endpoints.replies import Failed, Reply
from concours.entrants.endpoints.speaker import ANSWERS, Behind, Heard, Letters, Question, Said, shares_of_letters

_LIKELIEST = 20
"""Of the tokens that might be said, those whose probabilities are asked for: as many as OpenAI gives."""


class AtAddress:
    """The model `name` at an address."""

    def __init__(self, name: str, how: Address, **unused: Any) -> None:
        del unused
        self._name, self._how = name, how
        self._endpoint = Endpoint(
            base_url=how.base_url,
            key_env=how.key_env,
            price=how.charged,
            at_once=how.at_once,
            timeout_s=how.timeout_s,
            tries=how.tries,
        )

    def ask(self, questions: Iterable[Question], purse: Purse | None) -> Heard:
        """As of every speaker. Of what an address may not offer one is asked alone first, and the others if it does."""
        questions = iter(questions)
        first = list(islice(questions, 1))
        if not first or isinstance(first[0], Said):
            return self._asked(chain(first, questions), purse)
        probe = self._asked(first, purse)
        if isinstance(probe.replies[0], Reply):
            self._require_told(first[0], probe.replies[0])
        others = self._asked(questions, purse)
        return Heard([*probe.replies, *others.replies], probe.kept + others.kept)

    def likelihood(self, question: Behind, reply: Reply) -> float:
        """The sum over the tokens behind the text, where what came back is what was sent.

        A blank at the end of the text belongs to what follows, as it does in tokens.
        """
        sent, begin, place, told = question.text + question.more, len(question.text.rstrip()), 0, list[float]()
        tokens = reply.logprobs or ()
        if not "".join(token.text for token in tokens).startswith(sent):
            raise self._refusal
        for token in tokens:
            place += len(token.text)
            if begin < place <= len(sent):
                told.append(self._known(token.logprob))
        return sum(told)

    def _known(self, logprob: float | None) -> float:
        if logprob is None:
            raise self._refusal
        return logprob

    @property
    def _refusal(self) -> EndpointRefused:
        return EndpointRefused(
            f"{self._endpoint.completions} does not give back what it is sent (echo) with log-probabilities, so by = "
            f'{self._how.by!r} cannot be asked of it: take by = "letter", or "said" with rotate = true'
        )

    def _require_told(self, question: Question, reply: Reply) -> None:
        if isinstance(question, Behind):
            self.likelihood(question, reply)
        elif isinstance(question, Letters):
            try:
                shares_of_letters(question.letters, reply)
            except EndpointRefused as error:
                raise EndpointRefused(f"{self._endpoint.chats}: {error}") from None

    def _asked(self, questions: Iterable[Question], purse: Purse | None) -> Heard:
        so_far = [Told()]
        answers = Answers(state_file(ANSWERS))
        replies: list[Reply | Failed] = ask_all(
            map(self._call, questions), self._endpoint, answers, purse, told=so_far.append
        )
        return Heard(replies, so_far[-1].recalled)

    def _call(self, question: Question) -> Call:
        match question:
            case Said(messages, sample) if self._how.route == "completions":
                stop = {"stop": [SEPARATOR]} if self._how.stop is None else {}
                sent = completion(self._name, as_text(messages), **self._how.sampling, **stop)
                return Call(self._endpoint.completions, sent, sample)
            case Said(messages, sample):
                return Call(self._endpoint.chats, chat(self._name, messages, **self._how.sampling), sample)
            case Letters(messages, _):
                told = {"logprobs": True, "top_logprobs": _LIKELIEST}
                return Call(self._endpoint.chats, chat(self._name, messages, **self._longest(1), **told))
            case Behind(text, more):
                # the word that is said besides is not read; not all who echo take 0 for it
                sent = completion(self._name, text + more, echo=True, logprobs=1, max_tokens=1, temperature=0)
                return Call(self._endpoint.completions, sent)

    def _longest(self, tokens: int) -> Mapping[str, int]:
        return {"max_tokens" if self._how.max_completion_tokens is None else "max_completion_tokens": tokens}
