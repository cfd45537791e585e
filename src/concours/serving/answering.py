"""Answering requests that came together: read each, predict as few times as may be, write each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol

import msgspec
import numpy as np

from concours.core.errors import ConcoursError
from concours.core.values import take
from concours.engine.words import overheard
from concours.serving.doors.door import Door, Wanted
from concours.serving.model import Served
from concours.serving.refused import Refused
from concours.serving.wire import Ask, Told

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
    """

    served: Served
    doors: Mapping[str, Door]
    together: bool
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
            except (ConcoursError, RecursionError, MemoryError) as error:
                told.append(self._refused(ask, error))
        quick = [one for one in wanted if one.cells is not None and one.ask.seconds is None]
        if self.together and len(quick) > 1:
            rows = [row for one in quick for row in one.cells or ()]
            x = self.served.quickly(rows)
            if x is not None:
                told += self._at_once(quick, x)
                wanted = [one for one in wanted if one not in quick]
        told += [self._alone(one) for one in wanted]
        return told

    def _at_once(self, wanted: Sequence[Wanted], x: Any) -> list[Told]:
        try:
            p = self.served.predict(x)
        except ConcoursError:
            return [self._alone(one) for one in wanted]
        told, begin = list[Told](), 0
        for one in wanted:
            rows = np.arange(begin, begin := begin + len(one.cells or ()))
            told.append(self._written(one, take(p, rows)))
        return told

    def _alone(self, wanted: Wanted) -> Told:
        try:
            x = None if wanted.cells is None else self.served.quickly(wanted.cells)
            x = wanted.rows() if x is None else x
            with overheard() as heard:
                p, partly = self._predicted(wanted.ask, x)
            wanted.heard.update(heard)
            return self._written(wanted, p, partly)
        except (ConcoursError, RecursionError, MemoryError) as error:
            return self._refused(wanted.ask, error)

    def _predicted(self, ask: Ask, x: Any) -> tuple[Any, str]:
        door = self.doors[ask.door]
        if ask.seconds is None or door.predict is not Served.predict:
            return door.predict(self.served, x), ""
        return self.served.predict_within(x, ask.seconds)

    def _written(self, wanted: Wanted, p: Any, partly: str = "") -> Told:
        return self.doors[wanted.ask.door].write(self.served, wanted, p, partly)

    def _refused(self, ask: Ask, error: BaseException) -> Told:
        refused = error if isinstance(error, Refused) else Refused(str(error) or type(error).__name__)
        return Told(ask.id, _encode(self.doors[ask.door].refuse(refused)), status=refused.status, head=refused.headers)
