"""What predicting with a joint reads, by way to join (`core.joins.Join.needs`)."""

from __future__ import annotations

from collections.abc import Sequence

from concours.core.digests import Digest
from concours.core.joins import Needs
from concours.core.joint import Joint


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
