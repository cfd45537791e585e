"""Answering requests that came together: read each, predict as few times as may be, write each."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol

import msgspec
import numpy as np
from msgspec.structs import replace

from concours.core.errors import ConcoursError
from concours.core.values import take
from concours.engine.words import overheard
from concours.serving.doors.door import Door, Wanted, ids_of, predicted
from concours.serving.model import Served
from concours.serving.refused import Refused
from concours.serving.watch.log import packed, packed_values
from concours.serving.wire import Ask, Seen, Told

_encode: Final = msgspec.json.Encoder().encode


class Steps(Protocol):
    """What the process of a model does with requests (`serving.worker`).

    Attributes:
        busy: whether it has more to do of what it was asked before, so that it wants to be called again, asked or not.
        continuous: whether it takes requests while it is busy with others.
    """

    @property
    def busy(self) -> bool: ...
    @property
    def continuous(self) -> bool: ...
    def step(self, asks: Sequence[Ask]) -> list[Told]:
        """Takes requests, goes a step on with all it was asked, and tells what is ready of it."""
        ...


@dataclass(frozen=True)
class Answering:
    """A model behind doors.

    Attributes:
        together: whether rows of several requests may be predicted at once.
        watched: whether rows and predictions are told beside the answers.
    """

    served: Served
    doors: Mapping[str, Door]
    together: bool
    watched: bool = False
    busy: ClassVar[bool] = False
    continuous: ClassVar[bool] = False

    def step(self, asks: Sequence[Ask]) -> list[Told]:
        """An answer, or a refusal, to each request; none is lost, whatever the others are."""
        told, wanted = list[Told](), list[Wanted]()
        for ask in asks:
            if ask.gone:
                continue
            try:
                wanted.append(self.doors[ask.door].read(self.served, ask))
            except Exception as error:  # noqa: BLE001 (a defect is told of one request, and ends no others)
                told.append(self._refused(ask, error))
        quick, apart = list[Wanted](), list[Wanted]()
        for one in wanted:
            (quick if self.together and one.cells is not None and one.ask.seconds is None else apart).append(one)
        return [*told, *self._at_once(quick), *(self._alone(one) for one in apart)]

    def _at_once(self, wanted: Sequence[Wanted]) -> list[Told]:
        """Answers to requests whose rows may be predicted at once; to each by itself where that cannot be."""
        try:
            x = self.served.quickly([row for one in wanted for row in one.cells or ()]) if len(wanted) > 1 else None
            if x is None:
                return [self._alone(one) for one in wanted]
            p, told, begin = self.served.predict(x), list[Told](), 0
            for one in wanted:
                rows = np.arange(begin, begin := begin + len(one.cells or ()))
                told.append(self._written(one, take(p, rows)))
        except Exception:  # noqa: BLE001 (by itself each is told of its own)
            return [self._alone(one) for one in wanted]
        if self.watched:
            told[0] = replace(told[0], seen=seen(wanted, x, p))
        return told

    def _alone(self, wanted: Wanted) -> Told:
        try:
            x = None if wanted.cells is None else self.served.quickly(wanted.cells)
            x = wanted.rows() if x is None else x
            with overheard() as heard:
                p, lacks = self._predicted(wanted.ask, x)
            wanted.heard.update(heard)
            told = self._written(wanted, p, lacks)
            return replace(told, seen=seen([wanted], x, p)) if self._watches(wanted) else told
        except Exception as error:  # noqa: BLE001 (a defect is told of one request, and ends no others)
            return self._refused(wanted.ask, error)

    def _predicted(self, ask: Ask, x: Any) -> tuple[Any, str]:
        door = self.doors[ask.door]
        if ask.seconds is None or door.predict is not predicted:
            return door.predict(self.served, x), ""
        return self.served.predict_within(x, ask.seconds)

    def _watches(self, wanted: Wanted) -> bool:
        return self.watched and self.doors[wanted.ask.door].answers

    def _written(self, wanted: Wanted, p: Any, partly: str = "") -> Told:
        return self.doors[wanted.ask.door].write(self.served, wanted, p, partly)

    def _refused(self, ask: Ask, error: Exception) -> Told:
        return refusal(ask.id, error, self.doors[ask.door].refuse)


def refusal(id: int, error: Exception, told: Callable[[Refused], dict[str, Any]]) -> Told:
    """The answer to a request that has none; of a defect the process says more.

    Args:
        told: makes a refusal the body of an answer.
    """
    refused = error if isinstance(error, Refused) else Refused(str(error))
    if not isinstance(error, ConcoursError):
        traceback.print_exception(error)
        refused = Refused(
            f"a defect ({type(error).__name__}: {str(error)[:200]}); the server's log has more", status=500
        )
    return Told(id, _encode(told(refused)), status=refused.status, head=refused.headers)


def seen(wanted: Sequence[Wanted], x: Any, p: Any) -> Seen:
    """What was answered to requests, whose rows stand one behind the other, for whoever watches."""
    counts = [len(one.cells) if one.cells is not None else len(p) for one in wanted]
    ids = [id for one, count in zip(wanted, counts, strict=True) for id in ids_of(one.ask, count)]
    return Seen(ids, packed(x), packed_values(p))
