"""Soups: networks of one architecture that began alike are merged, weight by weight, into one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

from concours.cooperate.joining import Joining, outcome, recipes_of, targets
from concours.core.digests import Digest
from concours.core.entrant import Candidate, Entrant
from concours.core.job import Job
from concours.core.needs import Needs
from concours.core.process import Memo, Plan, unfinished


@dataclass(frozen=True, kw_only=True)
class Soup(Joining):
    """All candidates of one architecture, with the same weight (Wortsman et al. 2022, "Model soups").

    Models are merged fold by fold, so that the soup is scored by rows that no model in it has seen. Of several
    architectures that counts which most candidates have, the first of equal ones; who is left out is told.
    """

    how: ClassVar[str] = "soup"

    def plan(self, state: Memo) -> Plan:
        return unfinished(state, [self._look(state)])

    def result(self, state: Memo) -> Entrant:
        """The alliance, of two candidates at least.

        Raises:
            ValueError: no two can be merged; the message says why.
        """
        members = self._alike(state)
        return self._soup(members, [1 / len(members)] * len(members))

    def told(self, state: Memo) -> str:
        left_out = self._left_out(state, {member.entrant.name for member in self._alike(state)})
        return f"{self.called} leaves out {left_out}" if left_out else ""

    def _soup(
        self, members: Sequence[Candidate], weights: Sequence[float], fold_weights: Sequence[Sequence[float]] = ()
    ) -> Entrant:
        return self.alliance("soup", members, weights, fold_weights, prepare=members[0].entrant.prepare)

    def _alike(self, state: Memo) -> list[Candidate]:
        """The candidates that are merged.

        Raises:
            ValueError: there are no two of one architecture; the message says why.
        """
        groups: dict[str, list[Candidate]] = {}
        for candidate, architecture in self._kinds(state):
            if architecture is not None:
                groups.setdefault(str((candidate.entrant.prepare, architecture)), []).append(candidate)
        members = max(groups.values(), key=len, default=[])
        if len(members) < 2:
            first = {member.entrant.name for member in members}
            there = f"there is {members[0].entrant.name}; not " if members else "not "
            raise ValueError(
                f"it merges two networks of one architecture or more: {there}{self._left_out(state, first)}"
            )
        return members

    def _left_out(self, state: Memo, members: set[str]) -> str:
        kinds = {c.entrant.name: kind for c, kind in self._kinds(state) if c.entrant.name not in members}
        without = [name for name, kind in kinds.items() if kind is None]
        others = [name for name, kind in kinds.items() if kind is not None]
        why = [f"{' and '.join(without)} (no weights that can be merged)"] if without else []
        why += [f"{' and '.join(others)} (another architecture)"] if others else []
        return ", ".join(why)

    def _kinds(self, state: Memo) -> list[tuple[Candidate, Any]]:
        """Each candidate with what it must share with others to be merged."""
        values = outcome(state, self._look(state))
        return list(zip(state.candidates, values["architectures"], strict=True))

    def _look(self, state: Memo) -> Job:
        return Job(
            runner="architectures",
            inputs=models_of(state.candidates),
            params={
                "models": [len(candidate.fold_models) for candidate in state.candidates],
                "recipes": recipes_of(state.candidates),
            },
            label=f"{self.called}: architectures",
        )


@dataclass(frozen=True, kw_only=True)
class GreedySoup(Soup):
    """Of those that can be merged the best first, and each other that makes the soup no worse, on out-of-fold rows.

    For the rows of a fold members are chosen on the other folds, as with `Greedy`.
    """

    how: ClassVar[str] = "soup-greedy"

    def plan(self, state: Memo) -> Plan:
        looked = state.done(look := self._look(state))
        jobs = [look]
        if looked:
            with suppress(ValueError):  # nobody to merge: `result` says so
                jobs.append(self._choose(state, self._alike(state)))
        return unfinished(state, jobs)

    def result(self, state: Memo) -> Entrant:
        """The alliance; of a single member where merging any other makes it worse.

        Raises:
            ValueError: no two can be merged, or the choice failed; the message says why.
        """
        alike = self._alike(state)
        values = outcome(state, self._choose(state, alike))
        picks = [values["members"], *values["by_fold"]]
        used = sorted({member for pick in picks for member in pick})
        weights = [[float(member in pick) / len(pick) for member in used] for pick in picks]
        return self._soup([alike[member] for member in used], weights[0], weights[1:])

    def _choose(self, state: Memo, alike: Sequence[Candidate]) -> Job:
        return Job(
            runner="choose_soup",
            inputs={**targets(self.problem), **models_of(alike)},
            params={
                **self.problem.measuring(1),
                "models": [len(candidate.fold_models) for candidate in alike],
                "recipe": alike[0].entrant.recipe,
                "params": dict(alike[0].entrant.params),
            },
            threads=self.threads,
            needs=Needs.of_params(alike[0].entrant.params),
            label=f"{self.called}: choose",
        )


def models_of(candidates: Sequence[Candidate]) -> Mapping[str, Digest]:
    """The inputs of a job that reads the models of the folds of candidates."""
    return {f"model{i}_{j}": m for i, c in enumerate(candidates) for j, m in enumerate(c.fold_models)}
