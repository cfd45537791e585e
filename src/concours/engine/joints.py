"""How the predictions of an alliance's members for new rows are joined, by way to join (`core.joint.Join.run`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from concours.core.digests import Digest
from concours.core.entrant import Entrant
from concours.core.joint import Joint, meta_learners
from concours.core.registry import load
from concours.engine.deterministic import deterministic
from concours.engine.meta_learners import MetaLearner
from concours.kernels.joining.blending import blend

Floats = NDArray[np.float64]
Learner = Callable[[Digest], MetaLearner]


def joined(entrant: Entrant, joint: Joint, members: Iterable[Floats], learner: Learner) -> Floats:
    """Predictions (rows, outputs) of an alliance from those of the members that its joint needs, in their order."""
    predictions: Floats = load(joint.join.run)(entrant, joint, members, learner)
    return predictions


def by_weights(entrant: Entrant, joint: Joint, members: Iterable[Floats], learner: Learner) -> Floats:  # noqa: ARG001
    """By the entrant's rule, one member in memory at a time."""
    weights = np.asarray([weight for weight in joint.weights if weight], dtype=np.float64)
    return blend(members, weights, rule=entrant.recipe)


def by_meta_learner(entrant: Entrant, joint: Joint, members: Iterable[Floats], learner: Learner) -> Floats:  # noqa: ARG001
    """By the trees that learned from the members."""
    said = list(members)
    (model,) = meta_learners(joint, by_fold=False)
    with deterministic(threads=1, seed=0):
        return learner(model).predict(said)
