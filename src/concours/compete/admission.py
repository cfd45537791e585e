"""Admission: whether the recipe of each candidate leads to an estimator, found out before anything is fitted."""

from __future__ import annotations

from dataclasses import dataclass

from concours.core.entrant import Candidate
from concours.core.event import Failed
from concours.core.job import Job
from concours.core.problem import Problem
from concours.core.process import Memo, MemoProcess, Plan, unfinished


@dataclass(frozen=True, kw_only=True)
class Admission(MemoProcess):
    """One small job a candidate: import the recipe and build the estimator with its parameters."""

    problem: Problem

    def plan(self, state: Memo) -> Plan:
        return unfinished(state, [self._check(candidate) for candidate in state.candidates])

    def refusals(self, state: Memo) -> dict[str, Failed]:
        """How the check of each refused candidate failed, by the candidate's name."""
        endings = {c.entrant.name: state.ended(self._check(c)) for c in state.candidates}
        return {name: event for name, event in endings.items() if isinstance(event, Failed)}

    def unweighted(self, state: Memo) -> frozenset[str]:
        """Names of the candidates whose fit takes no weights of rows, where rows have some."""
        if not self.problem.train.weights:
            return frozenset()
        done = {c.entrant.name: state.done(self._check(c)) for c in state.candidates}
        return frozenset(name for name, event in done.items() if event and not event.values["sample_weight"])

    def one_by_one(self, state: Memo) -> dict[str, list[str]]:
        """By name, the parameters by which candidates set rows apart one by one, where rows belong together."""
        if not self.problem.train.groups:
            return {}
        done = {c.entrant.name: state.done(self._check(c)) for c in state.candidates}
        return {name: told for name, event in done.items() if event and (told := event.values["one_by_one"])}

    def _check(self, candidate: Candidate) -> Job:
        entrant = candidate.entrant
        return Job(
            kind="check",
            inputs={"code": candidate.code} if candidate.code else {},
            params={
                "recipe": entrant.recipe,
                "params": dict(entrant.params),
                "classes": len(self.problem.classes),
                **self.problem.labelling(entrant.params, candidate.code),
            },
            label=f"{entrant.name}: check",
        )
