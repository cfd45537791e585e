"""A model of passages, whatever it is made of: all requests are asked about each sign that may come, at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from concours.core import consent
from concours.core.errors import DataError
from concours.engine.continuing import continuing, told_by
from concours.engine.rows import get_rows
from concours.insights.continuing import drawn
from concours.serving.doors.openai.asked import Asked
from concours.serving.doors.openai.said import Likely, Piece
from concours.serving.model import Served
from concours.serving.writers.writer import Ended, Written

ROWS: Final = 16
"""Texts that are gone on with at once; others wait."""
MOST: Final = 100_000
"""Signs that are written behind a text."""
_USUAL: Final = 300
"""Signs that are written where nobody says how many, and the temperature: as `concours continue` has them."""
_TEMPERATURE: Final = 0.8


@dataclass(eq=False)
class _Text:
    """A text that is gone on with; `said` is what was written behind it, and `told` how much of that was told."""

    id: int
    asked: Asked
    before: str
    chance: np.random.Generator
    said: str = ""
    told: int = 0
    signs: int = 0


@dataclass(eq=False)
class Signwise:
    """As of every writer. A sign counts as a token.

    Law: a text is that of `runs.continuing.continue_text`, with its seed.
    """

    served: Served
    _texts: list[_Text] = field(default_factory=list)

    def __post_init__(self) -> None:
        served, store = self.served, self.served.result.folder.store
        self._told = told_by(store, served.output, served.candidates, served.result.candidate(served.name))
        self._signs = continuing(served.output).signs(get_rows(store, served.result.setup.problem.train.x))

    @property
    def busy(self) -> bool:
        return bool(self._texts)

    def take(self, id: int, asked: Asked) -> None:
        if asked.top_p not in (None, 1.0):
            raise DataError("top_p: a model of passages draws among all signs; leave it out, or give a temperature")
        if asked.most is not None and asked.most > MOST:
            raise DataError(f"max_tokens = {asked.most}: up to {MOST}, of which each is a sign")
        if asked.seed is not None and asked.seed < 0:
            raise DataError(f"seed = {asked.seed}: 0 or more")
        before = asked.question
        self._texts.append(
            _Text(id, asked, before, np.random.default_rng(None if asked.seed is None else [asked.seed, 0]))
        )

    def drop(self, id: int) -> None:
        self._texts = [text for text in self._texts if text.id != id]

    def step(self) -> list[Written]:
        some, signs = self._texts[:ROWS], self._signs
        with consent.granted(self.served.agreed):
            p = self._told([text.before + text.said for text in some for _ in signs], [*signs] * len(some))
        found = [self._written(text, row) for text, row in zip(some, p.reshape(len(some), len(signs)), strict=True)]
        over = {each.id for each in found if each.end is not None}
        self._texts = [text for text in self._texts if text.id not in over]
        return found

    def _written(self, text: _Text, p: Any) -> Written:
        asked = text.asked
        place = drawn(p, _TEMPERATURE if asked.temperature is None else asked.temperature, text.chance)
        text.said += self._signs[place]
        text.signs += 1
        stopped = min((at for each in asked.stop if (at := text.said.find(each)) >= 0), default=None)
        whole = text.said if stopped is None else text.said[:stopped]
        long = text.signs >= (asked.most or _USUAL)
        ended = stopped is not None or long
        sure = len(whole) if ended else len(whole) - _held(whole, asked.stop)
        new, text.told = whole[text.told : sure], max(sure, text.told)
        piece = Piece(new, self._likely(p, place, asked.likeliest))
        if not ended:
            return Written(text.id, piece)
        return Written(text.id, piece, Ended("length" if stopped is None else "stop", len(text.before), text.signs))

    def _likely(self, p: Any, place: int, count: int | None) -> tuple[Likely, ...]:
        if count is None:
            return ()
        logs = np.log(np.maximum(p, np.finfo(np.float64).tiny))
        top = np.argsort(-logs, kind="stable")[:count].tolist()
        told = tuple((self._signs[each], float(logs[each])) for each in top)
        return (Likely(self._signs[place], float(logs[place]), told),)


def _held(text: str, stop: tuple[str, ...]) -> int:
    """How much of the end of a text may be the beginning of one to stop at."""
    return max((n for each in stop for n in range(1, len(each)) if text.endswith(each[:n])), default=0)
