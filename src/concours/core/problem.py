"""Problems: tasks whose data has been read into a store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from concours.core.digests import Digest, digest_json
from concours.core.entrant import WISHES
from concours.core.typed import typed
from concours.core.written import written


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What a contest is judged by: a metric's name, and whether its raw value is better the greater it is.

    How it is computed only `tasks` knows (`tasks.metrics.metric.Metric`).
    """

    name: str
    greater_is_better: bool


@dataclass(frozen=True, kw_only=True)
class Part:
    """The rows of one part of the data, as digests.

    Attributes:
        x: the inputs, an Arrow table or an array of images (rows, height, width, channels).
        y: the targets, (rows,): int64 codes into the problem's classes, or float64.
        ids: positions of the rows in the data as it was read, (rows,) int64; in the test file's own order where the
            test part is a file of its own.
        groups: where rows belong together, the group of each, (rows,) int64 from 0.
        weights: where rows have weights, what each counts, (rows,) float64 of at least 0, not all 0.
        effective: then as many rows of equal weight as tell as much (`kernels.rows.weighing.effective`).
        in_time: whether the groups are stretches of time, in its order.
    """

    x: Digest
    y: Digest
    ids: Digest
    rows: int
    groups: Digest | None = None
    weights: Digest | None = None
    effective: float | None = None
    in_time: bool = False

    @property
    def objects(self) -> frozenset[Digest]:
        """All that the store keeps of the part."""
        return frozenset({self.x, self.y, self.ids, *self.counting.values()})

    @property
    def weighing(self) -> dict[str, Digest]:
        """What rows weigh, as an input of a job; nothing where all weigh alike."""
        return {"weights": self.weights} if self.weights else {}

    @property
    def counting(self) -> dict[str, Digest]:
        """How rows count, as inputs of a job: `groups` and `weights`, where there are any."""
        return {**({"groups": self.groups} if self.groups else {}), **self.weighing}

    @property
    def timing(self) -> dict[str, bool]:
        """Whether `groups` follow one another in time, as a parameter of a job; nothing where they do not."""
        return {"in_time": True} if self.in_time else {}


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A task with its data in the store, split, and its metrics resolved. A value with a digest.

    Attributes:
        classes: the class labels in the order of the columns of every prediction; empty for regression. Predictions
            of all models are aligned to it.
        train: the part that models are fitted and selected on.
        folds: the fold of each row of the training part, (rows,) int64 in [0, n_folds); of several divisions (rows,
            repeats), the r-th column in [r, r + 1) * n_folds / repeats.
        n_folds: of all divisions together; as many models are fitted.
        test: the test part, if there is one. No fitting job is ever given its targets.
        metrics: the first one ranks.
        public: which rows of the test part may be shown while a contest is open, (rows,) bool; none: not told apart.
        repeats: how often the training part is divided into folds. What is chosen by out-of-fold predictions is
            cross-fitted by the first division.
    """

    name: str
    kind: str
    classes: tuple[str | int | float | bool, ...]
    metrics: tuple[Goal, ...]
    train: Part
    folds: Digest
    n_folds: int
    test: Part | None
    public: Digest | None = None
    repeats: int = 1

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes as they are written, everywhere but in Python, which gets back what it gave."""
        return tuple(written(label) for label in self.classes)

    @property
    def outputs(self) -> int:
        """Columns of a prediction: one a class, or one."""
        return len(self.classes) or 1

    @property
    def crossing(self) -> range:
        """The folds of the first division."""
        return range(self.n_folds // self.repeats)

    def measuring(self, count: int | None = None) -> dict[str, Any]:
        """The parameters of a job that computes the first `count` metrics, or all; a user's own gets labels as well."""
        names = [metric.name for metric in self.metrics][:count]
        labels = {"labels": list(self.classes)} if any(":" in name for name in names) else {}
        return {"metrics": names, "classes": len(self.classes), **labels}

    def labelling(self, params: Mapping[str, Any], code: Digest | None = None) -> dict[str, Any]:
        """The labels, as a parameter of a job that fits by such parameters of an entrant, where these may need them.

        Args:
            code: the text of the user's files that it comes with, whose objects may name classes.
        """
        return {"labels": list(self.classes)} if code or _wishing(params) else {}

    @cached_property
    def digest(self) -> Digest:
        """Covers everything but the name."""
        return digest_json({key: value for key, value in self.to_json().items() if key != "name"})

    def to_json(self) -> dict[str, Any]:
        """The problem as JSON; a part without groups, weights or time does not name them."""
        value = asdict(self)
        for part in (value["train"], value["test"]):
            for name in ("groups", "weights", "effective", "in_time"):
                if part and not part[name]:
                    del part[name]
        return value

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Problem:
        """The inverse of `to_json`. Raises ContentRefused where it is no problem."""
        return typed(cls, value)

    def amiss(self) -> str:
        """What is wrong between its values, which types do not tell."""
        if min(part.rows for part in (self.train, self.test) if part) < 1:
            return "rows: expected 1 at least"
        if not 1 <= self.repeats <= self.n_folds <= self.repeats * self.train.rows or self.n_folds % self.repeats:
            return "n_folds: expected as many for each of the repeats, and no more than rows"
        return "" if self.metrics else "metrics: expected one at least"


def _wishing(params: Any) -> bool:
    """Whether parameters, or those of a part of what they describe, say how classes or columns count."""
    if isinstance(params, Mapping):
        return any(str(name).endswith(WISHES) or _wishing(value) for name, value in params.items())
    return isinstance(params, list | tuple) and any(map(_wishing, params))
