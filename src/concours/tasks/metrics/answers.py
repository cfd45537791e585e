"""Metrics of short answers: each row has the best that what is said reaches against any of its right answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.kernels.scoring.answers import exact_match, numeric_match, token_f1
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.rows import Mean
from concours.tasks.nbest import first_texts

Alike = Callable[[str, str], float]
"""How much what is said is like a right answer, from 0 to 1."""

_MOST = 1 << 18
"""Pairs that are remembered: coalitions of members say the same over and over."""


def _rows(alike: Alike) -> Callable[[Any, Any], NDArray[np.float64]]:
    """The best over the right answers (rows,); 0 where nothing is said."""
    known = lru_cache(_MOST)(alike)

    def found(y: Any, p: Any) -> NDArray[np.float64]:
        pairs = zip(first_texts(p), y.to_pylist(), strict=True)
        each = [0.0 if said is None else max(known(said, right) for right in rights) for said, rights in pairs]
        return np.asarray(each, dtype=np.float64)

    return found


def _measured(name: str, alike: Alike) -> Callable[[Any], Metric]:
    metric = Metric(
        name=name,
        greater_is_better=True,
        target="answer",
        needs="values",
        way=Mean(of=_rows(alike)),
        low=0.0,
        high=1.0,
    )
    return lambda _output: metric


MEASURES: Final[Mapping[str, Callable[[Any], Metric]]] = {
    "exact_match": _measured("exact_match", exact_match),
    "f1_tokens": _measured("f1_tokens", token_f1),
    "numeric_match": _measured("numeric_match", numeric_match),
}
"""See `kernels.scoring.answers`; `exact_match` and `f1_tokens` are SQuAD's (Rajpurkar et al. 2016)."""
