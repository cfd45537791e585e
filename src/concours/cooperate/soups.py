"""Soups: networks of one architecture are merged, weight by weight, into one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

from concours.cooperate.joining import Joining, outcome, recipes_of, targets
from concours.core.digests import Digest
from concours.core.entrant import Candidate, Entrant
from concours.core.job import Job
from concours.core.joint import Artifacts
from concours.core.needs import Needs
from concours.core.process import Memo, Plan, unfinished
from concours.kernels.merging.mixes import Mix


@dataclass(frozen=True, kw_only=True)
class Soup(Joining):
    """All candidates of one architecture, with the same weight (Wortsman et al. 2022, "Model soups").

    Models are merged fold by fold, so that the soup is scored by rows that no model in it has seen. Of several
    architectures that counts which most candidates have, the first of equal ones; who is left out is told. Those that
    did not begin like most others are aligned with these (`engine.merging.Pot`), which is told too.
    """

    how: ClassVar[str] = "soup"
    begun: ClassVar[bool] = False
    """Whether only those are merged that began alike, and say with which weights."""

    def plan(self, state: Memo) -> Plan:
        return unfinished(state, [self._look(state)])

    def result(self, state: Memo) -> Entrant:
        """The alliance, of two candidates at least.

        Raises:
            ValueError: no two can be merged; the message says why.
        """
        members = self._alike(state)
        return self._soup(members, [Mix.even(range(len(members)), len(members))])

    def told(self, state: Memo) -> str:
        members = [member.entrant.name for member in self._alike(state)]
        said = [f"{self.called} leaves out {left_out}"] if (left_out := self._left_out(state, set(members))) else []
        return "; ".join([*said, *self._told_of(state, members)])

    def _told_of(self, state: Memo, members: Sequence[str]) -> list[str]:
        """What else is to be said: who is aligned first."""
        known = {name: told for name, told in self._known(state).items() if name in members}
        families: dict[str, list[str]] = {}
        for name, told in known.items():
            families.setdefault(str(told["beginnings"]), []).append(name)
        _, *others = sorted(families.values(), key=len, reverse=True) or [[]]
        apart = [name for name in members if any(name in family for family in others)]
        if not apart:
            return []
        names, aligned = " and ".join(apart), known[apart[0]]["aligned"]
        how = "aligned first" if aligned else "not aligned, as nothing says how"
        return [f"in {self.called} {names} began apart, and {'is' if len(apart) == 1 else 'are'} {how}"]

    def _soup(self, members: Sequence[Candidate], mixes: Sequence[Mix]) -> Entrant:
        """The alliance by a mix for new rows, and one for the rows of each fold where that was chosen."""
        used = sorted({place for mix in mixes for place in mix.members})
        whole, *by_fold = [mix.only(used) for mix in mixes]
        artifacts = Artifacts()
        if whole.kept:
            artifacts["mix"] = whole.kept
            if by_fold:
                artifacts["fold_mixes"] = [mix.kept for mix in by_fold]
        prepare, weights = members[0].entrant.prepare, [mix.weights for mix in by_fold]
        return self.alliance("soup", [members[i] for i in used], whole.weights, weights, artifacts, prepare=prepare)

    def _alike(self, state: Memo) -> list[Candidate]:
        """The candidates that are merged.

        Raises:
            ValueError: there are no two of one architecture; the message says why.
        """
        groups: dict[str, list[Candidate]] = {}
        known = self._known(state)
        for candidate in state.candidates:
            told = known[candidate.entrant.name]
            if told["architectures"] is not None and (told["firsts"] or not self.begun):
                key = [candidate.entrant.prepare, told["architectures"], told["beginnings"] if self.begun else None]
                groups.setdefault(str(key), []).append(candidate)
        members = max(groups.values(), key=len, default=[])
        if len(members) < 2:
            first = {member.entrant.name for member in members}
            there = f"there is {members[0].entrant.name}; not " if members else "not "
            which = ", that began alike," if self.begun else ""
            raise ValueError(
                f"it merges two networks of one architecture{which} or more: {there}{self._left_out(state, first)}"
            )
        return members

    def _left_out(self, state: Memo, members: set[str]) -> str:
        known = self._known(state)
        seen = [str(known[name]["architectures"]) for name in members]
        why: dict[str, list[str]] = {}
        for name, told in known.items():
            if name not in members:
                why.setdefault(self._why_not(told, seen), []).append(name)
        return ", ".join(f"{' and '.join(why[reason])} ({reason})" for reason in _WHY_NOT if reason in why)

    def _why_not(self, told: Mapping[str, Any], seen: Sequence[str]) -> str:
        if told["architectures"] is None:
            return _WHY_NOT[0]
        if not self.begun or (told["firsts"] and str(told["architectures"]) not in seen):
            return _WHY_NOT[1]
        alike = all(kind == "alike" for kind, *_ in told["beginnings"])
        return _WHY_NOT[3] if alike and not told["firsts"] else _WHY_NOT[2]

    def _known(self, state: Memo) -> dict[str, dict[str, Any]]:
        """What is known of each candidate, by name: what it must share with others to be merged, and what it tells."""
        values = outcome(state, self._look(state))
        names = [candidate.entrant.name for candidate in state.candidates]
        return {name: {what: each[place] for what, each in values.items()} for place, name in enumerate(names)}

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

    def _among(self, alike: Sequence[Candidate]) -> dict[str, Any]:
        """What a job is given that chooses among merged models of candidates: arguments of `Job`."""
        return {
            "inputs": {**targets(self.problem), **models_of(alike)},
            "params": {
                **self.problem.measuring(1),
                "models": [len(candidate.fold_models) for candidate in alike],
                "recipe": alike[0].entrant.recipe,
                "params": dict(alike[0].entrant.params),
            },
            "threads": self.threads,
            "needs": Needs.of_params(alike[0].entrant.params),
        }


_WHY_NOT = (
    "no weights that can be merged",
    "another architecture",
    "began apart",
    "nothing says with which weights it began",
)


@dataclass(frozen=True, kw_only=True)
class ChosenSoup(Soup):
    """A mix that one job chooses (`kernels.merging.choosing`): for the rows of a fold on the other folds."""

    by: ClassVar[str]

    def plan(self, state: Memo) -> Plan:
        looked = state.done(look := self._look(state))
        jobs = [look]
        if looked:
            with suppress(ValueError):  # nobody to merge: `result` says so
                jobs.append(self._choose(self._alike(state)))
        return unfinished(state, jobs)

    def result(self, state: Memo) -> Entrant:
        """The alliance; of a single member where merging any other makes it worse.

        Raises:
            ValueError: no two can be merged, or the choice failed; the message says why.
        """
        alike = self._alike(state)
        return self._soup(alike, self._chosen(state, alike))

    def _chosen(self, state: Memo, alike: Sequence[Candidate]) -> list[Mix]:
        values = outcome(state, self._choose(alike))
        return [Mix.of(each["weights"], each) for each in (values["mix"], *values["by_fold"])]

    def _choose(self, alike: Sequence[Candidate]) -> Job:
        given = self._among(alike)
        given["params"] |= {"by": self.by}
        return Job(runner="choose_mix", label=f"{self.called}: choose", **given)


@dataclass(frozen=True, kw_only=True)
class GreedySoup(ChosenSoup):
    """Of those that can be merged the best first, and each other that makes the soup no worse, on out-of-fold rows."""

    how: ClassVar[str] = "soup-greedy"
    by: ClassVar[str] = "greedy"


@dataclass(frozen=True, kw_only=True)
class Migrate(ChosenSoup):
    """One model that moves towards the best, or the mean of all: θ ← θ + β (θ* - θ).

    Which moves, whither and how far is chosen on out-of-fold rows.
    """

    how: ClassVar[str] = "migrate"
    by: ClassVar[str] = "migration"

    def _told_of(self, state: Memo, members: Sequence[str]) -> list[str]:
        alike = self._alike(state)
        weights = [round(weight, 6) for weight in self._chosen(state, alike)[0].weights]
        said = ", ".join(f"{w:.0%} {m.entrant.name}" for w, m in zip(weights, alike, strict=True) if w)
        alone = sum(map(bool, weights)) == 1
        move = f"{self.called} moves nobody: {said} scores best as it is" if alone else f"{self.called} moved to {said}"
        return [move, *super()._told_of(state, members)]


@dataclass(frozen=True, kw_only=True)
class Ties(ChosenSoup):
    """What all have learned since they began, trimmed, signs elected, and what agrees averaged (Yadav et al. 2023).

    All weigh the same; which share of what each learned is kept is chosen on out-of-fold rows.
    """

    how: ClassVar[str] = "ties"
    by: ClassVar[str] = "elected"
    begun: ClassVar[bool] = True

    def _told_of(self, state: Memo, members: Sequence[str]) -> list[str]:
        density = self._chosen(state, self._alike(state))[0].density
        return [f"{self.called} keeps {density:.0%} of what each has learned", *super()._told_of(state, members)]


def models_of(candidates: Sequence[Candidate]) -> Mapping[str, Digest]:
    """The inputs of a job that reads the models of the folds of candidates."""
    return {f"model{i}_{j}": m for i, c in enumerate(candidates) for j, m in enumerate(c.fold_models)}
