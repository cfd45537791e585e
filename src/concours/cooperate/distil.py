"""Distillation: one model learns from what an alliance of any models predicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from concours.cooperate.joining import Joining, out_of_fold, outcome, targets
from concours.core.entrant import Candidate, Entrant
from concours.core.job import Job
from concours.core.joint import Artifacts, Student
from concours.core.lineage import lineage, row_s_of
from concours.core.process import Memo, Plan, unfinished

LESSONS = {"temperature": 1.0, "mix": 0.5, "made": 0}
"""How a student is taught unless somebody says otherwise: what did best in `benchmarks/distil.py`."""

QUICK = 0.1
"""The share of the time of its teachers that a student may take, where nobody names one."""


@dataclass(frozen=True, kw_only=True)
class Distil(Joining):
    """A student learns the mean of what its teachers, the candidates, predict (Hinton, Vinyals and Dean 2015).

    It is a recipe of an entrant on the board, which stands there beside it, and is fitted fold by fold: on the rows of
    the fit with what the teachers' models of that fold predict of them, mixed with their true labels, and on rows that
    are made of near rows (MUNGE: Bucila, Caruana and Niculescu-Mizil 2006), or were given without labels.

    Options: `student`, the name of an entrant, by default the best of those that take a tenth of the teachers' time;
    `params`, in which it differs from that; `temperature` by which probabilities are softened; `mix`, how much the true
    label counts; `made`, how many rows are made of each; `unlabelled`, the digest of rows that were given.
    """

    how: ClassVar[str] = "distil"

    def plan(self, state: Memo) -> Plan:
        return unfinished(state, [] if self._refusal(state) or self._named(state) else [self._look(state)])

    def result(self, state: Memo) -> Entrant:
        """The student.

        Raises:
            ValueError: nobody can be taught, or somebody cannot teach; the message says why.
        """
        if why := self._refusal(state):
            raise ValueError(why)
        chosen = self._named(state) or self._best(state)
        entrant = chosen.entrant
        params = {**entrant.params, **self.options.get("params", {})}
        student = Student(recipe=entrant.recipe, params=params, code=chosen.code)
        lessons = {**LESSONS, "unlabelled": None, **{k: v for k, v in self.options.items() if k not in _WHO}}
        if "columns" not in self.problem.input.can:
            lessons["made"] = 0
        even = [1 / len(state.candidates)] * len(state.candidates)
        kept = Artifacts(student=student, lessons=lessons)
        return self.alliance("distil", state.candidates, even, (), kept, prepare=entrant.prepare)

    def told(self, state: Memo) -> str:
        if self._named(state):
            return ""
        chosen = self._best(state)
        few = chosen.entrant.digest in {one.entrant.digest for one in self._quick(state)}
        why = (
            "the best that takes a tenth of their time" if few else "the quickest, as none takes a tenth of their time"
        )
        return f"{self.called} teaches {chosen.entrant.name}, {why}; name another as its student"

    def _named(self, state: Memo) -> Candidate | None:
        name = self.options.get("student")
        return next((one for one in self.known.values() if one.entrant.name == name), None)

    def _refusal(self, state: Memo) -> str:
        name = self.options.get("student")
        if name and not self._named(state):
            return f"its student {name} is not there"
        if self.options.get("made") and "columns" not in self.problem.input.can:
            return "rows can be made of tables alone; leave `made` out, and name a file of `unlabelled` rows"
        if not name and not self._pupils():
            return "no fitted entrant is there to be taught"
        return next(filter(None, (self._cannot_teach(one) for one in self._teachers(state))), "")

    def _teachers(self, state: Memo) -> list[Candidate]:
        return list(
            {d: c for one in state.candidates for d, c in lineage(one, self.known, asked=False).items()}.values()
        )

    def _cannot_teach(self, one: Candidate) -> str:
        """Why somebody cannot be asked about other rows by a model that has not seen a fold; nothing of who can."""
        name, had, joint = one.entrant.name, one.entrant.had, one.entrant.joint
        if not had.answers:
            return f"{name} cannot teach, as its predictions are in a file"
        if had.calls or (joint and joint.join.of_models):
            return f"{name} cannot teach, as it is asked in words"
        if joint is None:
            return ""
        even = all(row == joint.weights for row in joint.fold_weights)
        if joint.join.own and not even:
            return f"{name} cannot teach, as what it is merged of was chosen on all rows"
        if self.problem.repeats > 1 and not even:
            return f"{name} cannot teach where there are several divisions: its weights are of the folds of the first"
        return ""

    def _pupils(self) -> list[Candidate]:
        return [one for one in self.known.values() if one.entrant.role == "single" and one.entrant.had.fitted]

    def _best(self, state: Memo) -> Candidate:
        values = outcome(state, self._look(state))
        pupils = self._pupils()
        able = [i for i in range(len(pupils)) if values["teachable"][i]]
        if not able:
            raise ValueError("nobody can be taught: no fit takes weights of rows (sample_weight)")
        quick = [one.entrant.digest for one in self._quick(state)]
        some = [i for i in able if pupils[i].entrant.digest in quick]
        if some:
            return pupils[min(some, key=lambda i: values["losses"][i])]
        return pupils[min(able, key=lambda i: row_s_of(pupils[i], self.known) or 0.0)]

    def _quick(self, state: Memo) -> list[Candidate]:
        """Who takes a tenth of the time that all teachers take, as far as that was measured."""
        times = [row_s_of(one, self.known) for one in state.candidates]
        most = QUICK * sum(time or 0.0 for time in times)
        return [one for one in self._pupils() if (time := row_s_of(one, self.known)) is not None and time <= most]

    def _look(self, state: Memo) -> Job:
        pupils: Sequence[Candidate] = self._pupils()
        inputs: dict[str, Any] = {**targets(self.problem), **out_of_fold(pupils)}
        return Job(
            runner="pupils",
            inputs={**inputs, **{f"model{i}": one.models[0] for i, one in enumerate(pupils)}},
            params={**self.problem.measuring(1), "recipes": sorted({one.entrant.recipe for one in pupils})},
            label=f"{self.called}: who can be taught",
        )


_WHO = ("student", "params")
