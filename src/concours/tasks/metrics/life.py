"""The metrics of remaining lives, made for an output that knows up to where they count."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, Protocol

from concours.kernels.scoring.life import capped_squares, phm08
from concours.kernels.scoring.scores import root, squared_errors
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.rows import Mean, Rows
from concours.tasks.metrics.statistics import Way


class Lasting(Protocol):
    """What metrics ask of an output.

    Attributes:
        cap: the life above which all are alike.
    """

    @property
    def cap(self) -> float: ...


def _measured(name: str, way: Callable[[float], Way]) -> Callable[[Lasting], Metric]:
    def made(output: Lasting) -> Metric:
        return Metric(
            name=name, greater_is_better=False, target="life", needs="values", way=way(float(output.cap)), low=0.0
        )

    return made


MEASURES: Final[Mapping[str, Callable[[Any], Metric]]] = {
    "rmse_capped": _measured("rmse_capped", lambda cap: Rows(of=partial(capped_squares, cap=cap), value=root)),
    "rmse": _measured("rmse", lambda _: Rows(of=squared_errors, value=root)),
    "phm08": _measured("phm08", lambda _: Mean(of=phm08)),
}
"""`rmse_capped`, lives above the cap counting as the cap; `rmse`, as they are; `phm08`, the mean of the score of the
PHM08 challenge over rows, where the literature gives its sum, of lives as they are.
"""
