"""Remaining life: what is left of a unit until it fails. Predictions are (rows, 1), targets (rows,), uncapped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from concours.kernels.joining.blending import blend
from concours.tasks.metrics.life import MEASURES
from concours.tasks.metrics.metric import Metric
from concours.tasks.outputs.number import Number
from concours.tasks.outputs.output import Encoded, Errors, Join, Values, require_two
from concours.tasks.places import RowError
from concours.tasks.ranges import ranged
from concours.tasks.slices import Grouping

if TYPE_CHECKING:
    from concours.tasks.task import Task


@dataclass(frozen=True, kw_only=True)
class Life(Number):
    """What is left of a unit, in its unit of time.

    Attributes:
        cap: the life above which models are told, and the first metric counts, no more.
        window: how many steps a row has.
        channels: what they are called.
        id, time: the columns of the unit and of its time, if there is one.
    """

    name: ClassVar[str] = "life"
    task = "a remaining life"
    by_rows = "rmse_capped"
    metrics = ("rmse_capped", "rmse", "phm08")
    measures: ClassVar[Mapping[str, Callable[[Any], Metric]]] = MEASURES
    joins: ClassVar[Mapping[str, Join]] = {"mean": blend}
    can: ClassVar[Mapping[str, str]] = {
        "sum": "",
        "weigh": "mean",
        "complement": "",
        "diagnose": "concours.insights.life:of_lives",
    }
    cap: float = 125
    window: int = 30
    channels: tuple[str, ...] = ()
    id: str = "unit"
    time: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "channels", tuple(self.channels))

    @property
    def said(self) -> str:
        return "a remaining life"

    @classmethod
    def checked(cls, y: Values, task: Task, name: str) -> Values:
        """Finite numbers of at least 0."""
        found = super().checked(y, task, name)
        if (found < 0).any():
            row = int(np.argmax(found < 0))
            raise RowError(f"{name}: a remaining life of at least 0 was expected, got {found[row]:g} in", row + 1)
        return found

    @classmethod
    def encode(cls, y: Values, task: Task, name: str, **meta: Any) -> Encoded:
        """As they are."""
        del task
        require_two(y, name)
        return Encoded(output=cls(**meta), values=np.asarray(y))

    def taught(self, y: Values) -> Values:
        """Lives up to the cap: as long as a unit is as good as new, nothing tells how long it will last."""
        return np.minimum(y, self.cap)

    def weighed(
        self, rule: str, members: Sequence[Values], y: Values, of_rows: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        """By lives up to the cap."""
        return super().weighed(rule, members, self.taught(y), of_rows)

    def prior(self, y: Values, weights: NDArray[np.float64] | None) -> Values:
        """The mean of lives up to the cap."""
        return super().prior(self.taught(y), weights)

    def errors(self, y: Values, told: Sequence[Values], best: int) -> Errors:
        """By lives up to the cap."""
        return super().errors(self.taught(y), [self.taught(p) for p in told], best)

    def slices(self, y: Values) -> list[Grouping]:
        """By how much is left."""
        values, codes = ranged(np.minimum(y, self.cap), least=1)
        return [Grouping(column="remaining life", values=values, codes=codes)]
