"""Metrics of texts that are judged: what judges said of them, and how like they are to a reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.rows import Mean
from concours.tasks.metrics.texts import bleu_metric, chrf_metric, sentence_metric
from concours.tasks.written import HIGHEST, JUDGE_SCORE, LOWEST, WIN_RATE, grades_of

Floats = NDArray[np.float64]


def _grades(name: str) -> Callable[[Any, Any], Floats]:
    def found(y: Any, p: Any) -> Floats:
        del y
        grades = grades_of(p, name)
        if np.isnan(grades).any():
            count = int(np.isnan(grades).sum())
            raise DataError(
                f"{name} is what judges say, and no judge has read {count} of {len(grades)} texts; judges read those "
                'of entrants: let the file be one, recipe = "recorded:FILE"'
            )
        return grades

    return found


def _judged(name: str, low: float, high: float) -> Callable[[Any], Metric]:
    way = Mean(of=_grades(name))
    metric = Metric(name=name, greater_is_better=True, target="writing", needs="values", way=way, low=low, high=high)
    return lambda _output: metric


def _of_texts(metric: Callable[[Any], Metric]) -> Callable[[Any], Metric]:
    return lambda output: replace(metric(output), target="writing")


MEASURES: Final[Mapping[str, Callable[[Any], Metric]]] = {
    WIN_RATE: _judged(WIN_RATE, 0.0, 1.0),
    JUDGE_SCORE: _judged(JUDGE_SCORE, LOWEST, HIGHEST),
    "chrf": _of_texts(chrf_metric),
    "bleu": _of_texts(bleu_metric),
    "chrf_sentence": _of_texts(sentence_metric),
}
"""The first two are asked of judges (`engine.judging`), the others compare with the reference."""
