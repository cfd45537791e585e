"""Selection: all members are asked, and each row has the answer of the one for which most speaks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from concours.cooperate.joining import Joining, all_and_each, out_of_fold, outcome, targets
from concours.core.entrant import Entrant
from concours.core.job import Job
from concours.core.joint import Artifacts
from concours.core.process import Memo, Plan, unfinished


@dataclass(frozen=True, kw_only=True)
class Select(Joining):
    """A scorer a member tells what its answer will score, by whether the others agree, and what it is like.

    The answer of which most is expected stands (`engine.evidence`; after LLM-Blender, Jiang, Ren and Lin 2023, whose
    ranker compares answers in pairs). As with `Stack`, the rows of a fold are joined by scorers that were fitted on the
    other folds. The weight of a member is the share of the rows that have its answer; all members are asked.
    """

    how: ClassVar[str] = "select"

    def plan(self, state: Memo) -> Plan:
        return unfinished(state, [self._scorers(state, fold) for fold in all_and_each(self.problem)])

    def result(self, state: Memo) -> Entrant:
        """The alliance.

        Raises:
            ValueError: scorers could not be fitted; the message has the reason.
        """
        found = [outcome(state, self._scorers(state, fold)) for fold in all_and_each(self.problem)]
        scorers = [[[list(part) for part in one] for one in values["scorers"]] for values in found]
        shares = [list(values["shares"]) for values in found]
        kept = Artifacts(scorers=scorers[0], fold_scorers=scorers[1:])
        return self.alliance("select", state.candidates, shares[0], shares[1:], kept)

    def _scorers(self, state: Memo, fold: int | None) -> Job:
        train = self.problem.train
        return Job(
            runner="scorers",
            inputs={**targets(self.problem), **train.counting, **out_of_fold(state.candidates), "x": train.x},
            params={**self.problem.measuring(1), "without_fold": fold},
            threads=self.threads,
            label=self.labelled("scorers", fold),
        )
