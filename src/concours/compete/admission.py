"""Admission: whether the recipe of each candidate leads to what can predict, found out before anything is fitted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from concours.core.entrant import Candidate
from concours.core.event import Failed
from concours.core.job import Job
from concours.core.needs import Needs
from concours.core.problem import Problem
from concours.core.process import Memo, MemoProcess, Plan, unfinished

E = TypeVar("E")


@dataclass(frozen=True, kw_only=True)
class Admission(MemoProcess):
    """One small job a candidate: import the recipe and build the estimator with its parameters, or load the model.

    Where predictions are in a file there is nothing to run, and no job.
    """

    problem: Problem

    def plan(self, state: Memo) -> Plan:
        return unfinished(state, self._checks(state).values())

    def refusals(self, state: Memo) -> dict[str, Failed]:
        """How the check of each refused candidate failed, by the candidate's name."""
        endings = self._each(state, state.ended)
        return {name: event for name, event in endings.items() if isinstance(event, Failed)}

    def unweighted(self, state: Memo) -> frozenset[str]:
        """Names of the candidates whose fit takes no weights of rows, where rows have some."""
        if not self.problem.train.weights:
            return frozenset()
        done = self._each(state, state.done)
        return frozenset(name for name, event in done.items() if event and not event.values["sample_weight"])

    def one_by_one(self, state: Memo) -> dict[str, list[str]]:
        """By name, the parameters by which candidates set rows apart one by one, where rows belong together."""
        if not self.problem.train.groups:
            return {}
        done = self._each(state, state.done)
        return {name: told for name, event in done.items() if event and (told := event.values["one_by_one"])}

    def mergeable(self, state: Memo) -> frozenset[str]:
        """Names of the candidates whose weights can be merged with those of others."""
        done = self._each(state, state.done)
        return frozenset(name for name, event in done.items() if event and event.values.get("mergeable"))

    def _each(self, state: Memo, of: Callable[[Job], E]) -> dict[str, E]:
        """Something of each candidate's check, by the candidate's name."""
        return {name: of(job) for name, job in self._checks(state).items()}

    def _checks(self, state: Memo) -> dict[str, Job]:
        """The check of each candidate that needs one, by the candidate's name."""
        checked = [c for c in state.candidates if c.entrant.had.checked]
        return {c.entrant.name: state.kept.once(i, None, partial(self._check, c)) for i, c in enumerate(checked)}

    def _check(self, candidate: Candidate) -> Job:
        entrant, labels = candidate.entrant, {"labels": list(self.problem.output.labels)}
        return Job(
            runner=self.problem.output.can.get("admit", entrant.had.checked),
            inputs={
                **({"code": candidate.code} if candidate.code else {}),
                **({} if entrant.had.fitted or entrant.had.calls else {"rows": self.problem.train.x}),
            },
            params={
                "recipe": entrant.recipe,
                "params": dict(entrant.params),
                "output": self.problem.output.told,
                **(self.problem.labelling(entrant.params, candidate.code) if entrant.had.fitted else labels),
            },
            label=f"{entrant.name}: check",
            needs=Needs.of_params(entrant.params),  # those of its fits: it is told at once if they cannot be done here
        )
