"""Metrics of distributions over the choices of questions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from concours.kernels.scoring.choices import choice_log_losses, chosen_right
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.rows import Mean

_OF_CHOICES: Final = partial(Metric, target="choices", needs="values", low=0.0)

_ACCURACY: Final = _OF_CHOICES(name="choice_accuracy", greater_is_better=True, way=Mean(of=chosen_right), high=1.0)
_LOSS: Final = _OF_CHOICES(name="choice_log_loss", greater_is_better=False, way=Mean(of=choice_log_losses))

MEASURES: Final[Mapping[str, Callable[[Any], Metric]]] = {
    "choice_accuracy": lambda _output: _ACCURACY,
    "choice_log_loss": lambda _output: _LOSS,
}
"""`choice_accuracy`, how often the most probable choice is right; `choice_log_loss`, the mean surprise, in nats."""
