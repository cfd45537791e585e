"""Problems: tasks whose data has been read into a store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any

from concours.core.digests import Digest, digest_json
from concours.core.entrant import WISHES
from concours.core.kind import Input, Output
from concours.core.typed import typed
from concours.core.written import as_observations, written


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What a contest is judged by: a metric's name, and whether its raw value is better the greater it is.

    How it is computed only `tasks` knows (`tasks.metrics.metric.Metric`).
    """

    name: str
    greater_is_better: bool


_TOLD = ("observations", "observed")
"""What a part says of its groups that these say themselves."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """The rows of one part of the data, as digests.

    Attributes:
        x: the inputs, an Arrow table or an array of images (rows, height, width, channels).
        y: the targets, (rows,): int64 codes into the problem's classes, or float64.
        ids: positions of the rows in the data as it was read, (rows,) int64; in the test file's own order where the
            test part is a file of its own.
        groups: where rows belong together, the group of each, (rows,) int64 from 0. A group is one observation.
        observations: then how many groups there are.
        observed: then what each is, in words.
        called: what the groups are called, where the input tells scores by them: a table with a column (rows,), whose
            name is what the groups are.
        weights: where rows have weights, what each counts, (rows,) float64 of at least 0, not all 0.
        effective: then as many rows of equal weight as tell as much (`kernels.rows.weighing.effective`).
        in_time: whether the groups are stretches of time, in its order.
        spans: where rows are stretches of time that overlap, from where to where each reaches, (rows, 2) float64: no
            row is fitted on that overlaps one held out.
        sought: where the rows came in growing portions, until a look at them was enough, the difference of scores that
            was looked for (`kernels.scoring.scores.Means.sought`); 0 where all are looked at once.
    """

    x: Digest
    y: Digest
    ids: Digest
    rows: int
    groups: Digest | None = None
    observations: int | None = None
    observed: str = ""
    called: Digest | None = None
    weights: Digest | None = None
    effective: float | None = None
    in_time: bool = False
    spans: Digest | None = None
    sought: float = 0.0

    @property
    def objects(self) -> frozenset[Digest]:
        """All that the store keeps of the part."""
        some = [each for each in (self.called, self.spans) if each]
        return frozenset({self.x, self.y, self.ids, *self.counting.values(), *some})

    @property
    def weighing(self) -> dict[str, Digest]:
        """What rows weigh, as an input of a job; nothing where all weigh alike."""
        return {"weights": self.weights} if self.weights else {}

    @property
    def counting(self) -> dict[str, Digest]:
        """How rows count, as inputs of a job: `groups` and `weights`, where there are any."""
        return {**({"groups": self.groups} if self.groups else {}), **self.weighing}

    @property
    def counted(self) -> str:
        """As how many observations its rows count, in words; empty where each is one."""
        return as_observations(self.rows, self.observations, self.observed)

    @property
    def calling(self) -> dict[str, Digest]:
        """What groups are called, as an input of a job; nothing where they have no names."""
        return {"called": self.called} if self.called else {}

    @property
    def looking(self) -> dict[str, float]:
        """Whether rows were looked at as they came, as a parameter of a job that tests; nothing where they were not."""
        return {"sought": self.sought} if self.sought else {}

    @property
    def timing(self) -> dict[str, bool]:
        """Whether `groups` follow one another in time, as a parameter of a job; nothing where they do not."""
        return {"in_time": True} if self.in_time else {}


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A task with its data in the store, split, and its metrics resolved. A value with a digest.

    Attributes:
        input: what a row is, and what can be asked of rows.
        output: what is predicted; predictions of all models are aligned to its labels, where it has some.
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
    input: Input
    output: Output
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
        return tuple(written(label) for label in self.output.labels)

    @property
    def crossing(self) -> range:
        """The folds of the first division."""
        return range(self.n_folds // self.repeats)

    @property
    def dividing(self) -> dict[str, Digest]:
        """What says which rows of the training part a fold is fitted on, as inputs of a job (`engine.rows.sides`)."""
        return {"folds": self.folds, **({"spans": self.train.spans} if self.train.spans else {})}

    def measuring(self, count: int | None = None) -> dict[str, Any]:
        """The parameters of a job that computes the first `count` metrics, or all; a user's own gets labels as well."""
        names = [metric.name for metric in self.metrics][:count]
        labels = {"labels": list(self.output.labels)} if any(":" in name for name in names) else {}
        return {"metrics": names, "output": self.output.told, **labels}

    def labelling(self, params: Mapping[str, Any], code: Digest | None = None) -> dict[str, Any]:
        """The labels, as a parameter of a job that fits by such parameters of an entrant, where these may need them.

        Args:
            code: the text of the user's files that it comes with, whose objects may name classes.
        """
        return {"labels": list(self.output.labels)} if code or _wishing(params) else {}

    @cached_property
    def digest(self) -> Digest:
        """Covers everything but the name, what the kind alone says, and what groups tell of themselves."""
        return digest_json(self.content)

    @property
    def content(self) -> dict[str, Any]:
        """What the digest covers, as JSON."""
        value = {key: item for key, item in self.to_json().items() if key not in ("name", "input", "output")}
        for part in ("train", "test"):
            value[part] = value[part] and {key: item for key, item in value[part].items() if key not in _TOLD}
        meta = {"meta": dict(self.output.meta)} if self.output.meta else {}
        return {**value, "classes": list(self.output.labels), **meta}

    @classmethod
    def from_content(cls, content: Mapping[str, Any], like: Problem) -> Problem:
        """A problem with that content, of the name and the kind of another one. Raises ContentRefused."""
        value = {key: item for key, item in content.items() if key not in ("classes", "meta")}
        mine = like.to_json()
        labels, meta = content.get("classes", []), content.get("meta", {})
        output = {**mine["output"], "labels": labels, "meta": meta}
        return cls.from_json({**value, "name": mine["name"], "input": mine["input"], "output": output})

    def to_json(self) -> dict[str, Any]:
        """The problem as JSON; a part without groups, weights or time does not name them."""
        value = {each.name: getattr(self, each.name) for each in fields(self)}
        value |= {"input": asdict(self.input), "output": self.output.to_json()}
        value |= {"metrics": [asdict(goal) for goal in self.metrics], "train": asdict(self.train)}
        value["test"] = asdict(self.test) if self.test else None
        for part in (value["train"], value["test"]):
            for name in ("groups", *_TOLD, "called", "weights", "effective", "in_time", "spans", "sought"):
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
