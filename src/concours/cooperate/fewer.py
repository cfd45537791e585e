"""Alliances without the members that add nothing to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from concours.cooperate.joining import Joining, all_and_each, out_of_fold, outcome, targets
from concours.core.entrant import Candidate, Entrant
from concours.core.job import Job
from concours.core.lineage import member
from concours.core.process import Memo, Plan, unfinished

_BY_WEIGHTS = "concours.compete.joined:by_weights"


@dataclass(frozen=True, kw_only=True)
class PruneMembers(Joining):
    """The members of one alliance, or all candidates with even weights, of whom those leave that add nothing.

    By backward elimination on out-of-fold predictions (`kernels.joining.elimination`), with the alliance's own weights,
    scaled; for the rows of a fold on the other folds, with the weights of that fold.
    """

    how: ClassVar[str] = "prune-members"

    def plan(self, state: Memo) -> Plan:
        return unfinished(state, [] if self._refusal(state) else self._jobs(state))

    def result(self, state: Memo) -> Entrant:
        """The smaller alliance.

        Raises:
            ValueError: there are no members to leave; the message says why.
        """
        if why := self._refusal(state):
            raise ValueError(why)
        members, rule, weights = self._whole(state)
        found = [outcome(state, job)["stay"] for job in self._jobs(state)]
        left = [_left(each, stay) for each, stay in zip(weights, found, strict=True)]
        used = [i for i in range(len(members)) if any(row[i] for row in left)]
        chosen = [[row[i] for i in used] for row in left]
        return self.alliance(rule, [members[i] for i in used], chosen[0], chosen[1:])

    def told(self, state: Memo) -> str:
        members, _, weights = self._whole(state)
        stay = outcome(state, self._jobs(state)[0])["stay"]
        gone = [c.entrant.name for i, c in enumerate(members) if weights[0][i] and i not in stay]
        who = (
            f"{' and '.join(gone)}, which add{'s' * (len(gone) == 1)} nothing"
            if gone
            else "nobody: each adds something"
        )
        return f"{self.called} leaves out {who}"

    def _refusal(self, state: Memo) -> str:
        if len(state.candidates) > 1:
            return ""
        entrant = state.candidates[0].entrant
        if entrant.joint is None or entrant.joint.join.fit != _BY_WEIGHTS or entrant.joint.join.own:
            return f"{entrant.name} has no members with weights, of whom some could leave"
        return ""

    def _whole(self, state: Memo) -> tuple[Sequence[Candidate], str, list[list[float]]]:
        """Members, by which rule they are joined, and with which weights, for all rows and for those of each fold."""
        count, folds = len(state.candidates), len(self.problem.crossing)
        if count > 1:
            return state.candidates, self.problem.output.joins[0], [[1 / count] * count] * (folds + 1)
        entrant = state.candidates[0].entrant
        joint = entrant.joint
        if joint is None:
            raise ValueError(f"{entrant.name} has no members")
        by_fold = joint.fold_weights or (joint.weights,) * folds
        members = [member(self.known, digest) for digest in joint.parents]
        return members, entrant.recipe, [list(row) for row in (joint.weights, *by_fold)]

    def _jobs(self, state: Memo) -> list[Job]:
        members, rule, weights = self._whole(state)
        return [
            Job(
                runner="eliminate",
                inputs={**targets(self.problem), **out_of_fold(members)},
                params={**self.problem.measuring(1), "rule": rule, "weights": each, "without_fold": fold},
                threads=self.threads,
                label=self.labelled("eliminate", fold),
            )
            for fold, each in zip(all_and_each(self.problem), weights, strict=True)
        ]


def _left(weights: Sequence[float], stay: Sequence[int]) -> list[float]:
    whole = sum(weights[i] for i in stay)
    return [weight / whole if i in stay else 0.0 for i, weight in enumerate(weights)]
