"""The outputs by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from concours.core.kind import Output
from concours.core.registry import Registry
from concours.tasks.outputs.anomaly import Anomaly
from concours.tasks.outputs.answer import Answer
from concours.tasks.outputs.boxes import BoxesOutput
from concours.tasks.outputs.choice import Choice
from concours.tasks.outputs.classes import Classes
from concours.tasks.outputs.groups import Groups
from concours.tasks.outputs.items import Items
from concours.tasks.outputs.language import Language
from concours.tasks.outputs.life import Life
from concours.tasks.outputs.masks import MasksOutput
from concours.tasks.outputs.number import Number
from concours.tasks.outputs.order import Order
from concours.tasks.outputs.output import OutputKind
from concours.tasks.outputs.pictures import PicturesOutput
from concours.tasks.outputs.points import Points
from concours.tasks.outputs.series import Series
from concours.tasks.outputs.several import Several
from concours.tasks.outputs.summary import Summary
from concours.tasks.outputs.survival import Survival
from concours.tasks.outputs.text import Text
from concours.tasks.outputs.transcript import Transcript
from concours.tasks.outputs.writing import Writing

_OWN: Final[tuple[type[OutputKind], ...]] = (
    Classes,
    Number,
    Series,
    Survival,
    Anomaly,
    Groups,
    Text,
    Summary,
    Transcript,
    BoxesOutput,
    MasksOutput,
    Answer,
    Choice,
    Writing,
    Language,
    PicturesOutput,
    Order,
    Life,
    Points,
    Several,
    Items,
)

OUTPUTS: Final = Registry("outputs", {output.name: output for output in _OWN}, of=type)


def output_told(told: Mapping[str, Any], labels: Sequence[Any] = ()) -> OutputKind:
    """The output that a job is told of (`core.kind.Output.told`).

    Args:
        labels: of its classes, where they are known.

    Raises:
        KeyError: there is none of that name.
    """
    called = {"called": tuple(labels)} if labels else {}
    make: type[Any] = OUTPUTS[told["name"]]
    found: OutputKind = make(**{name: value for name, value in told.items() if name != "name"}, **called)
    return found


def output_valued(output: Output) -> OutputKind:
    """The output of a problem."""
    return output_told(output.told, output.labels)
