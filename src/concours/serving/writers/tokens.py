"""A language model of a folder: all requests in one batch, a token of each at a time."""

from __future__ import annotations

import secrets
from typing import Any

from concours.entrants.endpoints.prompts import SEPARATOR
from concours.entrants.local.continuous import Continuous, Wish
from concours.entrants.local.generating import How
from concours.entrants.local.loading import Loaded
from concours.entrants.local.params import Local
from concours.entrants.local.texts import encoded, speaks_in_turns, tokens_of_chat
from concours.serving.doors.openai.asked import Asked
from concours.serving.doors.openai.said import Likely, Piece
from concours.serving.writers.writer import Ended, Written


class Tokenwise:
    """As of every writer.

    Args:
        usual: how it was asked in the contest, which holds for what a request leaves open.
    """

    def __init__(self, loaded: Loaded, usual: Local) -> None:
        self._loaded, self._usual = loaded, usual
        self._batch = Continuous(loaded)
        self._prompts: dict[int, int] = {}

    @property
    def busy(self) -> bool:
        return self._batch.busy

    def take(self, id: int, asked: Asked) -> None:
        prompt = self._tokens(asked)
        seed = secrets.randbits(63) if asked.seed is None else asked.seed
        self._batch.take(id, Wish(prompt=prompt, how=self._how(asked, prompt), seed=seed, likeliest=asked.likeliest))
        self._prompts[id] = len(prompt)

    def drop(self, id: int) -> None:
        self._batch.drop(id)
        self._prompts.pop(id, None)

    def step(self) -> list[Written]:
        return [self._written(each) for each in self._batch.step()]

    def _written(self, told: Any) -> Written:
        one = told.probable
        piece = Piece(told.text, () if one is None else (Likely(one.token, one.logprob, one.top),))
        if not told.finish:
            return Written(told.id, piece)
        return Written(told.id, piece, Ended(told.finish, self._prompts.pop(told.id), told.tokens))

    def _tokens(self, asked: Asked) -> list[int]:
        if asked.messages:
            return tokens_of_chat(self._loaded, asked.messages)
        return encoded(self._loaded, asked.prompt, special=True) or [self._loaded.begin]

    def _how(self, asked: Asked, prompt: list[int]) -> How:
        usual = self._usual
        stop = (
            asked.stop or usual.stop or ((SEPARATOR,) if asked.messages and not speaks_in_turns(self._loaded) else ())
        )
        room = self._loaded.longest - len(prompt) if self._loaded.longest else usual.max_tokens
        return How(
            temperature=usual.temperature if asked.temperature is None else asked.temperature,
            top_p=asked.top_p or usual.top_p or 1.0,
            stop=tuple(stop),
            most=asked.most or max(1, min(usual.max_tokens, room)),
        )
