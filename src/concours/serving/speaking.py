"""Answering requests in words while they are written: new ones are taken between two steps of the writer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import msgspec

from concours.serving.answering import Answering, refusal
from concours.serving.doors.openai.asked import Asked, body_of
from concours.serving.doors.openai.form import EVENTS, At, Form, events
from concours.serving.doors.openai.predicting import head_of
from concours.serving.doors.openai.said import Head, Piece, Said, joined
from concours.serving.refused import Refused, as_openai
from concours.serving.wire import Ask, Told
from concours.serving.writers.writer import Ended, Writer, Written

_encode: Final = msgspec.json.Encoder().encode


@dataclass(eq=False)
class _Answer:
    """An answer that is under way; `sent` counts the pieces that were told."""

    form: Form
    asked: Asked
    head: Head
    pieces: list[Piece] = field(default_factory=list)
    sent: int = 0

    @property
    def at(self) -> At:
        return At(self.head, self.asked, self.sent)


@dataclass(frozen=True)
class Speaking:
    """A model that writes, and answers other requests by predicting.

    Attributes:
        forms: the doors by which words are asked for; all others are those of `answering`.
    """

    answering: Answering
    writer: Writer
    forms: Mapping[str, Form]
    _under_way: dict[int, _Answer] = field(default_factory=dict)
    continuous: ClassVar[bool] = True

    @property
    def busy(self) -> bool:
        """As of `answering.Steps`."""
        return self.writer.busy

    def step(self, asks: Sequence[Ask]) -> list[Told]:
        """As of `answering.Steps`."""
        told = list[Told]()
        for ask in asks:
            if ask.gone:
                self.writer.drop(ask.id)
                self._under_way.pop(ask.id, None)
            elif ask.door in self.forms:
                told += self._taken(ask)
        told += self.answering.step([ask for ask in asks if ask.door not in self.forms])
        if self.writer.busy:
            told += [part for written in self.writer.step() for part in self._told(written)]
        return told

    def _taken(self, ask: Ask) -> list[Told]:
        """Nothing yet, but a refusal where it cannot be answered."""
        form = self.forms[ask.door]
        try:
            asked = form.read(body_of(ask.body))
            self.writer.take(ask.id, asked)
        except Exception as error:  # noqa: BLE001 (a defect is told of one request, and ends no others)
            return [refusal(ask.id, error, as_openai)]
        self._under_way[ask.id] = _Answer(form, asked, head_of(ask))
        return []

    def _told(self, written: Written) -> list[Told]:
        answer = self._under_way[written.id]
        answer.pieces.append(written.piece)
        found = [self._stream(written, answer)] if answer.asked.stream else self._whole(written, answer)
        if written.end is not None:
            del self._under_way[written.id]
        return found

    def _whole(self, written: Written, answer: _Answer) -> list[Told]:
        if written.end is None:
            return []
        if isinstance(written.end, Refused):
            return [refusal(written.id, written.end, as_openai)]
        body = _encode(answer.form.whole(answer.at, _said(answer, written.end)))
        return [Told(written.id, body, rows=1)]

    def _stream(self, written: Written, answer: _Answer) -> Told:
        form, end = answer.form, written.end
        if isinstance(end, Refused) and len(answer.pieces) == 1:
            return refusal(written.id, end, as_openai)
        some: list[dict[str, Any]] = form.begin(answer.at) if len(answer.pieces) == 1 else []
        if written.piece.text or written.piece.likely:
            some += form.more(answer.at, written.piece)
            answer.sent += 1
        if end is None:
            return Told(written.id, events(some), type=EVENTS, last=False)
        if isinstance(end, Refused):
            return Told(written.id, events([*some, as_openai(end)]) + form.close, type=EVENTS, rows=1)
        some += form.end(answer.at, _said(answer, end))
        return Told(written.id, events(some) + form.close, type=EVENTS, rows=1)


def _said(answer: _Answer, end: Ended) -> Said:
    whole = joined(answer.pieces)
    return Said(whole.text, end.finish, end.tokens_in, end.tokens_out, whole.likely)
