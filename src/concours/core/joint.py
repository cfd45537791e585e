"""Joints: how the parents of an alliance are joined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NotRequired, TypedDict

from concours.core.digests import Digest
from concours.core.errors import nearest
from concours.core.frozen import frozen
from concours.core.joins import JOINS, Join, Needs
from concours.core.registry import load
from concours.core.typed import typed


class Merging(TypedDict):
    """How models are merged beside the weights of their parents: those of each group of layers, and a density."""

    layers: NotRequired[list[list[float]]]
    density: NotRequired[float]


class Student(TypedDict):
    """Who learns from teachers: a recipe with its parameters, as of an entrant, and the digest of its users' code."""

    recipe: str
    params: dict[str, Any]
    code: Digest | None


class Artifacts(TypedDict):
    """What else came of joining, by what it is.

    `model` and `fold_models` are meta-learners, for new rows and for the rows of each fold; `limits` and `uses` are of
    what predicting may cost and does cost, by name. Of a cascade there is for each parent the confidence from which it
    answers, in `thresholds` for new rows and in `fold_thresholds` for those of each fold, and in `asked` the share of
    the training rows that it would be asked about, in `fold_asked` of those outside each fold. `scorers` and
    `fold_scorers` say how sure each is where it does not say so itself, and of a `select` what its answers will score
    (`kernels.joining.scorers.Scorer`); who is not asked has none. Of a route `model` and `fold_models` are routers,
    `handicaps` and `fold_handicaps` say by how much more than another each parent must be expected to score. Of both
    `curve` has [share of the rows that the dearest is asked about, cost of a row, score] from the cheapest alone to the
    dearest alone, of a cascade for the best that was tried; `chosen` is what was chosen of it. Of a talk there
    are the `rounds` of reading, and the numbers of the parents that have the last word, `last` and `fold_last`. Of
    weights `mix` and `fold_mixes` say how models are merged beside the weights (`kernels.merging.mixes.Mix`). What
    learned from others has a `student`, and `lessons`, how it was taught; `slimmed` says how a network was made
    smaller. Of what sites train `fold_models` are the models of the folds, in the order in which they are fitted, and
    `at_home` predictions of those that stay at the sites: out-of-fold, and of the test part, where there is one;
    `fit_s` are the seconds that training took. Of a team `agents` are its members' and `field` those that it meets, as
    they are kept.
    """

    model: NotRequired[Digest]
    fold_models: NotRequired[list[Digest]]
    limits: NotRequired[dict[str, float]]
    uses: NotRequired[dict[str, float]]
    thresholds: NotRequired[list[float]]
    fold_thresholds: NotRequired[list[list[float]]]
    asked: NotRequired[list[float]]
    fold_asked: NotRequired[list[list[float]]]
    scorers: NotRequired[list[list[list[float]]]]
    fold_scorers: NotRequired[list[list[list[list[float]]]]]
    handicaps: NotRequired[list[float]]
    fold_handicaps: NotRequired[list[list[float]]]
    curve: NotRequired[list[list[float]]]
    chosen: NotRequired[list[float]]
    rounds: NotRequired[int]
    last: NotRequired[int]
    fold_last: NotRequired[list[int]]
    mix: NotRequired[Merging]
    fold_mixes: NotRequired[list[Merging]]
    student: NotRequired[Student]
    lessons: NotRequired[dict[str, Any]]
    slimmed: NotRequired[dict[str, Any]]
    at_home: NotRequired[list[Digest]]
    agents: NotRequired[list[Digest]]
    field: NotRequired[list[Digest]]
    fit_s: NotRequired[float]


_TOLD = ("curve", "chosen", "fit_s")
"""Artifacts that decide no prediction."""


@dataclass(frozen=True, kw_only=True)
class Joint:
    """How the parents of an alliance are joined. A value.

    Law: `Joint.from_json(joint.to_json()) == joint`.

    Attributes:
        how: the way to join, a name of `JOINS`.
        parents: digests of the entrants that are joined, singles or alliances.
        weights: of the parents, in their order, for new rows.
        fold_weights: for each fold, those that its rows are joined by, chosen on the other folds; empty where there is
            nothing to choose by rows.
        artifacts: what else came of joining.
    """

    how: str
    parents: tuple[Digest, ...]
    weights: tuple[float, ...]
    fold_weights: tuple[tuple[float, ...], ...] = ()
    artifacts: Artifacts = field(default_factory=lambda: Artifacts())

    def __post_init__(self) -> None:
        object.__setattr__(self, "parents", tuple(self.parents))
        object.__setattr__(self, "weights", tuple(self.weights))
        object.__setattr__(self, "fold_weights", tuple(tuple(row) for row in self.fold_weights))
        object.__setattr__(self, "artifacts", frozen(self.artifacts))

    def __reduce__(self) -> tuple[Any, ...]:
        """Read-only mappings cannot be pickled; ordinary ones can."""
        return type(self).from_json, (self.to_json(),)

    @property
    def join(self) -> Join:
        """The row of its way to join."""
        return JOINS[self.how]

    @property
    def needs(self) -> Needs:
        """What predicting with it reads."""
        needs: Needs = load(self.join.needs)(self)
        return needs

    @property
    def counting(self) -> list[int]:
        """The places of the parents that count: who has a weight, or is asked."""
        asked = self.needs.parents
        return [i for i, (p, weight) in enumerate(zip(self.parents, self.weights, strict=True)) if weight or p in asked]

    @property
    def settings(self) -> dict[str, Any]:
        """What of it decides predictions, beside the parents: the part of an entrant's digest that is the joint's."""
        by_fold = {"fold_weights": [list(row) for row in self.fold_weights]} if self.fold_weights else {}
        kept = {name: item for name, item in self.artifacts.items() if name not in _TOLD}
        return {"weights": list(self.weights), **by_fold, **kept}

    def of_fold(self, fold: int, parents: Sequence[Digest]) -> Joint:
        """How the rows of a fold are joined, as if they were new rows: by what was chosen on the other folds.

        Args:
            parents: digests of the parents as they are of that fold, in the order of the joint's.
        """
        kept: dict[str, Any] = dict(self.artifacts)
        own = {name: [] if name.startswith("fold_") else item for name, item in kept.items()}
        for name, item in kept.items():
            if name.startswith("fold_") and item:
                one = name.removeprefix("fold_")
                own[one if one in kept else one.removesuffix("s")] = item[fold]
        weights = self.fold_weights[fold] if self.fold_weights else self.weights
        return Joint(how=self.how, parents=tuple(parents), weights=weights, artifacts=Artifacts(**own))  # type: ignore[typeddict-item]

    def to_json(self) -> dict[str, Any]:
        """The joint as JSON."""
        return {
            "how": self.how,
            "parents": list(self.parents),
            "weights": list(self.weights),
            "fold_weights": [list(row) for row in self.fold_weights],
            "artifacts": dict(self.artifacts),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Joint:
        """The inverse of `to_json`. Raises ContentRefused where it is no joint."""
        return typed(cls, value)

    def amiss(self) -> str:
        """What is wrong between its values, which types do not tell."""
        if self.how not in JOINS:
            return f"how: {self.how!r} is no way to join; {nearest(self.how, JOINS)}"
        if not self.parents or any(len(row) != len(self.parents) for row in (self.weights, *self.fold_weights)):
            return f"expected parents, and a weight for each of {len(self.parents)}"
        missing = [name for name in self.join.artifacts if name not in self.artifacts]
        if missing:
            return f"artifacts.{missing[0]} is missing"
        kept = self.artifacts
        listed = [kept.get("thresholds"), kept.get("handicaps"), kept.get("asked"), kept.get("scorers") or None]
        by_fold: list[Sequence[Sequence[Any]]] = [
            kept.get("fold_thresholds", ()),
            kept.get("fold_handicaps", ()),
            kept.get("fold_asked", ()),
            kept.get("fold_scorers", ()),
        ]
        of_parents: list[Sequence[Any]] = [each for each in (*listed, *chain(*by_fold)) if each is not None]
        if any(len(each) != len(self.parents) for each in of_parents) or any(
            len(each) not in (0, len(self.fold_weights)) for each in by_fold
        ):
            return f"artifacts: expected a threshold and a share for each of {len(self.parents)}, in each fold"
        if wrong := self._mixes_amiss():
            return wrong
        last = [kept.get("last", 0), *kept.get("fold_last", ())]
        if any(not 0 <= place < len(self.parents) for place in last) or kept.get("rounds", 1) < 1:
            return f"artifacts: expected who of {len(self.parents)} has the last word, and a round or more"
        return ""

    def _mixes_amiss(self) -> str:
        mixes = self.artifacts.get("fold_mixes", ())
        if len(mixes) not in (0, len(self.fold_weights)):
            return f"artifacts.fold_mixes: expected one for each of {len(self.fold_weights)} folds"
        for each in (self.artifacts.get("mix", {}), *mixes):
            layers, density = each.get("layers", ()), each.get("density", 1.0)
            if not 0 < density <= 1 or any(len(row) != len(self.parents) or min(row) < 0 for row in layers):
                return f"artifacts.mix: expected a density of at most 1, and layers with {len(self.parents)} weights"
        return ""
