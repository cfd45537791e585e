"""The rows."""

from __future__ import annotations

from typing import TypedDict

import numpy as np

from concours.contest.forms import whole
from concours.contest.stages import Format, Option
from concours.core.joins import Join
from concours.engine.work import RunnerSpec
from concours.entrants.zoo import ModelSpec
from concours.report.figures import Section
from concours.tasks.kinds import KINDS, Kind
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.rows import Mean
from pond.numbers import WARMTH


def surprise(y, p):
    """How far the true class is from certain, (rows,)."""
    return (1 - p[np.arange(len(y)), y]) * WARMTH


class Shown(TypedDict):
    name: str
    lengths: dict[str, int]


def measured(engine, setup, candidates, until_s):
    """How long the names of those on the board are, times a number."""
    return {"lengths": {c.entrant.name: setup.options["times"] * len(c.entrant.name) for c in candidates}}


def lengths(report):
    """A section of what the format has left."""
    known = report.value.get("format", {}).get("lengths")
    return known and Section(
        id="lengths", title="Lengths of names", text=(", ".join(f"{k}: {known[k]}" for k in known),)
    )


CENTROID = {"table:classes": ModelSpec(recipe="pond.models:Centroid", params={"warmth": 1.5})}
SURPRISE = Metric(
    name="surprise", greater_is_better=False, target="classes", needs="probabilities", way=Mean(of=surprise), low=0.0
)
TOP_TWO = Join(what="the mean of the two best", plan="pond.joining:TopTwo", can=("vote",), even=True)
LENGTHS = Format(
    what="a leaderboard; then names are measured",
    options={"times": Option(form=whole(1, 9), default=1, what="by what lengths are multiplied")},
    after=measured,
    shown=Shown,
)
ORDER = RunnerSpec(reference="pond.runners:order", version=1, packages=("numpy",))
_OURS = KINDS["tabular-classification"]
PONDS = Kind(
    name="pond-classification",
    input=_OURS.input,
    output=_OURS.output,
    lineups=_OURS.lineups,
    metrics=("surprise", "accuracy"),
)
