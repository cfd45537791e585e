"""A language model in a folder, as it is asked: what is answered is kept in the form in which addresses answer."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from concours.core.digests import Digest
from concours.core.state import state_file
from concours.entrants.endpoints.calls import Call
from concours.entrants.endpoints.kept import Answers
from concours.entrants.endpoints.prompts import SEPARATOR
from concours.entrants.endpoints.purse import Purse
from concours.entrants.endpoints.replies import Failed, Reply, read
from concours.entrants.endpoints.speaker import ANSWERS, Behind, Heard, Letters, Question, Said
from concours.entrants.local.folders import lies
from concours.entrants.local.generating import How, answers
from concours.entrants.local.loading import Loaded, loaded, threads
from concours.entrants.local.params import Local
from concours.entrants.local.scoring import Pair, likelihoods
from concours.entrants.local.texts import speaks_in_turns, text_of_chat, tokens_of_chat, tokens_of_pair

Outcomes = Iterator[tuple[str, Reply | Failed]]
"""What became of calls, by their keys."""

_KEPT_EACH = 16
"""Batches after which what is known is kept."""


class InFolder:
    """The model of a digest. It is loaded when something is asked that was not answered before.

    Args:
        name: of its folder, for messages.
        content: the digest of its folder.
        threads: that it may use.

    Nothing is sent anywhere, so no purse bounds it.
    """

    def __init__(self, name: str, how: Local, *, content: str, threads: int) -> None:
        self._name, self._how, self._content, self._threads = name, how, Digest(content), threads

    @cached_property
    def _loaded(self) -> Loaded:
        return loaded(lies(self._content, self._name), self._how.dtype)

    def ask(self, questions: Iterable[Question], purse: Purse | None) -> Heard:
        """As of every speaker."""
        del purse
        store = Answers(state_file(ANSWERS))
        asked = [(self._call(question).key, question) for question in questions]
        found: dict[str, Reply | Failed] = {**store.get(list(dict.fromkeys(key for key, _ in asked)))}
        kept = sum(key in found for key, _ in asked)
        missing = {key: question for key, question in asked if key not in found}
        for kind, answered in _ANSWERED.items():
            if some := {key: question for key, question in missing.items() if isinstance(question, kind)}:
                with threads(self._threads):
                    for key, outcome in answered(self._loaded, some, self._how):
                        found[key] = outcome
                        if isinstance(outcome, Reply):
                            store.put(key, outcome)
        return Heard([found[key] for key, _ in asked], kept)

    def likelihood(self, question: Behind, reply: Reply) -> float:
        """The sum over its tokens."""
        del question
        return sum(token.logprob or 0.0 for token in reply.logprobs or ())

    def _call(self, question: Question) -> Call:
        """What is asked, as a value with a key; the model goes by its digest."""
        url, dtype = f"folder:{self._content}", {"dtype": self._how.dtype}
        match question:
            case Said(messages, sample):
                return Call(url, {"messages": list(messages), **self._how.sampling, **dtype}, sample)
            case Letters(messages, letters):
                return Call(url, {"messages": list(messages), "letters": list(letters), **dtype})
            case Behind(text, more):
                return Call(url, {"prompt": text, "behind": more, **dtype})


def _said(model: Loaded, asked: Mapping[str, Said], how: Local) -> Outcomes:
    """Answers, those to long questions first, so that what is read at once is about as long."""
    prompts = {key: tokens_of_chat(model, question.messages) for key, question in asked.items()}
    yield from _too_long(model, prompts, how.max_tokens)
    keys = sorted(
        (key for key in prompts if _fits(model, prompts[key], how.max_tokens)), key=lambda k: -len(prompts[k])
    )
    stop = how.stop or (() if speaks_in_turns(model) else (SEPARATOR,))
    made = How(temperature=how.temperature, top_p=how.top_p or 1.0, stop=stop, most=how.max_tokens)
    for some in _portions(keys, how.batch):
        began = time.perf_counter()
        found = answers(model, [prompts[key] for key in some], [_seed(key) for key in some], made)
        seconds = (time.perf_counter() - began) / len(some)
        for key, each in zip(some, found, strict=True):
            choice = {"message": {"content": each.text}, "finish_reason": "stop" if each.ended else "length"}
            yield key, _reply(choice, len(prompts[key]), each.tokens, seconds)


def _letters(model: Loaded, asked: Mapping[str, Letters], how: Local) -> Outcomes:
    """Each letter is scored as what is said; what is before them is read once."""
    pairs = {key: _pairs_of_letters(model, question) for key, question in asked.items()}
    texts = {key: of[0][0] for key, of in pairs.items()}
    yield from _too_long(model, texts, 1)
    for some in _portions([key for key in asked if _fits(model, texts[key], 1)], _KEPT_EACH * how.batch):
        numbers, seconds = _scored(model, [pair for key in some for pair in pairs[key]], how.batch)
        told = iter(map(sum, numbers))
        for key in some:
            top = [{"token": letter, "logprob": next(told)} for letter in asked[key].letters]
            best = max(top, key=lambda each: each["logprob"])
            choice = {"message": {"content": best["token"]}, "logprobs": {"content": [{**best, "top_logprobs": top}]}}
            yield key, _reply({**choice, "finish_reason": "stop"}, len(texts[key]), 1, seconds / len(some))


def _pairs_of_letters(model: Loaded, question: Letters) -> list[Pair]:
    """The text and each letter behind it; tokens that all letters begin with, a blank or a line, belong to the text."""
    turns, text = speaks_in_turns(model), text_of_chat(model, question.messages)
    behind = [letter if turns else f" {letter}" for letter in question.letters]
    pairs = [tokens_of_pair(model, text, each, special=not turns) for each in behind]
    shortest = min(len(after) for _, after in pairs)
    alike = next((n for n in range(shortest - 1) if len({after[n] for _, after in pairs}) > 1), shortest - 1)
    return [([*before, *after[:alike]], after[alike:]) for before, after in pairs]


def _behind(model: Loaded, asked: Mapping[str, Behind], how: Local) -> Outcomes:
    """Log-probabilities of tokens behind texts."""
    pairs = {key: tokens_of_pair(model, question.text, question.more) for key, question in asked.items()}
    whole = {key: [*before, *after] for key, (before, after) in pairs.items()}
    yield from _too_long(model, whole, 0)
    keys = [key for key in asked if _fits(model, whole[key], 0)]
    for some in _portions(keys, _KEPT_EACH * how.batch):
        numbers, seconds = _scored(model, [pairs[key] for key in some], how.batch)
        for key, row in zip(some, numbers, strict=True):
            words = [model.tokenizer.decode([token]) for token in pairs[key][1]]
            choice = {"text": asked[key].more, "logprobs": {"tokens": words, "token_logprobs": row}}
            yield key, _reply({**choice, "finish_reason": "stop"}, len(whole[key]), 0, seconds / len(some))


_ANSWERED: Mapping[type[Question], Callable[[Loaded, Any, Local], Outcomes]] = {
    Said: _said,
    Letters: _letters,
    Behind: _behind,
}
"""What answers each sort of question."""


def _scored(model: Loaded, pairs: Sequence[Pair], batch: int) -> tuple[list[list[float]], float]:
    began = time.perf_counter()
    return likelihoods(model, pairs, batch), time.perf_counter() - began


def _fits(model: Loaded, tokens: Sequence[int], more: int) -> bool:
    return not model.longest or len(tokens) + more <= model.longest


def _too_long(model: Loaded, rows: Mapping[str, Sequence[int]], more: int) -> Outcomes:
    for key, tokens in rows.items():
        if not _fits(model, tokens, more):
            room = f" and room for {more} more" if more else ""
            yield key, Failed(f"{len(tokens)} tokens{room} are more than the {model.longest} that the model reads", 1)


def _portions(keys: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (keys[start : start + size] for start in range(0, len(keys), size))


def _seed(key: str) -> int:
    """Of an answer, by all that was asked, its sample and the seed given among it."""
    return int(key[-15:], 16)


def _reply(choice: Mapping[str, Any], into: int, out: int, seconds: float) -> Reply:
    usage = {"prompt_tokens": into, "completion_tokens": out}
    return read(json.dumps({"choices": [choice], "usage": usage}, ensure_ascii=False), seconds)
