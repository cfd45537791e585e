"""How the predictions of an alliance's members for new rows are joined, by way to join (`core.joins.Join.run`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core.digests import Digest
from concours.core.entrant import Entrant
from concours.core.errors import DataError
from concours.core.joint import Joint
from concours.core.needed import meta_learners
from concours.core.registry import load
from concours.engine.deterministic import deterministic
from concours.engine.evidence import Heard
from concours.engine.meta_learners import Learner as Learned
from concours.engine.routers import Router
from concours.engine.selecting import selected
from concours.engine.sent import Ask, sent
from concours.engine.talks import TALKS, Says, Talk
from concours.engine.turns import Confidence, in_turn
from concours.engine.worded import as_one_text
from concours.kernels.joining.scorers import Scorer
from concours.tasks.outputs.output import OutputKind, Values

Floats = NDArray[np.float64]
Learner = Callable[[Digest], Learned]


@dataclass(frozen=True, kw_only=True)
class Asking:
    """What an alliance joins, for so many rows.

    Attributes:
        members: those that its joint needs, in their order.
        x: gives the rows.
        models: of each member, what can be asked in words anew; none of others.
        learner, router: the meta-learner, or router, of a digest.
        output: of the task.
    """

    rows: int
    members: Sequence[Ask]
    models: Sequence[Callable[[], Any] | None]
    x: Callable[[], Any]
    learner: Learner
    router: Callable[[Digest], Router]
    output: OutputKind

    def all(self) -> Iterator[Values]:
        """What each member predicts for all rows."""
        rows = np.arange(self.rows)
        return (ask(rows) for ask in self.members)


def joined(entrant: Entrant, joint: Joint, asking: Asking) -> Values:
    """Predictions (rows, …) of an alliance; no member is asked about more rows than the way to join wants."""
    return load(joint.join.run)(entrant, joint, asking)


def by_weights(entrant: Entrant, joint: Joint, asking: Asking) -> Values:
    """By the entrant's rule, one member in memory at a time."""
    weights = np.asarray([weight for weight in joint.weights if weight], dtype=np.float64)
    return asking.output.join(entrant.recipe, asking.all(), weights)


def by_asking(entrant: Entrant, joint: Joint, asking: Asking) -> Values:  # noqa: ARG001
    """By whoever is sure enough, in turn."""
    kept, some = joint.artifacts, np.flatnonzero(joint.artifacts["asked"]).tolist()
    confidence = Confidence.of_some(asking.output, kept.get("scorers", ()), some)
    texts = as_one_text(asking.x()) if confidence.scorers else []
    return in_turn(asking.members, [kept["thresholds"][i] for i in some], asking.rows, confidence, texts)[0]


def by_selecting(entrant: Entrant, joint: Joint, asking: Asking) -> Values:  # noqa: ARG001
    """By the answers for which most speaks."""
    scorers = [Scorer.from_json(one) for one in joint.artifacts["scorers"]]
    return selected(scorers, Heard(output=asking.output, told=list(asking.all()), texts=as_one_text(asking.x())))


def by_routing(entrant: Entrant, joint: Joint, asking: Asking) -> Values:  # noqa: ARG001
    """By whom the router names for each row."""
    if len(asking.members) == 1:
        return asking.members[0](np.arange(asking.rows))
    (model,) = meta_learners(joint, by_fold=False)
    some = [place for place, weight in enumerate(joint.weights) if weight]
    with deterministic(threads=1, seed=0):
        whom = asking.router(model).whom(asking.x(), joint.weights, joint.artifacts["handicaps"])
    return sent(np.searchsorted(some, whom), asking.members)


def by_talking(entrant: Entrant, joint: Joint, asking: Asking) -> Values:  # noqa: ARG001
    """By asking again whom can be asked, with what others say."""
    kept, said = joint.artifacts, list(asking.all())
    talk = Talk(x=asking.x(), said=said, says=[_says(model) for model in asking.models], output=asking.output)
    return TALKS[joint.how].rounds(talk, np.full(asking.rows, kept["last"]), kept["rounds"])


def _says(model: Callable[[], Any] | None) -> Says | None:
    return None if model is None else lambda rows, x: model().predict(x)


def as_sites_say(entrant: Entrant, joint: Joint, asking: Asking) -> Values:  # noqa: ARG001
    """Nobody here can: the models are at the sites.

    Raises:
        DataError: says so.
    """
    raise DataError(
        f"{entrant.name} is a model at each site, of which none knows whose new rows are; predict with the federated "
        "model, by --with federated"
    )


def by_meta_learner(entrant: Entrant, joint: Joint, asking: Asking) -> Floats:  # noqa: ARG001
    """By what learned from the members."""
    said = list(asking.all())
    (model,) = meta_learners(joint, by_fold=False)
    with deterministic(threads=1, seed=0):
        return asking.learner(model).predict(said)
