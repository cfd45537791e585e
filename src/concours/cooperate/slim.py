"""Networks made smaller: cut, or with weights of a byte each, fold by fold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from concours.cooperate.joining import Joining, outcome, recipes_of
from concours.core.digests import Digest
from concours.core.entrant import Entrant
from concours.core.job import Job
from concours.core.joint import Artifacts
from concours.core.process import Memo, Plan, unfinished


@dataclass(frozen=True, kw_only=True)
class Prune(Joining):
    """The models of a network without a share of their units, or of their weights, trained on (`entrants.slim`).

    Each model is cut and trained on the rows that it was fitted on, so that the rows of a fold stay unseen. Options:
    `share`, how much is cut off.
    """

    how: ClassVar[str] = "prune"
    share: ClassVar[float] = 0.5

    def plan(self, state: Memo) -> Plan:
        return unfinished(state, [self._look(state)] if len(state.candidates) == 1 else [])

    def result(self, state: Memo) -> Entrant:
        """The smaller network.

        Raises:
            ValueError: there is no single network; the message says so.
        """
        if len(state.candidates) != 1:
            raise ValueError(f"it makes one network smaller; name it: of = [{', '.join(self._named(state))}]")
        if outcome(state, self._look(state))["architectures"] == [None]:
            raise ValueError(f"{self._named(state)[0]} has no weights of a network")
        (parent,) = state.candidates
        kept = Artifacts(slimmed=self._how())
        return self.alliance(self.how, [parent], [1.0], (), kept, prepare=parent.entrant.prepare)

    def _how(self) -> dict[str, Any]:
        return {"share": float(self.options.get("share", self.share))}

    def _named(self, state: Memo) -> list[str]:
        return [candidate.entrant.name for candidate in state.candidates]

    def _look(self, state: Memo) -> Job:
        models: dict[str, Digest] = {f"model0_{j}": model for j, model in enumerate(state.candidates[0].models)}
        return Job(
            runner="architectures",
            inputs=models,
            params={"models": [len(models)], "recipes": recipes_of(state.candidates)},
            label=f"{self.called}: architectures",
        )


@dataclass(frozen=True, kw_only=True)
class Quantize(Prune):
    """The models of a network with weights as whole numbers of a byte (`entrants.packed`); nothing is trained."""

    how: ClassVar[str] = "quantize"

    def _how(self) -> dict[str, Any]:
        return {"bytes": 1}
