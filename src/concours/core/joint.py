"""Joints: how the parents of an alliance are joined, and the table of the ways to join.

A way to join is a row of `JOINS`: it names, as `module:attribute`, what does each part of the work, so that a new way
is a new row, and no code asks which way an alliance is of.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Literal, NotRequired, TypedDict

from concours.core.digests import Digest
from concours.core.errors import nearest
from concours.core.frozen import frozen
from concours.core.registry import Registry, load
from concours.core.typed import typed


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
    are the `rounds` of reading, and the numbers of the parents that have the last word, `last` and `fold_last`.
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


_TOLD = ("curve", "chosen")
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
        last = [kept.get("last", 0), *kept.get("fold_last", ())]
        if any(not 0 <= place < len(self.parents) for place in last) or kept.get("rounds", 1) < 1:
            return f"artifacts: expected who of {len(self.parents)} has the last word, and a round or more"
        return ""


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What predicting with a joint reads.

    Attributes:
        parents: those whose predictions count, in the order of the joint's.
        objects: digests of what it keeps itself.
        sometimes: those of the parents that are asked about some rows only, by what others told of them or by the rows.
        shares: (parents,), the share of the rows that each is asked about; empty where all are about all.
    """

    parents: tuple[Digest, ...]
    objects: tuple[Digest, ...] = ()
    sometimes: tuple[Digest, ...] = ()
    shares: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Join:
    """A way to join: who does what for it, each as `module:attribute`.

    Attributes:
        what: the way, in words for people.
        of: what of the parents is joined: their predictions; their weights, so that it has models of its own, as a
            single entrant has; or calls, where who is asked depends on the row, or on what was answered of it.
        plan: the process that chooses members and finds what they are joined by (`cooperate.joining.Joining`).
        fit: makes the job that joins the parents' kept predictions for the board (`compete.joined`).
        run: joins the parents' predictions of new rows (`engine.joints`).
        needs: what predicting with it reads, as `Needs`.
        credit: how coalitions of its members are joined, as `cooperate.terms.Terms`.
        cost: what it takes, as `core.lineage.Cost`.
        artifacts: what it keeps, of `Artifacts`.
        can: what the output must be able to (`core.kind.Output.can`).
        of_rows: what rows must be able to (`core.kind.Input.can`), where it reads the rows themselves: then `fit` gets
            them too, as inputs `x` and, of the test part, `test_x`.
        of_models: whether it asks the parents anew: then `fit` gets their models too, as inputs `model0`, ….
        rounds: of reading what others say, unless somebody says otherwise; 0 where nobody reads.
        usual: whether it is taken where no strategies are named.
        limited: whether it keeps declared limits, and is taken where there are any.
        even: whether all members weigh the same.
        calibrated: whether its probabilities are corrected as an entrant's are.
    """

    what: str
    plan: str
    of: Literal["predictions", "weights", "calls"] = "predictions"
    fit: str = "concours.compete.joined:by_weights"
    run: str = "concours.engine.joints:by_weights"
    needs: str = "concours.core.joint:those_with_a_weight"
    credit: str = "concours.cooperate.terms:kept_weights"
    cost: str = "concours.core.lineage:added_up"
    artifacts: tuple[str, ...] = ()
    can: tuple[str, ...] = ()
    of_rows: tuple[str, ...] = ()
    of_models: bool = False
    rounds: int = 0
    usual: bool = True
    limited: bool = False
    even: bool = False
    calibrated: bool = True

    @property
    def chooses(self) -> bool:
        """Whether who is asked depends on the row, so that costs count."""
        return self.of == "calls" and not self.rounds

    def suits(self, can: Container[str], rows: Container[str] = ()) -> bool:
        """Whether it can join predictions of an output that can do that, of rows that can do that."""
        return all(need in can for need in self.can) and all(need in rows for need in self.of_rows)


_OWN: Mapping[str, Join] = {
    "average": Join(
        what="the plain mean of the members’ predictions",
        plan="concours.cooperate.blends:Average",
        even=True,
    ),
    "vote": Join(
        what="each member has one vote",
        plan="concours.cooperate.blends:Vote",
        can=("vote",),
        even=True,
        calibrated=False,
    ),
    "majority": Join(
        what="a vote of what members say, weighted by what each is worth",
        plan="concours.cooperate.blends:Majority",
        can=("majority",),
    ),
    "greedy": Join(
        what="members are added one at a time, each time the one that helps most (Caruana et al. 2004)",
        plan="concours.cooperate.blends:Greedy",
    ),
    "stack": Join(
        what="weights with which the members together lose least: a pool of log probabilities, or a sum of numbers",
        plan="concours.cooperate.blends:Stack",
        credit="concours.cooperate.terms:weights_found_again",
        can=("weigh",),
    ),
    "stack-boosted": Join(
        what="trees boosted on the members’ predictions; shares are of what their splits gained",
        plan="concours.cooperate.boosted:BoostedStack",
        fit="concours.compete.joined:by_meta_learners",
        run="concours.engine.joints:by_meta_learner",
        needs="concours.core.joint:all_and_the_learner",
        credit="concours.cooperate.terms:meta_learners",
        artifacts=("model", "fold_models"),
        can=("boost",),
        usual=False,
    ),
    "budgeted": Join(
        what="members are added one at a time, within declared limits of what predicting costs",
        plan="concours.cooperate.budgeted:Budgeted",
        artifacts=("limits", "uses"),
        can=("sum",),
        usual=False,
        limited=True,
    ),
    "cascade": Join(
        what="the cheapest member is asked first, and each dearer one only about what those before were not sure of",
        of="calls",
        plan="concours.cooperate.cascade:Cascade",
        fit="concours.compete.joined:by_asking",
        run="concours.engine.joints:by_asking",
        needs="concours.core.joint:one_after_the_other",
        credit="concours.cooperate.terms:kept_thresholds",
        artifacts=("thresholds", "fold_thresholds", "asked", "fold_asked"),
        can=("cascade",),
        usual=False,
    ),
    "select": Join(
        what="each row has the answer of one member, by what speaks for each: who else says so, and what it is like",
        plan="concours.cooperate.select:Select",
        fit="concours.compete.joined:by_selecting",
        run="concours.engine.joints:by_selecting",
        needs="concours.core.joint:all_of_them",
        credit="concours.cooperate.terms:kept_scorers",
        artifacts=("scorers", "fold_scorers"),
        can=("select",),
        of_rows=("words",),
        usual=False,
    ),
    "route": Join(
        what="each row goes to one member, by what its words tell of how members will score on it, and what these cost",
        of="calls",
        of_rows=("words",),
        plan="concours.cooperate.route:Route",
        fit="concours.compete.joined:by_routing",
        run="concours.engine.joints:by_routing",
        needs="concours.core.joint:one_of_them",
        credit="concours.cooperate.terms:kept_routers",
        artifacts=("model", "fold_models", "handicaps", "fold_handicaps", "asked", "curve", "chosen"),
        usual=False,
    ),
    "mixture": Join(
        what="one language model reads what all said, and has the last word",
        of="calls",
        of_rows=("words",),
        of_models=True,
        rounds=1,
        plan="concours.cooperate.talks:Mixture",
        fit="concours.compete.joined:by_talking",
        run="concours.engine.joints:by_talking",
        credit="concours.cooperate.terms:of_nobody",
        artifacts=("rounds", "last", "fold_last"),
        usual=False,
        calibrated=False,
    ),
    "debate": Join(
        what="language models read what the others said and may change their minds, until they agree; then they vote",
        of="calls",
        of_rows=("words",),
        of_models=True,
        rounds=2,
        plan="concours.cooperate.talks:Debate",
        fit="concours.compete.joined:by_talking",
        run="concours.engine.joints:by_talking",
        credit="concours.cooperate.terms:of_nobody",
        artifacts=("rounds", "last", "fold_last"),
        usual=False,
        even=True,
        calibrated=False,
    ),
    "soup": Join(
        what="the mean of the weights of networks of one architecture that began alike (Wortsman et al. 2022)",
        of="weights",
        can=("sum",),
        plan="concours.cooperate.soups:Soup",
        needs="concours.core.joint:only_itself",
        credit="concours.cooperate.terms:merged_again",
        cost="concours.core.lineage:of_its_own",
        usual=False,
        even=True,
    ),
    "soup-greedy": Join(
        what="the same of those networks that make it no worse, the best first",
        of="weights",
        can=("sum",),
        plan="concours.cooperate.soups:GreedySoup",
        needs="concours.core.joint:only_itself",
        credit="concours.cooperate.terms:merged_again",
        cost="concours.core.lineage:of_its_own",
        usual=False,
    ),
}

JOINS = Registry("joins", _OWN, of=Join)
"""The ways to join, by name, in the order in which they are made."""


def those_with_a_weight(joint: Joint) -> Needs:
    """Who has no weight is not asked."""
    return Needs(parents=tuple(p for p, weight in zip(joint.parents, joint.weights, strict=True) if weight))


def one_after_the_other(joint: Joint) -> Needs:
    """Who is asked about no row is not needed; the first is asked about all rows."""
    asked = [(p, share) for p, share in zip(joint.parents, joint.artifacts["asked"], strict=True) if share]
    parents, shares = zip(*asked, strict=True)
    return Needs(parents=parents, sometimes=parents[1:], shares=shares)


def all_of_them(joint: Joint) -> Needs:
    """Who is never right is heard too: others are believed by whether it agrees."""
    return Needs(parents=joint.parents)


def one_of_them(joint: Joint) -> Needs:
    """The router says whom; where one member answers everything nobody asks the router."""
    kept = those_with_a_weight(joint).parents
    if len(kept) == 1:
        return Needs(parents=kept)
    shares = tuple(weight for weight in joint.weights if weight)
    return Needs(parents=kept, objects=(joint.artifacts["model"],), sometimes=kept, shares=shares)


def only_itself(joint: Joint) -> Needs:  # noqa: ARG001
    """What was merged has models of its own."""
    return Needs(parents=())


def all_and_the_learner(joint: Joint) -> Needs:
    """A meta-learner hears everybody."""
    return Needs(parents=joint.parents, objects=(joint.artifacts["model"],))


def meta_learners(joint: Joint, *, by_fold: bool) -> Sequence[Digest]:
    """The meta-learner for new rows, or those for the rows of the folds."""
    return list(joint.artifacts["fold_models"]) if by_fold else [joint.artifacts["model"]]
