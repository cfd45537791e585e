"""The kind of a task as processes know it: what a row is, what is predicted of it, and what can be asked of either.

How it is done only `tasks` knows (`tasks.inputs`, `tasks.outputs`). No code above asks what an input or an output is
called; it asks for a capability.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, Literal

from concours.core.frozen import frozen

Estimator = Literal["classifier", "regressor", "predictor"]

REFERENCE: Final = "the reference"
"""What reference answers are called among models."""


@dataclass(frozen=True, kw_only=True)
class Input:
    """What a row is. A value.

    Attributes:
        name: of a row of `tasks.inputs`.
        can: `columns`: has columns that can be changed one at a time; `parts`: has words or places that can be covered;
            `pictures`: can be drawn; `clips`: are frames that can be drawn; `sounds`: can be played; `curves`: can be
            drawn as curves, one a channel; `groups`: scores are told by the groups that keep together, where these have
            names, as speakers do; `change`: can be changed a little, for an attack; `words`: can be put into words;
            `histories`: are lists of what is known of users.
    """

    name: str
    can: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Output:
    """What is predicted. A value.

    Attributes:
        name: of a row of `tasks.outputs`.
        estimator: what an entrant is, as scikit-learn has it: a `classifier` is fitted on codes and says probabilities,
            a `regressor` a number; a `predictor` is fitted on targets as they are, and says predictions as they are.
        joins: the rules by which predictions are joined; the first makes bags, averages, and greedy alliances.
        can: what else can be done, by name, with the rule or the function that does it, where that is one of several.
            `sum`: predictions are numbers that may be added. `calibrate`: probabilities are corrected by out-of-fold
            predictions. `vote`, `weigh`, `boost`, `cascade`: members have a vote each, weights that lose least, trees
            that learn from them, or are asked in turn. `teach`: others learn from predictions.
            `attack`: a model can be made to err. `explain`: changes of a prediction are numbers. `complement`: a
            prediction is right or wrong. `diagnose`: the report looks into predictions. `draw`: they are pictures,
            which the report shows by that runner. `answers`: they are answers to questions, which the report lays side
            by side. `align`: their words come from words of what was read, which the report links by
            that runner. `trace`: what a network says can be traced to its inputs, by that runner. `boxes`: they say
            where things are, by their corners. `steps`: they are of steps ahead, in each of which members may weigh
            differently.
        width: how many numbers a prediction of a row is, about: costs grow with it.
        labels: of its classes, in the order of the columns of every prediction; none where it has none.
        meta: what else of the data belongs to it, as JSON.
    """

    name: str
    estimator: Estimator
    joins: tuple[str, ...]
    can: Mapping[str, str] = field(default_factory=dict)
    width: int = 1
    labels: tuple[str | int | float | bool, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "can", frozen(self.can))
        object.__setattr__(self, "meta", frozen(self.meta))

    def __reduce__(self) -> tuple[Any, ...]:
        """Read-only mappings cannot be pickled; ordinary ones can."""
        return _output, (self.to_json(),)

    @property
    def told(self) -> dict[str, Any]:
        """What a job is told of it: all but what its classes are called, which few jobs need."""
        return {"name": self.name, **({"classes": len(self.labels)} if self.labels else {}), **self.meta}

    @property
    def judged(self) -> bool:
        """Whether judges are asked about predictions before these are scored."""
        return bool(self.meta.get("asks"))

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {**values, "can": dict(self.can), "meta": dict(self.meta)}


@dataclass(frozen=True, kw_only=True)
class Form:
    """What entrants are chosen, made and prepared by: the form of rows and of what is predicted of them.

    Attributes:
        name: both in one word, e.g. `table:classes`, or `mixed:classes` of a table with sentences: the zoo has an entry
            of its own for each form that a family suits.
        preparations: what suits the rows, by name; the first is the usual one.
        network: what a user's own network gets: a preparation, or `none`, the rows themselves.
        lineups: entrants by the name of the line-up, in the order in which they are fitted: early ones cost little and
            differ much.
        baseline: who stands on every board.
    """

    name: str
    preparations: tuple[str, ...] = ()
    network: str = "none"
    lineups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    baseline: str = "dummy"

    @property
    def usual(self) -> str:
        """The usual preparation, or `none`."""
        return next(iter(self.preparations), "none")


def _output(values: dict[str, Any]) -> Output:
    return Output(**values)
