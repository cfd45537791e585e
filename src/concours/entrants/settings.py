"""Settings of a training, each checked when they are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from concours.core.errors import nearest
from concours.core.parallel import Parallel
from concours.entrants.optimisers import OPTIMISERS, SCHEDULES


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to train a network; None means no bound.

    `epochs` passes over the rows, in batches of `batch_size` or a little more. `learning_rate` is the peak of the
    `schedule`, and `warm_up` the share of all steps in which it rises to it (cosine, one_cycle). `momentum` and
    `nesterov` are for sgd. `weight_decay` acts on weights, not on biases and norms. `clip_norm` bounds the norm of
    the gradient. `patience` is the number of epochs without a better validation loss after which training ends.
    `seconds` of wall time end it with the best weights so far; where they are enough, the result is reproducible.
    `device` is "auto" (cuda, else mps, else cpu) or the name of a torch device. `freeze` names parts whose weights stay
    as they are; of the other layers each learns at `layer_decay` times the rate of the next (`entrants.layers`).
    `parallel` divides the training among processes (`entrants.together`). Two fields are for those who make the
    arguments of `train`: `validation_share` for `hold_out`, `label_smoothing` for `losses.cross_entropy`.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    optimiser: str = "adamw"
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 0.01
    clip_norm: float | None = 1.0
    schedule: str = "one_cycle"
    warm_up: float = 0.3
    patience: int | None = None
    seconds: float | None = None
    validation_share: float = 0.1
    label_smoothing: float = 0.0
    device: str = "auto"
    freeze: Sequence[str] = ()
    layer_decay: float = 1.0
    parallel: Mapping[str, int] | None = None

    def __post_init__(self) -> None:
        _check_choice("optimiser", self.optimiser, OPTIMISERS)
        _check_choice("schedule", self.schedule, SCHEDULES)
        for name in ("epochs", "batch_size", "learning_rate", "clip_norm", "patience", "seconds"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be above 0; got {value!r}")
        for name in ("momentum", "weight_decay", "warm_up", "validation_share", "label_smoothing"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise ValueError(f"{name} must be at least 0 and below 1; got {value!r}")
        if not 0 < self.layer_decay <= 1:
            raise ValueError(f"layer_decay must be above 0 and at most 1; got {self.layer_decay!r}")
        if isinstance(self.freeze, str) or not all(isinstance(each, str) for each in self.freeze):
            raise ValueError(f"freeze must be a list of names of layers; got {self.freeze!r}")
        _ = self.divided

    @property
    def divided(self) -> Parallel | None:
        """Among how many processes the training is divided; none where it is not."""
        return None if self.parallel is None else Parallel.of(self.parallel)


def in_small_batches(settings: Settings, rows: int, batch_size: int, given: Mapping[str, Any] | None) -> Settings:
    """Settings for rows that each hold much to learn from, so that few of them do; what a person chose stays.

    Args:
        given: the settings that a person chose.
    """
    chosen: dict[str, Any] = {"batch_size": batch_size, "validation_share": 0.0 if rows < 40 else 0.1, "patience": None}
    return replace(settings, **{name: value for name, value in chosen.items() if name not in (given or {})})


def _check_choice(name: str, given: str, known: Mapping[str, Any]) -> None:
    if given not in known:
        raise ValueError(f"{name} is not known; got {given!r}; {nearest(given, known)}")
