"""Metrics of language models on passages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from concours.kernels.scoring.forecasts import ratio
from concours.kernels.scoring.surprise import bits_and_bytes, bits_and_characters, bits_each
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.rows import Mean, Rows

_OF_PASSAGES: Final = partial(Metric, greater_is_better=False, target="language", needs="values", low=0.0)

_BYTES: Final = _OF_PASSAGES(name="bits_per_byte", way=Rows(of=bits_and_bytes, value=ratio, single=False))
_CHARACTERS: Final = _OF_PASSAGES(
    name="bits_per_character", way=Rows(of=bits_and_characters, value=ratio, single=False)
)
_EACH: Final = _OF_PASSAGES(name="bits_per_byte_of_passages", way=Mean(of=bits_each))

MEASURES: Final[Mapping[str, Callable[[Any], Metric]]] = {
    "bits_per_byte": lambda _output: _BYTES,
    "bits_per_character": lambda _output: _CHARACTERS,
    "bits_per_byte_of_passages": lambda _output: _EACH,
}
"""`bits_per_byte`, all bits by all bytes: what a text would take, stored by the model; `bits_per_character`, the same
by characters; `bits_per_byte_of_passages`, the mean over passages of what each has, by which passages are told apart.
"""
