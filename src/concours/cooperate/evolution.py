"""Evolution: how networks of one architecture are merged, found by an evolution strategy on out-of-fold rows."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar

from concours.cooperate.joining import all_and_each
from concours.cooperate.soups import Soup
from concours.core.entrant import Candidate, Entrant
from concours.core.event import Done, Failed
from concours.core.job import Job
from concours.core.process import Memo, Plan, unfinished
from concours.core.seeds import derive_seed
from concours.kernels.merging.mixes import Mix

TRIALS = 100
"""How many mixes an evolution tries at most, unless somebody says otherwise."""


@dataclass(frozen=True, kw_only=True)
class Evolve(Soup):
    """Weights of each model in each of some groups of layers, as CMA-ES finds them (Hansen 2016; Akiba et al. 2025).

    One evolution on all rows gives the mix for new rows; one on the rows outside each fold that for the rows of the
    fold, so that they say nothing of how they are predicted. A generation is a job, which reads what those before it
    came to: so an evolution that was killed goes on, and where time is spent the best so far counts.
    """

    how: ClassVar[str] = "evolve"
    layers: ClassVar[int] = 3
    """Groups of layers at most, from the inputs on."""
    density: ClassVar[bool] = False
    """Whether models are merged by TIES, and of which density evolves too."""

    def plan(self, state: Memo) -> Plan:
        jobs = [look := self._look(state)]
        if state.done(look):
            with suppress(ValueError):  # nobody to merge: `result` says so
                jobs += [job for run in self._runs(state, self._alike(state)) if (job := run.next)]
        return unfinished(state, jobs)

    def result(self, state: Memo) -> Entrant:
        """The alliance.

        Raises:
            ValueError: no two can be merged, or an evolution failed, or had no time; the message says why.
        """
        alike = self._alike(state)
        runs = self._runs(state, alike)
        for run in runs:
            if run.failed and not (run.failed.budget_spent and run.done):
                raise ValueError(run.failed.reason)
        return self._soup(alike, [run.best for run in runs])

    def _told_of(self, state: Memo, members: Sequence[str]) -> list[str]:
        whole, *by_fold = self._runs(state, self._alike(state))
        kept = "" if whole.best.density is None else f", and keeps {whole.best.density:.0%} of what each has learned"
        least = min(run.tried for run in (whole, *by_fold))
        short = "" if least >= self._most else f"; time was spent after {least} of {self._most}"
        return [f"{self.called} is the best of {whole.tried} mixes{kept}{short}", *super()._told_of(state, members)]

    @property
    def _most(self) -> int:
        most: int = self.options.get("trials", TRIALS)
        return most

    def _runs(self, state: Memo, alike: Sequence[Candidate]) -> list[_Run]:
        """The evolution on all rows, and those on the rows outside each fold, as far as they have come."""
        return [self._run(state, alike, fold) for fold in all_and_each(self.problem)]

    def _run(self, state: Memo, alike: Sequence[Candidate], fold: int | None) -> _Run:
        done: Done | None = None
        tried = generation = 0
        while tried < self._most:
            job = self._generation(state, alike, fold, generation, tried, done)
            ended = state.ended(job)
            if not isinstance(ended, Done):
                return _Run(done=done, next=job, failed=ended)
            done, tried, generation = ended, ended.values["tried"], generation + 1
        return _Run(done=done)

    def _generation(
        self, state: Memo, alike: Sequence[Candidate], fold: int | None, number: int, tried: int, before: Done | None
    ) -> Job:
        given = self._among(alike)
        given["inputs"] |= {"past": before.outputs["past"]} if before else {}
        how = {
            "layers": self.layers,
            "density": self.density,
            "trials": self._most,
            "tried": tried,
            "without_fold": fold,
        }
        given["params"] |= how
        return Job(
            runner="evolve",
            seed=derive_seed(state.seed, "evolve", self.how, -1 if fold is None else fold, number),
            outputs=("past",),
            label=self.labelled(f"generation {number + 1}", fold),
            **given,
        )


@dataclass(frozen=True, kw_only=True)
class EvolveTies(Evolve):
    """The same of TIES: a weight of each model, and which share of what all have learned is kept."""

    how: ClassVar[str] = "evolve-ties"
    begun: ClassVar[bool] = True
    layers: ClassVar[int] = 1
    density: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class _Run:
    """How far one evolution has come.

    Attributes:
        done: its last generation, which knows the best of all.
        next: the generation that is wanted now, if one is; `failed` says how it ended.
    """

    done: Done | None
    next: Job | None = None
    failed: Failed | None = None

    @property
    def tried(self) -> int:
        return self.done.values["tried"] if self.done else 0

    @property
    def best(self) -> Mix:
        """The best mix so far.

        Raises:
            ValueError: no generation has ended.
        """
        if self.done is None:
            raise ValueError("no generation has ended")
        mix = self.done.values["mix"]
        return Mix.of(mix["weights"], mix)
